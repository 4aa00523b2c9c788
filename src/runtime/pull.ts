/**
 * Pulling an image: from a registry into a store.
 *
 * Layers are verified, unpacked and indexed while they arrive, several at a time. What is in the store
 * already is not asked for. What arrived stays for the next attempt where a pull is interrupted, also
 * by the death of its process; what turns out to be damaged does not.
 */
import type { Descriptor } from "../oci/descriptor.ts";
import { type Digest, shortDigest } from "../oci/digest.ts";
import { OciError } from "../oci/errors.ts";
import { parseManifest } from "../oci/manifest.ts";
import { isConfigType } from "../oci/media-types.ts";
import { type ImagePlatform, selectManifest } from "../oci/platform.ts";
import {
  familiarReference,
  formatReference,
  type Reference,
  withDefaultTag,
  withDigest,
} from "../oci/reference.ts";
import { RegistryError } from "../registry/errors.ts";
import { getManifest, headManifest, type RegistryManifest } from "../registry/manifests.ts";
import type { Observer } from "../registry/progress.ts";
import type { RegistryOptions, Session } from "../registry/session.ts";
import { registrySource } from "../registry/source.ts";
import type { StoreCore } from "../store/core.ts";
import { StoreError } from "../store/errors.ts";
import { ingestImages } from "../store/load.ts";
import type { ImageSource, SourceBlob } from "../store/source.ts";
import { Staging } from "../store/staging.ts";
import { Downloads } from "./pull-downloads.ts";

/** As many as Docker. */
const DOWNLOADS_AT_ONCE = 3;

export interface PullOptions extends RegistryOptions {
  /** Which image of an index is wanted; the store's platform unless given. */
  readonly platform?: ImagePlatform;
  /** All images of an index, and what belongs to them. */
  readonly allPlatforms?: boolean;
  /** Is told of an image that the registry has, before its layers are told of. */
  readonly found?: (reference: Reference) => void | Promise<void>;
  readonly observe?: Observer;
  readonly layersAtOnce?: number;
}

/** What a pull found. */
export interface Pulled {
  /** What the reference leads to in the registry: the manifest or index. */
  readonly digest: Digest;
  /** What the store's name leads to. */
  readonly target: Descriptor;
  /** Whether the name led to something else before, or to nothing. */
  readonly newer: boolean;
}

/** How Docker words that something is not there, or not for everybody. */
function explained(error: unknown, reference: Reference): unknown {
  if (!(error instanceof RegistryError)) return error;
  const name = familiarReference(reference);
  if (error.code === "not-found") {
    return new RegistryError(
      "not-found",
      `manifest for ${name} not found: ${error.detail ?? error.message}`,
      {
        cause: error,
      },
    );
  }
  if (error.code === "unauthorized" || error.code === "denied") {
    const repository = name.replace(/(@.*|:[^:/]*)$/, "");
    const words = error.detail ?? error.message;
    return new RegistryError(
      error.code,
      `pull access denied for ${repository}, repository does not exist or may require 'strata login': ${words}`,
      { cause: error },
    );
  }
  return error;
}

/** The manifest of a reference: from the store where the registry says that it is still the same. */
async function findManifest(
  session: Session,
  reference: Reference,
  core: StoreCore,
): Promise<RegistryManifest> {
  const wanted = reference.digest ?? reference.tag ?? "latest";
  const names = await core.index.names();
  const known = names.some(({ reference: other }) => {
    return other !== undefined && other.domain === reference.domain && other.path === reference.path;
  });
  if (known) {
    const head = await headManifest(session, reference.path, wanted);
    if (head !== undefined && (reference.digest ?? head.digest) === head.digest) {
      if ((await core.blobs.size(head.digest)) === head.size) {
        const bytes = await core.blobs.document(head, "the manifest");
        return { bytes, mediaType: head.mediaType, digest: head.digest };
      }
    }
  }
  return await getManifest(
    session,
    reference.path,
    wanted,
    `the manifest of ${familiarReference(reference)}`,
  );
}

async function isThere(core: StoreCore, { digest, size }: Descriptor): Promise<boolean> {
  return (await core.blobs.size(digest)) === size;
}

/** Tells of the layers of an image in one go, before anything is downloaded, as Docker does. */
async function announce(core: StoreCore, image: RegistryManifest, observe: Observer): Promise<void> {
  const document = parseManifest(image.bytes, image.mediaType, `the manifest ${image.digest}`);
  if (document.kind === "index") return;
  const { config, layers } = document.manifest;
  const there = await Promise.all([config, ...layers].map((descriptor) => isThere(core, descriptor)));
  if (there.every(Boolean)) return;
  for (const [i, { digest }] of layers.entries()) {
    observe({ id: shortDigest(digest), status: there[i + 1] ? "Already exists" : "Pulling fs layer" });
  }
}

