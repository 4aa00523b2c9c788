/**
 * Who may do what, as Linux decides it (path_resolution(7), capabilities(7), fs/namei.c).
 * Each function gives 0 or a negated error number.
 */
import { type Caller, inGroup } from "../posix/caller.ts";
import { errno } from "../posix/errno.ts";
import { S_ISGID, S_ISUID, S_ISVTX, S_IXGRP } from "../posix/mode.ts";
import type { Access } from "./filesystem.ts";
import { R_OK, W_OK, X_OK } from "./types.ts";

/** Whether the caller has all of `wanted` (R_OK, W_OK, X_OK) on an inode. */
export function permit(caller: Caller, inode: Access, wanted: number): number {
  const shift = caller.uid === inode.uid ? 6 : inGroup(caller, inode.gid) ? 3 : 0;
  if ((wanted & ~(inode.mode >>> shift)) === 0) return 0;
  const { capabilities } = caller;
  if (inode.kind === "directory") {
    if (capabilities.has("CAP_DAC_OVERRIDE")) return 0;
    return (wanted & W_OK) === 0 && capabilities.has("CAP_DAC_READ_SEARCH") ? 0 : -errno.EACCES;
  }
  const executable = (wanted & X_OK) === 0 || (inode.mode & 0o111) !== 0;
  if (executable && capabilities.has("CAP_DAC_OVERRIDE")) return 0;
  return wanted === R_OK && capabilities.has("CAP_DAC_READ_SEARCH") ? 0 : -errno.EACCES;
}

/** Whether the caller owns an inode or may act as if. */
export function owns(caller: Caller, inode: Access): boolean {
  return caller.uid === inode.uid || caller.capabilities.has("CAP_FOWNER");
}

/** Whether the caller may change the names in a directory. */
export function permitNames(caller: Caller, directory: Access): number {
  return permit(caller, directory, W_OK | X_OK);
}

/** Whether the caller may take a name of `inode` out of `directory`: not another's out of a sticky one. */
export function permitRemoval(caller: Caller, directory: Access, inode: Access): number {
  const names = permitNames(caller, directory);
  if (names < 0) return names;
  const sticky = (directory.mode & S_ISVTX) !== 0;
  if (
    sticky &&
    caller.uid !== inode.uid &&
    caller.uid !== directory.uid &&
    !caller.capabilities.has("CAP_FOWNER")
  ) {
    return -errno.EPERM;
  }
  return 0;
}

/**
 * The mode bits that a file loses when the caller writes to it: setuid, and setgid where it grants
 * anything or the caller is not of the group (fs/attr.c, setattr_should_drop_suidgid).
 */
export function droppedBits(caller: Caller, inode: Access): number {
  if ((inode.mode & (S_ISUID | S_ISGID)) === 0 || caller.capabilities.has("CAP_FSETID")) return 0;
  const group = (inode.mode & S_IXGRP) !== 0 || !inGroup(caller, inode.gid);
  return group ? S_ISUID | S_ISGID : S_ISUID;
}
