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
import { ByteRun } from "./byte-run.ts";
import type { Extent } from "./content.ts";
import type { GrowingTree } from "./growing.ts";
import { NO_SET } from "./node-table.ts";
import { PackedTree } from "./packed.ts";
import { packRecords } from "./packing-records.ts";
import { findReachable, writeSlots } from "./packing-slots.ts";
import { createSections, type Sections } from "./sections.ts";

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

  const blob = new ByteRun();
  const place = new Float64Array(count);
  const extents: { node: number; extents: readonly Extent[] }[] = [];
  const subseconds: number[] = [];
  const xattrNodes: number[] = [];
  const xattrSet: number[] = [];
  /** What number each set of the table has in the packed tree: by the order in which nodes have them. */
  const setNumbers = new Map<number, number>();
  let row = 0;
  alive.forEach((node, i) => {
    const type = nodes.mode[node]! & S_IFMT;
    if (type === S_IFDIR) place[i] = row++;
    else if (type === S_IFLNK) place[i] = blob.add(nodes.targetBytes(node));
    else place[i] = nodes.place[node]!;
    if (nodes.nanoseconds[node] !== 0) subseconds.push(i);
    const sparse = nodes.extents(node);
    if (sparse !== undefined) extents.push({ node: i, extents: sparse });
    const set = nodes.xattrSet(node);
    if (set === NO_SET) return;
    if (!setNumbers.has(set)) setNumbers.set(set, setNumbers.size);
    xattrNodes.push(i);
    xattrSet.push(setNumbers.get(set)!);
  });
  // Sets go into the tree at once: there may be as many as there are nodes.
  const setStarts: number[] = [];
  let blobBytes = blob.length;
  for (const set of setNumbers.keys()) {
    setStarts.push(blobBytes);
    blobBytes += nodes.encodedSet(set).length;
  }
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
    xattrNodes: xattrNodes.length,
    xattrSets: setStarts.length,
    records: records.count,
    words: records.words.length,
    nameBytes: reach.nameBytes,
    recordNameBytes: records.nameBytes,
    blobBytes,
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
  sections.xattrNode.set(xattrNodes);
  sections.xattrSet.set(xattrSet);
  sections.xattrStart.set(setStarts);
  sections.xattrStart[setStarts.length] = blobBytes;
  sections.blob.set(blob.bytes());
  for (const [set, number] of setNumbers) sections.blob.set(nodes.encodedSet(set), setStarts[number]!);
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
