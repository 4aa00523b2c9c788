/**
 * Inodes while a tree grows: the node columns of `sections.ts` with room at the end. A node's row
 * never moves and rows are only added, so that they stay in ascending order of number.
 */
import {
  type Kind,
  MAX_MAJOR,
  MAX_MINOR,
  makeDevice,
  PERMISSION_BITS,
  S_IFMT,
  typeBits,
} from "../posix/mode.ts";
import { nameFromBytes, nameLength, nameToBytes } from "../posix/names.ts";
import { type Nanoseconds, seconds, subsecond } from "../posix/time.ts";
import type { Extent } from "./content.ts";
import { NO_XATTRS, type Xattrs } from "./inode.ts";
import type { PackedTree } from "./packed.ts";
import { XattrSets } from "./xattr-sets.ts";

/** What every kind of node is given. */
export interface NodeAttributes {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtime: Nanoseconds;
  readonly xattrs: Xattrs;
}

/** The highest device number that Linux encodes (rule 36). */
export const MAX_DEVICE = makeDevice(MAX_MAJOR, MAX_MINOR);

/** No xattrs. */
export const NO_SET = -1;

const SPARE = 64;

export class NodeTable {
  length: number;
  mode: Uint16Array;
  uid: Uint32Array;
  gid: Uint32Array;
  seconds: BigInt64Array;
  nanoseconds: Uint32Array;
  size: Float64Array;
  place: Float64Array;
  ordinal: Uint32Array;
  /** By position of the layer, the root being position 0: its first node. */
  readonly layerStart: number[];
  // What the base does not have: targets, extents, and xattrs set since, also where there are none.
  readonly #targets: Map<number, string> = new Map();
  readonly #extents: Map<number, readonly Extent[]> = new Map();
  readonly #xattrs: Map<number, number> = new Map();
  readonly #sets = new XattrSets();
  readonly #base: PackedTree;
  #lastTime: Nanoseconds = 0n;
  #lastSeconds = 0n;
  #lastSubsecond = 0;

  constructor(base: PackedTree) {
    const from = base.sections;
    const capacity = base.nodeCount + (base.nodeCount >>> 3) + SPARE;
    this.#base = base;
    this.length = base.nodeCount;
    this.mode = widen(from.mode, new Uint16Array(capacity));
    this.uid = widen(from.uid, new Uint32Array(capacity));
    this.gid = widen(from.gid, new Uint32Array(capacity));
    this.seconds = widen(from.seconds, new BigInt64Array(capacity));
    this.nanoseconds = new Uint32Array(capacity);
    from.subsecondNode.forEach((node, i) => {
      this.nanoseconds[node] = from.subsecond[i]!;
    });
    this.size = widen(from.size, new Float64Array(capacity));
    this.place = widen(from.place, new Float64Array(capacity));
    this.ordinal = widen(from.ordinal, new Uint32Array(capacity));
    this.layerStart = Array.from(from.layerStart);
    this.layerStart.pop();
  }

  /** Begins the next layer: nodes added from here on are its own. */
  beginLayer(): void {
    this.layerStart.push(this.length);
  }

  /** Adds an inode of the current layer. */
  add(kind: Kind, attributes: NodeAttributes): number {
    const node = this.length;
    if (node === this.mode.length) this.#grow();
    this.length += 1;
    const position = this.layerStart.length - 1;
    this.ordinal[node] = node - this.layerStart[position]! + 1;
    this.mode[node] = typeBits(kind);
    this.setAttributes(node, attributes);
    return node;
  }

  setAttributes(node: number, { mode, uid, gid, mtime, xattrs }: NodeAttributes): void {
    this.mode[node] = (this.mode[node]! & S_IFMT) | (mode & PERMISSION_BITS);
    this.uid[node] = uid;
    this.gid[node] = gid;
    // Neighbours in an archive often have the same time, and dividing a bigint costs more than all else here.
    if (mtime !== this.#lastTime) {
      this.#lastTime = mtime;
      this.#lastSeconds = seconds(mtime);
      this.#lastSubsecond = subsecond(mtime);
    }
    this.seconds[node] = this.#lastSeconds;
    this.nanoseconds[node] = this.#lastSubsecond;
    if (xattrs.size > 0) this.#xattrs.set(node, this.#sets.add(xattrs));
    else if (node < this.#base.nodeCount) this.#xattrs.set(node, NO_SET);
    else this.#xattrs.delete(node);
  }

  /** Adds a regular file whose bytes start at `start` of the current layer's archive. */
  addFile(
    attributes: NodeAttributes,
    size: number,
    start: number,
    extents: readonly Extent[] | undefined,
  ): number {
    const node = this.add("file", attributes);
    this.size[node] = size;
    this.place[node] = start;
    if (extents !== undefined) this.#extents.set(node, extents);
    return node;
  }

  addSymlink(attributes: NodeAttributes, target: string): number {
    const node = this.add("symlink", attributes);
    this.size[node] = nameLength(target);
    this.#targets.set(node, target);
    return node;
  }

  addDevice(kind: "char" | "block", attributes: NodeAttributes, rdev: number): number {
    const node = this.add(kind, attributes);
    this.place[node] = rdev;
    return node;
  }

  /** The extents of a sparse file, or undefined for any other node. */
  extents(node: number): readonly Extent[] | undefined {
    return node < this.#base.nodeCount ? this.#base.extents(node) : this.#extents.get(node);
  }

  /** The number of a node's set of xattrs, or {@link NO_SET}. */
  xattrSet(node: number): number {
    const set = this.#xattrs.get(node);
    if (set !== undefined) return set;
    const xattrs = node < this.#base.nodeCount ? this.#base.xattrs(node) : NO_XATTRS;
    return xattrs.size === 0 ? NO_SET : this.#sets.add(xattrs);
  }

  /** The bytes of a set (`xattr-set.ts`). Valid until another set is asked for by node. */
  encodedSet(set: number): Uint8Array {
    return this.#sets.encoded(set);
  }

  target(node: number): string {
    const set = this.#targets.get(node);
    if (set !== undefined) return set;
    const { blob } = this.#base.sections;
    const start = this.place[node]!;
    return nameFromBytes(blob, start, start + this.size[node]!);
  }

  /** The bytes of a symlink's target, without decoding those of the base. */
  targetBytes(node: number): Uint8Array {
    const set = this.#targets.get(node);
    if (set !== undefined) return nameToBytes(set);
    const start = this.place[node]!;
    return this.#base.sections.blob.subarray(start, start + this.size[node]!);
  }

  /** Position from 1 of the layer that a node's number names; 0 for the root. */
  layerOf(node: number): number {
    const { layerStart } = this;
    let low = 0;
    let high = layerStart.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (layerStart[middle]! <= node) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  #grow(): void {
    const capacity = this.mode.length * 2;
    this.mode = widen(this.mode, new Uint16Array(capacity));
    this.uid = widen(this.uid, new Uint32Array(capacity));
    this.gid = widen(this.gid, new Uint32Array(capacity));
    this.seconds = widen(this.seconds, new BigInt64Array(capacity));
    this.nanoseconds = widen(this.nanoseconds, new Uint32Array(capacity));
    this.size = widen(this.size, new Float64Array(capacity));
    this.place = widen(this.place, new Float64Array(capacity));
    this.ordinal = widen(this.ordinal, new Uint32Array(capacity));
  }
}

interface Settable<T> {
  set(from: T): void;
}

/** Copies a column into a longer one. */
export function widen<T extends Settable<T>>(from: T, into: T): T {
  into.set(from);
  return into;
}
