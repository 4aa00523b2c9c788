/**
 * Reading a layer: one pass over its bytes as stored, which decompresses them, computes both digests,
 * parses the archive and indexes its entries (rules 42 to 44).
 *
 * The archive's bytes go to a sink as they come. Nothing of them is known to be right until
 * `readLayer` has returned: when it throws, whoever owns the sink drops what it was given. The sink
 * must have taken a chunk when its `write` returns or its promise resolves; the chunk may be
 * overwritten afterwards. `readLayer` neither opens nor closes the sink; a source that it has begun
 * to read it ends (its iterator's `return`) in every case.
 *
 * Memory: the index, a few chunks, and the decompressor's window.
 */
import { platform } from "#platform";
import { type Digest, digestAlgorithm, parseDigest } from "../oci/digest.ts";
import { MemoryAccess } from "../platform/memory.ts";
import type { ByteStream, HashAlgorithm, Hasher } from "../platform/types.ts";
import { type Compression, decompress } from "../tar/decompress.ts";
import { ArchiveError, type Entry } from "../tar/entry.ts";
import { TarReader } from "../tar/reader.ts";
import { IndexWriter, openLayer } from "./index-file.ts";
import type { Layer } from "./layer.ts";

/** Takes the bytes of the uncompressed archive, in order. */
export interface LayerSink {
  write(chunk: Uint8Array): void | Promise<void>;
}

/** What a descriptor and a configuration promise of a layer. Each is checked where it is given. */
export interface ExpectedLayer {
  /** Digest of the bytes as stored. */
  readonly digest?: string | undefined;
  /** Number of the bytes as stored. */
  readonly size?: number | undefined;
  /** Digest of the uncompressed archive. */
  readonly diffID?: string | undefined;
}

export interface ReadLayerOptions {
  readonly expected?: ExpectedLayer;
  /** Most bytes of the uncompressed archive. Default {@link MAX_LAYER_SIZE}. */
  readonly maxSize?: number;
  /**
   * How many times larger than its stored bytes an archive may grow, once it is above 1 GiB. Default
   * {@link MAX_LAYER_RATIO}.
   */
  readonly maxRatio?: number;
  /**
   * Most bytes of the index, which is what stays in memory. Default {@link MAX_INDEX_SIZE}. Beyond
   * 16 MiB it must not be more than half of the archive, either.
   */
  readonly maxIndexSize?: number;
  /** Called with every entry, in archive order, before anything of the layer was verified. */
  readonly onEntry?: (entry: Entry) => void;
}

/** What a layer proved to be. */
export interface ReadLayer {
  /** Digest of the uncompressed archive. */
  readonly diffID: Digest;
  /** Number of bytes of the uncompressed archive. */
  readonly size: number;
  /** Digest of the bytes as stored. */
  readonly blobDigest: Digest;
  /** Number of the bytes as stored. */
  readonly blobSize: number;
  readonly compression: Compression;
  readonly entryCount: number;
  /** The index to open the layer with again (`openLayer`). */
  readonly index: Uint8Array;
}

/** 1 TiB: what no image has and some disks hold. */
export const MAX_LAYER_SIZE = 2 ** 40;
/** Twice what gzip can reach (1032), so that only zstd can meet it, and only on zeros by the gigabyte. */
export const MAX_LAYER_RATIO = 2048;
/** 512 MiB: about ten million entries. */
export const MAX_INDEX_SIZE = 2 ** 29;

/** An archive of this size is no bomb whatever it came from. */
const RATIO_FLOOR = 2 ** 30;

/** Counts and hashes bytes on their way. */
class Meter {
  size = 0;
  readonly algorithm: HashAlgorithm;
  readonly #hash: Hasher;
  #digest: Digest | undefined;

  constructor(expected: Digest | undefined) {
    this.algorithm = expected === undefined ? "sha256" : digestAlgorithm(expected);
    this.#hash = platform.createHash(this.algorithm);
  }

  take(chunk: Uint8Array): void {
    this.size += chunk.length;
    this.#hash.update(chunk);
  }

  /** Of everything taken; nothing may be taken after. */
  digest(): Digest {
    this.#digest ??= parseDigest(`${this.algorithm}:${this.#hash.hex()}`);
    return this.#digest;
  }
}

