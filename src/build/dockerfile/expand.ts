/**
 * Quotes, escapes and variables in one word of an instruction (5.2).
 *
 * As in a shell: `'…'` is literal; in `"…"` variables are expanded and the escape character works before
 * `"`, `$` and itself; elsewhere it makes the next character literal. `$name`, `${name}` and the operators
 * `:-  -  :+  +  :?  ?  #  ##  %  %%  /  //` are known, with words that are expanded in turn. `$1`, `$@` and the
 * like are variables that are never set.
 *
 * `words` is the result split at blanks that came from unquoted text or from a variable.
 */
import { PatternError, replacePattern, trimPrefix, trimSuffix } from "./glob-set.ts";
import type { EscapeCharacter } from "./syntax.ts";

/** The value of a variable, or undefined where it is not set. */
export type Lookup = (name: string) => string | undefined;

export interface ExpandOptions {
  readonly escapeCharacter: EscapeCharacter;
  readonly lookup: Lookup;
  /** Quotes stay in the result. */
  readonly rawQuotes?: boolean;
  /** Escape characters stay in the result. */
  readonly rawEscapes?: boolean;
  /** Quotes are characters like any other. */
  readonly ignoreQuotes?: boolean;
  /** A variable that is not set stays as it is written. */
  readonly keepUnset?: boolean;
}

export interface Expansion {
  readonly text: string;
  readonly words: readonly string[];
  /** Variables that were looked up and are set. */
  readonly used: ReadonlySet<string>;
  /** Variables that were looked up and are not set. */
  readonly unset: ReadonlySet<string>;
}

/** A word that cannot be expanded. */
export class ExpansionError extends Error {
  override readonly name = "ExpansionError";
}

/** How deep `${a:-${b:-…}}` may go: deeper ones are no Dockerfile but an attack on the stack. */
const MAX_DEPTH = 100;

const SPECIAL = "@*#?-$!0";
const END = "";

const isBlank = (text: string): boolean => /^\s$/u.test(text) || text === "\u0085";
const isDigit = (text: string): boolean => /^\p{Nd}$/u.test(text);
const isNamePart = (text: string): boolean => /^[\p{L}\p{Nd}_]$/u.test(text);

/** Collects words as text comes in. */
class Words {
  readonly done: string[] = [];
  #word = "";

  /** Text whose blanks separate words. */
  split(text: string): void {
    for (const character of text) {
      if (!isBlank(character)) this.#word += character;
      else this.finish();
    }
  }

  /** Text that belongs to one word. */
  join(text: string): void {
    this.#word += text;
  }

  finish(): readonly string[] {
    if (this.#word !== "") this.done.push(this.#word);
    this.#word = "";
    return this.done;
  }
}

class Expander {
  readonly #characters: readonly string[];
  readonly #options: ExpandOptions;
  readonly used = new Set<string>();
  readonly unset = new Set<string>();
  #at = 0;
  #rawEscapes: boolean;
  #depth = 0;

  constructor(word: string, options: ExpandOptions) {
    this.#characters = Array.from(word);
    this.#options = options;
    this.#rawEscapes = options.rawEscapes === true;
  }

  /** Expands up to a character, which is passed over, or to the end. */
  until(stop: string, rawEscapes: boolean): { text: string; words: readonly string[] } {
    const outer = this.#rawEscapes;
    this.#rawEscapes = rawEscapes;
    this.#depth += 1;
    if (this.#depth > MAX_DEPTH) throw new ExpansionError("substitutions are nested too deeply");
    try {
      return this.#until(stop);
    } finally {
      this.#depth -= 1;
      this.#rawEscapes = outer;
    }
  }

  #peek(): string {
    return this.#characters[this.#at] ?? END;
  }

  #next(): string {
    return this.#characters[this.#at++] ?? END;
  }

