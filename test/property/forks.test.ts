/**
 * Forks, snapshots and restoring, against what a mount with the same calls and no forks shows.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import { applyLayers } from "../../src/layer/apply.ts";
import type { Change } from "../../src/tree/change.ts";
import { createMount, type Mount } from "../../src/union/mount.ts";
import { changesBetween, type Snapshot } from "../../src/union/snapshot.ts";
import { layer } from "../layer/build.ts";
import { draftsOf } from "./drafts.ts";
import { layers as anyLowers } from "./layers.ts";
import { anyOperation, type Operation, runAll, tickingClock } from "./operations.ts";
import { describe, type Recorded, recordedSnapshot, recordedTree } from "./recorded.ts";

type Step =
  | { readonly do: "run"; readonly on: number; readonly operations: readonly Operation[] }
  | { readonly do: "fork" | "snapshot" | "mount" | "discard"; readonly on: number }
  | { readonly do: "restore"; readonly on: number; readonly to: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("run" as const),
      on: fc.nat(5),
      operations: fc.array(anyOperation, { minLength: 1, maxLength: 8 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constantFrom("fork" as const, "snapshot", "mount", "discard"),
      on: fc.nat(5),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("restore" as const), on: fc.nat(5), to: fc.nat(5) }) },
);

interface Held<T> {
  readonly value: T;
  /** What it showed when it was last meant to change. */
  expected: Recorded;
}

function show(mount: Mount): Recorded {
  return recordedSnapshot(mount.snapshot());
}

/** Changes as text, whatever the order of groups. */
function text(changes: Iterable<Change>): string[] {
  return [...changes].map((change) =>
    change.kind === "deleted"
      ? `deleted ${change.path}`
      : `${change.kind} ${change.path} ${change.linkTo ?? ""} ${describe(change.inode)}`,
  );
}

test("forks, snapshots and mounts of them never see each other; restoring shows the moment again", () => {
  fc.assert(
    fc.property(anyLowers, fc.array(step, { maxLength: 25 }), (lowers, steps) => {
      const tree = applyLayers(lowers.map((drafts) => layer(...drafts)));
      const first = createMount(tree, { clock: tickingClock() });
      const mounts: Held<Mount>[] = [{ value: first, expected: show(first) }];
      const snapshots: Held<Snapshot>[] = [];
      for (const step of steps) {
        const at = mounts[step.on % mounts.length]!;
        if (step.do === "run") {
          runAll(at.value, step.operations);
          at.expected = show(at.value);
        } else if (step.do === "fork") {
          mounts.push({ value: at.value.fork(), expected: at.expected });
        } else if (step.do === "snapshot") {
          snapshots.push({ value: at.value.snapshot(), expected: at.expected });
        } else if (step.do === "mount" && snapshots.length > 0) {
          const from = snapshots[step.on % snapshots.length]!;
          mounts.push({ value: createMount(from.value, { clock: tickingClock() }), expected: from.expected });
        } else if (step.do === "restore" && snapshots.length > 0) {
          const to = snapshots[step.to % snapshots.length]!;
          at.value.restore(to.value);
          at.expected = to.expected;
        } else if (step.do === "discard" && mounts.length > 1) {
          mounts.splice(step.on % mounts.length, 1);
        }
        for (const mount of mounts) expect(show(mount.value)).toEqual(mount.expected);
        for (const snapshot of snapshots) expect(recordedSnapshot(snapshot.value)).toEqual(snapshot.expected);
      }
    }),
    { numRuns: Number(process.env.STRATAFS_LAW_RUNS ?? 150) },
  );
});

test("changes between two snapshots lead from one merged view to the other", () => {
  const operations = fc.array(anyOperation, { maxLength: 20 });
  fc.assert(
    fc.property(anyLowers, operations, operations, operations, (lowers, common, left, right) => {
      const layers = lowers.map((drafts) => layer(...drafts));
      const tree = applyLayers(layers);
      const mount = createMount(tree, { clock: tickingClock() });
      runAll(mount, common);
      const other = mount.fork();
      const start = mount.snapshot();
      runAll(mount, left);
      runAll(other, right);
      const a = mount.snapshot();
      const b = other.snapshot();

      expect(text(changesBetween(a, a))).toEqual([]);
      expect(text(changesBetween(tree, a))).toEqual(text(mount.changes()));
      for (const [from, to] of [
        [a, b],
        [b, a],
        [start, a],
        [a, start],
      ] as const) {
        const below = from.changes();
        const between = changesBetween(from, to);
        const chain = [
          ...layers,
          layer(...draftsOf([...below], below)),
          layer(...draftsOf([...between], between)),
        ];
        expect(recordedTree(applyLayers(chain))).toEqual(recordedSnapshot(to));
      }
    }),
    { numRuns: Number(process.env.STRATAFS_LAW_RUNS ?? 150) },
  );
});
