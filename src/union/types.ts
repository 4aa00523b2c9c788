/**
 * The values that a mount's calls take and give, with Linux's numbers (asm-generic/fcntl.h,
 * uapi/linux/fs.h, stat(2)).
 */
import type { Kind } from "../posix/mode.ts";
import type { Nanoseconds } from "../posix/time.ts";

export const O_RDONLY = 0;
export const O_WRONLY = 0o1;
export const O_RDWR = 0o2;
export const O_ACCMODE = 0o3;
export const O_CREAT = 0o100;
export const O_EXCL = 0o200;
export const O_NOCTTY = 0o400;
export const O_TRUNC = 0o1000;
export const O_APPEND = 0o2000;
export const O_NONBLOCK = 0o4000;
export const O_DSYNC = 0o10000;
export const O_DIRECT = 0o40000;
export const O_DIRECTORY = 0o200000;
export const O_NOFOLLOW = 0o400000;
export const O_NOATIME = 0o1000000;
export const O_CLOEXEC = 0o2000000;
export const O_PATH = 0o10000000;
/** Contains O_DIRECTORY. */
export const O_TMPFILE = 0o20200000;

export const F_OK = 0;
export const X_OK = 1;
export const W_OK = 2;
export const R_OK = 4;

export const SEEK_SET = 0;
export const SEEK_CUR = 1;
export const SEEK_END = 2;
export const SEEK_DATA = 3;
export const SEEK_HOLE = 4;

export const RENAME_NOREPLACE = 1;
export const RENAME_EXCHANGE = 2;
export const RENAME_WHITEOUT = 4;

export const XATTR_CREATE = 1;
export const XATTR_REPLACE = 2;

export const FALLOC_FL_KEEP_SIZE = 0x01;
export const FALLOC_FL_PUNCH_HOLE = 0x02;
export const FALLOC_FL_COLLAPSE_RANGE = 0x08;
export const FALLOC_FL_ZERO_RANGE = 0x10;
export const FALLOC_FL_INSERT_RANGE = 0x20;

/** What `stat(2)` tells, times in nanoseconds. */
export interface Stat {
  readonly dev: number;
  /** The inode's number: below 2^53, the same before and after copy-up. */
  readonly ino: number;
  /** Type and permission bits. */
  readonly mode: number;
  readonly nlink: number;
  readonly uid: number;
  readonly gid: number;
  readonly rdev: number;
  readonly size: number;
  readonly blksize: number;
  /** In units of 512 bytes; holes take none. */
  readonly blocks: number;
  readonly atime: Nanoseconds;
  readonly mtime: Nanoseconds;
  readonly ctime: Nanoseconds;
  readonly birthtime: Nanoseconds;
}

/** One name in a directory listing; `.` and `..` are never listed. */
export interface Dirent {
  readonly name: string;
  readonly kind: Kind;
  readonly ino: number;
}

/** One completed mutation, whichever face made it. */
export interface MountEvent {
  readonly kind: "create" | "remove" | "rename" | "link" | "content" | "attributes";
  /** Number of the inode that it happened to. */
  readonly ino: number;
  /** Number of the directory and the name in it, for what changes a name. */
  readonly directory?: number;
  readonly name?: string;
  /** For a rename: where it came from. */
  readonly fromDirectory?: number;
  readonly fromName?: string;
  /** Whatever the face that made the call set as its origin. */
  readonly origin?: unknown;
}
