/**
 * Lists of patterns as `.dockerignore` and `--exclude` have them (5.4): Go's `moby/patternmatcher`.
 *
 * A pattern matches a whole path, relative and with slashes; `*` and `?` stay within a component, `**` does
 * not: `**\/x` is `x` at any depth, `x/**` everything below `x`. A path is matched where a pattern matches it or
 * a directory above it. `!` takes a match back; the last pattern that says something counts.
 *
 * A pattern is run as a set of states over the path, so that its cost is bounded by the two lengths, and
 * whether it could match something below a directory is known without looking below.
 */
import { codes, type DeepToken, meets, PatternReader, type Token } from "./match.ts";
import { cleanPath } from "./path.ts";

const SLASH = 0x2f;

/** Where in a pattern a match may be: twice the token, plus one within a `**`. */
type States = ReadonlySet<number>;

class Pattern {
  readonly negated: boolean;
  readonly #tokens: readonly (Token | DeepToken)[];

  constructor(text: string, negated: boolean) {
    this.negated = negated;
    this.#tokens = new PatternReader(text).deepTokens();
    this.#plain = /[*?[\\]/.test(text) ? undefined : text;
    // Two stars before nothing but plain text match any beginning, also within a component.
    const [first, ...rest] = this.#tokens;
    if (
      first?.kind === "deep" &&
      !first.slash &&
      !/[\\]/.test(text) &&
      rest.every(({ kind }) => kind === "literal")
    ) {
      this.#anyStart = true;
    }
  }

  readonly #anyStart: boolean = false;
  /** The pattern itself, where nothing in it has a meaning. */
  readonly #plain: string | undefined;

  start(): States {
    const states = new Set<number>();
    this.#enter(states, 0);
    return states;
  }

  /** The states after more of a path. */
  step(states: States, text: string): States {
    let now = states;
    for (const code of codes(text)) {
      const next = new Set<number>();
      for (const state of now) this.#take(next, state, code);
      if (next.size === 0) return next;
      now = next;
    }
    return now;
  }

  matches(path: string): boolean {
    if (this.#plain !== undefined) return path === this.#plain;
    return this.step(this.start(), path).has(this.#tokens.length * 2);
  }

  #enter(states: Set<number>, index: number): void {
    states.add(index * 2);
    const token = this.#tokens[index];
    if (token?.kind === "star" || token?.kind === "deep") this.#enter(states, index + 1);
  }

  #take(next: Set<number>, state: number, code: number): void {
    const index = state >> 1;
    const token = this.#tokens[index];
    if (token === undefined) return;
    if (token.kind === "deep") {
      next.add(index * 2 + 1);
      const isLast = index === this.#tokens.length - 1;
      // It ends at a slash, but for one at the end, which takes everything.
      if (isLast || code === SLASH || this.#anyStart) this.#enter(next, index + 1);
    } else if (token.kind === "star") {
      if (code !== SLASH) this.#enter(next, index);
    } else if (meets(token, code)) this.#enter(next, index + 1);
  }
}

/** What patterns said of a directory, for what lies in it. */
export interface DirectoryMatch {
  readonly matched: boolean;
  /** By pattern: whether it matched the directory or one above. */
  readonly by: readonly boolean[];
}

export class Patterns {
  readonly #patterns: readonly Pattern[];
  /** The patterns as they count: cleaned, `!` before those that take back. */
  readonly texts: readonly string[];

  private constructor(patterns: readonly Pattern[], texts: readonly string[]) {
    this.#patterns = patterns;
    this.texts = texts;
  }

  /**
   * Reads a list; blanks around a pattern and patterns of nothing do not count.
   * @throws PatternSyntaxError for one that is none; Error for `!` alone
   */
  static parse(list: Iterable<string>): Patterns {
    const patterns: Pattern[] = [];
    const texts: string[] = [];
    for (const written of list) {
      const trimmed = written.trim();
      if (trimmed === "") continue;
      const text = cleanPath(trimmed);
      const negated = text.startsWith("!");
      if (text === "!") throw new IllegalExclusionError();
      patterns.push(new Pattern(negated ? text.slice(1) : text, negated));
      texts.push(text);
    }
    return new Patterns(patterns, texts);
  }

  get isEmpty(): boolean {
    return this.#patterns.length === 0;
  }

  /** Whether any takes a match back. */
  get hasNegated(): boolean {
    return this.#patterns.some(({ negated }) => negated);
  }

  /** Whether a path is matched, itself or by a directory above it (`MatchesOrParentMatches`). */
  matches(path: string): boolean {
    let match: DirectoryMatch | undefined;
    const parts = path.split("/");
    for (let i = 1; i <= parts.length; i++) match = this.within(parts.slice(0, i).join("/"), match);
    return match?.matched ?? false;
  }

  /**
   * The same for a path in a directory of which the answer is known.
   * @param path relative to the root of everything
   */
  within(path: string, directory?: DirectoryMatch): DirectoryMatch {
    let matched = false;
    const by = this.#patterns.map((pattern, i) => {
      const is = directory?.by[i] === true || pattern.matches(path);
      if (is) matched = !pattern.negated;
      return is;
    });
    return { matched, by };
  }

  /** Whether anything below a matched directory could be taken back. */
  mayTakeBackBelow(directory: string): boolean {
    return this.#patterns.some(
      (pattern) => pattern.negated && pattern.step(pattern.start(), `${directory}/`).size > 0,
    );
  }
}

/** A `!` without a pattern. */
export class IllegalExclusionError extends Error {
  constructor() {
    super('illegal exclusion pattern: "!"');
    this.name = "IllegalExclusionError";
  }
}
