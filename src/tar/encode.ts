/**
 * One header of a tar archive as bytes: ustar (POSIX.1-1988) where everything fits it, preceded by a
 * PAX extended header (POSIX.1-2001) for what does not, and for nothing else (rule 59).
 *
 * The same header gives the same bytes, always: no clock, no user names, no process number.
 *
 * - A name is bytes. One of up to 100, or up to 256 that `/` parts in 155 and 100, stands in the ustar
 *   fields as it is, UTF-8 or not. Go's writer puts every name beyond ASCII in a `path` record instead;
 *   but a record's text is defined to be UTF-8, and bsdtar refuses one that is not, or that the locale
 *   cannot say, while every reader takes the bytes of the ustar fields for what they are.
 * - A longer name is a `path` or `linkpath` record, together with `hdrcharset=BINARY` if it is not UTF-8.
 * - Numbers too large for octal digits, and times before 1970, are records; their fields are then 0.
 * - An xattr is a `SCHILY.xattr.NAME` record with the value's bytes. A name with `=` in it cannot be
 *   told from its value there: it becomes a `LIBARCHIVE.xattr.` record, whose name and value are encoded.
 * - Records are sorted by keyword.
 *
 * Nothing is written of a header that does not pass {@link headerLength}'s checks.
 */
import { deviceMajor, deviceMinor, MAX_MAJOR, makeDevice, PERMISSION_BITS } from "../posix/mode.ts";
import { compareBytes, nameLength, nameToBytes } from "../posix/names.ts";
import { type Nanoseconds, seconds } from "../posix/time.ts";
import type { Xattrs } from "../tree/inode.ts";
import { ArchiveError, type Entry } from "./entry.ts";

/** The unit of a tar archive, in bytes. */
export const BLOCK = 512;

/** Two blocks of zeros end an archive. No padding to a record of 10 KiB: no reader asks for it, and Go's writer has none. */
export const END_LENGTH = 2 * BLOCK;

/** What a header tells of an entry. */
export interface Header {
  /** As it is to stand in the archive; a directory's ends in `/`. */
  readonly name: string;
  readonly type: Entry["type"];
  /** 0 to 0o7777. */
  readonly mode: number;
  /** 0 to 2^32-2 (rule 36). */
  readonly uid: number;
  /** 0 to 2^32-2 (rule 36). */
  readonly gid: number;
  /** What is below a second is cut off (rule 59). */
  readonly mtime: Nanoseconds;
  /** How many bytes follow the header, padding aside; 0 for all but files. */
  readonly size: number;
  /** Of a symlink or hardlink. */
  readonly target?: string;
  /** Of a device. */
  readonly rdev?: number;
  readonly xattrs: Xattrs;
}

/** A length rounded up to whole blocks. */
export function padded(length: number): number {
  return Math.ceil(length / BLOCK) * BLOCK;
}

const NAME_LENGTH = 100;
const PREFIX_LENGTH = 155;
/** Longest text of a PAX header, in bytes: neither our reader nor Go's takes more. */
const MAX_EXTENDED = 1024 * 1024;
/** Longest name and value of an xattr, in bytes (linux/limits.h). */
const MAX_XATTR_NAME = 255;
const MAX_XATTR_VALUE = 65536;
/** The highest id that is one: 2^32-1 means "unchanged" to chown(2). */
const MAX_ID = 2 ** 32 - 2;
/** What seven octal digits hold. */
const MAX_OCTAL_ID = 0o7777777;
/** What eleven octal digits hold. */
const MAX_OCTAL = 0o77777777777;
/** The times whose seconds fit 64 bits, and those that fit octal digits, in nanoseconds. */
const SECOND = 1_000_000_000n;
const FIRST_TIME = -(2n ** 63n) * SECOND;
const END_OF_TIME = 2n ** 63n * SECOND;
const END_OF_OCTAL_TIME = BigInt(MAX_OCTAL + 1) * SECOND;

const TYPE_FLAG: { readonly [type in Entry["type"]]: number } = {
  file: 0x30,
  hardlink: 0x31,
  symlink: 0x32,
  char: 0x33,
  block: 0x34,
  directory: 0x35,
  fifo: 0x36,
};
const EXTENDED_HEADER = 0x78;

