/**
 * Random sequences of calls: kernel overlayfs, with default options and with
 * `index=on,redirect_dir=on`, against our mount. For longer runs: `npm run oracle`.
 */
import { describe, expect, it } from "vitest";
import { needs } from "../requirements.ts";
import { describeReport, runOracle } from "./run.ts";

const inCI = process.env.CI === "true";
/** On a developer's machine a taste, in CI what the project promises. */
const SEQUENCES = inCI ? 5000 : 400;

describe.skipIf(needs.kernelOverlay())("kernel overlayfs", () => {
  it(`agrees on ${SEQUENCES} random sequences of calls`, { timeout: 600_000 }, async () => {
    // One change must not fail for what another left: CI repeats its sequences, people look for new ones.
    const seed = inCI ? 20_261_121 : Math.floor(Math.random() * 2 ** 31);
    process.stdout.write(`kernel oracle: seed ${seed}\n`);
    const report = await runOracle({ sequences: SEQUENCES, seed });
    process.stdout.write(`${describeReport(report)}\n`);
    expect(report.failures.map(({ divergence, seed }) => ({ ...divergence, seed }))).toEqual([]);
    // A run in which nothing happens would agree as well.
    expect(report.succeeded).toBeGreaterThan(report.calls / 5);
  });
});
