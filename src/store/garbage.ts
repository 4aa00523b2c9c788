/**
 * Garbage collection: removing what nothing leads to.
 *
 * Under the store's lock, in which names, containers and leases stand still. Kept is what the index, a
 * container, a record of the build cache or the lease of a living process leads to. What is left goes, with two exceptions:
 *
 * - a blob that another tool wrote less than a day ago: tools write blobs before `index.json`. It goes at
 *   once only where it is certainly not such a one: an image was removed that it belonged to (`noteReleased`),
 *   or it was written while a process of ours, now gone, held it;
 * - everything, where a manifest or config is damaged and so what belongs to it is not known.
 *
 * Caches need no such care: whoever misses one makes it again.
 */

import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { type Digest, isDigest } from "../oci/digest.ts";
import { FORMAT_VERSION } from "../tree/sections.ts";
import type { Arbiter, LeaseRecord } from "./arbiter.ts";
import type { StoreCore } from "./core.ts";
import { downloadDigest, isIdleDownload } from "./downloads.ts";
import { isFull } from "./errors.ts";
import { CACHE_VERSION } from "./layers.ts";
import { deadLeases, heldDigests } from "./leases.ts";
import { isStray, processNamespace } from "./process.ts";
import { type KnownLinks, type Reachable, reachable } from "./reachable.ts";

/** How long a blob that another tool wrote is kept without a name, in milliseconds. */
const GRACE = 24 * 3_600_000;
const ALGORITHMS = ["sha256", "sha512"] as const;

/** A file of a store. */
export interface StoredFile {
  readonly path: string;
  /** In bytes. */
  readonly size: number;
}

export interface StoredBlob extends StoredFile {
  readonly digest: Digest;
  /** Milliseconds since the epoch. */
  readonly modified: number;
}

export interface Removed {
  readonly blobs: readonly Digest[];
  /** Blobs, caches and temporary files together, in bytes. */
  readonly bytes: number;
  /** Why blobs were kept that seem to belong to nothing. */
  readonly blocked: string | undefined;
}

/** Every blob of a store; names that are no digest are passed over. */
export function listBlobs(core: StoreCore): readonly StoredBlob[] {
  return ALGORITHMS.flatMap((algorithm) => {
    const directory = join(core.layout.root, "blobs", algorithm);
    return core.files.listNow(directory).flatMap((name) => {
      const digest = `${algorithm}:${name}`;
      const path = join(directory, name);
      const facts = isDigest(digest) ? core.files.factsNow(path) : undefined;
      return facts === undefined ? [] : [{ digest: digest as Digest, path, ...facts }];
    });
  });
}

/** Cache files of the versions in use, each with the digest it is named by. */
export function listCaches(
  core: StoreCore,
): readonly (StoredFile & { kind: "layer" | "tree"; digest: string })[] {
  const { layout, files } = core;
  const folders = [
    { kind: "layer", directory: layout.layerFolder(CACHE_VERSION) },
    { kind: "tree", directory: layout.treeFolder(FORMAT_VERSION) },
  ] as const;
  return folders.flatMap(({ kind, directory }) =>
    ALGORITHMS.flatMap((algorithm) =>
      files.listNow(join(directory, algorithm)).flatMap((name) => {
        const path = join(directory, algorithm, name);
        const size = files.factsNow(path)?.size;
        return size === undefined
          ? []
          : [{ kind, path, size, digest: `${algorithm}:${name.split(".", 1)[0]}` }];
      }),
    ),
  );
}

/** What processes that are gone left in the temporary directory. */
export function listStrays(core: StoreCore, now: number): readonly StoredFile[] {
  const { files, layout } = core;
  return files.listNow(layout.temporary).flatMap((name) => {
    const path = join(layout.temporary, name);
    const facts = files.factsNow(path);
    return isStray(name, facts?.modified ?? now, now) ? [{ path, size: facts?.size ?? 0 }] : [];
  });
}

