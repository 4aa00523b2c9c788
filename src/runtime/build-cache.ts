/**
 * The build cache as users see it: records of steps with their layers, and the caches of
 * `RUN --mount=type=cache`. A layer is kept while a record leads to it.
 */
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Digest } from "../oci/digest.ts";
import { isMissing } from "../store/errors.ts";
import { collectGarbage } from "../store/garbage.ts";
import { StepCache } from "../store/step-cache.ts";
import type { Store } from "./store.ts";
import { diskUppers } from "./upper/disk.ts";
import { UpperError } from "./upper/upper.ts";

export interface CachedBuild {
  /** The key of a step, or the folder of a cache. */
  readonly id: string;
  readonly kind: "step" | "cache-mount";
  readonly description: string;
  /** In bytes: of a step, its layer as it is stored, or 0 where another entry has the same one. */
  readonly size: number;
  /** Whether an image has the layer, too: then it stays when the entry goes. */
  readonly shared: boolean;
  /** When it was last of use, in milliseconds since 1970. */
  readonly used: number;
}

async function folderFacts(folder: string): Promise<{ size: number; modified: number }> {
  let size = 0;
  let modified = 0;
  for (const entry of await readdir(folder, { withFileTypes: true, recursive: true })) {
    if (!entry.isFile()) continue;
    const stats = await stat(join(entry.parentPath, entry.name)).catch((error: unknown) => {
      if (isMissing(error)) return undefined;
      throw error;
    });
    size += stats?.size ?? 0;
    modified = Math.max(modified, stats?.mtimeMs ?? 0);
  }
  return { size, modified };
}

async function cacheMounts({ core }: Store): Promise<readonly CachedBuild[]> {
  if (core.directory === undefined) return [];
  const directory = core.layout.cacheMounts;
  const names = await readdir(directory).catch((error: unknown) => {
    if (isMissing(error)) return [];
    throw error;
  });
  return await Promise.all(
    names.map(async (id) => {
      const { size, modified } = await folderFacts(join(directory, id));
      const description = "the cache of RUN --mount=type=cache";
      return { id, kind: "cache-mount" as const, description, size, shared: false, used: modified };
    }),
  );
}

/** Everything in the build cache, last used first. */
export async function listBuildCache(store: Store): Promise<readonly CachedBuild[]> {
  const inImages = new Set<Digest>();
  for (const { image } of await store.images())
    for (const { descriptor } of image.layers) inImages.add(descriptor.digest);
  const counted = new Set<Digest>();
  const steps = new StepCache(store.core).list().map(({ key, record, used }): CachedBuild => {
    const layer = record.layer?.descriptor;
    const size = layer === undefined || counted.has(layer.digest) ? 0 : layer.size;
    if (layer !== undefined) counted.add(layer.digest);
    const shared = layer !== undefined && inImages.has(layer.digest);
    return { id: key, kind: "step", description: record.description, size, shared, used };
  });
  return [...steps, ...(await cacheMounts(store))].sort((a, b) => b.used - a.used);
}

export interface PruneCacheOptions {
  /** Also what images share. */
  readonly all?: boolean;
  /** Which entries may go; all unless given. */
  readonly wanted?: (entry: CachedBuild) => boolean;
  /** How many bytes are to stay: what was used last. */
  readonly keepStorage?: number;
}

export interface PrunedCache {
  readonly removed: readonly CachedBuild[];
  /** Freed on disk. */
  readonly bytes: number;
}

/** Takes an entry away. @returns false where a build is using it */
function remove(store: Store, { id, kind }: CachedBuild): boolean {
  if (kind === "step") {
    new StepCache(store.core).remove(id as Digest);
    return true;
  }
  try {
    diskUppers.remove(join(store.core.layout.cacheMounts, id));
    return true;
  } catch (error) {
    if (error instanceof UpperError) return error.code === "missing";
    throw error;
  }
}

/**
 * Removes entries of the build cache, and the layers that nothing leads to then.
 * @throws StoreError (`read-only`)
 */
export async function pruneBuildCache(store: Store, options: PruneCacheOptions = {}): Promise<PrunedCache> {
  const { all = false, wanted = () => true, keepStorage = 0 } = options;
  const removed: CachedBuild[] = [];
  const released = new Set<Digest>();
  const steps = new StepCache(store.core);
  const layers = new Map(steps.list().map(({ key, record }) => [key as string, record.layer]));
  let kept = 0;
  let bytes = 0;
  for (const entry of await listBuildCache(store)) {
    kept += entry.size;
    if (keepStorage > 0 && kept <= keepStorage) continue;
    if ((entry.shared && !all) || !wanted(entry) || !remove(store, entry)) continue;
    removed.push(entry);
    if (entry.kind === "cache-mount") bytes += entry.size;
    const layer = layers.get(entry.id);
    if (layer !== undefined) released.add(layer.descriptor.digest);
  }
  bytes += (await collectGarbage(store.core, released)).bytes;
  return { removed, bytes };
}
