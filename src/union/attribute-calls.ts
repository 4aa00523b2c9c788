/**
 * System calls on attributes. What they act on is a path or a descriptor; the checks and their order
 * are the kernel's (fs/open.c, fs/attr.c, fs/utimes.c).
 */
import { type Caller, inGroup } from "../posix/caller.ts";
import { errno } from "../posix/errno.ts";
import { PERMISSION_BITS, S_ISGID, S_ISUID, S_IXGRP } from "../posix/mode.ts";
import type { Nanoseconds } from "../posix/time.ts";
import { type Context, isReadOnly, openFile } from "./context.ts";
import type { Access, AttributeEdit } from "./filesystem.ts";
import { slashOnFile } from "./name-calls.ts";
import { owns, permit } from "./permission.ts";
import { O_PATH, W_OK } from "./types.ts";
import { type Last, type Place, walk } from "./walk.ts";

/** A path, or an open descriptor. */
export type Target = string | number;

/** The value of an owner or group that stays as it is (chown(2)). */
export const UNCHANGED = 0xffff_ffff;

const CAPABILITY = "security.capability";

/**
 * The inode that a call is about, or a negated error number.
 * @param allowPath whether a descriptor opened with O_PATH will do
 */
export function placeOf(context: Context, target: Target, last: Last, allowPath = false): Place | number {
  if (typeof target === "number") {
    const file = openFile(context, target);
    if (typeof file === "number") return file;
    return (file.flags & O_PATH) !== 0 && !allowPath ? -errno.EBADF : file.place;
  }
  const found = walk(context.view, context.caller, target, last);
  if (found.error < 0) return found.error;
  const refused = slashOnFile(found);
  return refused < 0 ? refused : found;
}

/** access(2) for the caller's own ids. */
export function access(context: Context, target: Target, wanted: number, last: Last): number {
  if ((wanted & ~7) !== 0) return -errno.EINVAL;
  const place = placeOf(context, target, last, true);
  if (typeof place === "number") return place;
  const inode = place.attachment.filesystem.access(place.id);
  const refused = permit(context.caller, inode, wanted);
  if (refused < 0) return refused;
  const stored = inode.kind === "file" || inode.kind === "directory" || inode.kind === "symlink";
  return (wanted & W_OK) !== 0 && stored && isReadOnly(place.attachment) ? -errno.EROFS : 0;
}

/** chmod(2): setgid goes where the caller is not of the file's group. */
export function chmod(context: Context, target: Target, mode: number, last: Last): number {
  const place = placeOf(context, target, last);
  if (typeof place === "number") return place;
  const { attachment, id } = place;
  if (isReadOnly(attachment)) return -errno.EROFS;
  const inode = attachment.filesystem.access(id);
  if (inode.kind === "symlink") return -errno.EOPNOTSUPP;
  if (!owns(context.caller, inode)) return -errno.EPERM;
  let bits = mode & PERMISSION_BITS;
  if (!keepsSetgid(context.caller, inode.gid)) bits &= ~S_ISGID;
  return attachment.filesystem.setAttributes(id, { mode: bits });
}

function keepsSetgid(caller: Caller, gid: number): boolean {
  return inGroup(caller, gid) || caller.capabilities.has("CAP_FSETID");
}

/** chown(2); {@link UNCHANGED} leaves an id. Clears setuid, setgid and file capabilities of anything but a directory. */
export function chown(context: Context, target: Target, uid: number, gid: number, last: Last): number {
  const place = placeOf(context, target, last);
  if (typeof place === "number") return place;
  const { attachment, id } = place;
  if (isReadOnly(attachment)) return -errno.EROFS;
  const { caller } = context;
  const { filesystem } = attachment;
  const inode = filesystem.access(id);
  const newUid = uid === UNCHANGED ? inode.uid : uid;
  const newGid = gid === UNCHANGED ? inode.gid : gid;
  if (!mayChown(caller, inode, uid, gid)) return -errno.EPERM;
  const privileged = inode.kind !== "directory";
  if (privileged && filesystem.getXattr(id, CAPABILITY) !== undefined) filesystem.removeXattr(id, CAPABILITY);
  const mode = privileged ? modeAfterChown(caller, inode) : inode.mode;
  return filesystem.setAttributes(id, { uid: newUid, gid: newGid, ...(mode === inode.mode ? {} : { mode }) });
}

function mayChown(caller: Caller, inode: Access, uid: number, gid: number): boolean {
  if (caller.capabilities.has("CAP_CHOWN")) return true;
  const owner = caller.uid === inode.uid;
  const uidStays = uid === UNCHANGED || (owner && uid === inode.uid);
  const gidAllowed = gid === UNCHANGED || (owner && (gid === inode.gid || inGroup(caller, gid)));
  // Clearing setuid or setgid needs ownership even where nothing else changes.
  const clears = inode.kind !== "directory" && modeAfterChown(caller, inode) !== inode.mode;
  return uidStays && gidAllowed && (!clears || owns(caller, inode));
}

function modeAfterChown(caller: Caller, inode: Access): number {
  let { mode } = inode;
  mode &= ~S_ISUID;
  if ((mode & S_IXGRP) !== 0 || !keepsSetgid(caller, inode.gid)) mode &= ~S_ISGID;
  return mode;
}

/** A time to set: nanoseconds, the current time, or none. */
export type TimeEdit = Nanoseconds | "now" | "omit";

/** utimensat(2) */
export function utimens(
  context: Context,
  target: Target,
  atime: TimeEdit,
  mtime: TimeEdit,
  last: Last,
  now: Nanoseconds,
): number {
  // Nothing to do is done before the path is looked at.
  if (atime === "omit" && mtime === "omit") return 0;
  const place = placeOf(context, target, last);
  if (typeof place === "number") return place;
  const { attachment, id } = place;
  if (isReadOnly(attachment)) return -errno.EROFS;
  const inode = attachment.filesystem.access(id);
  if (!owns(context.caller, inode)) {
    if (atime !== "now" || mtime !== "now") return -errno.EPERM;
    const refused = permit(context.caller, inode, W_OK);
    if (refused < 0) return refused;
  }
  const edit: { -readonly [key in keyof AttributeEdit]: AttributeEdit[key] } = {};
  if (atime !== "omit") edit.atime = atime === "now" ? now : atime;
  if (mtime !== "omit") edit.mtime = mtime === "now" ? now : mtime;
  return attachment.filesystem.setAttributes(id, edit);
}
