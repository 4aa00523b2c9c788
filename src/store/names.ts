/**
 * What loaded images are called: the names that the source gives them, or the one that was asked for.
 *
 * A name of the source that is a bare tag, such as the `latest` of an image layout that skopeo or umoci
 * made, names no repository. It completes a name that was asked for without a tag; where none was asked
 * for, the image is loaded without a name.
 */
import type { Descriptor } from "../oci/descriptor.ts";
import {
  formatReference,
  isTag,
  parseReference,
  type Reference,
  withDefaultTag,
  withTag,
} from "../oci/reference.ts";
import { StoreError } from "./errors.ts";
import { referenceOf } from "./index-file.ts";
import type { ImageSource, SourceImage } from "./source.ts";

export interface NamedImage {
  readonly descriptor: Descriptor;
  readonly references: readonly Reference[];
}

function ownReferences(image: SourceImage): readonly Reference[] {
  return image.names.flatMap((name) => referenceOf(name) ?? []);
}

/** The tags that a source gives an image, alone or in a reference. */
function ownTags(image: SourceImage): readonly string[] {
  const tags = image.names.flatMap((name) => {
    const reference = referenceOf(name);
    if (reference !== undefined) return reference.tag ?? [];
    return isTag(name) ? name : [];
  });
  return [...new Set(tags)];
}

/** One image and a name: the name with its tag, else with the source's tags, else `latest`. */
function single(image: SourceImage, asked: Reference): NamedImage {
  const tags = asked.tag === undefined ? ownTags(image) : [];
  const references = tags.length > 0 ? tags.map((tag) => withTag(asked, tag)) : [withDefaultTag(asked)];
  return { descriptor: image.descriptor, references };
}

/** Several images and a repository: each keeps its tags in it. */
function several(source: ImageSource, asked: Reference): readonly NamedImage[] {
  if (asked.tag !== undefined) {
    throw new StoreError(
      "invalid",
      `${source.what} holds ${source.images.length} images; name them with a repository without a tag`,
    );
  }
  const taken = new Set<string>();
  return source.images.map((image) => {
    const references = ownTags(image).map((tag) => withTag(asked, tag));
    for (const reference of references) {
      const full = formatReference(reference);
      if (taken.has(full))
        throw new StoreError("invalid", `${source.what} holds two images tagged ${reference.tag}`);
      taken.add(full);
    }
    return { descriptor: image.descriptor, references };
  });
}

/**
 * The references that each image of a source gets.
 * @param asked what the user wants them to be called: `NAME[:TAG]`
 * @throws OciError, StoreError (`invalid`)
 */
export function assignNames(source: ImageSource, asked: string | undefined): readonly NamedImage[] {
  if (asked === undefined) {
    return source.images.map((image) => ({
      descriptor: image.descriptor,
      references: ownReferences(image),
    }));
  }
  const reference = parseReference(asked);
  if (reference.digest !== undefined) {
    throw new StoreError("invalid", "refusing to create a tag with a digest reference");
  }
  const [only] = source.images;
  if (source.images.length === 1 && only !== undefined) return [single(only, reference)];
  return several(source, reference);
}
