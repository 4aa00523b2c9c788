/**
 * Placing filesystems over names of a view, and taking them away (mount(2), umount(2) in spirit).
 */
import { errno } from "../posix/errno.ts";
import type { Context } from "./context.ts";
import type { Filesystem } from "./filesystem.ts";
import type { InodeId } from "./inodes.ts";
import { type Attachment, attachmentAt, type Place, walk } from "./walk.ts";

/** What can be attached: a filesystem from an inode of it downwards, or one file of it. */
export interface Source {
  readonly filesystem: Filesystem;
  /** The filesystem's root unless said otherwise. */
  readonly root?: InodeId;
}

/** The attachment at the root of a view. */
export function rootAttachment(filesystem: Filesystem, readOnly: boolean): Attachment {
  return { filesystem, root: filesystem.root, readOnly, point: undefined, inner: new Map() };
}

/** Attaches a source. The name need not exist; its directory must. Gives 0 or a negated error number. */
export function attach(context: Context, path: string, source: Source, readOnly: boolean): number {
  const found = walk(context.view, context.caller, path, "follow");
  const { directory, name } = found;
  if (found.error < 0 && found.error !== -errno.ENOENT) return found.error;
  if (directory === undefined) return found.error < 0 ? found.error : -errno.EBUSY;
  if (found.error === 0 && found.lastKind !== "normal") return -errno.EINVAL;
  const root = source.root ?? source.filesystem.root;
  if (found.error === 0) {
    const isDirectory = found.attachment.filesystem.kind(found.id) === "directory";
    if (isDirectory !== (source.filesystem.kind(root) === "directory")) return -errno.ENOTDIR;
  }
  if (attachmentAt(directory, name) !== undefined) return -errno.EBUSY;
  put(directory, name, { filesystem: source.filesystem, root, readOnly, inner: new Map() });
  source.filesystem.open(root, false);
  return 0;
}

function put(place: Place, name: string, parts: Omit<Attachment, "point">): Attachment {
  const attachment: Attachment = { ...parts, point: { place, name } };
  const { inner } = place.attachment;
  const names = inner.get(place.id);
  if (names === undefined) inner.set(place.id, new Map([[name, attachment]]));
  else names.set(name, attachment);
  return attachment;
}

/** Takes away what is attached at a path. EBUSY while files are open in it or something is attached within. */
export function detach(context: Context, path: string): number {
  const found = walk(context.view, context.caller, path, "follow");
  if (found.error < 0) return found.error;
  const { attachment } = found;
  const { point } = attachment;
  if (point === undefined || found.id !== attachment.root) return -errno.EINVAL;
  if (attachment.inner.size > 0) return -errno.EBUSY;
  for (const file of context.files.values()) if (file.place.attachment === attachment) return -errno.EBUSY;
  const { inner } = point.place.attachment;
  const names = inner.get(point.place.id);
  names?.delete(point.name);
  if (names?.size === 0) inner.delete(point.place.id);
  attachment.filesystem.close(attachment.root);
  return 0;
}

/** Attaches to another view, with the same root inode, whatever a view has attached. */
export function copyAttachments(from: Attachment, to: Attachment): void {
  for (const [id, names] of from.inner) {
    for (const [name, attachment] of names) {
      const { filesystem, root, readOnly } = attachment;
      filesystem.open(root, false);
      copyAttachments(
        attachment,
        put({ attachment: to, id }, name, { filesystem, root, readOnly, inner: new Map() }),
      );
    }
  }
}
