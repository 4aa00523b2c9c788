/**
 * Copying images from a source into a store.
 *
 * Everything an image is made of is verified, applied and staged first; only when all of it is sound does
 * it become visible, layers before the config, the config before the manifest, and the reference last.
 */

import { platform } from "#platform";
import { chainIDs } from "../oci/chain.ts";
import { parseConfig } from "../oci/config.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import { descriptorData } from "../oci/descriptor.ts";
import { type Digest, digestAlgorithm, verifyBytes } from "../oci/digest.ts";
import { OciError } from "../oci/errors.ts";
import { MAX_DOCUMENT } from "../oci/json.ts";
import { type Manifest, parseManifest } from "../oci/manifest.ts";
import { isConfigType, isLayerType } from "../oci/media-types.ts";
import { formatPlatform, type ImagePlatform, selectManifest } from "../oci/platform.ts";
import type { Blobs } from "./blobs.ts";
import type { StoreCore } from "./core.ts";
import { StoreError } from "./errors.ts";
import { checkLayers, type ImageRecord, mayBeImage, readImage } from "./images.ts";
import { withName } from "./index-file.ts";
import type { ImageLayer, Layers } from "./layers.ts";
import type { Lease } from "./leases.ts";
import type { NamedImage } from "./names.ts";
import { eachOf } from "./parallel.ts";
import type { ImageSource, SourceBlob } from "./source.ts";
import type { Staging } from "./staging.ts";
import type { Trees } from "./trees.ts";

/** How many layers are read at a time: one is decompressed while another is parsed. */
const LAYERS_AT_ONCE = 2;
const MAX_NESTING = 8;

/** Where things are copied to. */
export interface LoadTarget {
  readonly blobs: Blobs;
  readonly layers: Layers;
  readonly trees: Trees;
  readonly staging: Staging;
  /** Holds whatever is staged or found present. */
  readonly lease: Lease;
  /** The platform whose layers are unpacked; those of others are only verified. */
  readonly platform: ImagePlatform;
}

async function readBlob(blob: SourceBlob, descriptor: Descriptor, what: string): Promise<Uint8Array> {
  if (blob.size !== descriptor.size) {
    throw new OciError(
      "mismatch",
      `${what} ${descriptor.digest} has ${blob.size} bytes, not the promised ${descriptor.size}`,
    );
  }
  if (blob.size > MAX_DOCUMENT) {
    throw new OciError(
      "limit",
      `${what} ${descriptor.digest} has ${blob.size} bytes, more than the ${MAX_DOCUMENT} allowed`,
    );
  }
  const chunks: Uint8Array[] = [];
  for await (const chunk of blob.open()) chunks.push(chunk);
  const bytes = Buffer.concat(chunks);
  verifyBytes(bytes, descriptor.digest, descriptor.size, what);
  return bytes;
}

/** One image on its way into a store. */
class Copy {
  readonly #source: ImageSource;
  readonly #target: LoadTarget;
  /** What is already staged or known to be in the store. */
  readonly #done = new Set<Digest>();

  constructor(source: ImageSource, target: LoadTarget) {
    this.#source = source;
    this.#target = target;
  }

  /** Copies what a descriptor leads to. @returns false for something that the source does not have */
  async manifest(descriptor: Descriptor, unpack: boolean, depth = 0): Promise<boolean> {
    const what = "the manifest";
    await this.#target.lease.hold(descriptor.digest);
    const bytes = await this.#document(descriptor, what);
    if (bytes === undefined) return false;
    const document = parseManifest(bytes, descriptor.mediaType, `${what} ${descriptor.digest}`);
    if (document.kind === "index") await this.#entries(document.index.manifests, unpack, depth);
    else await this.#image(document.manifest, unpack);
    await this.#stage(descriptor, bytes);
    return true;
  }

  /** Copies the images of an index that are there; at least the one for the platform must be. */
  async #entries(entries: readonly Descriptor[], unpack: boolean, depth: number): Promise<void> {
    if (depth >= MAX_NESTING) throw new OciError("limit", `an index of indexes deeper than ${MAX_NESTING}`);
    const chosen = selectManifest(entries, this.#target.platform);
    if (chosen === undefined && unpack) {
      throw new OciError(
        "platform",
        `${this.#source.what} has no image for the platform ${formatPlatform(this.#target.platform)}`,
      );
    }
    let copied = 0;
    // The chosen one first: a layer that several share is unpacked for it.
    const others = entries.filter((entry) => entry !== chosen && mayBeImage(entry));
    for (const entry of chosen === undefined ? others : [chosen, ...others]) {
      const found = await this.manifest(entry, unpack && entry === chosen, depth + 1);
      if (found) copied += 1;
      else if (entry === chosen)
        throw new StoreError("missing-blob", `${this.#source.what}: the manifest ${entry.digest} is missing`);
    }
    if (copied === 0)
      throw new StoreError("source", `${this.#source.what} has none of the images that its index names`);
  }

  async #image(manifest: Manifest, unpack: boolean): Promise<void> {
    const { lease } = this.#target;
    await lease.hold(manifest.config.digest, ...manifest.layers.map(({ digest }) => digest));
    const config = await this.#required(manifest.config, "the config");
    const diffIDs = isConfigType(manifest.config.mediaType) ? this.#diffIDs(manifest, config) : undefined;
    if (unpack && diffIDs !== undefined) await lease.hold(...diffIDs, ...chainIDs(diffIDs).slice(-1));
    const copy = async ([position, descriptor]: [number, Descriptor]) => {
      const diffID = diffIDs?.[position];
      const isLayer = diffID !== undefined && isLayerType(descriptor.mediaType);
      await (isLayer ? this.#layer({ descriptor, diffID }, unpack) : this.#opaque(descriptor));
    };
    // All that began is waited for, so that nothing is still writing when the staging is discarded.
    await eachOf(manifest.layers.entries(), this.#source.layersAtOnce ?? LAYERS_AT_ONCE, copy, () =>
      this.#source.abandon?.(),
    );
    if (unpack && diffIDs !== undefined) {
      const layers = manifest.layers.map((descriptor, i) => ({ descriptor, diffID: diffIDs[i]! }));
      await this.#target.trees.stage(layers, this.#target.staging);
    }
    await this.#stage(manifest.config, config);
  }

