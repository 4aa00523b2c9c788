/**
 * Gzip of any number of members (RFC 1952, RFC 1951), for a browser: its `DecompressionStream` takes what
 * follows the first member for junk. Works on bytes in memory; gives chunks of at most 96 KiB.
 *
 * Each code's table has an entry for every value of as many bits as its longest code has, so that a
 * symbol is one look. Checks what a member promises: its header's flags, its CRC-32 and its size.
 */
import { crc32 } from "./crc32.ts";

const WINDOW = 32 * 1024;
const BUFFER = 4 * WINDOW;

/** Base and number of extra bits of each length symbol from 257 on, and of each distance symbol. */
const LENGTH_BASE = [
  3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115,
].concat([131, 163, 195, 227, 258]);
const LENGTH_BITS = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0];
const DISTANCE_BITS = Array.from({ length: 30 }, (_, i) => Math.max(0, (i >> 1) - 1));
const DISTANCE_BASE = DISTANCE_BITS.map((bits, i) => (i < 4 ? i + 1 : 1 + ((2 + (i & 1)) << bits)));
/** The order in which a block gives the lengths of the code for its code lengths. */
const LENGTH_ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

/** A prefix code: by the next `bits` bits, the symbol and, in the low four bits, the length of its code. */
interface Code {
  readonly bits: number;
  /** 0 where no code begins with these bits. */
  readonly table: Uint16Array;
}

/** @param lengths the length of each symbol's code, 0 for none */
function makeCode(lengths: ArrayLike<number>): Code {
  const counts = new Uint16Array(16);
  for (let i = 0; i < lengths.length; i++) counts[lengths[i]!]!++;
  counts[0] = 0;
  const bits = Math.max(
    1,
    counts.findLastIndex((count) => count > 0),
  );
  const next = new Uint16Array(17);
  for (let length = 1; length <= 15; length++) next[length + 1] = (next[length]! + counts[length]!) << 1;
  if (next[bits + 1]! > 2 << bits) throw new Error("more codes than their lengths allow");
  const table = new Uint16Array(1 << bits);
  for (let symbol = 0; symbol < lengths.length; symbol++) {
    const length = lengths[symbol]!;
    if (length === 0) continue;
    // Codes are packed with their first bit lowest.
    let reversed = 0;
    for (let code = next[length]!++, i = 0; i < length; i++)
      reversed |= ((code >> i) & 1) << (length - 1 - i);
    for (let at = reversed; at < table.length; at += 1 << length) table[at] = (symbol << 4) | length;
  }
  return { bits, table };
}

const FIXED_LENGTHS = Uint8Array.from({ length: 288 }, (_, i) =>
  i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8,
);
const FIXED = { literals: makeCode(FIXED_LENGTHS), distances: makeCode(new Uint8Array(30).fill(5)) };

/** The input, bit by bit, lowest first. */
class BitReader {
  readonly bytes: Uint8Array;
  at = 0;
  #hold = 0;
  #count = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  take(count: number): number {
    while (this.#count < count) this.#fill();
    const value = this.#hold & ((1 << count) - 1);
    this.#drop(count);
    return value;
  }

  symbol({ bits, table }: Code): number {
    while (this.#count < bits && this.at < this.bytes.length) this.#fill();
    const entry = table[this.#hold & ((1 << bits) - 1)]!;
    const length = entry & 15;
    if (length > this.#count) throw new Error("unexpected end of file");
    if (length === 0) throw new Error("a code that stands for nothing");
    this.#drop(length);
    return entry >> 4;
  }

  /** On to the next whole byte, which is the next that was not looked at. */
  align(): void {
    this.at -= this.#count >> 3;
    this.#hold = 0;
    this.#count = 0;
  }

  /** Whole bytes, where the reader is aligned. */
  slice(count: number): Uint8Array {
    if (this.at + count > this.bytes.length) throw new Error("unexpected end of file");
    this.at += count;
    return this.bytes.subarray(this.at - count, this.at);
  }

  uint16(): number {
    const [low, high] = this.slice(2);
    return low! | (high! << 8);
  }

  #fill(): void {
    if (this.at >= this.bytes.length) throw new Error("unexpected end of file");
    this.#hold |= this.bytes[this.at++]! << this.#count;
    this.#count += 8;
  }

  #drop(count: number): void {
    this.#hold >>>= count;
    this.#count -= count;
  }
}

/** What was put out: the last 32 KiB at least, and all that nobody has taken yet. */
class Output {
  readonly #buffer = new Uint8Array(BUFFER);
  #at = 0;
  #taken = 0;

  get isFull(): boolean {
    return this.#at > BUFFER - WINDOW;
  }

  get room(): number {
    return BUFFER - this.#at;
  }

  byte(value: number): void {
    this.#buffer[this.#at++] = value;
  }

