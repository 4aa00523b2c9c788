/**
 * Wildcards over a mount, by fast-glob through its `fs` option.
 */
import fastGlob from "fast-glob";
import { type Kind, kindOf } from "../posix/mode.ts";
import { comparePaths } from "../posix/names.ts";
import type { Mount } from "../union/mount.ts";

/** As much of `fs.Stats` and `fs.Dirent` as fast-glob asks for. */
class Found {
  readonly name: string;
  readonly #kind: Kind | undefined;

  constructor(name: string, kind: Kind | undefined) {
    this.name = name;
    this.#kind = kind;
  }

  isFile(): boolean {
    return this.#kind === "file";
  }

  isDirectory(): boolean {
    return this.#kind === "directory";
  }

  isSymbolicLink(): boolean {
    return this.#kind === "symlink";
  }

  isBlockDevice(): boolean {
    return this.#kind === "block";
  }

  isCharacterDevice(): boolean {
    return this.#kind === "char";
  }

  isFIFO(): boolean {
    return this.#kind === "fifo";
  }

  isSocket(): boolean {
    return this.#kind === "socket";
  }
}

function adapter(mount: Mount): fastGlob.FileSystemAdapter {
  const calls = {
    lstatSync: (path: string) => new Found("", kindOf(mount.lstat(path).mode)),
    statSync: (path: string) => new Found("", kindOf(mount.stat(path).mode)),
    readdirSync: (path: string) => mount.readdir(path).map(({ name, kind }) => new Found(name, kind)),
  };
  return calls as unknown as fastGlob.FileSystemAdapter;
}

/**
 * The paths in a mount that a pattern matches, in path order, written as the pattern is: absolute where
 * it is. Symbolic links are matched and not followed.
 * @returns undefined for a text without wildcards
 */
export function globPaths(mount: Mount, pattern: string): readonly string[] | undefined {
  if (!fastGlob.isDynamicPattern(pattern)) return undefined;
  const rooted = pattern.startsWith("/");
  const found = fastGlob.sync(pattern.replace(/^\/+/, ""), {
    cwd: "/",
    dot: true,
    onlyFiles: false,
    followSymbolicLinks: false,
    fs: adapter(mount),
  });
  return found.sort(comparePaths).map((path) => (rooted ? `/${path}` : path));
}
