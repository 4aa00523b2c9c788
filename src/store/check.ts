/**
 * Proving that a store is sound: every blob has the digest of its name, every name leads to a whole image,
 * every cache is what it claims to be, every container's record can be read. Other processes may go on
 * meanwhile: what they remove while it is looked at is passed over.
 *
 * A repair removes what can be made or fetched again: damaged blobs and caches, names that lead to a
 * manifest that is gone, what dead processes left. It never removes what it found sound.
 */
import { platform } from "#platform";
import { openLayer } from "../layer/index-file.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import { type Digest, digestAlgorithm, parseDigest } from "../oci/digest.ts";
import type { ByteStream } from "../platform/types.ts";
import { openTree } from "../tree/packed.ts";
import { listContainers, readContainer } from "./container-records.ts";
import type { StoreCore } from "./core.ts";
import { isMissing, StoreError } from "./errors.ts";
import { listBlobs, listCaches, listStrays, type StoredFile } from "./garbage.ts";
import { mayBeImage, readManifest } from "./images.ts";
import { renamed, type StoredName, withName } from "./index-file.ts";
import { type KnownLinks, reachable } from "./reachable.ts";

const MAX_CACHE_FILE = 2 ** 31;

export type ProblemKind =
  /** A blob whose bytes are not those of its name. */
  | "damaged-blob"
  /** A blob that a manifest or an index needs. */
  | "missing-blob"
  /** A name whose image cannot be read. */
  | "broken-name"
  | "damaged-cache"
  | "damaged-container"
  | "damaged-index";

export interface Problem {
  readonly kind: ProblemKind;
  /** One sentence. */
  readonly message: string;
  /** Whether a repair removed the cause. */
  readonly repaired: boolean;
}

export interface CheckReport {
  readonly problems: readonly Problem[];
  /** How many of each were looked at. */
  readonly blobs: number;
  readonly names: number;
  readonly caches: number;
  readonly containers: number;
  /** Temporary files of processes that are gone: no problem, but listed. */
  readonly strays: readonly StoredFile[];
  /** Blobs that nothing leads to: no problem; garbage collection decides about them. */
  readonly unreferenced: readonly Digest[];
}

export interface CheckOptions {
  readonly repair?: boolean;
}

async function digestOfStream(bytes: ByteStream, like: Digest): Promise<string> {
  const hasher = platform.createHash(digestAlgorithm(like));
  for await (const chunk of bytes) hasher.update(chunk);
  return `${digestAlgorithm(like)}:${hasher.hex()}`;
}

/** Undefined where the file went away meanwhile. */
async function unlessGone<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

class Check {
  readonly problems: Problem[] = [];
  readonly damaged = new Set<Digest>();
  readonly #core: StoreCore;
  readonly #repair: boolean;

  constructor(core: StoreCore, repair: boolean) {
    this.#core = core;
    this.#repair = repair;
  }

