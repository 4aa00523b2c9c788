/**
 * The outside of zstd: frames, skippable frames, blocks (RFC 8878, section 3.1), as far as their
 * headers go.
 */
import { ZstdError } from "./bits.ts";

const MAGIC = 0xfd2fb528;
const SKIPPABLE_MAGIC = 0x184d2a50;

/** Largest window of a frame: 128 MiB, the reference decoder's own limit. */
export const MAX_WINDOW = 128 * 1024 * 1024;

/** Most bytes that a block holds or gives. */
export const MAX_BLOCK = 128 * 1024;

/** Longest frame header after the magic number: descriptor, window, dictionary, content size. */
export const MAX_FRAME_HEADER = 14;

export interface FrameHeader {
  /** In bytes, at most {@link MAX_WINDOW}. */
  readonly window: number;
  /** Bytes that the frame gives, where it says so. */
  readonly contentSize: number | undefined;
  readonly hasChecksum: boolean;
}

export interface BlockHeader {
  readonly last: boolean;
  readonly type: "raw" | "run" | "compressed";
  /** Bytes of a block; of a run, how often its byte comes. */
  readonly size: number;
}

/**
 * What a magic number starts.
 * @param first whether nothing came before, for the error
 * @throws ZstdError where it starts nothing
 */
export function frameKind(magic: number, first: boolean): "frame" | "skippable" {
  if (magic === MAGIC) return "frame";
  if ((magic & 0xfffffff0) >>> 0 === SKIPPABLE_MAGIC) return "skippable";
  throw new ZstdError(first ? "no zstd stream" : "garbage after the last frame");
}

const isSingleSegment = (descriptor: number): boolean => (descriptor & 0x20) !== 0;

/** Bytes of the content size field. */
function sizeLength(descriptor: number): number {
  const code = descriptor >> 6;
  return code > 0 ? 1 << code : isSingleSegment(descriptor) ? 1 : 0;
}

/** Bytes of the dictionary's number. */
function dictionaryLength(descriptor: number): number {
  return (1 << (descriptor & 3)) >> 1;
}

/** Bytes of a frame header that starts with `descriptor`, which is counted. */
export function frameHeaderLength(descriptor: number): number {
  return 1 + (isSingleSegment(descriptor) ? 0 : 1) + dictionaryLength(descriptor) + sizeLength(descriptor);
}

function contentSizeAt(view: DataView, at: number, length: number): number | undefined {
  switch (length) {
    case 0:
      return undefined;
    case 1:
      return view.getUint8(at);
    case 2:
      return view.getUint16(at, true) + 256;
    case 4:
      return view.getUint32(at, true);
    default:
      return Number(view.getBigUint64(at, true));
  }
}

/**
 * Reads a frame header, from its descriptor on.
 * @throws ZstdError for a frame that needs a dictionary, or more memory than {@link MAX_WINDOW}
 */
export function parseFrameHeader(view: DataView, start: number): FrameHeader {
  const descriptor = view.getUint8(start);
  if (descriptor & 0x08) throw new ZstdError("reserved bit is set");
  let at = start + 1;
  let window = 0;
  if (!isSingleSegment(descriptor)) {
    const byte = view.getUint8(at++);
    const base = 2 ** (10 + (byte >> 3));
    window = base + (base / 8) * (byte & 7);
  }
  for (let left = dictionaryLength(descriptor); left > 0; left--) {
    if (view.getUint8(at++) !== 0) throw new ZstdError("frame needs a dictionary");
  }
  const contentSize = contentSizeAt(view, at, sizeLength(descriptor));
  if (isSingleSegment(descriptor)) window = contentSize ?? 0;
  if (window > MAX_WINDOW) throw new ZstdError(`window of ${window} bytes is above ${MAX_WINDOW}`);
  return { window, contentSize, hasChecksum: (descriptor & 0x04) !== 0 };
}

/**
 * Reads the three bytes before a block.
 * @throws ZstdError
 */
export function parseBlockHeader(bytes: Uint8Array, at: number): BlockHeader {
  const header = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16);
  const size = header >> 3;
  const type = (["raw", "run", "compressed"] as const)[(header >> 1) & 3];
  if (type === undefined) throw new ZstdError("reserved type of block");
  if (size > MAX_BLOCK) throw new ZstdError("block above 128 KiB");
  if (type === "compressed" && size === 0) throw new ZstdError("empty block");
  return { last: (header & 1) !== 0, type, size };
}
