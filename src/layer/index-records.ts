/**
 * The records of a layer's index: entries in archive order, each told by how it differs from the one
 * before it.
 *
 * A record is a type, flags, and varints. A name shares its first bytes with the name before it; mode
 * and owner come from a table that grows as new ones are met; a time is a difference in seconds; an
 * entry is expected where the one before it ended, its content one header later. An ordinary entry
 * takes about 20 bytes. Any sequence of entries can be written, also one that no archive would hold,
 * and reading gives the same values back. The bytes are trusted: who reads them has checked a digest.
 */
import { nameFromBytes, nameToBytes } from "../posix/names.ts";
import type { Nanoseconds } from "../posix/time.ts";
import type { Entry } from "../tar/entry.ts";
import { BLOCK, padded } from "../tar/header.ts";
import type { Extent } from "../tree/content.ts";
import { NO_XATTRS } from "../tree/inode.ts";
import { Input, Output } from "./fields.ts";

const TYPES = ["file", "directory", "symlink", "hardlink", "char", "block", "fifo"] as const;
const TYPE_CODES: { readonly [type in Entry["type"]]: number } = {
  file: 0,
  directory: 1,
  symlink: 2,
  hardlink: 3,
  char: 4,
  block: 5,
  fifo: 6,
};
const TYPE_MASK = 0x07;

/** The entry does not start where the one before it ended. */
const MOVED = 0x08;
/** The time is the one of the entry before. */
const SAME_TIME = 0x10;
const HAS_ATIME = 0x20;
const HAS_XATTRS = 0x40;
/** A file's content does not follow one header, or it has extents. */
const ODD_CONTENT = 0x80;

/** Most rows of the table of modes and owners; one that no longer fits is written out each time. */
const MAX_OWNERS = 4096;

/** Bytes from which a part of the records is put aside. */
const PART = 256 * 1024;

/** Offsets stay below this, so that twice their difference is exact. */
const FAR = 2 ** 51;

interface Ownership {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

/** What both sides remember of the entries before. */
interface Context {
  /** Where the next entry starts, if nothing lies between. */
  expected: number;
  mtime: Nanoseconds;
}

/** Where the entry after this one starts if it has no extension headers; 0 where that is too far for a difference. */
function endOf(entry: Entry): number {
  if (entry.type !== "file") return entry.offset + BLOCK;
  const stored = entry.extents?.reduce((sum, extent) => sum + extent.length, 0) ?? entry.size;
  const end = entry.start + padded(stored);
  return end < FAR ? end : 0;
}

/** Writes records, one `add` an entry. */
export class RecordWriter {
  readonly #out = new Output();
  /** What was written before, so that nothing large is copied while it grows. */
  readonly #parts: Uint8Array[] = [];
  #partsSize = 0;
  readonly #owners = new Map<string, number>();
  readonly #context: Context = { expected: 0, mtime: 0n };
  #name: Uint8Array = new Uint8Array(0);
  count = 0;

  /** How many bytes were written. */
  get size(): number {
    return this.#partsSize + this.#out.length;
  }

  add(entry: Entry): void {
    const out = this.#out;
    const context = this.#context;
    const { type } = entry;
    const odd = type === "file" && (entry.start !== entry.offset + BLOCK || entry.extents !== undefined);
    out.byte(
      TYPE_CODES[type] |
        (entry.offset === context.expected ? 0 : MOVED) |
        (entry.mtime === context.mtime ? SAME_TIME : 0) |
        (entry.atime === undefined ? 0 : HAS_ATIME) |
        (entry.xattrs.size === 0 ? 0 : HAS_XATTRS) |
        (odd ? ODD_CONTENT : 0),
    );
    this.#writeName(entry.name);
    if (entry.offset !== context.expected) out.signed(entry.offset - context.expected);
    this.#writeOwner(entry);
    if (entry.mtime !== context.mtime) this.#out.time(entry.mtime, context.mtime);
    if (entry.atime !== undefined) this.#out.time(entry.atime, entry.mtime);
    if (entry.xattrs.size > 0) this.#out.xattrs(entry.xattrs);
    if (type === "file") {
      out.varint(entry.size);
      if (odd) this.#writeContent(entry.start - entry.offset, entry.extents);
    } else if (type === "symlink" || type === "hardlink") {
      out.block(nameToBytes(entry.target));
    } else if (type === "char" || type === "block") {
      out.varint(entry.rdev);
    }
    context.mtime = entry.mtime;
    context.expected = endOf(entry);
    this.count += 1;
    if (out.length >= PART) this.#endPart();
  }

