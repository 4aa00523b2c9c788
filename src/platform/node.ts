/**
 * The platform seam on Node.
 */
import { createHash, randomFillSync } from "node:crypto";
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { pipeline, Readable, type Transform } from "node:stream";
import * as zlib from "node:zlib";
import { type ErrorCode, errno } from "../posix/errno.ts";
import { deflateBlocks } from "./deflate.ts";
import { hostDirectory } from "./host.ts";
import type { ByteStream, HashAlgorithm, Hasher, Platform, RandomAccess } from "./types.ts";

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

/** Ends both when either fails or is given up. */
function through(source: ByteStream, transform: Transform): ByteStream {
  return pipeline(Readable.from(source), transform, () => {});
}

async function* gunzip(source: ByteStream): AsyncGenerator<Uint8Array> {
  let given = 0;
  async function* counted(): AsyncGenerator<Uint8Array> {
    for await (const chunk of source) {
      given += chunk.length;
      yield chunk;
    }
  }
  const inflate = zlib.createGunzip({ chunkSize: CHUNK_SIZE });
  yield* through(counted(), inflate);
  // zlib's binding takes zeros after a member for padding and drops them with all that follows.
  if (inflate.bytesWritten !== given) throw new Error("trailing garbage after the last gzip member");
}

/** There from Node 22.15 on. */
const { createZstdDecompress } = zlib as {
  createZstdDecompress?: (options: { chunkSize: number }) => Transform;
};

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
  gunzip,
  ...(createZstdDecompress !== undefined && {
    zstdFrame: (frame) => through(frame, createZstdDecompress({ chunkSize: CHUNK_SIZE })),
  }),
  deflate: deflateBlocks,
  crc32: zlib.crc32,
  hostDirectory,
};

/** A file on disk that does not change while it is open. */
class FileAccess implements RandomAccess {
  readonly size: number;
  #fd: number;

  constructor(path: string) {
    this.#fd = openSync(path, "r");
    this.size = fstatSync(this.#fd).size;
  }

  read(target: Uint8Array, offset: number, length: number, position: number): number {
    if (this.#fd < 0) return -errno.EBADF;
    const end = Math.min(length, this.size - position);
    let done = 0;
    try {
      while (done < end) {
        const count = readSync(this.#fd, target, offset + done, end - done, position + done);
        if (count === 0) break;
        done += count;
      }
    } catch (error) {
      return -(errno[(error as NodeJS.ErrnoException).code as ErrorCode] ?? errno.EIO);
    }
    return done;
  }

  close(): void {
    if (this.#fd >= 0) closeSync(this.#fd);
    this.#fd = -1;
  }
}

/**
 * Opens a file to be read at any position. Only on Node: not part of the seam.
 * @throws Node's error where it cannot be opened
 */
export function openFile(path: string): RandomAccess {
  return new FileAccess(path);
}
