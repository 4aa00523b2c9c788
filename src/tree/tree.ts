/**
 * An immutable directory tree: what one sees after applying layers in order.
 *
 * A node is an index into the tree, dense from 0, meaningful in this tree only; it costs nothing to
 * hold. An inode's *number* is its identity across trees that share layers, copy-up and reopening:
 * `position of the layer (from 1) × 2^32 + ordinal of the inode in the layer`; the root is always 1.
 *
 * Every method answers without an exception, in time independent of the number of layers.
 */
import type { Kind } from "../posix/mode.ts";
import type { Inode } from "./inode.ts";

/** A node of one tree: 0 ≤ node < `nodeCount`. */
export type NodeId = number;

/** No such node. */
export const NO_NODE = -1;

/** The number that the root directory of every tree has. */
export const ROOT_NUMBER = 1;

/** Numbers of inodes that no layer holds start here; all stay below 2^53. */
export const FIRST_NEW_NUMBER = 2 ** 48;

/** A name in a directory. */
export interface Slot {
  readonly directory: NodeId;
  readonly name: string;
}

/** A name in a directory and what it leads to. */
export interface TreeEntry {
  readonly name: string;
  readonly node: NodeId;
}

/** What a layer did to a name. */
export type ProvenanceKind =
  /** The layer has an entry of that name. */
  | "put"
  /** The layer has a hardlink of that name. */
  | "linked"
  /** The directory was made because an entry of the layer lies below it (rule 5). */
  | "implied"
  /** The layer whited the name out. */
  | "whiteout"
  /** An opaque mark in the parent hid the name. */
  | "opaque"
  /** A directory above was whited out, hidden or replaced by something else. */
  | "ancestor";

export interface ProvenanceEvent {
  /** Position of the layer in the chain, from 0. */
  readonly layer: number;
  readonly kind: ProvenanceKind;
}

/** What decides who may use an inode. */
export type Permissions = Pick<Inode, "kind" | "mode" | "uid" | "gid">;

export interface Tree {
  /** Digest that names the chain of layers, or undefined for a tree that is no chain's. */
  readonly chainID: string | undefined;
  /** How many layers were applied. */
  readonly layerCount: number;
  /** Number of inodes. */
  readonly nodeCount: number;
  readonly root: NodeId;

  /** The node that `name` has in a directory, or {@link NO_NODE}; also for a node that is no directory. */
  lookup(directory: NodeId, name: string): NodeId;
  /** The names in a directory, in byte order. */
  list(directory: NodeId): readonly TreeEntry[];

  kind(node: NodeId): Kind;
  /** The inode, made on demand. */
  inode(node: NodeId): Inode;
  /** What decides who may use it, without making the rest. */
  permissions(node: NodeId): Permissions;
  /** Its number. */
  number(node: NodeId): number;
  /** The node that has a number, or {@link NO_NODE}. */
  nodeByNumber(number: number): NodeId;

  /** How many names lead to a node; 1 for a directory. */
  linkCount(node: NodeId): number;
  /** How many directories lie directly in a directory. */
  subdirectoryCount(directory: NodeId): number;
  /** Every name of a node, in ascending order of directory and name. Empty for the root. */
  slots(node: NodeId): readonly Slot[];
  /** The directory that holds a directory; the root holds itself. */
  parent(directory: NodeId): NodeId;

  /**
   * What layers did to a path, in the order they were applied: `names` below `directory`, of which any
   * may be gone, or none for the directory itself. Empty when no layer ever named it.
   */
  history(directory: NodeId, names: readonly string[]): readonly ProvenanceEvent[];
}
