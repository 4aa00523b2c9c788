/**
 * What the calls of a mount cost: is a path found as fast under 128 layers as under one, do changes and
 * forks cost what changed and not what is there, does copy-up move data?
 *
 * The same files are spread over 1, 8, 32 and 128 layers, so that only the depth differs. Ratios are to
 * the first row of a table; times are the best of several rounds, taken in turn, so that a busy machine
 * burdens all alike. Without an argument everything is measured, else what the arguments name: `lookup`,
 * `changes`, `copy-up`, `writes`, `fork`.
 */
import { applyLayers } from "../src/layer/apply.ts";
import type { Layer } from "../src/layer/layer.ts";
import { MemoryAccess } from "../src/platform/memory.ts";
import type { RandomAccess } from "../src/platform/types.ts";
import type { Entry } from "../src/tar/entry.ts";
import { NO_XATTRS } from "../src/tree/inode.ts";
import type { Tree } from "../src/tree/tree.ts";
import { createMount, type Mount } from "../src/union/mount.ts";
import { O_RDWR } from "../src/union/types.ts";
import { walk } from "../src/union/walk.ts";

const ROUNDS = 9;
const FILES = 35_000;
const common = { offset: 0, mode: 0o644, uid: 0, gid: 0, mtime: 10n ** 18n, xattrs: NO_XATTRS };
const nothing = new MemoryAccess(new Uint8Array(0));

/** `count` files in three levels of directories. */
function filePaths(count: number): string[] {
  const width = Math.ceil(Math.cbrt(count / 20));
  return Array.from({ length: count }, (_, i) => {
    const directory = Math.floor(i / 20);
    const top = `usr-${Math.floor(directory / width / width)}`;
    return `${top}/share-${Math.floor(directory / width) % width}/package-${directory % width}/file-${i}.txt`;
  });
}

function treeOf(files: readonly string[], depth: number): Tree {
  const each = Math.ceil(files.length / depth);
  return applyLayers(
    Array.from({ length: depth }, (_, i): Layer => {
      const entries = files
        .slice(i * each, (i + 1) * each)
        .map((name, j): Entry => ({ ...common, type: "file", name, size: 0, start: j * 1024 }));
      return { diffID: `sha256:${i}`, archive: nothing, entries: () => entries };
    }),
  );
}

/** A tree of one file of `size` zeros that are stored, as far as the engine knows. */
function treeWithFile(size: number): Tree {
  const archive: RandomAccess = {
    size,
    read: (target, offset, length) => {
      target.fill(0, offset, offset + length);
      return length;
    },
    close() {},
  };
  const entries: Entry[] = [{ ...common, type: "file", name: "large", size, start: 0 }];
  return applyLayers([{ diffID: "sha256:0", archive, entries: () => entries }]);
}

function milliseconds(action: () => unknown): number {
  const start = performance.now();
  action();
  return performance.now() - start;
}

/** The best time of each action over several rounds, in nanoseconds a repetition. */
function compare(actions: readonly (() => unknown)[], repetitions: number): number[] {
  const best = actions.map(() => Number.POSITIVE_INFINITY);
  for (let round = 0; round < ROUNDS; round++) {
    actions.forEach((action, i) => {
      const took = milliseconds(() => {
        for (let j = 0; j < repetitions; j++) action();
      });
      best[i] = Math.min(best[i]!, (took * 1e6) / repetitions);
    });
  }
  return best;
}

function print(title: string, rows: readonly (readonly [string, number])[], unit: "ns" | "µs"): void {
  const [, first] = rows[0]!;
  console.log(`\n${title}`);
  for (const [name, nanoseconds] of rows) {
    const value = unit === "ns" ? nanoseconds.toFixed(0) : (nanoseconds / 1000).toFixed(2);
    const ratio = (nanoseconds / first).toFixed(2);
    console.log(`  ${name.padEnd(28)} ${value.padStart(10)} ${unit}   ×${ratio}`);
  }
}

