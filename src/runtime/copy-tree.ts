/**
 * Copying what is at a path of one mount to a path of another, as an archive that is unpacked there would
 * do it: a directory goes into one that is there, anything else replaces what is there, and names of one
 * inode stay names of one inode.
 */
import { S_IFDIR, S_IFMT, S_IFSOCK } from "../posix/mode.ts";
import { joinPath } from "../posix/path.ts";
import { StoreError } from "../store/errors.ts";
import { type Inode, NO_XATTRS } from "../tree/inode.ts";
import type { Mount } from "../union/mount.ts";
import { setAttributes } from "../union/whole-inode.ts";

/** What is somewhere: a mount, and an absolute path in it. */
export interface Located {
  readonly mount: Mount;
  readonly path: string;
}

export interface CopyTreeOptions {
  /** Whom everything belongs to, in place of those it has. */
  readonly owner?: { readonly uid: number; readonly gid: number };
  /** Leave extended attributes out, as where the target cannot have any. */
  readonly withoutXattrs?: boolean;
  /** The source is a directory, of which only what it holds is copied. */
  readonly contentsOnly?: boolean;
}

function isDirectory({ mount, path }: Located): boolean {
  return (mount.lstat(path).mode & S_IFMT) === S_IFDIR;
}

/** Whether something has the name, a link that leads nowhere too. */
export function hasName({ mount, path }: Located): boolean {
  try {
    mount.lstat(path);
    return true;
  } catch {
    return false;
  }
}

/**
 * Makes room for an inode: what is there goes, but a directory stays for a directory.
 * @returns whether a directory is there already
 * @throws StoreError (`invalid`) where a directory is to become something else, or the other way round
 */
export function makeRoom(target: Located, inode: Inode): boolean {
  if (!hasName(target)) return false;
  const there = isDirectory(target);
  const wanted = inode.kind === "directory";
  const name = JSON.stringify(target.path);
  if (there && !wanted)
    throw new StoreError("invalid", `cannot overwrite directory ${name} with non-directory`);
  if (!there && wanted)
    throw new StoreError("invalid", `cannot overwrite non-directory ${name} with directory`);
  if (!there) target.mount.unlink(target.path);
  return there;
}

class TreeCopy {
  readonly #from: Mount;
  readonly #to: Mount;
  readonly #options: CopyTreeOptions;
  readonly #first = new Map<string, string>();

  constructor(from: Mount, to: Mount, options: CopyTreeOptions) {
    this.#from = from;
    this.#to = to;
    this.#options = options;
  }

  #inode(path: string): Inode {
    const { owner, withoutXattrs } = this.#options;
    return {
      ...this.#from.inode(path),
      ...(owner === undefined ? {} : owner),
      ...(withoutXattrs ? { xattrs: NO_XATTRS } : {}),
    };
  }

  copy(from: string, to: string): void {
    const { mode, dev, ino, nlink } = this.#from.lstat(from);
    const type = mode & S_IFMT;
    if (type === S_IFSOCK) return;
    const inode = this.#inode(from);
    const there = makeRoom({ mount: this.#to, path: to }, inode);
    const identity = nlink > 1 && type !== S_IFDIR ? `${dev}:${ino}` : undefined;
    const first = identity === undefined ? undefined : this.#first.get(identity);
    if (first !== undefined) {
      this.#to.link(first, to);
      return;
    }
    if (identity !== undefined) this.#first.set(identity, to);
    if (!there) this.#to.put(to, inode);
    if (inode.kind !== "directory") return;
    this.contents(from, to);
    // Last, because what was made in it moved its time, and its mode may keep others out.
    setAttributes(this.#to, to, inode);
  }

  contents(from: string, to: string): void {
    for (const { name } of this.#from.readdir(from)) this.copy(joinPath(from, name), joinPath(to, name));
  }
}

/**
 * @throws PosixError where something cannot be read or made, StoreError (`invalid`) where a directory and
 *   something else meet; what was copied until then stays
 */
export function copyTree(from: Located, to: Located, options: CopyTreeOptions = {}): void {
  const copy = new TreeCopy(from.mount, to.mount, options);
  if (options.contentsOnly) copy.contents(from.path, to.path);
  else copy.copy(from.path, to.path);
}
