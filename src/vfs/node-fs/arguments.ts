/**
 * The arguments of `node:fs` functions: what is taken, what it means, and the error that refuses it.
 *
 * Paths come as strings, buffers or file URLs and leave as engine names (`posix/names.ts`); a string's
 * lone surrogates U+DC80–U+DCFF are taken as the bytes they stand for, so that a name which the engine
 * gave out leads back to its file.
 */
import { Buffer, fileURLToPath } from "../../platform/node-builtins.ts";
import { nameFromBytes, nameToBytes } from "../../posix/names.ts";
import { fromSeconds } from "../../posix/time.ts";
import type { TimeEdit } from "../../union/attribute-calls.ts";
import { FLAGS } from "./constants.ts";
import { invalidType, invalidValue, outOfRange } from "./errors.ts";

const MAX_UINT32 = 2 ** 32 - 1;
const MAX_INT32 = 2 ** 31 - 1;

export type Options = { readonly [name: string]: unknown };

/** A path in the form the engine takes. */
export function path(value: unknown, name = "path"): string {
  const given = value instanceof URL ? fileURLToPath(value, { windows: false }) : value;
  const text =
    typeof given === "string" ? given : given instanceof Uint8Array ? nameFromBytes(given) : undefined;
  if (text === undefined) {
    throw invalidType(name, "of type string or an instance of Buffer or URL", value);
  }
  if (text.includes("\0")) {
    throw invalidValue(name, given, "must be a string, Uint8Array, or URL without null bytes");
  }
  return text;
}

/** An integer of a range. */
export function integer(
  value: unknown,
  name: string,
  min = Number.MIN_SAFE_INTEGER,
  max = Number.MAX_SAFE_INTEGER,
): number {
  if (typeof value !== "number") throw invalidType(name, "of type number", value);
  if (!Number.isInteger(value)) throw outOfRange(name, "an integer", value);
  if (value < min || value > max) throw outOfRange(name, `>= ${min} && <= ${max}`, value);
  return value;
}

export function descriptor(value: unknown): number {
  return integer(value, "fd", 0, MAX_INT32);
}

export function boolean(value: unknown, name: string): boolean {
  if (typeof value !== "boolean") throw invalidType(name, "of type boolean", value);
  return value;
}

/** An option that may be left out. */
export function optionalBoolean(options: Options, name: string, otherwise: boolean): boolean {
  const value = options[name];
  return value === undefined ? otherwise : boolean(value, `options.${name}`);
}

/** Options as an object; functions and arrays are none. */
export function objectOptions(value: unknown, name = "options"): Options {
  if (value === undefined) return {};
  if (value === null || typeof value !== "object" || Array.isArray(value))
    throw invalidType(name, "of type object", value);
  return value as Options;
}

/** Options that may be an encoding alone. */
export function encodingOptions(value: unknown): Options {
  if (value === null || value === undefined || typeof value === "function") return {};
  const options: unknown = typeof value === "string" ? { encoding: value } : value;
  if (typeof options !== "object" || options === null) {
    throw invalidType("options", "one of type string or object", value);
  }
  const { encoding, signal } = options as Options;
  if (encoding !== "buffer") knownEncoding(encoding);
  if (signal !== undefined) abortSignal(signal);
  return options as Options;
}

/** A character encoding, or undefined where none is asked for. */
export function knownEncoding(value: unknown, name = "encoding"): BufferEncoding | undefined {
  if (value === undefined || value === null || value === "") return undefined;
  if (typeof value === "string" && Buffer.isEncoding(value)) return value;
  throw invalidValue(name, value, "is invalid encoding");
}

export function abortSignal(value: unknown, name = "options.signal"): AbortSignal | undefined {
  if (value === undefined) return undefined;
  if (value === null || typeof value !== "object" || !("aborted" in value))
    throw invalidType(name, "an instance of AbortSignal", value);
  return value as AbortSignal;
}

/** A name as `encoding` shows it: a buffer for `buffer`; the bytes that are not UTF-8 become U+FFFD in a string. */
export function encodeName(name: string, encoding: unknown): string | Buffer {
  if (!encoding || encoding === "utf8" || encoding === "utf-8") {
    return isPlain(name) ? name : bytesOf(name).toString("utf8");
  }
  const bytes = bytesOf(name);
  return encoding === "buffer" ? bytes : bytes.toString(encoding as BufferEncoding);
}

