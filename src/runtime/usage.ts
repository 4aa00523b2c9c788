/**
 * What takes how much room in a store: as `docker system df` tells it.
 *
 * Sizes of images are those of their files, uncompressed, each layer once: what one sees, and what Docker
 * shows. Caches are told apart, in bytes on disk.
 */
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Digest } from "../oci/digest.ts";
import { isMissing } from "../store/errors.ts";
import { listBlobs, listCaches } from "../store/garbage.ts";
import { type CachedBuild, listBuildCache } from "./build-cache.ts";
import type { Container } from "./container.ts";
import type { Store, StoredImage } from "./store.ts";

export interface ImageUsage extends StoredImage {
  /** In bytes. */
  readonly size: number;
  /** Of layers that another image has, too. */
  readonly sharedSize: number;
  /** Of layers that only this image has. */
  readonly uniqueSize: number;
  /** How many containers are made of it. */
  readonly containers: number;
}

export interface ContainerUsage {
  readonly container: Container;
  /** What its folder takes on disk, in bytes. */
  readonly size: number;
}

export interface StoreUsage {
  readonly images: readonly ImageUsage[];
  /** Each layer once, in bytes. */
  readonly layers: number;
  readonly containers: readonly ContainerUsage[];
  /** Blobs as they are stored, in bytes on disk. */
  readonly blobs: number;
  /** What builds keep for later ones. */
  readonly buildCache: readonly CachedBuild[];
  /** Uncompressed layers, indexes and trees, which can be made again: how many files, and bytes on disk. */
  readonly caches: { readonly files: number; readonly bytes: number };
}

async function folderSize(folder: string): Promise<number> {
  try {
    let size = 0;
    for (const entry of await readdir(folder, { withFileTypes: true })) {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) size += await folderSize(path);
      else if (entry.isFile()) size += (await stat(path)).size;
    }
    return size;
  } catch (error) {
    if (isMissing(error)) return 0;
    throw error;
  }
}

/** Every image with what it shares. */
export async function imageUsage(store: Store): Promise<readonly ImageUsage[]> {
  const [images, containers] = await Promise.all([store.images(), store.containers.list()]);
  const users = new Map<Digest, number>();
  for (const { image } of images) {
    for (const diffID of new Set(image.layers.map((layer) => layer.diffID)))
      users.set(diffID, (users.get(diffID) ?? 0) + 1);
  }
  const usage: ImageUsage[] = [];
  for (const stored of images) {
    let sharedSize = 0;
    let uniqueSize = 0;
    for (const layer of stored.image.layers) {
      const size = await store.core.layers.contentSize(layer);
      if (users.get(layer.diffID)! > 1) sharedSize += size;
      else uniqueSize += size;
    }
    const made = containers.filter(({ record }) => record.image.id === stored.image.id).length;
    usage.push({ ...stored, size: sharedSize + uniqueSize, sharedSize, uniqueSize, containers: made });
  }
  return usage;
}

/** See `Store.usage`. */
export async function storeUsage(store: Store): Promise<StoreUsage> {
  const { core } = store;
  const images = await imageUsage(store);
  const layers = new Map<Digest, number>();
  for (const { image } of images) {
    for (const layer of image.layers) layers.set(layer.diffID, await core.layers.contentSize(layer));
  }
  const containers: ContainerUsage[] = [];
  for (const container of await store.containers.list())
    containers.push({ container, size: await folderSize(container.folder) });
  const caches = listCaches(core);
  const sum = (sizes: Iterable<number>) => [...sizes].reduce((total, size) => total + size, 0);
  return {
    images,
    layers: sum(layers.values()),
    containers,
    blobs: sum(listBlobs(core).map(({ size }) => size)),
    buildCache: await listBuildCache(store),
    caches: { files: caches.length, bytes: sum(caches.map(({ size }) => size)) },
  };
}
