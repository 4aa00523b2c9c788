/**
 * The patterns of `${v#p}` and its kin: `*` any run of characters, `?` any one, `\` takes the meaning of
 * `*`, `?` and `\` away (POSIX shell, section 2.13, without bracket expressions). A newline is matched
 * by neither.
 *
 * Matching gives the set of all lengths at which a prefix matches, so that shortest and longest cost the
 * same, and no pattern costs more than its length times that of the value.
 */

/** One character to be met, `?`, or `*`. */
type Token = { readonly literal: string } | "one" | "any";

export class PatternError extends Error {
  override readonly name = "PatternError";
}

/**
 * Reads a pattern as it stands within `${…}`, where `\}` and `\/` are the characters alone.
 * @throws PatternError for a backslash before anything else
 */
export function parsePattern(pattern: string): readonly Token[] {
  const tokens: Token[] = [];
  const characters = Array.from(pattern);
  for (let i = 0; i < characters.length; i++) {
    const character = characters[i]!;
    if (character === "*") tokens.push("any");
    else if (character === "?") tokens.push("one");
    else if (character !== "\\") tokens.push({ literal: character });
    else {
      i += 1;
      const escaped = characters[i];
      if (escaped === undefined || !"*?\\}/".includes(escaped)) {
        throw new PatternError(`invalid escape '\\${escaped ?? ""}'`);
      }
      tokens.push({ literal: escaped });
    }
  }
  return tokens;
}

/** All lengths at which a prefix of `value`, from `start` on, matches. Ascending. */
function matchLengths(tokens: readonly Token[], value: readonly string[], start: number): readonly number[] {
  let ends: readonly number[] = [start];
  for (const token of tokens) {
    if (ends.length === 0) return ends;
    if (token === "any") {
      const next: number[] = [];
      let at = 0;
      for (const end of ends) {
        for (at = Math.max(at, end); at <= value.length; at++) {
          next.push(at);
          if (value[at] === "\n") break;
        }
        if (value[at] === "\n") at += 1;
      }
      ends = next;
    } else {
      const meets = (end: number) =>
        end < value.length && (token === "one" ? value[end] !== "\n" : value[end] === token.literal);
      ends = ends.filter(meets).map((end) => end + 1);
    }
  }
  return ends.map((end) => end - start);
}

function prefixLength(tokens: readonly Token[], value: readonly string[], longest: boolean): number {
  return matchLengths(tokens, value, 0).at(longest ? -1 : 0) ?? 0;
}

/** A value without the shortest or longest prefix that matches. */
export function trimPrefix(value: string, pattern: string, longest: boolean): string {
  const characters = Array.from(value);
  return characters.slice(prefixLength(parsePattern(pattern), characters, longest)).join("");
}

/** A value without the shortest or longest suffix that matches. */
export function trimSuffix(value: string, pattern: string, longest: boolean): string {
  const characters = Array.from(value).reverse();
  const tokens = [...parsePattern(pattern)].reverse();
  return characters
    .slice(prefixLength(tokens, characters, longest))
    .reverse()
    .join("");
}

/**
 * A value with its first match, or all of them, replaced; each the longest from the leftmost place on. A
 * match of nothing counts where no match ends just before.
 */
export function replacePattern(value: string, pattern: string, replacement: string, all: boolean): string {
  const characters = Array.from(value);
  const tokens = parsePattern(pattern);
  let result = "";
  let copied = 0;
  for (let start = 0, previous = -1; start <= characters.length; ) {
    const length = matchLengths(tokens, characters, start).at(-1);
    if (length === undefined || (length === 0 && start === previous)) {
      start += 1;
      continue;
    }
    result += characters.slice(copied, start).join("") + replacement;
    copied = start + length;
    if (!all) break;
    previous = copied;
    start = length === 0 ? start + 1 : copied;
  }
  return result + characters.slice(copied).join("");
}
