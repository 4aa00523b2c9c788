/**
 * The differences between two immutable trees, by value: what `mount.changes()` gives for a mount, for
 * any two trees, whether they share layers or not.
 *
 * Both trees are walked together, directory by directory in byte order, so changes come out in path
 * order. Each name is compared with what the base has at the *same path* (M12). What is deleted is one
 * change, whatever was in it; a directory that became anything else is one change, too (M14); of a
 * directory over a directory only what differs is a change. A node against itself in the same tree has
 * no differences; two tree objects must be walked, since equal numbers promise nothing there about
 * what lies beneath.
 *
 * Names of one inode are a group, and a group is emitted whole or not at all (M7). It is unchanged only
 * if all its names are one inode X of the base, equal by value, and it is the one group that keeps X:
 * the one with X's number if that is a candidate, else the first in path order (M9).
 */
import { compareNames, comparePaths } from "../posix/names.ts";
import { joinPath, splitPath } from "../posix/path.ts";
import { floorToSecond } from "../posix/time.ts";
import type { Change, ChangeSet } from "./change.ts";
import { sameContent } from "./content.ts";
import type { Inode, Xattrs } from "./inode.ts";
import { NO_NODE, type NodeId, type Tree, type TreeEntry } from "./tree.ts";

export interface DiffOptions {
  /** Leaves modification times out of the comparison. */
  readonly ignoreTimes?: boolean;
}

function sameXattrs(a: Xattrs, b: Xattrs): boolean {
  if (a === b) return true;
  if (a.size !== b.size) return false;
  for (const [name, value] of a) {
    const other = b.get(name);
    if (other === undefined || other.length !== value.length) return false;
    for (let i = 0; i < value.length; i++) if (value[i] !== other[i]) return false;
  }
  return true;
}

/** Whether two inodes are the same to a layer: bytes decide (rule 53), times in whole seconds (M16). */
function sameInode(a: Inode, b: Inode, ignoreTimes: boolean): boolean {
  if (a.kind !== b.kind || a.mode !== b.mode || a.uid !== b.uid || a.gid !== b.gid) return false;
  if (!ignoreTimes && a.mtime !== b.mtime && floorToSecond(a.mtime) !== floorToSecond(b.mtime)) return false;
  if (!sameXattrs(a.xattrs, b.xattrs)) return false;
  if (a.kind === "file" && b.kind === "file") return sameContent(a.content, b.content);
  if (a.kind === "symlink" && b.kind === "symlink") return a.target === b.target;
  if (a.kind === "char" || a.kind === "block") return "rdev" in b && a.rdev === b.rdev;
  return true;
}

/** Two directories with the same path, NO_NODE for a base that has none there. */
interface Pair {
  readonly path: string;
  readonly base: NodeId;
  readonly top: NodeId;
}

class Comparison {
  readonly #base: Tree;
  readonly #top: Tree;
  readonly #ignoreTimes: boolean;
  readonly #changes: Change[] = [];
  /** Directories of the base and of the top by one of the top: those at the same path, or NO_NODE. */
  readonly #sameDirectory = new Map<NodeId, NodeId>();
  readonly #topDirectory = new Map<NodeId, NodeId>();
  readonly #topPaths = new Map<NodeId, string>();
  /** For an inode of the base that has several names: the node of the top that keeps it. */
  readonly #keepers = new Map<NodeId, NodeId>();
  /** The first path, among the changes, of a group. */
  readonly #firstPaths = new Map<NodeId, string>();

  constructor(base: Tree, top: Tree, ignoreTimes: boolean) {
    this.#base = base;
    this.#top = top;
    this.#ignoreTimes = ignoreTimes;
    this.#sameDirectory.set(top.root, base.root);
    this.#topDirectory.set(base.root, top.root);
    this.#topPaths.set(top.root, "/");
  }

