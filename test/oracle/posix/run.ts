/**
 * Many sequences of calls on a mount's `fs` and on `node:fs` in a temporary directory. Needs no root
 * and no privilege. The first divergence of each kind is shrunk by fast-check and printed as a program.
 * Sequences are drawn in batches, batch `k` from seed `seed + k`, as the kernel oracle draws them.
 */
import fc from "fast-check";
import type { DifferenceName } from "../../vfs/differences.ts";
import { type Divergence, judge } from "./judge.ts";
import { program } from "./program.ts";
import type { Step } from "./step.ts";
import { sequences as arbitrary } from "./steps.ts";

export interface PosixOptions {
  readonly sequences: number;
  readonly seed: number;
  /** Goes on after a divergence, and shrinks the first of each kind. */
  readonly keepGoing?: boolean;
  /** Called after each batch with how many sequences are done. */
  readonly progress?: (done: number) => void;
}

export interface PosixReport {
  readonly sequences: number;
  readonly calls: number;
  readonly succeeded: number;
  readonly differences: ReadonlyMap<DifferenceName, number>;
  readonly failures: readonly PosixFailure[];
}

export interface PosixFailure {
  readonly divergence: Divergence;
  /** How many sequences it took to find it. */
  readonly after: number;
  readonly seed: number;
  readonly path: string;
  readonly program: string;
}

const BATCH = 200;

interface Found {
  readonly seed: number;
  readonly index: number;
  readonly after: number;
  readonly steps: readonly Step[];
  readonly divergence: Divergence;
}

export async function runPosix({ sequences, seed, keepGoing, progress }: PosixOptions): Promise<PosixReport> {
  const found = new Map<string, Found>();
  const differences = new Map<DifferenceName, number>();
  let [done, calls, succeeded] = [0, 0, 0];
  const over = () => done >= sequences || (found.size > 0 && keepGoing !== true);
  for (let batch = seed; !over(); batch++) {
    const samples = fc.sample(arbitrary, { seed: batch, numRuns: Math.min(BATCH, sequences - done) });
    for (const [index, steps] of samples.entries()) {
      if (over()) break;
      const judgement = await judge(steps);
      done += 1;
      calls += steps.length;
      succeeded += judgement.succeeded;
      for (const name of judgement.differences) differences.set(name, (differences.get(name) ?? 0) + 1);
      const { divergence } = judgement;
      if (divergence !== undefined && !found.has(divergence.kind))
        found.set(divergence.kind, { seed: batch, index, after: done, steps, divergence });
    }
    progress?.(done);
  }
  const failures: PosixFailure[] = [];
  for (const [kind, each] of found) failures.push(await shrink(kind, each));
  return { sequences: done, calls, succeeded, differences, failures };
}

/** The shortest form of what was found; as it was found where it is not met again in the same steps. */
async function shrink(kind: string, found: Found): Promise<PosixFailure> {
  const { seed, index, after } = found;
  const isOther = async (steps: readonly Step[]) => (await judge(steps)).divergence?.kind !== kind;
  const details = await fc.check(fc.asyncProperty(arbitrary, isOther), {
    seed,
    path: String(index),
    numRuns: 1,
  });
  const [shrunk] = details.counterexample ?? [];
  const shortest = shrunk && (await withoutIdle(shrunk, isOther));
  const again = shortest && (await judge(shortest)).divergence;
  const divergence = again ?? found.divergence;
  const path = (again && details.counterexamplePath) ?? String(index);
  const notes = [
    `${typeof divergence.at === "number" ? `call ${divergence.at + 1}` : divergence.at}: ${divergence.kind}`,
    `node:fs: ${divergence.node}`,
    `ours:    ${divergence.ours}`,
    `seed ${seed}, path ${path}`,
    ...(again === undefined ? ["at times only: the order in which a directory is listed may decide"] : []),
  ];
  const steps = (again && shortest) ?? found.steps;
  return { divergence, after, seed, path, program: program(steps, notes) };
}

/** Without the steps that the divergence can do without. */
async function withoutIdle(steps: readonly Step[], isOther: (steps: readonly Step[]) => Promise<boolean>) {
  let kept = steps;
  for (let at = steps.length - 1; at >= 0; at--) {
    const fewer = kept.filter((_, index) => index !== at);
    if (!(await isOther(fewer))) kept = fewer;
  }
  return kept;
}

export function describePosix(report: PosixReport): string {
  const met = [...report.differences].map(([name, count]) => `${name} ${count}`).join(", ");
  const lines = [
    `${report.sequences} sequences, ${report.calls} calls, ${report.succeeded} of them succeeded`,
    `deliberate differences met: ${met || "none"}`,
  ];
  for (const { divergence, after, program: text } of report.failures) {
    lines.push("", `DIVERGENCE after ${after} sequences, ${divergence.kind}`, "", text);
  }
  return lines.join("\n");
}
