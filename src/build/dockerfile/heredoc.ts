/**
 * The words of an instruction that announce heredocs (5.1): `<<EOF`, `<<-EOF`, `3<<EOF`, `<<"EOF"`.
 *
 * Only RUN, COPY and ADD have them, also behind ONBUILD, and not in their JSON form.
 */
import { ExpansionError, expandWord } from "./expand.ts";
import { jsonForm } from "./json-form.ts";
import { splitInstruction } from "./split.ts";
import type { Heredoc } from "./syntax.ts";

/** A heredoc before its body is read. */
export type HeredocWord = Omit<Heredoc, "content">;

/** After blanks a word with a parenthesis is none: `$((1 << 2))` is the shell's arithmetic. */
const HEREDOC = /^(\d*)<<(-?)(?:([^<\s][^<]*)|\s+([^<()]+))$/;
const HOLDERS: ReadonlySet<string> = new Set(["RUN", "COPY", "ADD"]);
const UNSET = { escapeCharacter: "\\", lookup: () => undefined, keepUnset: true } as const;

function quoteCount(text: string): number {
  return text.replace(/[^'"]/g, "").length;
}

/** The words of a text, or none where it does not end within its quotes. */
function wordsOf(text: string, raw: { rawQuotes?: true; rawEscapes?: true }): readonly string[] {
  try {
    return expandWord(text, { ...UNSET, ...raw }).words;
  } catch (error) {
    if (error instanceof ExpansionError) return [];
    throw error;
  }
}

/** What a word announces, or undefined where it is no heredoc. */
export function parseHeredocWord(word: string): HeredocWord | undefined {
  const match = HEREDOC.exec(word);
  if (match === null) return undefined;
  const [, descriptor = "", dash, close, apart] = match;
  const rest = close ?? apart ?? "";
  const [name, ...more] = wordsOf(rest, {});
  const [raw] = wordsOf(rest, { rawQuotes: true });
  if (name === undefined || raw === undefined || more.length > 0) return undefined;
  // Where quotes were taken away, a part of the word was quoted.
  const expand = quoteCount(name) === quoteCount(raw);
  return { name, descriptor: Number(descriptor), expand, chomp: dash === "-" };
}

/** The heredocs that an instruction announces, in order. */
export function heredocWords(text: string): readonly HeredocWord[] {
  if (!text.includes("<<")) return [];
  let { keyword, rest } = splitInstruction(text);
  if (keyword.toUpperCase() === "ONBUILD") ({ keyword, rest } = splitInstruction(rest.text));
  if (!HOLDERS.has(keyword.toUpperCase()) || jsonForm(rest.text).kind === "strings") return [];
  return wordsOf(text, { rawQuotes: true, rawEscapes: true })
    .map(parseHeredocWord)
    .filter((word) => word !== undefined);
}
