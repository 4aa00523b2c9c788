/**
 * The command as a process of its own: pipes, exit codes, several at a time, killed, and how much
 * memory a real image takes.
 */
import { spawn, spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { digestOf } from "../../src/oci/digest.ts";
import { imagePath, needs } from "../requirements.ts";
import { layoutOf, makeImage } from "../store/images.ts";
import { scratch } from "../store/scratch.ts";
import { bundleProgram } from "./bundle.ts";

let bundled: string;
let main: string;

beforeAll(async () => {
  bundled = scratch(true);
  main = await bundleProgram(bundled);
});

afterAll(() => rmSync(bundled, { recursive: true, force: true }));

const environment = (root: string) => ({ PATH: process.env.PATH, STRATAFS_ROOT: root });

function strata(root: string, ...args: string[]) {
  return spawnSync(process.execPath, [main, ...args], { env: environment(root), encoding: "utf8" });
}

/** Runs `strata` with others in a shell; `$strata` is the command. */
function shell(root: string, script: string) {
  const env = { ...environment(root), strata: `${process.execPath} ${main}` };
  return spawnSync("bash", ["--norc", "-c", `set -o pipefail; ${script}`], { env, encoding: "utf8" });
}

async function storeWith(...files: Parameters<typeof makeImage>[0]) {
  const root = scratch();
  const image = await makeImage(files);
  const layout = layoutOf(scratch(), image, "x:1");
  expect(strata(root, "load", "-i", layout).stdout).toBe("Loaded image: x:1\n");
  return { root, image, layout };
}

describe("pipes", () => {
  test("a reader that goes away ends a command quietly", async () => {
    const many = Object.fromEntries(Array.from({ length: 3000 }, (_, i) => [`d/${i}`, "x"]));
    const { root } = await storeWith(many, { big: Buffer.alloc(3_000_000, 65) });
    for (const script of [
      "$strata mtree x:1 | head -2",
      "$strata ls -lR x:1 | head -1",
      "$strata cat x:1 /big | head -c 10",
      "$strata save x:1 | head -c 10",
      "$strata inspect x:1 | true",
    ]) {
      const { stderr, status } = shell(root, script);
      expect([script, stderr, status]).toEqual([script, "", 0]);
    }
  });

  test("a command in a container goes on without a reader, and what it did is kept", async () => {
    const { root } = await storeWith({ a: "1" });
    const script = "echo 1 > /b; seq 1 100000; exit 3";
    expect(shell(root, `$strata run --name work x:1 sh -c '${script}' | head -1`)).toMatchObject({
      stdout: "1\n",
      stderr: "",
      status: 3,
    });
    expect(strata(root, "diff", "work").stdout).toBe("A /b\n");
    expect(shell(root, "$strata run --rm x:1 seq 1 100000 | head -1").status).toBe(0);
    expect(strata(root, "ps", "-a", "--format", "{{.Names}} {{.Status}}").stdout).toMatch(
      /^work Exited \(3\) [^\n]*\n$/,
    );
  });

  test.skipIf(!existsSync("/dev/full"))("output to a full disk is an error in one sentence", async () => {
    const { root } = await storeWith({ a: "1" });
    strata(root, "create", "--name", "work", "x:1");
    for (const command of ["images", "save x:1", "exec work sh -c 'echo 1 > /b; echo 1'", "--help"]) {
      const { stderr, status } = shell(root, `$strata ${command} > /dev/full`);
      expect([command, stderr, status]).toEqual([
        command,
        "standard output: write: no space left on device\n",
        1,
      ]);
    }
    expect(strata(root, "diff", "work").stdout).toBe("A /b\n");
  });

  test("a signal ends a command whose input is still open", async () => {
    const { root } = await storeWith({ a: "1" });
    const child = spawn(process.execPath, [main, "run", "--name", "work", "-i", "x:1", "cat"], {
      env: environment(root),
      stdio: ["pipe", "ignore", "ignore"],
    });
    const ended = new Promise((resolve) => child.once("exit", resolve));
    while (child.exitCode === null && !strata(root, "ps", "-q").stdout) await pause(50);
    child.kill("SIGINT");
    expect(await ended).toBe(130);
  });

  test("an image goes through a pipe from one store to another", async () => {
    const { root, image } = await storeWith({ a: "1" }, { b: "2" });
    const other = scratch();
    const { stdout, status } = shell(root, `$strata save x:1 | $strata --root ${other} load`);
    expect([stdout, status]).toEqual(["Loaded image: x:1\n", 0]);
    expect(strata(other, "images", "-q", "--no-trunc").stdout).toBe(`${image.id}\n`);
  });

  test("a pipe that is cut is an error, and leaves nothing", async () => {
    const { root } = await storeWith({ a: "x".repeat(100_000) });
    const other = scratch();
    const { stderr, status } = shell(root, `$strata save x:1 | head -c 5000 | $strata --root ${other} load`);
    expect(status).toBe(1);
    expect(stderr).toMatch(/standard input cannot be read/);
    expect(readdirSync(join(other, "blobs/sha256"))).toEqual([]);
  });
});

test("it runs as a program with an exit code", () => {
  expect(strata(scratch(), "--version")).toMatchObject({ status: 0, stderr: "" });
  expect(strata(scratch(), "nosuch").status).toBe(1);
  expect(strata(scratch(), "images", "--nosuch").status).toBe(125);
});

describe("several processes", () => {
  const blobsAreSound = (root: string) => {
    const names = readdirSync(join(root, "blobs/sha256"));
    for (const name of names) {
      expect(digestOf(readFileSync(join(root, "blobs/sha256", name)))).toBe(`sha256:${name}`);
    }
    return names.length;
  };

  test("loading different images into one new store: all are there", async () => {
    const root = scratch();
    const layouts = await Promise.all(
      [0, 1, 2, 3, 4].map(async (i) =>
        layoutOf(scratch(), await makeImage([{ shared: "1" }, { own: String(i) }]), `x:${i}`),
      ),
    );
    const codes = await Promise.all(
      layouts.map(
        (layout) =>
          new Promise((resolve) => {
            const child = spawn(process.execPath, [main, "load", "-i", layout], { env: environment(root) });
            child.on("exit", resolve);
          }),
      ),
    );
    expect(codes).toEqual([0, 0, 0, 0, 0]);
    expect(strata(root, "images", "--format", "{{.Tag}}").stdout.trim().split("\n").sort()).toEqual([
      "0",
      "1",
      "2",
      "3",
      "4",
    ]);
    expect(blobsAreSound(root)).toBe(16);
  });

  test("killed at any moment, the store is whole: what was reported is there, nothing is half there", async () => {
    const root = scratch();
    const image = await makeImage([
      { a: Buffer.alloc(400_000, 1) },
      { b: Buffer.alloc(400_000, 2) },
      { c: "3" },
    ]);
    const layout = layoutOf(scratch(), image, undefined);
    const reported: string[] = [];
    for (let round = 0; round < 24; round++) {
      const child = spawn(process.execPath, [main, "load", "-i", layout, "-t", `x:${round}`], {
        env: environment(root),
      });
      let said = "";
      child.stdout.on("data", (chunk) => (said += chunk));
      const ended = new Promise((resolve) => child.on("exit", resolve));
      setTimeout(() => child.kill("SIGKILL"), 60 + round * 9);
      await ended;
      if (said.includes("Loaded")) reported.push(String(round));
      if (round % 6 === 5) rmSync(join(root, "stratafs/layers-1"), { recursive: true, force: true });
    }
    const { stdout, stderr, status } = strata(root, "images", "--format", "{{.Tag}}");
    expect([stderr, status]).toEqual(["", 0]);
    for (const tag of reported) expect(stdout.split("\n")).toContain(tag);
    blobsAreSound(root);
    expect(strata(root, "load", "-i", layout, "-t", "x:last").status).toBe(0);
    expect(strata(root, "cat", "x:last", "/c").stdout).toBe("3");
  });
});

/**
 * Runs the command line in a process that tells its own peak of memory, in KiB. Not `maxRSS`: that one counts
 * what the process was before execve(2), a copy of this one.
 */
const MEASURED = `
  import { readFileSync } from "node:fs";
  const peak = () => /VmHWM:\\s*(\\d+)/.exec(readFileSync("/proc/self/status", "latin1"))[1];
  process.on("exit", () => process.stderr.write(peak()));
  process.argv.splice(1, 1);
  await import(process.argv[1]);
`;

test.skipIf(needs.image("debian-base"))("loading debian-base takes less than 200 MB of memory", () => {
  const root = scratch();
  const load = ["load", "-q", "-i", imagePath("debian-base"), "-t", "d"];
  const args = ["--input-type=module", "-e", MEASURED, "measured", main, ...load];
  const { stderr, status } = spawnSync(process.execPath, args, { env: environment(root), encoding: "utf8" });
  expect(status).toBe(0);
  expect(Number(stderr)).toBeGreaterThan(20_000);
  expect(Number(stderr)).toBeLessThan(200_000);
  expect(strata(root, "ls", "d", "/etc/debian_version").stdout).toBe("/etc/debian_version\n");
});
