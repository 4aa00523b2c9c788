/**
 * Copying an image from one place to another, byte for byte, without a store in between.
 *
 * Places are written as skopeo writes them:
 *
 *     docker://HOST/NAME[:TAG|@DIGEST]   a registry
 *     oci:DIRECTORY[:NAME]               an OCI image layout
 *     oci-archive:FILE[:NAME]            an archive of one
 *     docker-archive:FILE[:NAME:TAG]     what `docker save` writes
 *     [store:]NAME                       the store
 *
 * An index is copied whole, unless one platform of it is asked for.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Descriptor } from "../oci/descriptor.ts";
import type { Digest } from "../oci/digest.ts";
import { OciError } from "../oci/errors.ts";
import { formatPlatform, type ImagePlatform, selectManifest } from "../oci/platform.ts";
import { formatReference, parseReference, type Reference, withDefaultTag } from "../oci/reference.ts";
import type { ByteStream } from "../platform/types.ts";
import { getManifest } from "../registry/manifests.ts";
import type { Observer } from "../registry/progress.ts";
import { pushImage } from "../registry/push.ts";
import { type RegistryOptions, Session } from "../registry/session.ts";
import { registrySource } from "../registry/source.ts";
import { diskFiles, fileStream } from "../store/disk-files.ts";
import { StoreError } from "../store/errors.ts";
import { readImage, readManifest } from "../store/images.ts";
import { ingestImages } from "../store/load.ts";
import { saveImages } from "../store/save.ts";
import type { ImageSource, SourceImage } from "../store/source.ts";
import { sourceBlobs } from "../store/source-blobs.ts";
import { Staging } from "../store/staging.ts";
import type { RegistryUser } from "./registries.ts";

export interface Place {
  readonly kind: "docker" | "oci" | "oci-archive" | "docker-archive" | "store";
  /** A path, or the name of an image in a registry or the store. */
  readonly location: string;
  /** What the place calls the image, where that is not its location. */
  readonly name: string | undefined;
}

/** @throws StoreError (`invalid`) for a transport that there is none of */
export function parsePlace(text: string): Place {
  const match = /^(docker:\/\/|oci:|oci-archive:|docker-archive:|store:)(.+)$/s.exec(text);
  if (match === null) {
    const transport = /^(dir|docker-daemon|containers-storage|ostree|tarball|sif):/.exec(text)?.[1];
    if (transport === undefined) return { kind: "store", location: text, name: undefined };
    throw new StoreError("invalid", `${text}: there is no transport ${transport}`);
  }
  const [, transport, rest] = match as unknown as [string, string, string];
  const kind = transport.replace(/:.*$/, "") as Place["kind"];
  if (kind === "docker" || kind === "store") return { kind, location: rest, name: undefined };
  const colon = rest.indexOf(":");
  if (colon < 0) return { kind, location: rest, name: undefined };
  return { kind, location: rest.slice(0, colon), name: rest.slice(colon + 1) || undefined };
}

export interface CopyImageOptions {
  /** Only the image of this platform, of an index. */
  readonly platform?: ImagePlatform;
  readonly observe?: Observer;
  readonly source?: RegistryOptions;
  readonly destination?: RegistryOptions;
  /** Writes an archive, so that there is a whole one or none. */
  readonly writeFile: (path: string, bytes: ByteStream) => Promise<void>;
}

/** An image somewhere, opened. */
interface Opened {
  readonly source: ImageSource;
  readonly image: SourceImage;
  /** Where it is in a registry, so that blobs may be mounted from there. */
  readonly reference?: Reference;
}

function choose(source: ImageSource, name: string | undefined): SourceImage {
  const found = source.images.filter((image) => {
    return (
      name === undefined || image.names.includes(name) || image.names.some((other) => sameName(other, name))
    );
  });
  const [only] = found;
  if (only === undefined) {
    throw new StoreError(
      "source",
      `${source.what} holds no image${name === undefined ? "" : ` named ${name}`}`,
    );
  }
  if (found.length === 1) return only;
  const names = found.flatMap((image) => image.names);
  throw new StoreError(
    "source",
    `${source.what} holds ${found.length} images; name one: ${names.join(", ")}`,
  );
}

function sameName(written: string, asked: string): boolean {
  try {
    const full = (text: string) => formatReference(withDefaultTag(parseReference(text)));
    return /[/:]/.test(written) && full(written) === full(asked);
  } catch {
    return false;
  }
}

/** Opens things that must be closed, the last one first. */
class Opening {
  readonly #store: () => Promise<RegistryUser>;
  readonly #closing: (() => Promise<void>)[] = [];

  constructor(store: () => Promise<RegistryUser>) {
    this.#store = store;
  }

  async store(): Promise<RegistryUser> {
    return await this.#store();
  }

  session(reference: Reference, options: RegistryOptions | undefined): Session {
    const session = new Session(reference.domain, options);
    this.#closing.push(() => session.close());
    return session;
  }

  async scratch(): Promise<Staging> {
    const directory = await mkdtemp(join(tmpdir(), "strata-copy-"));
    this.#closing.push(() => rm(directory, { recursive: true, force: true }));
    const staging = new Staging(diskFiles(directory));
    this.#closing.push(() => staging.discard());
    return staging;
  }

  defer(close: () => void): void {
    this.#closing.push(async () => close());
  }