function isOctalTime(time: Nanoseconds): boolean {
  return time >= 0n && time < END_OF_OCTAL_TIME;
}

function integerWithin(value: number, highest: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= highest;
}

/** @throws ArchiveError for a value that no archive can hold or no Linux has */
function validate(header: Header): void {
  const fail = (code: "name" | "range", message: string): never => {
    throw new ArchiveError(code, message, { entry: header.name });
  };
  if (header.name === "" || header.name.includes("\0"))
    fail("name", "an empty name, or one with a NUL in it");
  if (header.target?.includes("\0")) fail("name", "a link target with a NUL in it");
  if (!integerWithin(header.mode, PERMISSION_BITS)) fail("range", `mode ${header.mode} is none`);
  if (!integerWithin(header.uid, MAX_ID)) fail("range", `uid ${header.uid} is outside 0 to 2^32-2 (rule 36)`);
  if (!integerWithin(header.gid, MAX_ID)) fail("range", `gid ${header.gid} is outside 0 to 2^32-2 (rule 36)`);
  if (!integerWithin(header.size, Number.MAX_SAFE_INTEGER)) fail("range", `size ${header.size} is none`);
  if (header.mtime < FIRST_TIME || header.mtime >= END_OF_TIME)
    fail("range", "its time is outside 64 bits of seconds (rule 35)");
  if (header.rdev !== undefined) {
    const major = deviceMajor(header.rdev);
    if (major > MAX_MAJOR || makeDevice(major, deviceMinor(header.rdev)) !== header.rdev) {
      fail("range", `device ${header.rdev} is outside 12 bits of major and 20 of minor (rule 36)`);
    }
  }
  for (const [name, value] of header.xattrs) {
    if (name === "" || name.includes("\0")) fail("name", "an xattr with no name, or with a NUL in it");
    if (nameLength(name) > MAX_XATTR_NAME || value.length > MAX_XATTR_VALUE) {
      fail("range", `xattr ${JSON.stringify(name)} of ${value.length} bytes is longer than Linux has them`);
    }
  }
}

/**
 * Where to part a name of more than 100 bytes so that it fits ustar's prefix and name: the place of
 * the `/` between them, which neither holds; -1 when there is none.
 */
function splitPoint(name: Uint8Array): number {
  for (let i = Math.min(PREFIX_LENGTH, name.length - 2); i > 0; i--) {
    if (name[i] === 0x2f) return name.length - i - 1 <= NAME_LENGTH ? i : -1;
  }
  return -1;
}

function fitsName(name: string): boolean {
  if (name.length <= NAME_LENGTH / 3) return true;
  return nameLength(name) <= NAME_LENGTH || splitPoint(nameToBytes(name)) >= 0;
}

/** A byte that is no UTF-8, as `posix/names` spells it; with the flag `u`, halves of pairs do not count. */
const ESCAPED_BYTE = /[\uDC80-\uDCFF]/u;

const encoder = new TextEncoder();

/** One record, `LENGTH KEY=VALUE\n`, where LENGTH counts itself. */
function encodeRecord(key: Uint8Array, value: Uint8Array): Uint8Array {
  const rest = key.length + value.length + 3;
  let length = rest + String(rest).length;
  length = rest + String(length).length;
  const out = new Uint8Array(length);
  let at = encoder.encodeInto(`${length} `, out).written;
  out.set(key, at);
  at += key.length;
  out[at++] = 0x3d;
  out.set(value, at);
  out[length - 1] = 0x0a;
  return out;
}

const BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/** Base64 without `=` at the end, as libarchive writes it. */
function base64(bytes: Uint8Array): string {
  let text = "";
  for (let i = 0; i < bytes.length; i += 3) {
    const word = (bytes[i]! << 16) | ((bytes[i + 1] ?? 0) << 8) | (bytes[i + 2] ?? 0);
    for (let digit = 0; digit <= Math.min(3, bytes.length - i); digit++) {
      text += BASE64[(word >> (18 - 6 * digit)) & 63];
    }
  }
  return text;
}

