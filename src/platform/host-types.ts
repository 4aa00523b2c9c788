/**
 * The part of the seam that reads directories of the machine itself. Only Node has it.
 *
 * Paths, names and link targets are strings as `posix/names` has them, so bytes that are no UTF-8 come
 * through. No method follows a symbolic link at the end of a path. Each throws the system's own error,
 * with `code` and `path`.
 */
import type { Nanoseconds } from "../posix/time.ts";
import type { RandomAccess } from "./types.ts";

/** What `lstat(2)` tells. */
export interface HostStat {
  /** Type and permission bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** In bytes. */
  readonly size: number;
  readonly rdev: number;
  readonly mtime: Nanoseconds;
  readonly ctime: Nanoseconds;
  /** How many names there are, wherever they are. */
  readonly links: number;
  /** The device and the number of the inode: equal for two names of one inode, and else different. */
  readonly identity: string;
}

/** Extended attributes by path, in the form that {@link HostDirectory.xattrs} takes paths. */
export type HostXattrs = ReadonlyMap<string, ReadonlyMap<string, Uint8Array>>;

export interface HostDirectory {
  stat(path: string): HostStat;
  /** The names in a directory, in no order. */
  list(path: string): string[];
  target(path: string): string;
  /** Throws where the file cannot be read. */
  checkReadable(path: string): void;
  /**
   * A file's bytes, opened when they are read and closed after the last of them; of all files got
   * from here one is open at a time. Reading gives `-ESTALE` where the file is not, or no longer, what
   * `stat` told of it: another inode, size or modification time.
   */
  open(path: string, stat: HostStat): RandomAccess;
  /**
   * The extended attributes of everything in this directory, by path relative to it (`.` for itself),
   * or why they cannot be read here. A filesystem without them has none.
   */
  xattrs(): HostXattrs | { readonly unavailable: string };
  /** Closes what is open. Reads after that open again. */
  close(): void;
}
