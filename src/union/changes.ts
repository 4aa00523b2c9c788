/**
 * The differences between two views of one lower tree: a mount and its lower, or two snapshots.
 *
 * The tables of the two views are compared first; what they share is skipped without a look. Every
 * inode that differs marks the way to its names, so the walk that follows goes only where something
 * can differ (M11): along marked names in a directory that is the same one on both sides, through
 * everything where it is not (a renamed lower directory costs its own subtree). Each name is compared
 * with what the base has at the *same path* (M12), by value.
 *
 * Hardlinks are judged last, by group: all names of one inode in the new view. A group is unchanged
 * only if all its names are one inode X in the base, equal by value, and no other group keeps X; the
 * group that *is* X goes first (M9). Otherwise every name of it is a change, wherever it is (M7).
 *
 * Both views must be frozen: their contents are read when the changes are used.
 */
import { comparePaths } from "../posix/names.ts";
import { joinPath } from "../posix/path.ts";
import { floorToSecond } from "../posix/time.ts";
import type { Change, ChangeSet } from "../tree/change.ts";
import { sameContent } from "../tree/content.ts";
import type { Inode } from "../tree/inode.ts";
import { Names } from "./inode-names.ts";
import { FIRST_NEW_ID, type InodeId, isLower, sameXattrs } from "./inodes.ts";
import { PageMap } from "./page-map.ts";
import { Table } from "./table.ts";
import { NO_INODE, type View } from "./view.ts";

export interface ChangesOptions {
  /** Leaves modification times out of the comparison. */
  readonly ignoreTimes?: boolean;
  /** Marks directories that hide everything below as opaque, and lists all they hold. */
  readonly opaque?: boolean;
}

/** Whether two inodes that are no directories are the same to a layer (rule 53: bytes decide; M16: whole seconds). */
export function sameInode(a: Inode, b: Inode, ignoreTimes: boolean): boolean {
  if (a.kind !== b.kind || a.mode !== b.mode || a.uid !== b.uid || a.gid !== b.gid) return false;
  if (!ignoreTimes && floorToSecond(a.mtime) !== floorToSecond(b.mtime)) return false;
  if (!sameXattrs(a.xattrs, b.xattrs)) return false;
  if (a.kind === "file" && b.kind === "file") {
    if (a.content instanceof PageMap) return a.content.equals(b.content);
    return b.content instanceof PageMap ? b.content.equals(a.content) : sameContent(a.content, b.content);
  }
  if (a.kind === "symlink" && b.kind === "symlink") return a.target === b.target;
  if ((a.kind === "char" || a.kind === "block") && (b.kind === "char" || b.kind === "block"))
    return a.rdev === b.rdev;
  return true;
}

/** The changes that lead from `base` to `top`, in path order. */
export function changesBetween(base: View, top: View, options: ChangesOptions = {}): ChangeSet {
  const changes = new Comparison(base, top, options).run();
  return {
    [Symbol.iterator]: () => changes[Symbol.iterator](),
    ancestor: (path) => top.inode(top.resolve(path)),
  };
}

/** A name whose inode may be shared with other names. */
interface Linked {
  readonly id: InodeId;
  /** Paths of all its names, in order. */
  readonly paths: readonly string[];
}

class Comparison {
  readonly #base: View;
  readonly #top: View;
  readonly #ignoreTimes: boolean;
  readonly #opaque: boolean;
  readonly #names: Names;
  /** Names on the way to something that differs, by directory. */
  readonly #marks = new Map<InodeId, Set<string>>();
  /** Directories whose own way is marked. */
  readonly #marked = new Set<InodeId>();
  readonly #changes: Change[] = [];
  readonly #groups = new Map<InodeId, Linked>();
  readonly #opaquePaths: string[] = [];

  constructor(base: View, top: View, options: ChangesOptions) {
    this.#base = base;
    this.#top = top;
    this.#ignoreTimes = options.ignoreTimes ?? false;
    this.#opaque = options.opaque ?? false;
    this.#names = new Names(top);
  }

  run(): readonly Change[] {
    this.#markDifferences();
    this.#directories("/", this.#base.root, this.#top.root);
    this.#judgeGroups();
    return this.#changes.sort((a, b) => comparePaths(a.path, b.path));
  }

  #markDifferences(): void {
    Table.differences(this.#base.copied, this.#top.copied, (node) => this.#markInode(node));
    Table.differences(this.#base.created, this.#top.created, (index) =>
      this.#markInode(FIRST_NEW_ID + index),
    );
  }

  /** Marks the way to every name of an inode that differs; names that are gone lead nowhere and do no harm. */
  #markInode(id: InodeId): void {
    const view = this.#top.exists(id) ? this.#top : this.#base;
    if (view.kind(id) === "directory") {
      this.#markDirectory(id);
      return;
    }
    if (isLower(id)) for (const { directory, name } of view.tree.slots(id)) this.#markName(directory, name);
    for (const { directory, name } of this.#names.upperNames(id)) this.#markName(directory, name);
  }

