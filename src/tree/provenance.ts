/**
 * Provenance: what the layers of a chain did to a path, without storing it for every path.
 *
 * Each path keeps at most one **word** for a layer that did something to it by name: the layer's
 * position and flags. What befalls a path because of a directory above it is not stored: it follows
 * from that directory's words. A whited-out subtree thus costs one word at its top, and below it only
 * that the names were there.
 *
 * Where a path is there and its only word says that the layer of its inode's number put it, the word
 * is not stored either. All other words, and those of all names that are gone, are *records*: a tree
 * of paths beside the tree itself.
 *
 * In one layer what hides comes before what is put, wherever they stand in the archive, because a
 * layer hides only what lies in lower ones (rules 11, 13).
 */
import type { ProvenanceEvent, ProvenanceKind } from "./tree.ts";

/** The name was whited out. */
export const WHITEOUT = 1;
/** An opaque mark lies in the directory: what was in it is hidden. */
export const OPAQUE = 2;
/** The directory was replaced by something else: what was in it is gone. */
export const WIPED = 4;
/** The directory was hidden with a directory above or by name, but stays as the way to an entry of the layer (rule 11a). */
export const KEPT = 8;
/** The layer has an entry of the name. */
export const PUT = 16;
/** The layer has a hardlink of the name. */
export const LINKED = 32;
/** The directory was made as the parent of an entry of the layer. */
export const IMPLIED = 64;

/** What makes a name be there after its layer. */
export const PRESENT = PUT | LINKED | IMPLIED;

const LAYER_SHIFT = 8;

export function makeWord(layer: number, flags: number): number {
  return ((layer << LAYER_SHIFT) | flags) >>> 0;
}

/** Position of the word's layer, from 0. */
export function wordLayer(word: number): number {
  return word >>> LAYER_SHIFT;
}

/** The events of a path from the words of each name on it, the root's first, its own last. */
export function eventsOf(path: readonly (readonly number[])[]): ProvenanceEvent[] {
  const events: ProvenanceEvent[] = [];
  const at = path.map(() => 0);
  let present = false;
  for (;;) {
    let layer = Number.POSITIVE_INFINITY;
    path.forEach((words, depth) => {
      const word = words[at[depth]!];
      if (word !== undefined) layer = Math.min(layer, wordLayer(word));
    });
    if (layer === Number.POSITIVE_INFINITY) return events;

    let hidden: ProvenanceKind | undefined;
    let own = 0;
    path.forEach((words, depth) => {
      const word = words[at[depth]!];
      if (word === undefined || wordLayer(word) !== layer) return;
      at[depth]! += 1;
      const distance = path.length - 1 - depth;
      if (distance === 0) {
        own = word;
        if ((word & WHITEOUT) !== 0) hidden = "whiteout";
      } else if ((word & OPAQUE) !== 0) {
        hidden = distance === 1 ? "opaque" : "ancestor";
      } else if ((word & (WHITEOUT | WIPED)) !== 0) {
        hidden = "ancestor";
      }
    });
    if (present && hidden !== undefined && (own & KEPT) === 0) {
      events.push({ layer, kind: hidden });
      present = false;
    }
    if ((own & PRESENT) !== 0) {
      events.push({ layer, kind: (own & PUT) !== 0 ? "put" : (own & LINKED) !== 0 ? "linked" : "implied" });
      present = true;
    }
  }
}
