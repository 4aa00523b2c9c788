/**
 * Where the bytes of a file come from. Nothing above this interface knows whether they are a slice
 * of a layer's tar, a buffer, a hole, a page map or a host file.
 */

import type { RandomAccess } from "../platform/types.ts";
import { errno } from "../posix/errno.ts";

export interface Content {
  /** In bytes. */
  readonly size: number;
  /**
   * Reads up to `length` bytes at `position` into `target` from `offset` on.
   * @returns how many bytes were read, less than `length` only at the end of the content; or a
   *   negated error number: `-EIO`, or `-EAGAIN` for a range that is not local and not prepared
   */
  read(target: Uint8Array, offset: number, length: number, position: number): number;
  /** Where the first data at or after `position` starts; `size` when only a hole is left (lseek(2), SEEK_DATA). */
  nextData(position: number): number;
  /** Where the first hole at or after `position` starts; the end counts as one (lseek(2), SEEK_HOLE). */
  nextHole(position: number): number;
  /** Makes a range readable that is not local yet. Absent where everything always is. */
  prepare?(start: number, end: number): Promise<void>;
  /** Whether the bytes are those of another content, where this one knows better than by reading both. */
  equals?(other: Content): boolean;
}

/** Content without bytes. */
export const EMPTY_CONTENT: Content = {
  size: 0,
  read: () => 0,
  nextData: () => 0,
  nextHole: () => 0,
};

/** Content in memory. The bytes must not change afterwards. */
export class BufferContent implements Content {
  readonly size: number;
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.size = bytes.length;
  }

  read(target: Uint8Array, offset: number, length: number, position: number): number {
    const count = Math.min(length, this.size - position);
    if (count <= 0) return 0;
    target.set(this.#bytes.subarray(position, position + count), offset);
    return count;
  }

  nextData(position: number): number {
    return Math.min(position, this.size);
  }

  nextHole(): number {
    return this.size;
  }
}

/** Zeros that are stored nowhere. */
export class HoleContent implements Content {
  readonly size: number;

  constructor(size: number) {
    this.size = size;
  }

  read(target: Uint8Array, offset: number, length: number, position: number): number {
    const count = Math.min(length, this.size - position);
    if (count <= 0) return 0;
    target.fill(0, offset, offset + count);
    return count;
  }

  nextData(): number {
    return this.size;
  }

  nextHole(position: number): number {
    return Math.min(position, this.size);
  }
}

/** A contiguous part of something larger: the usual content of a file in a layer. */
export class SliceContent implements Content {
  readonly source: RandomAccess;
  /** Where the slice starts in the source, in bytes. */
  readonly start: number;
  readonly size: number;

  constructor(source: RandomAccess, start: number, size: number) {
    this.source = source;
    this.start = start;
    this.size = size;
  }

  read(target: Uint8Array, offset: number, length: number, position: number): number {
    const count = Math.min(length, this.size - position);
    if (count <= 0) return 0;
    const read = this.source.read(target, offset, count, this.start + position);
    return read >= 0 && read < count ? -errno.EIO : read;
  }

  nextData(position: number): number {
    return Math.min(position, this.size);
  }

  nextHole(): number {
    return this.size;
  }

  async prepare(start: number, end: number): Promise<void> {
    await this.source.prepare?.(this.start + start, this.start + Math.min(end, this.size));
  }
}

/** A run of stored bytes in a sparse file: `length` bytes at `offset` of the file. */
export interface Extent {
  readonly offset: number;
  readonly length: number;
}

/** A sparse file: extents in ascending order, stored one after the other from `start` in the source; holes between. */
export class SparseContent implements Content {
  readonly size: number;
  readonly extents: readonly Extent[];
  readonly #source: RandomAccess;
  /** Where each extent's bytes lie in the source. */
  readonly #starts: readonly number[];

