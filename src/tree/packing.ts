/**
 * Makes a packed tree out of a growing one: the nodes that still have a name, in ascending order of
 * number, then everything that hangs on them (`sections.ts`).
 *
 * The bytes depend only on the chain of layers, not on whether they were applied one at a time or
 * at once. Directories of the base that nothing touched are copied as rows, without making a string.
 */
import type { RandomAccess } from "../platform/types.ts";
import { S_IFDIR, S_IFLNK, S_IFMT } from "../posix/mode.ts";
import { compareNames, nameLength, nameToBytes } from "../posix/names.ts";
import type { Extent } from "./content.ts";
import { type GrowingTree, ROOT_SLOT, type SlotId } from "./growing.ts";
import type { Xattrs } from "./inode.ts";
import { buildIndex } from "./name-index.ts";
import { PackedTree } from "./packed.ts";
import { packRecords } from "./packing-records.ts";
import { createSections, GROUP_FLAG, NO_SLOT, type Sections } from "./sections.ts";
import { SLOT_DIRECTORY, SLOT_NODE, SLOT_WORDS } from "./slot-words.ts";
import { encodeXattrs } from "./xattr-set.ts";

/** What the tree is called and where its layers' bytes are. */
export interface Chain {
  readonly chainID: string | undefined;
  /** The uncompressed archive of each layer, by position from 0. */
  readonly archives: (layerPosition: number) => RandomAccess;
}

const UNTOUCHED = -1;

/** Which nodes have a name, and where a touched directory's names are. */
interface Reach {
  /** How many names each node has; the root counts as having one. */
  readonly names: Uint32Array;
  /** The slot of each directory whose names were touched, else {@link UNTOUCHED}. */
  readonly slot: Int32Array;
  readonly slots: number;
  readonly nameBytes: number;
}

export function pack(tree: GrowingTree, { chainID, archives }: Chain): PackedTree {
  const { nodes } = tree;
  const reach = findReachable(tree);
  const rank = new Int32Array(nodes.length).fill(-1);
  const kept = new Uint32Array(nodes.length);
  let count = 0;
  let directories = 0;
  let groups = 0;
  let groupSlots = 0;
  for (let node = 0; node < nodes.length; node++) {
    const names = reach.names[node]!;
    if (names === 0) continue;
    kept[count] = node;
    rank[node] = count++;
    if ((nodes.mode[node]! & S_IFMT) === S_IFDIR) directories += 1;
    if (names > 1) {
      groups += 1;
      groupSlots += names;
    }
  }
  const alive = kept.subarray(0, count);

  const blob = new BlobBuilder();
  const place = new Float64Array(count);
  const extents: { node: number; extents: readonly Extent[] }[] = [];
  const subseconds: number[] = [];
  const sets = new XattrSets();
  let row = 0;
  alive.forEach((node, i) => {
    const type = nodes.mode[node]! & S_IFMT;
    if (type === S_IFDIR) place[i] = row++;
    else if (type === S_IFLNK) place[i] = blob.add(nodes.targetBytes(node));
    else place[i] = nodes.place[node]!;
    if (nodes.nanoseconds[node] !== 0) subseconds.push(i);
    const sparse = nodes.extents(node);
    if (sparse !== undefined) extents.push({ node: i, extents: sparse });
    sets.add(i, nodes.xattrs(node));
  });
  const setStarts = sets.encoded.map((set) => blob.add(set));
  const records = packRecords(tree);
  const chain = nameToBytes(chainID ?? "");

  const sections = createSections({
    nodes: count,
    layers: tree.layer,
    directories,
    slots: reach.slots,
    groups,
    groupSlots,
    sparse: extents.length,
    subseconds: subseconds.length,
    extents: extents.reduce((total, file) => total + file.extents.length, 0),
    xattrNodes: sets.nodes.length,
    xattrSets: setStarts.length,
    records: records.count,
    words: records.words.length,
    nameBytes: reach.nameBytes,
    recordNameBytes: records.nameBytes,
    blobBytes: blob.length,
    chainBytes: chain.length,
  });

  gather(alive, nodes.mode, sections.mode);
  gather(alive, nodes.uid, sections.uid);
  gather(alive, nodes.gid, sections.gid);
  gather(alive, nodes.size, sections.size);
  gather(alive, nodes.ordinal, sections.ordinal);
  alive.forEach((node, i) => {
    sections.seconds[i] = nodes.seconds[node]!;
  });
  sections.place.set(place);
  writeLayerStarts(alive, nodes.layerStart, sections);
  writeSlots(tree, reach, rank, alive, sections);
  sections.subsecondNode.set(subseconds);
  sections.subsecond.set(subseconds.map((node) => nodes.nanoseconds[alive[node]!]!));
  writeExtents(extents, sections);
  sections.xattrNode.set(sets.nodes);
  sections.xattrSet.set(sets.setOf);
  sections.xattrStart.set(setStarts);
  sections.xattrStart[setStarts.length] = blob.length;
  sections.blob.set(blob.bytes());
  sections.chain.set(chain);
  records.write(sections);
  return new PackedTree(sections, archives);
}