  #found(kind: ProblemKind, message: string, repaired = false): void {
    this.problems.push({ kind, message, repaired });
  }

  /** Removes a file under the store's lock, if repairing. */
  async #remove(path: string): Promise<boolean> {
    if (!this.#repair) return false;
    const { files } = this.#core;
    (await this.#core.arbiter()).exclusively(() => files.removeNow(path));
    return true;
  }

  async blobs(): Promise<number> {
    const all = listBlobs(this.#core);
    for (const { digest, path, size } of all) {
      const actual = await unlessGone(digestOfStream(this.#core.files.stream(path), digest));
      if (actual === undefined || actual === digest) continue;
      this.damaged.add(digest);
      const message = `the blob ${digest} has the content of ${actual} (${size} bytes)`;
      this.#found("damaged-blob", message, await this.#remove(path));
    }
    return all.length;
  }

  async names(names: readonly StoredName[]): Promise<void> {
    const seen = new Set<Digest>();
    for (const name of names) {
      const text = nameOf(name);
      try {
        const missing: string[] = [];
        await this.#tree(name.descriptor, text, seen, missing);
        if (missing.length === 0 || !(await this.#isStillNamed(name))) continue;
        for (const message of missing) this.#found("missing-blob", message);
      } catch (error) {
        const still = await this.#isStillNamed(name);
        if (!still) continue;
        const repaired = this.#repair && (await this.#dropName(name));
        this.#found("broken-name", `${text}: ${(error as Error).message}`, repaired);
      }
    }
  }

  async #isStillNamed({ descriptor }: StoredName): Promise<boolean> {
    const now = await this.#core.index.names();
    return now.some((name) => name.descriptor.digest === descriptor.digest);
  }

  /** Takes a name away that leads to nothing. */
  async #dropName({ descriptor }: StoredName): Promise<boolean> {
    const { blobs, files, index } = this.#core;
    (await this.#core.arbiter()).exclusively(() => {
      if (files.factsNow(blobs.path(descriptor.digest)) !== undefined) return;
      index.updateLocked((manifests) => manifests.filter(({ digest }) => digest !== descriptor.digest));
    });
    return !(await this.#isStillNamed({ descriptor, reference: undefined, foreign: undefined }));
  }

  /**
   * Looks whether everything that a descriptor leads to is there.
   * @param missing is told of blobs that are not there
   * @param required a manifest of another platform may be absent, and what is there of it must be whole
   */
  async #tree(
    descriptor: Descriptor,
    name: string,
    seen: Set<Digest>,
    missing: string[],
    required = true,
  ): Promise<void> {
    const { digest } = descriptor;
    if (seen.has(digest)) return;
    const size = await this.#core.blobs.size(digest);
    if (size === undefined && !required) return;
    if (mayBeImage(descriptor)) {
      const document = await readManifest(this.#core.blobs, descriptor);
      seen.add(digest);
      const isIndex = document.kind === "index";
      const children = isIndex
        ? document.index.manifests
        : [document.manifest.config, ...document.manifest.layers];
      for (const child of children) await this.#tree(child, name, seen, missing, !isIndex);
      return;
    }
    seen.add(digest);
    if (size === undefined) {
      const elsewhere = (descriptor.urls ?? []).length > 0 || descriptor.data !== undefined;
      if (!elsewhere)
        this.#found("missing-blob", `${name}: the blob ${digest} is missing; load or pull it again`);
    } else if (size !== descriptor.size && !this.damaged.has(digest)) {
      const message = `${name}: the blob ${digest} has ${size} bytes, not the promised ${descriptor.size}`;
      this.#found("damaged-blob", message);
    }
  }

  async caches(): Promise<number> {
    const all = listCaches(this.#core);
    for (const { kind, path, digest } of all) {
      const isSound = async () =>
        (await unlessGone(
          kind === "tree" ? this.#soundTree(path, digest) : this.#soundLayer(path, digest),
        )) !== false || (await this.#core.files.facts(path)) === undefined;
      // A second look, since it may have been removed or made again during the first.
      if ((await isSound()) || (await isSound())) continue;
      this.#found("damaged-cache", `the cached file ${path} is damaged`, await this.#remove(path));
    }
    return all.length;
  }

  async #soundTree(path: string, chainID: string): Promise<boolean> {
    const bytes = await this.#core.files.read(path, MAX_CACHE_FILE, path);
    if (bytes === undefined) return true;
    const archives = () => {
      throw new RangeError("no content is read here");
    };
    return openTree(Uint8Array.from(bytes), { chainID, archives }) !== undefined;
  }

  async #soundLayer(path: string, text: string): Promise<boolean> {
    const { files, layers } = this.#core;
    const diffID = parseDigest(text);
    if (path.endsWith(".tar")) return (await digestOfStream(files.stream(path), diffID)) === diffID;
    if (path.endsWith(".json")) return (await layers.knownContentSize(diffID)) !== undefined;
    const archive = await layers.archivePath(diffID);
    const index = await files.read(path, MAX_CACHE_FILE, path);
    if (archive === undefined || index === undefined) return true;
    const opened = files.open(archive);
    try {
      return openLayer({ diffID, archive: opened, index }) !== undefined;
    } finally {
      opened.close();
    }
  }

  /** Containers, and whether the index keeps their images for tools that know no containers. */
  async containers(): Promise<number> {
    const core = this.#core;
    if (core.directory === undefined) return 0;
    const records = listContainers(core.layout, ({ message }) => this.#found("damaged-container", message));
    for (const { id, image } of records) {
      const { manifest } = image;
      if ((await core.blobs.size(manifest.digest)) === undefined) {
        if (readContainer(core.layout, id) === undefined) continue;
        const message = `container ${id.slice(0, 12)}: its image's manifest ${manifest.digest} is missing`;
        this.#found("damaged-container", message);
        continue;
      }
      const missing: string[] = [];
      await this.#tree(manifest, `container ${id.slice(0, 12)}`, new Set(), missing).catch((error: Error) =>
        missing.push(`container ${id.slice(0, 12)}: ${error.message}`),
      );
      if (missing.length > 0 && readContainer(core.layout, id) === undefined) continue;
      for (const message of missing) this.#found("missing-blob", message);
      const named = (await core.index.names()).some(
        ({ descriptor }) => descriptor.digest === manifest.digest,
      );
      if (named) continue;
      if (this.#repair) {
        await core.index.update((entries) => withName(entries, renamed(manifest, undefined), undefined));
      }
      const message = `container ${id.slice(0, 12)}: index.json has no entry that keeps its image ${manifest.digest}`;
      this.#found("damaged-index", message, this.#repair);
    }
    return records.length;
  }
}

function nameOf({ reference, foreign, descriptor }: StoredName): string {
  if (reference === undefined) return foreign ?? descriptor.digest;
  return `${reference.domain}/${reference.path}${reference.tag === undefined ? `@${reference.digest}` : `:${reference.tag}`}`;
}

/** Blobs that nothing leads to, and what may be removed of what dead processes left. */
async function leftovers(core: StoreCore, repair: boolean) {
  const arbiter = await core.arbiter().catch((error: unknown) => {
    if (error instanceof StoreError && error.code === "read-only") return undefined;
    throw error;
  });
  const look = () => {
    const known: KnownLinks = new Map();
    const strays = listStrays(core, Date.now());
    if (repair) for (const { path } of strays) core.files.removeNow(path);
    let live: ReadonlySet<Digest>;
    try {
      live = reachable(core, known).blobs;
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      return { strays, unreferenced: [] };
    }
    const unreferenced = listBlobs(core).map(({ digest }) => digest);
    return { strays, unreferenced: unreferenced.filter((digest) => !live.has(digest)) };
  };
  return arbiter === undefined ? look() : arbiter.exclusively(look);
}

/**
 * Checks a store, and mends what can be mended.
 * @throws StoreError (`format`, `read-only`), OciError: the index itself cannot be read
 */
export async function checkStore(core: StoreCore, { repair = false }: CheckOptions): Promise<CheckReport> {
  const check = new Check(core, repair);
  const blobs = await check.blobs();
  const names = await core.index.names();
  await check.names(names);
  const caches = await check.caches();
  const containers = await check.containers();
  const { strays, unreferenced } = await leftovers(core, repair);
  return { problems: check.problems, blobs, names: names.length, caches, containers, strays, unreferenced };
}
