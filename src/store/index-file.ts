/**
 * The references of a store: the descriptors in `index.json`.
 *
 * A named image has one descriptor for each name, whose `org.opencontainers.image.ref.name` is the full
 * normalised reference; `io.containerd.image.name` wins over it where another tool wrote one. An image
 * without a name has one descriptor without the annotation, so that tools that collect garbage keep it.
 * What other tools wrote and a reference cannot hold, such as the bare tag `latest` that umoci and
 * skopeo make, keeps its name as it is.
 *
 * The file is changed only under the store's lock (`arbiter.ts`): read again, changed, written aside, renamed. Unknown
 * members and foreign descriptors pass through.
 */
import { annotation, type Descriptor } from "../oci/descriptor.ts";
import { jsonBytes } from "../oci/json.ts";
import { type Index, parseLayoutIndex } from "../oci/manifest.ts";
import { formatReference, parseReference, type Reference, withDefaultTag } from "../oci/reference.ts";
import type { Arbiter } from "./arbiter.ts";
import { StoreError } from "./errors.ts";
import type { StoreFiles } from "./files.ts";
import { type JournalEntry, journalOf, lostEntries, readJournal } from "./index-journal.ts";
import type { Layout } from "./layout.ts";

export const REF_NAME = "org.opencontainers.image.ref.name";
export const CONTAINERD_NAME = "io.containerd.image.name";

/** A store of a hundred thousand images has an index of this size. */
const MAX_INDEX = 64 * 1024 * 1024;

/** An entry of `index.json`. */
export interface StoredName {
  readonly descriptor: Descriptor;
  /** The image's reference; undefined for an image without a name or with a foreign one. */
  readonly reference: Reference | undefined;
  /** A name that is no reference, as another tool wrote it. */
  readonly foreign: string | undefined;
}

/** The name that a descriptor gives an image, as it is written there. */
export function writtenName(descriptor: Descriptor): string | undefined {
  return annotation(descriptor, CONTAINERD_NAME) || annotation(descriptor, REF_NAME) || undefined;
}

/** A written name as a reference: only one with a separator names a repository; `latest` alone is a tag. */
export function referenceOf(name: string): Reference | undefined {
  if (!/[/:]/.test(name)) return undefined;
  try {
    return withDefaultTag(parseReference(name));
  } catch {
    return undefined;
  }
}

export function storedName(descriptor: Descriptor): StoredName {
  const name = writtenName(descriptor);
  const reference = name === undefined ? undefined : referenceOf(name);
  return { descriptor, reference, foreign: reference === undefined ? name : undefined };
}

/** A descriptor under another name, or under none; its other annotations stay. */
export function renamed(descriptor: Descriptor, reference: Reference | undefined): Descriptor {
  const { annotations, ...rest } = descriptor;
  const kept = Object.entries(annotations ?? {}).filter(
    ([key]) => key !== REF_NAME && key !== CONTAINERD_NAME,
  );
  if (reference !== undefined) kept.push([REF_NAME, formatReference(reference)]);
  return kept.length === 0 ? rest : { ...rest, annotations: Object.fromEntries(kept) };
}

/**
 * The entries after an image took a name, or none. A name belongs to one image: the one that had it
 * stays without a name, unless it has another one.
 */
export function withName(
  manifests: readonly Descriptor[],
  descriptor: Descriptor,
  reference: Reference | undefined,
): readonly Descriptor[] {
  const full = reference === undefined ? undefined : formatReference(reference);
  const kept: Descriptor[] = [];
  const losers: Descriptor[] = [];
  for (const entry of manifests) {
    const name = storedName(entry);
    const same = name.reference !== undefined && formatReference(name.reference) === full;
    const nameless = name.reference === undefined && name.foreign === undefined;
    if (same) losers.push(entry);
    else if (!nameless || entry.digest !== descriptor.digest || reference === undefined) kept.push(entry);
  }
  for (const loser of losers) {
    const known = loser.digest === descriptor.digest || kept.some((entry) => entry.digest === loser.digest);
    if (!known) kept.push(renamed(loser, undefined));
  }
  const known = reference === undefined && kept.some((entry) => entry.digest === descriptor.digest);
  if (!known) kept.push(renamed(descriptor, reference));
  return kept;
}

/** The `index.json` of a store, with what another tool's write lost of it (`index-journal.ts`). */
export class IndexFile {
  readonly #path: string;
  readonly #journalPath: string;
  readonly #layout: Layout;
  readonly #files: StoreFiles;
  readonly #arbiter: () => Promise<Arbiter>;

  constructor(layout: Layout, files: StoreFiles, arbiter: () => Promise<Arbiter>) {
    this.#layout = layout;
    this.#path = layout.indexFile;
    this.#journalPath = layout.indexJournal;
    this.#files = files;
    this.#arbiter = arbiter;
  }

  /** Its entries, in its order. */
  async names(): Promise<readonly StoredName[]> {
    const bytes = await this.#files.read(this.#path, MAX_INDEX, this.#path);
    return this.#withLost(this.#parse(bytes), this.#journal()).manifests.map(storedName);
  }

  /** The same for one who has the store's lock. */
  namesLocked(): readonly StoredName[] {
    const index = this.#parse(this.#files.readNow(this.#path));
    return this.#withLost(index, this.#journal()).manifests.map(storedName);
  }

  #parse(bytes: Uint8Array | undefined): Index {
    if (bytes !== undefined) return parseLayoutIndex(bytes, this.#path, MAX_INDEX);
    throw new StoreError("format", `${this.#path} is missing`);
  }

  #journal(): readonly JournalEntry[] {
    return readJournal(this.#files.readNow(this.#journalPath), 2 * MAX_INDEX);
  }

  /** The index with entries that were lost and whose blobs are there. */
  #withLost(index: Index, journal: readonly JournalEntry[]): Index {
    const lost = lostEntries(journal, index.manifests, Date.now(), writtenName).filter(
      ({ digest }) => this.#files.factsNow(this.#layout.blob(digest)) !== undefined,
    );
    return lost.length === 0 ? index : { ...index, manifests: [...index.manifests, ...lost] };
  }

  /**
   * Changes its entries. Nothing is written where `change` gives back what it was given.
   * @param change is called under the store's lock, and must not wait for anything
   */
  async update(change: (manifests: readonly Descriptor[]) => readonly Descriptor[]): Promise<void> {
    (await this.#arbiter()).exclusively(() => this.updateLocked(change));
  }

  /** The same for one who has the store's lock. */
  updateLocked(change: (manifests: readonly Descriptor[]) => readonly Descriptor[]): void {
    const found = this.#parse(this.#files.readNow(this.#path));
    const journal = this.#journal();
    const index = this.#withLost(found, journal);
    const manifests = change(index.manifests);
    if (manifests === found.manifests) return;
    this.#files.replaceNow(this.#path, jsonBytes({ ...index, manifests }));
    // Afterwards: what is in the journal and not in the file would count as lost.
    this.#files.replaceNow(this.#journalPath, journalOf(journal, manifests, Date.now(), writtenName));
  }
}
