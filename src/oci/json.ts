/**
 * JSON from outside, before anything is believed of it.
 *
 * A document is bounded in bytes and in depth; a key that appears twice in one object is refused,
 * because readers differ on which one counts, and an image must mean the same to all of them (the
 * confusion behind CVE-2021-41190). `null` and absent are the same (image-spec config.md), so `null`
 * members are left out. Everything else stays as it is, unknown members included.
 */
import * as v from "valibot";
import { OciError } from "./errors.ts";

export type Json = string | number | boolean | null | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: Json | undefined;
}

/** The largest manifest, index or config that is read, in bytes: what registries accept (rule 1.6: CVE-2020-1702). */
export const MAX_DOCUMENT = 4 * 1024 * 1024;
/** No document of an image is nested deeper than a dozen; recursive writers of JSON fail past some thousand. */
const MAX_DEPTH = 100;

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();

/** End (past the closing quote) of the string literal that starts at `start` in valid JSON. */
function stringEnd(text: string, start: number): number {
  let at = start + 1;
  while (text.charCodeAt(at) !== 0x22) at += text.charCodeAt(at) === 0x5c ? 2 : 1;
  return at + 1;
}

/** What is wrong with the shape of a valid JSON text, or undefined. */
function shapeProblem(text: string): string | undefined {
  const open: (Set<string> | undefined)[] = [];
  let keyNext = false;
  for (let at = 0; at < text.length; ) {
    const unit = text.charCodeAt(at);
    if (unit === 0x22) {
      const end = stringEnd(text, at);
      const keys = open[open.length - 1];
      if (keyNext && keys !== undefined) {
        const key = JSON.parse(text.slice(at, end)) as string;
        if (keys.has(key)) return `has the key ${JSON.stringify(key.slice(0, 80))} twice in one object`;
        keys.add(key);
        keyNext = false;
      }
      at = end;
      continue;
    }
    if (unit === 0x7b || unit === 0x5b) {
      open.push(unit === 0x7b ? new Set() : undefined);
      keyNext = unit === 0x7b;
      if (open.length > MAX_DEPTH) return `is nested deeper than ${MAX_DEPTH}`;
    } else if (unit === 0x7d || unit === 0x5d) {
      open.pop();
      keyNext = false;
    } else if (unit === 0x2c) {
      keyNext = open[open.length - 1] !== undefined;
    }
    at += 1;
  }
  return undefined;
}

/** Whether a number in it is beyond what a double holds: readers differ on what it means. */
function isInfinite(value: Json | undefined): boolean {
  if (typeof value === "number") return !Number.isFinite(value);
  return typeof value === "object" && value !== null && Object.values(value).some(isInfinite);
}

/** The value without `null` members; `null` elements of arrays stay, for the schema to refuse. */
function withoutNulls(value: Json): Json {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value as JsonObject).filter(([, member]) => member !== null);
  return Object.fromEntries(entries.map(([key, member]) => [key, withoutNulls(member as Json)]));
}

/**
 * Parses a JSON value of any kind.
 * @param what names the document in errors
 * @throws OciError (`limit`, `document`)
 */
export function parseJsonValue(bytes: Uint8Array, what: string, limit: number = MAX_DOCUMENT): Json {
  if (bytes.length > limit) {
    throw new OciError("limit", `${what} has ${bytes.length} bytes, more than the ${limit} allowed`);
  }
  let text: string;
  let value: Json;
  try {
    text = decoder.decode(bytes);
    value = JSON.parse(text) as Json;
  } catch (cause) {
    throw new OciError("document", `${what} is not valid JSON`, { cause });
  }
  const wrong = shapeProblem(text) ?? (isInfinite(value) ? "has a number that is too large" : undefined);
  if (wrong !== undefined) throw new OciError("document", `${what} ${wrong}`);
  return withoutNulls(value);
}

/**
 * Parses a JSON object.
 * @throws OciError (`limit`, `document`)
 */
export function parseJson(bytes: Uint8Array, what: string, limit: number = MAX_DOCUMENT): JsonObject {
  const value = parseJsonValue(bytes, what, limit);
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new OciError("document", `${what} is not a JSON object`);
  }
  return value as JsonObject;
}

/**
 * Checks a parsed document against a schema and gives the document itself back, so that no unknown
 * member is lost. Schemas given to it must not transform.
 * @throws OciError (`document`) that names the first member in error
 */
export function validate<T extends v.GenericSchema>(schema: T, json: Json, what: string): v.InferOutput<T> {
  const result = v.safeParse(schema, json, { abortEarly: true });
  if (result.success) return json as v.InferOutput<T>;
  const issue = result.issues[0];
  const path = v.getDotPath(issue);
  throw new OciError("document", `${what} is invalid${path ? ` at ${path}` : ""}: ${issue.message}`);
}

/** A JSON text as bytes, compact, in the order of the object's own members. */
export function jsonBytes(value: unknown): Uint8Array {
  return encoder.encode(JSON.stringify(value));
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A map of strings, such as labels. Read it with `Object.entries` or `Object.hasOwn`: keys are anyone's. */
export const stringMap = v.custom<Readonly<Record<string, string>>>(
  (value) => isObject(value) && Object.values(value).every((member) => typeof member === "string"),
  "expected an object of strings",
);

/** A set written as the keys of an object with empty objects, such as volumes. */
export const keySet = v.custom<Readonly<Record<string, object>>>(
  (value) => isObject(value) && Object.values(value).every(isObject),
  "expected an object of empty objects",
);
