/**
 * `WWW-Authenticate` challenges (RFC 9110, section 11.6.1): which ways of authenticating a server offers.
 *
 * A header may hold several challenges, and there may be several headers; commas separate challenges,
 * parameters, and stand in quoted strings. What does not parse ends the header: what was read before counts.
 */

export interface Challenge {
  /** Lower case: `bearer`, `basic`. */
  readonly scheme: string;
  /** By lower-case name. */
  readonly parameters: ReadonlyMap<string, string>;
}

const TOKEN = /[!#$%&'*+.^_`|~0-9A-Za-z-]+/y;
const BLANKS = /[ \t]*/y;
const SEPARATORS = /[ \t,]*/y;
const TOKEN68 = /[A-Za-z0-9._~+/-]+=*(?=[ \t]*(?:,|$))/y;

class Reader {
  #at = 0;
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  get atEnd(): boolean {
    return this.#at >= this.#text.length;
  }

  take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const match = pattern.exec(this.#text)?.[0];
    if (match !== undefined) this.#at += match.length;
    return match;
  }

  takeCharacter(character: string): boolean {
    if (this.#text[this.#at] !== character) return false;
    this.#at += 1;
    return true;
  }

  quoted(): string | undefined {
    if (!this.takeCharacter('"')) return undefined;
    let value = "";
    for (; this.#at < this.#text.length; this.#at++) {
      const character = this.#text[this.#at]!;
      if (character === '"') {
        this.#at += 1;
        return value;
      }
      if (character === "\\" && this.#at + 1 < this.#text.length) this.#at += 1;
      value += this.#text[this.#at]!;
    }
    return undefined;
  }

  /** A parameter, or undefined with nothing consumed. */
  parameter(): readonly [string, string] | undefined {
    const start = this.#at;
    const name = this.take(TOKEN);
    this.take(BLANKS);
    if (name !== undefined && this.takeCharacter("=")) {
      this.take(BLANKS);
      const value = this.quoted() ?? this.take(TOKEN);
      if (value !== undefined) return [name.toLowerCase(), value];
    }
    this.#at = start;
    return undefined;
  }
}

function parseHeader(text: string): readonly Challenge[] {
  const reader = new Reader(text);
  const challenges: Challenge[] = [];
  for (;;) {
    reader.take(SEPARATORS);
    if (reader.atEnd) return challenges;
    const scheme = reader.take(TOKEN);
    if (scheme === undefined) return challenges;
    reader.take(BLANKS);
    // A parameter that did not parse: the header is broken from there on.
    if (reader.takeCharacter("=")) return challenges;
    const parameters = new Map<string, string>();
    challenges.push({ scheme: scheme.toLowerCase(), parameters });
    for (let next = reader.parameter(); next !== undefined; next = reader.parameter()) {
      if (!parameters.has(next[0])) parameters.set(...next);
      reader.take(SEPARATORS);
    }
    if (parameters.size === 0) reader.take(TOKEN68);
  }
}

/** The challenges of all `WWW-Authenticate` headers of an answer, in order. */
export function parseChallenges(headers: string | readonly string[] | undefined): readonly Challenge[] {
  if (headers === undefined) return [];
  return (typeof headers === "string" ? [headers] : headers).flatMap(parseHeader);
}

/** The challenge to answer (REGISTRY 4.1.1): Bearer before Basic; undefined where there is neither. */
export function preferredChallenge(challenges: readonly Challenge[]): Challenge | undefined {
  return (
    challenges.find(({ scheme, parameters }) => scheme === "bearer" && parameters.has("realm")) ??
    challenges.find(({ scheme }) => scheme === "basic")
  );
}
