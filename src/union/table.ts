/**
 * A persistent table from small integers to values, with cheap copies.
 *
 * A radix tree of 32-slot nodes. Every node carries the *epoch* in which it was made; a writer in the
 * same epoch changes it in place, a writer in a later one clones it first. Forking is therefore
 * copying the root and giving both sides new epochs: O(1), and afterwards neither sees the other's
 * writes (M24). Lookup cost depends on the highest key alone, never on how many forks came before.
 */

const BITS = 5;
const WIDTH = 1 << BITS;
const MASK = WIDTH - 1;

/** A number no two forks share. Nodes are writable only in the epoch that made them. */
export type Epoch = number;

let lastEpoch = 0;

/** An epoch that nothing has yet. */
export function newEpoch(): Epoch {
  lastEpoch += 1;
  return lastEpoch;
}

interface Branch<T> {
  readonly epoch: Epoch;
  readonly slots: (Branch<T> | T | undefined)[];
}

function emptyBranch<T>(epoch: Epoch): Branch<T> {
  return { epoch, slots: new Array<Branch<T> | T | undefined>(WIDTH).fill(undefined) };
}

/** Keys are integers from 0 to 2^30-1; values are never undefined. */
export class Table<T extends object> {
  #root: Branch<T> | undefined;
  /** Bits that the root's slots skip: 0 when the root holds values. */
  #shift = 0;

  /** A copy that shares everything. Both sides must write in new epochs from now on. */
  copy(): Table<T> {
    const table = new Table<T>();
    table.#root = this.#root;
    table.#shift = this.#shift;
    return table;
  }

  get(key: number): T | undefined {
    let branch = this.#root;
    if (branch === undefined || key >>> this.#shift >= WIDTH) return undefined;
    for (let shift = this.#shift; shift > 0; shift -= BITS) {
      branch = branch.slots[(key >>> shift) & MASK] as Branch<T> | undefined;
      if (branch === undefined) return undefined;
    }
    return branch.slots[key & MASK] as T | undefined;
  }

  set(key: number, value: T, epoch: Epoch): void {
    this.#leaf(key, epoch).slots[key & MASK] = value;
  }

  delete(key: number, epoch: Epoch): void {
    if (this.get(key) !== undefined) this.#leaf(key, epoch).slots[key & MASK] = undefined;
  }

  /** The leaf that holds `key`, writable in `epoch`, with everything above it. */
  #leaf(key: number, epoch: Epoch): Branch<T> {
    let root = this.#root ?? emptyBranch<T>(epoch);
    while (key >>> this.#shift >= WIDTH) {
      const higher = emptyBranch<T>(epoch);
      higher.slots[0] = root;
      root = higher;
      this.#shift += BITS;
    }
    root = writable(root, epoch);
    this.#root = root;
    let branch = root;
    for (let shift = this.#shift; shift > 0; shift -= BITS) {
      const slot = (key >>> shift) & MASK;
      const below = branch.slots[slot] as Branch<T> | undefined;
      const next = below === undefined ? emptyBranch<T>(epoch) : writable(below, epoch);
      branch.slots[slot] = next;
      branch = next;
    }
    return branch;
  }

  /** Calls `visit` with every key whose value is not the same object in both tables; what they share is skipped. */
  static differences<T extends object>(
    a: Table<T>,
    b: Table<T>,
    visit: (key: number, a: T | undefined, b: T | undefined) => void,
  ): void {
    const shift = Math.max(a.#shift, b.#shift);
    compareBranches(raise(a.#root, a.#shift, shift), raise(b.#root, b.#shift, shift), shift, 0, visit);
  }
}

function writable<T>(branch: Branch<T>, epoch: Epoch): Branch<T> {
  return branch.epoch === epoch ? branch : { epoch, slots: branch.slots.slice() };
}

/** The same content under a root of a higher level. */
function raise<T>(root: Branch<T> | undefined, from: number, to: number): Branch<T> | undefined {
  let raised = root;
  for (let shift = from; shift < to && raised !== undefined; shift += BITS) {
    const higher = emptyBranch<T>(0);
    higher.slots[0] = raised;
    raised = higher;
  }
  return raised;
}

function compareBranches<T>(
  a: Branch<T> | undefined,
  b: Branch<T> | undefined,
  shift: number,
  prefix: number,
  visit: (key: number, a: T | undefined, b: T | undefined) => void,
): void {
  if (a === b) return;
  for (let slot = 0; slot < WIDTH; slot++) {
    const left = a?.slots[slot];
    const right = b?.slots[slot];
    if (left === right) continue;
    const key = prefix + slot * 2 ** shift;
    if (shift === 0) visit(key, left as T | undefined, right as T | undefined);
    else
      compareBranches(
        left as Branch<T> | undefined,
        right as Branch<T> | undefined,
        shift - BITS,
        key,
        visit,
      );
  }
}
