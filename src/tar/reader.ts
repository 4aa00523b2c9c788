/**
 * Archive bytes to entries: a synchronous push parser.
 *
 * `push` takes the uncompressed archive in chunks of any size and calls back with each entry, in
 * archive order, as soon as its header is complete. Content is stepped over, never kept: an entry
 * says where its bytes start. How the stream is cut into chunks never shows.
 *
 * Memory: one block, plus one extension body of at most {@link MAX_EXTENSION} bytes, plus what was
 * made of the extensions of one entry (a name, records, a sparse map: each bounded the same).
 *
 * Where readers differ this one follows Go's `archive/tar`, which docker, containerd, podman and
 * umoci use, with four exceptions: a lone zero block does not end the archive (nor does it for GNU
 * tar), an extended header still counts when a global one follows it (pax(1)), an extended attribute may be empty,
 * and a hardlink may carry a body (pax(1) allows it) where what follows could not be a header anyway.
 *
 * After an error the reader is spent: every further call fails with the same error.
 */
import { nameFromBytes, nameLength } from "../posix/names.ts";
import { PATH_MAX } from "../posix/path.ts";
import { deviceOf, type Head, headOf, sizeOf } from "./attributes.ts";
import { ArchiveError, type ArchiveErrorCode, type Entry } from "./entry.ts";
import {
  BLOCK,
  type Dialect,
  dialectOf,
  hasValidChecksum,
  isZeroBlock,
  padded,
  parseName,
  parseString,
} from "./header.ts";
import { MAX_NAME, nameTooLong, type PaxRecords, parsePax } from "./pax.ts";
import { checkedExtents, OldGnuMap, paxSparseForm, recordedMap, StoredMap } from "./sparse.ts";

/** Most bytes of a PAX header or of a GNU long name, as in Go's `archive/tar`. */
export const MAX_EXTENSION = 1024 * 1024;

const TYPE = 156;
const REGULAR = 0x30;
const REGULAR_V7 = 0;
const HARDLINK = 0x31;
const SYMLINK = 0x32;
const CHAR = 0x33;
const BLOCK_DEVICE = 0x34;
const DIRECTORY = 0x35;
const FIFO = 0x36;
const CONTIGUOUS = 0x37;
const GNU_SPARSE = 0x53;
const GNU_LONG_NAME = 0x4c;
const GNU_LONG_LINK = 0x4b;
const PAX_HEADER = 0x78;
const PAX_GLOBAL = 0x67;

/** What an extension's body is. */
type Extension = typeof PAX_HEADER | typeof GNU_LONG_NAME | typeof GNU_LONG_LINK;

/** What the next block is read as. */
type Stage =
  | { readonly kind: "header" }
  /** A zero block was read: another one ends the archive. */
  | { readonly kind: "after-zero" }
  /** A hardlink stated a size: a header, or the body's first block. */
  | { readonly kind: "after-link"; readonly size: number }
  | { readonly kind: "old-sparse"; readonly map: OldGnuMap; readonly head: Head; readonly stored: number }
  | {
      readonly kind: "stored-map";
      readonly map: StoredMap;
      readonly head: Head;
      readonly size: number;
      readonly stored: number;
    };

const AT_HEADER: Stage = { kind: "header" };
const AFTER_ZERO: Stage = { kind: "after-zero" };

/** Extension headers read so far for the next entry. */
interface Pending {
  /** Where the first of them starts. */
  readonly offset: number;
  pax?: PaxRecords;
  name?: string;
  link?: string;
}

