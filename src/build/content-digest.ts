/**
 * What a copy depends on: a digest of each file that it takes, and of nothing else.
 *
 * A file's digest covers what a layer says of it but its time: kind, mode, owner, size, link target, device
 * numbers, extended attributes and content (5.5). Times are left out, so that a fresh checkout of the same
 * files is the same; names are not part of a digest but go beside it, relative to what is copied.
 */
import { platform } from "#platform";
import { nameToBytes } from "../posix/names.ts";
import { joinPath } from "../posix/path.ts";
import { readChunks } from "../tree/content.ts";
import type { Inode } from "../tree/inode.ts";
import type { FileView } from "./context/view.ts";
import type { Exclusion } from "./copier.ts";

/** A path as the copy knows it, and the digest of what is there. */
export type PathDigest = readonly [path: string, digest: string];

const CHUNK = 1024 * 1024;

function digestInode(inode: Inode): string {
  const hash = platform.createHash("sha256");
  const { kind, mode, uid, gid } = inode;
  const xattrs = [...inode.xattrs].map(([name, value]) => [name, [...value]] as const);
  xattrs.sort(([a], [b]) => (a < b ? -1 : 1));
  const special =
    inode.kind === "symlink"
      ? inode.target
      : inode.kind === "char" || inode.kind === "block"
        ? inode.rdev
        : inode.kind === "file"
          ? inode.content.size
          : 0;
  hash.update(nameToBytes(JSON.stringify([kind, mode, uid, gid, special, xattrs])));
  if (inode.kind === "file") for (const chunk of readChunks(inode.content, CHUNK)) hash.update(chunk);
  return `sha256:${hash.hex()}`;
}

/** Digests of what is in one view; each inode is read once. */
export class ContentDigests {
  readonly #view: FileView;
  readonly #known = new Map<string, string>();

  constructor(view: FileView) {
    this.#view = view;
  }

  #digest(path: string, inode: Inode): string {
    const known = this.#known.get(path);
    if (known !== undefined) return known;
    const digest = digestInode(inode);
    this.#known.set(path, digest);
    return digest;
  }

  /**
   * Digests of a path and of everything below it that is not excluded.
   * @param path absolute and clean, no link in it
   * @param name what the copy knows it as
   * @param self whether a directory's own attributes count: not where only what it holds is copied
   * @param groups the first name of each inode with several, within one instruction
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
      const { inode } = entry;
      const counts = included || (at === path && inode.kind !== "directory");
      const group = counts ? entry.identity : undefined;
      const first = group === undefined ? undefined : groups.get(group);
      if (first !== undefined) found.push([shown, `link to ${first}`]);
      else if (counts) found.push([shown, this.#digest(at, inode)]);
      if (group !== undefined && first === undefined) groups.set(group, shown);
      if (inode.kind !== "directory") return;
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
}
