/**
 * A layer's index: its entries in a compact binary form, so that a layer opened again needs neither
 * decompression nor a parse.
 *
 * The file is a line that names format and version, the SHA-256 of all that follows, then: diffID,
 * size of the archive and number of entries, and the records (`index-records.ts`). It is a cache: a
 * file of another version, of another layer, or with a wrong digest is no error but `undefined`, and
 * whoever asked makes it again from the archive.
 */
import { platform } from "#platform";
import type { RandomAccess } from "../platform/types.ts";
import { ArchiveError, type Entry } from "../tar/entry.ts";
import type { Extent } from "../tree/content.ts";
import { RecordWriter, readRecords } from "./index-records.ts";
import type { Layer } from "./layer.ts";

/** Changes with every change of the format. */
const FORMAT = "stratafs layer index 1\n";
const DIGEST_START = FORMAT.length;
const DIGEST_LENGTH = 64;
const FACTS_START = DIGEST_START + DIGEST_LENGTH;
/** Fixed: three facts as text, padded with blanks, so that the records start at a known place. */
const FACTS_LENGTH = 192;
const RECORDS_START = FACTS_START + FACTS_LENGTH;

/** What an index says of its layer. */
export interface LayerIndex {
  readonly diffID: string;
  /** Size of the uncompressed archive in bytes. */
  readonly archiveSize: number;
  readonly entryCount: number;
  /** The entries in archive order, decoded as they are asked for. */
  entries(): Iterable<Entry>;
}

function ascii(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

function asciiText(bytes: Uint8Array, start: number, end: number): string {
  return String.fromCharCode(...bytes.subarray(start, end));
}

function checksum(bytes: Uint8Array): string {
  const hash = platform.createHash("sha256");
  hash.update(bytes.subarray(FACTS_START));
  return hash.hex();
}

/** An index may have this size whatever its archive has. */
const FREE_SIZE = 16 * 1024 * 1024;

/** So many extents may sparse files have whatever they hold. */
const FREE_EXTENTS = 2 ** 16;
/** No filesystem has extents of less than a sector. */
const SECTOR = 512;

/** Makes an index while a layer is read. */
export class IndexWriter {
  readonly #records = new RecordWriter();
  readonly #limit: number;
  #extents = 0;
  #sparseBytes = 0;

  /**
   * @param limit bytes that the index may have. It is held to half of the archive's as well: an
   *   ordinary one has a fiftieth, and names or attributes that are most of an archive are an attack on
   *   memory (rule 44).
   */
  constructor(limit: number) {
    this.#limit = limit;
  }

  get entryCount(): number {
    return this.#records.count;
  }

  /** @throws ArchiveError (`limit`) */
  add(entry: Entry): void {
    if (entry.type === "file" && entry.extents !== undefined) this.#countExtents(entry, entry.extents);
    this.#records.add(entry);
    const limit = Math.min(this.#limit, Math.max(FREE_SIZE, entry.offset / 2));
    if (this.#records.size > limit) {
      throw new ArchiveError("limit", `index of the layer is above ${Math.floor(limit)} bytes (rule 44)`, {
        entry: entry.name,
        offset: entry.offset,
      });
    }
  }

  /** Extents that hold next to nothing are an attack on memory, where each becomes an object (rule 44). */
  #countExtents({ name, offset }: Entry, extents: readonly Extent[]): void {
    this.#extents += extents.length;
    for (const { length } of extents) this.#sparseBytes += length;
    if (this.#extents <= FREE_EXTENTS || this.#extents * SECTOR <= this.#sparseBytes) return;
    throw new ArchiveError(
      "limit",
      `sparse files of the layer have ${this.#extents} extents for ${this.#sparseBytes} bytes (rule 44)`,
      { entry: name, offset },
    );
  }

  /** The index, once the whole archive was read. */
  finish(diffID: string, archiveSize: number): Uint8Array {
    return assemble(this.#records, diffID, archiveSize);
  }
}

function assemble(records: RecordWriter, diffID: string, archiveSize: number): Uint8Array {
  const bytes = new Uint8Array(RECORDS_START + records.size);
  bytes.set(ascii(FORMAT));
  bytes.set(ascii(`${diffID} ${archiveSize} ${records.count}`.padEnd(FACTS_LENGTH)), FACTS_START);
  let at = RECORDS_START;
  for (const part of records.parts()) {
    bytes.set(part, at);
    at += part.length;
  }
  bytes.set(ascii(checksum(bytes)), DIGEST_START);
  return bytes;
}

/** The index of entries that are at hand. */
export function encodeIndex(entries: Iterable<Entry>, diffID: string, archiveSize: number): Uint8Array {
  const records = new RecordWriter();
  for (const entry of entries) records.add(entry);
  return assemble(records, diffID, archiveSize);
}

/**
 * Opens an index.
 * @returns undefined where the bytes are not an index of this version, or not whole
 */
export function decodeIndex(bytes: Uint8Array): LayerIndex | undefined {
  if (bytes.length < RECORDS_START || asciiText(bytes, 0, DIGEST_START) !== FORMAT) return undefined;
  if (checksum(bytes) !== asciiText(bytes, DIGEST_START, FACTS_START)) return undefined;
  const [diffID = "", size, count] = asciiText(bytes, FACTS_START, RECORDS_START).trimEnd().split(" ");
  const entryCount = Number(count);
  return {
    diffID,
    archiveSize: Number(size),
    entryCount,
    entries: () => ({ [Symbol.iterator]: () => readRecords(bytes, RECORDS_START, entryCount) }),
  };
}

/** What a layer is opened from. */
export interface LayerParts {
  readonly diffID: string;
  /** The uncompressed archive. */
  readonly archive: RandomAccess;
  readonly index: Uint8Array;
}

/**
 * A layer from its archive and its index. The archive's digest is not computed again.
 * @returns undefined where the index is unusable or another layer's
 */
export function openLayer({ diffID, archive, index }: LayerParts): Layer | undefined {
  const decoded = decodeIndex(index);
  if (decoded === undefined || decoded.diffID !== diffID || decoded.archiveSize !== archive.size)
    return undefined;
  return { diffID, archive, entries: decoded.entries };
}
