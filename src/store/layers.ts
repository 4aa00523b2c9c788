/**
 * Layers between the form they are stored in and the form they are read in.
 *
 * A layer's blob is what registries and other tools know; beside it the cache keeps the uncompressed
 * archive, in which content is read at an offset, its index, and how many bytes its files have. An archive
 * in the cache has the epoch for its time of modification: one that was written to since is made again. A blob
 * that is not compressed is its own archive and is not copied. All of it is made in one pass over the
 * blob, in which size, digest and diffID are verified (rule 43); nothing is visible before that.
 */
import * as v from "valibot";
import { openLayer } from "../layer/index-file.ts";
import type { Layer } from "../layer/layer.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import type { Digest } from "../oci/digest.ts";
import { jsonBytes, parseJson, validate } from "../oci/json.ts";
import type { ByteStream } from "../platform/types.ts";
import { ArchiveError } from "../tar/entry.ts";
import type { Blobs } from "./blobs.ts";
import { StoreError } from "./errors.ts";
import type { StoreFiles } from "./files.ts";
import type { Layout } from "./layout.ts";
import type { OpenFiles } from "./open-files.ts";
import type { SourceBlob } from "./source.ts";
import { type StagedFile, Staging } from "./staging.ts";

/** Version of the cache's folder; raised when an index of an older format would be misread. */
export const CACHE_VERSION = 1;
const MAX_INDEX = 2 ** 30;
const MAX_FACTS = 4096;

const factsSchema = v.looseObject({ contentSize: v.pipe(v.number(), v.safeInteger(), v.minValue(0)) });

/** A layer of an image: its blob, and the digest that it must have uncompressed. */
export interface ImageLayer {
  readonly descriptor: Descriptor;
  readonly diffID: Digest;
}

/** What the cache keeps of a layer. */
export interface CachedLayer {
  /** The uncompressed archive; undefined where the blob itself is that. */
  readonly archive: StagedFile | undefined;
  readonly index: Uint8Array;
  /** Bytes of its files together. */
  readonly contentSize: number;
}

export class Layers {
  readonly #layout: Layout;
  readonly #files: StoreFiles;
  readonly #blobs: Blobs;
  readonly #open: OpenFiles;
  readonly #rebuilding = new Map<Digest, Promise<void>>();

  constructor(layout: Layout, files: StoreFiles, blobs: Blobs, open: OpenFiles) {
    this.#layout = layout;
    this.#files = files;
    this.#blobs = blobs;
    this.#open = open;
  }

