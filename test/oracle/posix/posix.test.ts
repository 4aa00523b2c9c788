/**
 * Random sequences of `node:fs` calls, in all forms, on a mount and in a temporary directory. For longer
 * runs: `npm run oracle -- --posix`.
 */
import { expect, it } from "vitest";
import { describePosix, runPosix } from "./run.ts";

const inCI = process.env.CI === "true";
/** On a developer's machine a taste, in CI what the project promises. */
const SEQUENCES = inCI ? 1500 : 300;

it(`node:fs and a mount agree on ${SEQUENCES} random sequences of calls`, { timeout: 900_000 }, async () => {
  // One change must not fail for what another left: CI repeats its sequences, people look for new ones.
  const seed = inCI ? 20_261_121 : Math.floor(Math.random() * 2 ** 31);
  process.stdout.write(`POSIX oracle: seed ${seed}\n`);
  const report = await runPosix({ sequences: SEQUENCES, seed });
  process.stdout.write(`${describePosix(report)}\n`);
  expect(report.failures.map(({ divergence, seed: found }) => ({ ...divergence, seed: found }))).toEqual([]);
  // A run in which nothing happens would agree as well.
  expect(report.succeeded).toBeGreaterThan(report.calls / 5);
});
