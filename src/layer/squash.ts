/**
 * One layer in place of several: applied to a tree, it gives what they give one after the other.
 *
 * Given the tree that they stand on, the result is the difference that they make there: exact, and as
 * small as a layer can be. Without it the result holds for any tree beneath. Then whiteouts and opaque
 * marks are kept, and layers whose meaning depends on what is beneath are refused:
 * - an entry in a directory that none of the layers has an entry of, since that may be a symbolic link
 *   there (rule 6); layers of Docker, BuildKit and this engine name every directory above a change,
 *   those of umoci do not;
 * - a hardlink to a name that none of the layers has (rule 28).
 *
 * What a layer can record is equal, that is: times in whole seconds (rule 59). The result reads its
 * contents from the archives of the layers it was made of.
 */
import { diffTrees } from "../tree/diff.ts";
import type { PackedTree } from "../tree/packed.ts";
import { type ApplyOptions, applyLayer } from "./apply.ts";
import type { Layer } from "./layer.ts";
import { Fold } from "./squash-fold.ts";
import { emptyLayer, layerOfPlan, type WrittenLayer, writeLayer } from "./write.ts";

export interface SquashOptions extends ApplyOptions {
  /** The tree that the layers stand on: `EMPTY_TREE` for all layers of an image. */
  readonly base?: PackedTree | undefined;
}

/**
 * The layer that several layers amount to, the lowest first; one without entries where they change
 * nothing.
 * @throws ArchiveError as `applyLayer` does, and as `writeLayer`; `unrepresentable`, naming the entry,
 *   for what depends on the tree beneath where none is given
 */
export function squash(layers: readonly Layer[], options: SquashOptions = {}): WrittenLayer {
  const { base } = options;
  if (base !== undefined) {
    let top = base;
    for (const layer of layers) top = applyLayer(top, layer, options);
    return writeLayer(diffTrees(base, top)) ?? emptyLayer();
  }
  const fold = new Fold(options);
  for (const layer of layers) fold.add(layer);
  return layerOfPlan(fold.plan(), {});
}
