/**
 * Paths as Go's `path` package has them: without looking at any filesystem.
 */

/** The shortest path of the same meaning: Go's `path.Clean`. */
export function cleanPath(path: string): string {
  const rooted = path.startsWith("/");
  const parts: string[] = [];
  for (const part of path.split("/")) {
    if (part === "" || part === ".") continue;
    if (part !== "..") parts.push(part);
    else if (parts.length > 0 && parts.at(-1) !== "..") parts.pop();
    else if (!rooted) parts.push(part);
  }
  const text = parts.join("/");
  return rooted ? `/${text}` : text || ".";
}

/** The parts that are not empty, joined and cleaned: Go's `path.Join`. */
export function joinPaths(...parts: readonly string[]): string {
  const text = parts.filter((part) => part !== "").join("/");
  return text === "" ? "" : cleanPath(text);
}

/** An absolute path below `/`: `..` above it is dropped. */
export function absolutePath(path: string): string {
  return cleanPath(`/${path}`);
}
