/**
 * What every call of a mount works on: the root of the view, the open files, and who calls.
 */
import type { Caller } from "../posix/caller.ts";
import { errno } from "../posix/errno.ts";
import type { FileTable, OpenFile } from "./file-table.ts";
import type { Filesystem } from "./filesystem.ts";
import type { InodeId } from "./inodes.ts";
import type { Attachment, Place } from "./walk.ts";

export interface Context {
  readonly view: Place;
  readonly caller: Caller;
  readonly files: FileTable;
}

/** Whether nothing may be changed through an attachment. */
export function isReadOnly(attachment: Attachment): boolean {
  return attachment.readOnly || attachment.filesystem.readOnly;
}

/** Whether `ancestor` is `id` or a directory above it, within one filesystem. */
export function isWithin(filesystem: Filesystem, id: InodeId, ancestor: InodeId): boolean {
  for (let at = id; ; ) {
    if (at === ancestor) return true;
    const parent = filesystem.parent(at);
    if (parent === at) return false;
    at = parent;
  }
}

/** The open file of a descriptor, or the error that any use of it gives. */
export function openFile(context: Context, fd: number): OpenFile | number {
  const file = context.files.get(fd);
  if (file === undefined) return -errno.EBADF;
  return file.generation === context.files.generation ? file : -errno.ESTALE;
}
