/**
 * What `docker save` writes: a `manifest.json` that names configs and layers by path (since 1.10), or
 * only `repositories` and a chain of version 1 images before that.
 *
 * An image there has no manifest, so one is made: always the same for the same config and layers. The
 * layers keep the bytes they have in the archive, compressed or not. Nothing is believed of a name
 * but where to look in the archive: digests are of the bytes found, and diffIDs are checked where the
 * layers are read.
 */
import * as v from "valibot";
import { parseConfig } from "../oci/config.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import { type Digest, digestHex, digestOf } from "../oci/digest.ts";
import { OciError } from "../oci/errors.ts";
import { jsonBytes, parseJsonValue, validate } from "../oci/json.ts";
import { OCI_CONFIG, OCI_LAYER, OCI_LAYER_GZIP, OCI_LAYER_ZSTD, OCI_MANIFEST } from "../oci/media-types.ts";
import { bytesStream } from "./blobs.ts";
import { StoreError } from "./errors.ts";
import type { SourceBlob, SourceImage } from "./source.ts";
import { readSpooled, type Spool, type SpooledFile } from "./spool.ts";
import { type LegacyLayer, legacyConfig, legacyLayers, legacyNames } from "./v1-image.ts";

const manifestSchema = v.array(
  v.looseObject({
    Config: v.string(),
    RepoTags: v.optional(v.array(v.string())),
    Layers: v.optional(v.array(v.string())),
  }),
);

/** An image of the archive with the bytes it is made of. */
export interface ArchiveImage extends SourceImage {
  readonly blobs: ReadonlyMap<Digest, SourceBlob>;
}

function find(spool: Spool, name: string, what: string): SpooledFile {
  const file = spool.get(name);
  if (file === undefined)
    throw new StoreError("source", `${what}: ${JSON.stringify(name)} is not in the archive`);
  return file;
}

/** The media type that says how a layer's bytes are compressed (rule 44: by magic). */
async function layerType(file: SpooledFile): Promise<string> {
  for await (const chunk of file.open()) {
    if (chunk[0] === 0x1f && chunk[1] === 0x8b) return OCI_LAYER_GZIP;
    if (chunk[0] === 0x28 && chunk[1] === 0xb5 && chunk[2] === 0x2f && chunk[3] === 0xfd)
      return OCI_LAYER_ZSTD;
    break;
  }
  return OCI_LAYER;
}

/** An image from its config and layers: makes the manifest. */
async function makeImage(
  config: Uint8Array,
  layers: readonly SpooledFile[],
  names: readonly string[],
): Promise<ArchiveImage> {
  const blobs = new Map<Digest, SourceBlob>();
  const memory = (mediaType: string, bytes: Uint8Array): Descriptor => {
    const digest = digestOf(bytes);
    blobs.set(digest, { size: bytes.length, open: () => bytesStream(bytes) });
    return { mediaType, digest, size: bytes.length };
  };
  const descriptors: Descriptor[] = [];
  for (const file of layers) {
    blobs.set(file.digest, file);
    descriptors.push({ mediaType: await layerType(file), digest: file.digest, size: file.size });
  }
  const manifest = {
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    config: memory(OCI_CONFIG, config),
    layers: descriptors,
  };
  return { descriptor: memory(OCI_MANIFEST, jsonBytes(manifest)), names, blobs };
}

const NAMED_BY_DIGEST = /^(?:blobs\/sha256\/([0-9a-f]{64})|([0-9a-f]{64})\.json)$/;

/** A config is often named by its digest; then it must have it. */
function checkConfigName(name: string, file: SpooledFile, what: string): void {
  const named = NAMED_BY_DIGEST.exec(name);
  const hex = named?.[1] ?? named?.[2];
  if (hex !== undefined && hex !== digestHex(file.digest)) {
    throw new OciError("mismatch", `${what}: the config ${name} has the content of ${file.digest}`);
  }
}

/** The entries of a `manifest.json`, or undefined where the archive has none. */
export async function readDockerManifest(spool: Spool, what: string) {
  const file = spool.get("manifest.json");
  if (file === undefined) return undefined;
  const where = `manifest.json of ${what}`;
  return validate(manifestSchema, parseJsonValue(await readSpooled(file, where), where), where);
}

async function modernImages(
  entries: v.InferOutput<typeof manifestSchema>,
  spool: Spool,
  what: string,
): Promise<readonly ArchiveImage[]> {
  const images: ArchiveImage[] = [];
  for (const entry of entries) {
    const file = find(spool, entry.Config, what);
    checkConfigName(entry.Config, file, what);
    const config = await readSpooled(file, `the config of ${what}`);
    const layers = (entry.Layers ?? []).map((name) => find(spool, name, what));
    const { diff_ids } = parseConfig(config, `the config ${file.digest}`).rootfs;
    if (diff_ids.length !== layers.length) {
      throw new OciError(
        "document",
        `${what}: ${entry.Config} names ${diff_ids.length} diffIDs for ${layers.length} layers`,
      );
    }
    images.push(await makeImage(config, layers, entry.RepoTags ?? []));
  }
  return images;
}

/** Version 1 images: the diffIDs are what is found, since nothing in the archive promises any. */
async function legacyImages(
  spool: Spool,
  what: string,
  diffIDOf: (file: SpooledFile) => Promise<Digest>,
): Promise<readonly ArchiveImage[]> {
  const names = await legacyNames(spool, what);
  const images: ArchiveImage[] = [];
  for (const [id, tags] of names) {
    const chain: readonly LegacyLayer[] = await legacyLayers(spool, id, what);
    const diffIDs: Digest[] = [];
    for (const { layer } of chain) diffIDs.push(await diffIDOf(layer));
    const config = jsonBytes(legacyConfig(chain, diffIDs));
    images.push(
      await makeImage(
        config,
        chain.map(({ layer }) => layer),
        tags,
      ),
    );
  }
  return images;
}

/**
 * The images of a docker-archive.
 * @param diffIDOf the digest of a layer's uncompressed bytes, for archives that do not tell it
 * @throws StoreError (`source`), OciError
 */
export async function dockerImages(
  spool: Spool,
  what: string,
  diffIDOf: (file: SpooledFile) => Promise<Digest>,
): Promise<readonly ArchiveImage[]> {
  const entries = await readDockerManifest(spool, what);
  if (entries !== undefined) return await modernImages(entries, spool, what);
  if (spool.get("repositories") !== undefined) return await legacyImages(spool, what, diffIDOf);
  throw new StoreError(
    "source",
    `${what} is no image archive: it has neither an image layout nor a manifest.json`,
  );
}
