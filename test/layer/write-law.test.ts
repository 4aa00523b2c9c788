/**
 * The law on bytes: for any two trees, and for any mount, the layer written between them, read back
 * from its archive and applied to the first, gives the second; and its archive is the same every time.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import { applyLayers } from "../../src/layer/apply.ts";
import { layerFromBytes } from "../../src/layer/read.ts";
import { writeLayer } from "../../src/layer/write.ts";
import { gzip } from "../../src/tar/compress.ts";
import { diffTrees } from "../../src/tree/diff.ts";
import { createMount } from "../../src/union/mount.ts";
import { layers } from "../property/layers.ts";
import { anyOperation, runAll, tickingClock } from "../property/operations.ts";
import { recordedSnapshot, recordedTree } from "../property/recorded.ts";
import { layer } from "./build.ts";

const RUNS = Number(process.env.STRATAFS_LAW_RUNS ?? (process.env.CI === "true" ? 2000 : 300));

test("the law: the base with the layer on top is the top", async () => {
  await fc.assert(
    fc.asyncProperty(layers, layers, async (left, right) => {
      const below = left.map((drafts) => layer(...drafts));
      const base = applyLayers(below);
      const top = applyLayers(right.map((drafts) => layer(...drafts)));
      const written = writeLayer(diffTrees(base, top));
      if (written === undefined) {
        expect(recordedTree(base)).toEqual(recordedTree(top));
        return;
      }
      const zipped: Uint8Array[] = [];
      for await (const chunk of gzip(written.stream(), { level: 1 })) zipped.push(chunk);
      const read = await layerFromBytes(Buffer.concat(zipped), { expected: { diffID: written.diffID } });
      expect([...read.entries()]).toEqual([...written.entries()]);
      expect(recordedTree(applyLayers([...below, read]))).toEqual(recordedTree(top));
      const again = writeLayer(diffTrees(base, top));
      expect(again?.diffID).toBe(written.diffID);
    }),
    { numRuns: RUNS },
  );
});

test("the law for a mount, with opaque marks or without", async () => {
  await fc.assert(
    fc.asyncProperty(
      layers,
      fc.array(anyOperation, { maxLength: 30 }),
      fc.boolean(),
      async (lowers, operations, opaque) => {
        const below = lowers.map((drafts) => layer(...drafts));
        const mount = createMount(applyLayers(below), { clock: tickingClock() });
        runAll(mount, operations);
        const written = writeLayer(mount.changes({ opaque }));
        const read = written && (await layerFromBytes(Buffer.concat([...written.chunks()])));
        const onTop = applyLayers(read === undefined ? below : [...below, read]);
        expect(recordedTree(onTop)).toEqual(recordedSnapshot(mount.snapshot()));
        expect(writeLayer(mount.changes({ opaque }))?.diffID).toBe(read?.diffID);
      },
    ),
    { numRuns: RUNS },
  );
});
