/**
 * What `--metadata-file` says of a build, in the keys of Docker's buildx.
 */
import type { BuildResult } from "../build/build.ts";
import { formatReference } from "../oci/reference.ts";

export function metadataOf({ descriptor, images, image, references }: BuildResult): object {
  const { mediaType, digest, size } = descriptor;
  return {
    ...(images.length === 1 ? { "containerimage.config.digest": image.id } : {}),
    "containerimage.descriptor": { mediaType, digest, size },
    "containerimage.digest": digest,
    ...(references.length === 0 ? {} : { "image.name": references.map(formatReference).join(",") }),
  };
}
