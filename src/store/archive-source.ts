/**
 * Images of an archive: an image layout in a tar, what `docker save` of any age writes, or both at once;
 * compressed as a whole or not. Told by what is in it, never by its name.
 *
 * An archive that is both is read as a layout, since that keeps the manifests as they were; names that
 * the layout lacks are taken from `manifest.json`.
 */
import { readLayer } from "../layer/read.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import type { Digest } from "../oci/digest.ts";
import { parseLayoutIndex, parseManifest } from "../oci/manifest.ts";
import type { ByteStream } from "../platform/types.ts";
import { decompress } from "../tar/decompress.ts";
import { ArchiveError } from "../tar/entry.ts";
import { dockerImages, readDockerManifest } from "./docker-archive.ts";
import { StoreError } from "./errors.ts";
import { blobName, checkLayoutFile } from "./layout.ts";
import { imagesOf } from "./layout-source.ts";
import type { ImageSource, SourceBlob, SourceImage } from "./source.ts";
import { readSpooled, type Spool, type SpooledFile, spoolArchive } from "./spool.ts";
import type { Staging } from "./staging.ts";

/** The digest of a layer's uncompressed bytes. */
async function diffIDOf(file: SpooledFile): Promise<Digest> {
  return (await readLayer(file.open(), { write() {} })).diffID;
}

/** The config that a manifest in the archive names, or undefined where that cannot be told. */
async function configName(spool: Spool, descriptor: Descriptor): Promise<string | undefined> {
  const file = spool.get(blobName(descriptor.digest));
  if (file === undefined) return undefined;
  const what = `the manifest ${descriptor.digest}`;
  const document = parseManifest(await readSpooled(file, what), descriptor.mediaType, what);
  return document.kind === "manifest" ? blobName(document.manifest.config.digest) : undefined;
}

async function layoutImages(
  spool: Spool,
  marker: SpooledFile,
  index: SpooledFile,
  what: string,
): Promise<readonly SourceImage[]> {
  checkLayoutFile(await readSpooled(marker, `oci-layout of ${what}`), `oci-layout of ${what}`);
  const where = `index.json of ${what}`;
  const images = imagesOf(parseLayoutIndex(await readSpooled(index, where), where).manifests);
  if (images.every(({ names }) => names.length > 0)) return images;
  const entries = (await readDockerManifest(spool, what)) ?? [];
  const named: SourceImage[] = [];
  for (const image of images) {
    const config = image.names.length > 0 ? undefined : await configName(spool, image.descriptor);
    const entry = config === undefined ? undefined : entries.find(({ Config }) => Config === config);
    named.push(entry?.RepoTags === undefined ? image : { ...image, names: entry.RepoTags });
  }
  return named;
}

async function spoolCompressed(archive: ByteStream, what: string, staging: Staging): Promise<Spool> {
  try {
    const { stream } = await decompress(archive);
    return await spoolArchive(stream, what, staging);
  } catch (error) {
    if (!(error instanceof ArchiveError)) throw error;
    throw new StoreError("source", error.message.replace(/^layer/, what), { cause: error });
  }
}

/**
 * Reads an archive to its end and tells what images are in it.
 * @param what names the archive in errors
 * @param staging owns the files that hold its content; blobs may be moved from there into the store
 * @throws StoreError (`source`), OciError
 */
export async function openArchiveSource(
  archive: ByteStream,
  what: string,
  staging: Staging,
): Promise<ImageSource> {
  const spool = await spoolCompressed(archive, what, staging);
  const marker = spool.get("oci-layout");
  const index = spool.get("index.json");
  if (marker !== undefined && index !== undefined) {
    return {
      what,
      images: await layoutImages(spool, marker, index, what),
      blob: async (digest) => spool.get(blobName(digest)),
    };
  }
  const images = await dockerImages(spool, what, diffIDOf);
  const blobs = new Map<Digest, SourceBlob>(images.flatMap((image) => [...image.blobs]));
  return { what, images, blob: async (digest) => blobs.get(digest) };
}
