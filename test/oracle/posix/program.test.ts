/**
 * What the oracle prints for a divergence is a program: it makes the calls that were judged, on
 * `node:fs` and on the other, and prints what each gave.
 */
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";
import fc from "fast-check";
import { rolldown } from "rolldown";
import { expect, it } from "vitest";
import { program } from "./program.ts";
import { sequences } from "./steps.ts";

const root = fileURLToPath(new URL("../../..", import.meta.url));

/** The package as its sources are now, where it finds what it imports. */
async function packageNow(): Promise<string> {
  const file = join(root, `node_modules/.cache/stratafs/package-${process.pid}.mjs`);
  const bundle = await rolldown({
    input: join(root, "src/index.ts"),
    cwd: root,
    platform: "node",
    external: [/^[^./#]/],
    resolve: { alias: { "#platform": join(root, "src/platform/node.ts") } },
  });
  await bundle.write({ file, format: "esm", codeSplitting: false });
  await bundle.close();
  return file;
}

it("a sequence as a program runs and tells of every call twice", async () => {
  const file = await packageNow();
  const directory = await mkdtemp(join(tmpdir(), "stratafs-program-"));
  try {
    for (const [at, steps] of fc.sample(sequences, { seed: 5, numRuns: 3 }).entries()) {
      const text = program(steps, ["a note\nof two lines"]).replace(
        '"stratafs"',
        JSON.stringify(pathToFileURL(file).href),
      );
      const written = join(directory, `${at}.mjs`);
      await writeFile(written, text);
      const { stdout } = await promisify(execFile)(process.execPath, ["--no-deprecation", written], {
        maxBuffer: 1 << 26,
      });
      expect(stdout.match(/ => /g)?.length ?? 0).toBeGreaterThanOrEqual(steps.length * 2);
      expect(stdout).toMatch(/^--- node:fs$[\s\S]*^--- mount$/m);
      expect(stdout).not.toContain("uncaught");
    }
  } finally {
    await rm(directory, { recursive: true });
    await rm(file);
  }
});
