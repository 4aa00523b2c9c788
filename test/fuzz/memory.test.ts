/**
 * Invariant 8: reading a hostile archive of 64 MiB costs at most 64 MiB, in a process that does nothing
 * else; the tree of it, while it is made, at most twice that.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { rmSync } from "node:fs";
import { text } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { HOSTILE } from "./hostile-archives.ts";

const MIB = 2 ** 20;

let program: string;
beforeAll(async () => {
  const { bundleProgram } = (await import(new URL("../../scripts/bundle.mjs", import.meta.url).href)) as {
    bundleProgram(input: string): Promise<URL>;
  };
  program = fileURLToPath(await bundleProgram("test/fuzz/memory-child.ts"));
});
afterAll(() => rmSync(program, { force: true }));

test.each(Object.entries(HOSTILE))("%s", async (_, archive) => {
  const child = spawn(process.execPath, [program], { stdio: ["pipe", "pipe", "inherit"] });
  const output = text(child.stdout);
  const exited = once(child, "exit");
  // A child that has seen enough closes its end.
  await pipeline(archive(), child.stdin).catch(() => {});
  expect(await exited).toEqual([0, null]);
  const [read = "", applied = "", ...end] = (await output).split(" ");
  const mebibytes = [read, applied].map((bytes) => (Number(bytes) / MIB).toFixed(1));
  process.stdout.write(`${mebibytes.join(" MiB, applied ")} MiB: ${end.join(" ")}`);
  expect(Number(read)).toBeLessThan(64 * MIB);
  expect(Number(applied)).toBeLessThan(128 * MIB);
});
