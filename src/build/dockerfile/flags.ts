/**
 * The flags of one instruction against those it knows (5.1): a switch takes `true`, `false` or nothing,
 * the others a value; only a list may be given more than once.
 */
import type { Word } from "./split.ts";

export type FlagKind = "switch" | "value" | "list";
export type FlagKinds = Readonly<Record<string, FlagKind>>;

/** What each flag was given; one that was not given is absent. */
export type FlagValues<K extends FlagKinds> = {
  readonly [name in keyof K]?: K[name] extends "switch"
    ? boolean
    : K[name] extends "list"
      ? readonly Word[]
      : Word;
};

/** Makes the error for something that is wrong at an offset. */
export type Fail = (reason: string, at: number) => Error;

function switchValue(name: string, value: string | undefined, at: number, fail: Fail): boolean {
  if (value === undefined) return true;
  if (value === "") throw fail(`missing a value on flag: ${name}`, at);
  const lower = value.toLowerCase();
  if (lower !== "true" && lower !== "false") {
    throw fail(`expecting boolean value for flag ${name}, not: ${value}`, at);
  }
  return lower === "true";
}

/** @throws what `fail` makes, for a flag that is unknown, repeated, or lacks its value */
export function parseFlags<K extends FlagKinds>(flags: readonly Word[], kinds: K, fail: Fail): FlagValues<K> {
  const values: Record<string, boolean | Word | Word[]> = {};
  for (const { text, at } of flags) {
    const equals = text.indexOf("=");
    const name = text.slice(2, equals < 0 ? undefined : equals);
    const value = equals < 0 ? undefined : text.slice(equals + 1);
    const kind = Object.hasOwn(kinds, name) ? kinds[name] : undefined;
    if (kind === undefined) throw fail(`unknown flag: --${name}`, at);
    const before = values[name];
    if (before !== undefined && !Array.isArray(before)) throw fail(`duplicate flag specified: --${name}`, at);
    if (kind === "switch") {
      values[name] = switchValue(`--${name}`, value, at, fail);
      continue;
    }
    if (value === undefined) throw fail(`missing a value on flag: --${name}`, at);
    const word = { text: value, at: at + equals + 1 };
    if (kind === "value") values[name] = word;
    else values[name] = [...(before ?? []), word];
  }
  return values as FlagValues<K>;
}
