/**
 * The functions of `node:fs` about what an inode is: stat and its kin, access, mode, owner, times.
 */

import { errno } from "../../posix/errno.ts";
import * as calls from "../../union/attribute-calls.ts";
import type { Totals } from "../../union/filesystem.ts";
import type { Mount } from "../../union/mount.ts";
import type { Stat } from "../../union/types.ts";
import type { Last } from "../../union/walk.ts";
import * as take from "./arguments.ts";
import { succeed, systemError } from "./errors.ts";
import { type BigIntStats, StatFs, type Stats, statsOf } from "./stats.ts";

/** What `stat(2)` gives for a path or a descriptor, or a negated error number. */
export function statOf(mount: Mount, target: calls.Target, last: Last): Stat | number {
  const place = calls.placeOf(mount.context, target, last, true);
  return typeof place === "number" ? place : place.attachment.filesystem.stat(place.id);
}

function wantsBigint(options: unknown): boolean {
  return (options as { bigint?: unknown } | null | undefined)?.bigint === true;
}

export function attributeFunctions(mount: Mount) {
  function statSync(path: unknown, options: unknown, last: "follow" | "nofollow", syscall: string) {
    const name = take.path(path);
    const stat = statOf(mount, name, last);
    if (typeof stat === "object") return statsOf(stat, wantsBigint(options));
    const wanted = (options as { throwIfNoEntry?: unknown } | null | undefined)?.throwIfNoEntry;
    if (wanted === false && stat === -errno.ENOENT) return undefined;
    throw systemError(stat, syscall, name);
  }

  function utimesSync(target: string, atime: unknown, mtime: unknown, last: Last, syscall: string) {
    const accessed = take.time(atime);
    const modified = take.time(mtime);
    // The times are given, so what the clock says does not matter.
    const done = calls.utimens(mount.context, target, accessed, modified, last, 0n);
    succeed(done, syscall, target);
  }

  return {
    accessSync(path: unknown, mode?: unknown): void {
      const name = take.path(path);
      succeed(calls.access(mount.context, name, take.threeBits(mode), "follow"), "access", name);
    },

    /** Never throws, whatever it is given. */
    existsSync(path: unknown): boolean {
      try {
        return typeof calls.placeOf(mount.context, take.path(path), "follow", true) !== "number";
      } catch {
        return false;
      }
    },

    statSync(path: unknown, options?: unknown): Stats | BigIntStats | undefined {
      return statSync(path, options, "follow", "stat");
    },

    lstatSync(path: unknown, options?: unknown): Stats | BigIntStats | undefined {
      return statSync(path, options, "nofollow", "lstat");
    },

    fstatSync(fd: unknown, options?: unknown): Stats | BigIntStats {
      const stat = statOf(mount, take.descriptor(fd), "follow");
      if (typeof stat === "number") throw systemError(stat, "fstat");
      return statsOf(stat, wantsBigint(options));
    },

    statfsSync(path: unknown, options?: unknown): StatFs<number> | StatFs<bigint> {
      const name = take.path(path);
      const place = calls.placeOf(mount.context, name, "follow", true);
      if (typeof place === "number") throw systemError(place, "statfs", name);
      const totals: Totals = place.attachment.filesystem.totals();
      return wantsBigint(options) ? new StatFs(totals, BigInt) : new StatFs(totals, Number);
    },

    chmodSync(path: unknown, mode: unknown): void {
      const name = take.path(path);
      const bits = take.mode(mode, "mode");
      succeed(calls.chmod(mount.context, name, bits, "follow"), "chmod", name);
    },

    fchmodSync(fd: unknown, mode: unknown): void {
      const target = take.descriptor(fd);
      succeed(calls.chmod(mount.context, target, take.mode(mode, "mode"), "follow"), "fchmod");
    },

    chownSync(path: unknown, uid: unknown, gid: unknown): void {
      const name = take.path(path);
      const [user, group] = [take.owner(uid, "uid"), take.owner(gid, "gid")];
      succeed(calls.chown(mount.context, name, user, group, "follow"), "chown", name);
    },

    lchownSync(path: unknown, uid: unknown, gid: unknown): void {
      const name = take.path(path);
      const [user, group] = [take.owner(uid, "uid"), take.owner(gid, "gid")];
      succeed(calls.chown(mount.context, name, user, group, "nofollow"), "lchown", name);
    },

    fchownSync(fd: unknown, uid: unknown, gid: unknown): void {
      const target = take.descriptor(fd);
      const [user, group] = [take.owner(uid, "uid"), take.owner(gid, "gid")];
      succeed(calls.chown(mount.context, target, user, group, "follow"), "fchown");
    },

    utimesSync(path: unknown, atime: unknown, mtime: unknown): void {
      utimesSync(take.path(path), atime, mtime, "follow", "utime");
    },

    lutimesSync(path: unknown, atime: unknown, mtime: unknown): void {
      utimesSync(take.path(path), atime, mtime, "nofollow", "lutime");
    },

    futimesSync(fd: unknown, atime: unknown, mtime: unknown): void {
      const target = take.descriptor(fd);
      const accessed = take.time(atime, "atime");
      const modified = take.time(mtime, "mtime");
      succeed(calls.utimens(mount.context, target, accessed, modified, "follow", 0n), "futime");
    },
  };
}
