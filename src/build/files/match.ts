/**
 * Go's `filepath.Match`: `*` and `?` within one component, `[a-z]` and `[^a-z]` classes, `\` before any
 * character. A pattern must match the whole name.
 */

/** A pattern that is none: Go's `ErrBadPattern`. */
export class PatternSyntaxError extends Error {
  constructor(pattern: string) {
    super(`syntax error in pattern: ${JSON.stringify(pattern)}`);
    this.name = "PatternSyntaxError";
  }
}

interface Range {
  readonly low: number;
  readonly high: number;
}

export type Token =
  | { readonly kind: "star" }
  | { readonly kind: "any" }
  | { readonly kind: "literal"; readonly code: number }
  | { readonly kind: "class"; readonly negated: boolean; readonly ranges: readonly Range[] };

/** Two stars, which `.dockerignore` and `--parents` know; `slash` where one follows and is part of it. */
export interface DeepToken {
  readonly kind: "deep";
  readonly slash: boolean;
}

const SLASH = 0x2f;
const STAR = 0x2a;

/** A character's number. Bytes that are no UTF-8 are single units (posix/names). */
export function codes(text: string): readonly number[] {
  return Array.from(text, (character) => character.codePointAt(0)!);
}

export class PatternReader {
  readonly #pattern: string;
  readonly #codes: readonly number[];
  #at = 0;

  constructor(pattern: string) {
    this.#pattern = pattern;
    this.#codes = codes(pattern);
  }

  tokens(): readonly Token[] {
    const tokens: Token[] = [];
    while (this.#at < this.#codes.length) tokens.push(this.#token());
    return tokens;
  }

  /** With `**` as a token of its own. */
  deepTokens(): readonly (Token | DeepToken)[] {
    const tokens: (Token | DeepToken)[] = [];
    while (this.#at < this.#codes.length) {
      const isDeep = this.#codes[this.#at] === STAR && this.#codes[this.#at + 1] === STAR;
      if (!isDeep) {
        tokens.push(this.#token());
        continue;
      }
      this.#at += 2;
      const slash = this.#codes[this.#at] === SLASH;
      if (slash) this.#at += 1;
      tokens.push({ kind: "deep", slash });
    }
    return tokens;
  }

  #token(): Token {
    const code = this.#codes[this.#at++]!;
    if (code === STAR) return { kind: "star" };
    if (code === 0x3f) return { kind: "any" };
    if (code === 0x5b) return this.#class();
    return { kind: "literal", code: code === 0x5c ? this.#escaped() : code };
  }

  #next(): number | undefined {
    return this.#codes[this.#at++];
  }

  #bad(): PatternSyntaxError {
    return new PatternSyntaxError(this.#pattern);
  }

  #escaped(): number {
    const code = this.#next();
    if (code === undefined) throw this.#bad();
    return code;
  }

  #class(): Token {
    const negated = this.#codes[this.#at] === 0x5e;
    if (negated) this.#at += 1;
    const ranges: Range[] = [];
    // A bracket directly after the opening one closes nothing: a class has at least one range.
    while (ranges.length === 0 || this.#codes[this.#at] !== 0x5d) {
      const low = this.#member();
      let high = low;
      if (this.#codes[this.#at] === 0x2d) {
        this.#at += 1;
        high = this.#member();
      }
      ranges.push({ low, high });
    }
    this.#at += 1;
    return { kind: "class", negated, ranges };
  }

  #member(): number {
    const code = this.#next();
    if (code === undefined || code === 0x2d || code === 0x5d) throw this.#bad();
    const member = code === 0x5c ? this.#escaped() : code;
    if (this.#at >= this.#codes.length) throw this.#bad();
    return member;
  }
}

/** Whether a token other than a star takes a character. */
export function meets(token: Token, code: number): boolean {
  switch (token.kind) {
    case "literal":
      return token.code === code;
    case "class":
      // As in Go, only `*` and `?` care whether it is a slash.
      return token.ranges.some(({ low, high }) => low <= code && code <= high) !== token.negated;
    default:
      return code !== SLASH;
  }
}

/** Matches a pattern that is known to be one. */
export type Matcher = (name: string) => boolean;

/**
 * Reads a pattern.
 * @throws PatternSyntaxError; also for what Go finds only where a name gets as far as that
 */
export function compileMatch(pattern: string): Matcher {
  const tokens = new PatternReader(pattern).tokens();
  return (name) => matchesTokens(tokens, codes(name));
}

/** A star that fails is tried one character further; of several only the last one needs to be. */
function matchesTokens(tokens: readonly Token[], name: readonly number[]): boolean {
  let token = 0;
  let at = 0;
  let star = -1;
  let starAt = 0;
  while (at < name.length) {
    const current = tokens[token];
    if (current?.kind === "star") {
      star = token;
      starAt = at;
      token += 1;
    } else if (current !== undefined && meets(current, name[at]!)) {
      token += 1;
      at += 1;
    } else if (star >= 0 && name[starAt] !== SLASH) {
      starAt += 1;
      at = starAt;
      token = star + 1;
    } else return false;
  }
  while (tokens[token]?.kind === "star") token += 1;
  return token === tokens.length;
}

/** Whether a name is more than itself: it has a character that patterns give a meaning. */
export function hasWildcards(name: string): boolean {
  return /(?<!\\)(?:\\\\)*[*?[]/.test(name);
}