function bytesOf(name: string): Buffer {
  const { buffer, byteOffset, length } = nameToBytes(name);
  return Buffer.from(buffer, byteOffset, length);
}

function isPlain(name: string): boolean {
  return !/[\udc80-\udcff]/.test(name);
}

export function openFlags(value: unknown, name = "flags"): number {
  if (typeof value === "number") return integer(value, name, -MAX_INT32 - 1, MAX_INT32);
  if (value === null || value === undefined) return 0;
  const flags = typeof value === "string" ? FLAGS.get(value) : undefined;
  if (flags === undefined) throw invalidValue(name, value);
  return flags;
}

/** Permission bits as a number or an octal string. */
export function mode(value: unknown, name: string, otherwise?: number): number {
  const given = value ?? otherwise;
  if (typeof given === "string") {
    if (!/^[0-7]+$/.test(given))
      throw invalidValue(name, value, "must be a 32-bit unsigned integer or an octal string");
    return integer(Number.parseInt(given, 8), name, 0, MAX_UINT32);
  }
  return integer(given, name, 0, MAX_UINT32);
}

/** A user or group; -1 is the id that leaves it as it is. */
export function owner(value: unknown, name: string): number {
  return integer(value, name, -1, MAX_UINT32) >>> 0;
}

/** What access, copyFile and cp check: three bits. */
export function threeBits(value: unknown): number {
  if (value === undefined || value === null) return 0;
  if (typeof value !== "number") {
    throw Object.assign(new TypeError("mode must be int32 or null/undefined"), {
      code: "ERR_INVALID_ARG_TYPE",
    });
  }
  const bits = Math.trunc(value);
  if (!(bits >= 0 && bits <= 7)) {
    const message = "mode is out of range: >= 0 && <= 7";
    throw Object.assign(new RangeError(message), { code: "ERR_OUT_OF_RANGE" });
  }
  return bits;
}

/** Seconds, as `_toUnixTimestamp` reads a date, a number or a numeral. */
export function unixTime(value: unknown, name = "time"): number {
  if (typeof value === "string" && !Number.isNaN(Number(value))) return Number(value);
  if (typeof value === "number" && Number.isFinite(value)) return value < 0 ? Date.now() / 1000 : value;
  if (value instanceof Date) return value.getTime() / 1000;
  throw invalidType(name, "an instance of Date or an Time in seconds", value);
}

/**
 * A time to set. Node passes seconds as a double, and libuv keeps whole microseconds of it
 * (`uv__fs_to_timespec`).
 */
export function time(value: unknown, name?: string): TimeEdit {
  const seconds = unixTime(value, name);
  const whole = Math.trunc(seconds);
  const nanoseconds = Math.trunc((seconds - whole) * 1e9);
  return fromSeconds(whole) + BigInt(nanoseconds - (nanoseconds % 1000));
}

/** A view of bytes, of any of the kinds that hold them. */
export function bytes(value: unknown, name = "buffer"): Uint8Array {
  if (value instanceof Uint8Array) return value;
  if (!ArrayBuffer.isView(value)) {
    throw invalidType(name, "an instance of Buffer, TypedArray, or DataView", value);
  }
  return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
}

export function byteList(value: unknown): Uint8Array[] {
  if (!Array.isArray(value) || !value.every((item) => ArrayBuffer.isView(item))) {
    throw invalidType("buffers", "an ArrayBufferView[]", value);
  }
  return value.map((item) => bytes(item));
}

/** A position in a file, or null for where the descriptor stands. */
export function position(value: unknown): number | null {
  if (value === undefined || value === null || value === -1 || value === -1n) return null;
  if (typeof value === "number") return integer(value, "position", -1);
  if (typeof value === "bigint") {
    if (value < -1n || value > 2n ** 63n - 1n) {
      throw outOfRange("position", `>= -1 && <= ${2n ** 63n - 1n}`, value);
    }
    return Number(value);
  }
  throw invalidType("position", "of type bigint or integer", value);
}

/** What is to be written to a file as a whole or in part. */
export function content(value: unknown, encoding: unknown, name = "data"): Uint8Array {
  if (typeof value === "string")
    return Buffer.from(value, (encoding as BufferEncoding | undefined) ?? "utf8");
  if (!ArrayBuffer.isView(value)) {
    throw invalidType(name, "of type string or an instance of Buffer, TypedArray, or DataView", value);
  }
  return bytes(value);
}
