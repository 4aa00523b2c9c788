/**
 * The words (`provenance.ts`) of slots while a tree grows: most have one, which is a number in a
 * column; the rest are lists. Words come in the order of layers, so only the last can still change.
 */
import { widen } from "./node-table.ts";
import { makeWord, wordLayer } from "./provenance.ts";

const FLAGS = 0xff;

export class WordTable {
  /** The first word of each slot; 0 for none. */
  #first: Uint32Array = new Uint32Array(64);
  readonly #more: Map<number, number[]> = new Map();

  /** All words of a slot. */
  all(slot: number): readonly number[] {
    const first = this.#first[slot]!;
    return first === 0 ? [] : [first, ...(this.#more.get(slot) ?? [])];
  }

  isEmpty(slot: number): boolean {
    return this.#first[slot] === 0;
  }

  /** Whether a slot has this word and no other. */
  isOnly(slot: number, word: number): boolean {
    return this.#first[slot] === word && !this.#more.has(slot);
  }

  /** Whether a layer before this one has a word. */
  hasBefore(slot: number, layer: number): boolean {
    const first = this.#first[slot]!;
    return first !== 0 && wordLayer(first) < layer;
  }

  /** Gives a slot its words. */
  set(slot: number, words: readonly number[]): void {
    if (slot >= this.#first.length) this.#first = widen(this.#first, new Uint32Array(slot * 2));
    this.#first[slot] = words[0] ?? 0;
    if (words.length > 1) this.#more.set(slot, words.slice(1));
  }

  /** Sets flags in the word of a layer, which is the last one. */
  mark(slot: number, layer: number, flags: number): void {
    const first = this.#first[slot]!;
    if (first === 0 || wordLayer(first) === layer) {
      this.#first[slot] = makeWord(layer, (first & FLAGS) | flags);
      return;
    }
    const more = this.#more.get(slot);
    if (more === undefined) {
      this.#more.set(slot, [makeWord(layer, flags)]);
      return;
    }
    const last = more.length - 1;
    if (wordLayer(more[last]!) === layer) more[last] = (more[last]! | flags) >>> 0;
    else more.push(makeWord(layer, flags));
  }

  /** Takes flags out of the word of a layer, the last one if there is one; a word without flags goes. */
  unmark(slot: number, layer: number, flags: number): void {
    const first = this.#first[slot]!;
    if (first === 0) return;
    if (wordLayer(first) === layer) {
      const rest = first & FLAGS & ~flags;
      this.#first[slot] = rest === 0 ? 0 : makeWord(layer, rest);
      return;
    }
    const more = this.#more.get(slot);
    if (more === undefined) return;
    const last = more.length - 1;
    if (wordLayer(more[last]!) !== layer) return;
    const rest = more[last]! & FLAGS & ~flags;
    if (rest !== 0) more[last] = makeWord(layer, rest);
    else if (last === 0) this.#more.delete(slot);
    else more.pop();
  }
}
