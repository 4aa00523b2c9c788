/**
 * Finite state entropy tables (RFC 8878, section 4.1).
 */
import { highestBit, type Source, ZstdError } from "./bits.ts";

/** A decoding table: each cell holds symbol, number of bits and base of the next state. */
export interface FseTable {
  readonly log: number;
  /** `symbol | bits << 8 | base << 16`. */
  readonly cells: Uint32Array;
}

/** A table of one symbol, which takes no bits. */
export function singleSymbol(symbol: number): FseTable {
  return { log: 0, cells: Uint32Array.of(symbol) };
}

/** The table for how often each symbol comes in 2^log; -1 stands for less than once. */
export function buildTable(counts: ArrayLike<number>, symbolCount: number, log: number): FseTable {
  const size = 1 << log;
  const symbols = new Uint8Array(size);
  const next = new Uint16Array(symbolCount);
  let high = size;
  for (let symbol = 0; symbol < symbolCount; symbol++) {
    const count = counts[symbol]!;
    next[symbol] = count === -1 ? 1 : count;
    if (count === -1) symbols[--high] = symbol;
  }
  const step = (size >> 1) + (size >> 3) + 3;
  let at = 0;
  for (let symbol = 0; symbol < symbolCount; symbol++) {
    for (let left = counts[symbol]!; left > 0; left--) {
      symbols[at] = symbol;
      do at = (at + step) & (size - 1);
      while (at >= high);
    }
  }
  const cells = new Uint32Array(size);
  for (let cell = 0; cell < size; cell++) {
    const symbol = symbols[cell]!;
    const state = next[symbol]!++;
    const bits = log - highestBit(state);
    cells[cell] = (symbol | (bits << 8) | (((state << bits) - size) << 16)) >>> 0;
  }
  return { log, cells };
}

/**
 * Reads a table's description.
 * @param end byte after the last one that may belong to it
 * @returns the table and the byte after its description
 * @throws ZstdError
 */
export function readTable(
  source: Source,
  start: number,
  end: number,
  maxLog: number,
  maxSymbol: number,
): { table: FseTable; end: number } {
  const { view } = source;
  let position = start * 8;
  const take = (count: number): number => {
    const value = (view.getUint32(position >> 3, true) >>> (position & 7)) & ((1 << count) - 1);
    position += count;
    if (position > end * 8) throw new ZstdError("entropy table is cut off");
    return value;
  };
  const log = take(4) + 5;
  if (log > maxLog) throw new ZstdError("entropy table is too precise");
  const counts = new Int16Array(maxSymbol + 1);
  let symbol = 0;
  let left = 1 << log;
  while (left > 0) {
    if (symbol > maxSymbol) throw new ZstdError("entropy table has too many symbols");
    // A value below `short` takes one bit less.
    const bits = highestBit(left + 1);
    const short = (1 << (bits + 1)) - 2 - left;
    let value = take(bits);
    if (value >= short) {
      const upper = take(1);
      if (upper === 1) value += (1 << bits) - short;
    }
    const count = value - 1;
    counts[symbol++] = count;
    left -= count === -1 ? 1 : count;
    if (count !== 0) continue;
    for (let repeat = 3; repeat === 3; ) {
      repeat = take(2);
      symbol += repeat;
    }
    if (symbol > maxSymbol + 1) throw new ZstdError("entropy table has too many symbols");
  }
  return { table: buildTable(counts, symbol, log), end: Math.ceil(position / 8) };
}