  #markName(directory: InodeId, name: string): void {
    const marks = this.#marks.get(directory);
    if (marks === undefined) this.#marks.set(directory, new Set([name]));
    else marks.add(name);
    this.#markDirectory(directory);
  }

  /** Marks the way to a directory, in both views: it may be elsewhere in each. */
  #markDirectory(directory: InodeId): void {
    if (this.#marked.has(directory)) return;
    this.#marked.add(directory);
    for (const view of [this.#base, this.#top]) {
      if (directory === view.root || !view.exists(directory)) continue;
      const parent = view.parent(directory);
      if (view.exists(parent)) this.#markName(parent, view.nameOf(directory));
    }
  }

  /** Compares two directories that have the same path. */
  #directories(path: string, base: InodeId, top: InodeId): void {
    const before = this.#base.inode(base);
    const now = this.#top.inode(top);
    const hides = this.#opaque && base !== top && !isLower(top) && path !== "/";
    if (hides) {
      this.#opaquePaths.push(path);
      this.#changes.push({ kind: "modified", path, inode: now, opaque: true });
      this.#everything(path, top);
      return;
    }
    if (!sameInode(before, now, this.#ignoreTimes || path === "/")) {
      this.#changes.push({ kind: "modified", path, inode: now });
    }
    for (const name of base === top ? this.#changedNames(base) : this.#allNames(base, top)) {
      this.#name(joinPath(path, name), this.#base.lookup(base, name), this.#top.lookup(top, name));
    }
  }

  /** Names that can differ in a directory that is the same one in both views. */
  #changedNames(directory: InodeId): Iterable<string> {
    const marks = this.#marks.get(directory);
    const before = this.#base.upperDirectory(directory);
    const now = this.#top.upperDirectory(directory);
    if (before === now) return marks ?? [];
    const names = new Set(marks);
    for (const [name, id] of now?.entries ?? []) if (before?.entries.get(name) !== id) names.add(name);
    for (const [name, id] of before?.entries ?? []) if (now?.entries.get(name) !== id) names.add(name);
    return names;
  }

  #allNames(base: InodeId, top: InodeId): Iterable<string> {
    const names = new Set<string>();
    for (const { name } of this.#base.list(base)) names.add(name);
    for (const { name } of this.#top.list(top)) names.add(name);
    return names;
  }

  /** Compares what two views have at one path. */
  #name(path: string, base: InodeId, top: InodeId): void {
    if (top === NO_INODE) {
      if (base !== NO_INODE) this.#changes.push({ kind: "deleted", path });
      return;
    }
    const topIsDirectory = this.#top.kind(top) === "directory";
    const baseIsDirectory = base !== NO_INODE && this.#base.kind(base) === "directory";
    if (topIsDirectory && baseIsDirectory) {
      this.#directories(path, base, top);
    } else if (topIsDirectory) {
      this.#changes.push({
        kind: base === NO_INODE ? "added" : "modified",
        path,
        inode: this.#top.inode(top),
      });
      this.#everything(path, top);
    } else if (
      this.#top.names(top) > 1 ||
      (base !== NO_INODE && !baseIsDirectory && this.#base.names(base) > 1)
    ) {
      this.#noteGroup(top);
    } else if (base === NO_INODE) {
      this.#changes.push({ kind: "added", path, inode: this.#top.inode(top) });
    } else if (baseIsDirectory || !this.#same(base, top)) {
      this.#changes.push({ kind: "modified", path, inode: this.#top.inode(top) });
    }
  }

  /** Whether a name's inode is the same by value; the same inode in both tables needs no comparison. */
  #same(base: InodeId, top: InodeId): boolean {
    if (base === top && this.#base.upper(base) === this.#top.upper(top)) return true;
    return sameInode(this.#base.inode(base), this.#top.inode(top), this.#ignoreTimes);
  }

  /** Everything in a directory that has nothing to be compared with. */
  #everything(path: string, directory: InodeId): void {
    for (const { name, id } of this.#top.list(directory)) this.#name(joinPath(path, name), NO_INODE, id);
  }

  #noteGroup(id: InodeId): void {
    if (!this.#groups.has(id)) this.#groups.set(id, { id, paths: this.#names.paths(id) });
  }

  #judgeGroups(): void {
    const groups = [...this.#groups.values()].filter(({ paths }) => paths.length > 0);
    const keepers = this.#keepers(groups);
    for (const { id, paths } of groups) {
      if (keepers.has(id)) continue;
      const first = paths[0] as string;
      const inode = this.#top.inode(id);
      for (const path of paths) {
        const kind = this.#baseAt(path) === NO_INODE ? "added" : "modified";
        this.#changes.push(path === first ? { kind, path, inode } : { kind, path, inode, linkTo: first });
      }
    }
  }

  /** The groups that are unchanged. */
  #keepers(groups: readonly Linked[]): Set<InodeId> {
    const keepers = new Set<InodeId>();
    const kept = new Set<InodeId>();
    const candidates = groups
      .map((group) => ({ group, origin: this.#commonOrigin(group) }))
      .filter(({ group, origin }) => origin !== NO_INODE && this.#same(origin, group.id))
      .sort((a, b) => {
        const own = Number(b.origin === b.group.id) - Number(a.origin === a.group.id);
        return own !== 0 ? own : comparePaths(a.group.paths[0] as string, b.group.paths[0] as string);
      });
    for (const { group, origin } of candidates) {
      if (kept.has(origin)) continue;
      kept.add(origin);
      keepers.add(group.id);
    }
    return keepers;
  }

  /** The one base inode, no directory, that all names of a group lead to, or {@link NO_INODE}. */
  #commonOrigin({ paths }: Linked): InodeId {
    let origin = NO_INODE;
    for (const path of paths) {
      const id = this.#baseAt(path);
      if (id === NO_INODE || (origin !== NO_INODE && id !== origin)) return NO_INODE;
      origin = id;
    }
    return origin !== NO_INODE && this.#base.kind(origin) !== "directory" ? origin : NO_INODE;
  }

  /** What the base shows at a path; nothing beneath an opaque directory. */
  #baseAt(path: string): InodeId {
    for (const opaque of this.#opaquePaths) if (path.startsWith(`${opaque}/`)) return NO_INODE;
    return this.#base.resolve(path);
  }
}