/** An xattr's name as a `LIBARCHIVE.xattr.` keyword has it: printable ASCII but `%` and `=`. */
function percentEncode(name: Uint8Array): string {
  let text = "";
  for (const byte of name) {
    const plain = byte > 0x20 && byte < 0x7f && byte !== 0x25 && byte !== 0x3d;
    text += plain ? String.fromCharCode(byte) : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }
  return text;
}

function xattrRecord(name: string, value: Uint8Array): [key: Uint8Array, value: Uint8Array] {
  if (!name.includes("=")) return [nameToBytes(`SCHILY.xattr.${name}`), value];
  return [
    encoder.encode(`LIBARCHIVE.xattr.${percentEncode(nameToBytes(name))}`),
    encoder.encode(base64(value)),
  ];
}

/** The text of the PAX header that an entry needs; undefined for none. */
function extendedHeader(header: Header): Uint8Array | undefined {
  const longName = !fitsName(header.name);
  const longTarget = header.target !== undefined && nameLength(header.target) > NAME_LENGTH;
  const oddTime = !isOctalTime(header.mtime);
  const bigUid = header.uid > MAX_OCTAL_ID;
  const bigGid = header.gid > MAX_OCTAL_ID;
  const bigSize = header.size > MAX_OCTAL;
  if (!(longName || longTarget || oddTime || bigUid || bigGid || bigSize) && header.xattrs.size === 0) {
    return undefined;
  }

  const records: [key: Uint8Array, value: Uint8Array][] = [];
  const add = (key: string, value: string) => records.push([encoder.encode(key), encoder.encode(value)]);
  let binary = false;
  const addName = (key: string, name: string) => {
    records.push([encoder.encode(key), nameToBytes(name)]);
    binary ||= ESCAPED_BYTE.test(name);
  };
  if (longName) addName("path", header.name);
  if (longTarget) addName("linkpath", header.target!);
  if (binary) add("hdrcharset", "BINARY");
  if (oddTime) add("mtime", String(seconds(header.mtime)));
  if (bigUid) add("uid", String(header.uid));
  if (bigGid) add("gid", String(header.gid));
  if (bigSize) add("size", String(header.size));
  for (const [name, value] of header.xattrs) records.push(xattrRecord(name, value));

  records.sort(([a], [b]) => compareBytes(a, b));
  const encoded = records.map(([key, value]) => encodeRecord(key, value));
  const out = new Uint8Array(encoded.reduce((total, record) => total + record.length, 0));
  let at = 0;
  for (const record of encoded) {
    out.set(record, at);
    at += record.length;
  }
  return out;
}

/** Where ustar keeps a field, and how long it is. */
type Field = readonly [offset: number, length: number];

const FIELD = {
  name: [0, NAME_LENGTH],
  mode: [100, 8],
  uid: [108, 8],
  gid: [116, 8],
  size: [124, 12],
  mtime: [136, 12],
  checksum: [148, 8],
  type: [156, 1],
  target: [157, NAME_LENGTH],
  magic: [257, 8],
  major: [329, 8],
  minor: [337, 8],
  prefix: [345, PREFIX_LENGTH],
} as const satisfies { readonly [field: string]: Field };

/** Octal digits that fill a field but for the NUL at its end. */
function putOctal(block: Uint8Array, [offset, length]: Field, value: number): void {
  let rest = value;
  for (let i = offset + length - 2; i >= offset; i--) {
    block[i] = 0x30 + (rest % 8);
    rest = Math.floor(rest / 8);
  }
}

/** What an old reader shall see of a name that a record holds: the ASCII of its beginning. */
function putFallback(block: Uint8Array, [offset, length]: Field, name: Uint8Array): void {
  const ascii = name.filter((byte) => byte < 0x80);
  let end = Math.min(length, ascii.length);
  // Some readers make a directory of any field that ends in a slash.
  while (end < ascii.length && end > 0 && ascii[end - 1] === 0x2f) end--;
  block.set(ascii.subarray(0, end), offset);
}

