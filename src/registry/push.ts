/**
 * Pushing an image: everything that a manifest or an index names, and then itself, byte for byte as it is
 * (REGISTRY 4.2). Layers come before their config, the config before the manifest, manifests before
 * their index, so that a registry never has one that it cannot serve.
 *
 * Layers that may not be distributed stay where they are: their descriptors say where that is.
 */
import type { Descriptor } from "../oci/descriptor.ts";
import { type Digest, shortDigest, verifyBytes } from "../oci/digest.ts";
import { OciError } from "../oci/errors.ts";
import { MAX_DOCUMENT } from "../oci/json.ts";
import { type Manifest, type ManifestDocument, parseManifest } from "../oci/manifest.ts";
import { isForeignType, isIndexType, isManifestType } from "../oci/media-types.ts";
import { StoreError } from "../store/errors.ts";
import { eachOf } from "../store/parallel.ts";
import type { ImageSource, SourceBlob } from "../store/source.ts";
import { headManifest, pushScope, putManifest } from "./manifests.ts";
import type { Observer, TransferStatus } from "./progress.ts";
import { addTaggedReferrer } from "./referrers.ts";
import type { Session } from "./session.ts";
import { uploadBlob } from "./upload.ts";

/** As many as Docker. */
const UPLOADS_AT_ONCE = 5;
const MAX_NESTING = 8;

export interface PushOptions {
  /** Repositories of the same registry that a blob may be mounted from, best first. */
  readonly mountFrom?: (digest: Digest) => readonly string[];
  readonly observe?: Observer;
  /** How a layer is called in what is observed; the beginning of its digest unless given. */
  readonly layerName?: (descriptor: Descriptor) => string;
  readonly layersAtOnce?: number;
  /** Send at most this many bytes of a blob in one request. */
  readonly chunkSize?: number;
}

export type PushSource = Pick<ImageSource, "what" | "blob">;

interface ReadDocument {
  readonly bytes: Uint8Array;
  readonly document: ManifestDocument;
}

/** The artifact type of a manifest as an index lists it, and what it refers to. */
function referral(
  manifest: Manifest,
  descriptor: Descriptor,
): { subject: Descriptor; entry: Descriptor } | undefined {
  const { subject, artifactType, annotations } = manifest;
  if (subject === undefined) return undefined;
  const { mediaType, digest, size } = descriptor;
  const type = artifactType ?? manifest.config.mediaType;
  return {
    subject,
    entry: {
      mediaType,
      digest,
      size,
      artifactType: type,
      ...(annotations === undefined ? {} : { annotations }),
    },
  };
}

class Push {
  readonly #session: Session;
  readonly #repository: string;
  readonly #source: PushSource;
  readonly #options: PushOptions;
  /** Blobs that are there, or on their way. */
  readonly #blobs = new Map<Digest, Promise<void>>();

  constructor(session: Session, repository: string, source: PushSource, options: PushOptions) {
    this.#session = session;
    this.#repository = repository;
    this.#source = source;
    this.#options = options;
  }

