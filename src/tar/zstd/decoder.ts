/**
 * A zstd stream to its bytes: frames after each other, skippable ones among them (RFC 8878, section 3).
 *
 * The portable decoder, for platforms that have none of their own. It takes chunks of any size and
 * gives a block's bytes at a time, so that what a chunk grows to is never held at once. Memory follows what a frame really gives, up to its window, not what
 * it claims. Content checksums and sizes are verified where a frame has them.
 */
import { makeSource, ROOM, ZstdError } from "./bits.ts";
import { BlockDecoder } from "./block.ts";
import {
  type BlockHeader,
  type FrameHeader,
  frameHeaderLength,
  frameKind,
  MAX_BLOCK,
  MAX_FRAME_HEADER,
  parseBlockHeader,
  parseFrameHeader,
} from "./frame.ts";
import { History } from "./history.ts";
import { Xxh64 } from "./xxh64.ts";

type Stage =
  | "magic"
  | "skip-size"
  | "descriptor"
  | "frame-header"
  | "block-header"
  | "block"
  | "run"
  | "checksum";

export class ZstdDecoder {
  readonly #blocks = new BlockDecoder();
  readonly #history = new History();
  /** Where headers are collected; blocks are collected where their decoder reads them. */
  readonly #small = makeSource(MAX_FRAME_HEADER);
  #stage: Stage = "magic";
  /** How many bytes the stage needs, and how many it has. */
  #need = 4;
  #have = 0;
  /** Bytes of a skippable frame still to come. */
  #skip = 0;
  #frames = 0;
  #frame: FrameHeader = { window: 0, contentSize: undefined, hasChecksum: false };
  #block: BlockHeader = { last: false, type: "raw", size: 0 };
  /** Bytes that the frame has given. */
  #produced = 0;
  #checksum = new Xxh64();

  /**
   * Decodes what a chunk completes. Decompressed bytes are valid until the next are asked for; the
   * generator must be run to its end before the next chunk.
   * @throws ZstdError
   */
  *push(chunk: Uint8Array): Generator<Uint8Array> {
    for (let at = 0; at < chunk.length; ) {
      if (this.#skip > 0) {
        const step = Math.min(this.#skip, chunk.length - at);
        this.#skip -= step;
        at += step;
        continue;
      }
      const step = Math.min(this.#need - this.#have, chunk.length - at);
      const target = this.#stage === "block" ? this.#blocks.source : this.#small;
      target.bytes.set(chunk.subarray(at, at + step), ROOM + this.#have);
      this.#have += step;
      at += step;
      if (this.#have < this.#need) continue;
      const output = this.#take();
      if (output !== undefined && output.length > 0) yield output;
    }
  }

  /** @throws ZstdError where the stream ends inside a frame */
  end(): void {
    if (this.#stage !== "magic" || this.#have > 0 || this.#skip > 0 || this.#frames === 0) {
      throw new ZstdError("unexpected end of stream");
    }
  }

  #next(stage: Stage, need: number): void {
    this.#stage = stage;
    this.#need = need;
    this.#have = 0;
  }

  /** Everything that the stage needs is there. Gives what a block came to. */
  #take(): Uint8Array | undefined {
    const { view, bytes } = this.#small;
    switch (this.#stage) {
      case "magic":
        if (frameKind(view.getUint32(ROOM, true), this.#frames === 0) === "frame")
          this.#next("descriptor", 1);
        else this.#next("skip-size", 4);
        this.#frames += 1;
        return undefined;
      case "skip-size":
        this.#skip = view.getUint32(ROOM, true);
        this.#next("magic", 4);
        return undefined;
      case "descriptor":
        this.#stage = "frame-header";
        this.#need = frameHeaderLength(bytes[ROOM]!);
        return undefined;
      case "frame-header":
        this.#startFrame(parseFrameHeader(view, ROOM));
        return undefined;
      case "block-header":
        return this.#startBlock(parseBlockHeader(bytes, ROOM));
      case "block":
      case "run":
        return this.#readBlock();
      case "checksum":
        if (Number(this.#checksum.digest() & 0xffffffffn) !== view.getUint32(ROOM, true)) {
          throw new ZstdError("content checksum is wrong");
        }
        this.#next("magic", 4);
        return undefined;
    }
  }

  #startFrame(frame: FrameHeader): void {
    this.#frame = frame;
    const slack = Math.max(MAX_BLOCK * 2, Math.min(Math.ceil(frame.window / 2), MAX_BLOCK * 64));
    this.#history.reset(frame.window, slack);
    this.#blocks.reset();
    this.#produced = 0;
    if (frame.hasChecksum) this.#checksum = new Xxh64();
    this.#next("block-header", 3);
  }

  #startBlock(block: BlockHeader): Uint8Array | undefined {
    this.#block = block;
    if (block.type === "run") this.#next("run", 1);
    else this.#next("block", block.size);
    return this.#need === 0 ? this.#readBlock() : undefined;
  }

  #readBlock(): Uint8Array {
    const history = this.#history;
    const { type, size, last } = this.#block;
    history.reserve(MAX_BLOCK);
    const start = history.length;
    if (type === "raw") history.append(this.#blocks.source.bytes, ROOM, ROOM + size);
    else if (type === "run") history.fill(this.#small.bytes[ROOM]!, size);
    else this.#blocks.decode(size, history);
    const output = history.bytes.subarray(start, history.length);
    this.#account(output);
    if (last) this.#endFrame();
    else this.#next("block-header", 3);
    return output;
  }

  #account(output: Uint8Array): void {
    const { contentSize, hasChecksum } = this.#frame;
    this.#produced += output.length;
    if (contentSize !== undefined && this.#produced > contentSize) {
      throw new ZstdError("frame is longer than it states");
    }
    if (hasChecksum) this.#checksum.update(output);
  }

  #endFrame(): void {
    const { contentSize, hasChecksum } = this.#frame;
    if (contentSize !== undefined && this.#produced !== contentSize) {
      throw new ZstdError("frame is shorter than it states");
    }
    if (hasChecksum) this.#next("checksum", 4);
    else this.#next("magic", 4);
  }
}
