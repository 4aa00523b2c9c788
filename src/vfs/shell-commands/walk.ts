/**
 * Walking a tree by name, each directory before what is in it, names in byte order.
 */
import { kindOf } from "../../posix/mode.ts";
import { compareNames } from "../../posix/names.ts";
import { joinPath } from "../../posix/path.ts";
import type { Mount } from "../../union/mount.ts";
import type { Stat } from "../../union/types.ts";

export function isDirectory(stat: Stat): boolean {
  return kindOf(stat.mode) === "directory";
}

export function isSymlink(stat: Stat): boolean {
  return kindOf(stat.mode) === "symlink";
}

export function namesIn(mount: Mount, path: string): string[] {
  return mount
    .readdir(path)
    .map((entry) => entry.name)
    .sort(compareNames);
}

/** A path below another, as the coreutils print it: a slash at the end is not doubled. */
export function below(path: string, name: string): string {
  return path.endsWith("/") ? path + name : joinPath(path, name);
}

/** Calls `visit` on a path and all beneath it, symlinks not followed. */
export function walkTree(mount: Mount, path: string, visit: (path: string, stat: Stat) => void): void {
  const stat = mount.lstat(path);
  visit(path, stat);
  if (!isDirectory(stat)) return;
  for (const name of namesIn(mount, path)) walkTree(mount, below(path, name), visit);
}

/** What a path leads to; undefined where that is nothing. */
export function maybeStat(mount: Mount, path: string): Stat | undefined {
  return mount.exists(path) ? mount.stat(path) : undefined;
}

/** What a name is; undefined where there is none. */
export function maybeLstat(mount: Mount, path: string): Stat | undefined {
  try {
    return mount.lstat(path);
  } catch {
    return undefined;
  }
}

/** The last component of a path, slashes at its end left out. */
export function lastName(path: string): string {
  const clean = path.replace(/\/+$/, "");
  return clean === "" ? "/" : clean.slice(clean.lastIndexOf("/") + 1);
}
