/**
 * What writing a layer costs: how much faster is gzip on all cores than one stream of zlib, what does
 * its cutting into blocks cost in size, and what do the archive and its digest add?
 *
 * Argument: a layer's uncompressed or compressed archive; without one, 64 MiB are made. Ratios are to
 * the first line; times are the best of five rounds, taken in turn, so that a busy machine burdens all
 * alike. On one that others keep busy only the processor times say something: as many cores as it has
 * divide them.
 */
import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { Readable } from "node:stream";
import { createGzip } from "node:zlib";
import { applyLayers } from "../src/layer/apply.ts";
import { layerFromBytes } from "../src/layer/read.ts";
import { type WrittenLayer, writeLayer } from "../src/layer/write.ts";
import { gzip } from "../src/tar/compress.ts";
import type { Change } from "../src/tree/change.ts";
import { BufferContent } from "../src/tree/content.ts";
import { diffTrees } from "../src/tree/diff.ts";
import { type Inode, NO_XATTRS } from "../src/tree/inode.ts";
import { EMPTY_TREE } from "../src/tree/packed.ts";

const ROUNDS = 5;
const CHUNK = 256 * 1024;

async function size(stream: AsyncIterable<Uint8Array>): Promise<number> {
  let total = 0;
  for await (const chunk of stream) total += chunk.length;
  return total;
}

function* cut(bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += CHUNK) yield bytes.subarray(at, at + CHUNK);
}

/** Words in no order, about as compressible as programs are. */
function words(length: number): Uint8Array {
  const out = Buffer.alloc(length);
  let state = 1;
  for (let at = 0; at < length; ) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    at += out.write(`${(state >>> 12).toString(36)}-${(state >>> 20).toString(16)}\n`, at, "latin1");
  }
  return out;
}

const BASE = { mode: 0o644, uid: 0, gid: 0, mtime: 0n, xattrs: NO_XATTRS };

function* files(count: number, content: (index: number) => Uint8Array): Generator<Change> {
  for (let i = 0; i < count; i++) {
    const path = `/d${String(Math.floor(i / 100)).padStart(4, "0")}/f${String(i % 100).padStart(2, "0")}`;
    const inode: Inode = { ...BASE, kind: "file", content: new BufferContent(content(i)) };
    yield { kind: "added", path, inode };
  }
}

function written(changes: readonly Change[]): WrittenLayer {
  return writeLayer({
    [Symbol.iterator]: () => changes[Symbol.iterator](),
    ancestor: () => ({ ...BASE, kind: "directory", mode: 0o755 }),
  })!;
}

async function archiveOf(path: string | undefined): Promise<WrittenLayer> {
  if (path === undefined) return written([...files(64, () => words(1024 * 1024))]);
  const tree = applyLayers([await layerFromBytes(readFileSync(path))]);
  return writeLayer(diffTrees(EMPTY_TREE, tree))!;
}

interface Part {
  readonly name: string;
  readonly run: () => Promise<number>;
  /** Wall clock and processor time, in milliseconds. */
  wall: number;
  processor: number;
  bytes: number;
}

const part = (name: string, run: () => Promise<number>): Part => ({
  name,
  run,
  wall: Number.POSITIVE_INFINITY,
  processor: Number.POSITIVE_INFINITY,
  bytes: 0,
});

async function main(): Promise<void> {
  const layer = await archiveOf(process.argv[2]);
  const bytes = Buffer.concat([...layer.chunks()]);
  const parts = [
    part("zlib, one stream, level 6", () =>
      size(Readable.from(cut(bytes)).pipe(createGzip({ chunkSize: CHUNK }))),
    ),
    part("gzip, all cores, level 6", () => size(gzip(cut(bytes)))),
    part("gzip, all cores, level 1", () => size(gzip(cut(bytes), { level: 1 }))),
    part("archive and sha256", () => size(layer.stream())),
    part("archive, sha256 and gzip", () => size(gzip(layer.stream()))),
  ];
  for (let round = 0; round < ROUNDS; round++) {
    for (const part of parts) {
      const start = performance.now();
      const before = process.cpuUsage();
      part.bytes = await part.run();
      const { user, system } = process.cpuUsage(before);
      part.processor = Math.min(part.processor, (user + system) / 1000);
      part.wall = Math.min(part.wall, performance.now() - start);
    }
  }
  const first = parts[0]!;
  console.log(`${bytes.length} bytes, ${availableParallelism()} cores, Node ${process.version}`);
  for (const { name, wall, processor, bytes: out } of parts) {
    const speed = (bytes.length / 1e6 / (wall / 1000)).toFixed(0).padStart(5);
    const ratio = (first.wall / wall).toFixed(2).padStart(6);
    const cost = (processor / first.processor).toFixed(2).padStart(5);
    const against = ((out / first.bytes - 1) * 100).toFixed(3);
    const length = out === bytes.length ? "" : `  ${out} bytes (${against} %)`;
    console.log(`${name.padEnd(28)} ${speed} MB/s ${ratio}× as fast ${cost}× the processor time${length}`);
  }

  for (const count of [10_000, 100_000]) {
    const changes = [...files(count, () => new Uint8Array(10))];
    const start = process.cpuUsage();
    const layer = written(changes);
    const checked = process.cpuUsage(start);
    const between = process.cpuUsage();
    const length = await size(layer.stream());
    const streamed = process.cpuUsage(between);
    const each = ({ user, system }: NodeJS.CpuUsage) => `${((user + system) / count).toFixed(2)} µs`;
    console.log(
      `${count} small files, ${length} bytes: each checked in ${each(checked)}, written and hashed in ${each(streamed)} of processor time`,
    );
  }
}

await main();
