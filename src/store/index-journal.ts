/**
 * What this store last wrote into its `index.json`, so that another tool's write does not lose it.
 *
 * Other tools know no lock. `skopeo copy` reads `index.json` when it begins and writes it when it ends, with
 * its own entry added; what was written in between is gone from the file then. So a copy of what we wrote
 * is kept beside it. Where the file no longer is what we wrote, somebody *added* an entry, and an entry of
 * ours is missing that is not old, it was lost and not removed: it counts as there, and the next write puts
 * it back. Who only removes entries, as `umoci rm` does, is believed.
 */
import * as v from "valibot";
import { type Descriptor, descriptorSchema } from "../oci/descriptor.ts";
import { OciError } from "../oci/errors.ts";
import { jsonBytes, parseJson, validate } from "../oci/json.ts";

/** How long ago an entry may have been written that another tool can have missed, in milliseconds. */
const LONGEST_COPY = 3_600_000;

const entrySchema = v.looseObject({ written: v.number(), descriptor: descriptorSchema });
const journalSchema = v.looseObject({ version: v.literal(1), entries: v.array(entrySchema) });

/** An entry, and when we first wrote it, in milliseconds since the epoch. */
export interface JournalEntry {
  readonly written: number;
  readonly descriptor: Descriptor;
}

/** What a descriptor names an image, or undefined. */
export type NameOf = (descriptor: Descriptor) => string | undefined;

/** An entry is its name and its digest: other tools write the same members in another order. */
function keyOf(descriptor: Descriptor, nameOf: NameOf): string {
  return JSON.stringify([nameOf(descriptor), descriptor.digest]);
}

/** Reads a journal; one that is missing or damaged tells nothing. */
export function readJournal(bytes: Uint8Array | undefined, limit: number): readonly JournalEntry[] {
  if (bytes === undefined) return [];
  const what = "the journal of index.json";
  try {
    return validate(journalSchema, parseJson(bytes, what, limit), what).entries as readonly JournalEntry[];
  } catch (error) {
    if (error instanceof OciError) return [];
    throw error;
  }
}

/** The journal after a write; entries that were there keep their time. */
export function journalOf(
  before: readonly JournalEntry[],
  manifests: readonly Descriptor[],
  now: number,
  nameOf: NameOf,
): Uint8Array {
  const known = new Map(before.map(({ written, descriptor }) => [keyOf(descriptor, nameOf), written]));
  const entries = manifests.map((descriptor) => ({
    written: known.get(keyOf(descriptor, nameOf)) ?? now,
    descriptor,
  }));
  return jsonBytes({ version: 1, entries });
}

/** The entries of ours that another tool's write lost. */
export function lostEntries(
  journal: readonly JournalEntry[],
  manifests: readonly Descriptor[],
  now: number,
  nameOf: NameOf,
): readonly Descriptor[] {
  const there = new Set(manifests.map((descriptor) => keyOf(descriptor, nameOf)));
  const missing = journal.filter(({ descriptor }) => !there.has(keyOf(descriptor, nameOf)));
  if (missing.length === 0) return [];
  const ours = new Set(journal.map(({ descriptor }) => keyOf(descriptor, nameOf)));
  if (manifests.every((descriptor) => ours.has(keyOf(descriptor, nameOf)))) return [];
  const names = new Set(manifests.map(nameOf));
  const digests = new Set(manifests.map(({ digest }) => digest));
  return missing
    .filter(({ written }) => now - written < LONGEST_COPY)
    .map(({ descriptor }) => descriptor)
    .filter((descriptor) => {
      const name = nameOf(descriptor);
      return name === undefined ? !digests.has(descriptor.digest) : !names.has(name);
    });
}
