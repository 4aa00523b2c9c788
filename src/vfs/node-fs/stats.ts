/**
 * `fs.Stats`, `fs.BigIntStats` and `fs.StatFs`. Times are exact: the nanoseconds of a bigint stat are
 * the inode's, and milliseconds carry the fraction that a double can hold.
 */
import { kindOf } from "../../posix/mode.ts";
import { type Nanoseconds, toMilliseconds } from "../../posix/time.ts";
import type { Totals } from "../../union/filesystem.ts";
import type { Stat } from "../../union/types.ts";

const MILLISECOND = 1_000_000n;

/** Rounded to the nearest millisecond, as Node makes its dates. */
function date(milliseconds: number): Date {
  return new Date(Math.round(milliseconds));
}

abstract class FileKind {
  abstract readonly mode: number | bigint;

  isDirectory(): boolean {
    return kindOf(Number(this.mode)) === "directory";
  }

  isFile(): boolean {
    return kindOf(Number(this.mode)) === "file";
  }

  isBlockDevice(): boolean {
    return kindOf(Number(this.mode)) === "block";
  }

  isCharacterDevice(): boolean {
    return kindOf(Number(this.mode)) === "char";
  }

  isSymbolicLink(): boolean {
    return kindOf(Number(this.mode)) === "symlink";
  }

  isFIFO(): boolean {
    return kindOf(Number(this.mode)) === "fifo";
  }

  isSocket(): boolean {
    return kindOf(Number(this.mode)) === "socket";
  }
}

export class Stats extends FileKind {
  readonly dev: number;
  readonly mode: number;
  readonly nlink: number;
  readonly uid: number;
  readonly gid: number;
  readonly rdev: number;
  readonly blksize: number;
  readonly ino: number;
  readonly size: number;
  readonly blocks: number;
  readonly atimeMs: number;
  readonly mtimeMs: number;
  readonly ctimeMs: number;
  readonly birthtimeMs: number;
  readonly atime: Date;
  readonly mtime: Date;
  readonly ctime: Date;
  readonly birthtime: Date;

  /** With Node's arguments; the last four are milliseconds. */
  constructor(
    dev: number,
    mode: number,
    nlink: number,
    uid: number,
    gid: number,
    rdev: number,
    blksize: number,
    ino: number,
    size: number,
    blocks: number,
    atimeMs: number,
    mtimeMs: number,
    ctimeMs: number,
    birthtimeMs: number,
  ) {
    super();
    this.dev = dev;
    this.mode = mode;
    this.nlink = nlink;
    this.uid = uid;
    this.gid = gid;
    this.rdev = rdev;
    this.blksize = blksize;
    this.ino = ino;
    this.size = size;
    this.blocks = blocks;
    this.atimeMs = atimeMs;
    this.mtimeMs = mtimeMs;
    this.ctimeMs = ctimeMs;
    this.birthtimeMs = birthtimeMs;
    this.atime = date(atimeMs);
    this.mtime = date(mtimeMs);
    this.ctime = date(ctimeMs);
    this.birthtime = date(birthtimeMs);
  }
}

function plainStats(stat: Stat): Stats {
  return new Stats(
    stat.dev,
    stat.mode,
    stat.nlink,
    stat.uid,
    stat.gid,
    stat.rdev,
    stat.blksize,
    stat.ino,
    stat.size,
    stat.blocks,
    toMilliseconds(stat.atime),
    toMilliseconds(stat.mtime),
    toMilliseconds(stat.ctime),
    toMilliseconds(stat.birthtime),
  );
}

export class BigIntStats extends FileKind {
  readonly dev: bigint;
  readonly mode: bigint;
  readonly nlink: bigint;
  readonly uid: bigint;
  readonly gid: bigint;
  readonly rdev: bigint;
  readonly blksize: bigint;
  readonly ino: bigint;
  readonly size: bigint;
  readonly blocks: bigint;
  readonly atimeMs: bigint;
  readonly mtimeMs: bigint;
  readonly ctimeMs: bigint;
  readonly birthtimeMs: bigint;
  readonly atimeNs: Nanoseconds;
  readonly mtimeNs: Nanoseconds;
  readonly ctimeNs: Nanoseconds;
  readonly birthtimeNs: Nanoseconds;
  readonly atime: Date;
  readonly mtime: Date;
  readonly ctime: Date;
  readonly birthtime: Date;

  constructor(stat: Stat) {
    super();
    this.dev = BigInt(stat.dev);
    this.mode = BigInt(stat.mode);
    this.nlink = BigInt(stat.nlink);
    this.uid = BigInt(stat.uid);
    this.gid = BigInt(stat.gid);
    this.rdev = BigInt(stat.rdev);
    this.blksize = BigInt(stat.blksize);
    this.ino = BigInt(stat.ino);
    this.size = BigInt(stat.size);
    this.blocks = BigInt(stat.blocks);
    this.atimeMs = stat.atime / MILLISECOND;
    this.mtimeMs = stat.mtime / MILLISECOND;
    this.ctimeMs = stat.ctime / MILLISECOND;
    this.birthtimeMs = stat.birthtime / MILLISECOND;
    this.atimeNs = stat.atime;
    this.mtimeNs = stat.mtime;
    this.ctimeNs = stat.ctime;
    this.birthtimeNs = stat.birthtime;
    this.atime = date(Number(this.atimeMs));
    this.mtime = date(Number(this.mtimeMs));
    this.ctime = date(Number(this.ctimeMs));
    this.birthtime = date(Number(this.birthtimeMs));
  }
}

/** What a watcher tells of a path that leads nowhere. */
export const NOTHING: Stat = {
  dev: 0,
  ino: 0,
  mode: 0,
  nlink: 0,
  uid: 0,
  gid: 0,
  rdev: 0,
  size: 0,
  blksize: 0,
  blocks: 0,
  atime: 0n,
  mtime: 0n,
  ctime: 0n,
  birthtime: 0n,
};

export function statsOf(stat: Stat, bigint: boolean): Stats | BigIntStats {
  return bigint ? new BigIntStats(stat) : plainStats(stat);
}

/** `f_type` of overlayfs (uapi/linux/magic.h): what a container sees at its root. */
const OVERLAYFS_MAGIC = 0x794c7630;

export class StatFs<T extends number | bigint = number> {
  readonly type: T;
  readonly bsize: T;
  readonly blocks: T;
  readonly bfree: T;
  readonly bavail: T;
  readonly files: T;
  readonly ffree: T;

  constructor(totals: Totals, convert: (value: number) => T) {
    this.type = convert(OVERLAYFS_MAGIC);
    this.bsize = convert(totals.blockSize);
    this.blocks = convert(totals.blocks);
    this.bfree = convert(totals.freeBlocks);
    this.bavail = convert(totals.freeBlocks);
    this.files = convert(totals.files);
    this.ffree = convert(totals.freeFiles);
  }
}
