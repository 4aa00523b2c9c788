/**
 * An image of a registry as something that a store, a layout or an archive can be filled from.
 *
 * Nothing is downloaded before it is asked for. Manifests are verified as they come; the blobs that they
 * name are streams of the promised size whose bytes the reader verifies.
 */
import type { Descriptor } from "../oci/descriptor.ts";
import { type Digest, verifyBytes } from "../oci/digest.ts";
import { parseManifest } from "../oci/manifest.ts";
import { isForeignType, isIndexType, isManifestType } from "../oci/media-types.ts";
import { type ImagePlatform, selectManifest } from "../oci/platform.ts";
import { formatReference, type Reference } from "../oci/reference.ts";
import type { ByteStream } from "../platform/types.ts";
import { bytesStream } from "../store/blobs.ts";
import type { ImageSource, SourceBlob } from "../store/source.ts";
import { downloadBlob } from "./download.ts";
import { getManifest, type RegistryManifest } from "./manifests.ts";
import type { Session } from "./session.ts";
import { hasBlob } from "./upload.ts";

export interface RegistrySourceOptions {
  /** Which image of an index is wanted; all of it unless given. */
  readonly platform?: ImagePlatform | undefined;
  /** Gives manifests that are known already, so that they are not downloaded. */
  readonly known?: (descriptor: Descriptor) => Promise<Uint8Array | undefined>;
}

export interface RegistrySource extends ImageSource {
  /** What the reference leads to: a manifest, or an index. */
  readonly descriptor: Descriptor;
  /** The descriptor of a blob that a manifest named. */
  descriptorOf(digest: Digest): Descriptor | undefined;
  /** The bytes of such a blob from an offset on. */
  stream(blob: Descriptor, from: number): ByteStream;
}

/**
 * The image that a manifest of a registry leads to.
 * @param reference where the image is
 * @param root the manifest or index
 */
export function registrySource(
  session: Session,
  reference: Reference,
  root: RegistryManifest,
  options: RegistrySourceOptions = {},
): RegistrySource {
  const repository = reference.path;
  const blobs = new Map<Digest, Descriptor>();
  const manifests = new Map<Digest, Descriptor>();
  const what = formatReference(reference);

  /** Takes note of what a manifest names, and gives its bytes. */
  function read(bytes: Uint8Array, mediaType: string | undefined, digest: Digest): SourceBlob {
    const document = parseManifest(bytes, mediaType, `the manifest ${digest}`);
    if (document.kind === "manifest") {
      for (const descriptor of [document.manifest.config, ...document.manifest.layers]) {
        blobs.set(descriptor.digest, descriptor);
      }
    } else {
      const entries = document.index.manifests;
      const chosen = options.platform === undefined ? undefined : selectManifest(entries, options.platform);
      // Without one for the platform nothing is known, and whoever asks for it is told so.
      for (const entry of options.platform === undefined ? entries : [chosen]) {
        if (entry === undefined) continue;
        if (isManifestType(entry.mediaType) || isIndexType(entry.mediaType))
          manifests.set(entry.digest, entry);
        else blobs.set(entry.digest, entry);
      }
    }
    return { size: bytes.length, open: () => bytesStream(bytes) };
  }

  /** A blob's bytes; those of a foreign layer from its own address where the registry has them not. */
  async function* stream(blob: Descriptor, from: number): ByteStream {
    const [url] = blob.urls ?? [];
    const foreign = isForeignType(blob.mediaType) && url !== undefined;
    const elsewhere = foreign && !(await hasBlob(session, repository, blob));
    const address = elsewhere ? await session.address(url, await session.base()) : undefined;
    yield* downloadBlob(session, repository, blob, from, address);
  }

  const descriptor: Descriptor = { mediaType: root.mediaType, digest: root.digest, size: root.bytes.length };
  return {
    what,
    descriptor,
    images: [{ descriptor, names: [] }],
    descriptorOf: (digest) => blobs.get(digest),
    stream,
    async blob(digest) {
      if (digest === root.digest) return read(root.bytes, root.mediaType, digest);
      const manifest = manifests.get(digest);
      if (manifest !== undefined) {
        const bytes =
          (await options.known?.(manifest)) ??
          (await getManifest(session, repository, digest, `the manifest ${digest}`)).bytes;
        verifyBytes(bytes, digest, manifest.size, "the manifest");
        return read(bytes, manifest.mediaType, digest);
      }
      const blob = blobs.get(digest);
      if (blob === undefined) return undefined;
      return { size: blob.size, open: () => stream(blob, 0) };
    },
  };
}