  async close(): Promise<void> {
    for (const close of this.#closing.reverse()) await close();
  }
}

async function openSource(place: Place, opening: Opening, options: CopyImageOptions): Promise<Opened> {
  if (place.kind === "docker") {
    const reference = withDefaultTag(parseReference(place.location));
    const session = opening.session(reference, options.source);
    const wanted = reference.digest ?? reference.tag ?? "latest";
    const root = await getManifest(session, reference.path, wanted, `the manifest of ${place.location}`);
    const source = registrySource(session, reference, root);
    return { source, image: choose(source, undefined), reference };
  }
  if (place.kind === "store") {
    const store = await opening.store();
    const image = await store.image(place.location);
    const lease = store.core.lease();
    opening.defer(() => lease.release());
    await lease.hold(image.target.digest, image.descriptor.digest);
    const { blobs } = store.core;
    const source: ImageSource = {
      what: "the store",
      images: [{ descriptor: image.target, names: [] }],
      async blob(digest: Digest) {
        await lease.hold(digest);
        const size = await blobs.size(digest);
        return size === undefined ? undefined : { size, open: () => blobs.stream(digest) };
      },
    };
    return { source, image: choose(source, undefined) };
  }
  if (place.kind === "oci") {
    const { openLayoutSource } = await import("../store/layout-source.ts");
    const source = await openLayoutSource(place.location);
    return { source, image: choose(source, place.name) };
  }
  const { openArchiveSource } = await import("../store/archive-source.ts");
  const source = await openArchiveSource(fileStream(place.location), place.location, await opening.scratch());
  return { source, image: choose(source, place.name) };
}

/** The manifest of one platform; what was opened itself where none is asked for. */
async function narrowed(opened: Opened, platform: ImagePlatform | undefined): Promise<Opened> {
  if (platform === undefined) return opened;
  const document = await readManifest(sourceBlobs(opened.source), opened.image.descriptor);
  if (document.kind === "manifest") return opened;
  const chosen = selectManifest(document.index.manifests, platform);
  if (chosen === undefined) {
    throw new OciError(
      "platform",
      `${opened.source.what} has no image for the platform ${formatPlatform(platform)}`,
    );
  }
  const { mediaType, digest, size } = chosen;
  const image = { ...opened.image, descriptor: { mediaType, digest, size } };
  return await narrowed({ ...opened, image }, platform);
}

async function write(
  place: Place,
  opened: Opened,
  opening: Opening,
  options: CopyImageOptions,
): Promise<void> {
  const { source, image, reference: from } = opened;
  const { descriptor } = image;
  if (place.kind === "docker") {
    const reference = parseReference(place.location);
    const to = reference.digest === undefined ? withDefaultTag(reference) : reference;
    if (to.digest !== undefined && to.digest !== descriptor.digest) {
      throw new StoreError(
        "invalid",
        `${place.location} is not the digest of what is copied, ${descriptor.digest}`,
      );
    }
    const mounted = from?.domain === to.domain && from.path !== to.path ? [from.path] : [];
    const session = opening.session(to, options.destination);
    await pushImage(session, to.path, source, descriptor, to.tag, {
      mountFrom: () => mounted,
      ...(options.observe === undefined ? {} : { observe: options.observe }),
    });
  } else if (place.kind === "oci") {
    const { writeToLayout } = await import("../store/layout-target.ts");
    await writeToLayout(place.location, source, descriptor, place.name);
  } else if (place.kind === "store") {
    await writeToStore(place, opened, opening);
  } else {
    await writeArchive(place, opened, options);
  }
}

async function writeToStore(place: Place, { source, image }: Opened, opening: Opening): Promise<void> {
  const store = await opening.store();
  const reference = withDefaultTag(parseReference(place.location));
  if (reference.digest !== undefined) {
    throw new StoreError("invalid", "refusing to create a tag with a digest reference");
  }
  const staging = new Staging(store.core.files);
  const { descriptor } = image;
  try {
    const one: ImageSource = { ...source, images: [image] };
    await ingestImages(store.core, one, [{ descriptor, references: [reference] }], staging, store.platform);
  } finally {
    await staging.discard();
  }
}

/** Both kinds of archive are one: a `docker save` that is an image layout too. */
async function writeArchive(
  place: Place,
  { source, image }: Opened,
  options: CopyImageOptions,
): Promise<void> {
  const blobs = sourceBlobs(source);
  const { hostPlatform } = await import("./environment.ts");
  const record = await readImage(blobs, image.descriptor, options.platform ?? hostPlatform());
  if (record === undefined)
    throw new StoreError("source", `${source.what} holds something other than an image`);
  const references = place.name === undefined ? [] : [archiveName(place.name, source)];
  const bytes = saveImages(blobs, [{ descriptor: image.descriptor, image: record, references }]);
  await options.writeFile(place.location, bytes);
}

function archiveName(name: string, source: ImageSource): Reference {
  try {
    return withDefaultTag(parseReference(name));
  } catch (cause) {
    throw new StoreError("invalid", `${source.what}: ${(cause as Error).message}`, { cause });
  }
}

/**
 * Copies an image.
 * @param store is opened only where it takes part
 * @returns the descriptor of what was copied: it has the same digest in both places
 * @throws RegistryError, OciError, StoreError
 */
export async function copyImage(
  from: Place,
  to: Place,
  store: () => Promise<RegistryUser>,
  options: CopyImageOptions,
): Promise<Descriptor> {
  const opening = new Opening(store);
  try {
    const opened = await narrowed(await openSource(from, opening, options), options.platform);
    await write(to, opened, opening, options);
    return opened.image.descriptor;
  } finally {
    await opening.close();
  }
}
