/**
 * What a store needs: everything that its index, its containers and running operations lead to.
 *
 * Synchronous, because it is asked under the store's lock. Documents never change under their digest, so
 * one walk can be made before the lock is taken and its findings used again under it: then little is left
 * to read.
 */
import { chainIDs } from "../oci/chain.ts";
import { parseConfig } from "../oci/config.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import { type Digest, verifyBytes } from "../oci/digest.ts";
import { OciError } from "../oci/errors.ts";
import { MAX_DOCUMENT } from "../oci/json.ts";
import { parseManifest } from "../oci/manifest.ts";
import { isConfigType } from "../oci/media-types.ts";
import { heldManifests } from "./container-records.ts";
import type { StoreCore } from "./core.ts";
import { mayBeImage } from "./images.ts";
import { StepCache } from "./step-cache.ts";

/** What one document leads to. */
interface Links {
  readonly children: readonly Descriptor[];
  /** Of an image: the digests that its layers have uncompressed, bottom first. */
  readonly diffIDs: readonly Digest[];
}

const NOTHING: Links = { children: [], diffIDs: [] };

/** What is known of documents from one walk to the next. */
export type KnownLinks = Map<Digest, Links>;

export interface Reachable {
  readonly blobs: ReadonlySet<Digest>;
  /** Uncompressed layers. */
  readonly diffIDs: ReadonlySet<Digest>;
  /** Of every image: the chain of each of its layers. */
  readonly chains: ReadonlySet<Digest>;
  /** Merged trees: the last chain of each image. */
  readonly trees: ReadonlySet<Digest>;
  /** Manifests and configs that are damaged: what they lead to is not known. */
  readonly damaged: ReadonlyMap<Digest, string>;
}

/** A document's bytes, checked; undefined where the store does not have it. */
function readDocument(core: StoreCore, { digest, size }: Descriptor): Uint8Array | undefined {
  const path = core.blobs.path(digest);
  const facts = core.files.factsNow(path);
  if (facts === undefined) return undefined;
  if (facts.size > MAX_DOCUMENT) throw new OciError("limit", `${digest} is too large for a document`);
  const bytes = core.files.readNow(path);
  if (bytes !== undefined) verifyBytes(bytes, digest, size, "the document");
  return bytes;
}

function linksOf(core: StoreCore, descriptor: Descriptor): Links {
  const bytes = mayBeImage(descriptor) ? readDocument(core, descriptor) : undefined;
  if (bytes === undefined) return NOTHING;
  const document = parseManifest(bytes, descriptor.mediaType, `the manifest ${descriptor.digest}`);
  if (document.kind === "index") return { children: document.index.manifests, diffIDs: [] };
  const { config, layers } = document.manifest;
  const image = isConfigType(config.mediaType) ? readDocument(core, config) : undefined;
  const diffIDs = image && parseConfig(image, `the config ${config.digest}`).rootfs.diff_ids;
  return { children: [config, ...layers], diffIDs: diffIDs ?? [] };
}

/**
 * Walks from some descriptors.
 * @param known is used and added to
 */
export function walkFrom(core: StoreCore, roots: readonly Descriptor[], known: KnownLinks): Reachable {
  const blobs = new Set<Digest>();
  const diffIDs = new Set<Digest>();
  const chains = new Set<Digest>();
  const trees = new Set<Digest>();
  const damaged = new Map<Digest, string>();
  const look = (descriptor: Descriptor): Links => {
    const { digest } = descriptor;
    let links = known.get(digest);
    if (links === undefined) {
      try {
        links = linksOf(core, descriptor);
        known.set(digest, links);
      } catch (error) {
        if (!(error instanceof OciError)) throw error;
        damaged.set(digest, error.message);
        links = NOTHING;
      }
    }
    return links;
  };
  const pending = [...roots];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    if (blobs.has(next.digest)) continue;
    blobs.add(next.digest);
    const links = look(next);
    pending.push(...links.children);
    const own = chainIDs(links.diffIDs);
    for (const diffID of links.diffIDs) diffIDs.add(diffID);
    for (const chain of own) chains.add(chain);
    for (const top of own.slice(-1)) trees.add(top);
  }
  return { blobs, diffIDs, chains, trees, damaged };
}

/**
 * Everything that the store's names, its containers and the records of its build cache lead to. Under the
 * store's lock, as of that moment.
 * @throws StoreError (`damaged-container`): then nothing can be said of what is not needed
 */
export function reachable(core: StoreCore, known: KnownLinks): Reachable {
  const named = core.index.namesLocked().map(({ descriptor }) => descriptor);
  const kept = core.directory === undefined ? [] : heldManifests(core.layout);
  const found = walkFrom(core, [...named, ...kept], known);
  const steps = new StepCache(core).list().flatMap(({ record }) => record.layer ?? []);
  return {
    ...found,
    blobs: new Set([...found.blobs, ...steps.map(({ descriptor }) => descriptor.digest)]),
    diffIDs: new Set([...found.diffIDs, ...steps.map(({ diffID }) => diffID)]),
  };
}
