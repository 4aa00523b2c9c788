/**
 * One compressed block: literals, and the sequences that place them among copies of what came before
 * (RFC 8878, sections 3.1.1.3 and 4).
 */
import { bitsAt, makeSource, ROOM, type Source, streamPosition, ZstdError } from "./bits.ts";
import { MAX_BLOCK } from "./frame.ts";
import { buildTable, type FseTable, readTable, singleSymbol } from "./fse.ts";
import type { History } from "./history.ts";
import { decodeStream, type HuffmanTable, readHuffmanTable } from "./huffman.ts";

/** No window that is decoded has an offset of more bits. */
const MAX_OFFSET_BITS = 28;

/** Bytes from which a bulk copy costs less than a loop. */
const BULK = 48;

/** One of the three kinds of code in a sequence. */
interface CodeKind {
  readonly maxLog: number;
  readonly maxSymbol: number;
  readonly predefined: FseTable;
}

function predefined(log: number, counts: readonly number[]): FseTable {
  return buildTable(counts, counts.length, log);
}

const LITERALS: CodeKind = {
  maxLog: 9,
  maxSymbol: 35,
  predefined: predefined(
    6,
    [
      4, 3, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 3, 2, 1, 1, 1, 1, 1, -1, -1,
      -1, -1,
    ],
  ),
};
const OFFSETS: CodeKind = {
  maxLog: 8,
  maxSymbol: 31,
  predefined: predefined(
    5,
    [1, 1, 1, 1, 1, 1, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1],
  ),
};
const MATCHES: CodeKind = {
  maxLog: 9,
  maxSymbol: 52,
  predefined: predefined(
    6,
    [
      1, 4, 3, 2, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
      1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1, -1, -1,
    ],
  ),
};

const LITERAL_BITS = Uint8Array.from([
  0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 3, 3, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14,
  15, 16,
]);
const MATCH_BITS = Uint8Array.from([
  0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1,
  2, 2, 3, 3, 4, 4, 5, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16,
]);

/** The lowest value of each code: codes follow each other without gaps. */
function baselines(bits: Uint8Array, first: number): Uint32Array {
  let value = first;
  return Uint32Array.from(bits, (count) => {
    const base = value;
    value += 2 ** count;
    return base;
  });
}

const LITERAL_BASE = baselines(LITERAL_BITS, 0);
const MATCH_BASE = baselines(MATCH_BITS, 3);

/** Decodes the blocks of one frame: tables and recent offsets carry over from block to block. */
export class BlockDecoder {
  /** A compressed block's bytes go here, from `ROOM` on. */
  readonly source: Source = makeSource(MAX_BLOCK);
  readonly #literals = new Uint8Array(MAX_BLOCK);
  #literalCount = 0;
  #huffman: HuffmanTable | undefined;
  #literalTable: FseTable | undefined;
  #offsetTable: FseTable | undefined;
  #matchTable: FseTable | undefined;
  #recent: [number, number, number] = [1, 4, 8];

  /** A new frame starts. */
  reset(): void {
    this.#huffman = undefined;
    this.#literalTable = undefined;
    this.#offsetTable = undefined;
    this.#matchTable = undefined;
    this.#recent = [1, 4, 8];
  }

  /**
   * Decodes the block of `size` bytes in `source` to the end of `history`, which has room for it.
   * @throws ZstdError
   */
  decode(size: number, history: History): void {
    const end = ROOM + size;
    // What the entropy decoders look at beyond the end is zeros, not a block of before.
    this.source.bytes.fill(0, end, end + ROOM);
    const at = this.#readLiterals(ROOM, end);
    this.#readSequences(at, end, history);
  }

