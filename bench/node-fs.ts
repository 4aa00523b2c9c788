/**
 * What the `node:fs` face costs a call, beside memfs and beside `node:fs` itself on a temporary directory
 * (which has a kernel to ask): hits, misses, small files, listings.
 */
import * as nodeFs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createFsFromVolume, Volume } from "memfs";
import { applyLayers } from "../src/layer/apply.ts";
import { createMount } from "../src/union/mount.ts";
import { createFs } from "../src/vfs/node-fs.ts";

type Fs = Pick<
  typeof nodeFs,
  | "existsSync"
  | "lstatSync"
  | "mkdirSync"
  | "promises"
  | "readdirSync"
  | "readFileSync"
  | "statSync"
  | "writeFileSync"
>;

const root = nodeFs.mkdtempSync(join(tmpdir(), "stratafs-bench-"));
const faces: readonly (readonly [string, Fs])[] = [
  ["mount.fs", createFs(createMount(applyLayers([])))],
  ["memfs", createFsFromVolume(new Volume()) as unknown as Fs],
  ["node:fs", nodeFs],
];
const directory = join(root, "usr/share/doc");
const file = join(directory, "file-7");
const missing = join(directory, "nothing");
for (const [, fs] of faces) {
  fs.mkdirSync(directory, { recursive: true });
  for (let n = 0; n < 100; n++) fs.writeFileSync(join(directory, `file-${n}`), "x".repeat(1000));
}

/** Microseconds a call, the best of five rounds. */
function microseconds(calls: number, run: () => void): number {
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 5; round++) {
    const start = process.hrtime.bigint();
    for (let n = 0; n < calls; n++) run();
    best = Math.min(best, Number(process.hrtime.bigint() - start) / calls / 1000);
  }
  return best;
}

function throws(call: () => unknown): void {
  try {
    call();
  } catch {
    return;
  }
}

const CALLS: readonly (readonly [string, number, (fs: Fs) => unknown])[] = [
  ["statSync", 20_000, (fs) => fs.statSync(file)],
  ["statSync with bigint", 20_000, (fs) => fs.statSync(file, { bigint: true })],
  ["lstatSync", 20_000, (fs) => fs.lstatSync(file)],
  [
    "statSync of nothing, throwIfNoEntry false",
    20_000,
    (fs) => fs.statSync(missing, { throwIfNoEntry: false }),
  ],
  ["statSync of nothing, throwing", 5_000, (fs) => throws(() => fs.statSync(missing))],
  ["existsSync", 20_000, (fs) => fs.existsSync(file)],
  ["existsSync of nothing", 20_000, (fs) => fs.existsSync(missing)],
  ["readFileSync of 1 kB", 10_000, (fs) => fs.readFileSync(file)],
  ["readFileSync of 1 kB as text", 10_000, (fs) => fs.readFileSync(file, "utf8")],
  ["writeFileSync of 1 kB", 1_000, (fs) => fs.writeFileSync(file, "y".repeat(1000))],
  ["readdirSync of 100 names", 1_000, (fs) => fs.readdirSync(directory)],
  ["readdirSync of 100 names with types", 1_000, (fs) => fs.readdirSync(directory, { withFileTypes: true })],
];

for (const [what, calls, call] of CALLS) {
  console.log(`\n${what}`);
  let base = 0;
  for (const [name, fs] of faces) {
    const cost = microseconds(calls, () => call(fs));
    base ||= cost;
    console.log(`${name.padEnd(20)} ${cost.toFixed(2).padStart(9)} µs  × ${(cost / base).toFixed(2)}`);
  }
}
nodeFs.rmSync(root, { recursive: true });
