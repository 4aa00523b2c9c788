/**
 * A zstd stream as its frames, for a decoder that only takes one frame at a time: Node's own stops at
 * the end of the first one without a word, and takes a frame that is cut off for a whole one.
 *
 * Only headers are looked at. What is given to the decoder are whole frames, skippable ones too, or an
 * error follows.
 */
import type { ByteStream } from "../../platform/types.ts";
import { ZstdError } from "./bits.ts";
import {
  frameHeaderLength,
  frameKind,
  MAX_FRAME_HEADER,
  parseBlockHeader,
  parseFrameHeader,
} from "./frame.ts";

type Stage = "magic" | "skip-size" | "descriptor" | "frame-header" | "block-header" | "checksum";

/** Follows the structure of a stream, telling which of its bytes belong to frames. */
class FrameWalker {
  readonly #bytes = new Uint8Array(MAX_FRAME_HEADER);
  readonly #view = new DataView(this.#bytes.buffer);
  #stage: Stage = "magic";
  #need = 4;
  #have = 0;
  /** Bytes to step over: blocks, or the content of a skippable frame. */
  #pass = 0;
  #hasChecksum = false;
  #frames = 0;

  /** Whether the last byte taken ended a frame or a skippable one; also at the start. */
  get between(): boolean {
    return this.#stage === "magic" && this.#have === 0 && this.#pass === 0;
  }

  /** Whether any frame was met. */
  get started(): boolean {
    return this.#frames > 0;
  }

  /** Takes bytes from `at` on, at most to the end of a frame; returns where it stopped. */
  take(chunk: Uint8Array, at: number): number {
    let to = at;
    do {
      if (this.#pass > 0) {
        const step = Math.min(this.#pass, chunk.length - to);
        this.#pass -= step;
        to += step;
      } else {
        const step = Math.min(this.#need - this.#have, chunk.length - to);
        this.#bytes.set(chunk.subarray(to, to + step), this.#have);
        this.#have += step;
        to += step;
        if (this.#have === this.#need) this.#read();
      }
    } while (to < chunk.length && !this.between);
    return to;
  }

  #next(stage: Stage, need: number): void {
    this.#stage = stage;
    this.#need = need;
    this.#have = 0;
  }

  #read(): void {
    switch (this.#stage) {
      case "magic":
        if (frameKind(this.#view.getUint32(0, true), this.#frames === 0) === "frame")
          this.#next("descriptor", 1);
        else this.#next("skip-size", 4);
        this.#frames += 1;
        return;
      case "skip-size":
        this.#pass = this.#view.getUint32(0, true);
        this.#next("magic", 4);
        return;
      case "descriptor":
        this.#stage = "frame-header";
        this.#need = frameHeaderLength(this.#bytes[0]!);
        return;
      case "frame-header":
        this.#hasChecksum = parseFrameHeader(this.#view, 0).hasChecksum;
        this.#next("block-header", 3);
        return;
      case "block-header": {
        const { last, type, size } = parseBlockHeader(this.#bytes, 0);
        this.#pass = type === "run" ? 1 : size;
        if (!last) this.#next("block-header", 3);
        else if (this.#hasChecksum) this.#next("checksum", 4);
        else this.#next("magic", 4);
        return;
      }
      case "checksum":
        this.#next("magic", 4);
    }
  }
}

/** Cuts a stream at the ends of its frames. */
class FrameSource {
  readonly #iterator: AsyncIterator<Uint8Array>;
  readonly #walker = new FrameWalker();
  #chunk: Uint8Array = new Uint8Array(0);
  #at = 0;
  /** Whether the frame at hand was given to its end. */
  #whole = false;

  constructor(source: ByteStream) {
    this.#iterator = source[Symbol.asyncIterator]();
  }

  async #fill(): Promise<boolean> {
    while (this.#at === this.#chunk.length) {
      const next = await this.#iterator.next();
      if (next.done) return false;
      this.#chunk = next.value;
      this.#at = 0;
    }
    return true;
  }

  /** Whether another frame follows. */
  async more(): Promise<boolean> {
    this.#whole = false;
    if (await this.#fill()) return true;
    if (!this.#walker.started) throw new ZstdError("unexpected end of stream");
    return false;
  }

  /** The bytes of the next frame, skippable or not. */
  async *frame(): AsyncGenerator<Uint8Array> {
    do {
      if (!(await this.#fill())) throw new ZstdError("unexpected end of stream");
      const from = this.#at;
      this.#at = this.#walker.take(this.#chunk, from);
      this.#whole = this.#walker.between;
      yield this.#chunk.subarray(from, this.#at);
    } while (!this.#whole);
  }

  /** @throws ZstdError where the decoder left bytes of a frame */
  checkWhole(): void {
    if (!this.#whole) throw new ZstdError("frame is shorter than its blocks");
  }

  async close(): Promise<void> {
    await this.#iterator.return?.();
  }
}

/**
 * Decodes all frames of a stream, each with `decodeFrame`.
 * @throws ZstdError where the structure is broken or the stream ends inside a frame
 */
export async function* decodeFrames(
  source: ByteStream,
  decodeFrame: (frame: ByteStream) => ByteStream,
): AsyncGenerator<Uint8Array> {
  const frames = new FrameSource(source);
  try {
    while (await frames.more()) {
      yield* decodeFrame(frames.frame());
      frames.checkWhole();
    }
  } finally {
    await frames.close();
  }
}
