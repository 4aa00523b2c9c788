/**
 * The platform seam on Node.
 */
import { createHash, randomFillSync } from "node:crypto";
import { Readable } from "node:stream";
import * as zlib from "node:zlib";
import { deflateBlocks } from "./deflate.ts";
import type { ByteStream, HashAlgorithm, Hasher, Platform } from "./types.ts";

/** Nanoseconds of wall clock at `hrtime` zero, so that times have a sub-microsecond part. */
const CLOCK_OFFSET = BigInt(Date.now()) * 1_000_000n - process.hrtime.bigint();

/** How far the steady clock may drift from the wall clock before it is set again. */
const MAX_DRIFT = 2_000_000n;
let offset = CLOCK_OFFSET;

class NodeHasher implements Hasher {
  readonly #hash;

  constructor(algorithm: HashAlgorithm) {
    this.#hash = createHash(algorithm);
  }

  update(bytes: Uint8Array): void {
    this.#hash.update(bytes);
  }

  hex(): string {
    return this.#hash.digest("hex");
  }
}

/** A small chunk size makes Node's decompressors three times slower. */
const CHUNK_SIZE = 256 * 1024;

function through(source: ByteStream, transform: NodeJS.ReadWriteStream): ByteStream {
  const input = Readable.from(source);
  input.on("error", (error) => (transform as unknown as Readable).destroy(error));
  return input.pipe(transform) as unknown as ByteStream;
}

export const platform: Platform = {
  now() {
    const wall = BigInt(Date.now()) * 1_000_000n;
    const steady = process.hrtime.bigint() + offset;
    const drift = steady - wall;
    if (drift < -MAX_DRIFT || drift > MAX_DRIFT) {
      offset += wall - steady;
      return wall;
    }
    return steady;
  },
  randomBytes(length) {
    return randomFillSync(new Uint8Array(length));
  },
  createHash(algorithm) {
    return new NodeHasher(algorithm);
  },
  gunzip(source) {
    return through(source, zlib.createGunzip({ chunkSize: CHUNK_SIZE }));
  },
  deflate: deflateBlocks,
  crc32: zlib.crc32,
};
