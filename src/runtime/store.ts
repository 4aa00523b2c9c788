/**
 * A store of images: an OCI image layout on disk, with what the engine keeps beside it, or the same in
 * memory. Both are this code; where they differ is below, in `store/files.ts` and `store/arbiter.ts`.
 *
 * What only loading, saving, mounting or committing needs is imported when that is done, so that a
 * command which lists images starts at once.
 */
import { stat } from "node:fs/promises";
import type { Descriptor } from "../oci/descriptor.ts";
import type { Digest } from "../oci/digest.ts";
import type { ImagePlatform } from "../oci/platform.ts";
import {
  familiarReference,
  formatReference,
  parseReference,
  type Reference,
  withDefaultTag,
} from "../oci/reference.ts";
import type { ByteStream } from "../platform/types.ts";
import type { CheckOptions, CheckReport } from "../store/check.ts";
import { memoryCore, openCore, type StoreCore } from "../store/core.ts";
import { fileStream } from "../store/disk-files.ts";
import { StoreError } from "../store/errors.ts";
import type { Removed } from "../store/garbage.ts";
import { mayBeImage, readImage } from "../store/images.ts";
import { type StoredName, withName } from "../store/index-file.ts";
import type { Lease } from "../store/leases.ts";
import { findByID, findByName } from "../store/resolve.ts";
import type { SavedImage } from "../store/save.ts";
import type { ImageSource } from "../store/source.ts";
import { Staging } from "../store/staging.ts";
import type { ContainerHome } from "./container-home.ts";
import { Containers } from "./containers.ts";
import { type Environment, hostPlatform, storeDirectory } from "./environment.ts";
import { Image } from "./image.ts";
import type { Pruned, PruneImagesOptions, StoredTarget } from "./image-prune.ts";
import type { Removal, RemoveOptions } from "./image-removal.ts";
import type { ImportOptions } from "./import-archive.ts";
import type { PullOptions } from "./pull.ts";
import type { PushOptions } from "./push.ts";
import type { StoreUsage } from "./usage.ts";

export interface StoreOptions {
  /** Where `STRATAFS_ROOT`, `XDG_DATA_HOME` and `SOURCE_DATE_EPOCH` are looked up; the process's own unless given. */
  readonly env?: Environment;
  /** Which image an index of several stands for; Linux on this machine unless given. */
  readonly platform?: ImagePlatform;
  /** Is told what is wrong in the store and was passed over. */
  readonly warn?: (message: string) => void;
}

export interface LoadOptions {
  /** Names what is loaded: `NAME[:TAG]`. */
  readonly name?: string;
}

/** An image as an entry of the store: with names, or with one that only its writer understands. */
export interface StoredImage {
  readonly image: Image;
  /** A name that is no reference, such as a bare tag that umoci wrote. */
  readonly foreign: readonly string[];
}

export class Store implements ContainerHome {
  readonly core: StoreCore;
  readonly env: Environment;
  /** Containers made of its images. */
  readonly containers: Containers = new Containers(this);
  /** Which image an index of several stands for. */
  readonly platform: ImagePlatform;
  /** Is told what is wrong in the store and was passed over. */
  readonly warn: (message: string) => void;

  private constructor(core: StoreCore, options: StoreOptions) {
    this.core = core;
    this.env = options.env ?? process.env;
    this.platform = options.platform ?? hostPlatform();
    this.warn = options.warn ?? (() => {});
  }

  /**
   * Opens a store, making an empty one where there is none.
   * @param directory else `STRATAFS_ROOT`, else `stratafs` in the XDG data home
   * @throws StoreError (`format`) for a store of a newer version
   */
  static async open(directory?: string, options: StoreOptions = {}): Promise<Store> {
    const root = storeDirectory(directory, options.env ?? process.env);
    return new Store(await openCore(root), options);
  }

  /**
   * A new, empty store in memory, as large as what is put into it. It ends with `close`, or when nothing
   * refers to it.
   */
  static async memory(options: StoreOptions = {}): Promise<Store> {
    return new Store(await memoryCore(), options);
  }

  /** Absolute path of the store; undefined for one in memory. */
  get directory(): string | undefined {
    return this.core.directory;
  }

  /** Closes the store's files, if nobody else in this process has it open. Mounts of its images end with it. */
  async close(): Promise<void> {
    this.core.release();
  }

