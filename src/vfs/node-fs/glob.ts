/**
 * `fs.glob` (Node 22): the paths of a tree that match a pattern, relative to `cwd`. `**` goes through
 * directories and not through links to them, and neither it nor `*` matches a name that begins with a
 * dot. What a directory holds is looked at once for each component that asks.
 */
import { posix } from "../../platform/node-builtins.ts";
import type { Kind } from "../../posix/mode.ts";
import { compareNames } from "../../posix/names.ts";
import { joinPath } from "../../posix/path.ts";
import { placeOf } from "../../union/attribute-calls.ts";
import type { Mount } from "../../union/mount.ts";
import * as take from "./arguments.ts";
import { type Dirent, direntOf } from "./dirent.ts";
import { invalidType } from "./errors.ts";
import { compilePattern, GLOBSTAR, type Part } from "./glob-pattern.ts";
import { absolutePath } from "./realpath.ts";
import { scan } from "./remove.ts";

interface Match {
  readonly path: string;
  readonly kind: Kind;
}

class Walk {
  readonly #mount: Mount;
  readonly #cwd: string;
  readonly #prune: (match: Match) => boolean;
  readonly #seen = new Set<string>();

  constructor(mount: Mount, cwd: string, prune: (match: Match) => boolean) {
    this.#mount = mount;
    this.#cwd = cwd;
    this.#prune = prune;
  }

  #full(path: string): string {
    return path.startsWith("/") ? path : absolutePath(this.#mount, joinPath(this.#cwd, path));
  }

  #kind(path: string, last: "follow" | "nofollow"): Kind | undefined {
    const place = placeOf(this.#mount.context, this.#full(path), last, true);
    return typeof place === "number" ? undefined : place.attachment.filesystem.kind(place.id);
  }

  *#entries(path: string): Generator<Match & { readonly name: string }> {
    const entries = scan(this.#mount, this.#full(path));
    if (typeof entries === "number") return;
    entries.sort((a, b) => compareNames(a.name, b.name));
    for (const { name, kind } of entries) {
      yield { name, kind, path: path === "." ? name : posix.join(path, name) };
    }
  }

  *#found(path: string, kind: Kind): Generator<Match> {
    if (this.#seen.has(path)) return;
    this.#seen.add(path);
    yield { path, kind };
  }

  /** What matches the components from `at` on, below `path`. */
  *match(parts: readonly Part[], at = 0, path = "."): Generator<Match> {
    const part = parts[at];
    const isLast = at === parts.length - 1;
    if (at === 0 && part === "" && parts.length > 1) {
      yield* this.match(parts, 1, "/");
      return;
    }
    if (part === undefined) return;
    if (part === GLOBSTAR) {
      yield* this.#matchAnyDepth(parts, at, path);
      return;
    }
    if (typeof part === "string") {
      const next = part === "" || part === "." ? path : path === "." ? part : posix.join(path, part);
      const kind = this.#kind(next, part === "" ? "follow" : "nofollow");
      if (kind === undefined || (part === "" && kind !== "directory")) return;
      if (isLast) yield* this.#found(next, kind);
      else if (!this.#prune({ path: next, kind })) yield* this.match(parts, at + 1, next);
      return;
    }
    for (const entry of this.#entries(path)) {
      if (!part.test(entry.name)) continue;
      if (isLast) {
        if (!this.#prune(entry)) yield* this.#found(entry.path, entry.kind);
      } else if (this.#isDirectory(entry) && !this.#prune(entry)) {
        yield* this.match(parts, at + 1, entry.path);
      }
    }
  }

  #isDirectory({ path, kind }: Match): boolean {
    return kind === "directory" || (kind === "symlink" && this.#kind(path, "follow") === "directory");
  }

  *#matchAnyDepth(parts: readonly Part[], at: number, path: string): Generator<Match> {
    const isLast = at === parts.length - 1;
    const kind = this.#kind(path, "follow");
    if (kind !== "directory") return;
    if (!isLast) yield* this.match(parts, at + 1, path);
    else if (path !== "." || at === 0 || parts[0] === ".") yield* this.#found(path, kind);
    for (const entry of this.#entries(path)) {
      if (entry.name.startsWith(".") || this.#prune(entry)) continue;
      if (entry.kind === "directory") yield* this.match(parts, at, entry.path);
      else if (isLast) yield* this.#found(entry.path, entry.kind);
    }
  }
}

function patternList(value: unknown): string[] {
  const list = Array.isArray(value) ? value : [value];
  for (const pattern of list) {
    if (typeof pattern !== "string") throw invalidType("patterns", "of type string or string[]", pattern);
  }
  return list as string[];
}

/** Whether an absolute path matches one of the patterns that exclude. */
function excluder(patterns: readonly string[], cwd: string): (path: string) => boolean {
  const compiled = patterns.flatMap((pattern) => compilePattern(posix.resolve(cwd, pattern)));
  const matches = (parts: readonly Part[], names: readonly string[]): boolean => {
    const [part, ...rest] = parts;
    if (part === undefined) return names.length === 0;
    if (part === GLOBSTAR) {
      return rest.length === 0
        ? names.every((name) => !name.startsWith("."))
        : names.some(
            (_, skip) =>
              names.slice(0, skip).every((name) => !name.startsWith(".")) && matches(rest, names.slice(skip)),
          );
    }
    const [name, ...left] = names;
    if (name === undefined) return false;
    return (typeof part === "string" ? part === name : part.test(name)) && matches(rest, left);
  };
  return (path) => compiled.some((parts) => matches(parts, path.split("/")));
}

/** Checks the arguments at once, and gives the matches as they are found. */
export function glob(mount: Mount, pattern: unknown, value: unknown): Generator<string | Dirent> {
  const options = take.objectOptions(value);
  const cwd = absolutePath(mount, options.cwd === undefined ? "." : take.path(options.cwd, "options.cwd"));
  const patterns = patternList(pattern);
  const { exclude } = options;
  const asDirent = ({ path, kind }: Match) => {
    const full = posix.resolve(cwd, path);
    return direntOf(take.encodeName(posix.basename(full), undefined), kind, posix.dirname(full));
  };
  const asName = (path: string) => take.encodeName(path, undefined) as string;
  const isExcluded = Array.isArray(exclude) ? excluder(patternList(exclude), cwd) : undefined;
  if (exclude !== undefined && isExcluded === undefined && typeof exclude !== "function") {
    throw invalidType("options.exclude", "of type function or string[]", exclude);
  }
  const prune = (match: Match): boolean => {
    if (isExcluded !== undefined) return isExcluded(posix.resolve(cwd, match.path));
    if (typeof exclude !== "function") return false;
    return Boolean(exclude(options.withFileTypes === true ? asDirent(match) : asName(match.path)));
  };
  const walk = new Walk(mount, cwd, prune);
  return (function* () {
    for (const text of patterns) {
      for (const parts of compilePattern(text)) {
        for (const match of walk.match(parts)) {
          if (isExcluded?.(posix.resolve(cwd, match.path))) continue;
          yield options.withFileTypes === true ? asDirent(match) : asName(match.path);
        }
      }
    }
  })();
}
