/**
 * Removing images that nobody needs, as `docker image prune` does: those without a tag, or all that no
 * container is made of.
 */
import { chainIDs } from "../oci/chain.ts";
import type { Digest } from "../oci/digest.ts";
import { StoreError } from "../store/errors.ts";
import { collectGarbage } from "../store/garbage.ts";
import type { Image } from "./image.ts";
import { type Removal, removeNames, type Target } from "./image-removal.ts";
import type { Store, StoredImage } from "./store.ts";

export interface PruneImagesOptions {
  /** Also images with tags, if no container is made of them. */
  readonly all?: boolean;
  /** Which of them; all unless given. */
  readonly wanted?: (image: Image) => boolean;
}

export interface Pruned {
  readonly removals: readonly Removal[];
  /** What the files of the layers had that no image has any more, in bytes uncompressed. */
  readonly bytes: number;
}

/** An image without a tag, be it that a repository still has a digest of it. */
export function isDangling({ image, foreign }: StoredImage): boolean {
  return image.tags.length === 0 && foreign.length === 0;
}

/** Bytes of the layers whose chains were freed, as far as they are known. */
async function contentSizes(store: Store, image: Image): Promise<ReadonlyMap<Digest, number>> {
  const sizes = new Map<Digest, number>();
  const chains = chainIDs(image.layers.map(({ diffID }) => diffID));
  for (const [i, { diffID }] of image.layers.entries())
    sizes.set(chains[i]!, (await store.core.layers.knownContentSize(diffID)) ?? 0);
  return sizes;
}

/** See `Store.pruneImages`. */
export async function pruneImages(store: Store, options: PruneImagesOptions): Promise<Pruned> {
  const { all = false, wanted = () => true } = options;
  const used = new Set((await store.containers.list()).map(({ record }) => record.image.id));
  const removals: Removal[] = [];
  const released = new Set<Digest>();
  // Before anything is written, for which a full disk may have no room.
  await collectGarbage(store.core);
  let bytes = 0;
  for (const target of await store.targets()) {
    const { image } = target.stored;
    if (used.has(image.id) || !(all || isDangling(target.stored)) || !wanted(image)) continue;
    const sizes = await contentSizes(store, image);
    try {
      const done = await removeNames(store.core, target, { force: true });
      for (const digest of done.released) released.add(digest);
      for (const removal of done.removals) {
        removals.push(removal);
        if ("deleted" in removal) bytes += sizes.get(removal.deleted) ?? 0;
      }
    } catch (error) {
      // A container was made of it, or it was removed, after it was looked at.
      if (!(error instanceof StoreError && /^(conflict|no-such-image)$/.test(error.code))) throw error;
    }
  }
  await collectGarbage(store.core, released);
  return { removals, bytes };
}

/** An image in the store, to be removed whole. */
export interface StoredTarget extends Target {
  readonly stored: StoredImage;
}
