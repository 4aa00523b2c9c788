/**
 * Applying layers: `applyLayer(tree, layer) → tree`.
 *
 * The only place that knows what whiteouts, opaque marks and hardlinks mean on the way in. Entries
 * take effect in archive order (rule 11a); nothing but the tree is touched, so no name, link or
 * target leads outside (rule 4). A layer that cannot be applied throws and leaves nothing changed:
 * the given tree is immutable, and what grew from it is dropped.
 *
 * What an archive's reader has already decided is not decided again here: types, times, sparse
 * files, extension headers (rules 35 to 44).
 */
import { digestOf } from "../oci/digest.ts";
import { nameLength } from "../posix/names.ts";
import { NAME_MAX, PATH_MAX } from "../posix/path.ts";
import { fromSeconds } from "../posix/time.ts";
import { ArchiveError, type ArchiveErrorCode, type Entry, type HardlinkEntry } from "../tar/entry.ts";
import { GrowingTree, NO_SLOT_ID, ROOT_SLOT, type SlotId } from "../tree/growing.ts";
import { NO_XATTRS } from "../tree/inode.ts";
import { MAX_DEVICE, type NodeAttributes } from "../tree/node-table.ts";
import { EMPTY_TREE, type PackedTree } from "../tree/packed.ts";
import { pack } from "../tree/packing.ts";
import { cleanName, fitsLinux, isAufsMetadata, meaningOf, WHITEOUT_PREFIX } from "./entry-name.ts";
import type { Layer } from "./layer.ts";
import { LINK_LIMIT, resolveDirectory, TOO_MANY_LINKS } from "./resolve.ts";

export interface ApplyOptions {
  /** Takes `..` above the root as the root, as tools long did, instead of refusing the entry (rule 2). */
  readonly clampParents?: boolean;
}

/** Layers of one chain: a position takes 16 of an inode number's 48 bits. */
export const MAX_LAYERS = 0xffff;

/** The highest user or group id; the one above it is chown's "unchanged" (rule 36). */
const MAX_ID = 2 ** 32 - 2;

/** The times that 64 bits of seconds and nanoseconds can tell (rule 35). */
const EARLIEST = fromSeconds(-(2n ** 63n));
const LATEST = fromSeconds(2n ** 63n - 1n, 999_999_999);

/** Directories that a layer may imply: a name of 4 KiB implies up to 2,000 of them, and no image needs that. */
const IMPLIED_BASE = 65_536;
const IMPLIED_PER_ENTRY = 4;

/** A name of so many UTF-16 units is below PATH_MAX whatever they are: none is more than three bytes. */
const SHORT_NAME = Math.floor(PATH_MAX / 3) - 1;

/** A parent directory that no entry describes (rule 5). */
const IMPLIED_DIRECTORY: NodeAttributes = { mode: 0o755, uid: 0, gid: 0, mtime: 0n, xattrs: NO_XATTRS };

/**
 * The tree after one more layer.
 * @throws ArchiveError naming the entry, its offset and the rule, for a layer that cannot be applied
 */
export function applyLayer(tree: PackedTree, layer: Layer, options: ApplyOptions = {}): PackedTree {
  return applyChain(tree, [layer], options);
}

/**
 * The tree of a chain of layers, the lowest first. Trees in between are not kept (M20).
 * @throws ArchiveError as {@link applyLayer} does
 */
export function applyLayers(layers: readonly Layer[], options: ApplyOptions = {}): PackedTree {
  return layers.length === 0 ? EMPTY_TREE : applyChain(EMPTY_TREE, layers, options);
}

function applyChain(base: PackedTree, layers: readonly Layer[], options: ApplyOptions): PackedTree {
  if (base.layerCount + layers.length > MAX_LAYERS) {
    throw new ArchiveError("limit", `more than ${MAX_LAYERS} layers`);
  }
  const tree = new GrowingTree(base);
  let chain = base.chainID;
  for (const layer of layers) {
    tree.beginLayer();
    new LayerApplication(tree, options).run(layer.entries());
    chain = extendChain(chain, layer.diffID);
  }
  // Not `base` itself, which the new tree must not keep in memory (M20).
  const { archive, layerCount } = base;
  const archives = layers.map((layer) => layer.archive);
  return pack(tree, {
    chainID: chain,
    archives: (position) => archives[position - layerCount] ?? archive(position),
  });
}

/** The name of a chain of layers (image-spec config.md, "Layer ChainID"). */
function extendChain(below: string | undefined, diffID: string): string {
  return below === undefined ? diffID : digestOf(new TextEncoder().encode(`${below} ${diffID}`));
}

/** One layer on its way into a tree. */
class LayerApplication {
  readonly #tree: GrowingTree;
  readonly #clamp: boolean;
  /** Files that AUFS kept at the root, by name: only hardlinks lead to them (rule 23). */
  readonly #hidden: Map<string, number> = new Map();
  #entries = 0;
  #implied = 0;

