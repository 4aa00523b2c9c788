/**
 * An index over all names of a tree: which slot has this name in this directory? Slots are sorted, so
 * a search answers that too, with some twenty mispredicted branches for a path of four components;
 * this takes a probe or two for each, at six bytes a name.
 *
 * It is a table of open addressing: a slot stands where the hash of its directory and name says, or
 * in one of the next places. A probe ends at an empty place, or is given up after {@link PROBES}: then
 * the name is to be searched for. So names chosen to collide cost what searching costs, and no more.
 */
import { nameToBytes } from "../posix/names.ts";
import { SLOT_DIRECTORY, SLOT_WORDS } from "./slot-words.ts";

/** How many places a probe looks at before it is given up. */
const PROBES = 24;

/** The directory has no such name. */
export const NOT_THERE = -1;
/** The index does not know. */
export const NOT_KNOWN = -2;

/** How many places the index of so many slots has: two thirds of them are taken. */
export function indexSize(slots: number): number {
  return slots + (slots >>> 1) + 1;
}

function seed(directory: number): number {
  return Math.imul(directory + 1, 0x9e3779b1);
}

function step(hash: number, byte: number): number {
  return Math.imul(hash ^ byte, 0x01000193);
}

function placeOf(hash: number, size: number): number {
  let mixed = hash ^ (hash >>> 15);
  mixed = Math.imul(mixed, 0x2c1b3c6d);
  mixed ^= mixed >>> 13;
  return ((mixed >>> 0) * size * 2 ** -32) >>> 0;
}

/** Fills an index. Slots go in by their order, so equal trees have equal indexes. */
export function buildIndex(index: Uint32Array, slots: Uint32Array, names: Uint8Array): void {
  const size = index.length;
  const count = Math.floor(slots.length / SLOT_WORDS);
  for (let slot = 0; slot < count; slot++) {
    const at = slot * SLOT_WORDS;
    let hash = seed(slots[at + SLOT_DIRECTORY]!);
    const end = slots[at + SLOT_WORDS]!;
    for (let i = slots[at]!; i < end; i++) hash = step(hash, names[i]!);
    let place = placeOf(hash, size);
    for (let probe = 0; probe < PROBES; probe++) {
      if (index[place] === 0) {
        index[place] = slot + 1;
        break;
      }
      place = place + 1 === size ? 0 : place + 1;
    }
  }
}

/** The slot of a name, or {@link NOT_THERE}, or {@link NOT_KNOWN}. Allocates only for names that are not ASCII. */
export function findSlot(
  index: Uint32Array,
  slots: Uint32Array,
  names: Uint8Array,
  directory: number,
  name: string,
): number {
  const length = name.length;
  let hash = seed(directory);
  for (let i = 0; i < length; i++) {
    const unit = name.charCodeAt(i);
    if (unit > 0x7f) return findEncoded(index, slots, names, directory, nameToBytes(name));
    hash = step(hash, unit);
  }
  const size = index.length;
  let place = placeOf(hash, size);
  for (let probe = 0; probe < PROBES; probe++) {
    const slot = index[place]! - 1;
    if (slot < 0) return NOT_THERE;
    const at = slot * SLOT_WORDS;
    if (slots[at + SLOT_DIRECTORY] === directory) {
      const start = slots[at]!;
      if (slots[at + SLOT_WORDS]! - start === length) {
        let i = 0;
        while (i < length && names[start + i] === name.charCodeAt(i)) i += 1;
        if (i === length) return slot;
      }
    }
    place = place + 1 === size ? 0 : place + 1;
  }
  return NOT_KNOWN;
}

/** The same for a name in bytes; apart, so that the common case works on the string. */
function findEncoded(
  index: Uint32Array,
  slots: Uint32Array,
  names: Uint8Array,
  directory: number,
  name: Uint8Array,
): number {
  const length = name.length;
  let hash = seed(directory);
  for (let i = 0; i < length; i++) hash = step(hash, name[i]!);
  const size = index.length;
  let place = placeOf(hash, size);
  for (let probe = 0; probe < PROBES; probe++) {
    const slot = index[place]! - 1;
    if (slot < 0) return NOT_THERE;
    const at = slot * SLOT_WORDS;
    const start = slots[at]!;
    if (slots[at + SLOT_DIRECTORY] === directory && slots[at + SLOT_WORDS]! - start === length) {
      let i = 0;
      while (i < length && names[start + i] === name[i]) i += 1;
      if (i === length) return slot;
    }
    place = place + 1 === size ? 0 : place + 1;
  }
  return NOT_KNOWN;
}
