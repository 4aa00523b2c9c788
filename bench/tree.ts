/**
 * What a tree costs: does a lookup cost the same at any number of layers, how many bytes does an entry
 * take, how long do applying, opening again and one more layer take?
 *
 * Arguments: numbers of files; without any, 35,000 and 1,000,000. The same files are spread over 1, 8,
 * 32 and 128 layers, so that only the depth differs. A lookup is of a path of four components: `hot` of
 * one among 1,000 that are asked again and again, `any` of one among 100,000, which at a million files
 * measures the memory more than the tree. Ratios are to one layer; times are the best of several rounds,
 * taken in turn, so that a busy machine burdens all alike.
 */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { applyLayer, applyLayers } from "../src/layer/apply.ts";
import type { Layer } from "../src/layer/layer.ts";
import { MemoryAccess } from "../src/platform/memory.ts";
import type { Entry } from "../src/tar/entry.ts";
import { NO_XATTRS } from "../src/tree/inode.ts";
import { openTree, type PackedTree, packTree } from "../src/tree/packed.ts";
import { NO_NODE } from "../src/tree/tree.ts";

const DEPTHS = [1, 8, 32, 128];
const ROUNDS = 9;
const PER_DIRECTORY = 20;
const archive = new MemoryAccess(new Uint8Array(0));
const archives = () => archive;
setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

/** `size` files in three levels of directories of equal width. */
function filePaths(size: number): string[] {
  const width = Math.ceil(Math.cbrt(size / PER_DIRECTORY));
  return Array.from({ length: size }, (_, i) => {
    const directory = Math.floor(i / PER_DIRECTORY);
    const top = `usr-${Math.floor(directory / width / width)}`;
    const middle = `share-${Math.floor(directory / width) % width}`;
    return `${top}/${middle}/package-${directory % width}/file-${i}.txt`;
  });
}

function layersOf(files: readonly string[], depth: number): Layer[] {
  const common = { offset: 0, mode: 0o644, uid: 0, gid: 0, mtime: 10n ** 18n, xattrs: NO_XATTRS };
  const each = Math.ceil(files.length / depth);
  return Array.from({ length: depth }, (_, i) => {
    const entries = files
      .slice(i * each, (i + 1) * each)
      .map((name, j): Entry => ({ ...common, type: "file", name, size: 10, start: j * 1024 }));
    return { diffID: `sha256:${i}`, archive, entries: () => entries };
  });
}

function milliseconds(action: () => unknown): number {
  const start = performance.now();
  action();
  return performance.now() - start;
}

/** Heap and buffers, in bytes. */
function memory(): number {
  for (let i = 0; i < 3; i++) collectGarbage();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

/** A fixed pseudo-random choice of paths, so that two runs ask the same. */
function sample(files: readonly string[], distinct: number, suffix = ""): string[][] {
  let state = 1;
  const next = () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return state / 2 ** 32;
  };
  const chosen = Array.from({ length: distinct }, () => {
    const path = files[Math.floor(next() * files.length)]!;
    return `${path}${suffix}`.split("/");
  });
  return Array.from({ length: 100_000 }, () => chosen[Math.floor(next() * distinct)]!);
}

/** Nanoseconds of a lookup. */
function lookups(tree: PackedTree, paths: readonly (readonly string[])[], found: boolean): number {
  let count = 0;
  const time = milliseconds(() => {
    for (const names of paths) {
      let node = tree.root;
      for (let i = 0; i < names.length && node !== NO_NODE; i++) node = tree.lookup(node, names[i]!);
      if (node !== NO_NODE) count += 1;
    }
  });
  if (count !== (found ? paths.length : 0)) throw new Error("a lookup went wrong");
  return (time * 1e6) / paths.length;
}

function row(...cells: readonly (string | number)[]): void {
  const text = cells.map((cell) => (typeof cell === "number" ? cell.toFixed(cell < 10 ? 2 : 0) : cell));
  console.log(text.map((cell) => cell.padStart(10)).join(" "));
}

function measure(size: number): void {
  const files = filePaths(size);
  const asked = {
    hot: sample(files, 1_000),
    miss: sample(files, 1_000, "-not"),
    any: sample(files, 100_000),
  };
  const trees = DEPTHS.map((depth) => {
    const layers = layersOf(files, depth);
    let packed = new Uint8Array(0);
    let chainID: string | undefined;
    const apply = milliseconds(() => {
      const tree = applyLayers(layers);
      packed = packTree(tree).slice();
      chainID = tree.chainID;
    });
    const before = memory() - packed.length;
    const tree = openTree(packed, { chainID, archives })!;
    const bytes = (memory() - before) / tree.nodeCount;
    const times = { open: Infinity, hot: Infinity, miss: Infinity, any: Infinity };
    return { depth, apply, packed, chainID, tree, bytes, times };
  });
  for (let round = 0; round < ROUNDS; round++) {
    for (const { packed, chainID, tree, times } of trees) {
      const open = milliseconds(() => openTree(packed, { chainID, archives }));
      times.open = Math.min(times.open, open);
      times.hot = Math.min(times.hot, lookups(tree, asked.hot, true));
      times.miss = Math.min(times.miss, lookups(tree, asked.miss, false));
      times.any = Math.min(times.any, lookups(tree, asked.any, true));
    }
  }
  console.log(`\n${size.toLocaleString("en")} files; bytes are of an entry, lookups in nanoseconds`);
  row("layers", "apply ms", "open ms", "bytes", "hot", "ratio", "miss", "ratio", "any", "ratio");
  const first = trees[0]!.times;
  for (const { depth, apply, bytes, times } of trees) {
    const { open, hot, miss, any } = times;
    row(depth, apply, open, bytes, hot, hot / first.hot, miss, miss / first.miss, any, any / first.any);
  }
  const { tree, apply } = trees.at(-1)!;
  const [one] = layersOf(["usr-0/share-0/package-0/one-more"], 1);
  const more = Math.min(...Array.from({ length: 3 }, () => milliseconds(() => applyLayer(tree, one!))));
  console.log(
    `one more layer of one file: ${more.toFixed(0)} ms, ${(more / apply).toFixed(2)} of all layers`,
  );
}

const sizes = process.argv.slice(2).map(Number);
for (const size of sizes.length > 0 ? sizes : [35_000, 1_000_000]) measure(size);
