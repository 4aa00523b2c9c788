/**
 * From what a user types to an image (STORE-AND-CLI 3.3): a reference first, then an ID or the
 * beginning of one, so that a tag that looks like an ID wins over it.
 */
import { type Digest, digestHex, isDigest } from "../oci/digest.ts";
import {
  familiarReference,
  parseReference,
  type Reference,
  sameRepository,
  withDefaultTag,
} from "../oci/reference.ts";
import { StoreError } from "./errors.ts";
import type { StoredName } from "./index-file.ts";

/** A name in the store and the image it leads to. */
export interface IdentifiedName extends StoredName {
  readonly id: Digest;
}

function tryReference(text: string): Reference | undefined {
  try {
    return parseReference(text);
  } catch {
    return undefined;
  }
}

/** The entry that a text names by reference, or as another tool wrote it. */
export function findByName(names: readonly StoredName[], text: string): StoredName | undefined {
  const parsed = tryReference(text);
  if (parsed !== undefined) {
    const wanted = withDefaultTag(parsed);
    const found = names.find(({ reference, descriptor }) => {
      if (reference === undefined || !sameRepository(reference, wanted)) return false;
      return wanted.digest === undefined ? reference.tag === wanted.tag : descriptor.digest === wanted.digest;
    });
    if (found !== undefined) return found;
  }
  return names.find(({ foreign }) => foreign === text);
}

const PREFIX = /^(?:sha256:)?([0-9a-f]{1,64})$/;

/**
 * The entry that a text names by image ID, by the beginning of one, or by manifest digest.
 * @throws StoreError (`ambiguous`) for the beginning of several, which it names
 */
export function findByID(names: readonly IdentifiedName[], text: string): IdentifiedName | undefined {
  if (isDigest(text)) {
    return names.find(({ id }) => id === text) ?? names.find(({ descriptor }) => descriptor.digest === text);
  }
  const prefix = PREFIX.exec(text)?.[1];
  if (prefix === undefined) return undefined;
  const found = names.filter(({ id }) => digestHex(id).startsWith(prefix));
  const ids = [...new Set(found.map(({ id }) => id))];
  if (ids.length > 1) {
    throw new StoreError("ambiguous", `ambiguous image ID "${text}": it could be ${ids.sort().join(", ")}`);
  }
  return found[0];
}

/** A text with the tag that it stands for, as some of Docker's messages have it: `nosuch:latest`. */
export function withShownTag(text: string): string {
  const parsed = tryReference(text);
  return parsed === undefined ? text : familiarReference(withDefaultTag(parsed));
}