/** The manifest of one platform, through indexes. */
async function chosenManifest(
  session: Session,
  reference: Reference,
  root: RegistryManifest,
  core: StoreCore,
  platform: ImagePlatform,
): Promise<RegistryManifest & { readonly isRoot: boolean }> {
  const document = parseManifest(root.bytes, root.mediaType, `the manifest ${root.digest}`);
  if (document.kind === "manifest") return { ...root, isRoot: true };
  const chosen = selectManifest(document.index.manifests, platform);
  if (chosen === undefined) {
    throw new OciError(
      "platform",
      `no matching manifest for ${platform.os}/${platform.architecture}${platform.variant ? `/${platform.variant}` : ""} in the manifest list entries`,
    );
  }
  const bytes = (await isThere(core, chosen))
    ? await core.blobs.document(chosen, "the manifest")
    : (await getManifest(session, reference.path, chosen.digest, `the manifest ${chosen.digest}`)).bytes;
  const { mediaType, digest } = chosen;
  return {
    ...(await chosenManifest(session, reference, { bytes, mediaType, digest }, core, platform)),
    isRoot: false,
  };
}

/** A source whose layers are downloaded to files that outlive the pull, and tell how far they are. */
function downloading(
  core: StoreCore,
  source: ReturnType<typeof registrySource>,
  downloads: Downloads,
  options: PullOptions,
): ImageSource {
  const { observe = () => {} } = options;
  const observed = (blob: SourceBlob, digest: Digest): SourceBlob => {
    const id = shortDigest(digest);
    return {
      ...blob,
      async *open() {
        let current = 0;
        for await (const chunk of blob.open()) {
          current += chunk.length;
          observe({ id, status: "Downloading", current, total: blob.size });
          yield chunk;
        }
        observe({ id, status: "Verifying Checksum" });
        observe({ id, status: "Download complete" });
      },
    };
  };
  return {
    ...source,
    layersAtOnce: options.layersAtOnce ?? DOWNLOADS_AT_ONCE,
    async blob(digest) {
      const found = await source.blob(digest);
      const descriptor = source.descriptorOf(digest);
      if (descriptor === undefined) return found;
      if (await isThere(core, descriptor)) return undefined;
      if (isConfigType(descriptor.mediaType)) return found;
      const file = await downloads.blob(descriptor, (offset) => ({
        size: descriptor.size,
        open: () => source.stream(descriptor, offset),
      }));
      return observed(file, digest);
    },
    abandon: () => downloads.stop(),
    taken(digest) {
      downloads.taken(digest);
      observe({ id: shortDigest(digest), status: "Pull complete" });
    },
  };
}

/**
 * Pulls one image.
 * @param reference with a tag or a digest
 * @param platform the store's own
 * @throws RegistryError, OciError, StoreError; the store is then as it was
 */
export async function pullImage(
  core: StoreCore,
  session: Session,
  reference: Reference,
  platform: ImagePlatform,
  options: PullOptions = {},
): Promise<Pulled> {
  try {
    const root = await findManifest(session, reference, core);
    return await pullFound(core, session, reference, root, platform, options);
  } catch (error) {
    throw explained(error, reference);
  }
}

async function pullFound(
  core: StoreCore,
  session: Session,
  reference: Reference,
  root: RegistryManifest,
  platform: ImagePlatform,
  options: PullOptions,
): Promise<Pulled> {
  const wanted = options.platform ?? platform;
  const chosen = await chosenManifest(session, reference, root, core, wanted);
  await options.found?.(reference);
  // An image for another platform than the store's is what the name leads to: the index would lead elsewhere.
  const own = isChosenFor(root, platform, chosen.digest);
  const top = options.allPlatforms || chosen.isRoot || own ? root : chosen;
  const only = options.allPlatforms ? undefined : wanted;
  for (let attempt = 0; ; attempt++) {
    const downloads = new Downloads(core.directory === undefined ? undefined : core.layout.downloads);
    const staging = new Staging(core.files);
    const source = registrySource(session, reference, top, {
      platform: only,
      async known(descriptor) {
        if (descriptor.digest === chosen.digest) return chosen.bytes;
        return (await isThere(core, descriptor))
          ? await core.blobs.document(descriptor, "the manifest")
          : undefined;
      },
    });
    const target = source.descriptor;
    const byDigest = withDigest(reference, target.digest);
    const named = reference.digest === undefined ? [withDefaultTag(reference), byDigest] : [byDigest];
    const before = await nameTarget(core, named[0]!);
    const copied = downloading(core, source, downloads, options);
    try {
      if (attempt === 0 && options.observe) await announce(core, chosen, options.observe);
      await ingestImages(core, copied, [{ descriptor: target, references: named }], staging, wanted);
      return { digest: root.digest, target, newer: before !== target.digest };
    } catch (error) {
      const damaged = error instanceof OciError || error instanceof StoreError;
      await downloads.end();
      // What an earlier attempt left was damaged, and is gone now.
      if (attempt === 0 && damaged && downloads.spoiled) continue;
      throw error;
    } finally {
      await downloads.end();
      await staging.discard();
    }
  }
}

/** Whether the store, which chooses for its own platform, finds this manifest through an index. */
function isChosenFor(root: RegistryManifest, platform: ImagePlatform, digest: Digest): boolean {
  const document = parseManifest(root.bytes, root.mediaType, `the manifest ${root.digest}`);
  if (document.kind === "manifest") return root.digest === digest;
  return selectManifest(document.index.manifests, platform)?.digest === digest;
}

/** What a name leads to now. */
async function nameTarget(core: StoreCore, reference: Reference): Promise<Digest | undefined> {
  const full = formatReference(reference);
  const names = await core.index.names();
  const found = names.find(
    (name) => name.reference !== undefined && formatReference(name.reference) === full,
  );
  return found?.descriptor.digest;
}
