/**
 * The records of a PAX extended header (pax(1), "pax Header Block"): `length key=value\n`, bytes
 * throughout, so that a value may hold NULs, newlines and `=`; a key ends at its first `=`, as in Go
 * and libarchive.
 *
 * Records of one header replace each other, the last one winning. An empty value takes the header
 * block's own value back; only for an extended attribute it is an empty value, which Linux has and
 * GNU tar writes so. Keys that mean nothing here (`ctime`, `uname`, `SCHILY.fflags`, `MSWINDOWS.*`,
 * `LIBARCHIVE.creationtime`, …) are passed over.
 */
import { nameFromBytes, nameLength } from "../posix/names.ts";
import { PATH_MAX } from "../posix/path.ts";
import type { Nanoseconds } from "../posix/time.ts";
import type { ArchiveError, ArchiveErrorCode } from "./entry.ts";

/** Makes the error for what is being read, with its name and offset. */
export type MakeError = (code: ArchiveErrorCode, message: string) => ArchiveError;

/** What `GNU.sparse.*` records say (GNU tar manual, appendix D, "PAX Formats 0.0, 0.1 and 1.0"). */
export interface PaxSparse {
  major?: string | undefined;
  minor?: string | undefined;
  name?: string | undefined;
  size?: number | undefined;
  realSize?: number | undefined;
  blockCount?: number | undefined;
  /** Offsets and lengths in turn: `GNU.sparse.map` of 0.1, or the pairs of 0.0. */
  map?: number[] | undefined;
}

export interface PaxRecords {
  path?: string | undefined;
  linkpath?: string | undefined;
  size?: number | undefined;
  uid?: number | undefined;
  gid?: number | undefined;
  mtime?: Nanoseconds | undefined;
  atime?: Nanoseconds | undefined;
  xattrs?: Map<string, Uint8Array> | undefined;
  sparse?: PaxSparse | undefined;
}

/** An extended attribute by its name, its value as it is (star, GNU tar, Go). */
const SCHILY = "SCHILY.xattr.";
/** The same with the name percent-encoded and the value in base64, which libarchive writes beside it. */
const LIBARCHIVE = "LIBARCHIVE.xattr.";

/**
 * Longest name or target, in bytes: 16 times what Linux can name, room for what cleaning takes away
 * (`./`, `//`) and no more, since a name costs many times its bytes while it is made into a string.
 */
export const MAX_NAME = 16 * PATH_MAX;

export function nameTooLong(length: number): string {
  return `name of ${length} bytes is above ${MAX_NAME} (rule 40)`;
}

/** Longest name of an extended attribute, in bytes (linux/limits.h, XATTR_NAME_MAX). */
const MAX_XATTR_NAME = 255;
/** Longest value of an extended attribute, in bytes (linux/limits.h, XATTR_SIZE_MAX). */
const MAX_XATTR_VALUE = 65536;
/** Most bytes of all names of one file's attributes, each with a NUL (linux/limits.h, XATTR_LIST_MAX). */
const MAX_XATTR_LIST = 65536;

const MAX_SECONDS = (1n << 63n) - 1n;
const MIN_SECONDS = -(1n << 63n);

/** Whether a time's seconds fit the format's int64 (rule 35). */
export function inTimeRange(seconds: bigint): boolean {
  return seconds >= MIN_SECONDS && seconds <= MAX_SECONDS;
}

/** A decimal number with an optional sign. NaN where it is none, Infinity beyond 2^53. */
function parseDecimal(text: string): number {
  if (!/^[+-]?[0-9]+$/.test(text)) return Number.NaN;
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : value * Number.POSITIVE_INFINITY;
}

/** Seconds with a fraction of any length; digits past the ninth are cut (pax(1), "mtime"). */
function parseTime(text: string): Nanoseconds | undefined {
  const parts = /^([+-]?)([0-9]+)(?:\.([0-9]*))?$/.exec(text);
  if (parts === null) return undefined;
  const fraction = BigInt((parts[3] ?? "").slice(0, 9).padEnd(9, "0"));
  const magnitude = BigInt(parts[2]!) * 1_000_000_000n + fraction;
  return parts[1] === "-" ? -magnitude : magnitude;
}

