/**
 * What a mount costs: lookups by number of layers, changes by size of image, one byte into files of two
 * sizes, random writes as they add up, forks by size of the upper. Ratios within one run.
 */
import { applyLayers } from "../src/layer/apply.ts";
import type { Layer } from "../src/layer/layer.ts";
import type { RandomAccess } from "../src/platform/types.ts";
import type { Entry } from "../src/tar/entry.ts";
import { NO_XATTRS } from "../src/tree/inode.ts";
import { createMount, type Mount } from "../src/union/mount.ts";
import { O_RDWR } from "../src/union/types.ts";

/** An archive of zeros, as large as anyone asks. */
const ZEROS: RandomAccess = {
  size: 2 ** 40,
  read(target, offset, length) {
    target.fill(0, offset, offset + length);
    return length;
  },
  close() {},
};
const attributes = { offset: 0, mode: 0o755, uid: 0, gid: 0, mtime: 0n, xattrs: NO_XATTRS };

function layerOf(entries: Entry[], n: number): Layer {
  return { diffID: `sha256:${n.toString(16).padStart(64, "0")}`, archive: ZEROS, entries: () => entries };
}

function fileEntry(name: string, size = 0): Entry {
  return { ...attributes, type: "file", name, size, start: 0 };
}

/** `count` layers; the lowest holds the path that is looked up among `files` others. */
function chain(count: number, files: number): Layer[] {
  const lowest = Array.from({ length: files }, (_, i) => fileEntry(`usr/share/d${i % 100}/f${i}`));
  const layers = [layerOf([...lowest, fileEntry("usr/share/doc/bottom")], 0)];
  for (let n = 1; n < count; n++) layers.push(layerOf([fileEntry(`usr/share/l${n}/f`)], n));
  return layers;
}

/** Nanoseconds a call, the best of five rounds. */
function nanoseconds(rounds: number, run: (i: number) => void): number {
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 5; round++) {
    const start = process.hrtime.bigint();
    for (let i = 0; i < rounds; i++) run(i);
    best = Math.min(best, Number(process.hrtime.bigint() - start) / rounds);
  }
  return best;
}

function row(label: string, value: number, unit: string, base: number): void {
  console.log(
    `${label.padEnd(44)} ${value.toFixed(value < 100 ? 2 : 0).padStart(9)} ${unit}  × ${(value / base).toFixed(2)}`,
  );
}

function report(title: string, unit: string, cases: readonly (readonly [string, number])[]): void {
  console.log(`\n${title}`);
  const base = cases[0]?.[1] ?? 1;
  for (const [label, value] of cases) row(label, value, unit, base);
}

const depths = [1, 8, 32, 128].map((depth) => ({
  depth,
  mount: createMount(applyLayers(chain(depth, 35_000))),
}));
for (const { mount } of depths) nanoseconds(50_000, () => mount.exists("/usr/share/doc/bottom"));
for (const [what, path] of [
  ["a hit in the bottom layer", "/usr/share/doc/bottom"],
  ["a miss", "/usr/share/doc/nothing"],
] as const) {
  report(
    `lookup of four names, ${what}`,
    "ns",
    depths.map(
      ({ depth, mount }) => [`${depth} layers`, nanoseconds(50_000, () => mount.exists(path))] as const,
    ),
  );
}

report(
  "changes() after one change",
  "µs",
  [400, 8_000, 35_000].map((files) => {
    const mount = createMount(applyLayers(chain(1, files)));
    mount.chmod("/usr/share/doc/bottom", 0o600);
    return [`${files} files below`, nanoseconds(2_000, () => [...mount.changes()]) / 1000] as const;
  }),
);

function bigFile(size: number): Mount {
  return createMount(applyLayers([layerOf([fileEntry("big", size)], 1)]));
}

report(
  "one byte written into a lower file, copy-up included",
  "µs",
  [1, 1024].map((mebibytes) => {
    const byte = Uint8Array.of(1);
    const cost = nanoseconds(300, () => {
      const mount = bigFile(mebibytes * 2 ** 20);
      const fd = mount.open("/big", O_RDWR);
      mount.write(fd, byte, 0, 1, mebibytes * 2 ** 19);
      mount.close(fd);
    });
    return [`${mebibytes} MiB`, cost / 1000] as const;
  }),
);

{
  const mount = bigFile(2 ** 30);
  const fd = mount.open("/big", O_RDWR);
  const page = new Uint8Array(4096).fill(7);
  let seed = 1;
  const cases: [string, number][] = [];
  for (const upTo of [10_000, 50_000, 100_000]) {
    const before = cases.length === 0 ? 0 : cases.length === 1 ? 10_000 : 50_000;
    const start = process.hrtime.bigint();
    for (let i = before; i < upTo; i++) {
      seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
      mount.write(fd, page, 0, 4096, (seed % 262_000) * 4096 + (seed % 7) * 512);
    }
    cases.push([
      `writes ${before} to ${upTo}`,
      Number(process.hrtime.bigint() - start) / (upTo - before) / 1000,
    ]);
  }
  report("random 4 KiB writes into 1 GiB, not page aligned", "µs", cases);
}

report(
  "fork()",
  "µs",
  [10, 100_000].map((files) => {
    const mount = createMount(applyLayers(chain(1, 10)));
    mount.mkdir("/new");
    for (let i = 0; i < files; i++) mount.mknod(`/new/f${i}`, "file");
    return [`${files} inodes in the upper`, nanoseconds(2_000, () => mount.fork()) / 1000] as const;
  }),
);
