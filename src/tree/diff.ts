/**
 * The differences between two trees, by value: what a layer on top of one must say to show the other.
 *
 * Each name is compared with what the base has at the *same path* (M12). What is deleted is one change,
 * whatever was in it; of a directory over a directory only what differs is a change (M14). Hardlinks
 * are judged last, by group: all names of one inode in the new tree. A group is unchanged only if all
 * its names are one inode X in the base, equal by value, and no other group keeps X; the group that
 * *is* X goes first (M9). Otherwise every name of it is a change, wherever it is (M7).
 *
 * The walk goes through everything, unless the two sides know what they share: a mount and its lower
 * say which names of a directory can differ at all (see {@link Sharing}), and the rest is not visited.
 */
import { comparePaths } from "../posix/names.ts";
import { joinPath, splitPath } from "../posix/path.ts";
import { floorToSecond } from "../posix/time.ts";
import type { Change, ChangeSet } from "./change.ts";
import { sameContent } from "./content.ts";
import { type Inode, sameXattrs } from "./inode.ts";
import { NO_NODE, type Tree } from "./tree.ts";

export interface DiffOptions {
  /** Leaves modification times out of the comparison. */
  readonly ignoreTimes?: boolean;
  /** Marks directories that hide everything below as opaque, and lists all they hold. */
  readonly opaque?: boolean;
}

/** What the comparison asks of a side: a tree, or the merged view of a mount. Ids are the side's own. */
export interface Side {
  readonly root: number;
  kind(id: number): Inode["kind"];
  inode(id: number): Inode;
  /** The inode of a name, or {@link NO_NODE}. */
  lookup(directory: number, name: string): number;
  list(directory: number): Iterable<{ readonly name: string; readonly id: number }>;
  /** How many names an inode has; 1 for a directory. */
  names(id: number): number;
  /** What `stat` calls it: the same in two trees that share the layer it is from. */
  number(id: number): number;
  /** All paths that lead to an inode which is no directory, in path order. */
  paths(id: number): readonly string[];
}

/** What two sides whose ids name the same inodes know of each other. */
export interface Sharing {
  /** Whether an inode is the same object on both sides, so that it need not be compared. */
  isSame(id: number): boolean;
  /** Whether a directory of the new side hides everything below it, so that it can be marked opaque. */
  isOpaque(id: number): boolean;
  /** The names that can differ, at any depth, in a directory that has the same id on both sides. */
  changedNames(directory: number): Iterable<string>;
}

/**
 * The changes that lead from `base` to `top`, in path order. They hold inodes of `top`, whose contents
 * are read when the changes are used.
 * @throws ContentError where contents must be compared and cannot be read
 */
export function diffTrees(base: Tree, top: Tree, options: DiffOptions = {}): ChangeSet {
  const everything: Sharing = { isSame: () => true, isOpaque: () => false, changedNames: () => [] };
  return diffSides(treeSide(base), treeSide(top), base === top ? everything : undefined, options);
}

/** A tree as a side. */
function treeSide(tree: Tree): Side {
  const paths = new Map<number, string>([[tree.root, "/"]]);
  const pathOf = (directory: number): string => {
    const known = paths.get(directory);
    if (known !== undefined) return known;
    const [slot] = tree.slots(directory);
    if (slot === undefined) return "/";
    const path = joinPath(pathOf(slot.directory), slot.name);
    paths.set(directory, path);
    return path;
  };
  return {
    root: tree.root,
    kind: (node) => tree.kind(node),
    inode: (node) => tree.inode(node),
    lookup: (directory, name) => tree.lookup(directory, name),
    list: (directory) => tree.list(directory).map(({ name, node }) => ({ name, id: node })),
    names: (node) => tree.linkCount(node),
    number: (node) => tree.number(node),
    paths: (node) =>
      tree
        .slots(node)
        .map(({ directory, name }) => joinPath(pathOf(directory), name))
        .sort(comparePaths),
  };
}

