/**
 * What is odd or wasteful in an image's layers.
 *
 * A layer is looked at as it is stored, entry by entry in order; what it hides is asked of the layers below,
 * by cleaned names. A name that leads through a symbolic link is taken as it is written.
 */

import { cleanName, isAufsMetadata, meaningOf } from "../layer/entry-name.ts";
import type { Layer } from "../layer/layer.ts";
import type { Digest } from "../oci/digest.ts";
import { S_ISUID } from "../posix/mode.ts";
import type { Entry } from "../tar/entry.ts";
import type { Image } from "./image.ts";

export type LintRule =
  /** One name twice in a layer: readers differ in which one they take. */
  | "duplicate"
  /** A whiteout of nothing, or one that hides what its own layer adds. */
  | "whiteout"
  /** A character device 0:0, which overlayfs takes for a whiteout. */
  | "device-0-0"
  /** An extended attribute that overlayfs takes for its own. */
  | "overlay-xattr"
  /** A file that a later layer hides or replaces: its bytes are shipped and never seen. */
  | "hidden"
  | "setuid"
  /** Anyone may write to it. */
  | "world-writable";

export interface LintFinding {
  readonly rule: LintRule;
  /** Position of the layer from the bottom, from 0, and its diffID. */
  readonly layer: number;
  readonly diffID: Digest;
  readonly path: string;
  /** One clause that says what is wrong. */
  readonly message: string;
  /** Bytes that are stored for nothing; 0 where it is not about that. */
  readonly wasted: number;
}

/** A file that a layer stored, as far as no later one hid it. */
interface Stored {
  readonly layer: number;
  readonly size: number;
}

/** A record of an attribute of overlayfs's own, in a PAX header or in what libarchive calls its own. */
const OVERLAY_XATTR = /\bxattr\.((?:trusted|user)\.overlay\.[^=\n]*)=/gi;
const BLOCK = 512;
/** No sound extension header is larger. */
const MAX_HEADER = 1024 * 1024;
const WORLD_WRITABLE = 0o002;
const STICKY = 0o1000;

/**
 * The attributes of overlayfs's own that an entry has in the archive: who reads a layer drops them (rule 26),
 * so they are looked for in the extension headers themselves.
 */
function overlayXattrs({ archive }: Layer, { offset }: Entry): readonly string[] {
  const found: string[] = [];
  const header = Buffer.alloc(BLOCK);
  for (let at = offset; archive.read(header, 0, BLOCK, at) === BLOCK; ) {
    const type = String.fromCharCode(header[156]!);
    if (!"xLK".includes(type)) break;
    const size = Number.parseInt(header.toString("latin1", 124, 136).replace(/[^0-7].*$/s, ""), 8) || 0;
    if (size > MAX_HEADER) break;
    const content = Buffer.alloc(size);
    archive.read(content, 0, size, at + BLOCK);
    if (type === "x") {
      for (const [, name] of content.toString("latin1").matchAll(OVERLAY_XATTR)) found.push(name!);
    }
    at += BLOCK + Math.ceil(size / BLOCK) * BLOCK;
  }
  return found;
}

class Linter {
  readonly findings: LintFinding[] = [];
  /** Everything that is visible so far, by path; directories too. */
  readonly #visible = new Map<string, Stored>();
  readonly #image: Image;

  constructor(image: Image) {
    this.#image = image;
  }