/** Interrupted downloads that nobody went on with for a day, and those of blobs that came in another way. */
function listForgotten(core: StoreCore, now: number): readonly StoredFile[] {
  const { files, layout } = core;
  return files.listNow(layout.downloads).flatMap((name) => {
    const path = join(layout.downloads, name);
    const facts = files.factsNow(path);
    if (facts === undefined) return [];
    const digest = downloadDigest(name);
    const arrived = digest !== undefined && files.factsNow(layout.blob(digest)) !== undefined;
    if (!arrived && now - facts.modified <= GRACE) return [];
    return isIdleDownload(name, facts.modified, now) ? [{ path, size: facts.size }] : [];
  });
}

/** What was written while a process held it that is gone now: it can be nobody else's. */
function abandoned(leases: ReadonlyMap<string, LeaseRecord>, now: number): ReadonlyMap<Digest, number> {
  const found = new Map<Digest, number>();
  for (const name of deadLeases(leases, now)) {
    const { digests, since } = leases.get(name)!;
    for (const digest of digests) found.set(digest, Math.min(found.get(digest) ?? since, since));
  }
  return found;
}

interface Sweep {
  readonly core: StoreCore;
  readonly arbiter: Arbiter;
  readonly released: ReadonlySet<Digest>;
  readonly now: number;
}

/** What a sweep did, and the records of dead processes that are of no use any more. */
interface Swept extends Removed {
  readonly settled: readonly string[];
}

function sweep({ core, arbiter, released, now }: Sweep, live: Reachable): Swept {
  const leases = arbiter.leases();
  const held = heldDigests(leases, now);
  const left = abandoned(leases, now);
  const blobs: Digest[] = [];
  let bytes = 0;
  const remove = ({ path, size }: StoredFile) => {
    core.files.removeNow(path);
    bytes += size;
  };
  const blocked = live.damaged.values().next().value;
  for (const blob of blocked === undefined ? listBlobs(core) : []) {
    const { digest, modified } = blob;
    if (live.blobs.has(digest) || held.has(digest)) continue;
    const ours = released.has(digest) || modified >= (left.get(digest) ?? Number.POSITIVE_INFINITY);
    if (!ours && now - modified < GRACE) continue;
    remove(blob);
    blobs.push(digest);
  }
  for (const cache of listCaches(core)) {
    const kept: ReadonlySet<string> = cache.kind === "layer" ? live.diffIDs : live.trees;
    if (!kept.has(cache.digest) && !(held as ReadonlySet<string>).has(cache.digest)) remove(cache);
  }
  for (const stray of [...listStrays(core, now), ...listForgotten(core, now)]) remove(stray);
  // A record stays while somebody living holds what it would let go.
  const waits = (digest: Digest) => blocked !== undefined || (held.has(digest) && !live.blobs.has(digest));
  const settled = deadLeases(leases, now).filter((name) => !leases.get(name)!.digests.some(waits));
  return { blobs, bytes, blocked, settled };
}

/** Writes or removes a record that can be done without: on a full disk it is. */
function trySetLease(arbiter: Arbiter, name: string, record: LeaseRecord | undefined): void {
  try {
    arbiter.setLease(name, record);
  } catch (error) {
    if (!isFull(error)) throw error;
  }
}

/**
 * Notes that an image is about to be removed, so that its blobs, once nothing leads to them, go without
 * delay also where this process is killed, or somebody holds them: then when he lets go.
 * @returns what takes the note back
 */
export function noteReleased(arbiter: Arbiter, digests: Iterable<Digest>): () => void {
  const name = `released-${randomBytes(12).toString("hex")}`;
  // The lease of a process that never was.
  const record = { holder: "", namespace: processNamespace(), since: 0, digests: [...digests] };
  trySetLease(arbiter, name, record);
  return () => trySetLease(arbiter, name, undefined);
}

/**
 * Removes what nothing leads to. Needs no room on the disk.
 * @param released blobs of images that were just removed (`noteReleased`)
 * @throws StoreError (`read-only`, `damaged-container`)
 */
export async function collectGarbage(
  core: StoreCore,
  released: ReadonlySet<Digest> = new Set(),
): Promise<Removed> {
  const arbiter = await core.arbiter();
  const known: KnownLinks = new Map();
  const now = Date.now();
  // Once before, so that under the lock only what changed meanwhile is read.
  reachable(core, known);
  const { settled, ...removed } = arbiter.exclusively(() =>
    sweep({ core, arbiter, released, now }, reachable(core, known)),
  );
  for (const name of settled) trySetLease(arbiter, name, undefined);
  return removed;
}
