/**
 * Values as a Go template sees and prints them. A JavaScript object stands for a Go map or struct, an
 * array for a slice, `null` for nil.
 */
import { TemplateError } from "./lexer.ts";

export type Value = unknown;

/** A nil slice or map: empty to look at, `[]` or `map[]` in print, `null` in JSON. */
export class Nil {
  readonly #shown: string;

  constructor(kind: "slice" | "map") {
    this.#shown = kind === "slice" ? "[]" : "map[]";
  }

  toString(): string {
    return this.#shown;
  }

  toJSON(): null {
    return null;
  }
}

export const NIL_SLICE: Nil = new Nil("slice");
export const NIL_MAP: Nil = new Nil("map");

function isRecord(value: Value): value is Readonly<Record<string, Value>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Go's truth: false for zero values and for what is empty. */
export function isTrue(value: Value): boolean {
  if (Array.isArray(value)) return value.length > 0;
  if (isRecord(value)) return Object.keys(value).length > 0;
  return value !== undefined && value !== null && value !== false && value !== 0 && value !== "";
}

/** What `fmt.Print` makes of a value. */
export function print(value: Value): string {
  if (value === undefined || value === null) return "<no value>";
  if (value instanceof Nil) return value.toString();
  if (Array.isArray(value)) return `[${value.map(printInside).join(" ")}]`;
  if (isRecord(value)) {
    const keys = Object.keys(value).sort();
    return `map[${keys.map((key) => `${key}:${printInside(value[key])}`).join(" ")}]`;
  }
  return String(value);
}

function printInside(value: Value): string {
  return value === null || value === undefined ? "<nil>" : print(value);
}

/**
 * A member by name.
 * @throws TemplateError where there is none: a name that is misspelt must not pass for empty
 */
export function member(value: Value, name: string): Value {
  if (value === null || value === undefined) {
    throw new TemplateError(`nil data; no entry for key ${JSON.stringify(name)}`);
  }
  if (!isRecord(value)) throw new TemplateError(`can't evaluate field ${name} in type ${typeName(value)}`);
  if (!Object.hasOwn(value, name))
    throw new TemplateError(`map has no entry for key ${JSON.stringify(name)}`);
  return value[name];
}

export function typeName(value: Value): string {
  if (Array.isArray(value)) return "[]interface {}";
  if (typeof value === "number") return "int";
  if (typeof value === "boolean") return "bool";
  return isRecord(value) ? "map[string]interface {}" : "string";
}

/** `index`: one step into a map or a slice. A key that a map lacks gives nil, as in Go. */
export function indexInto(value: Value, key: Value): Value {
  if (value === null || value === undefined) throw new TemplateError("index of untyped nil");
  if (Array.isArray(value)) {
    if (typeof key !== "number")
      throw new TemplateError(`cannot index slice/array with type ${typeName(key)}`);
    if (key < 0 || key >= value.length) throw new TemplateError(`index out of range: ${key}`);
    return value[key];
  }
  if (!isRecord(value)) throw new TemplateError(`can't index item of type ${typeName(value)}`);
  return Object.hasOwn(value, String(key)) ? value[String(key)] : "";
}

/** What `range` walks: indexes or sorted keys, each with its element. */
export function rangeOver(value: Value): readonly (readonly [number | string, Value])[] {
  if (value === null || value === undefined) return [];
  if (Array.isArray(value)) return value.map((element, index) => [index, element] as const);
  if (isRecord(value)) {
    return Object.keys(value)
      .sort()
      .map((key) => [key, value[key]] as const);
  }
  throw new TemplateError(`range can't iterate over ${print(value)}`);
}
