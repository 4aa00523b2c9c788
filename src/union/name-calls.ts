/**
 * System calls that make, move and remove names, with the checks of Linux's VFS in its order
 * (fs/namei.c). Each gives 0 or a negated error number, and on an error has changed nothing.
 */
import { inGroup } from "../posix/caller.ts";
import { errno } from "../posix/errno.ts";
import { type Kind, PERMISSION_BITS, S_ISGID, S_ISVTX, S_IXGRP } from "../posix/mode.ts";
import { nameLength } from "../posix/names.ts";
import { PATH_MAX } from "../posix/path.ts";
import { type Context, isReadOnly, isWithin, openFile } from "./context.ts";
import type { NewInode } from "./filesystem.ts";
import type { InodeId } from "./inodes.ts";
import { permit, permitNames, permitRemoval } from "./permission.ts";
import { RENAME_EXCHANGE, RENAME_NOREPLACE, RENAME_WHITEOUT, W_OK } from "./types.ts";
import { attachmentAt, type Place, type Walk, walk } from "./walk.ts";

/** A name that is free, in a directory where the caller may make it. */
interface FreeName {
  readonly directory: Place;
  readonly name: string;
}

/**
 * Finds where a new name goes: EEXIST before EROFS before EACCES, as the kernel has it.
 * Only a directory's name may end with a slash.
 */
function freeName(context: Context, path: string, kind: Kind): FreeName | number {
  const found = walk(context.view, context.caller, path, "name");
  if (found.error === 0) return -errno.EEXIST;
  const { directory, name } = found;
  if (found.error !== -errno.ENOENT || directory === undefined) return found.error;
  if (found.slash && kind !== "directory") return -errno.ENOENT;
  const refused = permitNewName(context, directory);
  return refused < 0 ? refused : { directory, name };
}

/** Whether the caller may make a name in a directory. */
export function permitNewName(context: Context, { attachment, id }: Place): number {
  if (isReadOnly(attachment)) return -errno.EROFS;
  const { filesystem } = attachment;
  if (!filesystem.isAttached(id)) return -errno.ENOENT;
  return permitNames(context.caller, filesystem.access(id));
}

/** Setgid that takes effect: with group-execute. */
const GROUP_EXECUTES = S_ISGID | S_IXGRP;

/** Owner, group and mode of a new inode: the group and setgid bit follow a setgid directory (inode(7)). */
export function newInode(
  context: Context,
  directory: Place,
  kind: Kind,
  mode: number,
  more: { target?: string; rdev?: number } = {},
): NewInode {
  const { caller } = context;
  const parent = directory.attachment.filesystem.access(directory.id);
  const inherits = (parent.mode & S_ISGID) !== 0;
  const gid = inherits ? parent.gid : caller.gid;
  let bits = kind === "symlink" ? 0o777 : mode & PERMISSION_BITS;
  if (kind === "directory") {
    bits &= 0o777 | S_ISVTX;
    if (inherits) bits |= S_ISGID;
  } else if (inherits && (bits & GROUP_EXECUTES) === GROUP_EXECUTES) {
    // Judged by the mode as given, before the umask (fs/inode.c, mode_strip_sgid).
    if (!inGroup(caller, gid) && !caller.capabilities.has("CAP_FSETID")) bits &= ~S_ISGID;
  }
  if (kind !== "symlink") bits &= ~caller.umask;
  return { kind, mode: bits, uid: caller.uid, gid, ...more };
}

function makeAt(
  context: Context,
  path: string,
  kind: Kind,
  mode: number,
  more: { target?: string; rdev?: number },
): number {
  const free = freeName(context, path, kind);
  if (typeof free === "number") return free;
  const { directory, name } = free;
  const made = directory.attachment.filesystem.make(
    directory.id,
    name,
    newInode(context, directory, kind, mode, more),
  );
  return Math.min(made, 0);
}

/** mkdir(2) */
export function mkdir(context: Context, path: string, mode: number): number {
  return makeAt(context, path, "directory", mode, {});
}

/** mknod(2): devices need CAP_MKNOD; the whiteout device 0:0 is refused, as overlayfs does. */
export function mknod(context: Context, path: string, kind: Kind, mode: number, rdev: number): number {
  if (kind === "directory") return -errno.EPERM;
  if (kind === "symlink") return -errno.EINVAL;
  const free = freeName(context, path, kind);
  if (typeof free === "number") return free;
  const isDevice = kind === "char" || kind === "block";
  if (kind === "char" && rdev === 0) return -errno.EPERM;
  if (isDevice && !context.caller.capabilities.has("CAP_MKNOD")) return -errno.EPERM;
  const { directory, name } = free;
  const inode = newInode(context, directory, kind, mode, isDevice ? { rdev } : {});
  return Math.min(directory.attachment.filesystem.make(directory.id, name, inode), 0);
}

