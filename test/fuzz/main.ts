/**
 * `npm run fuzz -- [--cases N] [--seed S] [--target NAME] [--save DIRECTORY]`: random cases for one target
 * or for each; `--feed FILE` feeds one case that was kept.
 *
 * Targets run in a thread of their own, one after the other. The main thread sees to it that every case
 * comes to an end, and that a thread which dies takes nothing with it: it keeps the case.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { feedOnce, runTarget } from "./run.ts";
import type { Target } from "./target.ts";
import { TARGETS } from "./targets.ts";
import { serve } from "./upper-reader.ts";

/** Longer than any case takes on a slow machine; it only guards against those that never end. */
const PATIENCE = 60_000;
const WATCH = 1000;
/** Room for the case that is being fed. */
const CASE_BYTES = 2 ** 26;

interface Order {
  readonly name: string;
  readonly cases: number;
  readonly seed: number;
  /** A case to be fed instead of random ones. */
  readonly feed: Uint8Array | undefined;
  /** How many cases were begun, and the length of the one that is being fed. */
  readonly state: SharedArrayBuffer;
  readonly bytes: SharedArrayBuffer;
}

interface Failure {
  readonly seed: number;
  readonly bytes: Uint8Array;
  readonly message: string;
}

async function work({ name, cases, seed, feed, state, bytes }: Order): Promise<void> {
  const target = find(name);
  const counters = new Int32Array(state);
  const room = new Uint8Array(bytes);
  const before = (given: Uint8Array) => {
    counters[1] = Math.min(given.length, CASE_BYTES);
    room.set(given.subarray(0, CASE_BYTES));
    Atomics.add(counters, 0, 1);
  };
  let failure: Failure | undefined;
  if (feed === undefined) {
    const found = await runTarget(target, { cases, seed, before });
    if (found !== undefined) failure = { ...found, message: found.error.stack ?? String(found.error) };
  } else {
    before(feed);
    const error = await feedOnce(target, feed);
    if (error !== undefined) failure = { seed, bytes: feed, message: error.stack ?? String(error) };
  }
  parentPort?.postMessage(failure);
}

function find(name: string): Target {
  const target = TARGETS.find((target) => target.name === name);
  if (target !== undefined) return target;
  throw new Error(`no target ${name}; there are ${TARGETS.map(({ name }) => name).join(", ")}`);
}

interface Watched {
  readonly failure: Failure | undefined;
  readonly fed: number;
}

/** Runs an order in a thread and waits for its end, or for a case that has none. */
function watch(program: URL, order: Omit<Order, "state" | "bytes">): Promise<Watched> {
  const state = new SharedArrayBuffer(8);
  const bytes = new SharedArrayBuffer(CASE_BYTES);
  const counters = new Int32Array(state);
  const worker = new Worker(program, {
    workerData: { ...order, state, bytes } satisfies Order,
    env: { ...process.env, STRATAFS_FUZZ_PROGRAM: fileURLToPath(program) },
  });
  const fed = () => Atomics.load(counters, 0);
  const current = () => new Uint8Array(bytes).slice(0, counters[1]);
  return new Promise((resolve) => {
    let last = -1;
    let since = performance.now();
    const timer = setInterval(() => {
      if (fed() !== last) {
        last = fed();
        since = performance.now();
      } else if (performance.now() - since > PATIENCE) {
        end({ seed: order.seed, bytes: current(), message: `a case took longer than ${PATIENCE / 1000} s` });
      }
    }, WATCH);
    const end = (failure: Failure | undefined) => {
      clearInterval(timer);
      resolve({ failure, fed: fed() });
      void worker.terminate();
    };
    worker.once("message", (failure: Failure | undefined) => end(failure));
    worker.once("error", (error) => {
      end({ seed: order.seed, bytes: current(), message: `the thread died: ${String(error)}` });
    });
  });
}

/** @returns the exit code */
export async function main(program: URL, args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      cases: { type: "string", default: "2000" },
      seed: { type: "string" },
      target: { type: "string" },
      feed: { type: "string" },
      save: { type: "string", default: "." },
    },
  });
  const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31));
  const targets = values.target === undefined ? TARGETS : [find(values.target)];
  if (values.feed !== undefined && targets.length !== 1) throw new Error("--feed needs --target");
  const feed = values.feed === undefined ? undefined : new Uint8Array(readFileSync(values.feed));
  process.stdout.write(`seed ${seed}\n`);
  let code = 0;
  for (const { name, share } of targets) {
    const start = performance.now();
    const cases = Math.max(1, Math.ceil(Number(values.cases) * share));
    const { failure, fed } = await watch(program, { name, cases, seed, feed });
    const seconds = ((performance.now() - start) / 1000).toFixed(1);
    process.stdout.write(`${name.padEnd(12)} ${String(fed).padStart(8)} cases  ${seconds.padStart(6)} s\n`);
    if (failure === undefined) continue;
    code = 1;
    mkdirSync(values.save, { recursive: true });
    const file = join(values.save, `fuzz-${name}-${failure.seed}.case`);
    writeFileSync(file, failure.bytes);
    const again = `npm run fuzz -- --target ${name} --feed ${file}`;
    process.stdout.write(`FAULT in ${name}, seed ${failure.seed}\n${failure.message}\nagain: ${again}\n`);
  }
  return code;
}

if (!isMainThread) await work(workerData as Order);
else if (process.argv[2] === "read-uppers") serve();
