/** Paths by name alone, without asking the filesystem. */
import { splitPath } from "../../posix/path.ts";

/** A clean absolute path; `..` goes back by name. */
export function absolute(cwd: string, path: string): string {
  const parts: string[] = [];
  for (const part of splitPath(path.startsWith("/") ? path : `${cwd}/${path}`)) {
    if (part === "..") parts.pop();
    else parts.push(part);
  }
  return `/${parts.join("/")}`;
}

/** The way from one clean absolute directory to a path. */
export function relativeTo(directory: string, path: string): string {
  const from = splitPath(directory);
  const to = splitPath(path);
  let shared = 0;
  while (shared < from.length && shared < to.length && from[shared] === to[shared]) shared += 1;
  return [...from.slice(shared).map(() => ".."), ...to.slice(shared)].join("/") || ".";
}