function lookup(): void {
  const depths = [1, 8, 32, 128];
  const files = filePaths(FILES);
  const asked = Array.from({ length: 1000 }, (_, i) => `/${files[(i * 7919) % files.length]}`);
  const missed = asked.map((path) => `${path}-not`);
  const user = { uid: 1000, gid: 1000 };
  const mounts = depths.map((depth) => createMount(treeOf(files, depth)));
  const find = (mount: Mount, paths: readonly string[]) => {
    const { view, caller } = mount.context;
    return () => {
      for (const path of paths) walk(view, caller, path, "follow");
    };
  };
  const cases: [string, (mount: Mount) => () => void][] = [
    ["hit", (mount) => find(mount, asked)],
    ["miss", (mount) => find(mount, missed)],
    ["hit, an ordinary user", (mount) => find(mount.as(user), asked)],
    [
      "stat",
      (mount) => () => {
        for (const path of asked) mount.stat(path);
      },
    ],
    [
      "exists, missing",
      (mount) => () => {
        for (const path of missed) mount.exists(path);
      },
    ],
  ];
  for (const [name, make] of cases) {
    const times = compare(mounts.map(make), 20).map((time) => time / asked.length);
    print(
      `A path of four components, ${name}`,
      depths.map((depth, i) => [`${depth} layer${depth === 1 ? "" : "s"}`, times[i]!]),
      "ns",
    );
  }
}

function changes(): void {
  const sizes = [300, 35_000, 300_000];
  const mounts = sizes.map((size) => {
    const files = filePaths(size);
    const mount = createMount(treeOf(files, 1));
    mount.writeFile(`/${files[size >> 1]}`, "changed");
    return mount;
  });
  const times = compare(
    mounts.map((mount) => () => [...mount.changes()].length),
    200,
  );
  print(
    "changes() after one change",
    sizes.map((size, i) => [`${size} files`, times[i]!]),
    "µs",
  );
}

function copyUp(): void {
  const sizes: [string, number][] = [
    ["1 MiB", 2 ** 20],
    ["1 GiB", 2 ** 30],
    ["1 TiB", 2 ** 40],
  ];
  const trees = sizes.map(([, size]) => treeWithFile(size));
  const byte = Uint8Array.of(1);
  const times = compare(
    trees.map((tree, i) => {
      const at = Math.floor(sizes[i]![1] / 2);
      return () => {
        const mount = createMount(tree);
        const fd = mount.open("/large", O_RDWR);
        mount.write(fd, byte, 0, 1, at);
        mount.close(fd);
      };
    }),
    1000,
  );
  print(
    "Mount, and write one byte into a lower file",
    sizes.map(([name], i) => [name, times[i]!]),
    "µs",
  );
}

function writes(): void {
  const size = 2 ** 30;
  const page = new Uint8Array(4096).fill(7);
  const mount = createMount(treeWithFile(size));
  const fd = mount.open("/large", O_RDWR);
  let seed = 1;
  const rows: [string, number][] = [];
  for (const until of [10_000, 50_000, 100_000]) {
    const done = rows.length === 0 ? 0 : rows.length === 1 ? 10_000 : 50_000;
    const took = milliseconds(() => {
      for (let i = done; i < until; i++) {
        seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
        mount.write(fd, page, 0, page.length, seed % (size - page.length));
      }
    });
    rows.push([`${done} to ${until}`, (took * 1e6) / (until - done)]);
  }
  print("Random writes of 4 KiB into 1 GiB, each", rows, "µs");
  const stat = compare([() => mount.write(fd, page, 0, 1, 0), () => mount.fstat(fd)], 1);
  print(
    "then, each",
    [
      ["a write of one byte", stat[0]!],
      ["fstat after it", stat[1]!],
    ],
    "µs",
  );
}

function fork(): void {
  const sizes = [10, 1000, 100_000];
  const mounts = sizes.map((size) => {
    const mount = createMount(treeOf(filePaths(10), 1));
    for (let i = 0; i < size; i++) {
      if (i % 100 === 0) mount.mkdir(`/directory-${i / 100}`);
      mount.writeFile(`/directory-${Math.floor(i / 100)}/file-${i}`, "");
    }
    return mount;
  });
  const rows = (times: readonly number[]) => sizes.map((size, i) => [`${size} inodes`, times[i]!] as const);
  const forks = compare(
    mounts.map((mount) => () => mount.fork()),
    2000,
  );
  print("fork() of an upper", rows(forks), "µs");
  const changed = compare(
    mounts.map((mount) => () => mount.fork().chmod("/directory-0/file-0", 0o600)),
    2000,
  );
  print("fork() and the first change in it", rows(changed), "µs");
}

const parts = { lookup, changes, "copy-up": copyUp, writes, fork };
const wanted = process.argv.slice(2);
for (const [name, run] of Object.entries(parts)) if (wanted.length === 0 || wanted.includes(name)) run();
