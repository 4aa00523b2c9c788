/**
 * Immutable bytes in memory that are read as a file is.
 */
import { errno } from "../posix/errno.ts";
import type { RandomAccess } from "./types.ts";

/** Bytes that one holder keeps; they must not change afterwards. */
export class MemoryAccess implements RandomAccess {
  readonly size: number;
  #bytes: Uint8Array | undefined;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.size = bytes.length;
  }

  read(target: Uint8Array, offset: number, length: number, position: number): number {
    if (this.#bytes === undefined) return -errno.EBADF;
    const count = Math.min(length, this.size - position);
    if (count <= 0) return 0;
    target.set(this.#bytes.subarray(position, position + count), offset);
    return count;
  }

  close(): void {
    this.#bytes = undefined;
  }
}
