/**
 * Making an image of an image and a mount of it, as `docker commit` does.
 *
 * The layer is written, hashed, compressed and indexed in one pass over the changes. All of the new
 * image becomes visible together, and its name last. With the same changes, and one `SOURCE_DATE_EPOCH`,
 * the image has the same digest.
 */
import { writeLayer } from "../layer/write.ts";
import { type ExecutionConfig, type HistoryEntry, historySteps, type ImageConfig } from "../oci/config.ts";
import type { Digest } from "../oci/digest.ts";
import { DOCKER_LAYER_GZIP, DOCKER_MANIFEST, OCI_LAYER_GZIP } from "../oci/media-types.ts";
import { parseReference, type Reference, withDefaultTag } from "../oci/reference.ts";
import { type Nanoseconds, seconds } from "../posix/time.ts";
import { StoreError } from "../store/errors.ts";
import type { Lease } from "../store/leases.ts";
import { stageDocument, stageLayer } from "../store/stage-made.ts";
import { Staging } from "../store/staging.ts";
import type { Mount } from "../union/mount.ts";
import { changeConfig } from "./config-changes.ts";
import { creationTime, type Environment, formatTime, sourceDate } from "./environment.ts";
import type { Image, ImageHome } from "./image.ts";

export interface CommitOptions {
  /** The comment in the history. */
  readonly message?: string;
  readonly author?: string;
  /** What the history says the layer was made by: usually a command line. */
  readonly createdBy?: string;
  /** How containers of the new image run, before `changes`; as those of this one unless given. */
  readonly config?: ExecutionConfig;
  /** Dockerfile instructions that change the config: `ENV A=1`, `CMD ["/bin/sh"]`. */
  readonly changes?: readonly string[];
  /** When the image is made: `SOURCE_DATE_EPOCH` wins over it; now unless given. */
  readonly created?: Nanoseconds;
  /** What to call the image: `NAME[:TAG]`. Without it, it is kept without a name. */
  readonly name?: string;
  /** Level of the gzip compression, 1 to 9; 6 unless given. */
  readonly level?: number;
}

function newConfig(
  base: ImageConfig,
  diffID: Digest | undefined,
  options: CommitOptions,
  env: Environment,
): ImageConfig {
  const created = formatTime(creationTime(options.created, env));
  const entry: HistoryEntry = {
    created,
    ...(options.createdBy === undefined ? {} : { created_by: options.createdBy }),
    ...(options.author === undefined ? {} : { author: options.author }),
    ...(options.message === undefined ? {} : { comment: options.message }),
    ...(diffID === undefined ? { empty_layer: true } : {}),
  };
  const { diff_ids } = base.rootfs;
  return {
    ...base,
    created,
    ...(options.author === undefined ? {} : { author: options.author }),
    config: changeConfig(options.config ?? base.config ?? {}, options.changes ?? []),
    rootfs: { ...base.rootfs, diff_ids: diffID === undefined ? diff_ids : [...diff_ids, diffID] },
    // The steps also name layers that the base's history was silent about: the new one comes after them.
    history: [...historySteps(base).map((step) => step.entry), entry],
  };
}

/** Holds the layers that the new image has from its base, and makes sure that they are there. */
async function holdBase(image: Image, home: ImageHome, lease: Lease): Promise<void> {
  const { layers } = image.manifest;
  await lease.hold(...layers.map(({ digest }) => digest));
  for (const { digest } of layers) {
    if ((await home.core.blobs.size(digest)) !== undefined) continue;
    throw new StoreError("missing-blob", `the layer ${digest} is not in the store`);
  }
}

function wantedName(name: string | undefined): Reference | undefined {
  if (name === undefined) return undefined;
  const reference = withDefaultTag(parseReference(name));
  if (reference.digest === undefined) return reference;
  throw new StoreError("invalid", "refusing to create a tag with a digest reference");
}

/** See {@link Image.commit}. */
export async function commitImage(
  image: Image,
  mount: Mount,
  home: ImageHome,
  options: CommitOptions,
): Promise<Image> {
  const tree = await image.tree();
  if (mount.tree !== tree && mount.tree.chainID !== tree.chainID) {
    throw new StoreError("invalid", `the mount is not one of the image ${image.id}`);
  }
  const reference = wantedName(options.name);
  const epoch = sourceDate(home.env);
  const layer = writeLayer(
    mount.changes(),
    epoch === undefined ? {} : { sourceDateEpoch: Number(seconds(epoch)) },
  );
  const { mediaType, manifest } = image.record;
  const layerType = mediaType === DOCKER_MANIFEST ? DOCKER_LAYER_GZIP : OCI_LAYER_GZIP;
  const staging = new Staging(home.core.files);
  const lease = home.core.lease();
  const target = { core: home.core, staging, lease };
  try {
    await holdBase(image, home, lease);
    const added = layer === undefined ? undefined : await stageLayer(layer, layerType, target, options.level);
    const config = newConfig(image.config, added?.diffID, options, home.env);
    const descriptor = await stageDocument(
      mediaType,
      {
        schemaVersion: 2,
        mediaType,
        config: await stageDocument(manifest.config.mediaType, config, target),
        layers: added === undefined ? manifest.layers : [...manifest.layers, added.descriptor],
      },
      target,
    );
    await staging.commit();
    return await home.adopt(descriptor, reference);
  } finally {
    await staging.discard();
    lease.release();
  }
}