  #until(stop: string): { text: string; words: readonly string[] } {
    const { escapeCharacter, ignoreQuotes } = this.#options;
    const words = new Words();
    let text = "";
    const add = (piece: string, splits: boolean) => {
      text += piece;
      if (splits) words.split(piece);
      else words.join(piece);
    };
    for (let next = this.#peek(); next !== END; next = this.#peek()) {
      if (next === stop) {
        this.#at += 1;
        return { text, words: words.finish() };
      }
      if (next === "$") add(this.#variable(), true);
      else if (next === "'" && !ignoreQuotes) add(this.#singleQuoted(), false);
      else if (next === '"' && !ignoreQuotes) add(this.#doubleQuoted(), false);
      else if (next === "<") add(this.#lessThan(), false);
      else if (next === escapeCharacter) {
        this.#at += 1;
        if (this.#rawEscapes) add(escapeCharacter, false);
        add(this.#next(), false);
      } else {
        this.#at += 1;
        add(next, true);
      }
    }
    if (stop !== END)
      throw new ExpansionError(`unexpected end of statement while looking for matching ${stop}`);
    return { text, words: words.finish() };
  }

  /** `<` or `<<` with the blanks after it, which belong to the word of a heredoc. */
  #lessThan(): string {
    this.#at += 1;
    if (this.#peek() !== "<") return "<";
    this.#at += 1;
    let text = "<<";
    while (this.#peek() === " " || this.#peek() === "\t") text += this.#next();
    return text;
  }

  #singleQuoted(): string {
    const quote = this.#options.rawQuotes ? this.#peek() : "";
    this.#at += 1;
    let text = "";
    for (let next = this.#next(); next !== "'"; next = this.#next()) {
      if (next === END) {
        throw new ExpansionError("unexpected end of statement while looking for matching single-quote");
      }
      text += next;
    }
    return quote + text + quote;
  }

  #doubleQuoted(): string {
    const { escapeCharacter, rawQuotes } = this.#options;
    const quote = rawQuotes ? this.#peek() : "";
    this.#at += 1;
    let text = "";
    for (;;) {
      const next = this.#peek();
      if (next === END) {
        throw new ExpansionError("unexpected end of statement while looking for matching double-quote");
      }
      if (next === "$") {
        text += this.#variable();
        continue;
      }
      this.#at += 1;
      if (next === '"') return quote + text + quote;
      if (next !== escapeCharacter) {
        text += next;
        continue;
      }
      if (this.#rawEscapes) text += escapeCharacter;
      const escaped = this.#peek();
      if (escaped === '"' || escaped === "$" || escaped === escapeCharacter) text += this.#next();
      else if (escaped !== END && !this.#rawEscapes) text += escapeCharacter;
    }
  }

  #get(name: string): string | undefined {
    const value = this.#options.lookup(name);
    (value === undefined ? this.unset : this.used).add(name);
    return value;
  }

  #name(): string {
    const first = this.#peek();
    if (isDigit(first)) {
      let digits = "";
      while (isDigit(this.#peek())) digits += this.#next();
      return digits;
    }
    if (first !== END && SPECIAL.includes(first)) return this.#next();
    let name = "";
    while (isNamePart(this.#peek())) name += this.#next();
    return name;
  }

  #variable(): string {
    this.#at += 1;
    if (this.#peek() === "{") return this.#braced();
    const name = this.#name();
    if (name === "") return "$";
    return this.#get(name) ?? (this.#options.keepUnset ? `$${name}` : "");
  }

  /** What follows `$` where that is a brace. */
  #braced(): string {
    this.#at += 1;
    const first = this.#peek();
    if (first === END) throw new ExpansionError("syntax error: missing '}'");
    if ("{}:".includes(first)) throw new ExpansionError("syntax error: bad substitution");
    const name = this.#name();
    const operator = this.#next();
    switch (operator) {
      case END:
        throw new ExpansionError("syntax error: missing '}'");
      case "}":
        return this.#get(name) ?? (this.#options.keepUnset ? `\${${name}}` : "");
      case "/":
        return this.#replaced(name);
      case ":":
        return this.#modified(name, this.#next(), true);
      default:
        return this.#modified(name, operator, false);
    }
  }

  #operand(stop: string, rawEscapes: boolean, missing: string): string {
    try {
      return this.until(stop, rawEscapes).text;
    } catch (error) {
      if (error instanceof ExpansionError && this.#peek() === END) throw new ExpansionError(missing);
      throw error;
    }
  }

  #modified(name: string, operator: string, colon: boolean): string {
    const written = colon ? `:${operator}` : operator;
    if (operator === END || !"-+?#%".includes(operator)) {
      throw new ExpansionError(`unsupported modifier (${written}) in substitution`);
    }
    const trims = operator === "#" || operator === "%";
    const operand = this.#operand("}", trims, "syntax error: missing '}'");
    const value = this.#get(name);
    if (value === undefined && this.#options.keepUnset) return `\${${name}${written}${operand}}`;
    const absent = value === undefined || (colon && value === "");
    switch (operator) {
      case "-":
        return absent ? operand : value;
      case "+":
        return absent ? "" : operand;
      case "?": {
        if (!absent) return value;
        const reason = value === undefined ? "is not allowed to be unset" : "is not allowed to be empty";
        throw new ExpansionError(`${name}: ${operand || reason}`);
      }
      default:
        return this.#trimmed(value ?? "", operator, operand);
    }
  }

  #trimmed(value: string, operator: string, operand: string): string {
    const longest = operand.startsWith(operator);
    const pattern = longest ? operand.slice(1) : operand;
    const trim = operator === "#" ? trimPrefix : trimSuffix;
    return withPattern(pattern, () => trim(value, pattern, longest));
  }

  #replaced(name: string): string {
    const all = this.#peek() === "/";
    if (all) this.#at += 1;
    const pattern = this.#operand("/", true, `syntax error: missing '/' in \${}`);
    const replacement = this.#operand("}", true, "syntax error: missing '}'");
    const value = this.#get(name);
    if (value === undefined && this.#options.keepUnset) {
      return `\${${name}${all ? "//" : "/"}${pattern}/${replacement}}`;
    }
    return withPattern(pattern, () => replacePattern(value ?? "", pattern, replacement, all));
  }
}

function withPattern(pattern: string, apply: () => string): string {
  try {
    return apply();
  } catch (error) {
    if (!(error instanceof PatternError)) throw error;
    throw new ExpansionError(`invalid pattern (${pattern}) in substitution: ${error.message}`);
  }
}

/**
 * Expands a word.
 * @throws ExpansionError, with the words of BuildKit
 */
export function expandWord(word: string, options: ExpandOptions): Expansion {
  const expander = new Expander(word, options);
  try {
    const { text, words } = expander.until(END, options.rawEscapes === true);
    return { text, words, used: expander.used, unset: expander.unset };
  } catch (error) {
    if (!(error instanceof ExpansionError)) throw error;
    throw new ExpansionError(`failed to process ${JSON.stringify(word)}: ${error.message}`);
  }
}
