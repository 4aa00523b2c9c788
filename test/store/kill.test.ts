/**
 * Processes that are killed at random moments while several of them pull, load, commit, tag, remove and
 * prune in one store (invariant 5): after each, the store is sound, and everything that was reported done is
 * there.
 *
 * `STRATAFS_KILL_ROUNDS` sets how many are killed.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Store } from "../../src/runtime/store.ts";
import { bundleProgram } from "../cli/bundle.ts";
import { startRegistry, type TestRegistry } from "../registry/registry.ts";
import { needs } from "../requirements.ts";
import { layoutOf, makeImage } from "./images.ts";
import { scratch } from "./scratch.ts";

const ROUNDS = Number(process.env.STRATAFS_KILL_ROUNDS ?? 200);
const WORKERS = 3;

let bundled: string;
let program: string;
let registry: TestRegistry | undefined;

beforeAll(async () => {
  bundled = mkdtempSync(join(tmpdir(), "strata-kill-"));
  program = await bundleProgram(bundled, "test/store/kill-worker.ts");
  if (needs.tool("docker-registry", "docker-registry") === undefined) registry = await startRegistry();
});

afterAll(async () => {
  await registry?.stop();
  rmSync(bundled, { recursive: true, force: true });
});

/** What is known of one name: there, not there, or on its way from one to the other. */
type Known = "there" | "gone" | "either";

class Worker {
  readonly name: string;
  readonly known = new Map<string, Known>();
  readonly done: string[] = [];
  child!: ChildProcess;
  failure = "";
  /** Until its first line. */
  begun!: Promise<unknown>;
  #closed!: Promise<unknown>;

  constructor(name: string) {
    this.name = name;
  }

  start(args: readonly string[], seed: number): void {
    const [root = "", ...rest] = args;
    // What the process before left is not this one's: it has other names.
    this.child = spawn(process.execPath, [program, root, this.name, String(seed), ...rest], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.child.stderr!.on("data", (chunk) => (this.failure += chunk));
    const lines = createInterface({ input: this.child.stdout! });
    lines.on("line", (line) => this.#hear(line));
    this.#closed = new Promise((resolve) => lines.once("close", resolve));
    this.begun = Promise.race([new Promise((resolve) => lines.once("line", resolve)), this.#closed]);
  }

  #hear(line: string): void {
    const [sign = "", tag = ""] = line.split(" ");
    if (tag === "prune") {
      if (sign === "done") this.done.push("prune");
      return;
    }
    if (sign === "begin") this.known.set(tag, "either");
    else {
      this.known.set(tag, sign === "+" ? "there" : "gone");
      this.done.push(`${sign}${tag}`);
    }
  }

  async kill(): Promise<void> {
    this.child.kill("SIGKILL");
    await this.#closed;
  }
}

test(`killed ${ROUNDS} times, a store is sound, and what was reported done is there`, {
  timeout: 7_200_000,
}, async () => {
  const root = scratch();
  const shared = { shared: "s".repeat(20_000) };
  const images = await Promise.all(
    [1, 2, 3].map((i) => makeImage([shared, { own: `${i}`.repeat(5000) }, { top: String(i) }])),
  );
  const layouts = images.map((image) => layoutOf(scratch(), image, undefined));
  const store = await Store.open(root, { env: {} });
  await store.load(layouts[0]!, { name: "base:1" });
  const workers = Array.from({ length: WORKERS }, (_, i) => new Worker(`w${i}`));
  if (registry !== undefined) {
    for (const { name } of workers) {
      for (const tag of [0, 1]) {
        const image = (await store.load(layouts[1 + tag]!))[0]!;
        await store.push(image, `${registry.host}/${name}:${tag}`);
      }
    }
  }
  const args = [root, registry?.host ?? "", ...layouts];
  for (const [i, worker] of workers.entries()) worker.start(args, i + 1);
  const started = Date.now();
  for (let round = 0; round < ROUNDS; round++) {
    const worker = workers[round % WORKERS]!;
    await worker.begun;
    await new Promise((resolve) => setTimeout(resolve, (round * 37) % 60));
    await worker.kill();
    expect(worker.failure).toBe("");
    const report = await store.check();
    expect([round, report.problems]).toEqual([round, []]);
    const names = new Set((await store.images()).flatMap(({ image }) => image.tags));
    for (const [tag, known] of worker.known) {
      if (known === "either") continue;
      expect([round, tag, names.has(tag)]).toEqual([round, tag, known === "there"]);
    }
    if (round % 10 === 0) {
      for (const [tag, known] of worker.known) {
        if (known !== "there") continue;
        const mount = await (await store.image(tag)).mount();
        expect(mount.readFile("/shared").length).toBe(20_000);
        mount.unmount();
      }
    }
    worker.start(args, round + 100);
  }
  await Promise.all(workers.map((worker) => worker.kill()));
  expect(workers.map(({ failure }) => failure)).toEqual(workers.map(() => ""));
  const done = workers.flatMap((worker) => worker.done);
  await store.pruneImages({ all: true });
  const report = await store.check({ repair: true });
  expect([report.problems, report.strays, report.blobs, report.unreferenced]).toEqual([[], [], 0, []]);
  await store.close();
  console.log(`${ROUNDS} kills in ${Date.now() - started} ms; ${done.length} operations were reported done`);
  expect(done.length).toBeGreaterThan(ROUNDS / 4);
});
