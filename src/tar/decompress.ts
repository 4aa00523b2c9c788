/**
 * A layer's bytes as stored to the bytes of its archive: told by magic, never by media type (rule 44).
 *
 * gzip may have any number of members (eStargz has one a file), zstd any number of frames, skippable
 * ones among them and first. What follows the last member or frame must be another one: garbage is an
 * error, as in Go; zero padding too. bzip2 and xz are named in the error: no layer is compressed with
 * them (image-spec, layer.md).
 */
import { platform } from "#platform";
import type { ByteStream } from "../platform/types.ts";
import { ArchiveError } from "./entry.ts";
import { BLOCK, hasValidChecksum, isZeroBlock } from "./header.ts";

/** How a layer is stored. */
export type Compression = "none" | "gzip" | "zstd";

const FOREIGN: readonly (readonly [string, readonly number[]])[] = [
  ["bzip2", [0x42, 0x5a, 0x68]],
  ["xz", [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]],
  ["lz4", [0x04, 0x22, 0x4d, 0x18]],
  ["lzip", [0x4c, 0x5a, 0x49, 0x50]],
  ["compress", [0x1f, 0x9d]],
];

function startsWith(bytes: Uint8Array, magic: readonly number[]): boolean {
  return bytes.length >= magic.length && magic.every((byte, i) => bytes[i] === byte);
}

/** Whether four bytes start a skippable zstd frame (RFC 8878, section 3.1.2). */
function isSkippable(bytes: Uint8Array): boolean {
  return (
    bytes.length >= 4 && (bytes[0]! & 0xf0) === 0x50 && startsWith(bytes.subarray(1), [0x2a, 0x4d, 0x18])
  );
}

/** Whether bytes are the start of a tar archive, or so few that only its reader can tell. */
function isTar(head: Uint8Array): boolean {
  if (head.length < BLOCK || isZeroBlock(head, 0) || hasValidChecksum(head, 0)) return true;
  return String.fromCharCode(...head.subarray(257, 262)) === "ustar";
}

/**
 * Which compression the first bytes of a stream tell.
 * @param head the first 512 bytes, fewer only where the stream has no more
 * @throws ArchiveError `compression` for a kind that cannot be read or that nothing knows
 */
export function detectCompression(head: Uint8Array): Compression {
  if (startsWith(head, [0x1f, 0x8b])) return "gzip";
  if (startsWith(head, [0x28, 0xb5, 0x2f, 0xfd]) || isSkippable(head)) return "zstd";
  for (const [name, magic] of FOREIGN) {
    if (startsWith(head, magic)) {
      throw new ArchiveError(
        "compression",
        `layer is compressed with ${name}; gzip and zstd can be read (rule 44)`,
      );
    }
  }
  if (isTar(head)) return "none";
  throw new ArchiveError(
    "compression",
    "layer is neither a tar archive nor compressed with gzip or zstd (rule 44)",
  );
}

/** A stream whose first bytes were looked at. */
interface Peeked {
  readonly head: Uint8Array;
  /** All of it, the head too. */
  readonly stream: ByteStream;
  /** Ends the source, where the stream is not going to be read. */
  close(): Promise<void>;
}

/** Reads until `size` bytes are there or the source ends. */
async function peek(source: ByteStream, size: number): Promise<Peeked> {
  const iterator = source[Symbol.asyncIterator]();
  const chunks: Uint8Array[] = [];
  let length = 0;
  let done = false;
  while (length < size && !done) {
    const next = await iterator.next();
    if (next.done) {
      done = true;
    } else {
      // A copy, since a chunk need not outlive the next one.
      chunks.push(next.value.slice());
      length += next.value.length;
    }
  }
  const head = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    head.set(chunk, at);
    at += chunk.length;
  }
  const close = async (): Promise<void> => {
    await iterator.return?.();
  };
  async function* stream(): AsyncGenerator<Uint8Array> {
    try {
      if (length > 0) yield head;
      while (!done) {
        const next = await iterator.next();
        if (next.done) return;
        yield next.value;
      }
    } finally {
      await close();
    }
  }
  return { head: head.subarray(0, size), stream: stream(), close };
}

/** Decompressed with the portable decoder. */
async function* portableZstd(source: ByteStream): AsyncGenerator<Uint8Array> {
  const { ZstdDecoder } = await import("./zstd/decoder.ts");
  const decoder = new ZstdDecoder();
  for await (const chunk of source) yield* decoder.push(chunk);
  decoder.end();
}

async function* nativeZstd(
  source: ByteStream,
  decodeFrame: (frame: ByteStream) => ByteStream,
): AsyncGenerator<Uint8Array> {
  const { decodeFrames } = await import("./zstd/frames.ts");
  yield* decodeFrames(source, decodeFrame);
}

function unzstd(source: ByteStream): ByteStream {
  return platform.zstdFrame === undefined ? portableZstd(source) : nativeZstd(source, platform.zstdFrame);
}

/** Remembers what the source itself failed with, which is no fault of the compression. */
class Watched {
  readonly #source: ByteStream;
  failure: unknown;

  constructor(source: ByteStream) {
    this.#source = source;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    try {
      yield* this.#source;
    } catch (error) {
      this.failure = error;
      throw error;
    }
  }
}

async function* decoded(
  name: string,
  source: ByteStream,
  decode: (source: ByteStream) => ByteStream,
): AsyncGenerator<Uint8Array> {
  const watched = new Watched(source);
  try {
    yield* decode(watched);
  } catch (cause) {
    if (watched.failure !== undefined) throw watched.failure;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new ArchiveError("compression", `${name} stream cannot be decompressed: ${reason} (rule 44)`, {
      cause,
    });
  }
}

/**
 * Opens a stream of stored bytes as the archive's own bytes. A chunk of it is only valid until the
 * next one is asked for. What the source throws comes through as it is.
 * @throws ArchiveError (`compression`), here or from the stream
 */
export async function decompress(
  source: ByteStream,
): Promise<{ readonly compression: Compression; readonly stream: ByteStream }> {
  const { head, stream, close } = await peek(source, BLOCK);
  let compression: Compression;
  try {
    compression = detectCompression(head);
  } catch (error) {
    await close();
    throw error;
  }
  switch (compression) {
    case "none":
      return { compression, stream };
    case "gzip":
      return { compression, stream: decoded("gzip", stream, platform.gunzip) };
    case "zstd":
      return { compression, stream: decoded("zstd", stream, unzstd) };
  }
}
