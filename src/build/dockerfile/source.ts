/**
 * The text of a Dockerfile, places in it, and errors that show them.
 *
 * A Dockerfile is bytes; it is held as a string in the form of `posix/names`, so that bytes that are no
 * UTF-8 come through to names of files. Lines are numbered from 1, and so are columns, in UTF-16 units of
 * the line as it stands in the file (a byte-order mark before the first line is no part of it).
 */
import { nameFromBytes } from "../../posix/names.ts";

export interface Position {
  /** From 1. */
  readonly line: number;
  /** From 1, in UTF-16 units; at most one past the line's end. */
  readonly column: number;
}

/** From the first unit of something to the one after its last. */
export interface Range {
  readonly start: Position;
  readonly end: Position;
}

/** A physical line. */
export interface SourceLine {
  /** Without its end. */
  readonly text: string;
  /** How it ends: a newline with the carriage returns before it; nothing for a last line without one. */
  readonly end: string;
}

export interface Source {
  /** What errors call the file. */
  readonly file: string;
  readonly lines: readonly SourceLine[];
}

const BYTE_ORDER_MARK = "\ufeff";

/** Splits a text into lines; a byte-order mark at its start is dropped (5.1). */
export function makeSource(content: string | Uint8Array, file: string): Source {
  const text = typeof content === "string" ? content : nameFromBytes(content);
  const body = text.startsWith(BYTE_ORDER_MARK) ? text.slice(1) : text;
  const lines: SourceLine[] = [];
  for (let start = 0; start < body.length; ) {
    const newline = body.indexOf("\n", start);
    const next = newline < 0 ? body.length : newline + 1;
    let end = newline < 0 ? next : newline;
    while (end > start && body[end - 1] === "\r") end -= 1;
    lines.push({ text: body.slice(start, end), end: body.slice(end, next) });
    start = next;
  }
  return { file, lines };
}

/** The range of whole lines, from the first column of one to the end of another. */
export function lineRange(source: Source, first: number, last: number): Range {
  const end = source.lines[last - 1]?.text.length ?? 0;
  return { start: { line: first, column: 1 }, end: { line: last, column: end + 1 } };
}

/**
 * A Dockerfile that means nothing, or what it asks for cannot be. `message` is one sentence that begins
 * with file, line and column; `excerpt` shows the line with a caret under the column.
 */
export class DockerfileError extends Error {
  readonly file: string;
  /** Within the file. */
  readonly position: Position;
  /** The sentence without the place. */
  readonly reason: string;
  /** Two lines: the one in question, and a caret under the column. Empty for a file without lines. */
  readonly excerpt: string;

  constructor(source: Source, position: Position, reason: string, options: { cause?: unknown } = {}) {
    super(`${source.file}:${position.line}:${position.column}: ${reason}`, options);
    this.name = "DockerfileError";
    this.file = source.file;
    this.position = position;
    this.reason = reason;
    this.excerpt = excerptOf(source, position);
  }
}

/** A line with its number, and below it a caret under a column. */
export function excerptOf(source: Source, { line, column }: Position): string {
  const text = source.lines[line - 1]?.text;
  if (text === undefined) return "";
  const number = String(line);
  // A tab before the caret is as wide as the one above it.
  const padding = text.slice(0, column - 1).replace(/[^\t]/g, " ");
  return `${number} | ${text}\n${" ".repeat(number.length)} | ${padding}^`;
}
