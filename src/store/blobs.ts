/**
 * Content-addressed blobs on disk: `blobs/ALG/HEX`.
 *
 * What is in there may have been written by other tools, or have rotted since. So a document is
 * checked against its digest each time it is read, and a layer when it is unpacked into the cache.
 */
import { createReadStream, type Stats } from "node:fs";
import { open, stat } from "node:fs/promises";
import type { Descriptor } from "../oci/descriptor.ts";
import { descriptorData } from "../oci/descriptor.ts";
import { type Digest, verifyBytes } from "../oci/digest.ts";
import { OciError } from "../oci/errors.ts";
import { MAX_DOCUMENT } from "../oci/json.ts";
import type { ByteStream } from "../platform/types.ts";
import { isMissing, StoreError } from "./errors.ts";
import type { Layout } from "./layout.ts";

/** How much of a file is read at a time. */
const CHUNK = 256 * 1024;

/** Bytes in memory as a stream of one chunk. */
export async function* bytesStream(bytes: Uint8Array): ByteStream {
  yield bytes;
}

/** A file's bytes in order. It is opened when they are asked for. */
export async function* fileStream(path: string): ByteStream {
  yield* createReadStream(path, { highWaterMark: CHUNK }) as AsyncIterable<Uint8Array>;
}

async function statIfThere(path: string): Promise<Stats | undefined> {
  try {
    return await stat(path);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** Whether there is a file at a path. */
export async function isFile(path: string): Promise<boolean> {
  return (await statIfThere(path))?.isFile() ?? false;
}

/** Reads a small file whole, but never more than `limit` bytes. */
export async function readBounded(path: string, limit: number, what: string): Promise<Uint8Array> {
  const handle = await open(path, "r");
  try {
    const { size } = await handle.stat();
    if (size > limit)
      throw new OciError("limit", `${what} has ${size} bytes, more than the ${limit} allowed`);
    return await handle.readFile();
  } finally {
    await handle.close();
  }
}

export class Blobs {
  readonly #layout: Layout;

  constructor(layout: Layout) {
    this.#layout = layout;
  }

  path(digest: Digest): string {
    return this.#layout.blob(digest);
  }

  /** Size in bytes of a blob that is there. */
  async size(digest: Digest): Promise<number | undefined> {
    const stats = await statIfThere(this.path(digest));
    return stats?.isFile() ? stats.size : undefined;
  }

  stream(digest: Digest): ByteStream {
    return fileStream(this.path(digest));
  }

  /**
   * A document's bytes, checked against its descriptor.
   * @param what names the document in errors: `the manifest`
   * @throws StoreError (`missing-blob`), OciError (`mismatch`, `limit`)
   */
  async document(descriptor: Descriptor, what: string): Promise<Uint8Array> {
    const { digest, size } = descriptor;
    let bytes: Uint8Array;
    try {
      bytes = await readBounded(this.path(digest), MAX_DOCUMENT, `${what} ${digest}`);
    } catch (error) {
      if (!isMissing(error)) throw error;
      const inline = descriptorData(descriptor);
      if (inline !== undefined) return inline;
      throw new StoreError("missing-blob", `${what} ${digest} is not in the store`);
    }
    verifyBytes(bytes, digest, size, what);
    return bytes;
  }
}
