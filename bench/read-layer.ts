/**
 * What reading a layer costs over decompressing it: how many times slower is the whole pass (both
 * digests, parse, index) than `node:zlib` alone, and what does each part of it cost?
 *
 * Arguments: layers, compressed with gzip or zstd or not at all. Ratios are to the first line; times are the
 * best of five rounds, taken in turn, so that a busy machine burdens all alike.
 */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { decodeIndex } from "../src/layer/index-file.ts";
import { MemorySink, readLayer } from "../src/layer/read.ts";
import { decompress } from "../src/tar/decompress.ts";
import { TarReader } from "../src/tar/reader.ts";

const CHUNK = 256 * 1024;
const ROUNDS = 5;

async function* chunksOf(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += CHUNK) yield bytes.subarray(at, at + CHUNK);
}

async function drain(stream: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const _ of stream);
}

async function measure(path: string): Promise<void> {
  const blob = new Uint8Array(readFileSync(path));
  const sink = new MemorySink();
  const layer = await readLayer(chunksOf(blob), sink);
  const archive = sink.bytes();
  const parts: [string, () => Promise<void> | void][] = [
    ["decompress", async () => drain((await decompress(chunksOf(blob))).stream)],
    ["read", async () => void (await readLayer(chunksOf(blob), { write() {} }))],
    [
      "sha256, both sides",
      () => void [blob, archive].map((bytes) => createHash("sha256").update(bytes).digest()),
    ],
    [
      "parse",
      () => {
        const reader = new TarReader(() => {});
        for (let at = 0; at < archive.length; at += CHUNK) reader.push(archive.subarray(at, at + CHUNK));
        reader.end();
      },
    ],
    [
      "entries from the index",
      () => {
        for (const _ of decodeIndex(layer.index)!.entries());
      },
    ],
  ];
  if (layer.compression === "gzip") {
    parts.unshift([
      "node:zlib alone",
      () => drain(Readable.from(chunksOf(blob)).pipe(createGunzip({ chunkSize: CHUNK }))),
    ]);
  }
  const best = parts.map(() => Number.POSITIVE_INFINITY);
  for (let round = 0; round < ROUNDS; round++) {
    for (const [i, [, run]] of parts.entries()) {
      const start = performance.now();
      await run();
      best[i] = Math.min(best[i]!, performance.now() - start);
    }
  }
  const { compression, entryCount, size } = layer;
  console.log(`\n${path}`);
  console.log(
    `${compression}, ${(size / 1e6).toFixed(1)} MB, ${entryCount} entries, ${(layer.index.length / Math.max(entryCount, 1)).toFixed(1)} bytes of index each`,
  );
  for (const [i, [name]] of parts.entries()) {
    const speed = (size / 1e3 / best[i]!).toFixed(0);
    console.log(
      `${name.padEnd(24)} ${best[i]!.toFixed(1).padStart(8)} ms ${speed.padStart(7)} MB/s ${(best[i]! / best[0]!).toFixed(2).padStart(6)}`,
    );
  }
}

for (const path of process.argv.slice(2)) await measure(path);
