/**
 * A step of a sequence, as data: what is called, in which form, with what. Paths lie in the ground's
 * directory, descriptors and handles in slots, so that a step means the same on both filesystems and
 * can be printed.
 */
import type { Form } from "../../vfs/call.ts";

/** How many descriptors, and how many handles, a sequence has by name. */
export const SLOTS = 3;

export type Arg =
  | { readonly kind: "path"; readonly path: string; readonly as: "string" | "buffer" | "url" }
  | { readonly kind: "descriptor"; readonly slot: number }
  | { readonly kind: "bytes"; readonly text: string }
  /** A buffer to be read into; what is in it afterwards is part of what came of the call. */
  | { readonly kind: "space"; readonly length: number }
  | { readonly kind: "date"; readonly ms: number }
  | { readonly kind: "value"; readonly value: unknown };

export type Step =
  /** A function of `node:fs`. What `open` gives goes into a slot: a handle from its promise form. */
  | {
      readonly on: "fs";
      readonly name: string;
      readonly form: Form;
      readonly args: readonly Arg[];
      readonly into?: number;
      /** Whether an argument was made wrong on purpose, or is missing. */
      readonly odd?: true;
    }
  /** A method of the handle in a slot; nothing where there is none. */
  | {
      readonly on: "handle";
      readonly slot: number;
      readonly name: string;
      readonly args: readonly Arg[];
      readonly odd?: true;
    }
  /** A use of several functions (`uses.ts`). */
  | { readonly on: "use"; readonly name: UseName; readonly args: readonly Arg[] };

export type UseName = "readStream" | "writeStream" | "entries" | "copyTree" | "writePieces" | "lines";

/** A value as a program writes it. */
export function literal(value: unknown): string {
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value === "number" || value === undefined || value === null) return String(value);
  if (Array.isArray(value)) return `[${value.map(literal).join(", ")}]`;
  if (typeof value === "object") {
    return `{ ${Object.entries(value)
      .map(([name, field]) => `${name}: ${literal(field)}`)
      .join(", ")} }`;
  }
  return JSON.stringify(value);
}