/** Replaces `%XX` by its byte; anything else stays (libarchive, `url_decode`). */
function percentDecoded(bytes: Uint8Array): Uint8Array {
  const out = new Uint8Array(bytes.length);
  let length = 0;
  for (let i = 0; i < bytes.length; i++) {
    let byte = bytes[i]!;
    if (byte === 0x25 && i + 2 < bytes.length) {
      const code = hexDigit(bytes[i + 1]!) * 16 + hexDigit(bytes[i + 2]!);
      if (code >= 0) {
        byte = code;
        i += 2;
      }
    }
    out[length++] = byte;
  }
  return out.subarray(0, length);
}

/** Its value, or so far below zero that no sum with it reaches 0. */
function hexDigit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const letter = byte | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1000;
}

function base64Decoded(text: string): Uint8Array | undefined {
  let binary: string;
  try {
    binary = atob(text);
  } catch {
    return undefined;
  }
  return Uint8Array.from(binary, (character) => character.charCodeAt(0));
}

/** Whether an attribute is one of overlayfs's own marks, which data must never pass for (rule 26). */
export function isOverlayXattr(name: string): boolean {
  return name.startsWith("trusted.overlay.") || name.startsWith("user.overlay.");
}

/** Reads the records of one extended header into `records`. */
class RecordReader {
  readonly records: PaxRecords = {};
  readonly #bytes: Uint8Array;
  readonly #error: MakeError;
  /** Names that libarchive encoded. Its record beside them has the name encoded too, and says nothing more. */
  readonly #encodedNames = new Set<string>();
  /** Bytes of all attributes' names, as listxattr(2) counts them. */
  #listSize = 0;

  constructor(bytes: Uint8Array, error: MakeError) {
    this.#bytes = bytes;
    this.#error = error;
  }

  run(): PaxRecords {
    for (let at = 0; at < this.#bytes.length; ) at = this.#record(at);
    return this.records;
  }

  /** Reads the record at `at`; returns where the next one starts. */
  #record(at: number): number {
    const bytes = this.#bytes;
    let length = 0;
    let space = at;
    for (; space < bytes.length && bytes[space] !== 0x20; space++) {
      const digit = bytes[space]! - 0x30;
      if (digit < 0 || digit > 9 || space - at > 10) throw this.#malformed("length");
      length = length * 10 + digit;
    }
    const end = at + length;
    if (end > bytes.length || end <= space + 1 || bytes[end - 1] !== 0x0a) throw this.#malformed("length");
    const equals = bytes.indexOf(0x3d, space + 1);
    if (equals < 0 || equals >= end || equals === space + 1) throw this.#malformed("key");
    this.#keep(space + 1, equals, equals + 1, end - 1);
    return end;
  }