  #diffIDs(manifest: Manifest, bytes: Uint8Array): readonly Digest[] {
    const { digest } = manifest.config;
    const config = parseConfig(bytes, `the config ${digest}`);
    checkLayers(manifest, config, `the image ${digest}`);
    return config.rootfs.diff_ids;
  }

  async #layer(layer: ImageLayer, unpack: boolean): Promise<void> {
    const { digest, size } = layer.descriptor;
    if (this.#done.has(digest)) return;
    this.#done.add(digest);
    const { layers, blobs, staging } = this.#target;
    if (await layers.has(layer)) return;
    const source = await this.#source.blob(digest);
    if (source !== undefined) {
      if (source.size !== size) {
        throw new OciError(
          "mismatch",
          `the layer ${digest} has ${source.size} bytes, not the promised ${size}`,
        );
      }
      await layers.ingest(layer, source, staging, unpack);
      this.#source.taken?.(digest);
    } else if ((await blobs.size(digest)) !== undefined) {
      if (unpack) await layers.open(layer);
    } else {
      throw new StoreError("missing-blob", `${this.#source.what}: the layer ${digest} is missing`);
    }
  }

  /** Copies a blob that is no layer of files, such as an attestation. */
  async #opaque(descriptor: Descriptor): Promise<void> {
    const { digest, size } = descriptor;
    const { blobs, staging } = this.#target;
    if (this.#done.has(digest)) return;
    this.#done.add(digest);
    const source = await this.#source.blob(digest);
    if (source === undefined) {
      if ((await blobs.size(digest)) === size) return;
      const inline = descriptorData(descriptor);
      if (inline === undefined)
        throw new StoreError("missing-blob", `${this.#source.what}: the blob ${digest} is missing`);
      await staging.addBytes(inline, blobs.path(digest));
      return;
    }
    const file = await staging.create();
    const hasher = platform.createHash(digestAlgorithm(digest));
    for await (const chunk of source.open()) {
      if (file.size + chunk.length > size) break;
      hasher.update(chunk);
      await file.write(chunk);
    }
    if (
      file.size !== size ||
      source.size !== size ||
      `${digestAlgorithm(digest)}:${hasher.hex()}` !== digest
    ) {
      throw new OciError("mismatch", `the blob ${digest} does not have the promised content`);
    }
    await staging.add(file, blobs.path(digest));
  }

  async #required(descriptor: Descriptor, what: string): Promise<Uint8Array> {
    const bytes = await this.#document(descriptor, what);
    if (bytes !== undefined) return bytes;
    throw new StoreError("missing-blob", `${this.#source.what}: ${what} ${descriptor.digest} is missing`);
  }

  /** A document, verified: from the source, from the descriptor itself, or from the store. */
  async #document(descriptor: Descriptor, what: string): Promise<Uint8Array | undefined> {
    const blob = await this.#source.blob(descriptor.digest);
    if (blob !== undefined) return await readBlob(blob, descriptor, what);
    const { blobs } = this.#target;
    if ((await blobs.size(descriptor.digest)) !== undefined) return await blobs.document(descriptor, what);
    return descriptorData(descriptor);
  }

  async #stage(descriptor: Descriptor, bytes: Uint8Array): Promise<void> {
    if (this.#done.has(descriptor.digest)) return;
    this.#done.add(descriptor.digest);
    await this.#target.staging.addBytes(bytes, this.#target.blobs.path(descriptor.digest));
  }
}

/**
 * Stages everything that the images of a source are made of. Nothing is visible before the staging is
 * committed.
 * @throws StoreError, OciError, ArchiveError; the staging is then to be discarded
 */
async function stageImages(source: ImageSource, target: LoadTarget): Promise<void> {
  const copy = new Copy(source, target);
  for (const { descriptor } of source.images) {
    if (await copy.manifest(descriptor, true)) continue;
    throw new StoreError("missing-blob", `${source.what}: the manifest ${descriptor.digest} is missing`);
  }
}

/**
 * Brings the images of a source into a store: all of them, or, where one is not sound, none.
 * @param named what the images are called; one without a reference is kept without a name
 * @param staging is committed; whoever made it discards it
 * @returns what each of them is, as it was before anyone else could remove it; undefined for what is no image
 * @throws StoreError, OciError, ArchiveError
 */
export async function ingestImages(
  core: StoreCore,
  source: ImageSource,
  named: readonly NamedImage[],
  staging: Staging,
  platform: ImagePlatform,
): Promise<readonly (ImageRecord | undefined)[]> {
  const lease = core.lease();
  try {
    await stageImages(source, { ...core, staging, lease, platform });
    await staging.commit();
    const records: (ImageRecord | undefined)[] = [];
    for (const { descriptor } of named) records.push(await readImage(core.blobs, descriptor, platform));
    await core.index.update((manifests) => {
      let entries = manifests;
      for (const { descriptor, references } of named) {
        for (const reference of references.length === 0 ? [undefined] : references) {
          entries = withName(entries, descriptor, reference);
        }
      }
      return entries;
    });
    return records;
  } finally {
    lease.release();
  }
}
