/**
 * The merged tree of a chain of layers: one for each chain and process, shared by all its mounts;
 * packed on disk, so that opening it again costs neither a parse nor an object an entry.
 */
import type { Layer } from "../layer/layer.ts";
import { chainIDs } from "../oci/chain.ts";
import type { Digest } from "../oci/digest.ts";
import { EMPTY_TREE, openTree, type PackedTree, packTree } from "../tree/packed.ts";
import { FORMAT_VERSION } from "../tree/sections.ts";
import { isMissing } from "./errors.ts";
import type { StoreFiles } from "./files.ts";
import type { ImageLayer, Layers } from "./layers.ts";
import type { Layout } from "./layout.ts";
import type { OpenFiles } from "./open-files.ts";
import { type Staging, writeDurably } from "./staging.ts";

/** No tree of files that anyone has is larger. */
const MAX_TREE = 2 ** 31;

export class Trees {
  readonly #layout: Layout;
  readonly #files: StoreFiles;
  readonly #layers: Layers;
  readonly #archives: OpenFiles;
  readonly #trees = new Map<Digest, WeakRef<PackedTree>>();
  readonly #opening = new Map<Digest, Promise<PackedTree>>();

  constructor(layout: Layout, files: StoreFiles, layers: Layers, archives: OpenFiles) {
    this.#layout = layout;
    this.#files = files;
    this.#layers = layers;
    this.#archives = archives;
  }

  /**
   * The tree of some layers, bottom first.
   * @throws ArchiveError for layers that cannot be read or applied
   */
  async tree(layers: readonly ImageLayer[]): Promise<PackedTree> {
    const chain = chainIDs(layers.map(({ diffID }) => diffID)).at(-1);
    if (chain === undefined) return EMPTY_TREE;
    const known = this.#trees.get(chain)?.deref();
    if (known !== undefined) return known;
    const opening = this.#opening.get(chain);
    if (opening !== undefined) return await opening;
    const work = this.#open(chain, layers).finally(() => this.#opening.delete(chain));
    this.#opening.set(chain, work);
    const tree = await work;
    this.#trees.set(chain, new WeakRef(tree));
    return tree;
  }

  /**
   * The tree of some layers with their archives open until `release`, so that it can be read also when its
   * files are removed.
   * @throws ArchiveError, StoreError
   */
  async pin(layers: readonly ImageLayer[]): Promise<{ readonly tree: PackedTree; release(): void }> {
    const tree = await this.tree(layers);
    const pins: (() => void)[] = [];
    let released = false;
    const release = () => {
      if (released) return;
      released = true;
      for (const unpin of pins) unpin();
    };
    try {
      for (const [position, layer] of layers.entries())
        pins.push(await this.#pinArchive(tree, position, layer));
      return { tree, release };
    } catch (error) {
      release();
      throw error;
    }
  }

  async #pinArchive(tree: PackedTree, position: number, layer: ImageLayer): Promise<() => void> {
    try {
      return this.#archives.pin(tree.archive(position));
    } catch (error) {
      if (!isMissing(error)) throw error;
      await this.#layers.ensureArchive(layer);
      return this.#archives.pin(tree.archive(position));
    }
  }

  /**
   * Makes the tree of layers of which some are only staged, and stages it with them; so layers that cannot
   * be applied are found before they are visible.
   * @throws ArchiveError
   */
  async stage(layers: readonly ImageLayer[], staging: Staging): Promise<void> {
    const chain = chainIDs(layers.map(({ diffID }) => diffID)).at(-1);
    if (chain === undefined) return;
    const path = this.#layout.tree(chain, FORMAT_VERSION);
    if (staging.pathOf(path) !== undefined || (await this.#files.facts(path)) !== undefined) return;
    const opened: Layer[] = [];
    try {
      for (const layer of layers) opened.push(await this.#layers.openStaged(layer, staging));
      const { applyLayers } = await import("../layer/apply.ts");
      await staging.addBytes(packTree(applyLayers(opened)), path);
    } finally {
      for (const { archive } of opened) archive.close();
    }
  }

  async #open(chain: Digest, layers: readonly ImageLayer[]): Promise<PackedTree> {
    return (await this.#packed(chain, layers)) ?? (await this.#build(chain, layers));
  }

  /** The tree from its packed file, where that is there and whole. */
  async #packed(chainID: Digest, layers: readonly ImageLayer[]): Promise<PackedTree | undefined> {
    const path = this.#layout.tree(chainID, FORMAT_VERSION);
    const bytes = await this.#files.read(path, MAX_TREE, path);
    if (bytes === undefined) return undefined;
    const paths: string[] = [];
    for (const layer of layers) paths.push(await this.#layers.ensureArchive(layer));
    // Views of any width want it aligned.
    const aligned = bytes.byteOffset % 8 === 0 ? bytes : Uint8Array.from(bytes);
    return openTree(aligned, { chainID, archives: (position) => this.#archives.open(paths[position]!) });
  }

  /** The tree from its layers; from the tree below, where only the top layer is new to it. */
  async #build(chainID: Digest, layers: readonly ImageLayer[]): Promise<PackedTree> {
    const below = await this.#below(layers);
    const opened = [];
    for (const layer of below === undefined ? layers : layers.slice(-1)) {
      opened.push(await this.#layers.open(layer));
    }
    const { applyLayer, applyLayers } = await import("../layer/apply.ts");
    const tree = below === undefined ? applyLayers(opened) : applyLayer(below, opened[0]!);
    await writeDurably(this.#files, this.#layout.tree(chainID, FORMAT_VERSION), packTree(tree));
    return tree;
  }

  async #below(layers: readonly ImageLayer[]): Promise<PackedTree | undefined> {
    const rest = layers.slice(0, -1);
    const chain = chainIDs(rest.map(({ diffID }) => diffID)).at(-1);
    if (chain === undefined) return undefined;
    return this.#trees.get(chain)?.deref() ?? (await this.#packed(chain, rest));
  }
}