  #readLiterals(start: number, end: number): number {
    const { bytes } = this.source;
    if (end - start < 2) throw new ZstdError("block is cut off");
    const head = bytes[start]!;
    const type = head & 3;
    const form = (head >> 2) & 3;
    const word = bytes[start]! | (bytes[start + 1]! << 8) | (bytes[start + 2]! << 16);
    if (type >= 2) return this.#readHuffman(start, end, type === 3, form, word);
    const [headSize, count] =
      form === 1 ? [2, (word >> 4) & 0xfff] : form === 3 ? [3, word >> 4] : [1, head >> 3];
    const at = start + headSize;
    const after = at + (type === 0 ? count : 1);
    if (count > MAX_BLOCK || after > end) throw new ZstdError("literals are cut off");
    if (type === 0) this.#literals.set(bytes.subarray(at, after));
    else this.#literals.fill(bytes[at]!, 0, count);
    this.#literalCount = count;
    return after;
  }

  #readHuffman(start: number, end: number, again: boolean, form: number, word: number): number {
    const { source } = this;
    const { bytes } = source;
    const headSize = form < 2 ? 3 : form + 2;
    const bits = form < 2 ? 10 : form === 2 ? 14 : 18;
    const whole = word + bytes[start + 3]! * 2 ** 24 + bytes[start + 4]! * 2 ** 32;
    const count = Math.floor(whole / 16) % 2 ** bits;
    const size = Math.floor(whole / 2 ** (4 + bits)) % 2 ** bits;
    let at = start + headSize;
    const after = at + size;
    if (count > MAX_BLOCK || after > end) throw new ZstdError("literals are cut off");
    if (!again) {
      const read = readHuffmanTable(source, at, after);
      this.#huffman = read.table;
      at = read.end;
    }
    const table = this.#huffman;
    if (table === undefined) throw new ZstdError("literals without a Huffman tree");
    if (form === 0) decodeStream(source, at, after, table, this.#literals, 0, count);
    else this.#readFourStreams(at, after, table, count);
    this.#literalCount = count;
    return after;
  }

  /** Four streams of a quarter each, after a table of the first three's sizes. */
  #readFourStreams(start: number, end: number, table: HuffmanTable, count: number): void {
    const { source } = this;
    const quarter = (count + 3) >> 2;
    if (start + 6 > end || quarter * 3 > count) throw new ZstdError("literals are cut off");
    let at = start + 6;
    for (let i = 0; i < 4; i++) {
      const stop = i === 3 ? end : at + source.view.getUint16(start + i * 2, true);
      if (stop > end) throw new ZstdError("literals are cut off");
      const to = i === 3 ? count : (i + 1) * quarter;
      decodeStream(source, at, stop, table, this.#literals, i * quarter, to);
      at = stop;
    }
  }

  #readSequences(start: number, end: number, history: History): void {
    const { bytes } = this.source;
    if (start >= end) throw new ZstdError("sequences are cut off");
    let at = start + 1;
    let count = bytes[start]!;
    if (count === 0) {
      if (at !== end) throw new ZstdError("bytes after the last sequence");
      history.append(this.#literals, 0, this.#literalCount);
      return;
    }
    if (count === 255) {
      count = bytes[at]! + bytes[at + 1]! * 256 + 0x7f00;
      at += 2;
    } else if (count >= 128) {
      count = (count - 128) * 256 + bytes[at]!;
      at += 1;
    }
    const modes = bytes[at++]!;
    if (at > end || (modes & 3) !== 0) throw new ZstdError("sequences are cut off");
    let read = this.#readCodes(modes >> 6, LITERALS, this.#literalTable, at, end);
    const literalTable = (this.#literalTable = read.table);
    read = this.#readCodes((modes >> 4) & 3, OFFSETS, this.#offsetTable, read.end, end);
    const offsetTable = (this.#offsetTable = read.table);
    read = this.#readCodes((modes >> 2) & 3, MATCHES, this.#matchTable, read.end, end);
    const matchTable = (this.#matchTable = read.table);
    this.#execute(count, read.end, end, literalTable, offsetTable, matchTable, history);
  }

  #readCodes(
    mode: number,
    kind: CodeKind,
    before: FseTable | undefined,
    at: number,
    end: number,
  ): { table: FseTable; end: number } {
    switch (mode) {
      case 0:
        return { table: kind.predefined, end: at };
      case 1: {
        const symbol = this.source.bytes[at]!;
        if (at >= end || symbol > kind.maxSymbol) throw new ZstdError("code out of range");
        return { table: singleSymbol(symbol), end: at + 1 };
      }
      case 2:
        return readTable(this.source, at, end, kind.maxLog, kind.maxSymbol);
      default:
        if (before === undefined) throw new ZstdError("code table of no block before");
        return { table: before, end: at };
    }
  }

  #execute(
    count: number,
    start: number,
    end: number,
    literalTable: FseTable,
    offsetTable: FseTable,
    matchTable: FseTable,
    history: History,
  ): void {
    const { view } = this.source;
    const literals = this.#literals;
    const literalCount = this.#literalCount;
    const literalCells = literalTable.cells;
    const offsetCells = offsetTable.cells;
    const matchCells = matchTable.cells;
    const out = history.bytes;
    const limit = history.length + MAX_BLOCK;
    const earliest = history.earliest;
    let to = history.length;
    let from = 0;
    let [recent0, recent1, recent2] = this.#recent;

    let position = streamPosition(this.source, start, end);
    let literalState = bitsAt(view, start, (position -= literalTable.log), literalTable.log);
    let offsetState = bitsAt(view, start, (position -= offsetTable.log), offsetTable.log);
    let matchState = bitsAt(view, start, (position -= matchTable.log), matchTable.log);
    for (let left = count; left > 0; left--) {
      const literalCell = literalCells[literalState]!;
      const offsetCell = offsetCells[offsetState]!;
      const matchCell = matchCells[matchState]!;
      const literalCode = literalCell & 0xff;
      const matchCode = matchCell & 0xff;

      let bits = offsetCell & 0xff;
      if (bits > MAX_OFFSET_BITS) throw new ZstdError("sequence out of range");
      let value = 1 << bits;
      if (bits > 16) {
        value += bitsAt(view, start, (position -= bits - 16), bits - 16) << 16;
        bits = 16;
      }
      value += bitsAt(view, start, (position -= bits), bits);
      let matchLength = MATCH_BASE[matchCode]!;
      let literalLength = LITERAL_BASE[literalCode]!;
      const matchBits = MATCH_BITS[matchCode]!;
      const literalBits = LITERAL_BITS[literalCode]!;
      if (matchBits > 0) matchLength += bitsAt(view, start, (position -= matchBits), matchBits);
      if (literalBits > 0) literalLength += bitsAt(view, start, (position -= literalBits), literalBits);
      if (left > 1) {
        // At most 9 + 9 + 8 bits, of which one load gives 25.
        const literalStep = (literalCell >>> 8) & 0xff;
        const matchStep = (matchCell >>> 8) & 0xff;
        const offsetStep = (offsetCell >>> 8) & 0xff;
        const both = bitsAt(view, start, (position -= literalStep + matchStep), literalStep + matchStep);
        literalState = (literalCell >>> 16) + (both >>> matchStep);
        matchState = (matchCell >>> 16) + (both & ((1 << matchStep) - 1));
        offsetState = (offsetCell >>> 16) + bitsAt(view, start, (position -= offsetStep), offsetStep);
      }
      if (position < 0) throw new ZstdError("sequences are cut off");

      // Section 3.1.1.5: the three offsets used last have short codes, shifted by one without literals.
      let offset: number;
      if (value > 3) {
        offset = value - 3;
        recent2 = recent1;
        recent1 = recent0;
        recent0 = offset;
      } else {
        const which = literalLength === 0 ? value + 1 : value;
        if (which === 1) {
          offset = recent0;
        } else {
          offset = which === 2 ? recent1 : which === 3 ? recent2 : recent0 - 1;
          if (which > 2) recent2 = recent1;
          recent1 = recent0;
          recent0 = offset;
        }
      }

      const matchFrom = to + literalLength - offset;
      if (
        offset === 0 ||
        matchFrom < earliest ||
        from + literalLength > literalCount ||
        to + literalLength + matchLength > limit
      ) {
        throw new ZstdError("sequence out of range");
      }
      if (literalLength > BULK) {
        out.set(literals.subarray(from, from + literalLength), to);
        to += literalLength;
        from += literalLength;
      } else {
        for (const stop = to + literalLength; to < stop; ) out[to++] = literals[from++]!;
      }
      if (matchLength > BULK && offset >= matchLength) {
        out.copyWithin(to, matchFrom, matchFrom + matchLength);
        to += matchLength;
      } else {
        for (let copy = matchFrom, stop = to + matchLength; to < stop; ) out[to++] = out[copy++]!;
      }
    }
    if (position !== 0) throw new ZstdError("sequences do not fill their stream");
    if (to + literalCount - from > limit) throw new ZstdError("block above 128 KiB");
    history.length = to;
    history.append(literals, from, literalCount);
    this.#recent = [recent0, recent1, recent2];
  }
}
