/**
 * A change: one real difference between a merged view and the tree it started from.
 */
import type { Inode } from "./inode.ts";

export type Change =
  | {
      /** `added`: nothing was there. `modified`: something else was, of whatever kind. */
      readonly kind: "added" | "modified";
      /** Absolute, clean; `/` for the root. */
      readonly path: string;
      /** What is there now. */
      readonly inode: Inode;
      /**
       * The first path, in order, of the same inode among these changes, where this is a later one:
       * a group of hardlinks is whole or absent (rule 57).
       */
      readonly linkTo?: string;
      /**
       * For a directory when opaque marks were asked for: nothing from below shows through, and all
       * its content is among the changes.
       */
      readonly opaque?: true;
    }
  | { readonly kind: "deleted"; readonly path: string };

/** Changes in path order (`/` lowest), and what a writer needs beside them. */
export interface ChangeSet extends Iterable<Change> {
  /**
   * The attributes, in the merged view, of a directory above a change.
   * @param path absolute and clean
   */
  ancestor(path: string): Inode;
}
