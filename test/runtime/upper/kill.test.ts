/**
 * Processes that are killed while they work in an upper (invariant 5).
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath, pathToFileURL } from "node:url";
import { rolldown } from "rolldown";
import { afterAll, beforeAll, expect, test } from "vitest";
import { diskUppers } from "../../../src/runtime/upper/disk.ts";
import { UpperError } from "../../../src/runtime/upper/upper.ts";
import { createMount } from "../../../src/union/mount.ts";
import { runStep, STEP_OPTIONS, StepClock, stepsDone } from "./steps.ts";
import { show, temporaryFolder } from "./stores.ts";
import { smallTree } from "./trees.ts";

const ROUNDS = Number(process.env.STRATAFS_KILL_ROUNDS ?? 30);

let bundles: string;
let program: string;

/** The child as one file that Node runs as it is. */
beforeAll(async () => {
  bundles = mkdtempSync(join(tmpdir(), "upper-child-"));
  const root = fileURLToPath(new URL("../../..", import.meta.url));
  const bundle = await rolldown({
    input: join(root, "test/runtime/upper/child.ts"),
    platform: "node",
    plugins: [
      {
        name: "outside",
        resolveId(source) {
          if (source === "#platform") return join(root, "src/platform/node.ts");
          if (source !== "lmdb") return null;
          const module = createRequire(import.meta.url).resolve("lmdb");
          return { id: pathToFileURL(module).href, external: true };
        },
      },
    ],
  });
  program = join(bundles, "child.mjs");
  await bundle.write({ file: program, format: "esm", codeSplitting: false });
  await bundle.close();
});

afterAll(() => rmSync(bundles, { recursive: true, force: true }));

function start(...args: string[]): ChildProcess {
  return spawn(process.execPath, [program, ...args], { stdio: ["ignore", "pipe", "inherit"] });
}

async function kill(child: ChildProcess): Promise<void> {
  const gone = once(child, "exit");
  child.kill("SIGKILL");
  await gone;
}

/** Runs the child until a moment after its first line; gives the last line that it got out. */
async function runAndKill(folder: string, milliseconds: number): Promise<number> {
  const child = start(folder);
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

function segmentBytes(folder: string): number {
  const segments = readdirSync(folder).filter((name) => name.endsWith(".segment"));
  return segments.reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
}

test(`M23: killed ${ROUNDS} times, an upper opens at the last commit point that was told, or the next`, async () => {
  const folder = join(temporaryFolder(), "upper");
  const tree = smallTree();
  diskUppers.create(folder, tree);
  const clock = new StepClock();
  const model = createMount(tree, { clock: clock.now });
  let done = 0;
  let cut = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const told = await runAndKill(folder, 5 + ((round * 37) % 150));
    expect(told).toBeGreaterThan(done);
    const before = segmentBytes(folder);
    const upper = diskUppers.open(folder, tree, STEP_OPTIONS);
    const found = stepsDone(upper.mount);
    expect([told, told + 1]).toContain(found);
    if (segmentBytes(folder) < before) cut += 1;
    while (done < found) {
      done += 1;
      runStep(model, clock, done);
    }
    expect(show(upper.mount)).toEqual(show(model));
    upper.close();
    expect(existsSync(join(folder, "writer"))).toBe(false);
  }
  console.log(`${ROUNDS} kills, ${done} steps; ${cut} times a tail was cut`);
});

test("readers and forks beside a process that writes see whole commit points", async () => {
  const folder = join(temporaryFolder(), "upper");
  const tree = smallTree();
  diskUppers.create(folder, tree);
  const child = start(folder);
  await once(createInterface({ input: child.stdout! }), "line");
  const clock = new StepClock();
  const model = createMount(tree, { clock: clock.now });
  let done = 0;
  const advance = (to: number) => {
    while (done < to) {
      done += 1;
      runStep(model, clock, done);
    }
    return show(model);
  };
  const end = Date.now() + 3000;
  let looks = 0;
  for (; Date.now() < end; looks++) {
    const reader = diskUppers.read(folder, tree);
    const seen = show(reader.mount);
    const found = stepsDone(reader.mount);
    reader.close();
    expect(found).toBeGreaterThanOrEqual(done);
    expect(seen).toEqual(advance(found));
    const to = join(temporaryFolder(), "fork");
    diskUppers.fork(folder, to);
    const fork = diskUppers.open(to, tree, STEP_OPTIONS);
    expect(show(fork.mount)).toEqual(advance(stepsDone(fork.mount)));
    fork.close();
  }
  await kill(child);
  console.log(`${looks} looks at ${done} steps of another process`);
  expect(looks).toBeGreaterThan(3);
});

test("another process that writes is named; once it is killed, or its number is another's, it holds nothing", async () => {
  const folder = join(temporaryFolder(), "upper");
  const tree = smallTree();
  diskUppers.create(folder, tree);
  const child = start(folder, "hold");
  await once(createInterface({ input: child.stdout! }), "line");
  let refused: unknown;
  try {
    diskUppers.open(folder, tree);
  } catch (error) {
    refused = error;
  }
  expect(refused).toBeInstanceOf(UpperError);
  expect(refused).toMatchObject({ code: "busy", holder: { pid: child.pid } });
  expect((refused as UpperError).message).toContain(`process ${child.pid}`);
  const reader = diskUppers.read(folder, tree);
  expect(reader.mount.exists("/etc/motd")).toBe(true);
  reader.close();
  const holder = readlinkSync(join(folder, "writer"));
  await kill(child);
  diskUppers.open(folder, tree).close();

  const [pid, started, ...rest] = holder.split(":");
  for (const dead of [
    [process.pid, started, ...rest],
    [pid, started, "another-boot", rest[1]],
  ]) {
    symlinkSync(dead.join(":"), join(folder, "writer"));
    diskUppers.open(folder, tree).close();
  }
});

test("M23: what a crash left behind the commit point is cut away, and a file it does not know removed", () => {
  const folder = join(temporaryFolder(), "upper");
  const tree = smallTree();
  diskUppers.create(folder, tree);
  const first = diskUppers.open(folder, tree, { residentBytes: 4096 });
  first.mount.writeFile("/kept", "k".repeat(10_000));
  first.commit();
  first.mount.writeFile("/spilled", "s".repeat(1_000_000));
  first.mount.writeFile("/another", "spills what waits");
  expect(segmentBytes(folder)).toBeGreaterThan(1_000_000);
  first.discard();
  writeFileSync(join(folder, "00000099.segment"), "stray");
  const second = diskUppers.open(folder, tree);
  expect(readdirSync(folder).sort()).toEqual(["00000001.segment", "upper.mdb", "upper.mdb-lock", "writer"]);
  expect(segmentBytes(folder)).toBe(3 * 4096);
  second.mount.writeFile("/more", "m".repeat(10_000));
  second.close();
  const third = diskUppers.open(folder, tree);
  expect(new TextDecoder().decode(third.mount.readFile("/kept"))).toBe("k".repeat(10_000));
  expect(new TextDecoder().decode(third.mount.readFile("/more"))).toBe("m".repeat(10_000));
  expect(third.mount.exists("/spilled")).toBe(false);
  third.close();
});
