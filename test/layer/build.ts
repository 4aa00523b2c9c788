/**
 * Layers written by hand, entry by entry, without an archive: `layer(dir("a"), file("a/b", "text"))`.
 */

import { applyLayers } from "../../src/layer/apply.ts";
import type { Layer } from "../../src/layer/layer.ts";
import { MemoryAccess } from "../../src/platform/memory.ts";
import { makeDevice } from "../../src/posix/mode.ts";
import { nameToBytes } from "../../src/posix/names.ts";
import type { Entry } from "../../src/tar/entry.ts";
import type { Extent } from "../../src/tree/content.ts";
import type { Xattrs } from "../../src/tree/inode.ts";
import type { PackedTree } from "../../src/tree/packed.ts";

/** What an entry may be given beside its name; times are in whole seconds. */
export interface Given {
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  readonly mtime?: bigint;
  readonly xattrs?: Readonly<Record<string, string>>;
}

type Body = { readonly bytes: Uint8Array };
/** An entry whose place in the archive is not known yet. */
export type Draft = Entry & Partial<Body>;

function attributes(name: string, mode: number, given: Given) {
  return {
    name,
    offset: 0,
    mode: given.mode ?? mode,
    uid: given.uid ?? 0,
    gid: given.gid ?? 0,
    mtime: given.mtime ?? 0n,
    xattrs: xattrsOf(given.xattrs ?? {}),
  };
}

export function xattrsOf(values: Readonly<Record<string, string>>): Xattrs {
  return new Map(Object.entries(values).map(([name, value]) => [name, nameToBytes(value)]));
}

export function dir(name: string, given: Given = {}): Draft {
  return { type: "directory", ...attributes(name, 0o755, given) };
}

export function file(name: string, text = "", given: Given = {}): Draft {
  const bytes = nameToBytes(text);
  return { type: "file", ...attributes(name, 0o644, given), size: bytes.length, start: 0, bytes };
}

/** A sparse file of `size` bytes; `text` fills the extents one after the other. */
export function sparse(name: string, size: number, extents: readonly Extent[], text: string): Draft {
  return { type: "file", ...attributes(name, 0o644, {}), size, start: 0, extents, bytes: nameToBytes(text) };
}

export function link(name: string, target: string, given: Given = {}): Draft {
  return { type: "symlink", ...attributes(name, 0o777, given), target };
}

export function hard(name: string, target: string, given: Given = {}): Draft {
  return { type: "hardlink", ...attributes(name, 0o644, given), target };
}

export function char(name: string, major: number, minor: number, given: Given = {}): Draft {
  return { type: "char", ...attributes(name, 0o600, given), rdev: makeDevice(major, minor) };
}

export function block(name: string, major: number, minor: number, given: Given = {}): Draft {
  return { type: "block", ...attributes(name, 0o600, given), rdev: makeDevice(major, minor) };
}

export function fifo(name: string, given: Given = {}): Draft {
  return { type: "fifo", ...attributes(name, 0o644, given) };
}

/** A whiteout of `path`: `gone("a/b")` is an entry `a/.wh.b`. */
export function gone(path: string, given: Given = {}): Draft {
  const slash = path.lastIndexOf("/") + 1;
  return file(`${path.slice(0, slash)}.wh.${path.slice(slash)}`, "", { mode: 0o600, ...given });
}

/** An opaque mark in a directory; `""` is the root. */
export function opaque(directory: string): Draft {
  return file(directory === "" ? ".wh..wh..opq" : `${directory}/.wh..wh..opq`);
}

let made = 0;

/** A layer of these entries; each starts 1,024 bytes after the one before, so that offsets tell them apart. */
export function layer(...drafts: readonly Draft[]): Layer {
  const chunks: Uint8Array[] = [];
  let stored = 0;
  const entries = drafts.map((draft, i) => {
    const { bytes, ...entry } = draft;
    const offset = i * 1024;
    if (entry.type !== "file" || bytes === undefined) return { ...entry, offset } as Entry;
    const start = stored;
    chunks.push(bytes);
    stored += bytes.length;
    return { ...entry, offset, start } as Entry;
  });
  const all = new Uint8Array(stored);
  let at = 0;
  for (const chunk of chunks) {
    all.set(chunk, at);
    at += chunk.length;
  }
  made += 1;
  return {
    diffID: `sha256:${made.toString(16).padStart(64, "0")}`,
    archive: new MemoryAccess(all),
    entries: () => entries,
  };
}

/** The tree of layers given as lists of entries, the lowest first. */
export function treeOf(...layers: readonly (readonly Draft[])[]): PackedTree {
  return applyLayers(layers.map((drafts) => layer(...drafts)));
}
