/**
 * Making an image of an archive of files, as `docker import` does: one layer, which is the archive as it
 * is, and a config that says nothing but what is asked for.
 */

import { platform } from "#platform";
import { readLayer } from "../layer/read.ts";
import type { ImageConfig } from "../oci/config.ts";
import { type Digest, parseDigest } from "../oci/digest.ts";
import { OCI_CONFIG, OCI_LAYER_GZIP, OCI_LAYER_ZSTD, OCI_MANIFEST } from "../oci/media-types.ts";
import type { ImagePlatform } from "../oci/platform.ts";
import { parseReference, withDefaultTag } from "../oci/reference.ts";
import type { ByteStream } from "../platform/types.ts";
import type { Nanoseconds } from "../posix/time.ts";
import { StoreError } from "../store/errors.ts";
import { stageDocument } from "../store/stage-made.ts";
import { type StagedFile, Staging } from "../store/staging.ts";
import { gzip } from "../tar/compress.ts";
import { changeConfig } from "./config-changes.ts";
import { creationTime, formatTime } from "./environment.ts";
import type { Image, ImageHome } from "./image.ts";

export interface ImportOptions {
  /** What to call the image: `NAME[:TAG]`. Without it, it is kept without a name. */
  readonly name?: string;
  /** The comment in the history. */
  readonly message?: string;
  /** Dockerfile instructions that make the config: `ENV A=1`, `CMD ["/bin/sh"]`. */
  readonly changes?: readonly string[];
  /** What the image is for; the store's own platform unless given. */
  readonly platform?: ImagePlatform;
  /** When the image is made: `SOURCE_DATE_EPOCH` wins over it; now unless given. */
  readonly created?: Nanoseconds;
}

/** A blob that was staged. */
interface Blob {
  readonly digest: Digest;
  readonly size: number;
}

/** @param archive was added, and so is closed */
async function compress(staging: Staging, archive: StagedFile, blob: StagedFile): Promise<Blob> {
  const hasher = platform.createHash("sha256");
  for await (const chunk of gzip(staging.read(archive.path))) {
    hasher.update(chunk);
    await blob.write(chunk);
  }
  return { digest: parseDigest(`sha256:${hasher.hex()}`), size: blob.size };
}

/**
 * @param bytes an archive, compressed or not
 * @throws ArchiveError for what is no archive, OciError for a name, StoreError (`invalid`)
 */
export async function importArchive(
  home: ImageHome,
  bytes: ByteStream,
  target: ImagePlatform,
  options: ImportOptions,
): Promise<Image> {
  const { core } = home;
  const reference = options.name === undefined ? undefined : withDefaultTag(parseReference(options.name));
  if (reference?.digest !== undefined) {
    throw new StoreError("invalid", "refusing to create a tag with a digest reference");
  }
  const config = changeConfig({}, options.changes ?? []);
  const staging = new Staging(core.files);
  const lease = core.lease();
  try {
    const [archive, stored] = [await staging.create(), await staging.create()];
    let contentSize = 0;
    const read = await readLayer(
      stored.copyOf(bytes),
      { write: (chunk) => archive.write(chunk) },
      {
        onEntry: (entry) => {
          if (entry.type === "file") contentSize += entry.size;
        },
      },
    );
    const { diffID, compression, index } = read;
    if (read.size === 0) throw new StoreError("invalid", "there is no archive: the input is empty");
    await lease.hold(diffID);
    await core.layers.stageCache(diffID, { archive, index, contentSize }, staging);
    const plain = compression === "none";
    // What came uncompressed is its own archive; its blob is compressed as that of any layer made here.
    const blobFile = plain ? await staging.create() : stored;
    const blob = plain
      ? await compress(staging, archive, blobFile)
      : { digest: read.blobDigest, size: read.blobSize };
    await lease.hold(blob.digest);
    await staging.add(blobFile, core.blobs.path(blob.digest));
    const made = { core, staging, lease };
    const created = formatTime(creationTime(options.created, home.env));
    const { os, architecture, variant } = target;
    const document: ImageConfig = {
      created,
      architecture,
      os,
      ...(variant === undefined ? {} : { variant }),
      config,
      rootfs: { type: "layers", diff_ids: [diffID] },
      history: [{ created, ...(options.message === undefined ? {} : { comment: options.message }) }],
    };
    const mediaType = compression === "zstd" ? OCI_LAYER_ZSTD : OCI_LAYER_GZIP;
    const descriptor = await stageDocument(
      OCI_MANIFEST,
      {
        schemaVersion: 2,
        mediaType: OCI_MANIFEST,
        config: await stageDocument(OCI_CONFIG, document, made),
        layers: [{ mediaType, ...blob }],
      },
      made,
    );
    // Layers that cannot be applied are found before anything is visible.
    await core.trees.stage([{ descriptor: { mediaType, ...blob }, diffID }], staging);
    await staging.commit();
    return await home.adopt(descriptor, reference);
  } finally {
    await staging.discard();
    lease.release();
  }
}