  async #read(descriptor: Descriptor, references: readonly Reference[]): Promise<Image | undefined> {
    const record = await readImage(this.core.blobs, descriptor, this.platform);
    return record === undefined ? undefined : new Image(this, record, descriptor, references);
  }

  /** The entries of the store that are images and can be read, with their IDs. */
  async #identified(
    names: readonly StoredName[],
  ): Promise<readonly (StoredName & { id: Digest; image: Image })[]> {
    const found: (StoredName & { id: Digest; image: Image })[] = [];
    for (const name of names.filter(({ descriptor }) => mayBeImage(descriptor))) {
      try {
        const image = await this.#read(name.descriptor, []);
        if (image !== undefined) found.push({ ...name, id: image.id, image });
      } catch (error) {
        this.warn(`passing over ${name.descriptor.digest}: ${(error as Error).message}`);
      }
    }
    return found;
  }

  /** Every image of the store, in the order of its index, each with all its names. */
  async images(): Promise<readonly StoredImage[]> {
    const groups = new Map<Digest, { first: Image; references: Reference[]; foreign: string[] }>();
    for (const { id, image, reference, foreign } of await this.#identified(await this.core.index.names())) {
      const group = groups.get(id) ?? { first: image, references: [], foreign: [] };
      groups.set(id, group);
      if (reference !== undefined) group.references.push(reference);
      if (foreign !== undefined) group.foreign.push(foreign);
    }
    return [...groups.values()].map(({ first, references, foreign }) => ({
      image: new Image(this, first.record, first.target, references),
      foreign,
    }));
  }

  /**
   * An image by reference, by ID or the beginning of one, or by manifest digest. A reference wins.
   * @throws StoreError (`no-such-image`, `ambiguous`)
   */
  async image(name: string): Promise<Image> {
    const { image, references } = await this.#find(name);
    return new Image(this, image.record, image.target, references);
  }

  async #find(name: string): Promise<{ image: Image; references: readonly Reference[]; named: StoredName }> {
    const names = await this.core.index.names();
    const byName = findByName(names, name);
    const named = byName ?? findByID(await this.#identified(names), name);
    const image = named === undefined ? undefined : await this.#read(named.descriptor, []);
    if (named === undefined || image === undefined) {
      throw new StoreError("no-such-image", `No such image: ${name}`);
    }
    const same = names.filter(({ descriptor }) => descriptor.digest === named.descriptor.digest);
    const references = same.flatMap(({ reference }) => (reference === undefined ? [] : [reference]));
    return { image, references, named };
  }

  async imageOf(manifest: Descriptor): Promise<Image> {
    const image = await this.#read(manifest, []);
    if (image === undefined) throw new StoreError("no-such-image", `No such image: ${manifest.digest}`);
    return image;
  }

  async adopt(descriptor: Descriptor, reference: Reference | undefined): Promise<Image> {
    // Read first: once it has its name, another process may remove it.
    const image = await this.#read(descriptor, reference === undefined ? [] : [reference]);
    if (image === undefined) throw new StoreError("invalid", `${descriptor.digest} is no image`);
    await this.core.index.update((manifests) => withName(manifests, descriptor, reference));
    return image;
  }

  /**
   * Gives an image a name, taking it from the one that had it.
   * @param name `NAME[:TAG]`
   */
  async tag(image: Image, name: string): Promise<Image> {
    const reference = withDefaultTag(parseReference(name));
    if (reference.digest !== undefined) {
      throw new StoreError("invalid", "refusing to create a tag with a digest reference");
    }
    const { digest } = image.target;
    await this.core.index.update((manifests) => {
      const entry = manifests.find((candidate) => candidate.digest === digest);
      if (entry === undefined) throw new StoreError("no-such-image", `No such image: ${image.id}`);
      return withName(manifests, entry, reference);
    });
    return new Image(this, image.record, image.target, [...image.references, reference]);
  }

  /**
   * Removes an image, or one of its names, and what is then needed by nothing else. An image named by its ID
   * goes with all its names, if these are one tag and digests of the same repository.
   * @throws StoreError (`no-such-image`, `ambiguous`, `conflict`, `read-only`); nothing is then removed
   */
  async remove(name: string, options: RemoveOptions = {}): Promise<readonly Removal[]> {
    const names = await this.core.index.names();
    const byName = findByName(names, name);
    const identified = await this.#identified(names);
    const byID = byName === undefined ? findByID(identified, name) : undefined;
    const found = byName ?? byID;
    if (found === undefined) throw new StoreError("no-such-image", `No such image: ${name}`);
    const image = identified.find(({ descriptor }) => descriptor.digest === found.descriptor.digest)?.image;
    const same = identified.filter(({ id }) => id === image?.id);
    const { removeImage } = await import("./image-removal.ts");
    const target = {
      id: image?.id ?? found.descriptor.digest,
      digests: new Set([found, ...same].map(({ descriptor }) => descriptor.digest)),
      diffIDs: image?.config.rootfs.diff_ids ?? [],
      named: byName,
      text: name,
    };
    return await removeImage(this.core, target, options);
  }

  /** @internal Every image, as it is to be told to who removes it. */
  async targets(): Promise<readonly StoredTarget[]> {
    const identified = await this.#identified(await this.core.index.names());
    return (await this.images()).map((stored) => {
      const { image } = stored;
      const same = identified.filter(({ id }) => id === image.id);
      return {
        stored,
        id: image.id,
        digests: new Set(same.map(({ descriptor }) => descriptor.digest)),
        diffIDs: image.config.rootfs.diff_ids,
        named: undefined,
        text: image.id,
      };
    });
  }

  /** Removes images without a tag, or all that no container is made of, and whatever nothing leads to. */
  async pruneImages(options: PruneImagesOptions = {}): Promise<Pruned> {
    const { pruneImages } = await import("./image-prune.ts");
    return await pruneImages(this, options);
  }

  /** Removes what nothing leads to: names, containers, mounts and running operations of any process. */
  async collectGarbage(): Promise<Removed> {
    const { collectGarbage } = await import("../store/garbage.ts");
    return await collectGarbage(this.core);
  }

  /** What takes how much room. */
  async usage(): Promise<StoreUsage> {
    const { storeUsage } = await import("./usage.ts");
    return await storeUsage(this);
  }

  /** Proves that the store is sound, and mends what can be mended. Others may use it meanwhile. */
  async check(options: CheckOptions = {}): Promise<CheckReport> {
    const { checkStore } = await import("../store/check.ts");
    return await checkStore(this.core, options);
  }

  /**
   * Loads every image of an OCI layout directory or of an archive.
   * @param input the path of either, or an archive's bytes
   * @returns the images in the order of the source
   * @throws StoreError, OciError, ArchiveError; the store is then as it was
   */
  async load(input: string | ByteStream, options: LoadOptions = {}): Promise<readonly Image[]> {
    const [{ ingestImages }, { assignNames }] = await Promise.all([
      import("../store/load.ts"),
      import("../store/names.ts"),
    ]);
    const staging = new Staging(this.core.files);
    try {
      const source = await openSource(input, staging);
      if (source.images.length === 0) throw new StoreError("source", `${source.what} holds no image`);
      const assigned = assignNames(source, options.name);
      const records = await ingestImages(this.core, source, assigned, staging, this.platform);
      return assigned.flatMap(({ descriptor, references }, i) => {
        const record = records[i];
        return record === undefined ? [] : [new Image(this, record, descriptor, references)];
      });
    } finally {
      await staging.discard();
    }
  }

  /**
   * Makes an image of an archive of files: one layer, which is the archive as it is.
   * @param bytes an archive, compressed or not
   * @throws ArchiveError, OciError, StoreError (`invalid`); the store is then as it was
   */
  async importArchive(bytes: ByteStream, options: ImportOptions = {}): Promise<Image> {
    const { importArchive } = await import("./import-archive.ts");
    return await importArchive(this, bytes, options.platform ?? this.platform, options);
  }

  /**
   * Pulls an image from its registry. What arrived stays for the next attempt where it is interrupted.
   * @param name `NAME[:TAG|@DIGEST]`
   * @throws RegistryError, OciError, StoreError; the store is then as it was
   */
  async pull(name: string, options: PullOptions = {}): Promise<Image> {
    const { pull } = await import("./registries.ts");
    const { target } = await pull(this, name, options);
    return await this.image(target.digest);
  }

  /**
   * Pushes an image to the registry that a name says, byte for byte as it is.
   * @param name `NAME[:TAG]`
   * @returns the digest of what was pushed
   * @throws RegistryError, OciError, StoreError
   */
  async push(image: Image, name: string, options: PushOptions = {}): Promise<Digest> {
    const { push } = await import("./registries.ts");
    return (await push(this, image, name, options)).digest;
  }

  /**
   * The bytes of an archive of some images: a docker-archive that is also an OCI layout. An image that
   * is named by reference keeps that name in it, one named by ID has none.
   * @throws StoreError (`no-such-image`)
   */
  async save(names: readonly string[]): Promise<ByteStream> {
    const saved: SavedImage[] = [];
    for (const name of names) {
      const { image, named } = await this.#find(name);
      const byReference = named.reference !== undefined && isNameOf(named.reference, name);
      saved.push({
        descriptor: image.target,
        image: image.record,
        references: byReference && named.reference.digest === undefined ? [named.reference] : [],
      });
    }
    const { saveImages } = await import("../store/save.ts");
    const lease = this.core.lease();
    return released(saveImages(this.core.blobs, saved, lease), lease);
  }
}

/** Bytes that a lease is needed for until they were read, or given up. */
async function* released(bytes: ByteStream, lease: Lease): ByteStream {
  try {
    yield* bytes;
  } finally {
    lease.release();
  }
}

/** Whether a text is a way to write a reference, and not an ID that happened to lead to it. */
function isNameOf(reference: Reference, text: string): boolean {
  try {
    const parsed = withDefaultTag(parseReference(text));
    return formatReference(parsed) === formatReference(reference);
  } catch {
    return text === familiarReference(reference);
  }
}

async function openSource(input: string | ByteStream, staging: Staging): Promise<ImageSource> {
  if (typeof input === "string" && (await stat(input)).isDirectory()) {
    const { openLayoutSource } = await import("../store/layout-source.ts");
    return await openLayoutSource(input);
  }
  const { openArchiveSource } = await import("../store/archive-source.ts");
  if (typeof input === "string") return await openArchiveSource(fileStream(input), input, staging);
  return await openArchiveSource(input, "standard input", staging);
}
