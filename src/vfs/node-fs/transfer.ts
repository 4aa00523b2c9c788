/**
 * The many ways to say what `fs.read` and `fs.write` move: positional arguments, an options object in
 * the place of the offset or of the buffer, a string with a position and an encoding, or nothing.
 */
import { Buffer } from "../../platform/node-builtins.ts";
import * as take from "./arguments.ts";
import { invalidType, invalidValue, outOfRange } from "./errors.ts";

/** How long a buffer is that nobody gave. */
const DEFAULT_LENGTH = 16 * 1024;

export interface ReadArguments {
  /** As it was given; the result names it. */
  readonly buffer: ArrayBufferView;
  readonly target: Uint8Array;
  readonly offset: number;
  readonly length: number;
  readonly position: number | null;
}

function isObject(value: unknown): value is take.Options {
  return typeof value === "object" && value !== null;
}

/** @param rest what follows the descriptor */
export function readArguments(rest: readonly unknown[]): ReadArguments {
  const [first, second, third, fourth] = rest;
  const isBuffer = ArrayBuffer.isView(first);
  if (!isBuffer && first !== undefined && first !== null && (typeof first !== "object" || rest.length > 1)) {
    throw invalidType("buffer", "an instance of Buffer, TypedArray, or DataView", first);
  }
  const options = isBuffer ? (rest.length <= 2 || isObject(second) ? second : undefined) : (first ?? {});
  const named = options !== undefined || rest.length <= 2;
  if (named && options !== null && options !== undefined) take.objectOptions(options);
  const fields = (options ?? {}) as take.Options;
  const buffer = isBuffer ? first : (fields.buffer ?? Buffer.alloc(DEFAULT_LENGTH));
  const target = take.bytes(buffer);
  const givenOffset = named ? fields.offset : second;
  const offset =
    givenOffset === undefined || givenOffset === null ? 0 : take.integer(givenOffset, "offset", 0);
  const remaining = target.length - offset;
  const givenLength = named ? (fields.length ?? remaining) : third;
  const length = Number(givenLength ?? 0) | 0;
  const plain = { buffer: buffer as ArrayBufferView, target, offset, length };
  if (length === 0) return { ...plain, position: null };
  if (target.length === 0) throw invalidValue("buffer", buffer, "is empty and cannot be written");
  rangeLength(length, remaining);
  return { ...plain, position: take.position(named ? fields.position : fourth) };
}

/**
 * What `FileHandle.read` takes. It says "where it stands" by any position that is no safe integer.
 * @param args all that was given
 */
export function handleReadArguments(args: readonly unknown[]): ReadArguments {
  const [first, second, third, fourth] = args;
  const isBuffer = ArrayBuffer.isView(first);
  if (!isBuffer && first !== undefined && (typeof first !== "object" || Array.isArray(first))) {
    throw invalidType("options", "of type object", first);
  }
  const fields = isBuffer ? (isObject(second) ? second : undefined) : ((first ?? {}) as take.Options);
  const buffer = isBuffer
    ? first
    : fields?.buffer === undefined
      ? Buffer.alloc(DEFAULT_LENGTH)
      : fields.buffer;
  const target = take.bytes(buffer);
  const givenOffset = fields === undefined ? second : fields.offset;
  const offset =
    givenOffset === undefined || givenOffset === null ? 0 : take.integer(givenOffset, "offset", 0);
  const length = (fields === undefined ? third : fields.length) ?? target.length - offset;
  const given = fields === undefined ? fourth : fields.position;
  const position = typeof given === "number" && Number.isSafeInteger(given) && given >= 0 ? given : null;
  const plain = { buffer: buffer as ArrayBufferView, target, offset, position };
  if (length === 0) return { ...plain, length };
  if (target.length === 0) throw invalidValue("buffer", buffer, "is empty and cannot be written");
  return { ...plain, length: rangeLength(length as number, target.length - offset) };
}

/** A length within what is left of a buffer. */
function rangeLength(length: number, remaining: number): number {
  if (length < 0) throw outOfRange("length", ">= 0", length);
  if (length > remaining) throw outOfRange("length", `<= ${remaining}`, length);
  return length;
}

export interface WriteArguments {
  /** As it was given; the result names it. */
  readonly buffer: unknown;
  readonly source: Uint8Array;
  readonly offset: number;
  readonly length: number;
  readonly position: number | null;
}

function writePosition(value: unknown): number | null {
  return typeof value === "number" && value >= 0 ? value : null;
}

/** @param rest what follows the descriptor */
export function writeArguments(rest: readonly unknown[]): WriteArguments {
  const [buffer, second, third, fourth] = rest;
  if (typeof buffer === "string") {
    // What is no encoding is none to Node here, and so UTF-8.
    const encoding = typeof third === "string" && Buffer.isEncoding(third) ? third : "utf8";
    if (encoding === "hex" && buffer.length % 2 !== 0) {
      throw invalidValue("encoding", encoding, `is invalid for data of length ${buffer.length}`);
    }
    const source = Buffer.from(buffer, encoding);
    return { buffer, source, offset: 0, length: source.length, position: writePosition(second) };
  }
  if (!ArrayBuffer.isView(buffer)) {
    throw invalidType("buffer", "of type string or an instance of Buffer, TypedArray, or DataView", buffer);
  }
  const source = take.bytes(buffer);
  const fields = typeof second === "object" ? ((second ?? {}) as take.Options) : undefined;
  const givenOffset = fields === undefined ? second : fields.offset;
  const offset =
    givenOffset === undefined || givenOffset === null ? 0 : take.integer(givenOffset, "offset", 0);
  const givenLength = fields === undefined ? third : fields.length;
  const length = typeof givenLength === "number" ? givenLength : source.length - offset;
  if (offset > source.length) throw outOfRange("offset", `<= ${source.length}`, offset);
  if (length > source.length - offset) throw outOfRange("length", `<= ${source.length - offset}`, length);
  if (length < 0) throw outOfRange("length", ">= 0", length);
  take.integer(length, "length", 0, 2 ** 31 - 1);
  const position = writePosition(fields === undefined ? fourth : fields.position);
  return { buffer, source, offset, length, position };
}