/** The changes that lead from one side to another. */
export function diffSides(
  base: Side,
  top: Side,
  sharing: Sharing | undefined,
  options: DiffOptions,
): ChangeSet {
  const changes = new Comparison(base, top, sharing, options).run();
  return {
    [Symbol.iterator]: () => changes[Symbol.iterator](),
    ancestor: (path) => top.inode(resolve(top, path)),
  };
}

/** Follows names from the root without following links. */
function resolve(side: Side, path: string): number {
  let id = side.root;
  for (const name of splitPath(path)) {
    if (side.kind(id) !== "directory") return NO_NODE;
    id = side.lookup(id, name);
    if (id === NO_NODE) return NO_NODE;
  }
  return id;
}

/** Whether two inodes are the same to a layer (rule 53: bytes decide; M16: whole seconds). */
function sameInode(a: Inode, b: Inode, ignoreTimes: boolean): boolean {
  if (a.kind !== b.kind || a.mode !== b.mode || a.uid !== b.uid || a.gid !== b.gid) return false;
  if (!ignoreTimes && a.mtime !== b.mtime && floorToSecond(a.mtime) !== floorToSecond(b.mtime)) return false;
  if (!sameXattrs(a.xattrs, b.xattrs)) return false;
  if (a.kind === "file" && b.kind === "file") return sameContent(a.content, b.content);
  if (a.kind === "symlink" && b.kind === "symlink") return a.target === b.target;
  if ((a.kind === "char" || a.kind === "block") && (b.kind === "char" || b.kind === "block"))
    return a.rdev === b.rdev;
  return true;
}

/** A name whose inode may be shared with other names. */
interface Linked {
  readonly id: number;
  /** Paths of all its names, in order. */
  readonly paths: readonly string[];
}

class Comparison {
  readonly #base: Side;
  readonly #top: Side;
  readonly #sharing: Sharing | undefined;
  readonly #ignoreTimes: boolean;
  readonly #opaque: boolean;
  readonly #changes: Change[] = [];
  readonly #groups = new Map<number, Linked>();
  readonly #opaquePaths: string[] = [];

  constructor(base: Side, top: Side, sharing: Sharing | undefined, options: DiffOptions) {
    this.#base = base;
    this.#top = top;
    this.#sharing = sharing;
    this.#ignoreTimes = options.ignoreTimes ?? false;
    this.#opaque = options.opaque ?? false;
  }

  run(): readonly Change[] {
    this.#directories("/", this.#base.root, this.#top.root);
    this.#judgeGroups();
    return this.#changes.sort((a, b) => comparePaths(a.path, b.path));
  }

  /** Compares two directories that have the same path. */
  #directories(path: string, base: number, top: number): void {
    const before = this.#base.inode(base);
    const now = this.#top.inode(top);
    const hides = this.#opaque && path !== "/" && (this.#sharing?.isOpaque(top) ?? false);
    if (hides) {
      this.#opaquePaths.push(path);
      this.#changes.push({ kind: "modified", path, inode: now, opaque: true });
      this.#everything(path, top);
      return;
    }
    if (!sameInode(before, now, this.#ignoreTimes || path === "/")) {
      this.#changes.push({ kind: "modified", path, inode: now });
    }
    for (const name of this.#comparedNames(base, top)) {
      this.#name(joinPath(path, name), this.#base.lookup(base, name), this.#top.lookup(top, name));
    }
  }

