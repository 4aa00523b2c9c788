/**
 * A tar archive that is not written anywhere: its bytes are made when they are read, at any position,
 * out of headers and the contents they belong to.
 *
 * Everything about it but the contents' bytes is decided, and checked, when it is made: the constructor
 * throws before a byte is given out. Its size is known then too. Reading it in order costs one pass over
 * the contents and the memory of one header; nothing is ever held whole.
 *
 * A sparse file is written plain, with its holes as zeros: the specification discourages sparse entries
 * (layer.md: "SHOULD NOT be used"), and several unpackers refuse or misread them (rule 40).
 */
import type { ByteStream, RandomAccess } from "../platform/types.ts";
import { errno, errorCode } from "../posix/errno.ts";
import type { Content } from "../tree/content.ts";
import { END_LENGTH, encodeHeader, type Header, headerLength, padded } from "./encode.ts";
import { ArchiveError, type Entry } from "./entry.ts";

/** An entry to write: its header, and for a file with bytes their source, as long as the header's size. */
export interface ArchiveRecord {
  readonly header: Header;
  readonly content?: Content;
}

/** How much {@link ComposedArchive.stream} gives at a time. */
const CHUNK = 256 * 1024;

const NO_BYTES = new Uint8Array(0);

export class ComposedArchive implements RandomAccess {
  readonly size: number;
  readonly #records: readonly ArchiveRecord[];
  /** Where each record starts, and last where the end blocks do. */
  readonly #starts: Float64Array;
  readonly #headerLengths: Uint32Array;
  /** The record that was read last: the next read most often goes on in it or after it. */
  #current = 0;
  /** Whose header {@link #header} is. */
  #headerOf = -1;
  #header: Uint8Array = NO_BYTES;
  #closed = false;
  readonly #release: (() => void) | undefined;

  /**
   * @param release frees what the contents hold, when the archive is closed
   * @throws ArchiveError for a header that no archive can hold
   */
  constructor(records: readonly ArchiveRecord[], release?: () => void) {
    this.#records = records;
    this.#release = release;
    this.#starts = new Float64Array(records.length + 1);
    this.#headerLengths = new Uint32Array(records.length);
    let at = 0;
    records.forEach(({ header }, i) => {
      this.#starts[i] = at;
      this.#headerLengths[i] = headerLength(header);
      at += this.#headerLengths[i]! + padded(header.size);
    });
    this.#starts[records.length] = at;
    this.size = at + END_LENGTH;
  }

  /** The entries in archive order, as a reader would find them. */
  *entries(): Generator<Entry> {
    for (const [i, { header }] of this.#records.entries()) {
      const { name, type, mode, uid, gid, mtime, size, xattrs } = header;
      const offset = this.#starts[i]!;
      const common = { name, offset, mode, uid, gid, mtime, xattrs };
      switch (type) {
        case "file":
          yield { ...common, type, size, start: offset + this.#headerLengths[i]! };
          break;
        case "symlink":
        case "hardlink":
          yield { ...common, type, target: header.target ?? "" };
          break;
        case "char":
        case "block":
          yield { ...common, type, rdev: header.rdev ?? 0 };
          break;
        default:
          yield { ...common, type };
      }
    }
  }

  read(target: Uint8Array, offset: number, length: number, position: number): number {
    if (this.#closed) return -errno.EBADF;
    const end = Math.min(position + length, this.size);
    let at = position;
    while (at < end) {
      const got = this.#readPart(target, offset + at - position, end - at, at);
      if (got < 0) return got;
      at += got;
    }
    return Math.max(0, at - position);
  }

  /** Reads at most up to the end of a header, a content or a padding; at least one byte, or an error. */
  #readPart(target: Uint8Array, offset: number, length: number, position: number): number {
    const index = this.#locate(position);
    const record = this.#records[index];
    if (record === undefined) {
      target.fill(0, offset, offset + length);
      return length;
    }
    const headerEnd = this.#starts[index]! + this.#headerLengths[index]!;
    if (position < headerEnd) {
      const from = position - this.#starts[index]!;
      const count = Math.min(length, headerEnd - position);
      target.set(this.#headerBytes(index).subarray(from, from + count), offset);
      return count;
    }
    const { size } = record.header;
    const inside = position - headerEnd;
    if (inside < size) {
      const got = record.content?.read(target, offset, Math.min(length, size - inside), inside) ?? 0;
      return got === 0 ? -errno.EIO : got;
    }
    const count = Math.min(length, padded(size) - inside);
    target.fill(0, offset, offset + count);
    return count;
  }

  /** The index of the record that a position lies in; the number of records for the end blocks. */
  #locate(position: number): number {
    const starts = this.#starts;
    const holds = (index: number) =>
      starts[index]! <= position && (index === this.#records.length || position < starts[index + 1]!);
    if (!holds(this.#current)) {
      if (this.#current < this.#records.length && holds(this.#current + 1)) {
        this.#current += 1;
      } else {
        let low = 0;
        let high = this.#records.length;
        while (low < high) {
          const middle = (low + high + 1) >>> 1;
          if (starts[middle]! <= position) low = middle;
          else high = middle - 1;
        }
        this.#current = low;
      }
    }
    return this.#current;
  }

  #headerBytes(index: number): Uint8Array {
    if (this.#headerOf !== index) {
      this.#header = encodeHeader(this.#records[index]!.header);
      this.#headerOf = index;
    }
    return this.#header;
  }

  async prepare(start: number, end: number): Promise<void> {
    for (let i = this.#locate(start); i < this.#records.length && this.#starts[i]! < end; i++) {
      const { content, header } = this.#records[i]!;
      if (content?.prepare === undefined) continue;
      const from = this.#starts[i]! + this.#headerLengths[i]!;
      const first = Math.max(0, start - from);
      const last = Math.min(header.size, end - from);
      if (first < last) await content.prepare(first, last);
    }
  }

  /**
   * All bytes in order, each chunk in a buffer of its own. Waits for contents that are not local.
   * @throws ArchiveError `source`, naming the entry, where a content cannot be read
   */
  async *stream(): ByteStream {
    for (let position = 0; position < this.size; ) {
      const { chunk, got } = this.#chunkAt(position);
      if (got === -errno.EAGAIN) {
        await this.prepare(position, position + chunk.length);
        const again = this.read(chunk, 0, chunk.length, position);
        if (again < 0) throw this.#failure(again);
      } else if (got < 0) {
        throw this.#failure(got);
      }
      yield chunk;
      position += chunk.length;
    }
  }

  /**
   * All bytes in order, where every content is local.
   * @throws ArchiveError `source`, naming the entry, where a content cannot be read
   */
  *chunks(): Generator<Uint8Array> {
    for (let position = 0; position < this.size; ) {
      const { chunk, got } = this.#chunkAt(position);
      if (got < 0) throw this.#failure(got);
      yield chunk;
      position += chunk.length;
    }
  }

  #chunkAt(position: number): { chunk: Uint8Array; got: number } {
    const chunk = new Uint8Array(Math.min(CHUNK, this.size - position));
    return { chunk, got: this.read(chunk, 0, chunk.length, position) };
  }

  /** The error of a read that failed in the record it came to last. */
  #failure(result: number): ArchiveError {
    const reason = result === -errno.ESTALE ? "the file was changed" : "it cannot be read";
    return new ArchiveError("source", `a file's content: ${reason} (${errorCode(-result)})`, {
      entry: this.#records[this.#current]?.header.name,
      offset: this.#starts[this.#current],
    });
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#release?.();
  }
}
