/**
 * `fs.realpath` in its two kinds: Node's own walk, whose errors name the component where it ended
 * (`lstat` of a name, `stat` of a link), and `realpath.native`, which is realpath(3).
 */
import { errno } from "../../posix/errno.ts";
import { joinPath, parentPath, SYMLINK_MAX, splitPath } from "../../posix/path.ts";
import { placeOf } from "../../union/attribute-calls.ts";
import type { Mount } from "../../union/mount.ts";
import { statOf } from "./attribute-functions.ts";
import { systemError } from "./errors.ts";

/** A path from the caller's root, with `.` and `..` resolved by name alone. */
export function absolutePath(mount: Mount, path: string): string {
  const full = path.startsWith("/") ? path : `${mount.caller.cwd}/${path}`;
  const parts: string[] = [];
  for (const part of splitPath(full)) {
    if (part === "..") parts.pop();
    else parts.push(part);
  }
  return `/${parts.join("/")}`;
}

/** The target of a path that is a symlink; undefined for anything else that exists. */
function linkTarget(mount: Mount, path: string): string | undefined {
  const place = placeOf(mount.context, path, "nofollow", true);
  if (typeof place === "number") throw systemError(place, "lstat", path);
  const { filesystem } = place.attachment;
  return filesystem.kind(place.id) === "symlink" ? filesystem.readlink(place.id) : undefined;
}

/** Resolves every symlink. */
export function realpath(mount: Mount, path: string): string {
  let rest = splitPath(absolutePath(mount, path));
  let resolved = "/";
  while (rest.length > 0) {
    const base = joinPath(resolved, rest[0]!);
    const target = linkTarget(mount, base);
    rest = rest.slice(1);
    if (target === undefined) {
      resolved = base;
      continue;
    }
    // A link that leads nowhere, or around, ends the walk before its target is looked at.
    const followed = statOf(mount, base, "follow");
    if (typeof followed === "number") throw systemError(followed, "stat", base);
    const start = target.startsWith("/") ? target : `${resolved}/${target}`;
    rest = [...splitPath(absolutePath(mount, start)), ...rest];
    resolved = "/";
  }
  return resolved;
}

/**
 * realpath(3), component by component: no path is too long that its components are not, `..` is the
 * directory above where the walk stands, and the error names the whole path.
 */
export function nativeRealpath(mount: Mount, path: string): string {
  const fail = (error: number): never => {
    throw systemError(error, "realpath", path);
  };
  if (path === "") fail(-errno.ENOENT);
  let resolved = "/";
  let links = 0;
  let rest = splitPath(path.startsWith("/") ? path : `${mount.caller.cwd}/${path}`);
  const slash = /\/\.?$/.test(path);
  while (rest.length > 0) {
    const [name, ...after] = rest;
    rest = after;
    if (name === "..") {
      resolved = parentPath(resolved);
      continue;
    }
    const base = joinPath(resolved, name!);
    const place = placeOf(mount.context, base, "nofollow", true);
    if (typeof place === "number") return fail(place);
    const { filesystem } = place.attachment;
    const kind = filesystem.kind(place.id);
    if (kind === "symlink") {
      links += 1;
      if (links > SYMLINK_MAX) fail(-errno.ELOOP);
      const target = filesystem.readlink(place.id);
      if (target.startsWith("/")) resolved = "/";
      rest = [...splitPath(target), ...rest];
      continue;
    }
    if (kind !== "directory" && (rest.length > 0 || slash)) fail(-errno.ENOTDIR);
    resolved = base;
  }
  return resolved;
}
