/**
 * Files to copy from: a build's context, a stage, an image. One face for all of them.
 *
 * A view does not change while it is used. Paths are absolute and clean; none is followed through a link by
 * the view itself: {@link resolvePath} does that, and never leaves the view.
 */
import { compareNames } from "../../posix/names.ts";
import { joinPath, parentPath, SYMLINK_MAX, splitPath } from "../../posix/path.ts";
import type { Nanoseconds } from "../../posix/time.ts";
import type { Inode } from "../../tree/inode.ts";
import { compileMatch, hasWildcards } from "../files/match.ts";
import type { DirectoryMatch, Patterns } from "../files/patterns.ts";

/** Inode, size and times of a file of the machine. */
export interface FileStamp {
  readonly text: string;
  /** The change time of its inode. */
  readonly changed: Nanoseconds;
}

export interface ViewEntry {
  readonly inode: Inode;
  /** The same for all names of one inode; absent where it has but one. */
  readonly identity?: string;
  /** A directory of an archive that has no entry of its own. */
  readonly implied?: boolean;
  /** For a file of the machine: what does not stay the same when it changes. */
  readonly stamp?: FileStamp;
}

export interface FileView {
  /** The path of the directory of the machine that it shows, where it shows one, as it was opened. */
  readonly root?: string;
  /** What a path is, or undefined where nothing is; links in it are not followed. */
  entry(path: string): ViewEntry | undefined;
  /** The names in a directory, in byte order; none for anything else. */
  list(path: string): readonly string[];
}

/** A path leads through too many links. */
export class LinkLoopError extends Error {
  constructor(path: string) {
    super(`too many levels of symbolic links: ${path}`);
    this.name = "LinkLoopError";
  }
}

/**
 * The path without links that a path leads to; undefined where nothing is. `..` of the root is the root.
 * @param followLast whether a link at the end is followed
 * @throws LinkLoopError
 */
export function resolvePath(view: FileView, path: string, followLast: boolean): string | undefined {
  const pending = splitPath(path).reverse();
  let at = "/";
  let links = 0;
  for (let part = pending.pop(); part !== undefined; part = pending.pop()) {
    if (part === "..") {
      at = parentPath(at);
      continue;
    }
    const next = joinPath(at, part);
    const inode = view.entry(next)?.inode;
    if (inode === undefined) return undefined;
    if (inode.kind === "symlink" && (followLast || pending.length > 0)) {
      links += 1;
      if (links > SYMLINK_MAX) throw new LinkLoopError(path);
      if (inode.target.startsWith("/")) at = "/";
      pending.push(...splitPath(inode.target).reverse());
    } else if (pending.length > 0 && inode.kind !== "directory") return undefined;
    else at = next;
  }
  return at;
}

/**
 * The paths that a source of COPY means (5.3): those that match where it has wildcards, component by
 * component, else itself if it is there. Links within a path are followed, those at its end are not yet.
 * @param source absolute and clean (`sourcePath`)
 * @throws PatternSyntaxError, LinkLoopError
 */
export function matchSources(view: FileView, source: string): readonly string[] {
  let found: readonly string[] = ["/"];
  for (const part of splitPath(source)) {
    const matches = hasWildcards(part) ? compileMatch(part) : undefined;
    const name = part.replace(/\\(.)/gs, "$1");
    found = found.flatMap((directory) => {
      const inside = resolvePath(view, directory, true);
      if (inside === undefined) return [];
      const names = matches === undefined ? [name] : view.list(inside).filter(matches);
      return names
        .map((child) => joinPath(directory, child))
        .filter((path) => view.entry(joinPath(inside, path.slice(path.lastIndexOf("/") + 1))) !== undefined);
    });
  }
  return found;
}

/**
 * A view without what patterns ignore. What lies behind is never asked about an ignored path; about an
 * ignored directory only where something below it may be taken back.
 */
export function ignoring(view: FileView, patterns: Patterns): FileView {
  if (patterns.isEmpty) return view;
  const relative = (path: string) => path.slice(1);
  /** A directory that is ignored is there all the same where something in it is not. */
  const hasVisible = (path: string): boolean =>
    patterns.mayTakeBackBelow(relative(path)) &&
    view.entry(path)?.inode.kind === "directory" &&
    view.list(path).some((name) => isVisible(joinPath(path, name)));
  const known = new Map<string, boolean>();
  const matches = new Map<string, DirectoryMatch>();
  const matchOf = (path: string): DirectoryMatch | undefined => {
    if (path === "/") return undefined;
    const before = matches.get(path);
    if (before !== undefined) return before;
    const match = patterns.within(relative(path), matchOf(parentPath(path)));
    matches.set(path, match);
    return match;
  };
  const isVisible = (path: string): boolean => {
    if (path === "/") return true;
    const before = known.get(path);
    if (before !== undefined) return before;
    const visible = matchOf(path)?.matched !== true || hasVisible(path);
    known.set(path, visible);
    return visible;
  };
  return {
    ...(view.root === undefined ? {} : { root: view.root }),
    entry: (path) => (isVisible(path) ? view.entry(path) : undefined),
    list: (path) =>
      isVisible(path) ? view.list(path).filter((name) => isVisible(joinPath(path, name))) : [],
  };
}

/** Names in byte order. */
export function inByteOrder(names: Iterable<string>): readonly string[] {
  return [...names].sort(compareNames);
}
