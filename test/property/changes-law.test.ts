/**
 * The law of the engine, for changes themselves: putting the changes of a mount on top of its lower
 * gives the merged view again, and none of them can be left out. The entries are made here, in the
 * plainest way, so that neither the layer writer nor the tar format takes part.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import { applyLayers } from "../../src/layer/apply.ts";
import type { Change } from "../../src/tree/change.ts";
import { diffTrees } from "../../src/tree/diff.ts";
import { createMount } from "../../src/union/mount.ts";
import { layer } from "../layer/build.ts";
import { draftsOf } from "./drafts.ts";
import { layers as anyLowers } from "./layers.ts";
import { anyOperation, runAll, tickingClock } from "./operations.ts";
import { recordedSnapshot, recordedTree } from "./recorded.ts";

const operations = fc.array(anyOperation, { maxLength: 30 });
const RUNS = Number(process.env.STRATAFS_LAW_RUNS ?? (process.env.CI === "true" ? 2000 : 400));

test("the law: lower + changes = merged, and every change is needed", () => {
  fc.assert(
    fc.property(anyLowers, operations, fc.nat(), fc.boolean(), (lowers, operations, pick, useOpaque) => {
      const layers = lowers.map((drafts) => layer(...drafts));
      const mount = createMount(applyLayers(layers), { clock: tickingClock() });
      runAll(mount, operations);
      const merged = recordedSnapshot(mount.snapshot());
      const set = mount.changes({ opaque: useOpaque });
      const changes = [...set];
      const onTop = (list: readonly Change[]) =>
        recordedTree(applyLayers([...layers, layer(...draftsOf(list, set))]));
      expect(onTop(changes)).toEqual(merged);

      if (useOpaque || changes.length === 0) return;
      const left = changes[pick % changes.length]!;
      // A directory is an ancestor of what is in it; a group is whole; a socket leaves no record.
      const isAncestor = changes.some(({ path }) => path !== left.path && path.startsWith(`${left.path}/`));
      const isGroup = changes.some((change) => change.kind !== "deleted" && change.linkTo === left.path);
      const isSocket = left.kind !== "deleted" && left.inode.kind === "socket";
      if (isAncestor || isGroup || isSocket || left.path === "/") return;
      if (left.kind !== "deleted" && left.linkTo !== undefined) return;
      expect(onTop(changes.filter((change) => change !== left))).not.toEqual(merged);
    }),
    { numRuns: RUNS },
  );
});

test("the law for any two trees: one, with the differences on top, is the other", () => {
  fc.assert(
    fc.property(anyLowers, anyLowers, (left, right) => {
      const below = left.map((drafts) => layer(...drafts));
      const base = applyLayers(below);
      const top = applyLayers(right.map((drafts) => layer(...drafts)));
      const changes = diffTrees(base, top);
      const onTop = applyLayers([...below, layer(...draftsOf([...changes], changes))]);
      expect(recordedTree(onTop)).toEqual(recordedTree(top));
      expect([...diffTrees(onTop, top)]).toEqual([]);
    }),
    { numRuns: RUNS },
  );
});
