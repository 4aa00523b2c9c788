/**
 * Where the names of an inode are now.
 *
 * Lower names come from the tree's slots and are valid only if the directory is still reachable and
 * still leads to the inode by that name (M6); upper names come from one pass over the upper
 * directories, made when first asked for. Costs what the upper holds, never what the image holds.
 */
import { comparePaths } from "../posix/names.ts";
import { joinPath } from "../posix/path.ts";
import type { Slot } from "../tree/tree.ts";
import { FIRST_NEW_ID, type InodeId, isLower, type UpperInode, WHITEOUT } from "./inodes.ts";
import { Table } from "./table.ts";
import type { View } from "./view.ts";

export class Names {
  readonly #view: View;
  readonly #directories = new Map<InodeId, string | undefined>();
  #upper: Map<InodeId, Slot[]> | undefined;

  constructor(view: View) {
    this.#view = view;
  }

  /** Entries of upper directories that lead to an inode; the directories may be gone. */
  upperNames(id: InodeId): readonly Slot[] {
    this.#upper ??= this.#collect();
    return this.#upper.get(id) ?? [];
  }

  /** All paths that lead to an inode which is no directory, in order. */
  paths(id: InodeId): string[] {
    const paths: string[] = [];
    const slots = isLower(id) ? [...this.#view.tree.slots(id), ...this.upperNames(id)] : this.upperNames(id);
    for (const { directory, name } of slots) {
      if (this.#view.lookup(directory, name) !== id) continue;
      const path = this.#view.pathOf(directory, this.#directories);
      if (path !== undefined) paths.push(joinPath(path, name));
    }
    return paths.sort(comparePaths);
  }

  #collect(): Map<InodeId, Slot[]> {
    const names = new Map<InodeId, Slot[]>();
    const empty = new Table<UpperInode>();
    const visit = (directory: InodeId, inode: UpperInode | undefined) => {
      if (inode?.kind !== "directory") return;
      for (const [name, id] of inode.entries) {
        if (id === WHITEOUT) continue;
        const slots = names.get(id);
        if (slots === undefined) names.set(id, [{ directory, name }]);
        else slots.push({ directory, name });
      }
    };
    Table.differences(empty, this.#view.copied, (node, _, inode) => visit(node, inode));
    Table.differences(empty, this.#view.created, (index, _, inode) => visit(FIRST_NEW_ID + index, inode));
    return names;
  }
}
