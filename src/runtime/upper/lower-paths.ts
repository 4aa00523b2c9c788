/**
 * How lower inodes are named across openings: by a path that leads to them in the lower tree, and their
 * number, both of which the stack of layers determines (M22). The path finds the node again in as many
 * steps as it has names; a number that does not fit shows that the tree is another one.
 */
import { joinPath, splitPath } from "../../posix/path.ts";
import { NO_NODE, type NodeId, type Tree } from "../../tree/tree.ts";

/** Paths of the nodes of one tree. */
export class LowerPaths {
  readonly #tree: Tree;
  readonly #directories = new Map<NodeId, string>();

  constructor(tree: Tree) {
    this.#tree = tree;
    this.#directories.set(tree.root, "/");
  }

  /** A path of a node: the first of a file's, the one of a directory. */
  of(node: NodeId): string {
    const known = this.#directories.get(node);
    if (known !== undefined) return known;
    const slot = this.#tree.slots(node)[0];
    if (slot === undefined) throw new RangeError(`lower node ${node} has no name`);
    const path = joinPath(this.of(slot.directory), slot.name);
    if (this.#tree.kind(node) === "directory") this.#directories.set(node, path);
    return path;
  }
}

/** The node that a path leads to and that has a number, or {@link NO_NODE}. */
export function findLower(tree: Tree, path: string, number: number): NodeId {
  let node = tree.root;
  for (const name of splitPath(path)) {
    node = tree.lookup(node, name);
    if (node === NO_NODE) return NO_NODE;
  }
  return tree.number(node) === number ? node : NO_NODE;
}
