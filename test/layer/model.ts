/**
 * The rules of applying, once more and as naively as possible: a flat map from resolved paths to
 * inodes, searched from end to end for every question. Slow, and structured like nothing in the
 * engine, so that the two agree only where both are right.
 */
import { splitPath } from "../../src/posix/path.ts";
import type { ProvenanceEvent, ProvenanceKind } from "../../src/tree/tree.ts";
import type { Draft } from "./build.ts";

export interface ModelInode {
  /** Told apart by identity: the object is the inode. */
  readonly type: Draft["type"];
  /** The entry whose attributes it has; undefined for an implied directory. */
  entry: Draft | undefined;
}

interface Name {
  inode: ModelInode;
  /** The layer that set it. */
  stamp: number;
  how: "put" | "linked" | "implied";
}

const PRIORITY: readonly ProvenanceKind[] = ["ancestor", "opaque", "whiteout"];

export class Model {
  /** By path without a leading slash; the root is the empty path. */
  readonly names: Map<string, Name> = new Map([
    ["", { inode: { type: "directory", entry: undefined }, stamp: -1, how: "put" }],
  ]);
  readonly history: Map<string, ProvenanceEvent[]> = new Map();
  #layer = -1;
  #before: ReadonlySet<string> = new Set();
  #hidden: Map<string, ProvenanceKind> = new Map();

  /** Applies one layer, which must be free of errors. */
  apply(drafts: readonly Draft[]): void {
    this.#layer += 1;
    this.#before = new Set(this.names.keys());
    this.#hidden = new Map();
    for (const draft of drafts) this.#entry(draft);
    for (const path of new Set([...this.#before, ...this.names.keys()])) {
      const events = this.history.get(path) ?? [];
      const name = this.names.get(path);
      const hidden = this.#hidden.get(path);
      const stays = name !== undefined && name.stamp < this.#layer;
      if (hidden !== undefined && !stays) events.push({ layer: this.#layer, kind: hidden });
      if (name?.stamp === this.#layer) events.push({ layer: this.#layer, kind: name.how });
      if (events.length > 0) this.history.set(path, events);
    }
  }

  #entry(draft: Draft): void {
    const names = clean(draft.name);
    const last = names.pop();
    if (last === undefined) {
      const root = this.names.get("")!;
      root.inode.entry = draft;
      root.stamp = this.#layer;
    } else if (last === ".wh..wh..opq") {
      const parent = this.#resolve(names, false);
      if (parent !== undefined)
        this.#hide(parent, (path) => (up(path) === parent ? "opaque" : "ancestor"), false);
    } else if (last.startsWith(".wh.")) {
      const parent = this.#resolve(names, false);
      if (parent === undefined) return;
      const top = join(parent, last.slice(4));
      if (this.names.has(top)) this.#hide(top, (path) => (path === top ? "whiteout" : "ancestor"), true);
    } else {
      this.#put(join(this.#resolve(names, true)!, last), draft);
    }
  }

  #put(path: string, draft: Draft): void {
    const there = this.names.get(path);
    if (draft.type === "directory" && there?.inode.type === "directory") {
      there.inode.entry = draft;
      there.stamp = this.#layer;
      there.how = "put";
      return;
    }
    let inode: ModelInode = { type: draft.type, entry: draft };
    if (draft.type === "hardlink") {
      const names = clean(draft.target);
      const last = names.pop()!;
      inode = this.names.get(join(this.#resolve(names, false)!, last))!.inode;
    }
    this.#remove(path);
    this.names.set(path, { inode, stamp: this.#layer, how: draft.type === "hardlink" ? "linked" : "put" });
  }

  /** Removes a name and everything below it, whatever set it. */
  #remove(top: string): void {
    for (const path of this.#before) if (isBelow(path, top)) this.#note(path, "ancestor", top);
    for (const path of [...this.names.keys()])
      if (path === top || isBelow(path, top)) this.names.delete(path);
  }

  /** Removes what lower layers have at or below a path. */
  #hide(top: string, kind: (path: string) => ProvenanceKind, itself: boolean): void {
    const affected = (path: string) => isBelow(path, top) || (itself && path === top);
    for (const path of this.#before) if (affected(path)) this.#note(path, kind(path), top);
    const own = [...this.names].filter(([, name]) => name.stamp === this.#layer).map(([path]) => path);
    for (const [path, name] of [...this.names]) {
      if (!affected(path) || name.stamp === this.#layer) continue;
      if (!own.some((other) => isBelow(other, path))) this.names.delete(path);
    }
  }

  /** Notes what hid a path that was there before the layer; the nearest cause counts. */
  #note(path: string, kind: ProvenanceKind, top: string): void {
    // Only a directory that is replaced hides what was below it.
    if (kind === "ancestor" && path !== top && this.names.get(top)?.inode.type !== "directory") return;
    const known = this.#hidden.get(path);
    if (known === undefined || PRIORITY.indexOf(kind) > PRIORITY.indexOf(known)) this.#hidden.set(path, kind);
  }

  /** The directory that names lead to, links followed; made where missing if `make` says so. */
  #resolve(names: readonly string[], make: boolean): string | undefined {
    let at = "";
    for (const name of names) {
      const next = this.#walk(at, [name], 0);
      if (next !== undefined) {
        at = next;
      } else if (make) {
        const path = join(at, name);
        this.#remove(path);
        this.names.set(path, {
          inode: { type: "directory", entry: undefined },
          stamp: this.#layer,
          how: "implied",
        });
        at = path;
      } else {
        return undefined;
      }
    }
    return at;
  }

  #walk(from: string, names: readonly string[], depth: number): string | undefined {
    if (depth > 300) throw new Error("too many links");
    let at = from;
    for (const name of names) {
      if (name === "..") {
        at = up(at);
        continue;
      }
      const path = join(at, name);
      const inode = this.names.get(path)?.inode;
      if (inode?.type === "directory") {
        at = path;
      } else if (inode?.type === "symlink" && inode.entry?.type === "symlink") {
        const { target } = inode.entry;
        const next = this.#walk(target.startsWith("/") ? "" : at, splitPath(target), depth + 1);
        if (next === undefined) return undefined;
        at = next;
      } else {
        return undefined;
      }
    }
    return at;
  }
}

function clean(name: string): string[] {
  const names: string[] = [];
  for (const part of splitPath(name)) {
    if (part === "..") names.pop();
    else names.push(part);
  }
  return names;
}

function join(directory: string, name: string): string {
  return directory === "" ? name : `${directory}/${name}`;
}

function up(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf("/")));
}

function isBelow(path: string, top: string): boolean {
  return path !== top && (top === "" || path.startsWith(`${top}/`));
}
