/**
 * Writing images to an archive as a modern `docker save` does: a docker-archive that is also an OCI
 * image layout.
 *
 * Blobs are written as they are stored, never compressed again, so every digest stays (rule 62). The
 * same images give the same bytes: entries are sorted, owners and times are zero.
 */
import { type Pack, pack } from "tar-stream";
import type { Descriptor } from "../oci/descriptor.ts";
import { type Digest, digestAlgorithm } from "../oci/digest.ts";
import { jsonBytes } from "../oci/json.ts";
import { OCI_INDEX } from "../oci/media-types.ts";
import { familiarReference, formatReference, type Reference } from "../oci/reference.ts";
import type { ByteStream } from "../platform/types.ts";
import { drained } from "./back-pressure.ts";
import { bytesStream } from "./blobs.ts";
import { StoreError } from "./errors.ts";
import { type ImageRecord, mayBeImage, readManifest } from "./images.ts";
import { CONTAINERD_NAME, REF_NAME } from "./index-file.ts";
import { blobName } from "./layout.ts";
import type { Lease } from "./leases.ts";
import type { BlobReader } from "./source-blobs.ts";

/** An image to be saved. */
export interface SavedImage {
  /** What its name leads to: a manifest, or an index that is saved whole. */
  readonly descriptor: Descriptor;
  readonly image: ImageRecord;
  /** The names that the archive is to give it. */
  readonly references: readonly Reference[];
}

const EPOCH = new Date(0);

/** Every blob that a descriptor leads to and that is in the store. */
async function collect(
  blobs: BlobReader,
  lease: Pick<Lease, "hold"> | undefined,
  descriptor: Descriptor,
  into: Map<Digest, number>,
): Promise<void> {
  const size = await blobs.size(descriptor.digest);
  if (size === undefined || into.has(descriptor.digest)) return;
  into.set(descriptor.digest, size);
  if (!mayBeImage(descriptor)) return;
  const document = await readManifest(blobs, descriptor);
  const below =
    document.kind === "index"
      ? document.index.manifests
      : [document.manifest.config, ...document.manifest.layers];
  await lease?.hold(...below.map(({ digest }) => digest));
  for (const child of below) await collect(blobs, lease, child, into);
}

/** The images by ID, each once, with all its names. */
function merged(images: readonly SavedImage[]): readonly SavedImage[] {
  const known = new Map<string, SavedImage>();
  for (const image of images) {
    const key = image.descriptor.digest;
    const before = known.get(key)?.references ?? [];
    const added = image.references.filter(
      (reference) => !before.some((other) => formatReference(other) === formatReference(reference)),
    );
    known.set(key, { ...image, references: [...before, ...added] });
  }
  return [...known.values()];
}

function layoutEntries({ descriptor, references }: SavedImage): readonly Descriptor[] {
  const { annotations: _, ...bare } = descriptor;
  if (references.length === 0) return [bare];
  return references.map((reference) => ({
    ...bare,
    annotations: { [CONTAINERD_NAME]: formatReference(reference), [REF_NAME]: reference.tag ?? "latest" },
  }));
}

function dockerEntry({ image, references }: SavedImage): object {
  return {
    Config: blobName(image.id),
    RepoTags: references.length === 0 ? null : references.map(familiarReference),
    Layers: image.manifest.layers.map(({ digest }) => blobName(digest)),
  };
}

type EntryHeader = Parameters<Pack["entry"]>[0];

const FILE = { mode: 0o644, uid: 0, gid: 0, mtime: EPOCH, type: "file" } as const;
const DIRECTORY = { mode: 0o755, uid: 0, gid: 0, mtime: EPOCH, type: "directory" } as const;

/** Writes one entry and waits until the archive has taken it. */
async function entry(archive: Pack, header: EntryHeader, content?: ByteStream): Promise<void> {
  let sink: ReturnType<Pack["entry"]> | undefined;
  const taken = new Promise<void>((resolve, reject) => {
    sink = archive.entry(header, (error) => (error ? reject(error) : resolve()));
  });
  // An archive that nobody reads any more fails its entries; that is seen below.
  taken.catch(() => {});
  // So does one whose content fails: that error is thrown below, where it happens.
  sink?.on("error", () => {});
  if (content !== undefined && sink !== undefined) {
    for await (const chunk of content) {
      if (!sink.write(chunk)) await drained(sink);
      if (archive.destroyed) break;
    }
    sink.end(undefined);
  }
  await taken;
}

/** Every file of the archive with its content, sorted by name as `docker save` sorts them. */
function documents(images: readonly SavedImage[]): readonly (readonly [string, Uint8Array])[] {
  const index = { schemaVersion: 2, mediaType: OCI_INDEX, manifests: images.flatMap(layoutEntries) };
  return [
    ["index.json", jsonBytes(index)],
    ["manifest.json", jsonBytes(images.map(dockerEntry))],
    ["oci-layout", jsonBytes({ imageLayoutVersion: "1.0.0" })],
  ];
}

async function writeAll(
  archive: Pack,
  blobs: BlobReader,
  lease: Pick<Lease, "hold"> | undefined,
  images: readonly SavedImage[],
): Promise<void> {
  const found = new Map<Digest, number>();
  await lease?.hold(...images.map(({ descriptor }) => descriptor.digest));
  for (const { descriptor, image } of images) {
    await collect(blobs, lease, descriptor, found);
    for (const { digest } of [image.manifest.config, ...image.manifest.layers]) {
      if (!found.has(digest)) throw new StoreError("missing-blob", `the blob ${digest} is not in the store`);
    }
  }
  const digests = [...found.keys()].sort();
  await entry(archive, { ...DIRECTORY, name: "blobs/" });
  for (const algorithm of new Set(digests.map(digestAlgorithm))) {
    await entry(archive, { ...DIRECTORY, name: `blobs/${algorithm}/` });
    for (const digest of digests.filter((candidate) => digestAlgorithm(candidate) === algorithm)) {
      await entry(
        archive,
        { ...FILE, name: blobName(digest), size: found.get(digest)! },
        blobs.stream(digest),
      );
    }
  }
  for (const [name, bytes] of documents(images)) {
    await entry(archive, { ...FILE, name, size: bytes.length }, bytesStream(bytes));
  }
}

/**
 * The bytes of an archive of some images.
 * @param lease is given each blob before it is looked for
 * @throws StoreError (`missing-blob`) where the store does not have all of an image
 */
export async function* saveImages(
  blobs: BlobReader,
  images: readonly SavedImage[],
  lease?: Pick<Lease, "hold">,
): ByteStream {
  const archive = pack();
  const writing = writeAll(archive, blobs, lease, merged(images)).then(
    () => archive.finalize(),
    (error: Error) => archive.destroy(error),
  );
  try {
    yield* archive as AsyncIterable<Uint8Array>;
  } finally {
    archive.destroy();
    await writing;
  }
}
