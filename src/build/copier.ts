/**
 * Copying trees from a view into a mount, as COPY does: BuildKit's file operation (tonistiigi/fsutil,
 * `copy`), whose results builds rely on.
 *
 * - Every attribute comes along: mode, owner, mtime to the nanosecond, xattrs; names of one inode within
 *   what one instruction copies stay one inode. Links inside are copied as links. Sockets are left out.
 * - A directory that is there already keeps what it holds and takes the attributes of the copied one,
 *   except the one that is copied *to*, which stays as it is.
 * - A file replaces what is there, unless that is a directory; a directory replaces nothing.
 * - Directories that are missing above the destination are made 0755, with the owner asked for.
 *
 * An archive is unpacked the same way, but as `tar` does it: whatever is in the way gives way, and a directory
 * that the archive has no entry for is left as it is.
 *
 * No bytes are moved: the mount shares the contents. All paths are absolute and clean, and no
 * directory in them is a link.
 */
import type { Kind } from "../posix/mode.ts";
import { joinPath, parentPath, splitPath } from "../posix/path.ts";
import type { Inode } from "../tree/inode.ts";
import type { Mount } from "../union/mount.ts";
import { setAttributes } from "../union/whole-inode.ts";
import type { Exclusion } from "./context/digest.ts";
import type { FileView, ViewEntry } from "./context/view.ts";
import { kindAt, resolveIn } from "./resolve-path.ts";

export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

export interface CopierOptions {
  /** Who owns everything that is made, in place of the source's owner; directories above too. */
  readonly owner?: Owner;
  /** The mode of everything that is copied but links, from the one in the source. */
  readonly mode?: (mode: number, kind: Kind) => number;
  readonly exclusion?: Exclusion;
  /** Whether what is in the way gives way, whatever it is, as where an archive is unpacked. */
  readonly replace?: boolean;
}

/** A copy that what is at the destination does not allow. */
export class CopyConflict extends Error {
  readonly path: string;

  constructor(path: string, what: string) {
    super(`cannot replace ${what} ${path}`);
    this.name = "CopyConflict";
    this.path = path;
  }
}

const MADE_MODE = 0o755;

export class Copier {
  readonly #from: FileView;
  readonly #to: Mount;
  readonly #options: CopierOptions;
  /** Where the first name of an inode with several went. */
  readonly #groups = new Map<string, string>();

  constructor(from: FileView, to: Mount, options: CopierOptions = {}) {
    this.#from = from;
    this.#to = to;
    this.#options = options;
  }

