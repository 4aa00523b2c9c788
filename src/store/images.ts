/**
 * From a descriptor to an image: through indexes to the manifest of a platform, and to its config.
 */
import { type ImageConfig, parseConfig } from "../oci/config.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import type { Digest } from "../oci/digest.ts";
import { OciError } from "../oci/errors.ts";
import { type Manifest, type ManifestDocument, parseManifest } from "../oci/manifest.ts";
import { isConfigType, isIndexType, isManifestType } from "../oci/media-types.ts";
import { formatPlatform, type ImagePlatform, selectManifest } from "../oci/platform.ts";
import type { Blobs } from "./blobs.ts";

/** How many indexes may point at one another. */
const MAX_NESTING = 8;

/** One image for one platform. */
export interface ImageRecord {
  /** The digest of its config. */
  readonly id: Digest;
  readonly config: ImageConfig;
  readonly manifest: Manifest;
  /** Of the manifest itself. */
  readonly descriptor: Descriptor;
  /** The type of the manifest document. */
  readonly mediaType: string;
}

/** Whether a descriptor can lead to an image. */
export function mayBeImage(descriptor: Descriptor): boolean {
  return isManifestType(descriptor.mediaType) || isIndexType(descriptor.mediaType);
}

/** A manifest or index from the store, checked. */
export async function readManifest(
  blobs: Pick<Blobs, "document">,
  descriptor: Descriptor,
): Promise<ManifestDocument> {
  const bytes = await blobs.document(descriptor, "the manifest");
  return parseManifest(bytes, descriptor.mediaType, `the manifest ${descriptor.digest}`);
}

/** Refuses a manifest whose config and layers do not belong together. */
export function checkLayers(manifest: Manifest, config: ImageConfig, what: string): void {
  const layers = manifest.layers.length;
  const diffIDs = config.rootfs.diff_ids.length;
  if (layers !== diffIDs) {
    throw new OciError("document", `${what} has ${layers} layers but its config names ${diffIDs} diffIDs`);
  }
}

/**
 * The image that a descriptor leads to on a platform.
 * @returns undefined for a manifest of something other than an image
 * @throws OciError (`platform`) where an index has nothing for it; what reading documents throws
 */
export async function readImage(
  blobs: Pick<Blobs, "document">,
  descriptor: Descriptor,
  platform: ImagePlatform,
): Promise<ImageRecord | undefined> {
  let at = descriptor;
  for (let depth = 0; depth < MAX_NESTING; depth++) {
    const document = await readManifest(blobs, at);
    if (document.kind === "manifest") {
      const { manifest, mediaType } = document;
      if (!isConfigType(manifest.config.mediaType)) return undefined;
      const bytes = await blobs.document(manifest.config, "the config");
      const config = parseConfig(bytes, `the config ${manifest.config.digest}`);
      checkLayers(manifest, config, `the image ${manifest.config.digest}`);
      return { id: manifest.config.digest, config, manifest, descriptor: at, mediaType };
    }
    const selected = selectManifest(document.index.manifests, platform);
    if (selected === undefined) {
      throw new OciError(
        "platform",
        `${at.digest} has no image for the platform ${formatPlatform(platform)}`,
      );
    }
    at = selected;
  }
  throw new OciError("limit", `${descriptor.digest} is an index of indexes deeper than ${MAX_NESTING}`);
}
