/**
 * Why a build stops: one sentence, with the instruction it happened at.
 */
import { excerptOf, type Position, type Source } from "./dockerfile/source.ts";

export type BuildErrorCode =
  /** A command ended with a status other than 0. */
  | "run-failed"
  /** Files that an instruction names are not there, or cannot be read. */
  | "source"
  /** What an instruction asks for cannot be. */
  | "invalid"
  /** An image that a stage needs cannot be had. */
  | "no-such-image"
  /** The build was told to stop. */
  | "aborted";

export interface BuildErrorDetails {
  readonly cause?: unknown;
  /** For `run-failed`: the exit status, 1 to 255. */
  readonly exitCode?: number;
  /** For `run-failed`: the end of what the command wrote. */
  readonly output?: string;
}

export class BuildError extends Error {
  /** Stable, for programs. */
  readonly code: BuildErrorCode;
  readonly exitCode: number | undefined;
  readonly output: string | undefined;
  /** The message without its place. */
  readonly reason: string;
  /** The lines of the instruction at fault, if one is. */
  readonly lines: readonly [first: number, last: number] | undefined;
  /** `Dockerfile:7:1`, where an instruction is at fault. */
  readonly place: string | undefined;
  /** The line of the instruction with a caret; empty where none is at fault. */
  readonly excerpt: string;

  constructor(code: BuildErrorCode, message: string, details: BuildErrorDetails = {}, at?: Located) {
    super(at === undefined ? message : `${placeOf(at)}: ${message}`, { cause: details.cause });
    this.name = "BuildError";
    this.code = code;
    this.exitCode = details.exitCode;
    this.output = details.output;
    this.reason = message;
    this.lines = at === undefined ? undefined : [at.position.line, (at.end ?? at.position).line];
    this.place = at === undefined ? undefined : placeOf(at);
    this.excerpt = at === undefined ? "" : excerptOf(at.source, at.position);
  }
}

/** A place in a Dockerfile. */
export interface Located {
  readonly source: Source;
  readonly position: Position;
  /** Where the instruction ends; where it begins unless given. */
  readonly end?: Position;
}

function placeOf({ source, position }: Located): string {
  return `${source.file}:${position.line}:${position.column}`;
}