function promised(text: string | undefined): Digest | undefined {
  return text === undefined ? undefined : parseDigest(text);
}

/** Rule 43: the size first, so that a wrong one ends the transfer, whatever the bytes would say. */
async function* metered(
  source: ByteStream,
  meter: Meter,
  size: number | undefined,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of source) {
    meter.take(chunk);
    if (size !== undefined && meter.size > size) {
      throw new ArchiveError("digest", `layer has more than the promised ${size} bytes (rule 43)`);
    }
    yield chunk;
  }
  if (size !== undefined && meter.size < size) {
    throw new ArchiveError("digest", `layer has ${meter.size} bytes, not the promised ${size} (rule 43)`);
  }
}

/** The check against decompression bombs (rule 44), for each chunk. */
function checkGrowth(size: number, blobSize: number, options: ReadLayerOptions): void {
  const { maxSize = MAX_LAYER_SIZE, maxRatio = MAX_LAYER_RATIO } = options;
  if (size > maxSize) {
    throw new ArchiveError("limit", `layer is above ${maxSize} bytes uncompressed (rule 44)`);
  }
  if (size > RATIO_FLOOR && size > blobSize * maxRatio) {
    throw new ArchiveError("limit", `layer grows more than ${maxRatio} times when decompressed (rule 44)`);
  }
}

function checkDigest(what: string, actual: Digest, expected: Digest | undefined): void {
  if (expected === undefined || actual === expected) return;
  throw new ArchiveError(
    "digest",
    `${what} of the layer is ${actual}, not the promised ${expected} (rule 43)`,
  );
}

/**
 * Reads a layer.
 * @throws ArchiveError where the bytes are not a sound layer or not the promised one; OciError where
 *   a promise is no digest; whatever the source or the sink throw, as it is
 */
export async function readLayer(
  source: ByteStream,
  sink: LayerSink,
  options: ReadLayerOptions = {},
): Promise<ReadLayer> {
  const { expected = {}, onEntry } = options;
  const expectedDigest = promised(expected.digest);
  const expectedDiffID = promised(expected.diffID);
  const stored = new Meter(expectedDigest);
  const index = new IndexWriter(options.maxIndexSize ?? MAX_INDEX_SIZE);
  const reader = new TarReader((entry) => {
    index.add(entry);
    onEntry?.(entry);
  });

  const { compression, stream } = await decompress(metered(source, stored, expected.size));
  const unpacked = new Meter(expectedDiffID);
  // A plain archive is its own blob: one digest serves as both.
  const archive = compression === "none" && stored.algorithm === unpacked.algorithm ? stored : unpacked;
  for await (const chunk of stream) {
    if (archive !== stored) archive.take(chunk);
    checkGrowth(archive.size, stored.size, options);
    reader.push(chunk);
    const written = sink.write(chunk);
    if (written !== undefined) await written;
  }
  reader.end();

  const blobDigest = stored.digest();
  checkDigest("digest", blobDigest, expectedDigest);
  const diffID = archive.digest();
  checkDigest("diffID", diffID, expectedDiffID);
  return {
    diffID,
    size: archive.size,
    blobDigest,
    blobSize: stored.size,
    compression,
    entryCount: index.entryCount,
    index: index.finish(diffID, archive.size),
  };
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  if (bytes.length > 0) yield bytes;
}

/** Keeps an archive in memory. */
export class MemorySink implements LayerSink {
  readonly #chunks: Uint8Array[] = [];
  #size = 0;

  write(chunk: Uint8Array): void {
    this.#chunks.push(chunk.slice());
    this.#size += chunk.length;
  }

  /** All of it, in one piece. */
  bytes(): Uint8Array {
    const all = new Uint8Array(this.#size);
    let at = 0;
    for (const chunk of this.#chunks) {
      all.set(chunk, at);
      at += chunk.length;
    }
    return all;
  }
}

/**
 * A layer from an archive in memory, plain or compressed.
 * @throws ArchiveError as {@link readLayer} does
 */
export async function layerFromBytes(bytes: Uint8Array, options: ReadLayerOptions = {}): Promise<Layer> {
  const sink = new MemorySink();
  const { diffID, index } = await readLayer(once(bytes), sink, options);
  return openLayer({ diffID, archive: new MemoryAccess(sink.bytes()), index })!;
}
