/**
 * The part of `node:path/posix` that the `node:fs` face uses, for a browser: paths as text, without a
 * filesystem and with no working directory but `/`.
 */

/** Without `.`, `..` and doubled slashes, as far as the text alone tells. */
export function normalizePath(path: string): string {
  if (path === "") return ".";
  const absolute = path.startsWith("/");
  const parts: string[] = [];
  for (const part of path.split("/")) {
    if (part === "" || part === ".") continue;
    if (part !== "..") parts.push(part);
    else if (parts.length > 0 && parts.at(-1) !== "..") parts.pop();
    else if (!absolute) parts.push(part);
  }
  const text = parts.join("/");
  const slash = text !== "" && path.endsWith("/") ? "/" : "";
  if (absolute) return `/${text}${slash}`;
  return text === "" ? (path.endsWith("/") ? "./" : ".") : text + slash;
}

function join(...parts: readonly string[]): string {
  return normalizePath(parts.filter((part) => part !== "").join("/"));
}

function resolve(...parts: readonly string[]): string {
  const start = parts.findLastIndex((part) => part.startsWith("/"));
  const path = normalizePath(`/${parts.slice(Math.max(start, 0)).join("/")}`);
  return path === "/" ? path : path.replace(/\/$/, "");
}

function dirname(path: string): string {
  const end = path.replace(/\/+$/, "").lastIndexOf("/");
  if (end < 0) return path.startsWith("/") ? "/" : ".";
  return path.slice(0, end).replace(/\/+$/, "") || "/";
}

function basename(path: string): string {
  const end = path.replace(/\/+$/, "");
  return end.slice(end.lastIndexOf("/") + 1);
}

export const posix = { join, resolve, dirname, basename, normalize: normalizePath };
