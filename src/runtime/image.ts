/**
 * An image of a store, for one platform: an immutable view.
 */

import type { Layer } from "../layer/layer.ts";
import { chainIDs } from "../oci/chain.ts";
import { type HistoryEntry, historySteps, type ImageConfig } from "../oci/config.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import type { Digest } from "../oci/digest.ts";
import type { Manifest } from "../oci/manifest.ts";
import { familiarReference, type Reference } from "../oci/reference.ts";
import type { StoreCore } from "../store/core.ts";
import type { ImageRecord } from "../store/images.ts";
import type { ImageLayer } from "../store/layers.ts";
import type { Tree } from "../tree/tree.ts";
import type { Mount, MountOptions } from "../union/mount.ts";
import type { CommitOptions } from "./commit.ts";
import type { Environment } from "./environment.ts";
import type { MountWithFs } from "./mount-fs.ts";

/** What an image needs of its store. */
export interface ImageHome {
  readonly core: StoreCore;
  readonly env: Environment;
  /** Names an image, or keeps it without a name, and gives it as it is then. */
  adopt(descriptor: Descriptor, reference: Reference | undefined): Promise<Image>;
}

/** A step in an image's making, with the bytes that its layer's files have. */
export interface HistoryRow {
  readonly entry: HistoryEntry;
  /** Position of the layer from the bottom; undefined for a step that made none. */
  readonly layer: number | undefined;
  /** In bytes, uncompressed; 0 without a layer. */
  readonly size: number;
}

/** A mount of an image, with its face as `node:fs`. */
export type ImageMount = MountWithFs &
  Disposable & {
    /**
     * Gives back what the mount keeps: its lease, and open files that no other mount uses. It is not to be
     * used afterwards, nor are its forks. Closing the store does the same to all its mounts.
     */
    unmount(): void;
  };

export class Image {
  readonly #home: ImageHome;
  readonly #record: ImageRecord;
  /** Every reference that leads to this image, as far as known when it was looked up. */
  readonly references: readonly Reference[];
  /** What its name leads to: its manifest, or an index that its manifest was chosen from. */
  readonly target: Descriptor;

  /** Use the methods of a `Store`. */
  constructor(home: ImageHome, record: ImageRecord, target: Descriptor, references: readonly Reference[]) {
    this.#home = home;
    this.#record = record;
    this.target = target;
    this.references = references;
  }

  /** The digest of its config. */
  get id(): Digest {
    return this.#record.id;
  }

  /** Its names as users see them: `busybox:latest`. */
  get tags(): readonly string[] {
    return this.references.filter(({ digest }) => digest === undefined).map(familiarReference);
  }

  /** The repositories it was pulled from or pushed to, with its digest there: `busybox@sha256:…`. */
  get repoDigests(): readonly string[] {
    return this.references.filter(({ digest }) => digest !== undefined).map(familiarReference);
  }

  get config(): ImageConfig {
    return this.#record.config;
  }

  get manifest(): Manifest {
    return this.#record.manifest;
  }

  /** The descriptor of its manifest. */
  get descriptor(): Descriptor {
    return this.#record.descriptor;
  }

  /** The manifest with its descriptor and config, as the store keeps them. */
  get record(): ImageRecord {
    return this.#record;
  }

  /** Its layers, bottom first. */
  get layers(): readonly ImageLayer[] {
    const { diff_ids } = this.config.rootfs;
    return this.manifest.layers.map((descriptor, i) => ({ descriptor, diffID: diff_ids[i]! }));
  }

  /** How many bytes the files of all layers have together, uncompressed. */
  async size(): Promise<number> {
    let size = 0;
    for (const layer of this.layers) size += await this.#home.core.layers.contentSize(layer);
    return size;
  }

  /** How the image was made, oldest step first. */
  async history(): Promise<readonly HistoryRow[]> {
    const { layers } = this;
    const rows: HistoryRow[] = [];
    for (const { entry, layer } of historySteps(this.config)) {
      const size = layer === undefined ? 0 : await this.#home.core.layers.contentSize(layers[layer]!);
      rows.push({ entry, layer, size });
    }
    return rows;
  }

  /**
   * What one sees after applying its layers: shared by all who ask, read from the cache or made.
   * @throws ArchiveError for a layer that is damaged
   */
  async tree(): Promise<Tree> {
    return await this.#home.core.trees.tree(this.layers);
  }

  /**
   * Its layers as they are stored, entry by entry, bottom first.
   * @throws StoreError (`missing-blob`, `damaged-layer`)
   */
  async openLayers(): Promise<readonly Layer[]> {
    const opened: Layer[] = [];
    for (const layer of this.layers) opened.push(await this.#home.core.layers.open(layer));
    return opened;
  }

  /**
   * Its tree under a writable upper. What it reads stays where it is until `unmount`, whatever is removed
   * meanwhile, here or by another process.
   * @throws StoreError (`missing-blob`), ArchiveError
   */
  async mount(options: MountOptions = {}): Promise<ImageMount> {
    const [{ createMount }, { withFs }, pinned] = await Promise.all([
      import("../union/mount.ts"),
      import("./mount-fs.ts"),
      this.pin(),
    ]);
    return Object.defineProperties(withFs(createMount(pinned.tree, options)), {
      unmount: { value: pinned.release },
      [Symbol.dispose]: { value: pinned.release },
    }) as ImageMount;
  }

  /**
   * Its tree, and everything it is made of, kept until `release`: for one who mounts the tree himself.
   * @throws StoreError (`missing-blob`), ArchiveError
   */
  async pin(): Promise<{ readonly tree: Tree; release(): void }> {
    const { trees, lease: newLease } = this.#home.core;
    const lease = newLease();
    try {
      const { config, layers } = this.manifest;
      const { diff_ids } = this.config.rootfs;
      const blobs = [this.descriptor, config, ...layers].map(({ digest }) => digest);
      await lease.hold(...blobs, ...diff_ids, ...chainIDs(diff_ids).slice(-1));
      const { tree, release } = await trees.pin(this.layers);
      return {
        tree,
        release() {
          release();
          lease.release();
        },
      };
    } catch (error) {
      lease.release();
      throw error;
    }
  }

  /**
   * A new image: this one and a layer of what a mount of it changed. Nothing changed, no layer: only a
   * step in the history.
   * @throws StoreError (`invalid`) for a mount of something else; ArchiveError for what a layer cannot hold
   */
  async commit(mount: Mount, options: CommitOptions = {}): Promise<Image> {
    const { commitImage } = await import("./commit.ts");
    return await commitImage(this, mount, this.#home, options);
  }
}
