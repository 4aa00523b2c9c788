/**
 * The merged view: a lower tree and what an upper layer changed of it, at one moment.
 *
 * A view is three references – the tree, the table of copied-up lower inodes and the table of new
 * ones – so taking one (a snapshot, a fork) costs O(1). Looking a name up asks the directory's upper
 * inode, else the lower tree; the inode found is then asked of the table of its id (M2). Nothing here
 * changes anything; `upper.ts` does.
 *
 * A directory that was never copied up may hold names of copied-up inodes: nothing need be copied up
 * on the way to an inode, since directories hold ids and the tables are asked by id.
 */
import type { Kind } from "../posix/mode.ts";
import { compareNames } from "../posix/names.ts";
import { joinPath, splitPath } from "../posix/path.ts";
import type { Inode } from "../tree/inode.ts";
import { NO_NODE, type Tree } from "../tree/tree.ts";
import {
  FIRST_NEW_ID,
  type InodeId,
  isLower,
  newInodeNumber,
  toInode,
  type UpperDirectory,
  type UpperInode,
  WHITEOUT,
} from "./inodes.ts";
import { Table } from "./table.ts";

/** No inode has this id. */
export const NO_INODE = -1;

export interface ViewEntry {
  readonly name: string;
  readonly id: InodeId;
}

export class View {
  readonly tree: Tree;
  /** Copied-up lower inodes by node. */
  readonly copied: Table<UpperInode>;
  /** New inodes by id − {@link FIRST_NEW_ID}. */
  readonly created: Table<UpperInode>;
  /** How many new inodes there ever were: the next id. */
  createdCount: number;

  constructor(
    tree: Tree,
    copied: Table<UpperInode> = new Table(),
    created: Table<UpperInode> = new Table(),
    createdCount = 0,
  ) {
    this.tree = tree;
    this.copied = copied;
    this.created = created;
    this.createdCount = createdCount;
  }

  /** A view that shares everything; both sides must write in new epochs from now on. */
  copy(): View {
    return new View(this.tree, this.copied.copy(), this.created.copy(), this.createdCount);
  }

  get root(): InodeId {
    return this.tree.root;
  }

  /** The upper inode, if the inode has one. */
  upper(id: InodeId): UpperInode | undefined {
    return id < FIRST_NEW_ID ? this.copied.get(id) : this.created.get(id - FIRST_NEW_ID);
  }

  upperDirectory(id: InodeId): UpperDirectory | undefined {
    const upper = this.upper(id);
    return upper !== undefined && upper.kind === "directory" ? upper : undefined;
  }

  /** Whether the id names an inode here. */
  exists(id: InodeId): boolean {
    return isLower(id) ? id >= 0 && id < this.tree.nodeCount : this.upper(id) !== undefined;
  }

  /** The inode that a name has in a directory, or {@link NO_INODE}. */
  lookup(directory: InodeId, name: string): InodeId {
    const upper = this.upperDirectory(directory);
    if (upper !== undefined) {
      const entry = upper.entries.get(name);
      if (entry !== undefined) return entry === WHITEOUT ? NO_INODE : entry;
    }
    return isLower(directory) ? this.tree.lookup(directory, name) : NO_INODE;
  }

  /** What the name has in the lower directory of the same id. */
  lowerLookup(directory: InodeId, name: string): InodeId {
    return isLower(directory) ? this.tree.lookup(directory, name) : NO_INODE;
  }

  /** Merged names of a directory: those of the lower one in byte order, then new ones as they came. */
  list(directory: InodeId): ViewEntry[] {
    const upper = this.upperDirectory(directory);
    const out: ViewEntry[] = [];
    if (isLower(directory)) {
      for (const { name, node } of this.tree.list(directory)) {
        const entry = upper?.entries.get(name) ?? node;
        if (entry !== WHITEOUT) out.push({ name, id: entry });
      }
    }
    if (upper !== undefined) {
      for (const [name, id] of upper.entries) {
        if (id !== WHITEOUT && this.lowerLookup(directory, name) === NO_NODE) out.push({ name, id });
      }
    }
    return out;
  }

  isEmpty(directory: InodeId): boolean {
    const upper = this.upperDirectory(directory);
    if (upper !== undefined) for (const id of upper.entries.values()) if (id !== WHITEOUT) return false;
    if (!isLower(directory)) return true;
    for (const { name } of this.tree.list(directory)) {
      if (upper?.entries.get(name) !== WHITEOUT) return false;
    }
    return true;
  }

  kind(id: InodeId): Kind {
    return this.upper(id)?.kind ?? this.tree.kind(id);
  }

  /** Attributes and content as they are now. */
  inode(id: InodeId): Inode {
    const upper = this.upper(id);
    return upper === undefined ? this.tree.inode(id) : toInode(upper);
  }

  /** The number that `stat` tells. */
  number(id: InodeId): number {
    return isLower(id) ? this.tree.number(id) : newInodeNumber(id);
  }

  /** How many names an inode has; 1 for a directory that has its name. */
  names(id: InodeId): number {
    return this.upper(id)?.names ?? this.tree.linkCount(id);
  }

  subdirectories(directory: InodeId): number {
    return this.upperDirectory(directory)?.subdirectories ?? this.tree.subdirectoryCount(directory);
  }

  /** The directory that holds a directory; the root holds itself. */
  parent(directory: InodeId): InodeId {
    return this.upperDirectory(directory)?.parent ?? this.tree.parent(directory);
  }

  /** A directory's own name; empty for the root. */
  nameOf(directory: InodeId): string {
    const upper = this.upperDirectory(directory);
    if (upper !== undefined) return upper.name;
    return this.tree.slots(directory)[0]?.name ?? "";
  }

  /** Follows names from the root without following links; {@link NO_INODE} where one is missing. */
  resolve(path: string): InodeId {
    let id = this.root;
    for (const name of splitPath(path)) {
      if (this.kind(id) !== "directory") return NO_INODE;
      id = this.lookup(id, name);
      if (id === NO_INODE) return NO_INODE;
    }
    return id;
  }

  /** Where a directory is now, or undefined when it or one above it was removed (M6). */
  pathOf(directory: InodeId, known: Map<InodeId, string | undefined> = new Map()): string | undefined {
    if (directory === this.root) return "/";
    if (known.has(directory)) return known.get(directory);
    let path: string | undefined;
    const parent = this.parent(directory);
    const name = this.nameOf(directory);
    if (this.lookup(parent, name) === directory && this.names(directory) > 0) {
      const above = this.pathOf(parent, known);
      if (above !== undefined) path = joinPath(above, name);
    }
    known.set(directory, path);
    return path;
  }
}

/** Sorts entries of a directory by name. */
export function byName(a: ViewEntry, b: ViewEntry): number {
  return compareNames(a.name, b.name);
}