/** symlink(2) */
export function symlink(context: Context, target: string, path: string): number {
  if (target.length === 0) return -errno.ENOENT;
  if (nameLength(target) >= PATH_MAX) return -errno.ENAMETOOLONG;
  return makeAt(context, path, "symlink", 0o777, { target });
}

/** linkat(2): `follow` is AT_SYMLINK_FOLLOW. */
export function link(context: Context, from: string, to: string, follow: boolean): number {
  const source = walk(context.view, context.caller, from, follow ? "follow" : "nofollow");
  if (source.error < 0) return source.error;
  const refused = slashOnFile(source);
  return refused < 0 ? refused : linkTo(context, source, to, false);
}

/** linkat(2) with AT_EMPTY_PATH: another's descriptor needs CAP_DAC_READ_SEARCH. */
export function linkFile(context: Context, fd: number, to: string): number {
  const file = openFile(context, fd);
  if (typeof file === "number") return file;
  const own = file.opener === context.caller || context.caller.capabilities.has("CAP_DAC_READ_SEARCH");
  if (!own) return -errno.ENOENT;
  const done = linkTo(context, file.place, to, file.linkable);
  if (done === 0) file.linkable = false;
  return done;
}

/** Gives an inode another name; one that lost all its names only if it is `nameless` by birth. */
function linkTo(context: Context, source: Place, to: string, nameless: boolean): number {
  const { attachment, id } = source;
  const target = walk(context.view, context.caller, to, "name");
  if (target.error === 0) return -errno.EEXIST;
  const { directory } = target;
  if (target.error !== -errno.ENOENT || directory === undefined) return target.error;
  if (target.slash) return -errno.ENOENT;
  if (isReadOnly(directory.attachment)) return -errno.EROFS;
  if (directory.attachment !== attachment) return -errno.EXDEV;
  const refused = permitNewName(context, directory);
  if (refused < 0) return refused;
  if (attachment.filesystem.kind(id) === "directory") return -errno.EPERM;
  if (!nameless && attachment.filesystem.stat(id).nlink === 0) return -errno.ENOENT;
  return attachment.filesystem.link(id, directory.id, target.name);
}

/** `-ENOTDIR` for a path that ends with a slash and leads to something else than a directory. */
export function slashOnFile(found: Walk): number {
  return found.slash && found.attachment.filesystem.kind(found.id) !== "directory" ? -errno.ENOTDIR : 0;
}

/** unlink(2) */
export function unlink(context: Context, path: string): number {
  const found = walk(context.view, context.caller, path, "name");
  if (found.error === 0 && found.lastKind !== "normal") return -errno.EISDIR;
  const { directory, name } = found;
  if (directory === undefined) return found.error;
  if (isReadOnly(directory.attachment)) return -errno.EROFS;
  if (found.error < 0) return found.error;
  const { filesystem } = directory.attachment;
  const isDirectory = found.attachment.filesystem.kind(found.id) === "directory";
  if (found.slash) return isDirectory ? -errno.EISDIR : -errno.ENOTDIR;
  if (attachmentAt(directory, name) !== undefined) return isDirectory ? -errno.EISDIR : -errno.EBUSY;
  const refused = permitRemoval(context.caller, filesystem.access(directory.id), filesystem.access(found.id));
  if (refused < 0) return refused;
  if (isDirectory) return -errno.EISDIR;
  return filesystem.unlink(directory.id, name);
}

/** rmdir(2) */
export function rmdir(context: Context, path: string): number {
  const found = walk(context.view, context.caller, path, "name");
  if (found.error === 0 && found.lastKind !== "normal") {
    return found.lastKind === "dot"
      ? -errno.EINVAL
      : found.lastKind === "dotdot"
        ? -errno.ENOTEMPTY
        : -errno.EBUSY;
  }
  const { directory, name } = found;
  if (directory === undefined) return found.error;
  if (isReadOnly(directory.attachment)) return -errno.EROFS;
  if (found.error < 0) return found.error;
  if (attachmentAt(directory, name) !== undefined) return -errno.EBUSY;
  const { filesystem } = directory.attachment;
  const refused = permitRemoval(context.caller, filesystem.access(directory.id), filesystem.access(found.id));
  if (refused < 0) return refused;
  if (filesystem.kind(found.id) !== "directory") return -errno.ENOTDIR;
  if (hasAttachments(found)) return -errno.EBUSY;
  return filesystem.rmdir(directory.id, name);
}

function hasAttachments({ attachment, id }: Place): boolean {
  return (attachment.inner.get(id)?.size ?? 0) > 0;
}

