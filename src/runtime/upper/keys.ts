/**
 * Keys of an upper's metadata, in the order in which they are read: the header, the lower inodes that
 * are referred to, the segments, and the inodes by number, each followed by what belongs to it. Numbers
 * are big-endian, so that the order of bytes is theirs.
 */
import { nameFromBytes, nameToBytes } from "../../posix/names.ts";

const HEADER = 1;
const REFERENCE = 2;
const SEGMENT = 3;
const INODE = 4;

/** What follows an inode's number. */
const RECORD = 0;
const BRANCH = 1;
const ENTRY = 2;
const END = 3;

const NUMBER_END = 9;

export type Key =
  | { readonly is: "header" }
  | { readonly is: "reference"; readonly number: number }
  | { readonly is: "segment"; readonly id: number }
  | { readonly is: "inode"; readonly number: number }
  | { readonly is: "branch"; readonly number: number; readonly level: number; readonly index: number }
  | { readonly is: "entry"; readonly number: number; readonly name: string };

/** `tag`, a number below 2^53, and room for more. */
function numbered(tag: number, number: number, more: number): Buffer {
  const key = Buffer.allocUnsafe(NUMBER_END + more);
  key[0] = tag;
  key.writeUInt32BE(Math.floor(number / 2 ** 32), 1);
  key.writeUInt32BE(number % 2 ** 32, 5);
  return key;
}

export const headerKey: Uint8Array = Buffer.of(HEADER);

/** The lower inode with a number. */
export function referenceKey(number: number): Uint8Array {
  return numbered(REFERENCE, number, 0);
}

export function segmentKey(id: number): Uint8Array {
  return numbered(SEGMENT, id, 0);
}

export function inodeKey(number: number): Uint8Array {
  const key = numbered(INODE, number, 1);
  key[NUMBER_END] = RECORD;
  return key;
}

/** A branch of a file's page map: `index` counts branches of its level. */
export function branchKey(number: number, level: number, index: number): Uint8Array {
  const key = numbered(INODE, number, 6);
  key[NUMBER_END] = BRANCH;
  key[NUMBER_END + 1] = level;
  key.writeUInt32BE(index, NUMBER_END + 2);
  return key;
}

/** A name of an upper directory. */
export function entryKey(number: number, name: string): Uint8Array {
  const bytes = nameToBytes(name);
  const key = numbered(INODE, number, 1 + bytes.length);
  key[NUMBER_END] = ENTRY;
  key.set(bytes, NUMBER_END + 1);
  return key;
}

/** Between which keys all of an inode lies. */
export function inodeRange(number: number): { readonly start: Uint8Array; readonly end: Uint8Array } {
  const end = numbered(INODE, number, 1);
  end[NUMBER_END] = END;
  return { start: inodeKey(number), end };
}

/** What a key names; undefined for one that nothing here wrote. */
export function parseKey(bytes: Uint8Array): Key | undefined {
  if (bytes[0] === HEADER) return { is: "header" };
  if (bytes.length < NUMBER_END) return undefined;
  const number = uint32(bytes, 1) * 2 ** 32 + uint32(bytes, 5);
  switch (bytes[0]) {
    case REFERENCE:
      return { is: "reference", number };
    case SEGMENT:
      return { is: "segment", id: number };
    case INODE:
      return parseInodeKey(bytes, number);
    default:
      return undefined;
  }
}

function parseInodeKey(bytes: Uint8Array, number: number): Key | undefined {
  switch (bytes[NUMBER_END]) {
    case RECORD:
      return { is: "inode", number };
    case BRANCH:
      return {
        is: "branch",
        number,
        level: bytes[NUMBER_END + 1] ?? 0,
        index: uint32(bytes, NUMBER_END + 2),
      };
    case ENTRY:
      return { is: "entry", number, name: nameFromBytes(bytes, NUMBER_END + 1) };
    default:
      return undefined;
  }
}

/** Big-endian, as `DataView` has it, without making one. */
function uint32(bytes: Uint8Array, at: number): number {
  return bytes[at]! * 2 ** 24 + (bytes[at + 1]! << 16) + (bytes[at + 2]! << 8) + bytes[at + 3]!;
}
