/**
 * Bytes that are put one behind the other, in one buffer that doubles.
 */
export class ByteRun {
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

  /** All of them, or those of a range. Valid until more are added. */
  bytes(start = 0, end = this.length): Uint8Array {
    return this.#bytes.subarray(start, end);
  }
}
