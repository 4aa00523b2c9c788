/**
 * A tree as text, one line a name, so that a test can say what a whole tree is.
 */

import { deviceMajor, deviceMinor } from "../../src/posix/mode.ts";
import { nameFromBytes } from "../../src/posix/names.ts";
import { joinPath, splitPath } from "../../src/posix/path.ts";
import { readAll } from "../../src/tree/content.ts";
import { NO_NODE, type NodeId, type Tree } from "../../src/tree/tree.ts";

/** The node of a path taken name by name, links not followed. */
export function nodeAt(tree: Tree, path: string): NodeId {
  let node = tree.root;
  for (const name of splitPath(path)) {
    if (node === NO_NODE) return NO_NODE;
    node = tree.lookup(node, name);
  }
  return node;
}

/** Every path of a tree with its node, each directory before what is in it; the root first. */
export function* walk(tree: Tree, directory: NodeId = tree.root, path = "/"): Generator<[string, NodeId]> {
  const pending: [string, NodeId][] = [[path, directory]];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    yield next;
    const [above, node] = next;
    const below = tree.list(node).map(({ name, node }): [string, NodeId] => [joinPath(above, name), node]);
    pending.push(...below.reverse());
  }
}

/** What a path is in a word or two: `directory 755`, `file 644 "text"`, `symlink → target`. */
export function describeNode(tree: Tree, node: NodeId): string {
  const inode = tree.inode(node);
  const mode = inode.mode.toString(8);
  switch (inode.kind) {
    case "file":
      return `file ${mode} ${JSON.stringify(nameFromBytes(readAll(inode.content)))}`;
    case "symlink":
      return `symlink → ${inode.target}`;
    case "char":
    case "block":
      return `${inode.kind} ${mode} ${deviceMajor(inode.rdev)}:${deviceMinor(inode.rdev)}`;
    default:
      return `${inode.kind} ${mode}`;
  }
}

/** Paths and what they are, in order, without the root: `{ "/a": "directory 755" }`. */
export function describeTree(tree: Tree): Record<string, string> {
  const lines: Record<string, string> = {};
  for (const [path, node] of walk(tree)) if (path !== "/") lines[path] = describeNode(tree, node);
  return lines;
}

/** Everything that a tree says, for a comparison of two: attributes, numbers, names, counts and history. */
export function everything(tree: Tree): unknown[] {
  return [...walk(tree)].map(([path, node]) => {
    const inode = tree.inode(node);
    const directory = tree.kind(node) === "directory";
    return {
      path,
      what: describeNode(tree, node),
      number: tree.number(node),
      uid: inode.uid,
      gid: inode.gid,
      mtime: inode.mtime,
      xattrs: [...inode.xattrs].map(([name, value]) => [name, nameFromBytes(value)]),
      links: tree.linkCount(node),
      slots: tree.slots(node).map(({ directory, name }) => [tree.number(directory), name]),
      parent: directory ? tree.number(tree.parent(node)) : undefined,
      subdirectories: directory ? tree.subdirectoryCount(node) : undefined,
      history: tree.history(tree.root, splitPath(path)),
    };
  });
}
