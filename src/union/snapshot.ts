/**
 * A moment of a mount, kept. Taking one costs O(1); it shares everything with the mount, and neither
 * sees what the other does from then on.
 */
import type { ChangeSet } from "../tree/change.ts";
import type { DiffOptions } from "../tree/diff.ts";
import type { Tree } from "../tree/tree.ts";
import { changesBetween as compareViews } from "./changes.ts";
import type { Usage } from "./union.ts";
import { View } from "./view.ts";

export class Snapshot {
  /** Not to be changed by anyone. */
  readonly view: View;
  readonly usage: Usage;

  constructor(view: View, usage: Usage) {
    this.view = view;
    this.usage = { ...usage };
  }

  /** The lower tree that the mount has. */
  get tree(): Tree {
    return this.view.tree;
  }

  /** What differs from the lower tree. */
  changes(options: DiffOptions = {}): ChangeSet {
    return compareViews(new View(this.tree), this.view, options);
  }
}

/**
 * The changes that lead from one snapshot or tree to another. What two snapshots of one tree share is
 * skipped; otherwise everything is compared.
 */
export function changesBetween(
  from: Snapshot | Tree,
  to: Snapshot | Tree,
  options: DiffOptions = {},
): ChangeSet {
  return compareViews(viewOf(from), viewOf(to), options);
}

function viewOf(moment: Snapshot | Tree): View {
  return moment instanceof Snapshot ? moment.view : new View(moment);
}
