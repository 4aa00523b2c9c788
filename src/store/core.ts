/**
 * What all users of one store in one process share: its lock, its caches and its open files.
 */
import { realpath } from "node:fs/promises";
import type { Arbiter } from "./arbiter.ts";
import { Blobs } from "./blobs.ts";
import { diskFiles } from "./disk-files.ts";
import { isReadOnly, StoreError } from "./errors.ts";
import type { StoreFiles } from "./files.ts";
import { IndexFile } from "./index-file.ts";
import { Layers } from "./layers.ts";
import { Layout, prepareLayout } from "./layout.ts";
import { type Lease, newLease } from "./leases.ts";
import { memoryArbiter } from "./memory-arbiter.ts";
import { memoryFiles } from "./memory-files.ts";
import { OpenFiles } from "./open-files.ts";
import { Trees } from "./trees.ts";

export interface StoreCore {
  /** Absolute path; undefined for a store in memory. */
  readonly directory: string | undefined;
  readonly layout: Layout;
  readonly files: StoreFiles;
  readonly blobs: Blobs;
  readonly layers: Layers;
  readonly trees: Trees;
  readonly index: IndexFile;
  /**
   * A lease that holds nothing yet. Hold what you are about to use or to add before you look whether it is
   * there. It ends with `release`, with the last `release` of this core, or with the process.
   */
  lease(): Lease;
  /**
   * The store's arbiter, opened when first asked for.
   * @throws StoreError (`read-only`)
   */
  arbiter(): Promise<Arbiter>;
  /** Gives the store back. The last one to do so ends its leases and closes its files. */
  release(): void;
}

interface Shared {
  readonly core: Omit<StoreCore, "release">;
  /** Ends everything. */
  close(): void;
  users: number;
}

/** What a store is made of where it is. */
interface Backend {
  readonly directory: string | undefined;
  readonly layout: Layout;
  readonly files: StoreFiles;
  /** @throws StoreError (`read-only`) */
  arbiter(): Promise<Arbiter>;
  close(): void;
}

/** On disk. The arbiter is opened when first asked for; lmdb is loaded then: lists of images do without it. */
function diskBackend(directory: string): Backend {
  const layout = new Layout(directory);
  let opened: Arbiter | undefined;
  let closed = false;
  return {
    directory,
    layout,
    files: diskFiles(layout.temporary),
    async arbiter() {
      const { openLmdbArbiter } = await import("./lmdb-arbiter.ts");
      if (closed) throw new StoreError("invalid", `the store ${directory} was closed`);
      try {
        opened ??= openLmdbArbiter(layout.arbiterFile);
        return opened;
      } catch (cause) {
        if (!isReadOnly(cause)) throw cause;
        const message = `the store ${directory} cannot be written to: ${cause.message}`;
        throw new StoreError("read-only", message, { cause });
      }
    },
    close() {
      closed = true;
      opened?.close();
    },
  };
}

function memoryBackend(): Backend {
  const layout = new Layout("/");
  const arbiter = memoryArbiter();
  return {
    directory: undefined,
    layout,
    files: memoryFiles(layout.temporary),
    arbiter: async () => arbiter,
    close() {},
  };
}

async function unlessReadOnly(arbiter: Promise<Arbiter>): Promise<Arbiter | undefined> {
  try {
    return await arbiter;
  } catch (error) {
    if (error instanceof StoreError && error.code === "read-only") return undefined;
    throw error;
  }
}

function makeShared(backend: Backend): Shared {
  const { directory, layout, files, arbiter } = backend;
  const archives = new OpenFiles(files);
  const blobs = new Blobs(layout, files);
  const layers = new Layers(layout, files, blobs, archives);
  const leases = new Set<Lease>();
  return {
    core: {
      directory,
      layout,
      files,
      blobs,
      layers,
      trees: new Trees(layout, files, layers, archives),
      index: new IndexFile(layout, files, arbiter),
      arbiter,
      lease() {
        const lease = newLease(
          () => unlessReadOnly(arbiter()),
          () => leases.delete(lease),
        );
        leases.add(lease);
        return lease;
      },
    },
    close() {
      for (const lease of leases) lease.release();
      backend.close();
      archives.closeAll();
    },
    users: 0,
  };
}

/** One more user. @param ended is called after the last one gave it back */
function use(shared: Shared, ended: () => void): StoreCore {
  shared.users += 1;
  let released = false;
  return {
    ...shared.core,
    release() {
      if (released) return;
      released = true;
      shared.users -= 1;
      if (shared.users > 0) return;
      ended();
      shared.close();
    },
  };
}

const open = new Map<string, Shared>();

/** Opens a store on disk, making an empty one where there is none. */
export async function openCore(directory: string): Promise<StoreCore> {
  const backend = diskBackend(directory);
  let key: string;
  try {
    await prepareLayout(backend.layout, backend.files, backend.arbiter);
    key = await realpath(directory);
  } catch (error) {
    backend.close();
    throw error;
  }
  const known = open.get(key);
  if (known !== undefined) backend.close();
  const shared = known ?? makeShared(backend);
  open.set(key, shared);
  return use(shared, () => open.delete(key));
}

/** A new store in memory. */
export async function memoryCore(): Promise<StoreCore> {
  const backend = memoryBackend();
  await prepareLayout(backend.layout, backend.files, backend.arbiter);
  return use(makeShared(backend), () => {});
}