  constructor(source: RandomAccess, start: number, size: number, extents: readonly Extent[]) {
    this.#source = source;
    this.size = size;
    this.extents = extents;
    let at = start;
    this.#starts = extents.map((extent) => {
      const from = at;
      at += extent.length;
      return from;
    });
  }

  /** Index of the first extent that ends after `position`. */
  #find(position: number): number {
    let low = 0;
    let high = this.extents.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const extent = this.extents[middle]!;
      if (extent.offset + extent.length <= position) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  read(target: Uint8Array, offset: number, length: number, position: number): number {
    const end = Math.min(position + length, this.size);
    if (end <= position) return 0;
    target.fill(0, offset, offset + end - position);
    for (let i = this.#find(position); i < this.extents.length; i++) {
      const extent = this.extents[i]!;
      if (extent.offset >= end) break;
      const from = Math.max(extent.offset, position);
      const count = Math.min(extent.offset + extent.length, end) - from;
      const read = this.#source.read(
        target,
        offset + from - position,
        count,
        this.#starts[i]! + from - extent.offset,
      );
      if (read < 0) return read;
      if (read < count) return -errno.EIO;
    }
    return end - position;
  }

  nextData(position: number): number {
    for (let i = this.#find(position); i < this.extents.length; i++) {
      const extent = this.extents[i]!;
      if (extent.length > 0) return Math.max(position, extent.offset);
    }
    return this.size;
  }

  nextHole(position: number): number {
    let at = position;
    for (let i = this.#find(position); i < this.extents.length; i++) {
      const extent = this.extents[i]!;
      if (extent.offset > at) break;
      at = extent.offset + extent.length;
    }
    return Math.min(at, this.size);
  }
}

const CHUNK = 64 * 1024;

/** Yields all bytes of a content in chunks. A chunk is only valid until the next one is asked for. */
export function* readChunks(content: Content, chunkSize: number = CHUNK): Generator<Uint8Array> {
  const buffer = new Uint8Array(Math.min(chunkSize, Math.max(content.size, 1)));
  for (let position = 0; position < content.size; ) {
    const read = content.read(buffer, 0, buffer.length, position);
    if (read <= 0) throw new ContentError(read === 0 ? -errno.EIO : read);
    yield buffer.subarray(0, read);
    position += read;
  }
}

/** All bytes of a content, in a buffer of their own. */
export function readAll(content: Content): Uint8Array {
  const out = new Uint8Array(content.size);
  for (let position = 0; position < out.length; ) {
    const read = content.read(out, position, out.length - position, position);
    if (read <= 0) throw new ContentError(read === 0 ? -errno.EIO : read);
    position += read;
  }
  return out;
}

/** Bytes that should be there could not be read. */
export class ContentError extends Error {
  /** Negated error number. */
  readonly errno: number;

  constructor(number: number) {
    super(`cannot read file content (error ${-number})`);
    this.name = "ContentError";
    this.errno = number;
  }
}

/** Whether two contents hold the same bytes. Slices of the same place are equal without a read. */
export function sameContent(a: Content, b: Content): boolean {
  if (a === b) return true;
  if (a.size !== b.size) return false;
  if (
    a instanceof SliceContent &&
    b instanceof SliceContent &&
    a.source === b.source &&
    a.start === b.start
  ) {
    return true;
  }
  return sameRange(a, b, 0, a.size);
}

/** Whether two contents hold the same bytes from `start` up to `end`. */
export function sameRange(a: Content, b: Content, start: number, end: number): boolean {
  const length = Math.min(CHUNK, end - start);
  const left = new Uint8Array(length);
  const right = new Uint8Array(length);
  for (let position = start; position < end; ) {
    const want = Math.min(length, end - position);
    const readA = a.read(left, 0, want, position);
    const readB = b.read(right, 0, want, position);
    if (readA < 0 || readB < 0) throw new ContentError(Math.min(readA, readB));
    if (readA !== readB || readA === 0) return false;
    for (let i = 0; i < readA; i++) if (left[i] !== right[i]) return false;
    position += readA;
  }
  return true;
}
