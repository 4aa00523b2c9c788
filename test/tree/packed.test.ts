import fc from "fast-check";
import { expect, test } from "vitest";
import { applyLayer, applyLayers } from "../../src/layer/apply.ts";
import { EMPTY_TREE, openTree, packTree } from "../../src/tree/packed.ts";
import { layer, treeOf } from "../layer/build.ts";
import { layers } from "../property/layers.ts";
import { everything } from "./describe.ts";

test("applying layers one at a time makes the same bytes as applying the chain at once", () => {
  fc.assert(
    fc.property(layers, (drafts) => {
      const chain = drafts.map((entries) => layer(...entries));
      const atOnce = applyLayers(chain);
      const stepwise = chain.reduce((tree, layer) => applyLayer(tree, layer), EMPTY_TREE);
      expect(everything(stepwise)).toEqual(everything(atOnce));
      expect(stepwise.chainID).toBe(atOnce.chainID);
      expect(Buffer.compare(packTree(stepwise), packTree(atOnce))).toBe(0);
    }),
    { numRuns: 500 },
  );
});

test("a packed tree opens as the tree that was packed", () => {
  fc.assert(
    fc.property(layers, (drafts) => {
      const tree = treeOf(...drafts);
      const opened = openTree(packTree(tree).slice(), { chainID: tree.chainID, archives: tree.archive });
      expect(everything(opened!)).toEqual(everything(tree));
    }),
    { numRuns: 200 },
  );
});
