/**
 * Where images are loaded from: a layout directory, or an archive in any of its forms.
 */
import type { Descriptor } from "../oci/descriptor.ts";
import type { Digest } from "../oci/digest.ts";
import type { ByteStream } from "../platform/types.ts";

/** Bytes that a source has. Nothing is known of them until they are read. */
export interface SourceBlob {
  /** In bytes. */
  readonly size: number;
  open(): ByteStream;
  /** A file of ours in the store's temporary directory, which may be renamed instead of copied. */
  readonly owned?: string;
}

/** An image, or an index of images, and what the source calls it. */
export interface SourceImage {
  readonly descriptor: Descriptor;
  /** References, tags or nothing, as they are written in the source. */
  readonly names: readonly string[];
}

export interface ImageSource {
  /** What to call the source in errors. */
  readonly what: string;
  readonly images: readonly SourceImage[];
  /** The bytes that the source has under a digest, unverified; undefined where it has none. */
  blob(digest: Digest): Promise<SourceBlob | undefined>;
  /** How many layers it is good to read at a time; few unless given. */
  readonly layersAtOnce?: number;
  /** Is told of a layer or another blob of it that was verified and put where it will be found. */
  taken?(digest: Digest): void;
  /** Is told that a part of the image could not be had, so that no other part is wanted any more. */
  abandon?(): void;
}