  #path(diffID: Digest, suffix: "tar" | "index" | "json"): string {
    return this.#layout.layer(diffID, suffix, CACHE_VERSION);
  }

  /** Where the uncompressed archive of a layer lies, if it is there as it was written. */
  async archivePath(diffID: Digest): Promise<string | undefined> {
    const cached = this.#path(diffID, "tar");
    // Written with the time 0; whoever changes it later changes that, too.
    if ((await this.#files.facts(cached))?.modified === 0) return cached;
    const blob = this.#blobs.path(diffID);
    if ((await this.#files.facts(blob)) !== undefined) return blob;
    return undefined;
  }

  /** Whether a layer's blob and everything that is made of it are there. */
  async has(layer: ImageLayer): Promise<boolean> {
    const size = await this.#blobs.size(layer.descriptor.digest);
    if (size !== layer.descriptor.size) return false;
    return (
      (await this.knownContentSize(layer.diffID)) !== undefined &&
      (await this.#files.facts(this.#path(layer.diffID, "index"))) !== undefined
    );
  }

  /**
   * Reads a layer from a source, verifies it and stages its blob and its cache files.
   * @param keep whether the cache files are wanted; a layer of a foreign platform is only verified
   * @throws StoreError (`damaged-layer`)
   */
  async ingest(layer: ImageLayer, source: SourceBlob, staging: Staging, keep: boolean): Promise<void> {
    const { digest } = layer.descriptor;
    const target = this.#blobs.path(digest);
    if (source.owned !== undefined) {
      await this.#unpack(layer, source.open(), staging, keep);
      await staging.add(source.owned, target);
      return;
    }
    const blob = await staging.create();
    await this.#unpack(layer, blob.copyOf(source.open()), staging, keep);
    await staging.add(blob, target);
  }

  async #unpack(layer: ImageLayer, bytes: ByteStream, staging: Staging, keep: boolean): Promise<void> {
    const { descriptor, diffID } = layer;
    const archive = keep && descriptor.digest !== diffID ? await staging.create() : undefined;
    let contentSize = 0;
    const { readLayer } = await import("../layer/read.ts");
    const read = await readLayer(
      bytes,
      { write: (chunk) => archive?.write(chunk) },
      {
        expected: { digest: descriptor.digest, size: descriptor.size, diffID },
        onEntry: (entry) => {
          if (entry.type === "file") contentSize += entry.size;
        },
      },
    ).catch((cause: unknown) => {
      if (!(cause instanceof ArchiveError)) throw cause;
      throw new StoreError("damaged-layer", `the layer ${descriptor.digest}: ${cause.message}`, { cause });
    });
    if (keep) await this.stageCache(diffID, { archive, index: read.index, contentSize }, staging);
  }

  /** Stages what the cache holds of a layer whose bytes were verified, or just made. */
  async stageCache(diffID: Digest, made: CachedLayer, staging: Staging): Promise<void> {
    if (made.archive !== undefined) {
      await made.archive.stamp();
      await staging.add(made.archive, this.#path(diffID, "tar"));
    }
    await staging.addBytes(made.index, this.#path(diffID, "index"));
    await staging.addBytes(jsonBytes({ contentSize: made.contentSize }), this.#path(diffID, "json"));
  }

  /** Makes a layer's cache files again from its blob, however many ask for it at a time. */
  async #rebuild(layer: ImageLayer): Promise<void> {
    const { diffID } = layer;
    const running = this.#rebuilding.get(diffID);
    if (running !== undefined) return await running;
    const work = this.#rebuildNow(layer).finally(() => this.#rebuilding.delete(diffID));
    this.#rebuilding.set(diffID, work);
    await work;
  }

  async #rebuildNow(layer: ImageLayer): Promise<void> {
    const { digest } = layer.descriptor;
    if ((await this.#blobs.size(digest)) === undefined) {
      throw new StoreError("missing-blob", `the layer ${digest} is not in the store`);
    }
    const staging = new Staging(this.#files);
    try {
      await this.#unpack(layer, this.#blobs.stream(digest), staging, true);
      await staging.commit();
      this.#open.replaced(this.#path(layer.diffID, "tar"));
    } finally {
      await staging.discard();
    }
  }

  /** Makes sure that a layer's archive can be read. @returns its path */
  async ensureArchive(layer: ImageLayer): Promise<string> {
    const found = await this.archivePath(layer.diffID);
    if (found !== undefined) return found;
    await this.#rebuild(layer);
    const made = await this.archivePath(layer.diffID);
    if (made === undefined)
      throw new StoreError("missing-blob", `the layer ${layer.diffID} vanished from the store`);
    return made;
  }

  /**
   * A layer of which archive and index are perhaps only staged. Its archive is open: close it.
   * @param staging what is looked at first
   */
  async openStaged(layer: ImageLayer, staging: Staging): Promise<Layer> {
    const { diffID } = layer;
    const staged = (path: string) => staging.pathOf(path);
    const archive = staged(this.#path(diffID, "tar")) ?? staged(this.#blobs.path(diffID));
    const index = staged(this.#path(diffID, "index"));
    if (archive === undefined || index === undefined) {
      const { entries } = await this.open(layer);
      return { diffID, archive: this.#files.open(await this.ensureArchive(layer)), entries };
    }
    const bytes = await this.#files.read(index, MAX_INDEX, index);
    const opened = bytes && openLayer({ diffID, archive: this.#files.open(archive), index: bytes });
    if (opened === undefined)
      throw new StoreError("damaged-layer", `the layer ${diffID} cannot be read back`);
    return opened;
  }

  /** A layer to be applied. */
  async open(layer: ImageLayer): Promise<Layer> {
    return (await this.#openIndexed(layer)) ?? (await this.#openRebuilt(layer));
  }

  async #openIndexed(layer: ImageLayer): Promise<Layer | undefined> {
    const { diffID } = layer;
    const archive = await this.archivePath(diffID);
    const index = await this.#readCache(diffID, "index", MAX_INDEX);
    if (archive === undefined || index === undefined) return undefined;
    return openLayer({ diffID, archive: this.#open.open(archive), index });
  }

  async #openRebuilt(layer: ImageLayer): Promise<Layer> {
    await this.#rebuild(layer);
    const opened = await this.#openIndexed(layer);
    if (opened === undefined)
      throw new StoreError("missing-blob", `the layer ${layer.diffID} cannot be read`);
    return opened;
  }

  /** How many bytes the files of a layer have together, each hardlink group once: what Docker calls its size. */
  async contentSize(layer: ImageLayer): Promise<number> {
    const known = await this.knownContentSize(layer.diffID);
    if (known !== undefined) return known;
    await this.#rebuild(layer);
    return (await this.knownContentSize(layer.diffID)) ?? 0;
  }

  /** The recorded size; undefined where the record is missing or damaged. */
  async knownContentSize(diffID: Digest): Promise<number | undefined> {
    const bytes = await this.#readCache(diffID, "json", MAX_FACTS);
    if (bytes === undefined) return undefined;
    const what = this.#path(diffID, "json");
    try {
      return validate(factsSchema, parseJson(bytes, what), what).contentSize;
    } catch {
      return undefined;
    }
  }

  async #readCache(diffID: Digest, suffix: "index" | "json", limit: number): Promise<Uint8Array | undefined> {
    const path = this.#path(diffID, suffix);
    return await this.#files.read(path, limit, path);
  }
}