/**
 * renameat2(2) with RENAME_NOREPLACE or RENAME_EXCHANGE. The order of the checks is M21's. That there is
 * no RENAME_WHITEOUT is said last, since on Linux only the filesystem knows.
 */
export function rename(context: Context, from: string, to: string, flags: number): number {
  if ((flags & ~(RENAME_NOREPLACE | RENAME_EXCHANGE | RENAME_WHITEOUT)) !== 0) return -errno.EINVAL;
  const exchange = (flags & RENAME_EXCHANGE) !== 0;
  const keep = (flags & RENAME_NOREPLACE) !== 0;
  const whiteout = (flags & RENAME_WHITEOUT) !== 0;
  if (exchange && (keep || whiteout)) return -errno.EINVAL;
  const source = walk(context.view, context.caller, from, "name");
  if (source.error < 0 && source.directory === undefined) return source.error;
  const target = walk(context.view, context.caller, to, "name");
  if (target.error < 0 && target.directory === undefined) return target.error;
  if (above(source) !== above(target)) return -errno.EXDEV;
  if (source.error === 0 && source.lastKind !== "normal") return -errno.EBUSY;
  if (target.error === 0 && target.lastKind !== "normal") return keep ? -errno.EEXIST : -errno.EBUSY;
  const oldDirectory = source.directory;
  const newDirectory = target.directory;
  if (oldDirectory === undefined || newDirectory === undefined) return -errno.ENOENT;
  if (isReadOnly(oldDirectory.attachment)) return -errno.EROFS;
  if (source.error < 0) return source.error;
  if (target.error < 0 && target.error !== -errno.ENOENT) return target.error;
  const exists = target.error === 0;
  if (keep && exists) return -errno.EEXIST;
  if (exchange && !exists) return -errno.ENOENT;
  // From here on both are inodes of the one filesystem: what is attached over a name is not.
  if (isPoint(source) || (exists && isPoint(target))) return -errno.EBUSY;

  const { filesystem } = oldDirectory.attachment;
  const isDirectory = source.attachment.filesystem.kind(source.id) === "directory";
  const targetIsDirectory = exists && target.attachment.filesystem.kind(target.id) === "directory";
  if (exchange && target.slash && !targetIsDirectory) return -errno.ENOTDIR;
  if (!isDirectory && (source.slash || (!exchange && target.slash))) return -errno.ENOTDIR;
  if (isDirectory && isWithin(filesystem, newDirectory.id, source.id)) return -errno.EINVAL;
  if (targetIsDirectory && isWithin(filesystem, oldDirectory.id, target.id)) {
    return exchange ? -errno.EINVAL : -errno.ENOTEMPTY;
  }
  if (exists && source.id === target.id) return 0;

  const refused = permitMove(context, source, target, exists, exchange, isDirectory, targetIsDirectory);
  if (refused < 0) return refused;
  if (whiteout) return -errno.EINVAL;
  return filesystem.rename(
    oldDirectory.id,
    source.name,
    newDirectory.id,
    target.name,
    exchange ? "exchange" : "replace",
  );
}

/** The attachment that the name itself is in: that of its directory, or its own for `.`, `..` and `/`. */
function above(found: Walk) {
  return found.directory?.attachment ?? found.attachment;
}

function isPoint(found: Walk): boolean {
  return found.directory !== undefined && attachmentAt(found.directory, found.name) !== undefined;
}

function permitMove(
  context: Context,
  source: Walk,
  target: Walk,
  exists: boolean,
  exchange: boolean,
  isDirectory: boolean,
  targetIsDirectory: boolean,
): number {
  const { caller } = context;
  const from = source.directory as Place;
  const to = target.directory as Place;
  const { filesystem } = from.attachment;
  const fromAccess = filesystem.access(from.id);
  const toAccess = filesystem.access(to.id);
  const moved = filesystem.access(source.id);
  const leave = permitRemoval(caller, fromAccess, moved);
  if (leave < 0) return leave;
  if (!exists) {
    if (!filesystem.isAttached(to.id)) return -errno.ENOENT;
    const arrive = permitNames(caller, toAccess);
    if (arrive < 0) return arrive;
  } else {
    const replaced = permitRemoval(caller, toAccess, filesystem.access(target.id));
    if (replaced < 0) return replaced;
    if (!exchange && isDirectory && !targetIsDirectory) return -errno.ENOTDIR;
    if (!exchange && !isDirectory && targetIsDirectory) return -errno.EISDIR;
  }
  if (from.id === to.id) return 0;
  // A directory that changes its parent changes its `..`.
  const parents: InodeId[] = [];
  if (isDirectory) parents.push(source.id);
  if (exchange && targetIsDirectory) parents.push(target.id);
  for (const id of parents) {
    const denied = permit(caller, filesystem.access(id), W_OK);
    if (denied < 0) return denied;
  }
  return 0;
}