  run(): readonly Change[] {
    const before = this.#base.inode(this.#base.root);
    const now = this.#top.inode(this.#top.root);
    // The root's own time is nobody's record: applying a layer leaves it as it was.
    if (!sameInode(before, now, true)) this.#changes.push({ kind: "modified", path: "/", inode: now });

    const open: Generator<Pair>[] = [this.#directory({ path: "/", base: this.#base.root, top: this.#top.root })];
    while (open.length > 0) {
      const next = open[open.length - 1]!.next();
      if (next.done) open.pop();
      else open.push(this.#directory(next.value));
    }
    return this.#changes;
  }

  /** Compares the names of two directories in byte order; yields each pair of directories to go into, at its turn. */
  *#directory({ path, base, top }: Pair): Generator<Pair> {
    const before: readonly TreeEntry[] = base === NO_NODE ? [] : this.#base.list(base);
    const now = this.#top.list(top);
    let i = 0;
    for (const { name, node } of now) {
      for (; i < before.length && compareNames(before[i]!.name, name) < 0; i++) {
        this.#changes.push({ kind: "deleted", path: joinPath(path, before[i]!.name) });
      }
      const match = before[i]?.name === name ? before[i++]!.node : NO_NODE;
      const below = this.#name(joinPath(path, name), match, node);
      if (below !== undefined) yield below;
    }
    for (; i < before.length; i++) {
      this.#changes.push({ kind: "deleted", path: joinPath(path, before[i]!.name) });
    }
  }

  /** Compares what is at one path; returns the directories to go into, if any. */
  #name(path: string, base: NodeId, top: NodeId): Pair | undefined {
    const kind = base === NO_NODE ? "added" : "modified";
    if (this.#top.kind(top) === "directory") {
      const inode = this.#top.inode(top);
      const merged = base !== NO_NODE && this.#base.kind(base) === "directory";
      if (!merged || !sameInode(this.#base.inode(base), inode, this.#ignoreTimes)) {
        this.#changes.push({ kind, path, inode });
      }
      return { path, base: merged ? base : NO_NODE, top };
    }
    if (base !== NO_NODE && this.#keeper(base) === top) return undefined;
    const inode = this.#top.inode(top);
    const first = this.#firstPaths.get(top);
    if (first !== undefined) {
      this.#changes.push({ kind, path, inode, linkTo: first });
      return undefined;
    }
    if (this.#top.linkCount(top) > 1) this.#firstPaths.set(top, path);
    this.#changes.push({ kind, path, inode });
    return undefined;
  }

  /** The node of the top that is a base inode unchanged, or NO_NODE. */
  #keeper(base: NodeId): NodeId {
    if (this.#base.kind(base) === "directory") return NO_NODE;
    const known = this.#keepers.get(base);
    if (known !== undefined) return known;

    const candidates = new Set<NodeId>();
    for (const { directory, name } of this.#base.slots(base)) {
      const above = this.#inTop(directory);
      const node = above === NO_NODE ? NO_NODE : this.#top.lookup(above, name);
      if (node !== NO_NODE && this.#top.kind(node) !== "directory") candidates.add(node);
    }
    const before = this.#base.inode(base);
    const keepers = [...candidates].filter(
      (node) =>
        this.#isWithin(node, base) && sameInode(before, this.#top.inode(node), this.#ignoreTimes),
    );
    const number = this.#base.number(base);
    const keeper = keepers.find((node) => this.#top.number(node) === number) ?? this.#firstInOrder(keepers);
    if (this.#base.linkCount(base) > 1) this.#keepers.set(base, keeper);
    return keeper;
  }

  /** Whether all names that a node of the top has lead to one base inode. */
  #isWithin(top: NodeId, base: NodeId): boolean {
    return this.#top.slots(top).every(({ directory, name }) => {
      const above = this.#inBase(directory);
      return above !== NO_NODE && this.#base.lookup(above, name) === base;
    });
  }

  #firstInOrder(nodes: readonly NodeId[]): NodeId {
    if (nodes.length <= 1) return nodes[0] ?? NO_NODE;
    const firstPath = (node: NodeId) =>
      this.#top
        .slots(node)
        .map(({ directory, name }) => joinPath(this.#topPath(directory), name))
        .reduce((a, b) => (comparePaths(a, b) < 0 ? a : b));
    return nodes
      .map((node) => ({ node, path: firstPath(node) }))
      .reduce((a, b) => (comparePaths(a.path, b.path) < 0 ? a : b)).node;
  }

  #topPath(directory: NodeId): string {
    let path = this.#topPaths.get(directory);
    if (path === undefined) {
      path = joinPath(this.#topPath(this.#top.parent(directory)), this.#top.slots(directory)[0]!.name);
      this.#topPaths.set(directory, path);
    }
    return path;
  }

  #inBase(directory: NodeId): NodeId {
    return counterpart(this.#top, this.#base, directory, this.#sameDirectory);
  }

  #inTop(directory: NodeId): NodeId {
    return counterpart(this.#base, this.#top, directory, this.#topDirectory);
  }
}

/** The directory that another tree has at the path of one, or NO_NODE; remembers the way it took. */
function counterpart(of: Tree, other: Tree, directory: NodeId, known: Map<NodeId, NodeId>): NodeId {
  const way: NodeId[] = [];
  let at = directory;
  while (!known.has(at)) {
    way.push(at);
    at = of.parent(at);
  }
  let found = known.get(at)!;
  for (let i = way.length - 1; i >= 0; i--) {
    if (found !== NO_NODE) found = other.lookup(found, of.slots(way[i]!)[0]!.name);
    if (found !== NO_NODE && other.kind(found) !== "directory") found = NO_NODE;
    known.set(way[i]!, found);
  }
  return found;
}

/**
 * The changes that lead from `base` to `top`, in path order. They hold inodes of `top`, whose contents
 * are read when the changes are used.
 * @throws ContentError where contents must be compared and cannot be read
 */
export function diffTrees(base: Tree, top: Tree, options: DiffOptions = {}): ChangeSet {
  const changes = base === top ? [] : new Comparison(base, top, options.ignoreTimes ?? false).run();
  return {
    [Symbol.iterator]: () => changes[Symbol.iterator](),
    ancestor(path) {
      let node = top.root;
      for (const name of splitPath(path)) node = top.lookup(node, name);
      return top.inode(node);
    },
  };
}
