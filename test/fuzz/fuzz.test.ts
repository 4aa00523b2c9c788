/**
 * Hostile input, a bounded number of cases. For longer runs: `npm run fuzz`.
 */
import { execFile } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { scratch } from "../store/scratch.ts";
import { feedOnce, runTarget } from "./run.ts";
import { Fault, type Target } from "./target.ts";
import { TARGETS } from "./targets.ts";

const inCI = process.env.CI === "true";
/** For the archive reader; each target has a share of it. */
const CASES = inCI ? 2000 : 300;

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

function fuzz(...args: string[]): Promise<{ readonly stdout: string }> {
  return promisify(execFile)(process.execPath, ["scripts/fuzz.mjs", ...args], { cwd: ROOT });
}

describe("hostile input", () => {
  it("gives errors of the promised types, the same answers every way, and leaves nothing", {
    timeout: 600_000,
  }, async () => {
    // One change must not fail for what another left: CI repeats its cases, people look for new ones.
    const seed = inCI ? 20_261_121 : Math.floor(Math.random() * 2 ** 31);
    const { stdout } = await fuzz(
      "--cases",
      String(CASES),
      "--seed",
      String(seed),
      "--save",
      scratch(),
    ).catch(
      // The report is on the output, also where it tells of a fault.
      (failed: { readonly stdout: string }) => failed,
    );
    process.stdout.write(stdout);
    expect(stdout).not.toContain("FAULT");
    for (const { name } of TARGETS) expect(stdout).toMatch(new RegExp(`^${name} .* cases`, "m"));
  });
});

describe("a fault", () => {
  /** Has one for every case with a byte above 99. */
  const target: Target = {
    name: "large",
    what: "bytes",
    share: 1,
    cases: fc.uint8Array({ maxLength: 50 }),
    feed(bytes) {
      if (bytes.some((byte) => byte > 99)) throw new Fault("a large byte");
    },
  };

  it("is shrunk, and found again from its seed and from its bytes", async () => {
    const found = await runTarget(target, { cases: 3000, seed: 5 });
    expect(found?.bytes).toEqual(Uint8Array.of(100));
    expect(found?.error.message).toBe("a large byte");
    expect(await runTarget(target, { cases: 500, seed: found!.seed })).toEqual(found);
    expect(await feedOnce(target, found!.bytes)).toBeInstanceOf(Fault);
    expect(await feedOnce(target, Uint8Array.of(99))).toBeUndefined();
  });

  it("is fed again from a file", async () => {
    const file = join(scratch(), "a.case");
    writeFileSync(file, "a");
    const { stdout } = await fuzz("--target", "references", "--feed", file);
    expect(stdout).toMatch(/^references +1 cases/m);
    expect(readFileSync(file, "utf8")).toBe("a");
  });
});
