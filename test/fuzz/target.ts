/**
 * What a fuzzer feeds, and to what. A case is a string of bytes, whatever it was made from, so that every
 * one can be kept in a file and fed again.
 */
import { isDeepStrictEqual } from "node:util";
import type fc from "fast-check";
import { TemplateError } from "../../src/cli/template/lexer.ts";
import { OciError } from "../../src/oci/errors.ts";
import { PosixError } from "../../src/posix/errno.ts";
import { UpperError } from "../../src/runtime/upper/upper.ts";
import { StoreError } from "../../src/store/errors.ts";
import { ArchiveError } from "../../src/tar/entry.ts";

export interface Target {
  readonly name: string;
  /** What is fed to what, in a few words. */
  readonly what: string;
  /** How many cases there are for one of the archive reader's: those that cost more are fewer. */
  readonly share: number;
  /** Made by structure, so that most get past the first check. */
  readonly cases: fc.Arbitrary<Uint8Array>;
  /**
   * Throws where a case shows a fault. An error of a type that callers are promised is none.
   */
  feed(bytes: Uint8Array): void | Promise<void>;
  /** Removes what feeding left. */
  end?(): void | Promise<void>;
}

/** Whether an error is of a type that callers are told to expect. */
export function isPromised(error: unknown): boolean {
  return [ArchiveError, OciError, StoreError, UpperError, PosixError, TemplateError].some(
    (type) => error instanceof type,
  );
}

/** What came of some work: a value, or an error of a promised type. */
export type Outcome<T> = { readonly value: T } | { readonly error: Error };

/** Does something that may fail as callers are promised; any other error is a fault. */
export function attempt<T>(work: () => T): Outcome<T> {
  try {
    return { value: work() };
  } catch (error) {
    return { error: promisedError(error) };
  }
}

/** As {@link attempt}, for work that takes time. */
export async function attemptLater<T>(work: () => Promise<T>): Promise<Outcome<T>> {
  try {
    return { value: await work() };
  } catch (error) {
    return { error: promisedError(error) };
  }
}

function promisedError(error: unknown): Error {
  if (!isPromised(error)) throw error;
  return error as Error;
}

/** A fault that a case shows. */
export class Fault extends Error {
  constructor(message: string) {
    super(message);
    this.name = "Fault";
  }
}

/** Two ways to the same thing must not differ. */
export function same(what: string, left: unknown, right: unknown): void {
  if (!isDeepStrictEqual(left, right)) throw new Fault(`${what}: ${brief(left)} is not ${brief(right)}`);
}

function brief(value: unknown): string {
  const text = value instanceof Error ? String(value) : JSON.stringify(value, plain);
  return text === undefined ? String(value) : text.slice(0, 400);
}

function plain(_key: string, value: unknown): unknown {
  if (typeof value === "bigint") return `${value}n`;
  if (value instanceof Error) return String(value);
  if (value instanceof Map) return [...value];
  return value instanceof Uint8Array ? Buffer.from(value).toString("hex") : value;
}

/** Two outcomes with the same value, or errors that say the same. */
export function sameOutcome<T>(what: string, left: Outcome<T>, right: Outcome<T>): void {
  if ("error" in left && "error" in right) same(what, String(left.error), String(right.error));
  else same(what, left, right);
}
