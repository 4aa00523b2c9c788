/**
 * Where COPY and ADD put what they copy (5.3). Pure: what is there already is told, not looked up.
 *
 * - A relative destination is below the working directory. One that ends with a slash, or with `.`, is a
 *   directory, whether it exists or not.
 * - More than one source, and a pattern that matches more than one file, needs such a directory.
 * - Of a directory the content is copied, not the directory itself. A file goes into a directory under its
 *   own name, else it becomes the destination.
 * - `--parents` keeps the path of a source below the destination, from a `/./` in it on.
 */
import { absolutePath, cleanPath, joinPaths } from "./path.ts";

export interface Destination {
  /** Clean and absolute. */
  readonly path: string;
  /** It was written as a directory. */
  readonly isDirectory: boolean;
}

/** What a source is, and what it is called where it came from. */
export interface CopiedSource {
  /** Its path where it came from; absolute and clean. */
  readonly path: string;
  /** After links at its end were followed. */
  readonly isDirectory: boolean;
  /** For `--parents`: how much of the path is left out, in characters (`pivot`). */
  readonly pivot?: number;
}

/** What the destination is already, links followed. */
export type Existing = "directory" | "other" | "none";

export interface Placement {
  /** Where the source goes; clean and absolute. */
  readonly target: string;
  /** The source is a directory, of which the content goes into the target. */
  readonly contents: boolean;
}

export class DestinationError extends Error {
  override readonly name = "DestinationError";
}

/** Reads a destination whose variables are expanded. */
export function parseDestination(text: string, workdir: string | undefined): Destination {
  const isDirectory = text === "" || text === "." || text.endsWith("/") || text.endsWith("/.");
  const path = text.startsWith("/") ? cleanPath(text) : absolutePath(joinPaths(workdir ?? "/", text));
  return { path, isDirectory: isDirectory || path === "/" };
}

/** A source relative to the context's root, out of which no `..` leads. */
export function sourcePath(text: string): string {
  return absolutePath(text);
}

/** For `--parents`: a source's path without its `/./`, and how much of it is left out at the destination. */
export function parentsPivot(text: string): { readonly path: string; readonly pivot: number } {
  const at = text.indexOf("/./");
  if (at < 0) return { path: sourcePath(text), pivot: 0 };
  const above = sourcePath(text.slice(0, at));
  return { path: sourcePath(text), pivot: above === "/" ? 0 : above.length };
}

/**
 * Where each source goes.
 * @param name of the instruction, for errors
 * @throws DestinationError
 */
export function placeSources(
  name: "COPY" | "ADD",
  sources: readonly CopiedSource[],
  destination: Destination,
  existing: Existing,
): readonly Placement[] {
  const { path } = destination;
  if (sources.length > 1 && !destination.isDirectory) {
    throw new DestinationError(
      `When using ${name} with more than one source file, the destination must be a directory and end with a /`,
    );
  }
  const needsDirectory = destination.isDirectory || sources.some(({ isDirectory }) => isDirectory);
  if (existing === "other" && needsDirectory && sources.length > 0) {
    throw new DestinationError(`cannot copy to non-directory: ${path}`);
  }
  const intoDirectory = destination.isDirectory || existing === "directory";
  return sources.map(({ path: source, isDirectory, pivot }) => {
    if (pivot !== undefined) return { target: joinPaths(path, source.slice(pivot)), contents: isDirectory };
    if (isDirectory) return { target: path, contents: true };
    const base = source.slice(source.lastIndexOf("/") + 1);
    return { target: intoDirectory ? joinPaths(path, base) : path, contents: false };
  });
}
