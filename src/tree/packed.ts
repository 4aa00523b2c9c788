/**
 * The tree of a chain of layers, read straight from one buffer (`sections.ts`).
 *
 * Opening makes no object per entry and reading keeps none: inodes, names and lists are made when
 * asked for. A node is a row, in ascending order of inode number; the root is node 0. `lookup` does
 * not allocate for a name in ASCII. The buffer is never changed.
 */
import type { RandomAccess } from "../platform/types.ts";
import { type Kind, S_IFDIR, S_IFMT } from "../posix/mode.ts";
import { nameFromBytes, nameToBytes } from "../posix/names.ts";
import { fromSeconds } from "../posix/time.ts";
import { type Content, EMPTY_CONTENT, type Extent, SliceContent, SparseContent } from "./content.ts";
import { type Inode, NO_XATTRS, type Xattrs } from "./inode.ts";
import { findSlot, NOT_THERE } from "./name-index.ts";
import { findName, findNumber, lastAtMost } from "./name-search.ts";
import { eventsOf, makeWord, PUT } from "./provenance.ts";
import { findRecord, NO_RECORD, ROOT_RECORD, recordWords } from "./records.ts";
import { createSections, GROUP_FLAG, NO_SLOT, openSections, type Sections, seal } from "./sections.ts";
import { SLOT_DIRECTORY, SLOT_NAME, SLOT_NODE, SLOT_WORDS } from "./slot-words.ts";
import {
  NO_NODE,
  type NodeId,
  type Permissions,
  type ProvenanceEvent,
  ROOT_NUMBER,
  type Slot,
  type Tree,
  type TreeEntry,
} from "./tree.ts";
import { decodeXattrs } from "./xattr-set.ts";

/** How many inodes a layer can number: the step between two layers' numbers. */
export const NUMBERS_PER_LAYER = 2 ** 32;

const ROOT = 0;

/** How many sets of xattrs stay decoded: where every file has a label, few labels make many files. */
const DECODED_SETS = 256;

/** By `st_mode >> 12`. */
const KINDS: readonly (Kind | undefined)[] = [
  undefined,
  "fifo",
  "char",
  undefined,
  "directory",
  undefined,
  "block",
  undefined,
  "file",
  undefined,
  "symlink",
  undefined,
  "socket",
];

/** Where the bytes of a chain's layers are. Asked at the first inode that needs a layer, once for each. */
export type Archives = (layerPosition: number) => RandomAccess;

export class PackedTree implements Tree {
  readonly chainID: string | undefined;
  readonly layerCount: number;
  readonly nodeCount: number;
  readonly root: NodeId = ROOT;
  /** The columns themselves: for `growing.ts` and `packing.ts`, which make one tree out of another. */
  readonly sections: Sections;
  /** The uncompressed archive of each layer, by position from 0. */
  readonly archive: Archives;

  // The columns of a lookup, at hand.
  readonly #mode: Uint16Array;
  readonly #place: Float64Array;
  readonly #dirStart: Uint32Array;
  readonly #names: Uint8Array;
  readonly #index: Uint32Array;
  readonly #slots: Uint32Array;
  readonly #decoded: Xattrs[] = [];

  constructor(sections: Sections, archives: Archives) {
    const opened: RandomAccess[] = [];
    this.sections = sections;
    this.archive = (position) => (opened[position] ??= archives(position));
    this.chainID = sections.chain.length === 0 ? undefined : nameFromBytes(sections.chain);
    this.layerCount = sections.counts.layers;
    this.nodeCount = sections.counts.nodes;
    this.#mode = sections.mode;
    this.#place = sections.place;
    this.#dirStart = sections.dirStart;
    this.#names = sections.names;
    this.#index = sections.nameIndex;
    this.#slots = sections.slots;
  }

