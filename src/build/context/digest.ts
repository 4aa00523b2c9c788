/**
 * What a copied file or tree is, as a digest for cache keys (5.5): header fields and content, but no time.
 *
 * A file's digest covers type, mode, owner, size, link target, device, the extended attributes that a layer
 * keeps, and the bytes; a directory's the names in it and their digests besides. Its own name is no part, as
 * it depends on the destination; the caller adds it where a pattern chose it.
 */
import { platform } from "#platform";
import type { Digest } from "../../oci/digest.ts";
import { parseDigest } from "../../oci/digest.ts";
import type { Hasher } from "../../platform/types.ts";
import { compareNames, nameToBytes } from "../../posix/names.ts";
import { joinPath } from "../../posix/path.ts";
import { readChunks } from "../../tree/content.ts";
import type { Inode } from "../../tree/inode.ts";
import { ContextError } from "./errors.ts";
import type { FileView } from "./view.ts";

/** Adds a field that cannot run into the next one: its length, then its bytes. */
function addField(hasher: Hasher, bytes: Uint8Array): void {
  hasher.update(nameToBytes(`${bytes.length}:`));
  hasher.update(bytes);
}

function addText(hasher: Hasher, text: string): void {
  addField(hasher, nameToBytes(text));
}

function addHeader(hasher: Hasher, inode: Inode): void {
  const { kind, mode, uid, gid } = inode;
  addText(hasher, `${kind} ${mode.toString(8)} ${uid} ${gid}`);
  if (kind === "symlink") addText(hasher, inode.target);
  if (kind === "char" || kind === "block") addText(hasher, String(inode.rdev));
  for (const [name, value] of [...inode.xattrs].sort(([a], [b]) => compareNames(a, b))) {
    addText(hasher, name);
    addField(hasher, value);
  }
}

function addContent(hasher: Hasher, path: string, inode: Extract<Inode, { kind: "file" }>): void {
  hasher.update(nameToBytes(`${inode.content.size}:`));
  try {
    for (const chunk of readChunks(inode.content)) hasher.update(chunk);
  } catch (error) {
    throw new ContextError(`cannot read ${path}: ${(error as Error).message}`, error);
  }
}

/** Digests of what was looked at already, by path; for one view. */
export type DigestCache = Map<string, Digest>;

/**
 * The digest of what a path is, without following links.
 * @throws ContextError where nothing is there, or it cannot be read
 */
export function contentDigest(view: FileView, path: string, cache: DigestCache = new Map()): Digest {
  const known = cache.get(path);
  if (known !== undefined) return known;
  const inode = view.entry(path)?.inode;
  if (inode === undefined) throw new ContextError(`${path} is not there`);
  const hasher = platform.createHash("sha256");
  addHeader(hasher, inode);
  if (inode.kind === "file") addContent(hasher, path, inode);
  if (inode.kind === "directory") {
    for (const name of view.list(path)) {
      addText(hasher, name);
      addText(hasher, contentDigest(view, joinPath(path, name), cache));
    }
  }
  const digest = parseDigest(`sha256:${hasher.hex()}`);
  cache.set(path, digest);
  return digest;
}
