/**
 * Pushing an image of a store to a registry.
 *
 * What the name leads to is pushed as it is: a whole index with everything that belongs to it where the
 * store has all of it, else the manifest of the image for the store's platform.
 */
import type { Descriptor } from "../oci/descriptor.ts";
import { type Digest, shortDigest } from "../oci/digest.ts";
import { type Reference, sameRepository, withDigest } from "../oci/reference.ts";
import { pushImage as pushToRegistry, type PushOptions as RegistryPushOptions } from "../registry/push.ts";
import type { RegistryOptions, Session } from "../registry/session.ts";
import type { StoreCore } from "../store/core.ts";
import { mayBeImage, readManifest } from "../store/images.ts";
import { withName } from "../store/index-file.ts";
import type { Image } from "./image.ts";

/** How many other repositories are asked for one blob. */
const MAX_MOUNTS = 2;

export interface PushOptions
  extends RegistryOptions,
    Pick<RegistryPushOptions, "observe" | "layersAtOnce" | "chunkSize"> {}

/** What was pushed. */
export interface Pushed {
  readonly digest: Digest;
  /** Of the manifest or index, in bytes. */
  readonly size: number;
}

/** Every blob that a descriptor leads to; undefined where the store lacks one of them. */
async function blobsOf(core: StoreCore, descriptor: Descriptor): Promise<readonly Digest[] | undefined> {
  if ((await core.blobs.size(descriptor.digest)) === undefined) return undefined;
  if (!mayBeImage(descriptor)) return [descriptor.digest];
  const document = await readManifest(core.blobs, descriptor);
  const below =
    document.kind === "index"
      ? document.index.manifests
      : [document.manifest.config, ...document.manifest.layers];
  const found: Digest[] = [descriptor.digest];
  for (const child of below) {
    const digests = await blobsOf(core, child);
    if (digests === undefined) return undefined;
    found.push(...digests);
  }
  return found;
}

/** Other repositories of the same registry, by the blobs that the store's names say they have. */
async function otherRepositories(
  core: StoreCore,
  reference: Reference,
): Promise<(digest: Digest) => readonly string[]> {
  const repositories = new Map<Digest, Set<string>>();
  for (const name of await core.index.names()) {
    const other = name.reference;
    if (other === undefined || other.domain !== reference.domain || sameRepository(other, reference))
      continue;
    // A name with a digest was pulled or pushed; another one may be only local, and costs a question.
    const digests = await blobsOf(core, name.descriptor).catch(() => undefined);
    for (const digest of digests ?? []) {
      const known = repositories.get(digest) ?? new Set();
      repositories.set(digest, known);
      known.add(other.path);
    }
  }
  return (digest) => [...(repositories.get(digest) ?? [])].slice(0, MAX_MOUNTS);
}

/**
 * Pushes an image of the store.
 * @param reference with a tag
 * @throws RegistryError, OciError, StoreError (`missing-blob`)
 */
export async function pushImage(
  core: StoreCore,
  session: Session,
  image: Image,
  reference: Reference,
  options: PushOptions = {},
): Promise<Pushed> {
  const lease = core.lease();
  try {
    await lease.hold(image.target.digest, image.descriptor.digest);
    const whole = await blobsOf(core, image.target);
    const descriptor = whole === undefined ? image.descriptor : image.target;
    const digests = whole ?? [
      image.manifest.config.digest,
      ...image.manifest.layers.map(({ digest }) => digest),
    ];
    await lease.hold(...digests);
    const names = new Map(image.layers.map((layer) => [layer.descriptor.digest, shortDigest(layer.diffID)]));
    const source = {
      what: "the store",
      async blob(digest: Digest) {
        const size = await core.blobs.size(digest);
        return size === undefined ? undefined : { size, open: () => core.blobs.stream(digest) };
      },
    };
    await pushToRegistry(session, reference.path, source, descriptor, reference.tag, {
      ...options,
      mountFrom: await otherRepositories(core, reference),
      layerName: ({ digest }) => names.get(digest) ?? shortDigest(digest),
    });
    await core.index.update((manifests) =>
      withName(manifests, descriptor, withDigest(reference, descriptor.digest)),
    );
    return { digest: descriptor.digest, size: descriptor.size };
  } finally {
    lease.release();
  }
}
