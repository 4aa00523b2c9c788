/**
 * Staging what is made here, as opposed to what comes from elsewhere: a layer of changes, a document.
 */
import { platform } from "#platform";
import { encodeIndex } from "../layer/index-file.ts";
import type { WrittenLayer } from "../layer/write.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import { digestOf, parseDigest } from "../oci/digest.ts";
import { jsonBytes } from "../oci/json.ts";
import { gzip } from "../tar/compress.ts";
import type { StoreCore } from "./core.ts";
import type { ImageLayer } from "./layers.ts";
import type { Lease } from "./leases.ts";
import type { Staging } from "./staging.ts";

/** Where what is made goes. */
export interface MadeTarget {
  readonly core: Pick<StoreCore, "blobs" | "layers">;
  readonly staging: Staging;
  /** Holds what is staged, from before it is visible; to be released after something else leads to it. */
  readonly lease: Lease;
}

/**
 * Writes, hashes, compresses and indexes a layer in one pass.
 * @param level of the gzip compression, 1 to 9; 6 unless given
 * @throws ArchiveError where a content cannot be read
 */
export async function stageLayer(
  layer: WrittenLayer,
  mediaType: string,
  { core, staging, lease }: MadeTarget,
  level?: number,
): Promise<ImageLayer> {
  const archive = await staging.create();
  const blob = await staging.create();
  const hasher = platform.createHash("sha256");
  const options = level === undefined ? {} : { level };
  for await (const chunk of gzip(archive.copyOf(layer.stream()), options)) {
    hasher.update(chunk);
    await blob.write(chunk);
  }
  const { diffID } = layer;
  const digest = parseDigest(`sha256:${hasher.hex()}`);
  const descriptor = { mediaType, digest, size: blob.size };
  let contentSize = 0;
  for (const entry of layer.entries()) if (entry.type === "file") contentSize += entry.size;
  const index = encodeIndex(layer.entries(), diffID, layer.archive.size);
  await lease.hold(digest, diffID);
  await staging.add(blob, core.blobs.path(digest));
  await core.layers.stageCache(diffID, { archive, index, contentSize }, staging);
  return { descriptor, diffID };
}

/** Writes a document as compact JSON. */
export async function stageDocument(
  mediaType: string,
  document: object,
  { core, staging, lease }: MadeTarget,
): Promise<Descriptor> {
  const bytes = jsonBytes(document);
  const digest = digestOf(bytes);
  await lease.hold(digest);
  await staging.addBytes(bytes, core.blobs.path(digest));
  return { mediaType, digest, size: bytes.length };
}