  bytes(values: Uint8Array): void {
    this.#buffer.set(values, this.#at);
    this.#at += values.length;
  }

  copy(distance: number, length: number): void {
    if (distance > this.#at) throw new Error("a distance too far back");
    for (let i = 0; i < length; i++, this.#at++) this.#buffer[this.#at] = this.#buffer[this.#at - distance]!;
  }

  /** All that was not taken, in a buffer of its own. */
  take(): Uint8Array {
    const taken = this.#buffer.slice(this.#taken, this.#at);
    const kept = Math.min(this.#at, WINDOW);
    this.#buffer.copyWithin(0, this.#at - kept, this.#at);
    this.#at = kept;
    this.#taken = kept;
    return taken;
  }
}

function readCodes(input: BitReader) {
  const literalCount = input.take(5) + 257;
  const distanceCount = input.take(5) + 1;
  const lengthCount = input.take(4) + 4;
  if (literalCount > 286 || distanceCount > 30) throw new Error("too many symbols");
  const order = new Uint8Array(19);
  for (const symbol of LENGTH_ORDER.slice(0, lengthCount)) order[symbol] = input.take(3);
  const code = makeCode(order);
  const lengths = new Uint8Array(literalCount + distanceCount);
  for (let at = 0; at < lengths.length; ) {
    const symbol = input.symbol(code);
    if (symbol < 16) {
      lengths[at++] = symbol;
      continue;
    }
    if (symbol === 16 && at === 0) throw new Error("a repeated length without one before");
    const value = symbol === 16 ? lengths[at - 1]! : 0;
    const count = symbol === 16 ? 3 + input.take(2) : symbol === 17 ? 3 + input.take(3) : 11 + input.take(7);
    if (at + count > lengths.length) throw new Error("too many lengths");
    lengths.fill(value, at, at + count);
    at += count;
  }
  if (lengths[256] === 0) throw new Error("a block without an end");
  return {
    literals: makeCode(lengths.subarray(0, literalCount)),
    distances: makeCode(lengths.subarray(literalCount)),
  };
}

function* inflate(input: BitReader): Generator<Uint8Array> {
  const output = new Output();
  for (let last = false; !last; ) {
    last = input.take(1) === 1;
    const type = input.take(2);
    if (type === 3) throw new Error("an unknown kind of block");
    if (type === 0) {
      input.align();
      const length = input.uint16();
      if (input.uint16() !== (length ^ 0xffff)) throw new Error("a stored block of two lengths");
      for (let left = length; left > 0; ) {
        const count = Math.min(left, output.room);
        output.bytes(input.slice(count));
        left -= count;
        if (output.isFull) yield output.take();
      }
      continue;
    }
    const { literals, distances } = type === 1 ? FIXED : readCodes(input);
    for (;;) {
      const symbol = input.symbol(literals);
      if (symbol === 256) break;
      if (symbol < 256) {
        output.byte(symbol);
      } else {
        const size = LENGTH_BASE[symbol - 257];
        if (size === undefined) throw new Error("an unknown length");
        const length = size + input.take(LENGTH_BITS[symbol - 257]!);
        const code = input.symbol(distances);
        output.copy(DISTANCE_BASE[code]! + input.take(DISTANCE_BITS[code]!), length);
      }
      if (output.isFull) yield output.take();
    }
  }
  input.align();
  yield output.take();
}

/** Flags of a member's header. */
const HEADER_CHECKSUM = 2;
const EXTRA = 4;
const NAME = 8;
const COMMENT = 16;

function skipHeader(input: BitReader): void {
  const header = input.slice(10);
  if (header[0] !== 0x1f || header[1] !== 0x8b)
    throw new Error("trailing garbage after the last gzip member");
  if (header[2] !== 8) throw new Error("an unknown compression method");
  const flags = header[3]!;
  if (flags > 31) throw new Error("unknown header flags");
  if (flags & EXTRA) input.slice(input.uint16());
  if (flags & NAME) while (input.slice(1)[0] !== 0);
  if (flags & COMMENT) while (input.slice(1)[0] !== 0);
  if (flags & HEADER_CHECKSUM) input.slice(2);
}

/**
 * Decompresses all members.
 * @throws Error for what is corrupt, truncated, or follows the last member
 */
export function* gunzipMembers(bytes: Uint8Array): Generator<Uint8Array> {
  const input = new BitReader(bytes);
  do {
    skipHeader(input);
    let checksum = 0;
    let size = 0;
    for (const chunk of inflate(input)) {
      checksum = crc32(chunk, checksum);
      size += chunk.length;
      yield chunk;
    }
    if (input.uint16() + input.uint16() * 2 ** 16 !== checksum >>> 0) throw new Error("incorrect data check");
    if (input.uint16() + input.uint16() * 2 ** 16 !== size % 2 ** 32)
      throw new Error("incorrect length check");
  } while (input.at < bytes.length);
}
