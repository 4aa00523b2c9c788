/**
 * What a header and its PAX records say of an inode, checked against what Linux can hold (rules 35
 * and 36). A record replaces the header's own field, which is then not looked at.
 */
import { MAX_MAJOR, MAX_MINOR, makeDevice, PERMISSION_BITS } from "../posix/mode.ts";
import { fromSeconds, type Nanoseconds } from "../posix/time.ts";
import { NO_XATTRS, type Xattrs } from "../tree/inode.ts";
import { type Dialect, parseAccessTime, parseBigNumber, parseNumber } from "./header.ts";
import { inTimeRange, type MakeError, type PaxRecords } from "./pax.ts";

/** What every type of entry has. */
export interface Head {
  readonly name: string;
  readonly offset: number;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtime: Nanoseconds;
  readonly atime?: Nanoseconds;
  readonly xattrs: Xattrs;
}

/** Highest user or group (rule 36): 2^32-1 is chown's "unchanged". */
const MAX_ID = 2 ** 32 - 2;

function field(block: Uint8Array, at: number, length: number, what: string, error: MakeError): number {
  const value = parseNumber(block, at, length);
  if (Number.isNaN(value)) throw error("corrupt", `header's ${what} is no number (pax(1), ustar)`);
  return value;
}

function checkedId(value: number, what: string, error: MakeError): number {
  if (value >= 0 && value <= MAX_ID) return value;
  throw error("range", `${what} ${value} is outside 0 to 2^32-2 (rule 36)`);
}

function checkedTime(seconds: bigint | undefined, what: string, error: MakeError): Nanoseconds {
  if (seconds === undefined) throw error("corrupt", `header's ${what} is no number (pax(1), ustar)`);
  if (!inTimeRange(seconds)) throw error("range", `${what} is outside int64 seconds (rule 35)`);
  return fromSeconds(seconds);
}

/**
 * What the header at `at` and its records say of the entry.
 * @throws ArchiveError made by `error`
 */
export function headOf(
  name: string,
  offset: number,
  block: Uint8Array,
  at: number,
  dialect: Dialect,
  pax: PaxRecords | undefined,
  error: MakeError,
): Head {
  const mode = field(block, at + 100, 8, "mode", error) & PERMISSION_BITS;
  const uid = checkedId(pax?.uid ?? field(block, at + 108, 8, "uid", error), "uid", error);
  const gid = checkedId(pax?.gid ?? field(block, at + 116, 8, "gid", error), "gid", error);
  const mtime = pax?.mtime ?? checkedTime(parseBigNumber(block, at + 136, 12), "mtime", error);
  const xattrs = pax?.xattrs ?? NO_XATTRS;
  const atime = pax?.atime ?? accessTimeOf(block, at, dialect, error);
  // Made in one piece: a spread into another object would cost more than all of the above.
  return atime === undefined
    ? { name, offset, mode, uid, gid, mtime, xattrs }
    : { name, offset, mode, uid, gid, mtime, atime, xattrs };
}

function accessTimeOf(
  block: Uint8Array,
  at: number,
  dialect: Dialect,
  error: MakeError,
): Nanoseconds | undefined {
  const seconds = parseAccessTime(block, at, dialect);
  return seconds === undefined ? undefined : checkedTime(seconds, "atime", error);
}

/**
 * The size that the header itself states.
 * @throws ArchiveError made by `error`
 */
export function sizeOf(block: Uint8Array, at: number, error: MakeError): number {
  const size = field(block, at + 124, 12, "size", error);
  if (size < 0) throw error("corrupt", "header states a negative size (pax(1), ustar)");
  if (size > Number.MAX_SAFE_INTEGER) throw error("range", "size is above 2^53 (rule 40)");
  return size;
}

/**
 * The number of a device; V7 had no field for it.
 * @throws ArchiveError made by `error` for what Linux's 12 and 20 bits cannot hold (rule 36)
 */
export function deviceOf(block: Uint8Array, at: number, dialect: Dialect, error: MakeError): number {
  if (dialect === "v7") return 0;
  const major = field(block, at + 329, 8, "device major", error);
  const minor = field(block, at + 337, 8, "device minor", error);
  if (!(major >= 0 && major <= MAX_MAJOR && minor >= 0 && minor <= MAX_MINOR)) {
    throw error("range", `device ${major}:${minor} is outside 0:0 to ${MAX_MAJOR}:${MAX_MINOR} (rule 36)`);
  }
  return makeDevice(major, minor);
}
