/**
 * What the oracle prints for a divergence is a script that runs, and that makes the calls it judged.
 */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { needs } from "../requirements.ts";
import { Kernel } from "./kernel.ts";
import { layers } from "./lowers.ts";
import { operations } from "./operations.ts";
import { shellScript } from "./script.ts";

const MISSING =
  needs.kernelOverlay() ?? needs.tool("setfattr", "attr") ?? needs.tool("unshare", "util-linux");

describe.skipIf(MISSING)("a scenario as a script", () => {
  let kernel: Kernel;
  beforeAll(async () => {
    kernel = await Kernel.start();
  });
  afterAll(() => kernel.close());

  const scenarios = fc.sample(fc.record({ layers, operations: operations(60) }), { seed: 1, numRuns: 12 });
  it.each(scenarios.map((scenario, i) => [i, scenario] as const))(
    "gives the errors that the oracle saw (scenario %i)",
    async (_, scenario) => {
      const { results } = await kernel.run("index", scenario);
      const script = shellScript("index", scenario, ["a test"]);
      const { stdout } = await promisify(execFile)("unshare", ["--mount", "bash", "-c", script], {
        encoding: "latin1",
        maxBuffer: 1 << 26,
      });
      const printed = [...stdout.matchAll(/ => (.*)$/gm)].map(([, result]) => result);
      expect(printed.length).toBe(scenario.operations.length);
      for (const [i, result] of results.entries()) {
        const error = result === "EOPNOTSUPP" ? "ENOTSUP" : result;
        if (typeof error === "string") expect(printed[i]).toBe(error);
        else expect(printed[i]).not.toMatch(/^E[A-Z]+$/);
      }
    },
  );
});
