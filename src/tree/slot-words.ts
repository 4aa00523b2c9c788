/**
 * A slot of a packed tree: words side by side in one column, since a lookup wants them all.
 */

/** Words of a slot: where its name starts, the directory it is in, and the node it leads to. */
export const SLOT_WORDS = 3;
export const SLOT_NAME = 0;
export const SLOT_DIRECTORY = 1;
export const SLOT_NODE = 2;
