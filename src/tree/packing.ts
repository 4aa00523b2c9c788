/**
 * Makes a packed tree out of a growing one: the nodes that still have a name, in ascending order of
 * number, then everything that hangs on them (`sections.ts`).
 *
 * The bytes depend only on the chain of layers, not on whether they were applied one at a time or
 * at once. Directories of the base that nothing touched are copied as rows, without making a string.
 */
import type { RandomAccess } from "../platform/types.ts";
import { S_IFDIR, S_IFLNK, S_IFMT } from "../posix/mode.ts";
import { nameToBytes } from "../posix/names.ts";
import type { Extent } from "./content.ts";
import type { GrowingTree } from "./growing.ts";
import type { Xattrs } from "./inode.ts";
import { PackedTree } from "./packed.ts";
import { packRecords } from "./packing-records.ts";
import { findReachable, writeSlots } from "./packing-slots.ts";
import { createSections, type Sections } from "./sections.ts";
import { encodeXattrs } from "./xattr-set.ts";

/** What the tree is called and where its layers' bytes are. */
export interface Chain {
  readonly chainID: string | undefined;
  /** The uncompressed archive of each layer, by position from 0. */
  readonly archives: (layerPosition: number) => RandomAccess;
}

/** Packs a tree. The growing one is of no further use. */
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

function writeLayerStarts(alive: Uint32Array, starts: readonly number[], { layerStart }: Sections): void {
  let next = 0;
  alive.forEach((node, i) => {
    while (next < starts.length && starts[next]! <= node) layerStart[next++] = i;
  });
  layerStart.fill(alive.length, next);
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