  async #found(descriptor: Descriptor, what: string): Promise<SourceBlob> {
    const blob = await this.#source.blob(descriptor.digest);
    if (blob === undefined) {
      throw new StoreError("missing-blob", `${this.#source.what}: ${what} ${descriptor.digest} is missing`);
    }
    if (blob.size === descriptor.size) return blob;
    throw new OciError(
      "mismatch",
      `${what} ${descriptor.digest} has ${blob.size} bytes, not the promised ${descriptor.size}`,
    );
  }

  async #document(descriptor: Descriptor): Promise<ReadDocument> {
    const { digest, size } = descriptor;
    const what = `the manifest ${digest}`;
    if (size > MAX_DOCUMENT)
      throw new OciError("limit", `${what} has ${size} bytes, more than ${MAX_DOCUMENT}`);
    const chunks: Uint8Array[] = [];
    for await (const chunk of (await this.#found(descriptor, "the manifest")).open()) chunks.push(chunk);
    const bytes = Buffer.concat(chunks);
    verifyBytes(bytes, digest, size, "the manifest");
    return { bytes, document: parseManifest(bytes, descriptor.mediaType, what) };
  }

  /** Brings a manifest or an index to the registry under its digest, or under a tag. */
  async manifest(descriptor: Descriptor, tag: string | undefined, depth = 0): Promise<void> {
    if (depth > MAX_NESTING) throw new OciError("limit", `an index of indexes deeper than ${MAX_NESTING}`);
    const { bytes, document } = await this.#document(descriptor);
    if (document.kind === "index") {
      for (const entry of document.index.manifests) {
        const isDocument = isManifestType(entry.mediaType) || isIndexType(entry.mediaType);
        if (isDocument) await this.manifest(entry, undefined, depth + 1);
        else await this.#blob(entry, entry);
      }
    } else {
      await this.#layers(document.manifest);
      await this.#blob(document.manifest.config, undefined);
    }
    const reference = tag ?? descriptor.digest;
    const scopes = [pushScope(this.#repository)];
    const there = await headManifest(this.#session, this.#repository, reference, scopes);
    if (there?.digest === descriptor.digest) return;
    const manifest = { bytes, mediaType: document.mediaType };
    const { subjectKept } = await putManifest(this.#session, this.#repository, reference, manifest);
    const refers = document.kind === "manifest" ? referral(document.manifest, descriptor) : undefined;
    if (refers === undefined || subjectKept) return;
    await addTaggedReferrer(this.#session, this.#repository, refers.subject.digest, refers.entry);
  }

  async #layers(manifest: Manifest): Promise<void> {
    // Top first, as Docker does.
    const layers = manifest.layers.toReversed();
    for (const layer of layers) this.#say(layer, "Preparing");
    const limit = this.#options.layersAtOnce ?? UPLOADS_AT_ONCE;
    for (const layer of layers.slice(limit)) this.#say(layer, "Waiting");
    await eachOf(layers, limit, (layer) => this.#blob(layer, layer));
  }

  #say(layer: Descriptor | undefined, status: TransferStatus, current?: number): void {
    if (layer === undefined) return;
    const { observe, layerName = ({ digest }) => shortDigest(digest) } = this.#options;
    const bytes = current === undefined ? {} : { current, total: layer.size };
    observe?.({ id: layerName(layer), status, ...bytes });
  }

  /** Brings a blob to the registry, once. @param shown the layer to tell of */
  async #blob(descriptor: Descriptor, shown: Descriptor | undefined): Promise<void> {
    const { digest } = descriptor;
    const known = this.#blobs.get(digest);
    if (known !== undefined) {
      await known;
      this.#say(shown, "Layer already exists");
      return;
    }
    const work = this.#upload(descriptor, shown);
    this.#blobs.set(digest, work);
    await work;
  }

  async #upload(descriptor: Descriptor, shown: Descriptor | undefined): Promise<void> {
    if (isForeignType(descriptor.mediaType)) return this.#say(shown, "Skipped foreign layer");
    const { mountFrom, chunkSize } = this.#options;
    const source = { open: () => openLater(this.#found(descriptor, "the blob")) };
    const uploaded = await uploadBlob(this.#session, this.#repository, descriptor, source, {
      mountFrom: mountFrom?.(descriptor.digest) ?? [],
      onProgress: (sent) => this.#say(shown, "Pushing", sent),
      ...(chunkSize === undefined ? {} : { chunkSize }),
    });
    if (uploaded.kind === "exists") this.#say(shown, "Layer already exists");
    else if (uploaded.kind === "mounted") this.#say(shown, `Mounted from ${uploaded.from}`);
    else this.#say(shown, "Pushed");
  }
}

/** The bytes of a blob that is looked up only when they are wanted. */
async function* openLater(blob: Promise<SourceBlob>) {
  yield* (await blob).open();
}

/**
 * Pushes what a descriptor leads to.
 * @param tag undefined to push by digest alone
 * @throws RegistryError, OciError, StoreError (`missing-blob`)
 */
export async function pushImage(
  session: Session,
  repository: string,
  source: PushSource,
  descriptor: Descriptor,
  tag: string | undefined,
  options: PushOptions = {},
): Promise<void> {
  await new Push(session, repository, source, options).manifest(descriptor, tag);
}