  #keep(keyStart: number, keyEnd: number, start: number, end: number): void {
    const key = nameFromBytes(this.#bytes, keyStart, keyEnd);
    if (key.includes("\0")) throw this.#malformed("key");
    const { records } = this;
    switch (key) {
      case "path":
        records.path = this.#name(key, start, end);
        return;
      case "linkpath":
        records.linkpath = this.#name(key, start, end);
        return;
      case "size":
        records.size = this.#count(key, start, end);
        return;
      case "uid":
        records.uid = this.#number(key, start, end);
        return;
      case "gid":
        records.gid = this.#number(key, start, end);
        return;
      case "mtime":
        records.mtime = this.#time(key, start, end);
        return;
      case "atime":
        records.atime = this.#time(key, start, end);
        return;
    }
    if (key.startsWith(SCHILY)) {
      const name = key.slice(SCHILY.length);
      if (!this.#encodedNames.has(name)) this.#xattr(name, this.#bytes.slice(start, end));
    } else if (key.startsWith(LIBARCHIVE)) {
      this.#libarchiveXattr(key, keyStart, keyEnd, start, end);
    } else if (key.startsWith("GNU.sparse.")) {
      this.#sparse(key, start, end);
    }
  }

  #libarchiveXattr(key: string, keyStart: number, keyEnd: number, start: number, end: number): void {
    const encoded = key.slice(LIBARCHIVE.length);
    const name = nameFromBytes(percentDecoded(this.#bytes.subarray(keyStart + LIBARCHIVE.length, keyEnd)));
    const value = base64Decoded(this.#text(start, end));
    if (value === undefined) throw this.#malformed(`value of ${key}`);
    if (name !== encoded) {
      this.#encodedNames.add(encoded);
      this.records.xattrs?.delete(encoded);
    }
    this.#xattr(name, value);
  }

  #text(start: number, end: number): string {
    return nameFromBytes(this.#bytes, start, end);
  }

  #name(key: string, start: number, end: number): string | undefined {
    const nul = this.#bytes.indexOf(0, start);
    if (nul >= 0 && nul < end) throw this.#malformed(`value of ${key} (a NUL)`);
    if (end - start > MAX_NAME) throw this.#error("limit", nameTooLong(end - start));
    return start === end ? undefined : this.#text(start, end);
  }

  #number(key: string, start: number, end: number): number | undefined {
    if (start === end) return undefined;
    const value = parseDecimal(this.#text(start, end));
    if (Number.isNaN(value)) throw this.#malformed(`value of ${key}`);
    return value;
  }

  /** A number that cannot be negative and that a double must hold. */
  #count(key: string, start: number, end: number): number | undefined {
    const value = this.#number(key, start, end);
    if (value !== undefined && value < 0) throw this.#malformed(`value of ${key} (negative)`);
    if (value === Number.POSITIVE_INFINITY) {
      throw this.#error("range", `PAX record ${key} is above 2^53 (rule 40)`);
    }
    return value;
  }

  #time(key: string, start: number, end: number): Nanoseconds | undefined {
    if (start === end) return undefined;
    const value = end - start > 64 ? undefined : parseTime(this.#text(start, end));
    if (value === undefined) throw this.#malformed(`value of ${key}`);
    if (!inTimeRange(value / 1_000_000_000n)) {
      throw this.#error("range", `PAX record ${key} is outside int64 seconds (rule 35)`);
    }
    return value;
  }

  #xattr(name: string, value: Uint8Array): void {
    if (isOverlayXattr(name)) return;
    const length = nameLength(name);
    if (length === 0 || length > MAX_XATTR_NAME || name.includes("\0")) {
      throw this.#error("range", `extended attribute name of ${length} bytes; Linux has 1 to 255 (rule 37)`);
    }
    if (value.length > MAX_XATTR_VALUE) {
      throw this.#error(
        "range",
        `extended attribute ${name} of ${value.length} bytes; Linux has up to 65536 (rule 37)`,
      );
    }
    this.records.xattrs ??= new Map();
    if (!this.records.xattrs.has(name)) this.#listSize += length + 1;
    if (this.#listSize > MAX_XATTR_LIST) {
      throw this.#error("range", "extended attributes with more than 65536 bytes of names (rule 37)");
    }
    this.records.xattrs.set(name, value);
  }

  #sparse(key: string, start: number, end: number): void {
    const sparse = (this.records.sparse ??= {});
    switch (key.slice("GNU.sparse.".length)) {
      case "major":
        sparse.major = this.#text(start, end);
        return;
      case "minor":
        sparse.minor = this.#text(start, end);
        return;
      case "name":
        sparse.name = this.#name(key, start, end);
        return;
      case "size":
        sparse.size = this.#count(key, start, end);
        return;
      case "realsize":
        sparse.realSize = this.#count(key, start, end);
        return;
      case "numblocks":
        sparse.blockCount = this.#count(key, start, end);
        return;
      case "map":
        sparse.map = this.#list(key, start, end);
        return;
      case "offset":
      case "numbytes": {
        const value = this.#count(key, start, end);
        const map = (sparse.map ??= []);
        const due = map.length % 2 === 0 ? "GNU.sparse.offset" : "GNU.sparse.numbytes";
        if (value === undefined || key !== due) throw this.#malformed(`order of ${key}`);
        map.push(value);
        return;
      }
    }
  }

  #list(key: string, start: number, end: number): number[] {
    const values: number[] = [];
    for (let at = start; at < end; ) {
      const comma = this.#bytes.indexOf(0x2c, at);
      const stop = comma < 0 || comma > end ? end : comma;
      const value = this.#count(key, at, stop);
      if (value === undefined) throw this.#malformed(`value of ${key}`);
      values.push(value);
      at = stop + 1;
    }
    return values;
  }

  #malformed(what: string): ArchiveError {
    return this.#error("corrupt", `malformed PAX record: ${what} (rule 40)`);
  }
}

/**
 * Reads the body of an extended header.
 * @throws ArchiveError made by `error` where a record is malformed or a value out of range
 */
export function parsePax(bytes: Uint8Array, error: MakeError): PaxRecords {
  return new RecordReader(bytes, error).run();
}
