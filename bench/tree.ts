/**
 * What a tree costs: does a lookup cost the same at any number of layers and any size, how many bytes
 * does an entry take, how long does opening take?
 *
 * The same entries are spread over 1, 8, 32 and 128 layers, so that only the depth differs. Lookups
 * are of paths of four components, hit and miss, in random order.
 */
import { applyLayer, applyLayers } from "../src/layer/apply.ts";
import type { Layer } from "../src/layer/layer.ts";
import { MemoryAccess } from "../src/platform/memory.ts";
import type { Entry } from "../src/tar/entry.ts";
import { NO_XATTRS } from "../src/tree/inode.ts";
import { openTree, type PackedTree, packTree } from "../src/tree/packed.ts";
import { NO_NODE } from "../src/tree/tree.ts";

const archive = new MemoryAccess(new Uint8Array(0));

/** Three levels of directories, `width` names in each, and files in the last: `size` files in all. */
function paths(size: number): string[] {
  const perDirectory = 20;
  const width = Math.ceil(Math.cbrt(size / perDirectory));
  const list: string[] = [];
  for (let i = 0; list.length < size; i++) {
    const directory = Math.floor(i / perDirectory);
    const top = `usr-${directory % width}`;
    const middle = `share-${Math.floor(directory / width) % width}`;
    const last = `package-${Math.floor(directory / width / width)}`;
    list.push(`${top}/${middle}/${last}/file-${i}.txt`);
  }
  return list;
}

const COMMON = {
  offset: 0,
  mode: 0o644,
  uid: 0,
  gid: 0,
  mtime: 1_700_000_000_000_000_000n,
  xattrs: NO_XATTRS,
};

function layersOf(files: readonly string[], depth: number): Layer[] {
  const each = Math.ceil(files.length / depth);
  return Array.from({ length: depth }, (_, i) => {
    const entries = files
      .slice(i * each, (i + 1) * each)
      .map((name, j): Entry => ({ ...COMMON, type: "file", name, size: 10, start: j * 1024 }));
    return { diffID: `sha256:${i}`, archive, entries: () => entries };
  });
}

function milliseconds(action: () => unknown): number {
  const start = performance.now();
  action();
  return performance.now() - start;
}

function median(times: readonly number[]): number {
  return times.toSorted((a, b) => a - b)[times.length >> 1]!;
}

/** Nanoseconds of a lookup of four components. */
function lookups(tree: PackedTree, paths: readonly (readonly string[])[], expected: boolean): number {
  const rounds: number[] = [];
  for (let round = 0; round < 9; round++) {
    let found = 0;
    const time = milliseconds(() => {
      for (const names of paths) {
        let node = tree.root;
        for (let i = 0; i < names.length && node !== NO_NODE; i++) node = tree.lookup(node, names[i]!);
        if (node !== NO_NODE) found += 1;
      }
    });
    if (found !== (expected ? paths.length : 0)) throw new Error("a lookup went wrong");
    rounds.push((time * 1e6) / paths.length);
  }
  return median(rounds);
}

/** A fixed pseudo-random choice, so that two runs ask the same. */
function sample<T>(list: readonly T[], count: number): T[] {
  let state = 1;
  return Array.from({ length: count }, () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return list[state % list.length]!;
  });
}

function heap(): number {
  globalThis.gc?.();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

function row(cells: readonly (string | number)[]): void {
  console.log(
    cells
      .map((cell) => (typeof cell === "number" ? cell.toFixed(cell < 10 ? 2 : 0) : cell).padStart(10))
      .join(" "),
  );
}

const sizes = process.argv.slice(2).map(Number);
for (const size of sizes.length > 0 ? sizes : [35_000, 1_000_000]) {
  const files = paths(size);
  const asked = sample(files, 100_000);
  const hits = asked.map((path) => path.split("/"));
  const misses = asked.map((path) => `${path}-not`.split("/"));
  console.log(`\n${size.toLocaleString("en")} files`);
  row(["layers", "apply ms", "bytes each", "open ms", "heap each", "hit ns", "ratio", "miss ns", "ratio"]);
  let first: { hit: number; miss: number } | undefined;
  for (const depth of [1, 8, 32, 128]) {
    let bytes = new Uint8Array(0);
    let chainID: string | undefined;
    let nodes = 0;
    const layers = layersOf(files, depth);
    const apply = milliseconds(() => {
      const tree = applyLayers(layers);
      bytes = packTree(tree).slice();
      chainID = tree.chainID;
      nodes = tree.nodeCount;
    });
    const open = median(
      Array.from({ length: 7 }, () =>
        milliseconds(() => openTree(bytes, { chainID, archives: () => archive })),
      ),
    );
    const before = heap() - bytes.length;
    const tree = openTree(bytes, { chainID, archives: () => archive })!;
    const grown = heap() - before;
    const hit = lookups(tree, hits, true);
    const miss = lookups(tree, misses, false);
    first ??= { hit, miss };
    row([
      depth,
      apply,
      bytes.length / nodes,
      open,
      grown / nodes,
      hit,
      hit / first.hit,
      miss,
      miss / first.miss,
    ]);
    if (depth === 128) {
      const one = layersOf(["usr-0/share-0/package-0/one-more.txt"], 1)[0]!;
      const more = median(Array.from({ length: 3 }, () => milliseconds(() => applyLayer(tree, one))));
      console.log(
        `one more layer of one file: ${more.toFixed(1)} ms, ${((more / apply) * 100).toFixed(1)}% of applying all`,
      );
    }
  }
}
