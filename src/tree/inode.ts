/**
 * An inode of the immutable side: what a layer says of one file, whatever its names.
 */

import type { Kind } from "../posix/mode.ts";
import { compareBytes } from "../posix/names.ts";
import type { Nanoseconds } from "../posix/time.ts";
import type { Content } from "./content.ts";

/** Extended attributes by full name (`user.x`); values are bytes. */
export type Xattrs = ReadonlyMap<string, Uint8Array>;

export const NO_XATTRS: Xattrs = new Map();

/** What every kind of inode has. */
export interface Attributes {
  /** Permission bits with setuid, setgid and sticky (0 to 0o7777); the type is `kind`. */
  readonly mode: number;
  /** 0 to 2^32-2. */
  readonly uid: number;
  /** 0 to 2^32-2. */
  readonly gid: number;
  readonly mtime: Nanoseconds;
  readonly xattrs: Xattrs;
}

/** One inode. Immutable; two reads of the same inode may give two objects. */
export type Inode =
  | (Attributes & { readonly kind: "file"; readonly content: Content })
  | (Attributes & { readonly kind: "directory" })
  | (Attributes & { readonly kind: "symlink"; readonly target: string })
  | (Attributes & { readonly kind: "char" | "block"; readonly rdev: number })
  | (Attributes & { readonly kind: "fifo" | "socket" });

export type InodeOf<K extends Kind> = Extract<Inode, { kind: K }>;

/** Whether two sets of extended attributes are equal, whatever their order. */
export function sameXattrs(a: Xattrs, b: Xattrs): boolean {
  if (a === b) return true;
  if (a.size !== b.size) return false;
  for (const [name, value] of a) {
    const other = b.get(name);
    if (other === undefined || compareBytes(value, other) !== 0) return false;
  }
  return true;
}
