/**
 * Edits of names in the union: making, linking, removing and moving them.
 *
 * Every function checks first and acts then; what can fail for want of space fails before anything
 * changed. A moved lower directory keeps its id, so its content moves with it: nothing below it is
 * copied up (overlayfs says EXDEV here without redirect_dir).
 */
import { errno } from "../posix/errno.ts";
import type { NewInode, RenameMode } from "./filesystem.ts";
import type { InodeId } from "./inodes.ts";
import { LINK_MAX, type Union } from "./union.ts";
import { NO_INODE } from "./view.ts";

/** Makes an inode with a name that is free. */
export function make(union: Union, directory: InodeId, name: string, spec: NewInode): number {
  const full = union.inodeBudget();
  if (full < 0) return full;
  const id = union.create(spec);
  const inode = union.writable(id);
  inode.names = 1;
  const parent = union.writableDirectory(directory);
  if (inode.kind === "directory") {
    inode.parent = directory;
    inode.name = name;
    parent.subdirectories += 1;
  }
  union.bind(parent, directory, name, id);
  union.touch(parent, inode.mtime);
  return id;
}

/** Gives an inode that is no directory another name, which is free. */
export function link(union: Union, id: InodeId, directory: InodeId, name: string): number {
  if (union.view.names(id) >= LINK_MAX) return -errno.EMLINK;
  const now = union.clock();
  const inode = union.writable(id);
  inode.names += 1;
  inode.ctime = now;
  const parent = union.writableDirectory(directory);
  union.bind(parent, directory, name, id);
  union.touch(parent, now);
  return 0;
}

/** Removes a name that leads to something that is no directory. */
export function unlink(union: Union, directory: InodeId, name: string): number {
  const id = union.view.lookup(directory, name);
  if (id === NO_INODE) return -errno.ENOENT;
  const now = union.clock();
  const parent = union.writableDirectory(directory);
  union.unbind(parent, directory, name);
  union.touch(parent, now);
  union.dropName(id, now);
  return 0;
}

/** Removes a directory, which must be empty. */
export function rmdir(union: Union, directory: InodeId, name: string): number {
  const id = union.view.lookup(directory, name);
  if (id === NO_INODE) return -errno.ENOENT;
  if (!union.view.isEmpty(id)) return -errno.ENOTEMPTY;
  const now = union.clock();
  const parent = union.writableDirectory(directory);
  union.unbind(parent, directory, name);
  union.touch(parent, now);
  dropDirectory(union, directory, id, now);
  return 0;
}

/** What a directory leaves when its name went: nothing, or a nameless inode while it is open. */
function dropDirectory(union: Union, parent: InodeId, id: InodeId, now: bigint): void {
  union.writableDirectory(parent).subdirectories -= 1;
  union.dropName(id, now);
}

/**
 * Moves a name onto another. The caller has seen to permissions, kinds, loops and equal inodes;
 * what is replaced is of a fitting kind.
 */
export function rename(
  union: Union,
  fromDirectory: InodeId,
  from: string,
  toDirectory: InodeId,
  to: string,
  mode: RenameMode,
): number {
  const { view } = union;
  const source = view.lookup(fromDirectory, from);
  if (source === NO_INODE) return -errno.ENOENT;
  const target = view.lookup(toDirectory, to);
  if (mode === "exchange") return exchange(union, fromDirectory, from, source, toDirectory, to, target);
  const targetIsDirectory = target !== NO_INODE && view.kind(target) === "directory";
  if (targetIsDirectory && !view.isEmpty(target)) return -errno.ENOTEMPTY;

  const now = union.clock();
  const oldParent = union.writableDirectory(fromDirectory);
  const newParent = union.writableDirectory(toDirectory);
  union.unbind(oldParent, fromDirectory, from);
  union.bind(newParent, toDirectory, to, source);
  union.touch(oldParent, now);
  union.touch(newParent, now);
  if (target !== NO_INODE) {
    if (targetIsDirectory) dropDirectory(union, toDirectory, target, now);
    else union.dropName(target, now);
  }
  move(union, source, fromDirectory, toDirectory, to, now);
  return 0;
}

/** Records a directory's new place, and the time of the change on whatever moved. */
function move(union: Union, id: InodeId, from: InodeId, to: InodeId, name: string, now: bigint): void {
  const inode = union.writable(id);
  inode.ctime = now;
  if (inode.kind !== "directory") return;
  inode.parent = to;
  inode.name = name;
  if (from !== to) {
    union.writableDirectory(from).subdirectories -= 1;
    union.writableDirectory(to).subdirectories += 1;
  }
}

function exchange(
  union: Union,
  leftDirectory: InodeId,
  leftName: string,
  left: InodeId,
  rightDirectory: InodeId,
  rightName: string,
  right: InodeId,
): number {
  if (right === NO_INODE) return -errno.ENOENT;
  const now = union.clock();
  const leftParent = union.writableDirectory(leftDirectory);
  const rightParent = union.writableDirectory(rightDirectory);
  union.bind(leftParent, leftDirectory, leftName, right);
  union.bind(rightParent, rightDirectory, rightName, left);
  union.touch(leftParent, now);
  union.touch(rightParent, now);
  move(union, left, leftDirectory, rightDirectory, rightName, now);
  move(union, right, rightDirectory, leftDirectory, leftName, now);
  return 0;
}
