/**
 * What all users of one store in one process share: its lock, its caches and its open files.
 */
import { realpath } from "node:fs/promises";
import type { Arbiter } from "./arbiter.ts";
import { Blobs } from "./blobs.ts";
import { isReadOnly, StoreError } from "./errors.ts";
import { IndexFile } from "./index-file.ts";
import { Layers } from "./layers.ts";
import { Layout, prepareLayout } from "./layout.ts";
import { type Lease, newLease } from "./leases.ts";
import { OpenFiles } from "./open-files.ts";
import { Trees } from "./trees.ts";

export interface StoreCore {
  readonly layout: Layout;
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

const open = new Map<string, Shared>();

/** Opens a store's arbiter once. lmdb is loaded then: lists of images do without it. */
function lazyArbiter(layout: Layout): { get(): Promise<Arbiter>; close(): void } {
  let opened: Arbiter | undefined;
  let closed = false;
  return {
    async get() {
      const { openLmdbArbiter } = await import("./lmdb-arbiter.ts");
      if (closed) throw new StoreError("invalid", `the store ${layout.root} was closed`);
      try {
        opened ??= openLmdbArbiter(layout.arbiterFile);
        return opened;
      } catch (cause) {
        if (!isReadOnly(cause)) throw cause;
        throw new StoreError("read-only", `the store ${layout.root} cannot be written to: ${cause.message}`, {
          cause,
        });
      }
    },
    close() {
      closed = true;
      opened?.close();
    },
  };
}

async function orUndefined(arbiter: Promise<Arbiter>): Promise<Arbiter | undefined> {
  try {
    return await arbiter;
  } catch (error) {
    if (error instanceof StoreError && error.code === "read-only") return undefined;
    throw error;
  }
}

function makeShared(layout: Layout, arbiter: ReturnType<typeof lazyArbiter>): Shared {
  const files = new OpenFiles();
  const blobs = new Blobs(layout);
  const layers = new Layers(layout, blobs, files);
  const leases = new Set<Lease>();
  return {
    core: {
      layout,
      blobs,
      layers,
      trees: new Trees(layout, layers, files),
      index: new IndexFile(layout, arbiter.get),
      arbiter: arbiter.get,
      lease() {
        const lease = newLease(
          () => orUndefined(arbiter.get()),
          () => leases.delete(lease),
        );
        leases.add(lease);
        return lease;
      },
    },
    close() {
      for (const lease of leases) lease.release();
      arbiter.close();
      files.closeAll();
    },
    users: 0,
  };
}

/** Opens a store, making an empty one where there is none. */
export async function openCore(directory: string): Promise<StoreCore> {
  const layout = new Layout(directory);
  const arbiter = lazyArbiter(layout);
  let key: string;
  try {
    await prepareLayout(layout, arbiter.get);
    key = await realpath(directory);
  } catch (error) {
    arbiter.close();
    throw error;
  }
  const known = open.get(key);
  if (known !== undefined) arbiter.close();
  const shared = known ?? makeShared(layout, arbiter);
  open.set(key, shared);
  shared.users += 1;
  let released = false;
  return {
    ...shared.core,
    release() {
      if (released) return;
      released = true;
      shared.users -= 1;
      if (shared.users > 0) return;
      open.delete(key);
      shared.close();
    },
  };
}
