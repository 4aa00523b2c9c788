/**
 * An instruction's keyword, its flags and the rest (5.1), each with its place in the text.
 *
 * Flags are the words that begin with `--` directly after the keyword; `--` alone ends them. Quotes and
 * backslashes in them work as in a shell, whatever the escape character is.
 */
import { isSpace, trimEnd } from "./text.ts";

/** A part of an instruction's text. */
export interface Word {
  readonly text: string;
  /** Offset within the instruction's text. */
  readonly at: number;
}

export interface SplitInstruction {
  readonly keyword: string;
  readonly flags: readonly Word[];
  /** Without blanks around. */
  readonly rest: Word;
}

const SEPARATOR = /[\t\v\f\r ]/;

/** Splits an instruction; `at` is where `text` itself begins in a longer one. */
export function splitInstruction(text: string, at = 0): SplitInstruction {
  let start = 0;
  while (start < text.length && isSpace(text[start]!)) start += 1;
  let end = start;
  while (end < text.length && !SEPARATOR.test(text[end]!)) end += 1;
  const keyword = trimEnd(text.slice(start, end));
  const flags: Word[] = [];
  for (let from = end; ; ) {
    while (from < text.length && isSpace(text[from]!)) from += 1;
    if (!text.startsWith("--", from))
      return { keyword, flags, rest: { text: trimEnd(text.slice(from)), at: at + from } };
    const { value, next } = flagAt(text, from);
    if (value !== "--") flags.push({ text: value, at: at + from });
    from = next;
    if (value !== "--") continue;
    while (from < text.length && isSpace(text[from]!)) from += 1;
    return { keyword, flags, rest: { text: trimEnd(text.slice(from)), at: at + from } };
  }
}

/** A flag's text without its quotes, and where it ends. */
function flagAt(text: string, start: number): { readonly value: string; readonly next: number } {
  let value = "";
  let quote = "";
  let at = start;
  for (; at < text.length; at++) {
    const unit = text[at]!;
    if (unit === "\\") {
      at += 1;
      value += text[at] ?? "";
    } else if (quote !== "") {
      if (unit === quote) quote = "";
      else value += unit;
    } else if (unit === "'" || unit === '"') quote = unit;
    else if (isSpace(unit)) break;
    else value += unit;
  }
  return { value, next: at };
}
