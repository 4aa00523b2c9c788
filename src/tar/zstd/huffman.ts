/**
 * Huffman-coded literals (RFC 8878, section 4.2).
 */
import { bitsAt, highestBit, type Source, streamPosition, ZstdError } from "./bits.ts";
import { type FseTable, readTable } from "./fse.ts";

/** Longest code in bits. */
const MAX_BITS = 11;
/** Most accurate table that weights are compressed with. */
const MAX_WEIGHT_LOG = 6;

/** A decoding table: `symbol | bits << 8` for every value of the next `bits` bits. */
export interface HuffmanTable {
  readonly bits: number;
  readonly cells: Uint16Array;
}

/** Weights of the symbols but the last, which follows from them: two interleaved states until the bits run out. */
function readCompressedWeights(source: Source, start: number, end: number, weights: Uint8Array): number {
  const { table, end: from } = readTable(source, start, end, MAX_WEIGHT_LOG, 255);
  const { cells, log }: FseTable = table;
  let position = streamPosition(source, from, end);
  const read = (count: number): number => bitsAt(source.view, from, (position -= count), count);
  let first = read(log);
  let second = read(log);
  if (position < 0) throw new ZstdError("Huffman weights are cut off");
  for (let count = 0; count < 254; count += 2) {
    let cell = cells[first]!;
    weights[count] = cell & 0xff;
    first = (cell >>> 16) + read((cell >>> 8) & 0xff);
    if (position < 0) {
      weights[count + 1] = cells[second]! & 0xff;
      return count + 2;
    }
    cell = cells[second]!;
    weights[count + 1] = cell & 0xff;
    second = (cell >>> 16) + read((cell >>> 8) & 0xff);
    if (position < 0) {
      weights[count + 2] = cells[first]! & 0xff;
      return count + 3;
    }
  }
  throw new ZstdError("too many Huffman weights");
}

function readDirectWeights(source: Source, start: number, count: number, weights: Uint8Array): void {
  for (let i = 0; i < count; i++) {
    const pair = source.bytes[start + (i >> 1)]!;
    weights[i] = i % 2 === 0 ? pair >> 4 : pair & 15;
  }
}

function buildTable(weights: Uint8Array, given: number): HuffmanTable {
  let sum = 0;
  for (let i = 0; i < given; i++) {
    const weight = weights[i]!;
    if (weight > MAX_BITS) throw new ZstdError("Huffman code is too long");
    if (weight > 0) sum += 1 << (weight - 1);
  }
  const bits = highestBit(sum) + 1;
  const rest = (1 << bits) - sum;
  if (sum === 0 || bits > MAX_BITS || (rest & (rest - 1)) !== 0)
    throw new ZstdError("Huffman weights do not add up");
  weights[given] = highestBit(rest) + 1;
  const cells = new Uint16Array(1 << bits);
  let at = 0;
  for (let weight = 1; weight <= bits; weight++) {
    const width = 1 << (weight - 1);
    for (let symbol = 0; symbol <= given; symbol++) {
      if (weights[symbol] !== weight) continue;
      cells.fill(symbol | ((bits + 1 - weight) << 8), at, at + width);
      at += width;
    }
  }
  return { bits, cells };
}

/**
 * Reads a tree's description.
 * @returns the table and the byte after its description
 * @throws ZstdError
 */
export function readHuffmanTable(
  source: Source,
  start: number,
  end: number,
): { table: HuffmanTable; end: number } {
  const head = start < end ? source.bytes[start]! : 0;
  const weights = new Uint8Array(258);
  const direct = head >= 128;
  const length = direct ? (head - 126) >> 1 : head;
  const after = start + 1 + length;
  if (length === 0 || after > end) throw new ZstdError("Huffman tree is cut off");
  let given: number;
  if (direct) readDirectWeights(source, start + 1, (given = head - 127), weights);
  else given = readCompressedWeights(source, start + 1, after, weights);
  return { table: buildTable(weights, given), end: after };
}

/**
 * Decodes one stream into `out` from `at` up to `stop`.
 * @throws ZstdError where it does not hold exactly that many symbols
 */
export function decodeStream(
  source: Source,
  start: number,
  end: number,
  table: HuffmanTable,
  out: Uint8Array,
  at: number,
  stop: number,
): void {
  const { view } = source;
  const { cells, bits } = table;
  const mask = (1 << bits) - 1;
  let position = streamPosition(source, start, end);
  let i = at;
  // Two codes of at most 11 bits are in the 25 that one load is good for.
  for (; i + 1 < stop && position >= 25; i += 2) {
    const from = position - 25;
    const word = view.getUint32(start + (from >> 3), true) >>> (from & 7);
    const first = cells[(word >>> (25 - bits)) & mask]!;
    const used = first >>> 8;
    const second = cells[(word >>> (25 - bits - used)) & mask]!;
    out[i] = first;
    out[i + 1] = second;
    position -= used + (second >>> 8);
  }
  for (; i < stop && position >= 0; i++) {
    const cell = cells[bitsAt(view, start, position - bits, bits)]!;
    out[i] = cell;
    position -= cell >>> 8;
  }
  if (i < stop || position !== 0) throw new ZstdError("literals do not fill their stream");
}
