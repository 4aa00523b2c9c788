/**
 * Layers folded into one without the tree they will stand on: like an overlay's upper, which keeps what
 * was put, what was whited out, and which directories let nothing below show through.
 *
 * Entries take effect exactly as `apply.ts` has it (rule 11a), with one difference: a name that no layer
 * set, in a directory that is not opaque, is *unknown*. A whiteout of an unknown name is kept. Anything
 * that would have to look behind one is refused, since another base would give another result:
 * a parent directory may be a link there (rule 6), a hardlink's target may be anything (rule 28).
 *
 * Invariants: a directory in an opaque one is opaque itself, so nothing unknown is below it; every
 * directory but the root has known attributes; names of one inode hold one object.
 */
import { compareNames } from "../posix/names.ts";
import { joinPath, splitPath } from "../posix/path.ts";
import { ArchiveError, type ArchiveErrorCode, type Entry, type FileEntry } from "../tar/entry.ts";
import { isOverlayXattr } from "../tar/pax.ts";
import { type Content, EMPTY_CONTENT, SliceContent, SparseContent } from "../tree/content.ts";
import { type InodeOf, NO_XATTRS, type Xattrs } from "../tree/inode.ts";
import type { ApplyOptions } from "./apply.ts";
import { cleanName, fitsLinux, isAufsMetadata, meaningOf } from "./entry-name.ts";
import type { Layer } from "./layer.ts";
import { LINK_LIMIT } from "./resolve.ts";
import type { Planned, PlannedDirectory, PlannedLeaf, RecordableInode } from "./write-order.ts";

const NO_LAYER = -1;

/** What the layers have at a name. */
type Slot = Hidden | Leaf | Directory;

/** Nothing, whatever the base has. */
interface Hidden {
  readonly kind: "hidden";
}

/** Anything but a directory. */
interface Leaf {
  readonly kind: "leaf";
  /** One object for all names of an inode. */
  readonly inode: RecordableInode;
  /** The layer that set the name. */
  readonly layer: number;
}

class Directory {
  readonly kind = "directory";
  /** The root's is itself. */
  readonly parent: Directory;
  readonly slots = new Map<string, Slot>();
  /** Undefined for a root that no layer has an entry of. */
  inode: InodeOf<"directory"> | undefined;
  /** The layer that set its attributes. */
  layer: number;
  /** Whether nothing of the base shows through. */
  opaque: boolean;
  /** The layer that last hid what was in it; nothing lower comes back within that layer. */
  cleared = NO_LAYER;

  constructor(
    parent: Directory | undefined,
    inode: InodeOf<"directory"> | undefined,
    layer: number,
    opaque: boolean,
  ) {
    this.parent = parent ?? this;
    this.inode = inode;
    this.layer = layer;
    this.opaque = opaque;
  }
}

const HIDDEN: Hidden = { kind: "hidden" };

/** A parent directory that no entry describes (rule 5). */
const IMPLIED: InodeOf<"directory"> = {
  kind: "directory",
  mode: 0o755,
  uid: 0,
  gid: 0,
  mtime: 0n,
  xattrs: NO_XATTRS,
};

function withoutOverlay(xattrs: Xattrs): Xattrs {
  const kept = [...xattrs].filter(([name]) => !isOverlayXattr(name));
  return kept.length === xattrs.size ? xattrs : new Map(kept);
}

function contentOf({ size, start, extents }: FileEntry, { archive }: Layer): Content {
  if (size === 0) return EMPTY_CONTENT;
  return extents === undefined
    ? new SliceContent(archive, start, size)
    : new SparseContent(archive, start, size, extents);
}

function fail(code: ArchiveErrorCode, message: string, entry: Entry): ArchiveError {
  return new ArchiveError(code, message, { entry: entry.name, offset: entry.offset });
}

