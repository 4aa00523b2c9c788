/**
 * A tree with nothing in it but its root: what lies beneath a tmpfs, and where applying layers begins.
 */
import { type Inode, NO_XATTRS } from "./inode.ts";
import { NO_NODE, ROOT_NUMBER, type Tree } from "./tree.ts";

/** A root that no layer mentions: 0755, 0:0, mtime 0 (LAYERS.md, decision on rule 1). */
const ROOT: Inode = { kind: "directory", mode: 0o755, uid: 0, gid: 0, mtime: 0n, xattrs: NO_XATTRS };

/** An empty tree whose root has the given inode. */
export function emptyTree(root: Inode = ROOT): Tree {
  return {
    chainID: undefined,
    layerCount: 0,
    nodeCount: 1,
    root: 0,
    lookup: () => NO_NODE,
    list: () => [],
    kind: () => "directory",
    inode: () => root,
    permissions: () => root,
    number: () => ROOT_NUMBER,
    nodeByNumber: (number) => (number === ROOT_NUMBER ? 0 : NO_NODE),
    linkCount: () => 1,
    subdirectoryCount: () => 0,
    slots: () => [],
    parent: (directory) => directory,
    history: () => [],
  };
}
