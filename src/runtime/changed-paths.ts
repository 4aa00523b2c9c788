/**
 * Changes as `docker diff` prints them: a letter and a path, and every directory on the way to a change
 * once as changed; never the root.
 */
import { parentPath } from "../posix/path.ts";
import type { Change } from "../tree/change.ts";

export interface ChangedPath {
  /** Added, changed or deleted. */
  readonly kind: "A" | "C" | "D";
  readonly path: string;
}

const LETTERS = { added: "A", modified: "C", deleted: "D" } as const;

/** @param changes in path order, as a mount gives them */
export function* changedPaths(changes: Iterable<Change>): Iterable<ChangedPath> {
  const told = new Set(["/"]);
  for (const { kind, path } of changes) {
    const above: string[] = [];
    for (let at = parentPath(path); !told.has(at); at = parentPath(at)) above.push(at);
    for (const directory of above.reverse()) {
      told.add(directory);
      yield { kind: "C", path: directory };
    }
    if (told.has(path)) continue;
    told.add(path);
    yield { kind: LETTERS[kind], path };
  }
}