  #comparedNames(base: number, top: number): Iterable<string> {
    if (this.#sharing !== undefined && base === top) return this.#sharing.changedNames(base);
    const names = new Set<string>();
    for (const { name } of this.#base.list(base)) names.add(name);
    for (const { name } of this.#top.list(top)) names.add(name);
    return names;
  }

  /** Compares what two views have at one path. */
  #name(path: string, base: number, top: number): void {
    if (top === NO_NODE) {
      if (base !== NO_NODE) this.#changes.push({ kind: "deleted", path });
      return;
    }
    const topIsDirectory = this.#top.kind(top) === "directory";
    const baseIsDirectory = base !== NO_NODE && this.#base.kind(base) === "directory";
    if (topIsDirectory && baseIsDirectory) {
      this.#directories(path, base, top);
    } else if (topIsDirectory) {
      this.#changes.push({
        kind: base === NO_NODE ? "added" : "modified",
        path,
        inode: this.#top.inode(top),
      });
      this.#everything(path, top);
    } else if (
      this.#top.names(top) > 1 ||
      (base !== NO_NODE && !baseIsDirectory && this.#base.names(base) > 1)
    ) {
      this.#noteGroup(top);
    } else if (base === NO_NODE) {
      this.#changes.push({ kind: "added", path, inode: this.#top.inode(top) });
    } else if (baseIsDirectory || !this.#same(base, top)) {
      this.#changes.push({ kind: "modified", path, inode: this.#top.inode(top) });
    }
  }

  /** Whether a name's inode is the same by value; what both sides share needs no comparison. */
  #same(base: number, top: number): boolean {
    if (base === top && this.#sharing?.isSame(base)) return true;
    return sameInode(this.#base.inode(base), this.#top.inode(top), this.#ignoreTimes);
  }

  /** Everything in a directory that has nothing to be compared with. */
  #everything(path: string, directory: number): void {
    for (const { name, id } of this.#top.list(directory)) this.#name(joinPath(path, name), NO_NODE, id);
  }

  #noteGroup(id: number): void {
    if (!this.#groups.has(id)) this.#groups.set(id, { id, paths: this.#top.paths(id) });
  }

  #judgeGroups(): void {
    const groups = [...this.#groups.values()].filter(({ paths }) => paths.length > 0);
    const keepers = this.#keepers(groups);
    for (const { id, paths } of groups) {
      if (keepers.has(id)) continue;
      const first = paths[0] as string;
      const inode = this.#top.inode(id);
      for (const path of paths) {
        const kind = this.#baseAt(path) === NO_NODE ? "added" : "modified";
        this.#changes.push(path === first ? { kind, path, inode } : { kind, path, inode, linkTo: first });
      }
    }
  }

  /** The groups that are unchanged. */
  #keepers(groups: readonly Linked[]): Set<number> {
    const keepers = new Set<number>();
    const kept = new Set<number>();
    const candidates = groups
      .map((group) => ({ group, origin: this.#commonOrigin(group) }))
      .filter(({ group, origin }) => origin !== NO_NODE && this.#same(origin, group.id))
      .sort((a, b) => {
        const own =
          Number(this.#isOrigin(b.origin, b.group.id)) - Number(this.#isOrigin(a.origin, a.group.id));
        return own !== 0 ? own : comparePaths(a.group.paths[0] as string, b.group.paths[0] as string);
      });
    for (const { group, origin } of candidates) {
      if (kept.has(origin)) continue;
      kept.add(origin);
      keepers.add(group.id);
    }
    return keepers;
  }

  #isOrigin(base: number, top: number): boolean {
    return this.#base.number(base) === this.#top.number(top);
  }

  /** The one base inode, no directory, that all names of a group lead to, or {@link NO_NODE}. */
  #commonOrigin({ paths }: Linked): number {
    let origin = NO_NODE;
    for (const path of paths) {
      const id = this.#baseAt(path);
      if (id === NO_NODE || (origin !== NO_NODE && id !== origin)) return NO_NODE;
      origin = id;
    }
    return origin !== NO_NODE && this.#base.kind(origin) !== "directory" ? origin : NO_NODE;
  }

  /** What the base has at a path; nothing beneath an opaque directory. */
  #baseAt(path: string): number {
    for (const opaque of this.#opaquePaths) if (path.startsWith(`${opaque}/`)) return NO_NODE;
    return resolve(this.#base, path);
  }
}
