/**
 * Random calls on uppers that are committed, closed, killed, forked and rolled back at random, against a
 * mount in memory that had the same calls.
 */

import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { applyLayers } from "../../../src/layer/apply.ts";
import { compareNames } from "../../../src/posix/names.ts";
import { diskUppers } from "../../../src/runtime/upper/disk.ts";
import type { Upper } from "../../../src/runtime/upper/upper.ts";
import { createMount, type Mount } from "../../../src/union/mount.ts";
import type { Snapshot } from "../../../src/union/snapshot.ts";
import { layer } from "../../layer/build.ts";
import { layers as anyLowers } from "../../property/layers.ts";
import { anyOperation, type Operation, runAll, tickingClock } from "../../property/operations.ts";
import { show, temporaryFolder } from "./stores.ts";

type Step =
  | { readonly do: "run"; readonly on: number; readonly operations: readonly Operation[] }
  | {
      readonly do: "commit" | "reopen" | "kill" | "fork" | "read" | "snapshot";
      readonly on: number;
    }
  | { readonly do: "restore"; readonly on: number; readonly to: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant("run" as const),
      on: fc.nat(5),
      operations: fc.array(anyOperation, { minLength: 1, maxLength: 8 }),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constantFrom("commit" as const, "reopen", "kill", "fork", "read", "snapshot"),
      on: fc.nat(5),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("restore" as const), on: fc.nat(5), to: fc.nat(5) }) },
);

interface Pair {
  readonly at: string;
  upper: Upper;
  /** Had the same calls, and nothing else. */
  model: Mount;
  /** The model at the last commit point. */
  committed: Snapshot;
  readonly snapshots: { readonly upper: Snapshot; readonly model: Snapshot }[];
}

/** A mount that lists names in order: calls choose by place in a listing, and an upper lists as it was loaded. */
function ordered(mount: Mount): Mount {
  const readdir = mount.readdir.bind(mount);
  mount.readdir = (path) => readdir(path).sort((a, b) => compareNames(a.name, b.name));
  return mount;
}

const ROUNDS = Number(process.env.STRATAFS_UPPER_RUNS ?? 60);

test("an upper shows what a mount in memory shows, whatever is done to it between the calls", () => {
  fc.assert(
    fc.property(anyLowers, fc.array(step, { maxLength: 20 }), (lowers, steps) => {
      const tree = applyLayers(lowers.map((drafts) => layer(...drafts)));
      const folder = temporaryFolder();
      const open = (at: string) => {
        const upper = diskUppers.open(at, tree, {
          clock: tickingClock(),
          // So little that calls spill, and that every commit point rewrites what it can.
          residentBytes: 4096,
          worthRewriting: 4096,
        });
        ordered(upper.mount);
        return upper;
      };
      const model = (from: Snapshot | undefined) =>
        ordered(createMount(from ?? tree, { clock: tickingClock() }));
      const first = join(folder, "0");
      diskUppers.create(first, tree);
      const start = model(undefined);
      const pairs: Pair[] = [
        { at: first, upper: open(first), model: start, committed: start.snapshot(), snapshots: [] },
      ];
      for (const step of steps) {
        const pair = pairs[step.on % pairs.length]!;
        switch (step.do) {
          case "run":
            runAll(pair.upper.mount, step.operations);
            runAll(pair.model, step.operations);
            break;
          case "commit":
            pair.upper.commit();
            pair.committed = pair.model.snapshot();
            break;
          case "reopen":
            pair.upper.close();
            pair.committed = pair.model.snapshot();
            pair.upper = open(pair.at);
            pair.model = model(pair.committed);
            pair.snapshots.length = 0;
            break;
          case "kill":
            pair.upper.discard();
            pair.upper = open(pair.at);
            pair.model = model(pair.committed);
            pair.snapshots.length = 0;
            break;
          case "fork": {
            const at = join(folder, String(pairs.length));
            diskUppers.fork(pair.at, at);
            const { committed } = pair;
            pairs.push({ at, upper: open(at), model: model(committed), committed, snapshots: [] });
            break;
          }
          case "read": {
            const reader = diskUppers.read(pair.at, tree);
            expect(show(reader.mount)).toEqual(show(createMount(pair.committed)));
            reader.close();
            break;
          }
          case "snapshot":
            pair.snapshots.push({ upper: pair.upper.mount.snapshot(), model: pair.model.snapshot() });
            break;
          case "restore": {
            const to = pair.snapshots[step.to % pair.snapshots.length];
            if (to === undefined) break;
            pair.upper.mount.restore(to.upper);
            pair.model.restore(to.model);
            break;
          }
        }
        expect(show(pair.upper.mount), step.do).toEqual(show(pair.model));
      }
      for (const pair of pairs) {
        pair.upper.close();
        const reader = diskUppers.read(pair.at, tree);
        expect(show(reader.mount)).toEqual(show(pair.model));
        reader.close();
      }
    }),
    { numRuns: ROUNDS },
  );
});
