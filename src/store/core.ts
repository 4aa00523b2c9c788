/**
 * What all users of one store in one process share: its caches and its open files.
 */
import { realpath } from "node:fs/promises";
import { Blobs } from "./blobs.ts";
import { Layers } from "./layers.ts";
import { type Layout, openLayout } from "./layout.ts";
import { OpenFiles } from "./open-files.ts";
import { Trees } from "./trees.ts";

export interface StoreCore {
  readonly layout: Layout;
  readonly blobs: Blobs;
  readonly layers: Layers;
  readonly trees: Trees;
  /** Gives the store back. The last one to do so closes its files. */
  release(): void;
}

interface Shared {
  readonly core: Omit<StoreCore, "release">;
  readonly files: OpenFiles;
  users: number;
}

const open = new Map<string, Shared>();

function makeShared(layout: Layout): Shared {
  const files = new OpenFiles();
  const blobs = new Blobs(layout);
  const layers = new Layers(layout, blobs, files);
  return { core: { layout, blobs, layers, trees: new Trees(layout, layers, files) }, files, users: 0 };
}

/** Opens a store, making an empty one where there is none. */
export async function openCore(directory: string): Promise<StoreCore> {
  const layout = await openLayout(directory);
  const key = await realpath(directory);
  const shared = open.get(key) ?? makeShared(layout);
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
      shared.files.closeAll();
    },
  };
}