  #found(rule: LintRule, layer: number, path: string, message: string, wasted = 0): void {
    const { diffID } = this.#image.layers[layer]!;
    this.findings.push({ rule, layer, diffID, path: `/${path}`, message, wasted });
  }

  layer(position: number, layer: Layer): void {
    const own = new Map<string, Entry>();
    const hiding: string[] = [];
    for (const entry of layer.entries()) {
      const components = cleanName(entry.name, true);
      if (typeof components === "string" || components.length === 0 || isAufsMetadata(components)) continue;
      const path = components.join("/");
      const parent = components.slice(0, -1).join("/");
      const meaning = meaningOf(components.at(-1)!);
      if (meaning.kind === "plain") {
        this.#plain(position, path, entry, own);
        for (const name of overlayXattrs(layer, entry)) {
          this.#found("overlay-xattr", position, path, `has the attribute ${name}`);
        }
        continue;
      }
      if (meaning.kind === "invalid") {
        this.#found("whiteout", position, path, "names nothing that could be hidden");
      } else if (meaning.kind === "opaque") {
        this.#hideBelow(parent, position);
      } else {
        const hidden = parent === "" ? meaning.name : `${parent}/${meaning.name}`;
        hiding.push(hidden);
        if (!this.#visible.has(hidden)) {
          this.#found("whiteout", position, path, "hides something that no layer below has");
        }
        this.#hide(hidden, position);
      }
    }
    for (const hidden of hiding) {
      if (own.has(hidden)) {
        this.#found("whiteout", position, hidden, "is hidden and added by the same layer");
      }
    }
    for (const [path, entry] of own) this.#show(position, path, entry);
  }

  #plain(position: number, path: string, entry: Entry, own: Map<string, Entry>): void {
    const again = own.get(path);
    if (again !== undefined && !(again.type === "directory" && entry.type === "directory")) {
      const wasted = again.type === "file" ? again.size : 0;
      this.#found("duplicate", position, path, "is in the layer more than once", wasted);
    }
    own.set(path, entry);
    if (entry.type === "char" && entry.rdev === 0) {
      this.#found(
        "device-0-0",
        position,
        path,
        "is a character device 0:0, which overlayfs takes for a whiteout",
      );
    }
    if (entry.type === "file" && (entry.mode & S_ISUID) !== 0) {
      this.#found("setuid", position, path, "runs as its owner");
    }
    const isOpen = (entry.mode & WORLD_WRITABLE) !== 0;
    if (
      (entry.type === "file" && isOpen) ||
      (entry.type === "directory" && isOpen && !(entry.mode & STICKY))
    ) {
      this.#found("world-writable", position, path, "can be written by anyone");
    }
  }

  /** What a layer has takes the place of what was there; only a directory on a directory goes on with it. */
  #show(position: number, path: string, entry: Entry): void {
    if (entry.type === "directory") this.#hideFile(path, position, "replaced");
    else this.#hide(path, position, "replaced");
    const components = path.split("/");
    for (let i = 1; i < components.length; i++) {
      const above = components.slice(0, i).join("/");
      if (!this.#visible.has(above)) this.#visible.set(above, { layer: position, size: 0 });
    }
    const size = entry.type === "file" ? entry.size : 0;
    this.#visible.set(path, { layer: position, size });
  }

  #hideFile(path: string, by: number, how: string): void {
    const stored = this.#visible.get(path);
    if (stored === undefined) return;
    this.#visible.delete(path);
    if (stored.layer === by || stored.size === 0) return;
    this.#found("hidden", stored.layer, path, `is ${how} by layer ${by + 1}`, stored.size);
  }

  #hideBelow(directory: string, by: number): void {
    const prefix = directory === "" ? "" : `${directory}/`;
    for (const path of [...this.#visible.keys()]) {
      if (path.startsWith(prefix) && path !== directory && this.#visible.get(path)!.layer !== by)
        this.#hideFile(path, by, "hidden");
    }
  }

  #hide(path: string, by: number, how = "hidden"): void {
    this.#hideBelow(path, by);
    this.#hideFile(path, by, how);
  }
}

/** Looks through all layers of an image, bottom first; findings by layer and in the order of the archive. */
export async function lintImage(image: Image): Promise<readonly LintFinding[]> {
  const linter = new Linter(image);
  for (const [position, layer] of (await image.openLayers()).entries()) linter.layer(position, layer);
  return linter.findings.toSorted((a, b) => a.layer - b.layer);
}
