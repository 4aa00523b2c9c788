/**
 * What a copy depends on: a digest of each file that it takes, and of nothing else.
 *
 * A file's digest covers what a layer says of it but its time: kind, mode, owner, size, link target, device
 * numbers, extended attributes and content (5.5). Times are left out, so that a fresh checkout of the same
 * files is the same; names are not part of a digest but go beside it, relative to what is copied.
 */
import { platform } from "#platform";
import { errorCode } from "../../posix/errno.ts";
import { nameToBytes } from "../../posix/names.ts";
import { joinPath } from "../../posix/path.ts";
import { ContentError, readChunks } from "../../tree/content.ts";
import type { Inode } from "../../tree/inode.ts";
import { ContextError } from "./errors.ts";
import type { FileView, ViewEntry } from "./view.ts";

/** What is left out of a copy, by path relative to what is copied. */
export interface Exclusion {
  excludes(path: string): boolean;
  /** Whether something below an excluded directory may be included again. */
  mayReinclude(directory: string): boolean;
}

/** A path as the copy knows it, and the digest of what is there. */
export type PathDigest = readonly [path: string, digest: string];

/** Digests of files of the machine from earlier builds, by `ViewEntry.stamp`. */
export interface DigestMemory {
  find(stamp: string): string | undefined;
  /** @param changed when the file's inode last changed */
  learn(stamp: string, changed: bigint, digest: string): void;
  /** Writes down what was learnt. */
  keep(): void;
}

const CHUNK = 1024 * 1024;

function fieldOf(inode: Inode): string | number {
  switch (inode.kind) {
    case "symlink":
      return inode.target;
    case "char":
    case "block":
      return inode.rdev;
    case "file":
      return inode.content.size;
    default:
      return 0;
  }
}

function digestInode(path: string, inode: Inode): string {
  const hash = platform.createHash("sha256");
  const { kind, mode, uid, gid } = inode;
  const xattrs = [...inode.xattrs].map(([name, value]) => [name, [...value]] as const);
  xattrs.sort(([a], [b]) => (a < b ? -1 : 1));
  hash.update(nameToBytes(JSON.stringify([kind, mode, uid, gid, fieldOf(inode), xattrs])));
  if (inode.kind === "file") {
    try {
      for (const chunk of readChunks(inode.content, CHUNK)) hash.update(chunk);
    } catch (error) {
      const reason = error instanceof ContentError ? errorCode(-error.errno) : (error as Error).message;
      throw new ContextError(`cannot read ${path.slice(1)}: ${reason}`, error);
    }
  }
  return `sha256:${hash.hex()}`;
}

/** Digests of what is in one view; each inode is read once. */
export class ContentDigests {
  readonly #view: FileView;
  readonly #memory: DigestMemory | undefined;
  readonly #known = new Map<string, string>();

  constructor(view: FileView, memory?: DigestMemory) {
    this.#view = view;
    this.#memory = memory;
  }

  #digest(path: string, { inode, stamp }: ViewEntry): string {
    const known = this.#known.get(path) ?? (stamp && this.#memory?.find(stamp.text));
    if (known) {
      this.#known.set(path, known);
      return known;
    }
    const digest = digestInode(path, inode);
    this.#known.set(path, digest);
    if (stamp !== undefined) this.#memory?.learn(stamp.text, stamp.changed, digest);
    return digest;
  }

  /**
   * Digests of a path and of everything below it that is not excluded.
   * @param path absolute and clean, no link in it
   * @param name what the copy knows it as
   * @param self whether a directory's own attributes count: not where only what it holds is copied
   * @param groups the first name of each inode with several, within one instruction
   * @throws ContextError for a file that cannot be read
   */
  of(
    path: string,
    name: string,
    self: boolean,
    groups: Map<string, string>,
    exclusion?: Exclusion,
  ): PathDigest[] {
    const found: PathDigest[] = [];
    const add = (at: string, relative: string, shown: string, included: boolean) => {
      const entry = this.#view.entry(at);
      if (entry === undefined) return;
      const isDirectory = entry.inode.kind === "directory";
      const counts = included || (at === path && !isDirectory);
      const group = counts ? entry.identity : undefined;
      const first = group === undefined ? undefined : groups.get(group);
      if (first !== undefined) found.push([shown, `link to ${first}`]);
      else if (counts) found.push([shown, this.#digest(at, entry)]);
      if (group !== undefined && first === undefined) groups.set(group, shown);
      if (!isDirectory) return;
      for (const child of this.#view.list(at)) {
        const below = relative === "" ? child : `${relative}/${child}`;
        const excluded = exclusion?.excludes(below) ?? false;
        if (excluded && !exclusion?.mayReinclude(below)) continue;
        add(joinPath(at, child), below, `${shown}/${child}`, !excluded);
      }
    };
    add(path, "", name, self);
    return found;
  }

  /** Keeps what was found for later builds. */
  keep(): void {
    this.#memory?.keep();
  }
}
