/**
 * What the paths of `docker cp` mean, on either side (moby, pkg/archive/copy.go).
 *
 * A path that ends with `/` or `/.` is asserted to be a directory; `/.` as a source means what it holds.
 */
import { S_IFDIR, S_IFLNK, S_IFMT } from "../posix/mode.ts";
import { baseName, joinPath, SYMLINK_MAX, splitPath } from "../posix/path.ts";
import { StoreError } from "../store/errors.ts";
import { hasName, type Located } from "./copy-tree.ts";

/** What is to be copied. */
export interface CopySource extends Located {
  readonly isDirectory: boolean;
  /** What it is called where it comes to; empty for a root. */
  readonly name: string;
  /** Only what the directory holds is meant. */
  readonly contentsOnly: boolean;
}

/** Where it is to come. */
export interface CopyTarget extends Located {
  /** What is there; undefined where nothing is. */
  readonly is: "directory" | "other" | undefined;
  /** The path as it was given asserts that it is a directory. */
  readonly asserted: boolean;
}

/** Whether a path as it was given can only be a directory's: `a/`, `a/.`, `.`, `/`. */
export function assertsDirectory(path: string): boolean {
  return path === "." || path.endsWith("/") || path.endsWith("/.");
}

/** Whether only what a directory holds is meant: `a/.`, `.`, `/`. */
export function meansContents(path: string): boolean {
  return path === "." || path.endsWith("/.") || splitPath(path).length === 0;
}

/** The last name of a path as it was given; empty where it has none. */
export function lastName(path: string): string {
  const parts = splitPath(path);
  return parts.at(-1) ?? "";
}

/**
 * Where exactly a source comes to.
 * @throws StoreError (`invalid`) in Docker's words where it cannot come there
 */
export function resolveTarget(source: CopySource, target: CopyTarget): string {
  const { isDirectory, contentsOnly, name } = source;
  if (target.is === "directory") {
    return contentsOnly || name === "" ? target.path : joinPath(target.path, name);
  }
  if (target.is === "other") {
    if (isDirectory) throw new StoreError("invalid", "cannot copy directory");
    if (target.asserted) throw new StoreError("invalid", "not a directory");
    return target.path;
  }
  if (!isDirectory && target.asserted) throw new StoreError("invalid", "no such directory");
  return target.path;
}

/** A path in a mount with every link on the way followed; the last one too where `follow`. */
export function realPath(mount: Located["mount"], path: string, follow: boolean): string {
  let real = "/";
  let links = 0;
  const left = splitPath(path);
  while (left.length > 0) {
    const part = left.shift()!;
    if (part === "..") {
      real = real.slice(0, real.lastIndexOf("/")) || "/";
      continue;
    }
    const next = joinPath(real, part);
    const last = left.length === 0;
    const isLink = hasName({ mount, path: next }) && (mount.lstat(next).mode & S_IFMT) === S_IFLNK;
    if (!isLink || (last && !follow)) {
      real = next;
      continue;
    }
    links += 1;
    if (links > SYMLINK_MAX) throw new StoreError("invalid", `too many links in ${path}`);
    const to = mount.readlink(next);
    if (to.startsWith("/")) real = "/";
    left.unshift(...splitPath(to));
  }
  return real;
}

/** A path that is to be copied from a mount. @throws PosixError where nothing is there */
export function sourceIn(mount: Located["mount"], given: string, follow: boolean): CopySource {
  const path = realPath(mount, given, follow || assertsDirectory(given));
  const isDirectory = (mount.lstat(path).mode & S_IFMT) === S_IFDIR;
  if (!isDirectory && assertsDirectory(given)) throw new StoreError("invalid", "not a directory");
  const name = lastName(given) === ".." ? baseName(path) : lastName(given);
  return { mount, path, isDirectory, name, contentsOnly: isDirectory && meansContents(given) };
}

/** A path of a mount that something is to be copied to. */
export function targetIn(mount: Located["mount"], given: string): CopyTarget {
  const path = realPath(mount, given, true);
  const asserted = assertsDirectory(given);
  if (!hasName({ mount, path })) return { mount, path, is: undefined, asserted };
  const isDirectory = (mount.lstat(path).mode & S_IFMT) === S_IFDIR;
  return { mount, path, is: isDirectory ? "directory" : "other", asserted };
}
