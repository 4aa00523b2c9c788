/**
 * Images of an OCI layout directory. Blobs are found by digest only, so no document can name a file
 * outside it; what lies there is verified where it is copied.
 */
import { stat } from "node:fs/promises";
import { join } from "node:path";
import type { Descriptor } from "../oci/descriptor.ts";
import { parseLayoutIndex } from "../oci/manifest.ts";
import { fileStream, readBounded } from "./disk-files.ts";
import { isMissing, StoreError } from "./errors.ts";
import { mayBeImage } from "./images.ts";
import { writtenName } from "./index-file.ts";
import { blobName, checkLayoutFile } from "./layout.ts";
import type { ImageSource, SourceImage } from "./source.ts";

const MAX_INDEX = 64 * 1024 * 1024;
const MAX_MARKER = 4096;

/** The images of an index by digest, with all names that it gives each. Other artifacts are passed over. */
export function imagesOf(manifests: readonly Descriptor[]): readonly SourceImage[] {
  const images = new Map<string, { descriptor: Descriptor; names: string[] }>();
  for (const descriptor of manifests.filter(mayBeImage)) {
    const known = images.get(descriptor.digest) ?? { descriptor, names: [] };
    images.set(descriptor.digest, known);
    const name = writtenName(descriptor);
    if (name !== undefined) known.names.push(name);
  }
  return [...images.values()];
}

/**
 * Opens a directory as an image layout.
 * @throws StoreError (`source`) where it is none
 */
export async function openLayoutSource(directory: string): Promise<ImageSource> {
  const marker = join(directory, "oci-layout");
  const indexFile = join(directory, "index.json");
  let images: readonly SourceImage[];
  try {
    checkLayoutFile(await readBounded(marker, MAX_MARKER, marker), marker);
    const bytes = await readBounded(indexFile, MAX_INDEX, indexFile);
    images = imagesOf(parseLayoutIndex(bytes, indexFile, MAX_INDEX).manifests);
  } catch (cause) {
    if (!isMissing(cause)) throw cause;
    const missing = (cause as NodeJS.ErrnoException).path ?? marker;
    throw new StoreError("source", `${directory} is not an OCI image layout: ${missing} is missing`, {
      cause,
    });
  }
  return {
    what: directory,
    images,
    async blob(digest) {
      const path = join(directory, blobName(digest));
      try {
        const stats = await stat(path);
        return stats.isFile() ? { size: stats.size, open: () => fileStream(path) } : undefined;
      } catch (error) {
        if (isMissing(error)) return undefined;
        throw error;
      }
    },
  };
}
