/**
 * Sets of xattrs by number, each of them once: nodes of a growing tree refer to sets, and an archive whose
 * every file has attributes of its own must not cost an object for each of them (invariant 8).
 */
import { ByteRun } from "./byte-run.ts";
import type { Xattrs } from "./inode.ts";
import { encodeXattrs } from "./xattr-set.ts";

function hashOf(bytes: Uint8Array): number {
  let hash = 0x811c9dc5;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}

function areEqual(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

export class XattrSets {
  readonly #run = new ByteRun();
  /** Where each set starts in the run; it ends where the next one starts. */
  readonly #starts: number[] = [];
  /** The last set with a hash. */
  readonly #byHash: Map<number, number> = new Map();
  /** The set before it with the same hash, or −1. */
  readonly #sameHash: number[] = [];

  /** The number of a set. */
  add(xattrs: Xattrs): number {
    const encoded = encodeXattrs(xattrs);
    const hash = hashOf(encoded);
    const last = this.#byHash.get(hash) ?? -1;
    for (let set = last; set >= 0; set = this.#sameHash[set]!) {
      if (areEqual(this.encoded(set), encoded)) return set;
    }
    const set = this.#starts.push(this.#run.add(encoded)) - 1;
    this.#byHash.set(hash, set);
    this.#sameHash.push(last);
    return set;
  }

  /** The bytes of a set. Valid until another one is added. */
  encoded(set: number): Uint8Array {
    return this.#run.bytes(this.#starts[set]!, this.#starts[set + 1] ?? this.#run.length);
  }
}
