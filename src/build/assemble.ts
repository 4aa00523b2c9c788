/**
 * From a finished stage to an image in the store: its config and its manifest, and its names.
 */
import type { ImageConfig } from "../oci/config.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import {
  DOCKER_CONFIG,
  DOCKER_LAYER_GZIP,
  DOCKER_LIST,
  DOCKER_MANIFEST,
  OCI_CONFIG,
  OCI_INDEX,
  OCI_LAYER_GZIP,
  OCI_MANIFEST,
} from "../oci/media-types.ts";
import type { ImagePlatform } from "../oci/platform.ts";
import { formatTime } from "../runtime/environment.ts";
import { stageDocument } from "../store/stage-made.ts";
import { Staging } from "../store/staging.ts";
import { restoreBlob } from "./restore-blob.ts";
import type { BuildSession } from "./session.ts";
import type { StageState } from "./stage-state.ts";

export interface AssembleOptions {
  /** Labels of `--label`, which win over those of the Dockerfile. */
  readonly labels: Readonly<Record<string, string>>;
  /** Annotations of the manifest. */
  readonly annotations: Readonly<Record<string, string>>;
}

/** The media types of one family. A base's layers keep theirs. */
export const FAMILIES = {
  oci: { index: OCI_INDEX, manifest: OCI_MANIFEST, config: OCI_CONFIG, layer: OCI_LAYER_GZIP },
  docker: { index: DOCKER_LIST, manifest: DOCKER_MANIFEST, config: DOCKER_CONFIG, layer: DOCKER_LAYER_GZIP },
} as const;

function finalConfig(
  session: BuildSession,
  state: StageState,
  labels: AssembleOptions["labels"],
): ImageConfig {
  const { config, layers, history } = state;
  const execution = { ...config.config };
  const all = { ...execution.Labels, ...labels };
  const { config: _, rootfs: __, history: ___, created: ____, ...rest } = config;
  return {
    ...rest,
    created: history.at(-1)?.created ?? formatTime(session.clock()),
    config: Object.keys(all).length === 0 ? execution : { ...execution, Labels: all },
    rootfs: { type: "layers", diff_ids: layers.map(({ diffID }) => diffID) },
    history: history.map((entry) => ({ created: formatTime(session.clock()), ...entry })),
  };
}

/** Writes the index of several images into the store, not yet named. */
export async function assembleIndex(
  session: BuildSession,
  images: readonly { readonly descriptor: Descriptor; readonly platform: ImagePlatform }[],
  annotations: AssembleOptions["annotations"],
): Promise<Descriptor> {
  const { core, lease } = session;
  const family = session.layerType === DOCKER_LAYER_GZIP ? FAMILIES.docker : FAMILIES.oci;
  const staging = new Staging(core.files);
  try {
    const index = {
      schemaVersion: 2,
      mediaType: family.index,
      manifests: images.map(({ descriptor, platform }) => ({ ...descriptor, platform })),
      ...(Object.keys(annotations).length > 0 ? { annotations } : {}),
    };
    const descriptor = await stageDocument(family.index, index, { core, staging, lease });
    await staging.commit();
    return descriptor;
  } finally {
    await staging.discard();
  }
}

/** Writes the documents of an image into the store, not yet named. */
export async function assembleImage(
  session: BuildSession,
  state: StageState,
  options: AssembleOptions,
): Promise<Descriptor> {
  for (const layer of state.layers) await restoreBlob(session, layer);
  const { core, lease } = session;
  const family = session.layerType === DOCKER_LAYER_GZIP ? FAMILIES.docker : FAMILIES.oci;
  const staging = new Staging(core.files);
  const target = { core, staging, lease };
  try {
    const config = await stageDocument(family.config, finalConfig(session, state, options.labels), target);
    const annotated = Object.keys(options.annotations).length > 0;
    const manifest = {
      schemaVersion: 2,
      mediaType: family.manifest,
      config,
      layers: state.layers.map(({ descriptor }) => descriptor),
      ...(annotated ? { annotations: options.annotations } : {}),
    };
    const descriptor = await stageDocument(family.manifest, manifest, target);
    await staging.commit();
    return descriptor;
  } finally {
    await staging.discard();
  }
}
