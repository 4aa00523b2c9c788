/**
 * Writing an image into an OCI image layout of any tool. Blobs are verified while they are written and
 * visible before the index names the image, so that a reader never finds one that is not whole.
 */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { platform } from "#platform";
import type { Descriptor } from "../oci/descriptor.ts";
import type { Digest } from "../oci/digest.ts";
import { jsonBytes } from "../oci/json.ts";
import { type Index, parseLayoutIndex } from "../oci/manifest.ts";
import { diskFiles } from "./disk-files.ts";
import { StoreError } from "./errors.ts";
import type { StoreFiles } from "./files.ts";
import { mayBeImage, readManifest } from "./images.ts";
import { REF_NAME, writtenName } from "./index-file.ts";
import { blobName, checkLayoutFile } from "./layout.ts";
import { eachOf } from "./parallel.ts";
import type { ImageSource } from "./source.ts";
import { type BlobReader, sourceBlobs } from "./source-blobs.ts";
import { type StagedFile, Staging, writeDurably } from "./staging.ts";
import { verifiedStream } from "./verified.ts";

const BLOBS_AT_ONCE = 3;
const MAX_INDEX = 64 * 1024 * 1024;
const MAX_MARKER = 4096;

/** Everything below a descriptor, documents after what they name. */
async function collect(
  blobs: BlobReader,
  descriptor: Descriptor,
  into: Map<Digest, Descriptor>,
): Promise<void> {
  if (into.has(descriptor.digest)) return;
  if (mayBeImage(descriptor)) {
    const document = await readManifest(blobs, descriptor);
    const below =
      document.kind === "index"
        ? document.index.manifests
        : [document.manifest.config, ...document.manifest.layers];
    for (const child of below) await collect(blobs, child, into);
  }
  into.set(descriptor.digest, descriptor);
}

async function writeBlobs(
  files: StoreFiles,
  directory: string,
  source: Pick<ImageSource, "what" | "blob">,
  wanted: readonly Descriptor[],
): Promise<void> {
  const staging = new Staging(files);
  const missing: Descriptor[] = [];
  for (const descriptor of wanted) {
    const known = await files.facts(join(directory, blobName(descriptor.digest)));
    if (known?.size !== descriptor.size) missing.push(descriptor);
  }
  const aside = new Map<Digest, StagedFile>();
  try {
    await eachOf(missing, BLOBS_AT_ONCE, async (descriptor) => {
      const blob = await source.blob(descriptor.digest);
      if (blob === undefined) {
        throw new StoreError("missing-blob", `${source.what}: the blob ${descriptor.digest} is missing`);
      }
      const file = await staging.create();
      aside.set(descriptor.digest, file);
      for await (const chunk of verifiedStream(blob.open(), descriptor, "the blob")) await file.write(chunk);
    });
    for (const { digest } of missing)
      await staging.add(aside.get(digest)!, join(directory, blobName(digest)));
    await staging.commit();
  } finally {
    await staging.discard();
  }
}

/** The entries after an image took a name: what had it before stays away. */
function named(index: Index, descriptor: Descriptor, name: string | undefined): readonly Descriptor[] {
  const { annotations: _, ...bare } = descriptor;
  const kept = index.manifests.filter((entry) => {
    const other = writtenName(entry);
    return name === undefined ? entry.digest !== descriptor.digest || other !== undefined : other !== name;
  });
  return [...kept, name === undefined ? bare : { ...bare, annotations: { [REF_NAME]: name } }];
}

/**
 * Copies an image into a layout, making one where there is none.
 * @param name what the layout is to call it; undefined for nothing
 * @throws StoreError (`missing-blob`, `format`), OciError; the layout is then as it was, but for blobs
 */
export async function writeToLayout(
  directory: string,
  source: Pick<ImageSource, "what" | "blob">,
  descriptor: Descriptor,
  name: string | undefined,
): Promise<void> {
  await mkdir(directory, { recursive: true });
  const unique = Buffer.from(platform.randomBytes(6)).toString("hex");
  const temporary = join(directory, `.strata-${unique}`);
  const files = diskFiles(temporary);
  const marker = join(directory, "oci-layout");
  const indexFile = join(directory, "index.json");
  try {
    const known = await files.read(marker, MAX_MARKER, marker);
    if (known !== undefined) checkLayoutFile(known, marker);
    const wanted = new Map<Digest, Descriptor>();
    await collect(sourceBlobs(source), descriptor, wanted);
    await writeBlobs(files, directory, source, [...wanted.values()]);
    if (known === undefined) await writeDurably(files, marker, jsonBytes({ imageLayoutVersion: "1.0.0" }));
    const bytes = await files.read(indexFile, MAX_INDEX, indexFile);
    const index =
      bytes === undefined
        ? { schemaVersion: 2 as const, manifests: [] }
        : parseLayoutIndex(bytes, indexFile, MAX_INDEX);
    await writeDurably(files, indexFile, jsonBytes({ ...index, manifests: named(index, descriptor, name) }));
  } finally {
    files.removeNow(temporary);
  }
}
