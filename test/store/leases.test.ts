/**
 * Who uses what: leases end with their process, and the store's lock with its holder.
 */
import { spawn } from "node:child_process";
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { digestOf } from "../../src/oci/digest.ts";
import { Store } from "../../src/runtime/store.ts";
import { deadLeases, heldDigests } from "../../src/store/leases.ts";
import { openLmdbArbiter } from "../../src/store/lmdb-arbiter.ts";
import { isGone, processIdentity, processNamespace } from "../../src/store/process.ts";
import { bundleProgram } from "../cli/bundle.ts";
import { layoutOf, makeImage } from "./images.ts";
import { scratch } from "./scratch.ts";

const digest = (text: string) => digestOf(Buffer.from(text));
const DEAD = 2 ** 22 - 1;

let bundled: string;
let program: string;

beforeAll(async () => {
  bundled = mkdtempSync(join(tmpdir(), "strata-test-"));
  program = await bundleProgram(bundled, "test/store/arbiter-child.ts");
});

afterAll(() => rmSync(bundled, { recursive: true, force: true }));

/** Starts a process and waits for its first line. */
async function start(...args: string[]) {
  const child = spawn(process.execPath, [program, ...args], { stdio: ["ignore", "pipe", "inherit"] });
  const ended = new Promise<number | null>((resolve) => child.on("exit", resolve));
  const first = new Promise((resolve) => createInterface({ input: child.stdout }).once("line", resolve));
  await Promise.race([first, ended]);
  return { child, ended };
}

describe("a lease", () => {
  test("holds what it was told, across processes, until it is released or its process killed", async () => {
    const path = join(scratch(), "arbiter.mdb");
    const arbiter = openLmdbArbiter(path);
    const { child, ended } = await start("hold", path, digest("a"), digest("b"));
    const now = () => heldDigests(arbiter.leases(), Date.now());
    expect([...now()].sort()).toEqual([digest("a"), digest("b")].sort());
    expect(deadLeases(arbiter.leases(), Date.now())).toEqual([]);
    child.kill("SIGKILL");
    await ended;
    expect([...now()]).toEqual([]);
    expect(deadLeases(arbiter.leases(), Date.now())).toHaveLength(1);
    arbiter.close();
  });

  test.each([
    ["a process that is gone", `${DEAD}:1:${processIdentity().split(":")[2]}`],
    ["a process number that another process has now", processIdentity().replace(/:\d+:/, ":1:")],
    ["a process of an earlier boot", processIdentity().replace(/[^:]*$/, "other")],
  ])("of %s is over", (_name, holder) => {
    expect(isGone(holder)).toBe(true);
    const record = { holder, namespace: processNamespace(), since: Date.now(), digests: [digest("a")] };
    expect(heldDigests(new Map([["x", record]]), Date.now()).size).toBe(0);
  });

  test("of a process that cannot be seen from here, such as another container's, counts for a day", () => {
    const record = { holder: `${DEAD}:1:other`, namespace: "another", since: 0, digests: [digest("a")] };
    const hour = 3_600_000;
    expect(heldDigests(new Map([["x", record]]), 23 * hour).size).toBe(1);
    expect(heldDigests(new Map([["x", record]]), 25 * hour).size).toBe(0);
  });

  test("is written for a mount, a read-only one too, until it is unmounted or the store closed", async () => {
    const root = scratch();
    const image = await makeImage([{ a: "1" }]);
    const store = await Store.open(root, { env: {} });
    const [loaded] = await store.load(layoutOf(scratch(), image, "x:1"));
    const arbiter = openLmdbArbiter(join(root, "stratafs/arbiter.mdb"));
    const held = () => heldDigests(arbiter.leases(), Date.now());
    expect(held().size).toBe(0);
    const mount = await loaded!.mount({ readOnly: true });
    for (const used of [image.id, image.descriptor.digest, image.layers[0]!.digest])
      expect(held()).toContain(used);
    mount.unmount();
    mount.unmount();
    expect(held().size).toBe(0);
    await loaded!.mount();
    expect(held().size).toBeGreaterThan(0);
    await store.close();
    expect(arbiter.leases().size).toBe(0);
    arbiter.close();
  });

  test("opens nothing that lists do not need", async () => {
    const root = scratch();
    await (await Store.open(root, { env: {} })).close();
    rmSync(join(root, "stratafs/arbiter.mdb"));
    const store = await Store.open(root, { env: {} });
    expect(await store.images()).toEqual([]);
    await store.close();
    expect(existsSync(join(root, "stratafs/arbiter.mdb"))).toBe(false);
  });
});

describe("the lock", () => {
  test("is one process's at a time: processes count to the same number", async () => {
    const root = scratch();
    writeFileSync(join(root, "counter"), "0");
    const started = await Promise.all([1, 2, 3].map(() => start("count", root)));
    expect(await Promise.all(started.map(({ ended }) => ended))).toEqual([0, 0, 0]);
    expect(readFileSync(join(root, "counter"), "utf8")).toBe("300");
  });

  test("of a process that is killed in it is free", async () => {
    const path = join(scratch(), "arbiter.mdb");
    const { child, ended } = await start("stall", path);
    child.kill("SIGKILL");
    await ended;
    const arbiter = openLmdbArbiter(path);
    expect(arbiter.exclusively(() => "in")).toBe("in");
    expect(() =>
      arbiter.exclusively(() => {
        throw new Error("inside");
      }),
    ).toThrow("inside");
    expect(arbiter.exclusively(() => "again")).toBe("again");
    arbiter.close();
  });

  test("is no file that is something else", () => {
    const path = join(scratch(), "arbiter.mdb");
    writeFileSync(path, "x".repeat(10_000));
    expect(() => openLmdbArbiter(path)).toThrow(`${path} is no lmdb file`);
  });
});

describe("what a mount keeps open", () => {
  /** Descriptors of this process for files in a directory. */
  const descriptors = (directory: string) =>
    readdirSync("/proc/self/fd").filter((fd) => {
      try {
        return readlinkSync(`/proc/self/fd/${fd}`).startsWith(directory);
      } catch {
        return false;
      }
    });

  test.skipIf(!existsSync("/proc/self/fd"))(
    "is closed with the last mount that uses it, and opened again for the next",
    async () => {
      const root = scratch();
      const image = await makeImage([{ a: "1" }, { b: "2" }]);
      const store = await Store.open(root, { env: {} });
      const [loaded] = await store.load(layoutOf(scratch(), image, "x:1"));
      const archives = () => descriptors(join(root, "stratafs/layers-1")).length;
      const [first, second] = [await loaded!.mount(), await loaded!.mount()];
      expect(archives()).toBe(2);
      first[Symbol.dispose]();
      expect(archives()).toBe(2);
      rmSync(join(root, "stratafs/layers-1"), { recursive: true });
      expect(Buffer.from(second.readFile("/b")).toString()).toBe("2");
      second.unmount();
      expect(archives()).toBe(0);
      const third = await loaded!.mount();
      expect(Buffer.from(third.readFile("/a")).toString()).toBe("1");
      expect(archives()).toBe(2);
      await store.close();
      expect(archives()).toBe(0);
      expect(() => third.readFile("/a")).toThrow("EBADF");
    },
  );
});
