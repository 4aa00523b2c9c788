/**
 * The build cache as an artifact, so that machines share it (`--cache-to`, `--cache-from`).
 *
 * It is an OCI manifest whose config lists the steps of a build by key, and whose layers are what they
 * made. What the keys were made of stays at home: it may hold values of build arguments. Who imports it
 * reads the list, and a layer only where a step has its key; then it is verified as any layer that is
 * pulled.
 */
import * as v from "valibot";
import { type Descriptor, descriptorSchema, digestSchema } from "../oci/descriptor.ts";
import type { Digest } from "../oci/digest.ts";
import { MAX_DOCUMENT, parseJson, validate } from "../oci/json.ts";
import { OCI_MANIFEST } from "../oci/media-types.ts";
import { parseReference, withDefaultTag } from "../oci/reference.ts";
import { getManifest } from "../registry/manifests.ts";
import { pushImage } from "../registry/push.ts";
import { type RegistryOptions, Session } from "../registry/session.ts";
import { registrySource } from "../registry/source.ts";
import type { StoreCore } from "../store/core.ts";
import { readManifest } from "../store/images.ts";
import type { ImageLayer } from "../store/layers.ts";
import { openLayoutSource } from "../store/layout-source.ts";
import { writeToLayout } from "../store/layout-target.ts";
import type { Lease } from "../store/leases.ts";
import type { ImageSource } from "../store/source.ts";
import { sourceBlobs } from "../store/source-blobs.ts";
import { stageDocument } from "../store/stage-made.ts";
import { Staging } from "../store/staging.ts";
import type { StepRecord } from "../store/step-cache.ts";
import { BuildError } from "./errors.ts";

/** Where a cache is, or is to be. */
export type CachePlace =
  | { readonly kind: "registry"; readonly reference: string; readonly options?: RegistryOptions }
  /** A directory with an OCI layout. */
  | { readonly kind: "local"; readonly directory: string };

export const CACHE_ARTIFACT = "application/vnd.stratafs.buildcache.v1";
const CACHE_CONFIG = "application/vnd.stratafs.buildcache.config.v1+json";
const CACHE_TAG = "buildcache";

const configSchema = v.looseObject({
  version: v.literal(1),
  records: v.array(
    v.looseObject({
      key: digestSchema,
      description: v.string(),
      created: v.string(),
      layer: v.optional(v.looseObject({ descriptor: descriptorSchema, diffID: digestSchema })),
    }),
  ),
});

/** What a step gave on another machine. */
export type SharedRecord = Omit<StepRecord, "same">;

/** A cache that was opened. */
export interface SharedCache {
  readonly what: string;
  find(key: Digest): SharedRecord | undefined;
  /** Brings a layer into the store. */
  fetch(core: StoreCore, layer: ImageLayer): Promise<void>;
  close(): Promise<void>;
}

function nameOf(place: CachePlace): string {
  return place.kind === "registry" ? place.reference : place.directory;
}

async function openSource(
  place: CachePlace,
): Promise<{ source: ImageSource; descriptor: Descriptor; close(): Promise<void> }> {
  if (place.kind === "local") {
    const source = await openLayoutSource(place.directory);
    const found = source.images.find(({ names }) => names.includes(CACHE_TAG));
    if (found === undefined) throw new BuildError("invalid", `${place.directory} holds no build cache`);
    return { source, descriptor: found.descriptor, close: async () => {} };
  }
  const reference = withDefaultTag(parseReference(place.reference));
  const session = new Session(reference.domain, place.options ?? {});
  try {
    const tag = reference.digest ?? reference.tag ?? "latest";
    const root = await getManifest(session, reference.path, tag, `the build cache ${place.reference}`);
    const source = registrySource(session, reference, root);
    return { source, descriptor: source.descriptor, close: () => session.close() };
  } catch (error) {
    await session.close();
    throw error;
  }
}

/**
 * Opens a cache. Its records are read, no layer is.
 * @throws RegistryError, OciError, StoreError, BuildError
 */
export async function openSharedCache(place: CachePlace): Promise<SharedCache> {
  const { source, descriptor, close } = await openSource(place);
  const what = nameOf(place);
  try {
    const blobs = sourceBlobs(source);
    const document = await readManifest(blobs, descriptor);
    if (document.kind === "index" || document.manifest.config.mediaType !== CACHE_CONFIG) {
      throw new BuildError("invalid", `${what} is no build cache of strata`);
    }
    const bytes = await blobs.document(document.manifest.config, "the records");
    const title = `the records of ${what}`;
    const { records } = validate(configSchema, parseJson(bytes, title, MAX_DOCUMENT), title);
    const known = new Map(records.map((record) => [record.key, record]));
    return {
      what,
      find: (key) => known.get(key) as SharedRecord | undefined,
      async fetch(core, layer) {
        const blob = await source.blob(layer.descriptor.digest);
        if (blob === undefined) throw new BuildError("source", `${what} has no ${layer.descriptor.digest}`);
        const staging = new Staging(core.files);
        try {
          await core.layers.ingest(layer, blob, staging, true);
          await staging.commit();
        } finally {
          await staging.discard();
        }
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/**
 * Writes the steps of a build as a cache.
 * @param taken steps by key
 * @param lease holds their layers
 * @returns the manifest's descriptor
 */
export async function writeSharedCache(
  core: StoreCore,
  lease: Lease,
  taken: ReadonlyMap<Digest, StepRecord>,
  place: CachePlace,
): Promise<Descriptor> {
  const records = [...taken].map(([key, { description, created, layer }]) => ({
    key,
    description,
    created,
    ...(layer === undefined ? {} : { layer }),
  }));
  const layers = new Map(
    records.flatMap(({ layer }) => (layer ? [[layer.descriptor.digest, layer.descriptor]] : [])),
  );
  const staging = new Staging(core.files);
  let descriptor: Descriptor;
  try {
    const target = { core, staging, lease };
    const config = await stageDocument(CACHE_CONFIG, { version: 1, records }, target);
    const manifest = {
      schemaVersion: 2,
      mediaType: OCI_MANIFEST,
      artifactType: CACHE_ARTIFACT,
      config,
      layers: [...layers.values()],
    };
    descriptor = await stageDocument(OCI_MANIFEST, manifest, target);
    await staging.commit();
  } finally {
    await staging.discard();
  }
  const source = {
    what: "the build cache",
    async blob(digest: Digest) {
      const size = await core.blobs.size(digest);
      return size === undefined ? undefined : { size, open: () => core.blobs.stream(digest) };
    },
  };
  if (place.kind === "local") {
    await writeToLayout(place.directory, source, descriptor, CACHE_TAG);
    return descriptor;
  }
  const reference = withDefaultTag(parseReference(place.reference));
  const session = new Session(reference.domain, place.options ?? {});
  try {
    await pushImage(session, reference.path, source, descriptor, reference.tag);
    return descriptor;
  } finally {
    await session.close();
  }
}