export class Fold {
  readonly #clamp: boolean;
  readonly #root = new Directory(undefined, undefined, NO_LAYER, false);
  #layer = NO_LAYER;
  /** Files that AUFS kept at the root: only hardlinks lead to them (rule 23). */
  #aufs = new Map<string, RecordableInode>();

  constructor({ clampParents = false }: ApplyOptions) {
    this.#clamp = clampParents;
  }

  /** @throws ArchiveError for a layer that cannot be applied, and for what depends on the base */
  add(layer: Layer): void {
    this.#layer += 1;
    this.#aufs = new Map();
    for (const entry of layer.entries()) this.#apply(entry, layer);
  }

  #apply(entry: Entry, layer: Layer): void {
    const names = this.#clean(entry);
    const name = names.pop();
    if (name === undefined) {
      if (entry.type !== "directory") throw fail("name", `rule 1: the root cannot be a ${entry.type}`, entry);
      this.#root.inode = this.#directoryInode(entry);
      return;
    }
    const path = [...names, name];
    if (isAufsMetadata(path)) {
      this.#hideAufs(path, entry, layer);
      return;
    }
    const meaning = meaningOf(name);
    switch (meaning.kind) {
      case "invalid":
        throw fail("whiteout", `rule 20: ${JSON.stringify(name)} is a whiteout of nothing`, entry);
      case "plain":
        this.#checkName(path, entry);
        this.#put(this.#imply(names, entry), name, entry, layer);
        break;
      default: {
        this.#checkName(meaning.kind === "whiteout" ? [...names, meaning.name] : names, entry);
        const directory = this.#find(names, entry);
        if (directory === undefined) return;
        if (meaning.kind === "opaque") this.#clear(directory);
        else this.#whiteout(directory, meaning.name);
      }
    }
  }

  #put(directory: Directory, name: string, entry: Entry, layer: Layer): void {
    if (entry.type === "hardlink") {
      this.#link(directory, name, entry);
    } else if (entry.type === "directory") {
      const slot = directory.slots.get(name);
      const inode = this.#directoryInode(entry);
      if (slot?.kind === "directory") {
        slot.inode = inode;
        slot.layer = this.#layer;
      } else {
        this.#addDirectory(directory, name, inode);
      }
    } else {
      directory.slots.set(name, { kind: "leaf", inode: this.#leafInode(entry, layer), layer: this.#layer });
    }
  }

  /** A new directory. Whatever is known to have been at its name hides what the base has there. */
  #addDirectory(parent: Directory, name: string, inode: InodeOf<"directory">): Directory {
    const opaque = parent.opaque || parent.slots.has(name);
    const directory = new Directory(parent, inode, this.#layer, opaque);
    parent.slots.set(name, directory);
    return directory;
  }

  #directoryInode({ mode, uid, gid, mtime, xattrs }: Entry): InodeOf<"directory"> {
    return { kind: "directory", mode, uid, gid, mtime, xattrs: withoutOverlay(xattrs) };
  }

  #leafInode(entry: Exclude<Entry, { type: "directory" | "hardlink" }>, layer: Layer): RecordableInode {
    const { mode, uid, gid, mtime } = entry;
    const attributes = { mode, uid, gid, mtime, xattrs: withoutOverlay(entry.xattrs) };
    switch (entry.type) {
      case "file":
        return { ...attributes, kind: "file", content: contentOf(entry, layer) };
      case "symlink":
        return { ...attributes, kind: "symlink", target: entry.target };
      case "fifo":
        return { ...attributes, kind: "fifo" };
      default:
        return { ...attributes, kind: entry.type, rdev: entry.rdev };
    }
  }

  #link(directory: Directory, name: string, entry: Entry & { type: "hardlink" }): void {
    const quoted = JSON.stringify(entry.target);
    const target = cleanName(entry.target, this.#clamp);
    if (typeof target === "string")
      throw fail("link", `rule 27: hardlink to ${quoted}, no name in the tree`, entry);
    const inode = this.#aufs.get(target.join("/")) ?? this.#linkedInode(directory, name, target, entry);
    directory.slots.set(name, { kind: "leaf", inode, layer: this.#layer });
  }

  #linkedInode(directory: Directory, name: string, target: string[], entry: Entry & { type: "hardlink" }) {
    const quoted = JSON.stringify(entry.target);
    const last = target.pop();
    if (last === undefined) throw fail("link", "rule 30: a hardlink to the root directory", entry);
    const parent = this.#find(target, entry);
    const slot = parent?.slots.get(last);
    if (parent !== undefined && slot === undefined && !parent.opaque) {
      throw fail(
        "unrepresentable",
        `rule 28: what a hardlink to ${quoted} is depends on the base; squash with it`,
        entry,
      );
    }
    if (parent === undefined || slot === undefined || slot.kind === "hidden") {
      throw fail("link", `rule 29: hardlink to ${quoted}, which is not there`, entry);
    }
    if (slot.kind === "directory") throw fail("link", `rule 30: hardlink to ${quoted}, a directory`, entry);
    if (parent === directory && last === name) throw fail("link", "rule 30: a hardlink to itself", entry);
    const replaced = directory.slots.get(name);
    for (let at = parent; at !== this.#root; at = at.parent) {
      if (at === replaced) throw fail("link", `rule 29: hardlink to ${quoted}, which it replaces`, entry);
    }
    return slot.inode;
  }

  /** Hides a name of lower layers and of the base (rules 11, 11a, 12). */
  #whiteout(directory: Directory, name: string): void {
    const slot = directory.slots.get(name);
    if (slot === undefined) {
      if (!directory.opaque) directory.slots.set(name, HIDDEN);
    } else if (slot.kind === "directory") {
      this.#clear(slot);
      this.#settle(directory, name, slot);
    } else if (slot.kind === "leaf" && slot.layer < this.#layer) {
      this.#remove(directory, name);
    }
  }

  #remove(directory: Directory, name: string): void {
    if (directory.opaque) directory.slots.delete(name);
    else directory.slots.set(name, HIDDEN);
  }

  /** Decides on a lower directory whose lower content is gone: it stays on the way to a slot of this layer. */
  #settle(parent: Directory, name: string, directory: Directory): void {
    if (directory.layer < this.#layer && directory.slots.size === 0) this.#remove(parent, name);
  }

  /** Makes a directory opaque: hides all of lower layers and of the base in it, at any depth (rule 13). */
  #clear(top: Directory): void {
    const found: [parent: Directory, name: string, directory: Directory][] = [];
    const pending = [top];
    for (let directory = pending.pop(); directory !== undefined; directory = pending.pop()) {
      directory.opaque = true;
      if (directory.cleared === this.#layer) continue;
      directory.cleared = this.#layer;
      for (const [name, slot] of directory.slots) {
        if (slot.kind === "directory") {
          pending.push(slot);
          found.push([directory, name, slot]);
        } else if (slot.kind === "hidden" || slot.layer < this.#layer) {
          directory.slots.delete(name);
        }
      }
    }
    // Found after the one that holds it: from the last, what lies below is settled.
    for (const [parent, name, directory] of found.reverse()) this.#settle(parent, name, directory);
  }

  /** Keeps a file of AUFS's own for hardlinks to it (rule 23). */
  #hideAufs(path: readonly string[], entry: Entry, layer: Layer): void {
    const key = path.join("/");
    if (entry.type === "hardlink") {
      const target = cleanName(entry.target, this.#clamp);
      const inode = typeof target === "string" ? undefined : this.#aufs.get(target.join("/"));
      if (inode !== undefined) this.#aufs.set(key, inode);
    } else if (entry.type !== "directory") {
      this.#aufs.set(key, this.#leafInode(entry, layer));
    }
  }

  /** The directory that an entry's parents lead to, or undefined where there is none. */
  #find(names: readonly string[], entry: Entry): Directory | undefined {
    return this.#resolve(names, entry, () => undefined);
  }

  /** The same, made where it is missing (rules 5, 6). */
  #imply(names: readonly string[], entry: Entry): Directory {
    return this.#resolve(names, entry, (directory, name) => this.#addDirectory(directory, name, IMPLIED))!;
  }

  #resolve(
    names: readonly string[],
    entry: Entry,
    missing: (directory: Directory, name: string) => Directory | undefined,
  ): Directory | undefined {
    const budget = { links: LINK_LIMIT };
    let at: Directory | undefined = this.#root;
    for (const name of names) {
      at = this.#follow(at, [name], entry, budget) ?? missing(at, name);
      if (at === undefined) return undefined;
    }
    return at;
  }

  /** Follows names, the last in `pending` first, through links; undefined where they lead to no directory. */
  #follow(
    from: Directory,
    pending: string[],
    entry: Entry,
    budget: { links: number },
  ): Directory | undefined {
    let at = from;
    for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
      if (name === "..") {
        at = at.parent;
        continue;
      }
      const slot = at.slots.get(name);
      if (slot === undefined && !at.opaque) {
        throw fail(
          "unrepresentable",
          `rule 6: whether ${JSON.stringify(name)}, on its way, is a link depends on the base; squash with it`,
          entry,
        );
      }
      if (slot?.kind === "directory") {
        at = slot;
      } else if (slot?.kind === "leaf" && slot.inode.kind === "symlink") {
        if (budget.links-- === 0) {
          throw fail("limit", `rule 3: more than ${LINK_LIMIT} symbolic links on the way`, entry);
        }
        const { target } = slot.inode;
        if (target.startsWith("/")) at = this.#root;
        pending.push(...splitPath(target).reverse());
      } else {
        return undefined;
      }
    }
    return at;
  }

  #clean(entry: Entry): string[] {
    const names = cleanName(entry.name, this.#clamp);
    if (typeof names !== "string") return names;
    throw fail("name", `the name cannot be used: ${names} (rules 1 and 2)`, entry);
  }

  #checkName(names: readonly string[], entry: Entry): void {
    if (!fitsLinux(names)) throw fail("name", "the name is too long for Linux", entry);
  }

  /** The layer that says all of it. */
  plan(): PlannedDirectory {
    const firstPaths = new Map<RecordableInode, string>();
    const root = openPlan("/", this.#root, false);
    /** Directories under way, with the names yet to come, the next one last. */
    const open = [{ plan: root, directory: this.#root, names: sortedNames(this.#root) }];
    for (let top = open.at(-1); top !== undefined; top = open.at(-1)) {
      const name = top.names.pop();
      if (name === undefined) {
        open.pop();
        continue;
      }
      const slot = top.directory.slots.get(name)!;
      const path = joinPath(top.plan.path, name);
      if (slot.kind === "hidden") {
        top.plan.whiteouts.push(name);
      } else if (slot.kind === "leaf") {
        const leaf: PlannedLeaf = { path, inode: slot.inode, linkTo: firstPaths.get(slot.inode) };
        if (leaf.linkTo === undefined) firstPaths.set(slot.inode, path);
        top.plan.children.push(leaf);
      } else {
        const plan = openPlan(path, slot, top.directory.opaque);
        top.plan.children.push(plan);
        open.push({ plan, directory: slot, names: sortedNames(slot) });
      }
    }
    return root;
  }
}

interface OpenPlan extends PlannedDirectory {
  readonly whiteouts: string[];
  readonly children: Planned[];
}

/** A mark is needed only where the directory above lets something through. */
function openPlan(path: string, { inode, opaque }: Directory, covered: boolean): OpenPlan {
  return { path, inode, opaque: opaque && !covered, whiteouts: [], children: [] };
}

/** The last first. */
function sortedNames({ slots }: Directory): string[] {
  return [...slots.keys()].sort((a, b) => compareNames(b, a));
}
