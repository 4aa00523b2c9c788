/**
 * Containers over several generations, on disk: calls, forks, roll-backs, reopening, and now and then a
 * commit to a layer, on top of which the next container stands. Beside each goes a mount in memory that
 * has the same calls and is never closed. After every commit all that can be said of the layers must hold.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { applyLayer, applyLayers } from "../../src/layer/apply.ts";
import type { Layer } from "../../src/layer/layer.ts";
import { layerFromBytes } from "../../src/layer/read.ts";
import { squash } from "../../src/layer/squash.ts";
import { writeLayer } from "../../src/layer/write.ts";
import { compareNames } from "../../src/posix/names.ts";
import { diskUppers } from "../../src/runtime/upper/disk.ts";
import type { Upper } from "../../src/runtime/upper/upper.ts";
import type { ChangeSet } from "../../src/tree/change.ts";
import type { PackedTree } from "../../src/tree/packed.ts";
import { createMount, type Mount } from "../../src/union/mount.ts";
import { changesBetween } from "../../src/union/snapshot.ts";
import { layer } from "../layer/build.ts";
import { layers as anyLowers } from "./layers.ts";
import { anyOperation, type Operation, runAll, tickingClock } from "./operations.ts";
import { describe, type Recorded, recordedSnapshot, recordedTree } from "./recorded.ts";

type Step =
  | { readonly do: "run"; readonly operations: readonly Operation[] }
  | { readonly do: "reopen" | "sync" | "fork" | "snapshot" | "restore" | "commit" };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant("run" as const),
      operations: fc.array(anyOperation, { minLength: 1, maxLength: 10 }),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constantFrom("reopen" as const, "sync", "fork", "snapshot", "restore", "commit", "commit"),
    }),
  },
);

const RUNS = Number(process.env.STRATAFS_LAW_RUNS ?? (process.env.CI === "true" ? 120 : 40));

/** A mount that lists names in order: calls choose by place in a listing. */
function ordered(mount: Mount): Mount {
  const readdir = mount.readdir.bind(mount);
  mount.readdir = (path) => readdir(path).sort((a, b) => compareNames(a.name, b.name));
  return mount;
}

function show(mount: Mount): Recorded {
  return recordedSnapshot(mount.snapshot());
}

/** Changes as lines, to be compared as a set. */
function text(changes: ChangeSet): string[] {
  return [...changes].map((change) =>
    change.kind === "deleted"
      ? `deleted ${change.path}`
      : `${change.kind} ${change.path} ${change.linkTo ?? ""} ${describe(change.inode)}`,
  );
}

/** Every name by the group of hardlinks that it is in. */
function groups(recorded: Recorded): Map<string, string[]> {
  const names = new Map<string, string[]>();
  for (const [path, line] of recorded) {
    const first = / =(.*)$/s.exec(line)?.[1] ?? path;
    names.set(first, [...(names.get(first) ?? []), path]);
  }
  return names;
}

/** Nothing is reported that is equal below: by looking at everything, on both sides. */
function expectRealChanges(changes: ChangeSet, below: Recorded, merged: Recorded): void {
  const groupsOf = [groups(below), groups(merged)];
  for (const change of changes) {
    if (change.kind === "deleted") {
      expect(below.has(change.path) && !merged.has(change.path), change.path).toBe(true);
      continue;
    }
    if (change.inode.kind === "socket") continue;
    // A group is written whole: one name of it differs.
    const together = groupsOf.flatMap((groups) =>
      [...groups.values()].filter((names) => names.includes(change.path)).flat(),
    );
    const differs = together.some((path) => below.get(path) !== merged.get(path));
    expect(differs, `${change.kind} ${change.path}`).toBe(true);
  }
}

/** The layer between two moments as an archive, read back. */
async function recorded(changes: ChangeSet): Promise<Layer | undefined> {
  const written = writeLayer(changes);
  if (written === undefined) return undefined;
  const bytes = Buffer.concat([...written.chunks()]);
  return await layerFromBytes(bytes, { expected: { diffID: written.diffID } });
}

/** A container on disk, and the mount in memory beside it. */
interface Container {
  readonly at: string;
  upper: Upper;
  readonly model: Mount;
}

