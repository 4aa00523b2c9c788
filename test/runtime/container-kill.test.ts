/**
 * Containers whose processes are killed at any moment (invariant 5): each opens again at its last commit
 * point or the next, whole, and nothing is left that would keep the next process out.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { Store } from "../../src/runtime/store.ts";
import { createMount } from "../../src/union/mount.ts";
import { bundleProgram } from "../cli/bundle.ts";
import { layoutOf, makeImage } from "../store/images.ts";
import { scratch } from "../store/scratch.ts";
import { runStep, StepClock, stepsDone } from "./upper/steps.ts";
import { show } from "./upper/stores.ts";

const ROUNDS = Number(process.env.STRATAFS_KILL_ROUNDS ?? 16);

let work: string;
let worker: string;
let strata: string;
let root: string;

beforeAll(async () => {
  work = scratch(true);
  worker = await bundleProgram(join(work, "worker"), "test/runtime/container-child.ts");
  strata = await bundleProgram(join(work, "strata"));
});

afterAll(() => rmSync(work, { recursive: true, force: true }));

beforeEach(async () => {
  root = scratch();
  const files = { "etc/motd": "m".repeat(9000), "etc/big": "b".repeat(300_000), "usr/bin/tool": "tool" };
  const made = await makeImage([files]);
  const store = await Store.open(root, { env: {} });
  const [image] = await store.load(layoutOf(scratch(), made), { name: "x:1" });
  await store.containers.create(image!, { name: "work" });
  await store.close();
});

async function kill(child: ChildProcess): Promise<void> {
  const gone = child.exitCode === null && child.signalCode === null ? once(child, "exit") : undefined;
  child.kill("SIGKILL");
  await gone;
}

/** Runs a program until a moment after its first line; gives the last line that it got out. */
async function runAndKill(args: readonly string[], milliseconds: number): Promise<number> {
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  let last = 0;
  const lines = createInterface({ input: child.stdout! });
  const closed = once(lines, "close");
  const first = new Promise((resolve) => lines.once("line", resolve));
  lines.on("line", (line) => {
    last = Number(line);
  });
  await Promise.race([first, closed]);
  await new Promise((resolve) => setTimeout(resolve, milliseconds));
  await kill(child);
  await closed;
  return last;
}

test(`killed ${ROUNDS} times while it works and syncs, a container opens at the step that was told, or the next`, async () => {
  const store = await Store.open(root, { env: {} });
  const container = await store.containers.get("work");
  const clock = new StepClock();
  const model = createMount(await (await container.image()).tree(), { clock: clock.now });
  let done = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const face = round % 2 === 0 ? [] : ["fs"];
    const told = await runAndKill([worker, root, "work", ...face], 5 + ((round * 37) % 150));
    expect(told).toBeGreaterThan(done);
    container.refresh();
    expect(container.status).toMatchObject({ kind: "exited", exitCode: 137 });
    const writer = await container.open();
    const found = stepsDone(writer.mount);
    expect([told, told + 1]).toContain(found);
    while (done < found) {
      done += 1;
      runStep(model, clock, done);
    }
    expect(show(writer.mount)).toEqual(show(model));
    writer.close();
    expect(readdirSync(join(container.folder, "uppers"))).toEqual(["1"]);
    expect(existsSync(join(container.folder, "uppers/1/writer"))).toBe(false);
  }
  await container.remove();
  await store.close();
  console.log(`${ROUNDS} kills, ${done} steps`);
});

test("a command that is killed is done or not done at all, and the next one runs", async () => {
  const env = { PATH: process.env.PATH, STRATAFS_ROOT: root };
  const store = await Store.open(root, { env: {} });
  const container = await store.containers.get("work");
  let count = 0;
  for (let round = 0; round < Math.ceil(ROUNDS / 4); round++) {
    const script = "for i in 1 2 3 4 5 6 7 8 9; do echo $i >> /log; mkdir -p /d/$i; done; echo end >> /log";
    const child = spawn(process.execPath, [strata, "exec", "work", "sh", "-c", script], {
      env,
      stdio: "ignore",
    });
    await new Promise((resolve) => setTimeout(resolve, 150 + ((round * 211) % 900)));
    await kill(child);
    const { mount, close } = await container.read();
    const log = mount.exists("/log") ? new TextDecoder().decode(mount.readFile("/log")).split("\n") : [""];
    close();
    expect((log.length - 1) % 10).toBe(0);
    expect([count, count + 10]).toContain(log.length - 1);
    count = log.length - 1;
  }
  expect(await container.exec(["true"])).toBe(0);
  await store.close();
});
