/**
 * The functions that a template may call: Go's own and those that Docker adds.
 */
import { TemplateError } from "./lexer.ts";
import { indexInto, isTrue, print, type Value } from "./value.ts";

type TemplateFunction = (...values: Value[]) => Value;

/** JSON as Go writes it without HTML escapes: line separators are escaped even so. */
export function goJson(value: Value): string {
  const text = JSON.stringify(value ?? null);
  return text.replace(/[\u2028\u2029]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16)}`);
}

function text(value: Value): string {
  return typeof value === "string" ? value : print(value);
}

function number(value: Value): number {
  if (typeof value !== "number") throw new TemplateError(`expected integer; found ${print(value)}`);
  return value;
}

function lengthOf(value: Value): number {
  if (typeof value === "string") return Buffer.byteLength(value);
  if (Array.isArray(value)) return value.length;
  if (typeof value === "object" && value !== null) return Object.keys(value).length;
  throw new TemplateError(
    value === null || value === undefined ? "len of nil pointer" : `len of type ${typeof value}`,
  );
}

/** Go's `fmt.Sprint`: blanks between operands only where neither is a string. */
function sprint(values: readonly Value[]): string {
  return values.reduce<string>((out, value, i) => {
    const blank = i > 0 && typeof value !== "string" && typeof values[i - 1] !== "string";
    return `${out}${blank ? " " : ""}${text(value)}`;
  }, "");
}

function printf(format: string, values: readonly Value[]): string {
  let next = 0;
  return format.replace(/%(-?)(\d*)([sdvqt%])/g, (_, left: string, width: string, verb: string) => {
    if (verb === "%") return "%";
    const value = values[next++];
    const shown = verb === "q" ? JSON.stringify(text(value)) : text(value);
    return left ? shown.padEnd(Number(width)) : shown.padStart(Number(width));
  });
}

function compare(a: Value, b: Value): number {
  if (typeof a !== typeof b) throw new TemplateError("incompatible types for comparison");
  return (a as string) < (b as string) ? -1 : (a as string) > (b as string) ? 1 : 0;
}

export const FUNCTIONS: ReadonlyMap<string, TemplateFunction> = new Map<string, TemplateFunction>([
  ["json", goJson],
  ["join", (list, separator) => (Array.isArray(list) ? list : []).map(text).join(text(separator))],
  ["split", (value, separator) => text(value).split(text(separator))],
  ["upper", (value) => text(value).toUpperCase()],
  ["lower", (value) => text(value).toLowerCase()],
  [
    "title",
    (value) =>
      text(value).replace(
        /(^|[^\p{L}\p{N}_'])(\p{L})/gu,
        (_, before, letter) => `${before}${letter.toUpperCase()}`,
      ),
  ],
  [
    "pad",
    (value, before, after) =>
      text(value) === "" ? "" : `${" ".repeat(number(before))}${text(value)}${" ".repeat(number(after))}`,
  ],
  ["truncate", (value, length) => [...text(value)].slice(0, number(length)).join("")],
  ["len", lengthOf],
  ["index", (value, ...keys) => keys.reduce(indexInto, value)],
  ["print", (...values) => sprint(values)],
  ["println", (...values) => `${values.map(text).join(" ")}\n`],
  ["printf", (format, ...values) => printf(text(format), values)],
  ["not", (value) => !isTrue(value)],
  ["and", (...values) => values.find((value) => !isTrue(value)) ?? values[values.length - 1]],
  ["or", (...values) => values.find(isTrue) ?? values[values.length - 1]],
  ["eq", (first, ...others) => others.some((other) => compare(first, other) === 0)],
  ["ne", (a, b) => compare(a, b) !== 0],
  ["lt", (a, b) => compare(a, b) < 0],
  ["le", (a, b) => compare(a, b) <= 0],
  ["gt", (a, b) => compare(a, b) > 0],
  ["ge", (a, b) => compare(a, b) >= 0],
]);
