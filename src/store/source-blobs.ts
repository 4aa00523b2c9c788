/**
 * The blobs of a source, verified, as the blobs of a store are read.
 */
import type { Descriptor } from "../oci/descriptor.ts";
import { descriptorData } from "../oci/descriptor.ts";
import type { Digest } from "../oci/digest.ts";
import { OciError } from "../oci/errors.ts";
import { MAX_DOCUMENT } from "../oci/json.ts";
import type { ByteStream } from "../platform/types.ts";
import { type Blobs, bytesStream } from "./blobs.ts";
import { StoreError } from "./errors.ts";
import type { ImageSource } from "./source.ts";
import { verifiedStream } from "./verified.ts";

/** What reading images asks of blobs. */
export type BlobReader = Pick<Blobs, "size" | "stream" | "document">;

/** Reads a source as if it were a store. */
export function sourceBlobs(source: Pick<ImageSource, "what" | "blob">): BlobReader {
  async function* stream(descriptor: Descriptor, what: string): ByteStream {
    const blob = await source.blob(descriptor.digest);
    const inline = blob === undefined ? descriptorData(descriptor) : undefined;
    if (blob === undefined && inline === undefined) {
      throw new StoreError("missing-blob", `${source.what}: ${what} ${descriptor.digest} is missing`);
    }
    yield* verifiedStream(blob?.open() ?? bytesStream(inline!), descriptor, what);
  }
  const sizeOf = async (digest: Digest) => (await source.blob(digest))?.size;
  return {
    size: sizeOf,
    async *stream(digest) {
      const size = (await sizeOf(digest)) ?? 0;
      yield* stream({ mediaType: "", digest, size }, "the blob");
    },
    async document(descriptor, what) {
      if (descriptor.size > MAX_DOCUMENT) {
        throw new OciError(
          "limit",
          `${what} ${descriptor.digest} has more than the ${MAX_DOCUMENT} bytes allowed`,
        );
      }
      const chunks: Uint8Array[] = [];
      for await (const chunk of stream(descriptor, what)) chunks.push(chunk);
      return Buffer.concat(chunks);
    },
  };
}
