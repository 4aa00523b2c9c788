/**
 * The lock: one holder at a time, also among processes; a dead holder is no holder.
 */
import { spawn } from "node:child_process";
import { existsSync, lstatSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { withLock } from "../../src/store/lock.ts";
import { scratch } from "./scratch.ts";

const boot = () => readFileSync("/proc/sys/kernel/random/boot_id", "latin1").trim();
const started = (pid: number) => readFileSync(`/proc/${pid}/stat`, "latin1").split(") ")[1]!.split(" ")[19];
const taken = (path: string) => {
  try {
    return lstatSync(path).isSymbolicLink();
  } catch {
    return false;
  }
};

test("work under one lock never overlaps, and fails without keeping it", async () => {
  const lock = join(scratch(), "lock");
  let inside = 0;
  let most = 0;
  const work = async () => {
    most = Math.max(most, ++inside);
    await new Promise((resolve) => setTimeout(resolve, 2));
    inside -= 1;
  };
  await Promise.all(Array.from({ length: 12 }, () => withLock(lock, work)));
  expect(most).toBe(1);
  await expect(
    withLock(lock, async () => {
      throw new Error("inside");
    }),
  ).rejects.toThrow("inside");
  expect(taken(lock)).toBe(false);
});

test("a missing directory is made", async () => {
  const lock = join(scratch(), "a/b/lock");
  expect(await withLock(lock, async () => taken(lock))).toBe(true);
});

const DEAD = 2 ** 22 - 1;

test.skipIf(!existsSync("/proc/self/stat")).each([
  ["a process that is gone", () => `${DEAD}:1:${boot()}`],
  ["a process number that another process has now", () => `${process.pid}:1:${boot()}`],
  ["a process of an earlier boot", () => `${process.pid}:${started(process.pid)}:other`],
])("the lock of %s is broken, by one of many", async (_name, holder) => {
  const lock = join(scratch(), "lock");
  symlinkSync(holder(), lock);
  let inside = 0;
  await Promise.all(
    Array.from({ length: 8 }, () =>
      withLock(lock, async () => {
        expect(++inside).toBe(1);
        await new Promise((resolve) => setTimeout(resolve, 1));
        inside -= 1;
      }),
    ),
  );
  expect(taken(lock)).toBe(false);
  expect(taken(`${lock}.break`)).toBe(false);
});

test.skipIf(!existsSync("/proc/self/stat"))(
  "whoever died while breaking a lock does not keep it",
  async () => {
    const lock = join(scratch(), "lock");
    symlinkSync(`${DEAD}:1:${boot()}`, lock);
    symlinkSync(`${DEAD}:2:${boot()}`, `${lock}.break`);
    expect(await withLock(lock, async () => "in")).toBe("in");
  },
);

test("a living process is waited for", async () => {
  const root = scratch();
  const lock = join(root, "lock");
  const holder = spawn("sleep", ["30"]);
  const ended = new Promise((resolve) => holder.on("exit", resolve));
  symlinkSync(`${holder.pid}:${started(holder.pid!)}:${boot()}`, lock);
  let entered = false;
  const waiting = withLock(lock, async () => {
    entered = true;
  });
  await new Promise((resolve) => setTimeout(resolve, 150));
  expect(entered).toBe(false);
  holder.kill("SIGKILL");
  await ended;
  await waiting;
  expect(entered).toBe(true);
});

test("processes count to the same number", async () => {
  const root = scratch();
  const counter = join(root, "counter");
  writeFileSync(counter, "0");
  const lockModule = new URL("../../src/store/lock.ts", import.meta.url);
  const { rolldown } = await import("rolldown");
  const bundle = await rolldown({ input: lockModule.pathname, platform: "node" });
  await bundle.write({ file: join(root, "lock.mjs"), format: "esm" });
  await bundle.close();
  const script = `
    import { withLock } from "./lock.mjs";
    import { readFileSync, writeFileSync } from "node:fs";
    for (let i = 0; i < 20; i++) {
      await withLock("lock", async () => writeFileSync("counter", String(Number(readFileSync("counter")) + 1)));
    }`;
  writeFileSync(join(root, "count.mjs"), script);
  const run = () =>
    new Promise((resolve) => {
      spawn(process.execPath, ["count.mjs"], { cwd: root, stdio: "inherit" }).on("exit", resolve);
    });
  expect(await Promise.all([run(), run(), run()])).toEqual([0, 0, 0]);
  expect(readFileSync(counter, "utf8")).toBe("60");
});
