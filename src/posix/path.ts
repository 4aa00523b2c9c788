/**
 * Paths as Linux reads them (path_resolution(7)), without looking at any filesystem.
 */

/** The longest path in bytes, its final NUL included (limits.h). */
export const PATH_MAX = 4096;
/** The longest name of one component, in bytes. */
export const NAME_MAX = 255;
/** How many symbolic links one resolution follows before ELOOP. */
export const SYMLINK_MAX = 40;

/** The components of a path, with empty ones and `.` left out; `..` stays, since it needs the filesystem. */
export function splitPath(path: string): string[] {
  const parts: string[] = [];
  let start = 0;
  for (let i = 0; i <= path.length; i++) {
    if (i < path.length && path.charCodeAt(i) !== 0x2f) continue;
    if (i > start && !(i === start + 1 && path.charCodeAt(start) === 0x2e)) parts.push(path.slice(start, i));
    start = i + 1;
  }
  return parts;
}

/** Joins a directory's path and a name: `/` + `a` is `/a`, `/a` + `b` is `/a/b`. */
export function joinPath(directory: string, name: string): string {
  return directory === "/" ? `/${name}` : `${directory}/${name}`;
}

/** The path of the directory that holds `path`; `/` for the root itself. Takes a clean absolute path. */
export function parentPath(path: string): string {
  const slash = path.lastIndexOf("/");
  return slash <= 0 ? "/" : path.slice(0, slash);
}

/** The last component of a clean path; empty for the root. */
export function baseName(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}