test("what is committed, stacked, squashed, compared and reopened is one thing", async () => {
  await fc.assert(
    fc.asyncProperty(anyLowers, fc.array(step, { maxLength: 16 }), async (lowers, steps) => {
      const folder = mkdtempSync(join(tmpdir(), "stacks-"));
      try {
        await runSteps(folder, applyLayers(lowers.map((drafts) => layer(...drafts))), steps);
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    }),
    { numRuns: RUNS },
  );
});

async function runSteps(folder: string, base: PackedTree, steps: readonly Step[]): Promise<void> {
  const committed: Layer[] = [];
  let tree = base;
  let made = 0;
  // Its times go on over reopening, as those of the mount beside it do.
  let clock = tickingClock();
  const open = (at: string): Upper => {
    const upper = diskUppers.open(at, tree, { clock: () => clock(), residentBytes: 4096 });
    ordered(upper.mount);
    return upper;
  };
  const begin = (): Container => {
    const at = join(folder, String(made));
    made += 1;
    clock = tickingClock();
    diskUppers.create(at, tree);
    return { at, upper: open(at), model: ordered(createMount(tree, { clock: tickingClock() })) };
  };
  let container = begin();
  let kept:
    | { readonly upper: ReturnType<Mount["snapshot"]>; readonly model: ReturnType<Mount["snapshot"]> }
    | undefined;
  try {
    for (const step of steps) {
      const { at, upper, model } = container;
      switch (step.do) {
        case "run":
          runAll(upper.mount, step.operations);
          runAll(model, step.operations);
          break;
        case "reopen":
          upper.close();
          container.upper = open(at);
          kept = undefined;
          break;
        case "sync":
          upper.mount.sync();
          break;
        case "fork": {
          const before = show(model);
          // A fork takes its times from the same clock, so both sides make one.
          const forks = [upper.mount.fork(), model.fork()];
          for (const fork of forks) fork.mkdir("/only here");
          expect(show(upper.mount)).toEqual(before);
          expect(forks.map((fork) => [fork.exists("/only here"), upper.mount.exists("/only here")])).toEqual([
            [true, false],
            [true, false],
          ]);
          break;
        }
        case "snapshot":
          kept = { upper: upper.mount.snapshot(), model: model.snapshot() };
          break;
        case "restore":
          if (kept === undefined) break;
          upper.mount.restore(kept.upper);
          model.restore(kept.model);
          break;
        case "commit": {
          const next = await expectOneLayer(container, tree);
          if (next !== undefined) {
            committed.push(next);
            const stacked = applyLayer(tree, next);
            expectBothWays(tree, stacked);
            tree = stacked;
            expectSquashes(base, committed, tree);
          }
          upper.close();
          kept = undefined;
          container = begin();
          expect([...container.upper.mount.changes()]).toEqual([]);
          break;
        }
      }
      expect(show(container.upper.mount), step.do).toEqual(show(container.model));
    }
  } finally {
    container.upper.discard();
  }
}

/** Whoever writes the layer of a container, it is the same one, and shows what the container shows. */
async function expectOneLayer({ at, upper, model }: Container, tree: PackedTree): Promise<Layer | undefined> {
  const next = await recorded(upper.mount.changes());
  expect(writeLayer(model.changes())?.diffID).toBe(next?.diffID);
  expect(writeLayer(upper.mount.changes())?.diffID).toBe(next?.diffID);
  expect(writeLayer(upper.mount.fork().changes())?.diffID).toBe(next?.diffID);
  upper.commit();
  const reader = diskUppers.read(at, tree);
  expect(writeLayer(reader.mount.changes())?.diffID).toBe(next?.diffID);
  reader.close();
  const merged = show(model);
  expect(recordedTree(next === undefined ? tree : applyLayer(tree, next))).toEqual(merged);
  expectRealChanges(model.changes(), recordedTree(tree), merged);
  return next;
}

/** The difference of two trees is that of what they show, in both directions, and there is none of one to itself. */
function expectBothWays(tree: PackedTree, stacked: PackedTree): void {
  expect([...createMount(stacked).changes()]).toEqual([]);
  expect(text(changesBetween(stacked, stacked))).toEqual([]);
  for (const [from, to] of [
    [tree, stacked],
    [stacked, tree],
  ] as const) {
    const changes = changesBetween(from, to);
    const difference = writeLayer(changes);
    const onTop = difference === undefined ? from : applyLayer(from, difference);
    expect(recordedTree(onTop)).toEqual(recordedTree(to));
    expectRealChanges(changes, recordedTree(from), recordedTree(to));
    expect(text(changesBetween(onTop, to))).toEqual([]);
    expect(text(createMount(from).snapshot().changes())).toEqual([]);
    expect(text(changesBetween(createMount(from).snapshot(), to))).toEqual(text(changes));
  }
}

function expectSquashes(base: PackedTree, committed: readonly Layer[], tree: PackedTree): void {
  const shown = recordedTree(tree);
  expect(recordedTree(applyLayer(base, squash(committed, { base })))).toEqual(shown);
  // Layers of this engine name every directory above a change, so that none of them is refused.
  expect(recordedTree(applyLayer(base, squash(committed)))).toEqual(shown);
}

test("a layer does not depend on the order in which things were made", () => {
  const entry = fc.record({
    path: fc.constantFrom("/a/x", "/a/y", "/b/x", "/b/c/z", "/top", "/\udcff", "/é"),
    content: fc.constantFrom("", "x", "y".repeat(5000)),
    mode: fc.constantFrom(0o600, 0o755),
    xattr: fc.boolean(),
  });
  const entries = fc.uniqueArray(entry, { selector: ({ path }) => path, maxLength: 7 });
  fc.assert(
    fc.property(
      entries.chain((list) =>
        fc.tuple(
          fc.shuffledSubarray(list, { minLength: list.length }),
          fc.shuffledSubarray(list, { minLength: list.length }),
        ),
      ),
      (orders) => {
        const digests = orders.map((order) => {
          const mount = createMount(applyLayers([]), { clock: tickingClock() });
          for (const { path, content, mode, xattr } of order) {
            for (const directory of ["/a", "/b", "/b/c"]) {
              if (path.startsWith(`${directory}/`) && !mount.exists(directory)) mount.mkdir(directory);
            }
            mount.writeFile(path, content);
            mount.chmod(path, mode);
            for (const name of xattr ? ["user.b", "user.a"] : [])
              mount.setxattr(path, name, Uint8Array.of(1));
            mount.utimens(path, 1n, 1n);
          }
          for (const directory of ["/a", "/b/c", "/b"]) {
            if (mount.exists(directory)) mount.utimens(directory, 2n, 2n);
          }
          return writeLayer(mount.changes())?.diffID;
        });
        expect(digests[0]).toBe(digests[1]);
      },
    ),
    { numRuns: RUNS * 3 },
  );
});
