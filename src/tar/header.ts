/**
 * One 512-byte tar header: its checksum, its dialect and its fields (pax(1), "ustar Interchange
 * Format"; tar(5)).
 *
 * Fields are read as Go's `archive/tar` reads them, since that is what the container tools use: a
 * number is octal between any spaces and NULs, or base-256 when the first bit is set; a string ends
 * at its first NUL. Nothing here looks beyond the block.
 */
import { nameFromBytes } from "../posix/names.ts";

/** The unit of a tar archive, in bytes. */
export const BLOCK = 512;

/**
 * Which extension of the V7 header a block carries: `gnu` is the old GNU format, whose bytes from 345
 * on are times and a sparse map instead of a prefix; `star` ends in `tar\0` and has a short prefix
 * and times.
 */
export type Dialect = "v7" | "ustar" | "gnu" | "star";

/** `size` bytes rounded up to whole blocks. */
export function padded(size: number): number {
  return Math.ceil(size / BLOCK) * BLOCK;
}

/** Whether the block at `at` is all zeros. */
export function isZeroBlock(bytes: Uint8Array, at: number): boolean {
  for (let i = at; i < at + BLOCK; i++) if (bytes[i] !== 0) return false;
  return true;
}

/**
 * Whether the block at `at` has the checksum it states: the sum of its bytes with the checksum field
 * as blanks, unsigned, or signed as some old writers summed.
 */
export function hasValidChecksum(bytes: Uint8Array, at: number): boolean {
  const stated = parseOctal(bytes, at + 148, 8);
  let sum = byteSum(bytes, at) + 8 * 0x20;
  for (let i = at + 148; i < at + 156; i++) sum -= bytes[i]!;
  if (sum === stated) return true;
  for (let i = at; i < at + 148; i++) if (bytes[i]! >= 0x80) sum -= 0x100;
  for (let i = at + 156; i < at + BLOCK; i++) if (bytes[i]! >= 0x80) sum -= 0x100;
  return sum === stated;
}

/** The sum of a block's bytes, four at a time in two lanes: half the cost of reading an entry otherwise. */
function byteSum(bytes: Uint8Array, at: number): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, BLOCK);
  let even = 0;
  let odd = 0;
  for (let i = 0; i < BLOCK; i += 4) {
    const word = view.getUint32(i, true);
    even += word & 0x00ff00ff;
    odd += (word >>> 8) & 0x00ff00ff;
  }
  return (even & 0xffff) + (even >>> 16) + (odd & 0xffff) + (odd >>> 16);
}

function hasText(bytes: Uint8Array, at: number, text: string): boolean {
  for (let i = 0; i < text.length; i++) if (bytes[at + i] !== text.charCodeAt(i)) return false;
  return true;
}

export function dialectOf(bytes: Uint8Array, at: number): Dialect {
  if (hasText(bytes, at + 257, "ustar\0")) return hasText(bytes, at + 508, "tar\0") ? "star" : "ustar";
  return hasText(bytes, at + 257, "ustar  \0") ? "gnu" : "v7";
}

/** A string field: up to its first NUL. */
export function parseString(bytes: Uint8Array, at: number, length: number): string {
  let end = at;
  while (end < at + length && bytes[end] !== 0) end++;
  return nameFromBytes(bytes, at, end);
}

/** An octal field: digits between any spaces and NULs, nothing at all for 0. NaN for anything else. */
function parseOctal(bytes: Uint8Array, at: number, length: number): number {
  let start = at;
  let end = at + length;
  while (start < end && (bytes[start] === 0x20 || bytes[start] === 0)) start++;
  while (end > start && (bytes[end - 1] === 0x20 || bytes[end - 1] === 0)) end--;
  let value = 0;
  for (let i = start; i < end && bytes[i] !== 0; i++) {
    const digit = bytes[i]! - 0x30;
    if (digit < 0 || digit > 7) return Number.NaN;
    value = value * 8 + digit;
  }
  return value;
}

/** A two's complement base-256 field; the first bit only marks it (GNU tar, star). */
function parseBinary(bytes: Uint8Array, at: number, length: number): bigint {
  const first = bytes[at]!;
  let value = BigInt(first & 0x40 ? (first & 0x7f) - 0x80 : first & 0x7f);
  for (let i = at + 1; i < at + length; i++) value = value * 256n + BigInt(bytes[i]!);
  return value;
}

/**
 * A numeric field of at most 12 bytes.
 * @returns NaN where it is no number, Infinity of either sign where a double does not hold it exactly
 */
export function parseNumber(bytes: Uint8Array, at: number, length: number): number {
  if ((bytes[at]! & 0x80) === 0) return parseOctal(bytes, at, length);
  const value = Number(parseBinary(bytes, at, length));
  if (Number.isSafeInteger(value)) return value;
  return value < 0 ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
}

/** A numeric field of any magnitude, or undefined where it is no number. */
export function parseBigNumber(bytes: Uint8Array, at: number, length: number): bigint | undefined {
  if (bytes[at]! & 0x80) return parseBinary(bytes, at, length);
  const value = parseOctal(bytes, at, length);
  return Number.isNaN(value) ? undefined : BigInt(value);
}

function isAsciiField(bytes: Uint8Array, at: number, length: number): boolean {
  for (let i = at; i < at + length && bytes[i] !== 0; i++) if (bytes[i]! >= 0x80) return false;
  return true;
}

/** Whether a GNU header's time field is unused or a number. */
function isGnuTime(bytes: Uint8Array, at: number): boolean {
  return bytes[at] === 0 || !Number.isNaN(parseNumber(bytes, at, 12));
}

/**
 * Whether a GNU header has a prefix where its times belong. Writers of before 2017 did that (golang
 * issue 12594); it shows in times that are no numbers (rule 40).
 */
function hasMisplacedPrefix(bytes: Uint8Array, at: number): boolean {
  return !(isGnuTime(bytes, at + 345) && isGnuTime(bytes, at + 357)) && isAsciiField(bytes, at + 345, 155);
}

function prefixOf(bytes: Uint8Array, at: number, dialect: Dialect): string {
  switch (dialect) {
    case "ustar":
      return parseString(bytes, at + 345, 155);
    case "star":
      return parseString(bytes, at + 345, 131);
    case "gnu":
      return hasMisplacedPrefix(bytes, at) ? parseString(bytes, at + 345, 155) : "";
    case "v7":
      return "";
  }
}

/** The name, with the prefix where the dialect has one. */
export function parseName(bytes: Uint8Array, at: number, dialect: Dialect): string {
  const name = parseString(bytes, at, 100);
  if (dialect === "v7" || bytes[at + 345] === 0) return name;
  const prefix = prefixOf(bytes, at, dialect);
  return prefix === "" ? name : `${prefix}/${name}`;
}

/** The access time in seconds, for the dialects that have one. */
export function parseAccessTime(bytes: Uint8Array, at: number, dialect: Dialect): bigint | undefined {
  if (dialect === "star") return bytes[at + 476] === 0 ? undefined : parseBigNumber(bytes, at + 476, 12);
  if (dialect !== "gnu" || bytes[at + 345] === 0 || hasMisplacedPrefix(bytes, at)) return undefined;
  return parseBigNumber(bytes, at + 345, 12);
}
