/**
 * Where files come from: the build context, another stage, an image, a directory given by name. Whatever it
 * is, COPY reads it as a view, and RUN's bind mounts attach it.
 */

import type { StepCache } from "../store/step-cache.ts";
import { EMPTY_TREE } from "../tree/packed.ts";
import type { Tree } from "../tree/tree.ts";
import { createMount, type Mount } from "../union/mount.ts";
import { ContentDigests } from "./context/digest.ts";
import { digestMemory } from "./context/digest-memory.ts";
import type { FileView } from "./context/view.ts";
import { Copier } from "./copier.ts";
import { mountView } from "./mount-view.ts";

export interface SourceTree {
  /** What messages call it: `the build context`, `stage "build"`, `image debian:12`. */
  readonly name: string;
  /** The chainID of an immutable tree: a cache key that costs nothing. Undefined for what has none. */
  readonly chainID: string | undefined;
  view(): Promise<FileView>;
  /** Digests of what is in the view, each computed once. */
  digests(): Promise<ContentDigests>;
  /** A mount of its own for one step, that may change without anybody seeing. */
  mount(): Promise<Mount>;
}

function memo<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => (made ??= make());
}

/** A tree of layers as a source. */
export function treeSource(name: string, chainID: string, open: () => Promise<Tree>): SourceTree {
  const tree = memo(open);
  const view = memo(async () => mountView(createMount(await tree(), { readOnly: true })));
  return {
    name,
    chainID,
    view,
    digests: memo(async () => new ContentDigests(await view())),
    mount: async () => createMount(await tree()),
  };
}

/**
 * A view as a source.
 * @param cache keeps digests of files of the machine
 */
export function viewSource(name: string, open: () => Promise<FileView>, cache: StepCache): SourceTree {
  const view = memo(open);
  const mount = memo(async () => {
    const copy = createMount(EMPTY_TREE);
    new Copier(await view(), copy).copyContents("/", "/");
    return copy;
  });
  return {
    name,
    chainID: undefined,
    view,
    digests: memo(async () => {
      const files = await view();
      return new ContentDigests(
        files,
        files.root === undefined ? undefined : digestMemory(cache, files.root),
      );
    }),
    mount: async () => (await mount()).fork(),
  };
}