function putName(block: Uint8Array, name: string): void {
  const bytes = nameToBytes(name);
  const split = bytes.length > NAME_LENGTH ? splitPoint(bytes) : 0;
  if (split < 0) {
    putFallback(block, FIELD.name, bytes);
  } else if (split === 0) {
    block.set(bytes, FIELD.name[0]);
  } else {
    block.set(bytes.subarray(0, split), FIELD.prefix[0]);
    block.set(bytes.subarray(split + 1), FIELD.name[0]);
  }
}

function putTarget(block: Uint8Array, target: string): void {
  const bytes = nameToBytes(target);
  if (bytes.length > NAME_LENGTH) putFallback(block, FIELD.target, bytes);
  else block.set(bytes, FIELD.target[0]);
}

/** "ustar", NUL, version "00". */
const MAGIC = new Uint8Array([0x75, 0x73, 0x74, 0x61, 0x72, 0, 0x30, 0x30]);

/** Fills in what every block has, its checksum last. */
function finishBlock(block: Uint8Array, type: number): void {
  block[FIELD.type[0]] = type;
  block.set(MAGIC, FIELD.magic[0]);
  const [at, length] = FIELD.checksum;
  // The checksum counts its own field as blanks; it ends in NUL and a blank, by old custom.
  let sum = 0x20 * length;
  for (let i = 0; i < BLOCK; i++) sum += block[i]!;
  putOctal(block, [at, length - 1], sum);
  block[at + 7] = 0x20;
}

function putNumbers(
  block: Uint8Array,
  numbers: {
    mode: number;
    uid: number;
    gid: number;
    size: number;
    mtime: number;
    major: number;
    minor: number;
  },
): void {
  for (const key of ["mode", "uid", "gid", "size", "mtime", "major", "minor"] as const) {
    putOctal(block, FIELD[key], numbers[key]);
  }
}

/** The PAX header's own name, as Go's writer forms it: `DIRECTORY/PaxHeaders.0/NAME`. */
function extendedName(name: string): string {
  const path = name.endsWith("/") ? name.slice(0, -1) : name;
  const slash = path.lastIndexOf("/") + 1;
  return `${path.slice(0, slash)}PaxHeaders.0/${path.slice(slash)}`;
}

/**
 * How many bytes {@link encodeHeader} gives for a header.
 * @throws ArchiveError `name`, `range` or `limit` for what no archive can hold (rules 35 and 36)
 */
export function headerLength(header: Header): number {
  validate(header);
  const extended = extendedHeader(header);
  if (extended === undefined) return BLOCK;
  if (extended.length > MAX_EXTENDED) {
    throw new ArchiveError("limit", "more than 1 MiB of names and xattrs, which readers refuse (rule 40)", {
      entry: header.name,
    });
  }
  return 2 * BLOCK + padded(extended.length);
}

/** The bytes of a valid header, whole blocks: its PAX header if it needs one, then its own block. */
export function encodeHeader(header: Header): Uint8Array {
  const extended = extendedHeader(header);
  const before = extended === undefined ? 0 : BLOCK + padded(extended.length);
  const out = new Uint8Array(before + BLOCK);
  if (extended !== undefined) {
    const block = out.subarray(0, BLOCK);
    putFallback(block, FIELD.name, nameToBytes(extendedName(header.name)));
    putNumbers(block, { mode: 0, uid: 0, gid: 0, size: extended.length, mtime: 0, major: 0, minor: 0 });
    finishBlock(block, EXTENDED_HEADER);
    out.set(extended, BLOCK);
  }

  const block = before === 0 ? out : out.subarray(before);
  const rdev = header.rdev ?? 0;
  putName(block, header.name);
  if (header.target !== undefined) putTarget(block, header.target);
  putNumbers(block, {
    mode: header.mode,
    uid: header.uid > MAX_OCTAL_ID ? 0 : header.uid,
    gid: header.gid > MAX_OCTAL_ID ? 0 : header.gid,
    size: header.size > MAX_OCTAL ? 0 : header.size,
    mtime: isOctalTime(header.mtime) ? Number(seconds(header.mtime)) : 0,
    major: deviceMajor(rdev),
    minor: deviceMinor(rdev),
  });
  finishBlock(block, TYPE_FLAG[header.type]);
  return out;
}
