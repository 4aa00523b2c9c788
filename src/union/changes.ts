/**
 * The differences between two views of one lower tree: a mount and its lower, or two snapshots.
 *
 * The tables of the two views are compared first; what they share is skipped without a look. Every
 * inode that differs marks the way to its names, so the comparison (`tree/diff.ts`) goes only where
 * something can differ (M11): along marked names in a directory that is the same one on both sides,
 * through everything where it is not (a renamed lower directory costs its own subtree).
 *
 * Both views must be frozen: their contents are read when the changes are used.
 */
import type { ChangeSet } from "../tree/change.ts";
import { type DiffOptions, diffSides, type Sharing, type Side } from "../tree/diff.ts";
import { Names } from "./inode-names.ts";
import { FIRST_NEW_ID, type InodeId, isLower } from "./inodes.ts";
import { Table } from "./table.ts";
import type { View } from "./view.ts";

/** The changes that lead from `base` to `top`, in path order. */
export function changesBetween(base: View, top: View, options: DiffOptions = {}): ChangeSet {
  const names = new Names(top);
  const sharing = base.tree === top.tree ? new Differences(base, top, names) : undefined;
  return diffSides(viewSide(base, new Names(base)), viewSide(top, names), sharing, options);
}

function viewSide(view: View, names: Names): Side {
  return {
    root: view.root,
    kind: (id) => view.kind(id),
    inode: (id) => view.inode(id),
    lookup: (directory, name) => view.lookup(directory, name),
    list: (directory) => view.list(directory),
    names: (id) => view.names(id),
    number: (id) => view.number(id),
    paths: (id) => names.paths(id),
  };
}

/** Where two views of one tree differ. */
class Differences implements Sharing {
  readonly #base: View;
  readonly #top: View;
  readonly #names: Names;
  /** Names on the way to something that differs, by directory. */
  readonly #marks = new Map<InodeId, Set<string>>();
  /** Directories whose own way is marked. */
  readonly #marked = new Set<InodeId>();

  constructor(base: View, top: View, names: Names) {
    this.#base = base;
    this.#top = top;
    this.#names = names;
    Table.differences(base.copied, top.copied, (node) => this.#markInode(node));
    Table.differences(base.created, top.created, (index) => this.#markInode(FIRST_NEW_ID + index));
  }

  isSame(id: InodeId): boolean {
    return this.#base.upper(id) === this.#top.upper(id);
  }

  isOpaque(id: InodeId): boolean {
    return !isLower(id) && this.#base.upper(id) === undefined;
  }

  changedNames(directory: InodeId): Iterable<string> {
    const marks = this.#marks.get(directory);
    const before = this.#base.upperDirectory(directory);
    const now = this.#top.upperDirectory(directory);
    if (before === now) return marks ?? [];
    const names = new Set(marks);
    for (const [name, id] of now?.entries ?? []) if (before?.entries.get(name) !== id) names.add(name);
    for (const [name, id] of before?.entries ?? []) if (now?.entries.get(name) !== id) names.add(name);
    return names;
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
}
