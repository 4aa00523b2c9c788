/**
 * `.dockerignore` (5.4): a pattern a line. A `#` in the first column makes a comment; blanks around do not
 * count, nor does a slash at the beginning, since every pattern is relative to the context.
 */
import { nameFromBytes } from "../../posix/names.ts";
import { trim } from "../dockerfile/text.ts";
import { PatternSyntaxError } from "./match.ts";
import { cleanPath } from "./path.ts";
import { IllegalExclusionError, Patterns } from "./patterns.ts";

/** The files that may hold the patterns, best first. Both are relative: to the Dockerfile, to the context. */
export function ignoreFileNames(dockerfile: string): readonly [beside: string, atRoot: string] {
  return [`${dockerfile}.dockerignore`, ".dockerignore"];
}

/** A file with patterns that cannot be used. */
export class IgnoreFileError extends Error {
  constructor(file: string, line: number, reason: string) {
    super(`${file}:${line}: ${reason}`);
    this.name = "IgnoreFileError";
  }
}

function patternOf(line: string): string | undefined {
  if (line.startsWith("#")) return undefined;
  const text = trim(line);
  if (text === "") return undefined;
  const negated = text.startsWith("!");
  const written = negated ? trim(text.slice(1)) : text;
  const clean = written === "" ? "" : cleanPath(written);
  const relative = clean.length > 1 && clean.startsWith("/") ? clean.slice(1) : clean;
  return negated ? `!${relative}` : relative;
}

/**
 * Reads a file of patterns.
 * @param file names it in errors
 * @throws IgnoreFileError for a pattern that is none
 */
export function parseDockerignore(content: string | Uint8Array, file = ".dockerignore"): Patterns {
  const text = typeof content === "string" ? content : nameFromBytes(content);
  const list: string[] = [];
  for (const [index, line] of text
    .replace(/^\ufeff/, "")
    .split("\n")
    .entries()) {
    const pattern = patternOf(line);
    if (pattern === undefined) continue;
    try {
      Patterns.parse([pattern]);
    } catch (error) {
      if (!(error instanceof PatternSyntaxError || error instanceof IllegalExclusionError)) throw error;
      throw new IgnoreFileError(file, index + 1, error.message);
    }
    list.push(pattern);
  }
  return Patterns.parse(list);
}
