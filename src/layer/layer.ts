/**
 * A layer: an immutable, ordered list of entries with the bytes they refer to.
 */
import type { RandomAccess } from "../platform/types.ts";
import type { Entry } from "../tar/entry.ts";

export interface Layer {
  /** `sha256:` and the hex digest of the uncompressed archive. */
  readonly diffID: string;
  /** The uncompressed archive. Entries hold offsets into it. */
  readonly archive: RandomAccess;
  /** The entries in archive order. May be asked for any number of times. */
  entries(): Iterable<Entry>;
}