/** Walks the tree from the root. */
function findReachable(tree: GrowingTree): Reach {
  const { nodes, base } = tree;
  const { dirStart, slots: baseSlots, place } = base.sections;
  const names = new Uint32Array(nodes.length);
  const slot = new Int32Array(nodes.length).fill(UNTOUCHED);
  let slots = 0;
  let nameBytes = 0;
  names[base.root] = 1;
  slot[base.root] = tree.liveNames(ROOT_SLOT) === undefined ? UNTOUCHED : ROOT_SLOT;
  const walk = [base.root];
  for (let directory = walk.pop(); directory !== undefined; directory = walk.pop()) {
    const touched = slot[directory]!;
    if (touched !== UNTOUCHED) {
      for (const [name, child] of tree.liveNames(touched)!) {
        const node = tree.nodeOf(child);
        slots += 1;
        nameBytes += nameLength(name);
        names[node]! += 1;
        if ((nodes.mode[node]! & S_IFMT) !== S_IFDIR) continue;
        if (tree.liveNames(child) !== undefined) slot[node] = child;
        walk.push(node);
      }
    } else if (directory < base.nodeCount) {
      const row = place[directory]!;
      const start = dirStart[row]!;
      const end = dirStart[row + 1]!;
      slots += end - start;
      nameBytes += baseSlots[end * SLOT_WORDS]! - baseSlots[start * SLOT_WORDS]!;
      for (let i = start; i < end; i++) {
        const node = baseSlots[i * SLOT_WORDS + SLOT_NODE]!;
        names[node]! += 1;
        if ((nodes.mode[node]! & S_IFMT) === S_IFDIR) walk.push(node);
      }
    }
  }
  return { names, slot, slots, nameBytes };
}

function writeLayerStarts(alive: Uint32Array, starts: readonly number[], { layerStart }: Sections): void {
  let next = 0;
  alive.forEach((node, i) => {
    while (next < starts.length && starts[next]! <= node) layerStart[next++] = i;
  });
  layerStart.fill(alive.length, next);
}

/** Writes directories and slots, and from the slots each node's own. */
function writeSlots(
  tree: GrowingTree,
  reach: Reach,
  rank: Int32Array,
  alive: Uint32Array,
  sections: Sections,
): void {
  const { base, nodes } = tree;
  const from = base.sections;
  const writer = new SlotWriter(sections, reach, alive);
  for (let i = 0; i < alive.length; i++) {
    const directory = alive[i]!;
    if ((nodes.mode[directory]! & S_IFMT) !== S_IFDIR) continue;
    writer.beginDirectory(i);
    const touched = reach.slot[directory]!;
    if (touched !== UNTOUCHED) {
      const names = tree.liveNames(touched)!;
      for (const name of sortedNames(names)) {
        const node = tree.nodeOf(names.get(name)!);
        writer.addName(name);
        writer.addNode(rank[node]!);
      }
    } else if (directory < base.nodeCount) {
      const row = from.place[directory]!;
      const start = from.dirStart[row]!;
      const end = from.dirStart[row + 1]!;
      for (let j = start; j < end; j++) {
        const at = j * SLOT_WORDS;
        writer.addNameBytes(from.names, from.slots[at]!, from.slots[at + SLOT_WORDS]!);
        writer.addNode(rank[from.slots[at + SLOT_NODE]!]!);
      }
    }
  }
  writer.end();
  buildIndex(sections.nameIndex, sections.slots, sections.names);
}

class SlotWriter {
  readonly #sections: Sections;
  readonly #filled: Uint32Array;
  #row = -1;
  #directory = 0;
  #slot = 0;
  #byte = 0;