export class TarReader {
  readonly #onEntry: (entry: Entry) => void;
  /** How many bytes of the archive were read. */
  #position = 0;
  /** Bytes still to be stepped over: content and padding. */
  #skip = 0;
  /** Where the content being stepped over ends, without padding. */
  #contentEnd = 0;
  readonly #block = new Uint8Array(BLOCK);
  /** How much of `#block` is filled; 0 while blocks are read in place. */
  #filled = 0;
  #extension: Extension = PAX_HEADER;
  #body: Uint8Array | undefined;
  #bodyFilled = 0;
  #stage: Stage = AT_HEADER;
  /** The two zero blocks were read: what comes after them is ignored (rule 42). */
  #ended = false;
  #pending: Pending | undefined;
  /** For error messages: the entry being read. */
  #entryName: string | undefined;
  #entryOffset = 0;
  #failure: unknown;

  constructor(onEntry: (entry: Entry) => void) {
    this.#onEntry = onEntry;
  }

  /** @throws ArchiveError */
  push(chunk: Uint8Array): void {
    if (this.#failure !== undefined) throw this.#failure;
    try {
      this.#read(chunk);
    } catch (error) {
      this.#failure = error;
      throw error;
    }
  }

  /**
   * The archive is over. It may lack its end blocks and the padding of its last entry (rule 42), and
   * it may have no bytes at all, but not end inside an entry.
   * @throws ArchiveError
   */
  end(): void {
    if (this.#failure !== undefined) throw this.#failure;
    const inside =
      this.#filled > 0 ||
      this.#body !== undefined ||
      this.#pending !== undefined ||
      this.#stage.kind === "old-sparse" ||
      this.#stage.kind === "stored-map" ||
      this.#position < this.#contentEnd;
    if (!inside || this.#ended) return;
    this.#failure = this.#error(
      "truncated",
      `archive ends after ${this.#position} bytes, inside an entry (rule 42)`,
    );
    throw this.#failure;
  }

  #read(chunk: Uint8Array): void {
    for (let at = 0; at < chunk.length; ) {
      const left = chunk.length - at;
      let step: number;
      if (this.#ended) step = left;
      else if (this.#skip > 0) {
        step = Math.min(this.#skip, left);
        this.#skip -= step;
      } else if (this.#body !== undefined) {
        step = this.#readBody(this.#body, chunk, at);
      } else if (this.#filled === 0 && left >= BLOCK) {
        this.#readBlock(chunk, at);
        step = BLOCK;
      } else {
        step = this.#collectBlock(chunk, at);
      }
      this.#position += step;
      at += step;
    }
  }

  /** Adds to a block that is spread over chunks. The position is that of the block while it is read. */
  #collectBlock(chunk: Uint8Array, at: number): number {
    const before = this.#filled;
    const step = Math.min(BLOCK - before, chunk.length - at);
    this.#block.set(chunk.subarray(at, at + step), before);
    this.#filled += step;
    if (this.#filled === BLOCK) {
      this.#filled = 0;
      this.#position -= before;
      this.#readBlock(this.#block, 0);
      this.#position += before;
    }
    return step;
  }

  #readBody(body: Uint8Array, chunk: Uint8Array, at: number): number {
    const step = Math.min(body.length - this.#bodyFilled, chunk.length - at);
    body.set(chunk.subarray(at, at + step), this.#bodyFilled);
    this.#bodyFilled += step;
    if (this.#bodyFilled === body.length) this.#extended(body);
    return step;
  }

  #readBlock(block: Uint8Array, at: number): void {
    const stage = this.#stage;
    switch (stage.kind) {
      case "old-sparse":
        stage.map.extend(block, at, this.#error);
        if (!stage.map.extended) this.#oldSparse(stage.head, stage.map, stage.stored);
        return;
      case "stored-map":
        if (stage.map.bytes >= stage.stored) throw this.#error("corrupt", "sparse map has no end (rule 40)");
        if (stage.map.take(block, at, this.#error))
          this.#storedMap(stage.head, stage.map, stage.size, stage.stored);
        return;
      case "after-link":
        this.#stage = AT_HEADER;
        if (!isZeroBlock(block, at) && !hasValidChecksum(block, at)) {
          this.#skipBody(this.#position, stage.size, BLOCK);
          return;
        }
        break;
    }
    if (isZeroBlock(block, at)) {
      this.#zeroBlock();
      return;
    }
    this.#stage = AT_HEADER;
    this.#header(block, at);
  }

  #zeroBlock(): void {
    if (this.#pending !== undefined) {
      throw this.#error("corrupt", "an extended header is followed by the end of the archive (rule 40)");
    }
    if (this.#stage.kind === "after-zero") this.#ended = true;
    else this.#stage = AFTER_ZERO;
  }

  #header(block: Uint8Array, at: number): void {
    this.#entryName = undefined;
    this.#entryOffset = this.#pending?.offset ?? this.#position;
    if (!hasValidChecksum(block, at)) {
      const what = this.#position === 0 ? "not a tar archive: " : "";
      throw this.#error(
        "corrupt",
        `${what}header checksum is wrong at byte ${this.#position} (pax(1), ustar)`,
      );
    }
    const dialect = dialectOf(block, at);
    this.#entryName = this.#pending?.name ?? this.#pending?.pax?.path ?? parseName(block, at, dialect);
    const size = sizeOf(block, at, this.#error);
    const type = block[at + TYPE]!;
    switch (type) {
      case PAX_GLOBAL:
        // Rule 39: skipped before anything else sees it; a pending extended header stays pending.
        this.#skipBody(this.#position + BLOCK, size, 0);
        return;
      case PAX_HEADER:
      case GNU_LONG_NAME:
      case GNU_LONG_LINK:
        this.#extensionHeader(type, size);
        return;
      default:
        this.#entry(block, at, dialect, type, size);
    }
  }

  #extensionHeader(type: Extension, size: number): void {
    if (size > MAX_EXTENSION) {
      throw this.#error("limit", `extension header of ${size} bytes is above 1 MiB (rule 40)`);
    }
    this.#pending ??= { offset: this.#position };
    this.#extension = type;
    this.#bodyFilled = 0;
    this.#body = new Uint8Array(size);
    if (size === 0) this.#extended(this.#body);
  }

  #extended(body: Uint8Array): void {
    this.#body = undefined;
    this.#skip = padded(body.length) - body.length;
    const pending = this.#pending!;
    if (this.#extension === PAX_HEADER) {
      pending.pax = parsePax(body, this.#error);
      return;
    }
    const nul = body.indexOf(0);
    const length = nul < 0 ? body.length : nul;
    if (length > MAX_NAME) throw this.#error("limit", nameTooLong(length));
    const text = nameFromBytes(body, 0, length);
    if (text === "") return;
    if (this.#extension === GNU_LONG_NAME) pending.name = text;
    else pending.link = text;
  }

  /** Reads the header of an entry proper; the extensions that were pending are its own. */
  #entry(block: Uint8Array, at: number, dialect: Dialect, type: number, size: number): void {
    const pending = this.#pending;
    const pax = pending?.pax;
    this.#pending = undefined;
    const bodySize = pax?.size ?? size;
    switch (type) {
      case REGULAR_V7:
        if (this.#entryName!.endsWith("/")) {
          // Rule 38: before there was a type for directories, a slash told them.
          this.#onEntry({ type: "directory", ...this.#head(block, at, dialect, pax) });
          return;
        }
        this.#file(this.#head(block, at, dialect, pax), pax, bodySize);
        return;
      case REGULAR:
      case CONTIGUOUS:
        this.#file(this.#head(block, at, dialect, pax), pax, bodySize);
        return;
      case GNU_SPARSE: {
        if (dialect !== "gnu")
          throw this.#error("unsupported", "type 'S' in an archive that is not GNU's (rule 40)");
        const head = this.#head(block, at, dialect, pax);
        const map = new OldGnuMap(block, at, this.#error);
        if (map.extended) this.#stage = { kind: "old-sparse", map, head, stored: bodySize };
        else this.#oldSparse(head, map, bodySize);
        return;
      }
      case DIRECTORY:
        this.#onEntry({ type: "directory", ...this.#head(block, at, dialect, pax) });
        return;
      case HARDLINK: {
        const target = pending?.link ?? pax?.linkpath ?? parseString(block, at + 157, 100);
        if (bodySize > 0) this.#stage = { kind: "after-link", size: bodySize };
        this.#onEntry({ type: "hardlink", ...this.#head(block, at, dialect, pax), target });
        return;
      }
      case SYMLINK: {
        const target = pending?.link ?? pax?.linkpath ?? parseString(block, at + 157, 100);
        const length = nameLength(target);
        if (length === 0 || length >= PATH_MAX) {
          throw this.#error(
            "range",
            `symlink target of ${length} bytes; Linux has 1 to ${PATH_MAX - 1} (symlink(2))`,
          );
        }
        this.#onEntry({ type: "symlink", ...this.#head(block, at, dialect, pax), target });
        return;
      }
      case CHAR:
      case BLOCK_DEVICE:
        this.#onEntry({
          ...this.#head(block, at, dialect, pax),
          type: type === CHAR ? "char" : "block",
          rdev: deviceOf(block, at, dialect, this.#error),
        });
        return;
      case FIFO:
        this.#onEntry({ type: "fifo", ...this.#head(block, at, dialect, pax) });
        return;
      default:
        throw this.#error(
          "unsupported",
          `unknown type ${JSON.stringify(String.fromCharCode(type))} of entry (rule 38)`,
        );
    }
  }

  #head(block: Uint8Array, at: number, dialect: Dialect, pax: PaxRecords | undefined): Head {
    const sparse = pax?.sparse;
    if (sparse?.name !== undefined && paxSparseForm(sparse) !== undefined) this.#entryName = sparse.name;
    return headOf(this.#entryName!, this.#entryOffset, block, at, dialect, pax, this.#error);
  }

  #file(head: Head, pax: PaxRecords | undefined, size: number): void {
    const sparse = pax?.sparse;
    const form = sparse === undefined ? undefined : paxSparseForm(sparse);
    const start = this.#position + BLOCK;
    if (sparse === undefined || form === undefined) {
      this.#onEntry({ type: "file", ...head, size, start });
      this.#skipBody(start, size, 0);
      return;
    }
    const realSize = sparse.size ?? sparse.realSize ?? size;
    if (form === "stored") {
      this.#contentEnd = start + size;
      this.#stage = { kind: "stored-map", map: new StoredMap(), head, size: realSize, stored: size };
      if (size === 0) throw this.#error("corrupt", "sparse map is missing (rule 40)");
      return;
    }
    const extents = checkedExtents(recordedMap(sparse, this.#error), realSize, size, this.#error);
    this.#onEntry({ type: "file", ...head, size: realSize, start, extents });
    this.#skipBody(start, size, 0);
  }

  #storedMap(head: Head, map: StoredMap, size: number, stored: number): void {
    const start = this.#position + BLOCK;
    const extents = checkedExtents(map.numbers, size, stored - map.bytes, this.#error);
    this.#stage = AT_HEADER;
    this.#onEntry({ type: "file", ...head, size, start, extents });
    this.#skipBody(start, stored - map.bytes, 0);
  }

  #oldSparse(head: Head, map: OldGnuMap, stored: number): void {
    const start = this.#position + BLOCK;
    const extents = checkedExtents(map.numbers, map.realSize, stored, this.#error);
    this.#stage = AT_HEADER;
    this.#onEntry({ type: "file", ...head, size: map.realSize, start, extents });
    this.#skipBody(start, stored, 0);
  }

  /** Steps over a body that starts at `start`, of which `seen` bytes were read; called before its block is counted. */
  #skipBody(start: number, size: number, seen: number): void {
    this.#contentEnd = start + size;
    this.#skip = padded(size) - seen;
  }

  readonly #error = (code: ArchiveErrorCode, message: string): ArchiveError =>
    new ArchiveError(code, message, { entry: this.#entryName, offset: this.#entryOffset });
}
