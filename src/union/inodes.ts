/**
 * Inodes of the upper layer: copied-up lower ones, and new ones.
 *
 * An id names an inode within one union: a lower inode's is its node in the lower tree, a new one's
 * counts up from {@link FIRST_NEW_ID}. Directories refer to inodes by id only, so an inode can be
 * cloned for a new epoch without touching the directories that name it, and every name of a hardlinked
 * lower file sees its copy-up (M2). An upper inode is changed in place only in the epoch that made it.
 */
import type { Nanoseconds } from "../posix/time.ts";
import type { Attributes, Inode, Xattrs } from "../tree/inode.ts";
import { FIRST_NEW_NUMBER, type NodeId } from "../tree/tree.ts";
import { PageMap } from "./page-map.ts";
import type { Epoch } from "./table.ts";

/** Names an inode of one union. */
export type InodeId = number;

/** Ids of inodes that are not in the lower tree start here. */
export const FIRST_NEW_ID = 2 ** 32;

/** What an upper directory holds for a name that exists below and was removed. */
export const WHITEOUT = -1;

export function isLower(id: InodeId): boolean {
  return id < FIRST_NEW_ID;
}

/** The number of a new inode: stable, below 2^53. */
export function newInodeNumber(id: InodeId): number {
  return FIRST_NEW_NUMBER + (id - FIRST_NEW_ID);
}

interface UpperBase {
  readonly epoch: Epoch;
  mode: number;
  uid: number;
  gid: number;
  atime: Nanoseconds;
  mtime: Nanoseconds;
  ctime: Nanoseconds;
  birthtime: Nanoseconds;
  /** Never changed in place: an edit replaces the map. */
  xattrs: Xattrs;
  /** Names that lead to it; for a directory 1 while it has its name, then 0. */
  names: number;
}

export interface UpperFile extends UpperBase {
  readonly kind: "file";
  readonly content: PageMap;
}

/**
 * A directory whose attributes or names differ from the lower one's, or a new one. A new directory
 * has nothing beneath: that is what overlayfs calls opaque (M1).
 */
export interface UpperDirectory extends UpperBase {
  readonly kind: "directory";
  /**
   * Names that differ from the lower directory with the same id: an inode, or {@link WHITEOUT} for a
   * name that exists there. A name that leads where it leads below has no entry.
   */
  readonly entries: Map<string, InodeId>;
  /** The directory that holds it; its last one once it was removed. */
  parent: InodeId;
  /** Its name there. */
  name: string;
  subdirectories: number;
}

export interface UpperSymlink extends UpperBase {
  readonly kind: "symlink";
  readonly target: string;
}

export interface UpperDevice extends UpperBase {
  readonly kind: "char" | "block";
  readonly rdev: number;
}

export interface UpperSpecial extends UpperBase {
  readonly kind: "fifo" | "socket";
}

export type UpperInode = UpperFile | UpperDirectory | UpperSymlink | UpperDevice | UpperSpecial;

/** A clone that may be changed in `epoch`. */
export function cloneInode(inode: UpperInode, epoch: Epoch): UpperInode {
  switch (inode.kind) {
    case "file":
      return { ...inode, epoch, content: inode.content.copy() };
    case "directory":
      return { ...inode, epoch, entries: new Map(inode.entries) };
    default:
      return { ...inode, epoch };
  }
}

/** The upper inode that stands for a lower one from its copy-up on. No file data moves. */
export function copyUp(
  lower: Inode,
  epoch: Epoch,
  names: number,
  node: NodeId,
  place: { parent: InodeId; name: string; subdirectories: number },
): UpperInode {
  const base = {
    epoch,
    mode: lower.mode,
    uid: lower.uid,
    gid: lower.gid,
    atime: lower.mtime,
    mtime: lower.mtime,
    ctime: lower.mtime,
    birthtime: lower.mtime,
    xattrs: lower.xattrs,
    names,
  };
  switch (lower.kind) {
    case "file":
      return { ...base, kind: "file", content: PageMap.over(lower.content, node) };
    case "directory":
      return { ...base, kind: "directory", entries: new Map(), ...place };
    case "symlink":
      return { ...base, kind: "symlink", target: lower.target };
    case "char":
    case "block":
      return { ...base, kind: lower.kind, rdev: lower.rdev };
    default:
      return { ...base, kind: lower.kind };
  }
}

/** The immutable form of an upper inode. Its content is a frozen copy when the epoch is over. */
export function toInode(upper: UpperInode): Inode {
  const base: Attributes = {
    mode: upper.mode,
    uid: upper.uid,
    gid: upper.gid,
    mtime: upper.mtime,
    xattrs: upper.xattrs,
  };
  switch (upper.kind) {
    case "file":
      return { ...base, kind: "file", content: upper.content };
    case "directory":
      return { ...base, kind: "directory" };
    case "symlink":
      return { ...base, kind: "symlink", target: upper.target };
    case "char":
    case "block":
      return { ...base, kind: upper.kind, rdev: upper.rdev };
    default:
      return { ...base, kind: upper.kind };
  }
}