  // The last parent and the text that led to it (M19).
  #parentText = "";
  #parent: SlotId = ROOT_SLOT;
  #parentTurns = -1;

  constructor(tree: GrowingTree, options: ApplyOptions) {
    this.#tree = tree;
    this.#clamp = options.clampParents ?? false;
  }

  run(entries: Iterable<Entry>): void {
    for (const entry of entries) {
      this.#entries += 1;
      this.#apply(entry);
    }
  }

  #apply(entry: Entry): void {
    const neighbour = this.#neighbour(entry.name);
    if (neighbour !== undefined) {
      this.#checkName([neighbour], entry);
      this.#put(this.#parent, neighbour, entry);
      return;
    }
    const names = this.#clean(entry);
    const name = names.pop();
    if (name === undefined) {
      this.#putRoot(entry);
      return;
    }
    const path = [...names, name];
    if (isAufsMetadata(path)) {
      this.#hide(path, entry);
      return;
    }
    const meaning = meaningOf(name);
    switch (meaning.kind) {
      case "invalid":
        throw fail("whiteout", `rule 20: ${JSON.stringify(name)} is a whiteout of nothing`, entry);
      case "opaque":
      case "whiteout": {
        this.#checkName(meaning.kind === "whiteout" ? [...names, meaning.name] : names, entry);
        const directory = this.#resolve(names, entry, false);
        if (directory === NO_SLOT_ID) return;
        if (meaning.kind === "opaque") this.#tree.opaque(directory);
        else this.#tree.whiteout(directory, meaning.name);
        return;
      }
      case "plain": {
        this.#checkName(path, entry);
        const parent = this.#resolve(names, entry, true);
        // Before the entry itself, which may replace a link that led to its parent.
        this.#remember(entry.name, name, parent);
        this.#put(parent, name, entry);
      }
    }
  }

  #put(parent: SlotId, name: string, entry: Entry): void {
    if (entry.type === "hardlink") {
      this.#link(parent, name, entry);
    } else if (entry.type === "directory") {
      this.#tree.putDirectory(parent, name, attributesOf(entry));
    } else {
      this.#tree.put(parent, name, this.#addNode(entry));
    }
  }

  #addNode(entry: Exclude<Entry, { type: "hardlink" }>): number {
    const { nodes } = this.#tree;
    const attributes = attributesOf(entry);
    switch (entry.type) {
      case "file":
        return nodes.addFile(attributes, entry.size, entry.start, entry.extents);
      case "symlink":
        if (entry.target === "" || entry.target.includes("\0") || nameLength(entry.target) >= PATH_MAX) {
          throw fail("name", "rule 47: a symlink's target is empty, too long or contains NUL", entry);
        }
        return nodes.addSymlink(attributes, entry.target);
      case "char":
      case "block":
        if (!(entry.rdev >= 0 && entry.rdev <= MAX_DEVICE)) {
          throw fail("range", "rule 36: device number outside 12 and 20 bits", entry);
        }
        return nodes.addDevice(entry.type, attributes, entry.rdev);
      default:
        return nodes.add(entry.type, attributes);
    }
  }

  #putRoot(entry: Entry): void {
    if (entry.type !== "directory") {
      throw fail("name", `rule 1: the root cannot be a ${entry.type}`, entry);
    }
    this.#tree.putAttributes(ROOT_SLOT, attributesOf(entry));
  }

  #link(parent: SlotId, name: string, entry: HardlinkEntry): void {
    const tree = this.#tree;
    const target = this.#cleanTarget(entry);
    const hidden = this.#hidden.get(target.join("/"));
    if (hidden !== undefined) {
      tree.link(parent, name, hidden);
      return;
    }
    const last = target.pop();
    if (last === undefined) throw fail("link", "rule 30: a hardlink to the root directory", entry);
    const directory = this.#resolve(target, entry, false);
    const slot = directory === NO_SLOT_ID ? NO_SLOT_ID : tree.child(directory, last);
    if (slot === NO_SLOT_ID) {
      throw fail("link", `rule 29: hardlink to ${JSON.stringify(entry.target)}, which is not there`, entry);
    }
    if (tree.isDirectory(slot)) {
      throw fail("link", `rule 30: hardlink to ${JSON.stringify(entry.target)}, a directory`, entry);
    }
    const replaced = tree.child(parent, name);
    if (slot === replaced) throw fail("link", "rule 30: a hardlink to itself", entry);
    // What is replaced goes first, and the target may be in it.
    if (replaced !== NO_SLOT_ID && tree.isDirectory(replaced) && tree.isBelow(slot, replaced)) {
      throw fail("link", `rule 29: hardlink to ${JSON.stringify(entry.target)}, which it replaces`, entry);
    }
    tree.link(parent, name, tree.nodeOf(slot));
  }

  /** Keeps a file of AUFS's own for hardlinks to it, out of the tree (rule 23). */
  #hide(path: readonly string[], entry: Entry): void {
    const key = path.join("/");
    if (entry.type === "hardlink") {
      const node = this.#hidden.get(this.#cleanTarget(entry).join("/"));
      if (node !== undefined) this.#hidden.set(key, node);
    } else if (entry.type !== "directory") {
      this.#hidden.set(key, this.#addNode(entry));
    }
  }

  #clean(entry: Entry): string[] {
    const names = cleanName(entry.name, this.#clamp);
    switch (names) {
      case "above":
        throw fail("name", "rule 2: the name leads above the root", entry);
      case "empty":
        throw fail("name", "rule 1: the name is empty", entry);
      case "nul":
        throw fail("name", "rule 47: the name contains NUL", entry);
      default:
        return names;
    }
  }

  #cleanTarget(entry: HardlinkEntry): string[] {
    const names = cleanName(entry.target, this.#clamp);
    if (typeof names === "string") {
      throw fail("link", `rule 27: hardlink to ${JSON.stringify(entry.target)}, no name in the tree`, entry);
    }
    return names;
  }

  #checkName(names: readonly string[], entry: Entry): void {
    if (!fitsLinux(names)) {
      const limits = `${NAME_MAX} bytes a component and ${PATH_MAX - 1} bytes in all`;
      throw fail("name", `rule 47: a name has at most ${limits}`, entry);
    }
  }

  /** The directory that names lead to; made where it is missing and `imply` says so. */
  #resolve(names: readonly string[], entry: Entry, imply: boolean): SlotId {
    const make = (directory: SlotId, name: string) => {
      this.#implied += 1;
      if (this.#implied > IMPLIED_BASE + IMPLIED_PER_ENTRY * this.#entries) {
        throw fail("limit", "rule 5: too many directories without an entry", entry);
      }
      return this.#tree.imply(directory, name, IMPLIED_DIRECTORY);
    };
    const slot = resolveDirectory(this.#tree, names, imply ? make : undefined);
    if (slot === TOO_MANY_LINKS) {
      throw fail("limit", `rule 3: more than ${LINK_LIMIT} symbolic links on the way`, entry);
    }
    return slot;
  }

  /** Remembers the parent of an entry that resolved to `name` in it. */
  #remember(text: string, name: string, parent: SlotId): void {
    // Only where the text ends in the name, not in dots or more slashes: `a//`, `a/b/..`.
    const end = text.endsWith("/") ? text.length - 1 : text.length;
    const start = end - name.length;
    const ends = text.startsWith(name, start) && text.charAt(start - 1) === "/";
    this.#parentText = ends ? text.slice(0, start) : "";
    this.#parent = parent;
    this.#parentTurns = this.#tree.turns;
  }

  /**
   * The last component of a name whose parent is the remembered one, or undefined: then the name is
   * read in full. Only for a component that means nothing but itself.
   */
  #neighbour(name: string): string | undefined {
    if (this.#parentTurns !== this.#tree.turns || name.length > SHORT_NAME) return undefined;
    const { length } = this.#parentText;
    if (length === 0 || !name.startsWith(this.#parentText)) return undefined;
    const slash = name.indexOf("/", length);
    if (slash >= 0 && slash !== name.length - 1) return undefined;
    const last = slash < 0 ? name.slice(length) : name.slice(length, slash);
    const plain = last !== "" && last !== "." && last !== ".." && !last.startsWith(WHITEOUT_PREFIX);
    return plain && !last.includes("\0") ? last : undefined;
  }
}

/** The attributes that an entry gives its inode: the entry itself, unless something in it must not stay. */
function attributesOf(entry: Entry): NodeAttributes {
  const { uid, gid, mtime, xattrs } = entry;
  if (!(uid >= 0 && uid <= MAX_ID && gid >= 0 && gid <= MAX_ID)) {
    throw fail("range", `rule 36: user or group id above ${MAX_ID}`, entry);
  }
  if (mtime < EARLIEST || mtime > LATEST) {
    throw fail("range", "rule 35: a time outside int64 seconds", entry);
  }
  if (xattrs.size === 0) return entry;
  // Markers to overlayfs, and data to nobody (rule 26).
  const kept = [...xattrs].filter(([name]) => !/^(trusted|user)\.overlay\./.test(name));
  return kept.length === xattrs.size ? entry : { ...entry, xattrs: new Map(kept) };
}

function fail(code: ArchiveErrorCode, message: string, entry: Entry): ArchiveError {
  return new ArchiveError(code, message, { entry: entry.name, offset: entry.offset });
}