  constructor(sections: Sections, reach: Reach, alive: Uint32Array) {
    const { nodeSlot, groupStart } = sections;
    let group = 0;
    let at = 0;
    alive.forEach((node, i) => {
      const names = reach.names[node]!;
      nodeSlot[i] = NO_SLOT;
      if (names < 2) return;
      nodeSlot[i] = GROUP_FLAG | group;
      groupStart[group++] = at;
      at += names;
    });
    groupStart[group] = at;
    this.#sections = sections;
    this.#filled = new Uint32Array(group);
  }

  beginDirectory(node: number): void {
    this.#row += 1;
    this.#directory = node;
    this.#sections.dirStart[this.#row] = this.#slot;
  }

  addName(name: string): void {
    const { names } = this.#sections;
    const start = this.#byte;
    for (let i = 0; i < name.length; i++) {
      const unit = name.charCodeAt(i);
      if (unit > 0x7f) {
        const bytes = nameToBytes(name);
        this.addNameBytes(bytes, 0, bytes.length);
        return;
      }
      names[start + i] = unit;
    }
    this.#sections.slots[this.#slot * SLOT_WORDS] = start;
    this.#byte = start + name.length;
  }

  addNameBytes(bytes: Uint8Array, start: number, end: number): void {
    const { names, slots } = this.#sections;
    slots[this.#slot * SLOT_WORDS] = this.#byte;
    for (let i = start; i < end; i++) names[this.#byte++] = bytes[i]!;
  }

  addNode(node: number): void {
    const { nodeSlot, slots, groupStart, groupSlot, dirSubdirectories, mode } = this.#sections;
    const slot = this.#slot++;
    slots[slot * SLOT_WORDS + SLOT_DIRECTORY] = this.#directory;
    slots[slot * SLOT_WORDS + SLOT_NODE] = node;
    const own = nodeSlot[node]!;
    if (own === NO_SLOT) {
      nodeSlot[node] = slot;
    } else {
      const group = own & ~GROUP_FLAG;
      groupSlot[groupStart[group]! + this.#filled[group]!] = slot;
      this.#filled[group]! += 1;
    }
    if ((mode[node]! & S_IFMT) === S_IFDIR) dirSubdirectories[this.#row]! += 1;
  }

  end(): void {
    this.#sections.dirStart[this.#row + 1] = this.#slot;
    this.#sections.slots[this.#slot * SLOT_WORDS] = this.#byte;
  }
}

function writeExtents(
  files: readonly { node: number; extents: readonly Extent[] }[],
  { sparseNode, sparseStart, extentOffset, extentLength }: Sections,
): void {
  let at = 0;
  files.forEach((file, i) => {
    sparseNode[i] = file.node;
    sparseStart[i] = at;
    for (const { offset, length } of file.extents) {
      extentOffset[at] = offset;
      extentLength[at++] = length;
    }
  });
  sparseStart[files.length] = at;
}

/** The names of a map in byte order. Names arrive sorted more often than not. */
function sortedNames(names: ReadonlyMap<string, SlotId>): string[] {
  const list = [...names.keys()];
  for (let i = 1; i < list.length; i++) {
    if (compareNames(list[i - 1]!, list[i]!) > 0) return list.sort(compareNames);
  }
  return list;
}

function gather<T extends Uint16Array | Uint32Array | Float64Array>(
  rows: Uint32Array,
  from: T,
  into: T,
): void {
  for (let i = 0; i < rows.length; i++) into[i] = from[rows[i]!]!;
}

/** Which node has which set of xattrs; equal sets are stored once. */
class XattrSets {
  readonly nodes: number[] = [];
  readonly setOf: number[] = [];
  readonly encoded: Uint8Array[] = [];
  readonly #known: Map<string, number> = new Map();

  add(node: number, xattrs: Xattrs): void {
    if (xattrs.size === 0) return;
    const set = encodeXattrs(xattrs);
    let key = "";
    for (const byte of set) key += String.fromCharCode(byte);
    let index = this.#known.get(key);
    if (index === undefined) {
      index = this.encoded.push(set) - 1;
      this.#known.set(key, index);
    }
    this.nodes.push(node);
    this.setOf.push(index);
  }
}

class BlobBuilder {
  length = 0;
  #bytes: Uint8Array = new Uint8Array(256);

  /** @returns where the bytes start */
  add(bytes: Uint8Array): number {
    const start = this.length;
    this.length += bytes.length;
    if (this.length > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(this.length, this.#bytes.length * 2));
      grown.set(this.#bytes);
      this.#bytes = grown;
    }
    this.#bytes.set(bytes, start);
    return start;
  }

  bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.length);
  }
}
