/**
 * Real images squashed: all their layers as one, and their upper layers on the tree of the lower ones.
 */
import { describe, expect, test } from "vitest";
import { applyLayer, applyLayers } from "../../src/layer/apply.ts";
import { layerFromBytes } from "../../src/layer/read.ts";
import { squash } from "../../src/layer/squash.ts";
import { writeLayer } from "../../src/layer/write.ts";
import { diffTrees } from "../../src/tree/diff.ts";
import { EMPTY_TREE } from "../../src/tree/packed.ts";
import { recordedTree } from "../property/recorded.ts";
import { needs } from "../requirements.ts";
import { imageLayers } from "./images.ts";

describe.each(["busybox", "torture-bb", "deep125"])("%s", (name) => {
  test.skipIf(needs.image(name))("all layers as one, written and read back", async () => {
    const layers = await imageLayers(name);
    const top = applyLayers(layers);
    const one = squash(layers, { base: EMPTY_TREE });
    const read = await layerFromBytes(Buffer.concat([...one.chunks()]));
    expect(recordedTree(applyLayers([read]))).toEqual(recordedTree(top));
    expect([...diffTrees(top, applyLayers([read]))]).toEqual([]);
    expect(writeLayer(diffTrees(EMPTY_TREE, top))?.diffID).toBe(one.diffID);
  });

  test.skipIf(needs.image(name))("the upper layers as one, on the lower", async () => {
    const layers = await imageLayers(name);
    const cut = layers.length >> 1;
    const base = applyLayers(layers.slice(0, cut));
    const one = squash(layers.slice(cut), { base });
    expect(recordedTree(applyLayer(base, one))).toEqual(recordedTree(applyLayers(layers)));
  });
});
