/**
 * A moment of a mount, kept. Taking one costs O(1); it shares everything with the mount, and neither
 * sees what the other does from then on.
 */
import type { ChangeSet } from "../tree/change.ts";
import type { Tree } from "../tree/tree.ts";
import { type ChangesOptions, changesBetween as compareViews } from "./changes.ts";
import { View } from "./view.ts";

export class Snapshot {
  /** Not to be changed by anyone. */
  readonly view: View;
  readonly usage: { readonly pages: number; readonly inodes: number };

  constructor(view: View, usage: { readonly pages: number; readonly inodes: number }) {
    this.view = view;
    this.usage = { ...usage };
  }

  /** The lower tree that the mount has. */
  get tree(): Tree {
    return this.view.tree;
  }

  /** What differs from the lower tree. */
  changes(options: ChangesOptions = {}): ChangeSet {
    return compareViews(new View(this.tree), this.view, options);
  }
}

/**
 * The changes that lead from one snapshot to another of the same lower tree, or from the tree itself.
 * What the two share is skipped.
 * @throws RangeError when they do not stand on the same tree
 */
export function changesBetween(from: Snapshot | Tree, to: Snapshot, options: ChangesOptions = {}): ChangeSet {
  const base = from instanceof Snapshot ? from.view : new View(from);
  if (base.tree !== to.tree)
    throw new RangeError("snapshots of different images cannot be compared by what they share");
  return compareViews(base, to.view, options);
}
