/**
 * The JSON form of arguments (5.1): an array of strings. A text that only looks like JSON is none, and so
 * is one with single quotes; an array that holds anything but strings is an error.
 */
import { trimStart } from "./text.ts";

export type JsonForm =
  | { readonly kind: "none" }
  | { readonly kind: "strings"; readonly strings: readonly string[] }
  | { readonly kind: "mixed" };

export function jsonForm(text: string): JsonForm {
  if (!trimStart(text).startsWith("[")) return { kind: "none" };
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { kind: "none" };
  }
  if (!Array.isArray(value)) return { kind: "none" };
  const strings = value.filter((element) => typeof element === "string");
  return strings.length === value.length ? { kind: "strings", strings } : { kind: "mixed" };
}