  /** Everything written, one part after the other. */
  parts(): readonly Uint8Array[] {
    this.#endPart();
    return this.#parts;
  }

  #endPart(): void {
    const part = this.#out.take();
    this.#parts.push(part);
    this.#partsSize += part.length;
  }

  #writeName(name: string): void {
    const bytes = nameToBytes(name);
    const before = this.#name;
    const most = Math.min(bytes.length, before.length);
    let shared = 0;
    while (shared < most && bytes[shared] === before[shared]) shared++;
    this.#out.varint(shared);
    this.#out.varint(bytes.length - shared);
    this.#out.bytes(bytes, shared);
    this.#name = bytes;
  }

  #writeOwner({ mode, uid, gid }: Ownership): void {
    const key = `${mode} ${uid} ${gid}`;
    const known = this.#owners.get(key);
    if (known !== undefined) {
      this.#out.varint(known);
      return;
    }
    this.#out.varint(this.#owners.size);
    if (this.#owners.size < MAX_OWNERS) this.#owners.set(key, this.#owners.size);
    this.#out.varint(mode);
    this.#out.varint(uid);
    this.#out.varint(gid);
  }

  #writeContent(headers: number, extents: readonly Extent[] | undefined): void {
    this.#out.signed(headers);
    this.#out.varint(extents === undefined ? 0 : extents.length + 1);
    let end = 0;
    for (const { offset, length } of extents ?? []) {
      this.#out.varint(offset - end);
      this.#out.varint(length);
      end = offset + length;
    }
  }
}

/** Reads `count` records from `at` on. */
export function* readRecords(bytes: Uint8Array, at: number, count: number): Generator<Entry> {
  const input = new Input(bytes, at);
  const owners: Ownership[] = [];
  const context: Context = { expected: 0, mtime: 0n };
  let name = new Uint8Array(256);
  for (let i = 0; i < count; i++) {
    const flags = input.byte();
    const shared = input.varint();
    const suffix = input.varint();
    const nameLength = shared + suffix;
    if (nameLength > name.length) {
      const grown = new Uint8Array(nameLength * 2);
      grown.set(name);
      name = grown;
    }
    name.set(input.take(suffix), shared);
    const entry = readRecord(input, flags, nameFromBytes(name, 0, nameLength), owners, context);
    context.mtime = entry.mtime;
    context.expected = endOf(entry);
    yield entry;
  }
}

function readRecord(input: Input, flags: number, name: string, owners: Ownership[], context: Context): Entry {
  const offset = flags & MOVED ? context.expected + input.signed() : context.expected;
  const owner = readOwner(input, owners);
  const mtime = flags & SAME_TIME ? context.mtime : input.time(context.mtime);
  const atime = flags & HAS_ATIME ? input.time(mtime) : undefined;
  const xattrs = flags & HAS_XATTRS ? input.xattrs() : NO_XATTRS;
  const { mode, uid, gid } = owner;
  const head =
    atime === undefined
      ? { name, offset, mode, uid, gid, mtime, xattrs }
      : { name, offset, mode, uid, gid, mtime, atime, xattrs };
  const type = TYPES[flags & TYPE_MASK]!;
  switch (type) {
    case "file": {
      const size = input.varint();
      if ((flags & ODD_CONTENT) === 0) return { type, ...head, size, start: offset + BLOCK };
      const start = offset + input.signed();
      const extents = readExtents(input);
      return extents === undefined ? { type, ...head, size, start } : { type, ...head, size, start, extents };
    }
    case "symlink":
    case "hardlink":
      return { type, ...head, target: input.text() };
    case "char":
    case "block":
      return { type, ...head, rdev: input.varint() };
    default:
      return { type, ...head };
  }
}

function readOwner(input: Input, owners: Ownership[]): Ownership {
  const index = input.varint();
  const known = owners[index];
  if (known !== undefined) return known;
  const owner = { mode: input.varint(), uid: input.varint(), gid: input.varint() };
  if (owners.length < MAX_OWNERS) owners.push(owner);
  return owner;
}

function readExtents(input: Input): readonly Extent[] | undefined {
  const count = input.varint();
  if (count === 0) return undefined;
  const extents: Extent[] = [];
  let end = 0;
  for (let left = count - 1; left > 0; left--) {
    const offset = end + input.varint();
    const length = input.varint();
    extents.push({ offset, length });
    end = offset + length;
  }
  return extents;
}
