/**
 * The bytes that zstd's entropy decoders read, and the error they give.
 *
 * Entropy-coded streams are read backwards: from the highest set bit of the last byte down to bit 0
 * (RFC 8878, section 4.1). A position is a bit number, the next bit read lying just below it. Reads
 * are not checked one by one: bytes lie in a buffer with room before and after, a stream that is read
 * past its start ends at a negative position, and the decoders look at that before they believe
 * anything.
 */

/** Compressed data that breaks the format. */
export class ZstdError extends Error {
  constructor(what: string) {
    super(`zstd: ${what}`);
    this.name = "ZstdError";
  }
}

/** Bytes of room before and after the data: more than any step reads past an end. */
export const ROOM = 32;

/** Compressed bytes with room around them. */
export interface Source {
  readonly bytes: Uint8Array;
  readonly view: DataView;
}

/** A buffer for up to `size` bytes, which go at {@link ROOM}. */
export function makeSource(size: number): Source {
  const bytes = new Uint8Array(size + 2 * ROOM);
  return { bytes, view: new DataView(bytes.buffer) };
}

/** The number of the highest set bit; -1 for 0. */
export function highestBit(value: number): number {
  return 31 - Math.clz32(value);
}

/**
 * The first position of a backward stream that ends before byte `end`: below the mark in its last byte.
 * @throws ZstdError where the stream is empty or has no mark
 */
export function streamPosition(source: Source, start: number, end: number): number {
  const last = end > start ? source.bytes[end - 1]! : 0;
  if (last === 0) throw new ZstdError("bit stream without an end mark");
  return (end - start - 1) * 8 + highestBit(last);
}

/** `count` bits (0 to 25) from `position` of the stream at byte `start`. */
export function bitsAt(view: DataView, start: number, position: number, count: number): number {
  return (view.getUint32(start + (position >> 3), true) >>> (position & 7)) & ((1 << count) - 1);
}