  lookup(directory: NodeId, name: string): NodeId {
    const slot = findSlot(this.#index, this.#slots, this.#names, directory, name);
    if (slot >= 0) return this.#slots[slot * SLOT_WORDS + SLOT_NODE]!;
    return slot === NOT_THERE ? NO_NODE : this.#search(directory, name);
  }

  list(directory: NodeId): readonly TreeEntry[] {
    if (!this.#isDirectory(directory)) return [];
    const row = this.#place[directory]!;
    const end = this.#dirStart[row + 1]!;
    const entries: TreeEntry[] = [];
    for (let slot = this.#dirStart[row]!; slot < end; slot++) {
      entries.push({ name: this.nameAt(slot), node: this.#slots[slot * SLOT_WORDS + SLOT_NODE]! });
    }
    return entries;
  }

  kind(node: NodeId): Kind {
    return KINDS[this.#mode[node]! >>> 12]!;
  }

  inode(node: NodeId): Inode {
    const { seconds, uid, gid, size, place, blob } = this.sections;
    const attributes = {
      mode: this.#mode[node]! & 0o7777,
      uid: uid[node]!,
      gid: gid[node]!,
      mtime: fromSeconds(seconds[node]!, this.#subsecond(node)),
      xattrs: this.xattrs(node),
    };
    const kind = this.kind(node);
    switch (kind) {
      case "file":
        return { kind, ...attributes, content: this.#content(node) };
      case "symlink":
        return {
          kind,
          ...attributes,
          target: nameFromBytes(blob, place[node]!, place[node]! + size[node]!),
        };
      case "char":
      case "block":
        return { kind, ...attributes, rdev: place[node]! };
      default:
        return { kind, ...attributes };
    }
  }

  permissions(node: NodeId): Permissions {
    const { uid, gid } = this.sections;
    return { kind: this.kind(node), mode: this.#mode[node]! & 0o7777, uid: uid[node]!, gid: gid[node]! };
  }

  number(node: NodeId): number {
    return node === ROOT
      ? ROOT_NUMBER
      : this.layerOf(node) * NUMBERS_PER_LAYER + this.sections.ordinal[node]!;
  }

  nodeByNumber(number: number): NodeId {
    if (number === ROOT_NUMBER) return ROOT;
    const { layerStart, ordinal } = this.sections;
    const layer = Math.floor(number / NUMBERS_PER_LAYER);
    if (!(layer >= 1 && layer <= this.layerCount)) return NO_NODE;
    return findNumber(ordinal, layerStart[layer]!, layerStart[layer + 1]!, number % NUMBERS_PER_LAYER);
  }

  linkCount(node: NodeId): number {
    const slot = this.sections.nodeSlot[node]!;
    if (slot === NO_SLOT || (slot & GROUP_FLAG) === 0) return 1;
    const group = slot ^ GROUP_FLAG;
    const { groupStart } = this.sections;
    return groupStart[group + 1]! - groupStart[group]!;
  }

  subdirectoryCount(directory: NodeId): number {
    return this.#isDirectory(directory) ? this.sections.dirSubdirectories[this.#place[directory]!]! : 0;
  }

  slots(node: NodeId): readonly Slot[] {
    const { nodeSlot, groupStart, groupSlot } = this.sections;
    const slot = nodeSlot[node]!;
    if (slot === NO_SLOT) return [];
    if ((slot & GROUP_FLAG) === 0) return [this.#slotAt(slot)];
    const group = slot ^ GROUP_FLAG;
    const slots: Slot[] = [];
    for (let i = groupStart[group]!; i < groupStart[group + 1]!; i++) slots.push(this.#slotAt(groupSlot[i]!));
    return slots;
  }

  parent(directory: NodeId): NodeId {
    if (!this.#isDirectory(directory)) return NO_NODE;
    const slot = this.sections.nodeSlot[directory]!;
    return slot === NO_SLOT ? ROOT : this.#slots[slot * SLOT_WORDS + SLOT_DIRECTORY]!;
  }

  history(directory: NodeId, names: readonly string[]): readonly ProvenanceEvent[] {
    const above: string[] = [];
    for (let node = directory; node !== ROOT; node = this.parent(node)) {
      const slot = this.slots(node)[0];
      if (slot === undefined) return [];
      above.push(slot.name);
    }
    let record = ROOT_RECORD;
    let node: NodeId = ROOT;
    const words: (readonly number[])[] = [recordWords(this.sections, ROOT_RECORD)];
    for (const name of [...above.reverse(), ...names]) {
      record = findRecord(this.sections, record, name);
      node = node === NO_NODE ? NO_NODE : this.lookup(node, name);
      if (record === NO_RECORD && node === NO_NODE) return [];
      const recorded = recordWords(this.sections, record);
      words.push(recorded.length > 0 || node === NO_NODE ? recorded : [this.defaultWord(node)]);
    }
    return eventsOf(words);
  }

  /** The name in a slot of `sections`. */
  nameAt(slot: number): string {
    const at = slot * SLOT_WORDS + SLOT_NAME;
    return nameFromBytes(this.#names, this.#slots[at]!, this.#slots[at + SLOT_WORDS]!);
  }

  /** Position from 1 of the layer that an inode's number names; 0 for the root. */
  layerOf(node: NodeId): number {
    const { layerStart } = this.sections;
    return lastAtMost(layerStart, 0, this.layerCount + 1, node);
  }

  /** The only word of a name that has no record: the layer of its inode put it. */
  defaultWord(node: NodeId): number {
    return makeWord(this.layerOf(node) - 1, PUT);
  }

  xattrs(node: NodeId): Xattrs {
    const { xattrNode, xattrSet, xattrStart, blob } = this.sections;
    if (xattrNode.length === 0) return NO_XATTRS;
    const at = findNumber(xattrNode, 0, xattrNode.length, node);
    if (at < 0) return NO_XATTRS;
    const set = xattrSet[at]!;
    if (set >= DECODED_SETS) return decodeXattrs(blob, xattrStart[set]!);
    return (this.#decoded[set] ??= decodeXattrs(blob, xattrStart[set]!));
  }

  /** The extents of a sparse file, or undefined for any other node. */
  extents(node: NodeId): readonly Extent[] | undefined {
    const { sparseNode, sparseStart, extentOffset, extentLength } = this.sections;
    const at = sparseNode.length === 0 ? -1 : findNumber(sparseNode, 0, sparseNode.length, node);
    if (at < 0) return undefined;
    const extents: Extent[] = [];
    for (let i = sparseStart[at]!; i < sparseStart[at + 1]!; i++) {
      extents.push({ offset: extentOffset[i]!, length: extentLength[i]! });
    }
    return extents;
  }

  #subsecond(node: NodeId): number {
    const { subsecondNode, subsecond } = this.sections;
    if (subsecondNode.length === 0) return 0;
    const at = findNumber(subsecondNode, 0, subsecondNode.length, node);
    return at < 0 ? 0 : subsecond[at]!;
  }

  #content(node: NodeId): Content {
    const size = this.sections.size[node]!;
    if (size === 0) return EMPTY_CONTENT;
    const archive = this.archive(this.layerOf(node) - 1);
    const start = this.#place[node]!;
    const extents = this.extents(node);
    return extents === undefined
      ? new SliceContent(archive, start, size)
      : new SparseContent(archive, start, size, extents);
  }

  /** The lookup of a name that the index does not know. */
  #search(directory: NodeId, name: string): NodeId {
    if (!this.#isDirectory(directory)) return NO_NODE;
    const row = this.#place[directory]!;
    const [low, high] = [this.#dirStart[row]!, this.#dirStart[row + 1]!];
    const slot = findName(this.#names, this.#slots, SLOT_WORDS, low, high, nameToBytes(name));
    return slot < 0 ? NO_NODE : this.#slots[slot * SLOT_WORDS + SLOT_NODE]!;
  }

  #isDirectory(node: NodeId): boolean {
    return (this.#mode[node]! & S_IFMT) === S_IFDIR;
  }

  #slotAt(slot: number): Slot {
    return { directory: this.#slots[slot * SLOT_WORDS + SLOT_DIRECTORY]!, name: this.nameAt(slot) };
  }
}

/**
 * The bytes that {@link openTree} reads: deterministic, one byte string for one chain and
 * `FORMAT_VERSION`. They are the tree's own and must not be changed.
 */
export function packTree(tree: PackedTree): Uint8Array {
  seal(tree.sections);
  return tree.sections.bytes;
}

/**
 * Opens a packed tree in place; the bytes must not change afterwards.
 * @returns undefined where the bytes are damaged, of another `FORMAT_VERSION`, of a machine with
 *   another byte order or of another chain: the tree is then to be made again from its layers
 */
export function openTree(
  bytes: Uint8Array,
  { chainID, archives }: { chainID: string | undefined; archives: Archives },
): PackedTree | undefined {
  const sections = openSections(bytes);
  if (sections === undefined) return undefined;
  const tree = new PackedTree(sections, archives);
  return tree.chainID === chainID ? tree : undefined;
}

/** The tree of no layers: a root that no layer mentions, 0755 0:0 with mtime 0 (rule 1). */
export const EMPTY_TREE: PackedTree = new PackedTree(emptySections(), () => {
  throw new RangeError("a tree without layers has no archives");
});

function emptySections(): Sections {
  const sections = createSections({
    nodes: 1,
    layers: 0,
    directories: 1,
    slots: 0,
    groups: 0,
    groupSlots: 0,
    sparse: 0,
    subseconds: 0,
    extents: 0,
    xattrNodes: 0,
    xattrSets: 0,
    records: 1,
    words: 0,
    nameBytes: 0,
    recordNameBytes: 0,
    blobBytes: 0,
    chainBytes: 0,
  });
  sections.mode[ROOT] = S_IFDIR | 0o755;
  sections.nodeSlot[ROOT] = NO_SLOT;
  sections.layerStart[1] = 1;
  sections.recordChild.fill(1);
  return sections;
}
