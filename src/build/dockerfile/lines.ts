/**
 * From physical lines to logical ones (5.1): directives, comments, continuations, heredocs.
 *
 * - Directives stand before anything else, a blank line or a comment included; one of each.
 * - A comment line vanishes, also within a continued instruction.
 * - A line goes on in the next one where it ends with the escape character, blanks allowed after it and no
 *   escape character before it. An empty line within is passed over and noted.
 * - After an instruction that can have heredocs come their bodies.
 */
import { type HeredocWord, heredocWords } from "./heredoc.ts";
import { DockerfileError, lineRange, type Position, type Range, type Source } from "./source.ts";
import type { EscapeCharacter, Heredoc } from "./syntax.ts";
import { isBlankText, trimStart } from "./text.ts";

/** One instruction as text. */
export interface LogicalLine {
  /** Continuations joined, comments and leading blanks gone. */
  readonly text: string;
  readonly range: Range;
  readonly comments: readonly string[];
  readonly heredocs: readonly Heredoc[];
  /** Where an offset of `text` lies in the file. */
  place(offset: number): Position;
}

export interface LogicalLines {
  readonly escapeCharacter: EscapeCharacter;
  readonly directives: { readonly syntax?: string; readonly check?: string };
  readonly lines: readonly LogicalLine[];
  readonly emptyContinuations: readonly Range[];
}

const DIRECTIVE = /^#\s*([a-zA-Z][a-zA-Z0-9]*)\s*=\s*(.+?)\s*$/;
const DIRECTIVES: ReadonlySet<string> = new Set(["syntax", "escape", "check"]);
/** An escape character at the end that no escape character precedes. */
const CONTINUATION: Readonly<Record<EscapeCharacter, RegExp>> = {
  "\\": /(?<!\\)\\[ \t]*$/,
  "`": /(?<!`)`[ \t]*$/,
};

/** A part of a logical line that comes from one physical line. */
interface Piece {
  readonly at: number;
  readonly place: Position;
}

class LineReader {
  readonly #source: Source;
  /** Lines read so far: the number of the last one. */
  #line = 0;
  #escapeCharacter: EscapeCharacter = "\\";
  readonly #directives = new Map<string, string>();
  #directivesOver = false;
  #comments: string[] = [];
  readonly #emptyContinuations: Range[] = [];

  constructor(source: Source) {
    this.#source = source;
  }

  read(): LogicalLines {
    const lines: LogicalLine[] = [];
    for (let line = this.#next(); line !== undefined; line = this.#next()) {
      const logical = this.#logical(line);
      if (logical === undefined) continue;
      lines.push(logical);
      this.#comments = [];
    }
    const syntax = this.#directives.get("syntax");
    const check = this.#directives.get("check");
    return {
      escapeCharacter: this.#escapeCharacter,
      directives: { ...(syntax !== undefined && { syntax }), ...(check !== undefined && { check }) },
      lines,
      emptyContinuations: this.#emptyContinuations,
    };
  }

  #next(): string | undefined {
    const line = this.#source.lines[this.#line];
    if (line !== undefined) this.#line += 1;
    return line?.text;
  }

  #fail(position: Position, reason: string): DockerfileError {
    return new DockerfileError(this.#source, position, reason);
  }

  #logical(line: string): LogicalLine | undefined {
    const trimmed = trimStart(line);
    if (trimmed.startsWith("#")) {
      if (!this.#isDirective(trimmed)) this.#comment(trimmed.slice(1).trim());
      return undefined;
    }
    this.#directivesOver = true;
    if (trimmed === "") {
      this.#comments = [];
      return undefined;
    }
    const first = this.#line;
    const pieces: Piece[] = [{ at: 0, place: { line: first, column: line.length - trimmed.length + 1 } }];
    const { text, skipped } = this.#joined(trimmed, pieces);
    if (skipped) this.#emptyContinuations.push(lineRange(this.#source, this.#line, this.#line));
    // A lone continuation up to the end of the file, or of nothing but blanks, is no instruction.
    if (isBlankText(text)) return undefined;
    const place = placing(pieces);
    const heredocs = this.#heredocs(text, place);
    const { end } = lineRange(this.#source, this.#line, this.#line);
    return { text, range: { start: place(0), end }, comments: this.#comments, heredocs, place };
  }

  #comment(text: string): void {
    if (text === "") this.#comments = [];
    else this.#comments.push(text);
  }

  /** Joins a line with those it goes on in; whether an empty one was passed over. */
  #joined(first: string, pieces: Piece[]): { readonly text: string; readonly skipped: boolean } {
    const continuation = CONTINUATION[this.#escapeCharacter];
    let text = "";
    let skipped = false;
    for (let part: string | undefined = first; part !== undefined; ) {
      const cut = part.search(continuation);
      text += cut < 0 ? part : part.slice(0, cut);
      if (cut < 0) break;
      for (part = this.#next(); part !== undefined; part = this.#next()) {
        const trimmed = trimStart(part);
        if (trimmed !== "" && !trimmed.startsWith("#")) break;
        skipped ||= trimmed === "";
      }
      pieces.push({ at: text.length, place: { line: this.#line, column: 1 } });
    }
    return { text, skipped };
  }

  #isDirective(line: string): boolean {
    if (this.#directivesOver) return false;
    const [, written = "", value = ""] = DIRECTIVE.exec(line) ?? [];
    const name = written.toLowerCase();
    if (!DIRECTIVES.has(name)) {
      this.#directivesOver = true;
      return false;
    }
    const position = { line: this.#line, column: 1 };
    if (this.#directives.has(name)) {
      throw this.#fail(position, `only one ${name} parser directive can be used`);
    }
    this.#directives.set(name, value);
    if (name === "escape") {
      if (value !== "\\" && value !== "`") {
        throw this.#fail(position, `invalid escape token '${value}' does not match \` or \\`);
      }
      this.#escapeCharacter = value;
    }
    return true;
  }

  #heredocs(text: string, place: (offset: number) => Position): Heredoc[] {
    return heredocWords(text).map((word) => {
      const content = this.#body(word);
      if (content === undefined) throw this.#fail(place(text.indexOf("<<")), "unterminated heredoc");
      return { ...word, content };
    });
  }

  /** The lines up to the one that ends a heredoc, or undefined where none does. */
  #body({ name, chomp }: HeredocWord): string | undefined {
    let content = "";
    for (let line = this.#next(); line !== undefined; line = this.#next()) {
      if ((chomp ? line.replace(/^\t+/, "") : line) === name) return content;
      content += line + this.#source.lines[this.#line - 1]!.end;
    }
    return undefined;
  }
}

function placing(pieces: readonly Piece[]): (offset: number) => Position {
  return (offset) => {
    const piece = pieces.findLast(({ at }) => at <= offset) ?? pieces[0]!;
    return { line: piece.place.line, column: piece.place.column + offset - piece.at };
  };
}

/** @throws DockerfileError for a directive that is wrong, and for a heredoc that has no end */
export function readLines(source: Source): LogicalLines {
  return new LineReader(source).read();
}
