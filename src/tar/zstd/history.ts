/**
 * What a frame has given so far, as far back as its window reaches.
 *
 * Blocks are decoded to its end in place. It grows with what was really given, so that a frame that
 * only claims a large window costs nothing, up to the window and some slack; when the slack is used
 * up, what lies outside the window is dropped.
 */
export class History {
  bytes = new Uint8Array(0);
  /** Where the next byte goes. */
  length = 0;
  #window = 0;
  #slack = 0;

  /** A new frame starts. `slack` is room beside the window, at least that of a block. */
  reset(window: number, slack: number): void {
    this.length = 0;
    this.#window = window;
    this.#slack = slack;
    if (this.bytes.length > window + slack) this.bytes = new Uint8Array(0);
  }

  /** The first byte that a copy may come from. */
  get earliest(): number {
    return Math.max(0, this.length - this.#window);
  }

  /** Makes room for `count` bytes, at most `slack`. */
  reserve(count: number): void {
    if (this.length + count <= this.bytes.length) return;
    const most = this.#window + this.#slack;
    if (this.length + count > most) {
      this.bytes.copyWithin(0, this.length - this.#window, this.length);
      this.length = this.#window;
      if (this.length + count <= this.bytes.length) return;
    }
    const grown = new Uint8Array(Math.min(most, Math.max(this.bytes.length * 2, this.length + count)));
    grown.set(this.bytes.subarray(0, this.length));
    this.bytes = grown;
  }

  append(source: Uint8Array, start: number, end: number): void {
    this.bytes.set(source.subarray(start, end), this.length);
    this.length += end - start;
  }

  fill(byte: number, count: number): void {
    this.bytes.fill(byte, this.length, this.length + count);
    this.length += count;
  }
}
