/**
 * One logical line on its way to a typed instruction: its parts, and errors and places in its terms.
 */
import { type FlagKinds, type FlagValues, parseFlags } from "./flags.ts";
import type { LogicalLine } from "./lines.ts";
import { DockerfileError, type Position, type Source } from "./source.ts";
import { splitInstruction, type Word } from "./split.ts";
import type { EscapeCharacter, Instruction } from "./syntax.ts";
import { trim } from "./text.ts";

/** What every instruction has, but for its name. */
export type InstructionBase = Pick<Instruction, "keyword" | "range" | "text" | "comments" | "places">;

export class Request {
  /** The keyword in upper case. */
  readonly name: string;
  readonly keyword: string;
  readonly rest: Word;
  readonly line: LogicalLine;
  readonly escapeCharacter: EscapeCharacter;
  readonly #source: Source;
  readonly #flags: readonly Word[];
  readonly #places = new Map<string, Position>();

  constructor(source: Source, line: LogicalLine, escapeCharacter: EscapeCharacter, at = 0) {
    const { keyword, flags, rest } = splitInstruction(line.text.slice(at), at);
    this.#source = source;
    this.line = line;
    this.escapeCharacter = escapeCharacter;
    this.name = keyword.toUpperCase();
    this.keyword = keyword;
    this.#flags = flags;
    this.rest = rest;
  }

  /** What begins at an offset, as a request of its own: the instruction that ONBUILD triggers. */
  inner(at: number): Request {
    return new Request(this.#source, this.line, this.escapeCharacter, at);
  }

  flags<K extends FlagKinds>(kinds: K): FlagValues<K> {
    return parseFlags(this.#flags, kinds, this.fail);
  }

  /** For an instruction that has none. */
  noFlags(): void {
    this.flags({});
  }

  readonly fail = (reason: string, at: number): DockerfileError =>
    new DockerfileError(this.#source, this.line.place(at), reason);

  /** An error about the instruction as a whole. */
  failed(reason: string): DockerfileError {
    return this.fail(reason, 0);
  }

  /** The text of a word, whose place is remembered. */
  word({ text, at }: Word): string {
    if (!this.#places.has(text)) this.#places.set(text, this.line.place(at));
    return text;
  }

  words(words: readonly Word[]): readonly string[] {
    return words.map((word) => this.word(word));
  }

  base(): InstructionBase {
    const { text, range, comments } = this.line;
    return { keyword: this.keyword, range, text: trim(text), comments, places: this.#places };
  }
}
