/**
 * The bytes of a packed tree: one buffer, a header, then columns one after the other.
 *
 * Everything is indexed by number, nothing by pointer, so that opening is making views:
 *
 * - A **node** is a row of the node columns. Rows are in ascending order of inode number, the root
 *   first; a number is the layer (found in `layerStart`) and the row's `ordinal`.
 * - A **directory** has a row of its own, in order of node; `dirStart` gives its range of slots.
 * - A **slot** is a name in a directory and the node it leads to: three words side by side, since a
 *   lookup wants them all. The slots of a directory are sorted by the bytes of their names, and the
 *   names of all slots follow each other in one blob.
 * - A **record** is a path whose provenance cannot be told from its node; records form a tree of
 *   paths (see `provenance.ts`), those of one parent contiguous and sorted by name.
 *
 * Numbers are in the byte order of the machine that wrote them: a cache is not carried elsewhere, and
 * on a machine of the other order the first word does not match. The checksum guards against torn
 * writes, truncation, zeroed blocks and flipped bits; it does not guard against someone who can write
 * to the cache, who could as well write to the layers.
 */

import { indexSize } from "./name-index.ts";
import { SLOT_WORDS } from "./slot-words.ts";

/** Changes whenever the meaning of a byte does. Part of a cached tree's key. */
export const FORMAT_VERSION = 1;

const MAGIC = 0x54725453;
const CHECKSUM_WORD = 2;
const COUNTS_WORD = 4;

/** How many rows each part has. The order is the order in the header. */
const COUNTS = [
  "nodes",
  "layers",
  "directories",
  "slots",
  "groups",
  "groupSlots",
  "sparse",
  "extents",
  "subseconds",
  "xattrNodes",
  "xattrSets",
  "records",
  "words",
  "nameBytes",
  "recordNameBytes",
  "blobBytes",
  "chainBytes",
] as const;

export type Counts = Record<(typeof COUNTS)[number], number>;

const HEADER_BYTES = (COUNTS_WORD + COUNTS.length) * 4;

/** No slot: the root has none. */
export const NO_SLOT = 0xffffffff;
/** Set in `nodeSlot` where a node has several names: the rest is the index of its group. */
export const GROUP_FLAG = 0x80000000;

export interface Sections {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly counts: Counts;

  /** File: size in bytes. Symlink: length of its target in bytes. */
  readonly size: Float64Array;
  /** File: where its bytes start in the layer. Symlink: where its target starts in `blob`. Device: its number. Directory: its row. */
  readonly place: Float64Array;
  readonly seconds: BigInt64Array;
  readonly extentOffset: Float64Array;
  readonly extentLength: Float64Array;

  readonly uid: Uint32Array;
  readonly gid: Uint32Array;
  readonly ordinal: Uint32Array;
  /** The node's only slot, or {@link GROUP_FLAG} and its group, or {@link NO_SLOT}. */
  readonly nodeSlot: Uint32Array;
  /** By position of the layer, the root being position 0: its first node. One more than there are layers and the root. */
  readonly layerStart: Uint32Array;

  /** By row of the directory: its first slot. One more than there are directories. */
  readonly dirStart: Uint32Array;
  readonly dirSubdirectories: Uint32Array;

  /** {@link SLOT_WORDS} for each slot, and one more for where the last name ends. */
  readonly slots: Uint32Array;
  /** Finds a name's slot: see `name-index.ts`. */
  readonly nameIndex: Uint32Array;
  readonly groupStart: Uint32Array;
  readonly groupSlot: Uint32Array;

  /** Nodes whose time is no whole second, and what is above it. */
  readonly subsecondNode: Uint32Array;
  readonly subsecond: Uint32Array;
  readonly sparseNode: Uint32Array;
  readonly sparseStart: Uint32Array;
  readonly xattrNode: Uint32Array;
  readonly xattrSet: Uint32Array;
  /** Where each set of xattrs starts in `blob`. */
  readonly xattrStart: Uint32Array;

  readonly recordName: Uint32Array;
  /** Where each record's children start among the records. */
  readonly recordChild: Uint32Array;
  /** Where each record's words start in `words`. */
  readonly recordWord: Uint32Array;
  readonly words: Uint32Array;

  /** `st_mode`: type and permission bits. */
  readonly mode: Uint16Array;

  readonly names: Uint8Array;
  readonly recordNames: Uint8Array;
  readonly blob: Uint8Array;
  readonly chain: Uint8Array;
}

interface View<T> {
  readonly BYTES_PER_ELEMENT: number;
  new (buffer: ArrayBuffer, offset: number, length: number): T;
}

