/**
 * Content-addressed blobs: `blobs/ALG/HEX`.
 *
 * What is in there may have been written by other tools, or have rotted since. So a document is
 * checked against its digest each time it is read, and a layer when it is unpacked into the cache.
 */
import type { Descriptor } from "../oci/descriptor.ts";
import { descriptorData } from "../oci/descriptor.ts";
import { type Digest, verifyBytes } from "../oci/digest.ts";
import { MAX_DOCUMENT } from "../oci/json.ts";
import type { ByteStream } from "../platform/types.ts";
import { StoreError } from "./errors.ts";
import type { StoreFiles } from "./files.ts";
import type { Layout } from "./layout.ts";

/** Bytes in memory as a stream of one chunk. */
export async function* bytesStream(bytes: Uint8Array): ByteStream {
  yield bytes;
}

export class Blobs {
  readonly #layout: Layout;
  readonly #files: StoreFiles;

  constructor(layout: Layout, files: StoreFiles) {
    this.#layout = layout;
    this.#files = files;
  }

  path(digest: Digest): string {
    return this.#layout.blob(digest);
  }

  /** Size in bytes of a blob that is there. */
  async size(digest: Digest): Promise<number | undefined> {
    return (await this.#files.facts(this.path(digest)))?.size;
  }

  stream(digest: Digest): ByteStream {
    return this.#files.stream(this.path(digest));
  }

  /**
   * A document's bytes, checked against its descriptor.
   * @param what names the document in errors: `the manifest`
   * @throws StoreError (`missing-blob`), OciError (`mismatch`, `limit`)
   */
  async document(descriptor: Descriptor, what: string): Promise<Uint8Array> {
    const { digest, size } = descriptor;
    const bytes = await this.#files.read(this.path(digest), MAX_DOCUMENT, `${what} ${digest}`);
    if (bytes === undefined) {
      const inline = descriptorData(descriptor);
      if (inline !== undefined) return inline;
      throw new StoreError("missing-blob", `${what} ${digest} is not in the store`);
    }
    verifyBytes(bytes, digest, size, what);
    return bytes;
  }
}