  /** Makes a directory and those above it that are missing. @throws CopyConflict where a file is in the way */
  makeDirectories(path: string): void {
    let at = "/";
    for (const name of splitPath(path)) {
      at = joinPath(at, name);
      const kind = kindAt(this.#to, at);
      if (kind === "directory") continue;
      if (kind !== undefined) throw new CopyConflict(at, `the ${kind}`);
      this.#to.mkdir(at, MADE_MODE);
      this.#to.chmod(at, MADE_MODE);
      const { owner } = this.#options;
      if (owner !== undefined) this.#to.chown(at, owner.uid, owner.gid);
    }
  }

  /**
   * Makes the directories between `base` and `path`'s parent below `target` as they are in the source, as
   * `COPY --parents` does; those that are there stay as they are.
   */
  copyParents(base: string, path: string, target: string): void {
    let from = base;
    let to = target;
    for (const name of splitPath(parentPath(path).slice(base === "/" ? 0 : base.length))) {
      from = joinPath(from, name);
      to = joinPath(to, name);
      const found = this.#from.entry(from)?.inode;
      if (found?.kind === "directory") this.#makeDirectory(found, to);
    }
  }

  /** Copies what a directory holds into one that is there. */
  copyContents(from: string, to: string): void {
    this.#copyChildren(from, to, "", () => {});
  }

  /** Copies a directory with what it holds; one that is there takes its attributes. */
  copyDirectory(from: string, to: string): void {
    const found = this.#from.entry(from)?.inode;
    if (found === undefined) return;
    const inode = this.#makeDirectory(found, to);
    this.#copyChildren(from, to, "", () => {});
    setAttributes(this.#to, to, inode);
  }

  /** Puts a file that comes from no view. */
  put(inode: Inode, to: string): void {
    this.#copyLeaf({ inode }, to);
  }

  /**
   * Copies one file of any kind but a directory.
   * @param name what exclusions know it as
   */
  copyFile(from: string, to: string, name: string): void {
    const entry = this.#from.entry(from);
    if (entry !== undefined && !this.#options.exclusion?.excludes(name)) this.#copyLeaf(entry, to);
  }

  #copyChildren(from: string, to: string, relative: string, makeParent: () => void): void {
    const { exclusion } = this.#options;
    for (const name of this.#from.list(from)) {
      const path = relative === "" ? name : `${relative}/${name}`;
      const [source, target] = [joinPath(from, name), joinPath(to, name)];
      const excluded = exclusion?.excludes(path) ?? false;
      const entry = excluded && !exclusion?.mayReinclude(path) ? undefined : this.#from.entry(source);
      if (entry === undefined) continue;
      const found = entry.inode;
      if (found.kind !== "directory") {
        if (excluded) continue;
        makeParent();
        this.#copyLeaf(entry, target);
      } else if (entry.implied) {
        this.#copyImplied(source, target, path);
      } else if (!excluded) {
        makeParent();
        const inode = this.#makeDirectory(found, target);
        this.#copyChildren(source, target, path, () => {});
        // What was put into it has moved its time.
        setAttributes(this.#to, target, inode);
      } else {
        this.#copyReincluded(source, found, target, path, makeParent);
      }
    }
  }

  /** Copies what is in a directory that only its content tells of: one that is there stays as it is. */
  #copyImplied(source: string, target: string, path: string): void {
    const at = resolveIn(this.#to, target);
    this.makeDirectories(at);
    this.#copyChildren(source, at, path, () => {});
  }

  /** Copies what is included of an excluded directory, making the directory only if there is something. */
  #copyReincluded(source: string, found: Inode, target: string, path: string, makeParent: () => void): void {
    let made: Inode | undefined;
    this.#copyChildren(source, target, path, () => {
      if (made !== undefined) return;
      makeParent();
      made = this.#makeDirectory(found, target);
    });
    if (made !== undefined) setAttributes(this.#to, target, made);
  }

  /** Makes a directory, or takes the one that is there. @returns the attributes it is to have at the end */
  #makeDirectory(found: Inode, to: string): Inode {
    const inode = this.#edited(found);
    const kind = kindAt(this.#to, to);
    if (kind === "directory") return inode;
    if (kind !== undefined && !this.#options.replace) {
      throw new CopyConflict(to, `the ${kind} with a directory:`);
    }
    if (kind !== undefined) this.#to.unlink(to);
    this.#to.put(to, inode);
    return inode;
  }

  #copyLeaf({ inode, identity: group }: ViewEntry, to: string): void {
    const first = group === undefined ? undefined : this.#groups.get(group);
    const kind = kindAt(this.#to, to);
    if (kind === "directory" && !this.#options.replace) {
      throw new CopyConflict(to, "the directory with a file:");
    }
    if (first === to || inode.kind === "socket") return;
    if (kind === "directory") this.#removeDirectory(to);
    else if (kind !== undefined) this.#to.unlink(to);
    if (first !== undefined) {
      this.#to.link(first, to);
      return;
    }
    this.#to.put(to, this.#edited(inode));
    if (group !== undefined) this.#groups.set(group, to);
  }

  #removeDirectory(path: string): void {
    for (const { name } of this.#to.readdir(path)) {
      const child = joinPath(path, name);
      if (kindAt(this.#to, child) === "directory") this.#removeDirectory(child);
      else this.#to.unlink(child);
    }
    this.#to.rmdir(path);
  }

  #edited(inode: Inode): Inode {
    const { owner, mode } = this.#options;
    if (owner === undefined && mode === undefined) return inode;
    const edited = mode === undefined || inode.kind === "symlink" ? inode.mode : mode(inode.mode, inode.kind);
    return { ...inode, ...owner, mode: edited };
  }
}
