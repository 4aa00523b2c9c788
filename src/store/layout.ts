/**
 * Where things lie in a store.
 *
 *     oci-layout, index.json, blobs/ALG/HEX     the OCI image layout, as other tools read and write it
 *     stratafs/version                          format of what is ours
 *     stratafs/arbiter.mdb                      the store's lock and the leases of running processes
 *     stratafs/index-journal.json               what we last wrote into index.json
 *     stratafs/tmp/                             files that are not yet what they will be
 *     stratafs/downloads/                       blobs of which not all arrived yet, by digest
 *     stratafs/layers-N/ALG/HEX.{tar,index,json}  uncompressed layers by diffID, indexes, sizes
 *     stratafs/trees-N/ALG/HEX                  merged trees by chainID, packed
 *     stratafs/steps-N/                         the build cache: which layer each step made
 *     stratafs/cache-mounts/                    what steps keep between builds (RUN --mount=type=cache)
 *     stratafs/containers/ID/                   containers: what they are and what they changed
 *
 * Everything under `layers-N` and `trees-N` is a cache: whoever finds it gone makes it again from `blobs`.
 * N is the version of the format that is in the folder, so that a newer version leaves an older cache
 * alone instead of misreading it.
 */
import { join } from "node:path";
import { type Digest, digestAlgorithm, digestHex } from "../oci/digest.ts";
import { jsonBytes, parseJson } from "../oci/json.ts";
import type { Arbiter } from "./arbiter.ts";
import { StoreError } from "./errors.ts";
import type { StoreFiles } from "./files.ts";

const MAX_MARKER = 4096;
const LAYOUT_VERSION = "1.0.0";
/** Raised when an older version could damage what a newer one wrote. */
const STORE_VERSION = 1;

/** Where a blob lies in any image layout, from its root (image-layout.md, "Blobs"). */
export function blobName(digest: Digest): string {
  return `blobs/${digestAlgorithm(digest)}/${digestHex(digest)}`;
}

export class Layout {
  /** Absolute path of the store. */
  readonly root: string;
  readonly indexFile: string;
  readonly layoutFile: string;
  readonly temporary: string;
  readonly downloads: string;
  readonly arbiterFile: string;
  readonly containers: string;
  readonly #own: string;

  constructor(root: string) {
    this.root = root;
    this.indexFile = join(root, "index.json");
    this.layoutFile = join(root, "oci-layout");
    this.#own = join(root, "stratafs");
    this.temporary = join(this.#own, "tmp");
    this.downloads = join(this.#own, "downloads");
    this.arbiterFile = join(this.#own, "arbiter.mdb");
    this.containers = join(this.#own, "containers");
  }

  blob(digest: Digest): string {
    return join(this.root, blobName(digest));
  }

  /** The cache of layers of a format version. */
  layerFolder(version: number): string {
    return join(this.#own, `layers-${version}`);
  }

  /** A file of the layer cache. */
  layer(diffID: Digest, suffix: "tar" | "index" | "json", version: number): string {
    return join(this.layerFolder(version), digestAlgorithm(diffID), `${digestHex(diffID)}.${suffix}`);
  }

  /** The cache of packed trees of a format version. */
  treeFolder(version: number): string {
    return join(this.#own, `trees-${version}`);
  }

  /** A packed tree. */
  tree(chainID: Digest, version: number): string {
    return join(this.treeFolder(version), digestAlgorithm(chainID), digestHex(chainID));
  }

  /** What we last wrote into `index.json`. */
  get indexJournal(): string {
    return join(this.#own, "index-journal.json");
  }

  /** Records of the build cache, by a version of their format. */
  steps(version: number): string {
    return join(this.#own, `steps-${version}`);
  }

  /** The cache mounts of build steps. */
  get cacheMounts(): string {
    return join(this.#own, "cache-mounts");
  }

  get versionFile(): string {
    return join(this.#own, "version");
  }
}

/** Checks the `oci-layout` file of a directory. */
export function checkLayoutFile(bytes: Uint8Array, what: string): void {
  const version = parseJson(bytes, what).imageLayoutVersion;
  if (version !== LAYOUT_VERSION) {
    throw new StoreError(
      "format",
      `${what} is of image layout version ${String(version)}, not ${LAYOUT_VERSION}`,
    );
  }
}

/** Makes what is missing of a store. Under its lock, so that no index that was just written is emptied. */
async function initialize(
  { root, indexFile, layoutFile, versionFile }: Layout,
  files: StoreFiles,
  arbiter: () => Promise<Arbiter>,
): Promise<void> {
  (await arbiter()).exclusively(() => {
    const make = (path: string, bytes: Uint8Array) => {
      if (files.factsNow(path) === undefined) files.replaceNow(path, bytes);
    };
    files.makeDirectoryNow(join(root, "blobs", "sha256"));
    make(indexFile, jsonBytes({ schemaVersion: 2, manifests: [] }));
    make(layoutFile, jsonBytes({ imageLayoutVersion: LAYOUT_VERSION }));
    make(versionFile, new TextEncoder().encode(`${STORE_VERSION}\n`));
  });
}

/**
 * Sees to it that a directory is a store, making an empty one where there is none. An existing image layout of
 * another tool becomes a store by the folder that is added to it.
 * @throws StoreError (`format`) for a store of a newer version
 */
export async function prepareLayout(
  layout: Layout,
  files: StoreFiles,
  arbiter: () => Promise<Arbiter>,
): Promise<void> {
  const { root } = layout;
  const version = await files.read(layout.versionFile, MAX_MARKER, layout.versionFile);
  if (version !== undefined) {
    const found = new TextDecoder().decode(version).trim();
    if (found !== String(STORE_VERSION)) {
      throw new StoreError(
        "format",
        `the store ${root} has format ${found}, which this version of strata does not know; it reads format ${STORE_VERSION}`,
      );
    }
  }
  const marker = await files.read(layout.layoutFile, MAX_MARKER, layout.layoutFile);
  if (marker !== undefined) checkLayoutFile(marker, layout.layoutFile);
  if (marker === undefined || version === undefined) await initialize(layout, files, arbiter);
}
