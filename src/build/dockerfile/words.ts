/**
 * The words of an instruction's arguments: those between blanks, and those of `name=value` lists, in which
 * quotes and escapes keep blanks together. Quotes stay in the words; expansion takes them away (5.2).
 */
import type { Word } from "./split.ts";
import type { EscapeCharacter } from "./syntax.ts";
import { isSpace } from "./text.ts";

/** Words between blanks; quotes mean nothing. */
export function blankSeparated(rest: Word): readonly Word[] {
  return [...rest.text.matchAll(/[^\t\v\f\r ]+/g)].map((match) => ({
    text: match[0],
    at: rest.at + match.index,
  }));
}

/** Words between blanks that are neither quoted nor escaped. */
export function quotedWords(rest: Word, escapeCharacter: EscapeCharacter): readonly Word[] {
  const { text } = rest;
  const found: Word[] = [];
  let quote = "";
  let start = -1;
  const finish = (end: number) => {
    if (start >= 0) found.push({ text: text.slice(start, end), at: rest.at + start });
    start = -1;
  };
  for (let at = 0; at < text.length; at++) {
    const unit = text[at]!;
    if (quote === "" && isSpace(unit)) {
      finish(at);
      continue;
    }
    if (start < 0) start = at;
    if (unit === escapeCharacter && quote !== "'") {
      // At the end there is nothing to take a meaning away from.
      if (at === text.length - 1) return finished(found, text.slice(start, at), rest.at + start);
      at += 1;
    } else if (quote !== "") {
      if (unit === quote) quote = "";
    } else if (unit === '"' || unit === "'") quote = unit;
  }
  finish(text.length);
  return found;
}

function finished(found: Word[], text: string, at: number): readonly Word[] {
  if (text !== "") found.push({ text, at });
  return found;
}