/** Makes the views over a buffer, or only measures where there is none. Wider elements come first, so that all are aligned. */
function lay(
  counts: Counts,
  buffer: ArrayBuffer | undefined,
): { length: number; sections: Sections | undefined } {
  let at = (HEADER_BYTES + 7) & ~7;
  const empty = new ArrayBuffer(0);
  function take<T>(type: View<T>, length: number): T {
    const start = at;
    at += length * type.BYTES_PER_ELEMENT;
    return buffer === undefined ? new type(empty, 0, 0) : new type(buffer, start, length);
  }
  const n = counts.nodes;
  const columns = {
    size: take(Float64Array, n),
    place: take(Float64Array, n),
    seconds: take(BigInt64Array, n) as BigInt64Array,
    extentOffset: take(Float64Array, counts.extents),
    extentLength: take(Float64Array, counts.extents),
    uid: take(Uint32Array, n),
    gid: take(Uint32Array, n),
    ordinal: take(Uint32Array, n),
    nodeSlot: take(Uint32Array, n),
    layerStart: take(Uint32Array, counts.layers + 2),
    dirStart: take(Uint32Array, counts.directories + 1),
    dirSubdirectories: take(Uint32Array, counts.directories),
    slots: take(Uint32Array, counts.slots * SLOT_WORDS + 1),
    nameIndex: take(Uint32Array, indexSize(counts.slots)),
    groupStart: take(Uint32Array, counts.groups + 1),
    groupSlot: take(Uint32Array, counts.groupSlots),
    subsecondNode: take(Uint32Array, counts.subseconds),
    subsecond: take(Uint32Array, counts.subseconds),
    sparseNode: take(Uint32Array, counts.sparse),
    sparseStart: take(Uint32Array, counts.sparse + 1),
    xattrNode: take(Uint32Array, counts.xattrNodes),
    xattrSet: take(Uint32Array, counts.xattrNodes),
    xattrStart: take(Uint32Array, counts.xattrSets + 1),
    recordName: take(Uint32Array, counts.records + 1),
    recordChild: take(Uint32Array, counts.records + 1),
    recordWord: take(Uint32Array, counts.records + 1),
    words: take(Uint32Array, counts.words),
    mode: take(Uint16Array, n),
    names: take(Uint8Array, counts.nameBytes),
    recordNames: take(Uint8Array, counts.recordNameBytes),
    blob: take(Uint8Array, counts.blobBytes),
    chain: take(Uint8Array, counts.chainBytes),
  };
  const length = (at + 7) & ~7;
  return {
    length,
    sections:
      buffer === undefined ? undefined : { bytes: new Uint8Array(buffer, 0, length), counts, ...columns },
  };
}

/** New, zeroed sections with their header but no checksum yet. */
export function createSections(counts: Counts): Sections {
  const { length } = lay(counts, undefined);
  const buffer = new ArrayBuffer(length);
  const header = new Uint32Array(buffer, 0, HEADER_BYTES / 4);
  header[0] = MAGIC;
  header[1] = FORMAT_VERSION;
  COUNTS.forEach((name, i) => {
    header[COUNTS_WORD + i] = counts[name];
  });
  return lay(counts, buffer).sections!;
}

/** Writes the checksum into the header. */
export function seal(sections: Sections): void {
  const header = new Uint32Array(sections.bytes.buffer, 0, COUNTS_WORD);
  const [low, high] = checksum(sections.bytes);
  header[CHECKSUM_WORD] = low;
  header[CHECKSUM_WORD + 1] = high;
}

/**
 * The sections in a packed tree's bytes, or undefined for another version, another byte order or
 * damaged bytes. Bytes that begin their buffer are used in place, others are copied for alignment.
 */
export function openSections(bytes: Uint8Array): Sections | undefined {
  if (bytes.length < HEADER_BYTES || bytes.length % 8 !== 0) return undefined;
  const inPlace = bytes.buffer instanceof ArrayBuffer && bytes.byteOffset === 0;
  const buffer = inPlace ? (bytes.buffer as ArrayBuffer) : bytes.slice().buffer;
  const header = new Uint32Array(buffer, 0, HEADER_BYTES / 4);
  if (header[0] !== MAGIC || header[1] !== FORMAT_VERSION) return undefined;
  const counts = Object.fromEntries(COUNTS.map((name, i) => [name, header[COUNTS_WORD + i]!])) as Counts;
  if (lay(counts, undefined).length !== bytes.length) return undefined;
  const [low, high] = checksum(new Uint8Array(buffer, 0, bytes.length));
  if (header[CHECKSUM_WORD] !== low || header[CHECKSUM_WORD + 1] !== high) return undefined;
  return lay(counts, buffer).sections;
}

/**
 * Two 32-bit sums over everything but the checksum itself: four lanes of FNV-1a over words, so that
 * the multiplications overlap, folded in two ways. Runs at several gigabytes a second.
 */
function checksum(bytes: Uint8Array<ArrayBuffer>): [number, number] {
  const words = new Uint32Array(bytes.buffer, 0, bytes.length >>> 2);
  const prime = 0x01000193;
  let a = 0x811c9dc5 ^ words[0]!;
  let b = 0x811c9dc5 ^ words[1]!;
  let c = words.length | 0;
  let d = 0;
  let i = COUNTS_WORD;
  for (const end = words.length - 3; i < end; i += 4) {
    a = Math.imul(a ^ words[i]!, prime);
    b = Math.imul(b ^ words[i + 1]!, prime);
    c = Math.imul(c ^ words[i + 2]!, prime);
    d = Math.imul(d ^ words[i + 3]!, prime);
    a ^= a >>> 15;
    b ^= b >>> 15;
    c ^= c >>> 15;
    d ^= d >>> 15;
  }
  for (; i < words.length; i++) a = Math.imul(a ^ words[i]!, prime);
  const low = Math.imul(Math.imul(a, 31) + b, 31) + c;
  const high = Math.imul(Math.imul(d, 37) + c, 37) + a;
  return [(low ^ (low >>> 13)) >>> 0, (high ^ (high >>> 13) ^ b) >>> 0];
}
