/**
 * Finding the directory that an entry lies in, inside the tree: links are followed with the root as
 * `/` and `..` never leaves it (rule 3), whatever the archive says. The last component of an entry's
 * name is not looked at here, so it is never followed.
 */
import { splitPath } from "../posix/path.ts";
import { type GrowingTree, NO_SLOT_ID, ROOT_SLOT, type SlotId } from "../tree/growing.ts";

/** How many links one resolution follows (rule 3). */
export const LINK_LIMIT = 255;

/** More links than that. */
export const TOO_MANY_LINKS = -2;

/**
 * The directory that `names` lead to, all of them followed.
 * @param imply makes a directory where a name of the entry leads to none: nothing is there, or a
 *   file, or a link to neither (rules 5, 6)
 * @returns a live directory; NO_SLOT_ID where there is none and none is made; or {@link TOO_MANY_LINKS}
 */
export function resolveDirectory(
  tree: GrowingTree,
  names: readonly string[],
  imply?: (directory: SlotId, name: string) => SlotId,
): SlotId {
  const budget = { links: LINK_LIMIT };
  let at = ROOT_SLOT;
  for (const name of names) {
    const slot = tree.child(at, name);
    if (slot !== NO_SLOT_ID && tree.isDirectory(slot)) {
      at = slot;
      continue;
    }
    const target = slot !== NO_SLOT_ID && tree.isSymlink(slot) ? follow(tree, at, slot, budget) : NO_SLOT_ID;
    if (target === TOO_MANY_LINKS) return TOO_MANY_LINKS;
    if (target !== NO_SLOT_ID) at = target;
    else if (imply !== undefined) at = imply(at, name);
    else return NO_SLOT_ID;
  }
  return at;
}

/** The directory that a link leads to, or NO_SLOT_ID, or {@link TOO_MANY_LINKS}. */
function follow(tree: GrowingTree, directory: SlotId, link: SlotId, budget: { links: number }): SlotId {
  let at = directory;
  const pending: string[] = [];
  let next: SlotId = link;
  for (;;) {
    if (tree.isSymlink(next)) {
      if (budget.links === 0) return TOO_MANY_LINKS;
      budget.links -= 1;
      const target = tree.target(next);
      if (target.startsWith("/")) at = ROOT_SLOT;
      pending.push(...splitPath(target).reverse());
    } else if (tree.isDirectory(next)) {
      at = next;
    } else {
      return NO_SLOT_ID;
    }
    const name = pending.pop();
    if (name === undefined) return at;
    next = name === ".." ? tree.parentOf(at) : tree.child(at, name);
    if (next === NO_SLOT_ID) return NO_SLOT_ID;
  }
}
