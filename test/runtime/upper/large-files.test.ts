/**
 * Files large enough for page maps of several levels, by random calls, against a mount in memory.
 */

import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { PosixError } from "../../../src/posix/errno.ts";
import { diskUppers } from "../../../src/runtime/upper/disk.ts";
import { createMount, type Mount } from "../../../src/union/mount.ts";
import { FALLOC_FL_KEEP_SIZE, FALLOC_FL_PUNCH_HOLE, O_CREAT, O_RDWR } from "../../../src/union/types.ts";
import { file, treeOf } from "../../layer/build.ts";
import { tickingClock } from "../../property/operations.ts";
import { show, temporaryFolder } from "./stores.ts";

const PAGE = 4096;
/** Edges of pages, of branches of 64 pages, and of branches of those. */
const position = fc
  .tuple(
    fc.constantFrom(0, PAGE, 63 * PAGE, 64 * PAGE, 640 * PAGE, 4095 * PAGE, 4096 * PAGE),
    fc.integer({ min: -2, max: 2 }),
  )
  .map(([edge, more]) => Math.max(0, edge + more * 1000));
const aligned = fc.constantFrom(0, PAGE, 63 * PAGE, 64 * PAGE, 128 * PAGE, 4096 * PAGE);
const length = fc.constantFrom(1, 100, PAGE, 3 * PAGE + 5, 64 * PAGE, 70 * PAGE, 200 * PAGE);
const name = fc.constantFrom("/below", "/one", "/two");

type Call = (mount: Mount) => void;

function withFile(mount: Mount, path: string, work: (fd: number) => void): void {
  const fd = mount.open(path, O_RDWR | O_CREAT);
  try {
    work(fd);
  } finally {
    mount.close(fd);
  }
}

function copy(mount: Mount, from: string, start: number, to: string, at: number, count: number): void {
  withFile(mount, from, (source) =>
    withFile(mount, to, (target) => mount.copyRange(source, start, target, at, count)),
  );
}

const call: fc.Arbitrary<Call | "commit" | "reopen"> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.tuple(name, position, length, fc.nat(254)).map(
      ([path, at, count, fill]): Call =>
        (mount) => {
          withFile(mount, path, (fd) => mount.write(fd, new Uint8Array(count).fill(fill + 1), 0, count, at));
        },
    ),
  },
  {
    weight: 2,
    arbitrary: fc.tuple(name, position).map(
      ([path, size]): Call =>
        (mount) =>
          mount.truncate(path, size),
    ),
  },
  {
    weight: 2,
    arbitrary: fc.tuple(name, position, length).map(
      ([path, at, count]): Call =>
        (mount) => {
          withFile(mount, path, (fd) =>
            mount.fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, at, count),
          );
        },
    ),
  },
  {
    weight: 3,
    arbitrary: fc.tuple(name, fc.oneof(aligned, position), name, fc.oneof(aligned, position), length).map(
      ([from, start, to, at, count]): Call =>
        (mount) =>
          copy(mount, from, start, to, at, count),
    ),
  },
  {
    weight: 1,
    arbitrary: name.map(
      (path): Call =>
        (mount) =>
          mount.unlink(path),
    ),
  },
  { weight: 3, arbitrary: fc.constantFrom("commit" as const, "reopen" as const) },
);

const below = "0123456789abcdef".repeat(70 * 256 + 3);

test.each([
  ["without limits", {}],
  ["where little fits", { bytes: 150 * PAGE }],
])("large files read alike in memory and on disk, %s", (_, limits) => {
  fc.assert(
    fc.property(
      fc.array(call, { maxLength: 24 }),
      fc.constantFrom(PAGE, 100 * PAGE),
      (calls, residentBytes) => {
        const tree = treeOf([file("below", below)]);
        const at = join(temporaryFolder(), "upper");
        diskUppers.create(at, tree);
        const open = () =>
          diskUppers.open(at, tree, {
            clock: tickingClock(),
            limits,
            residentBytes,
            worthRewriting: 50 * PAGE,
          });
        let upper = open();
        let model = createMount(tree, { clock: tickingClock(), limits });
        const check = () => {
          expect(show(upper.mount)).toEqual(show(model));
          expect(upper.mount.statfs()).toEqual(model.statfs());
          for (const { name } of model.readdir("/")) {
            expect(upper.mount.stat(`/${name}`).blocks).toBe(model.stat(`/${name}`).blocks);
          }
        };
        for (const call of calls) {
          if (call === "commit") {
            upper.commit();
          } else if (call === "reopen") {
            upper.close();
            upper = open();
            model = createMount(model.snapshot(), { clock: tickingClock(), limits });
            check();
          } else {
            expect(outcome(call, upper.mount)).toBe(outcome(call, model));
          }
        }
        check();
        upper.close();
        const reader = diskUppers.read(at, tree);
        expect(show(reader.mount)).toEqual(show(model));
        reader.close();
      },
    ),
    { numRuns: Number(process.env.STRATAFS_UPPER_RUNS ?? 40) },
  );
});

function outcome(call: Call, mount: Mount): string {
  try {
    call(mount);
    return "done";
  } catch (error) {
    if (error instanceof PosixError) return error.code;
    throw error;
  }
}
