/**
 * Many scenarios, judged on both kinds of overlay; the first divergence is shrunk by fast-check and
 * written as a script. Scenarios are drawn in batches, batch `k` from seed `seed + k`, so that a long
 * run needs no memory and any batch can be run again by itself.
 */
import fc from "fast-check";
import type { DifferenceName } from "./differences.ts";
import { type Divergence, judge, scenarioFor } from "./judge.ts";
import { Kernel, type MountKind } from "./kernel.ts";
import { layers } from "./lowers.ts";
import { operations } from "./operations.ts";
import type { Scenario } from "./scenario.ts";
import { shellScript } from "./script.ts";

export interface OracleOptions {
  readonly sequences: number;
  readonly seed: number;
  /** Goes on after a divergence, and shrinks the first of each kind. */
  readonly keepGoing?: boolean;
  /** Called after each batch with how many sequences are done. */
  readonly progress?: (done: number) => void;
}

export interface OracleReport {
  readonly sequences: number;
  readonly calls: number;
  /** Calls that neither mount refused. */
  readonly succeeded: number;
  /** How often each deliberate difference was met. */
  readonly differences: ReadonlyMap<DifferenceName, number>;
  /** One of each kind of divergence. */
  readonly failures: readonly Failure[];
}

export interface Failure {
  readonly divergence: Divergence;
  /** Seed and path for fast-check, and for `npm run oracle`. */
  readonly seed: number;
  readonly path: string;
  /** The shortest form that was found, as a script for a shell. */
  readonly script: string;
}

/** The most calls of one scenario. */
export const MOST_CALLS = 60;
const BATCH = 200;
/** Enough to keep two processors busy: the kernel's answer is awaited while another scenario runs here. */
const IN_FLIGHT = 4;
const MOUNTS: readonly MountKind[] = ["default", "index"];

const scenarios: fc.Arbitrary<Scenario> = fc.record({ layers, operations: operations(MOST_CALLS) });

export async function runOracle(options: OracleOptions): Promise<OracleReport> {
  const kernel = await Kernel.start();
  try {
    return await new Run(kernel).all(options);
  } finally {
    await kernel.close();
  }
}

/** A divergence as it was met, before it is shrunk. */
interface Found {
  readonly seed: number;
  readonly index: number;
  readonly mount: MountKind;
}

class Run {
  readonly #kernel: Kernel;
  readonly #differences = new Map<DifferenceName, number>();
  /** The first divergence of each kind. */
  readonly #found = new Map<string, Found>();
  #calls = 0;
  #succeeded = 0;

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  async all({ sequences, seed, keepGoing, progress }: OracleOptions): Promise<OracleReport> {
    let done = 0;
    for (let batch = 0; done < sequences; batch++) {
      if (this.#found.size > 0 && !keepGoing) break;
      const count = Math.min(BATCH, sequences - done);
      await this.#batch(seed + batch, count);
      done += count;
      progress?.(done);
    }
    const failures: Failure[] = [];
    for (const [kind, found] of this.#found) failures.push(await this.#shrink(kind, found));
    const { calls, succeeded } = { calls: this.#calls, succeeded: this.#succeeded };
    return { sequences: done, calls, succeeded, differences: this.#differences, failures };
  }

  async #batch(seed: number, count: number): Promise<void> {
    const samples = fc.sample(scenarios, { seed, numRuns: count });
    let next = 0;
    const work = async () => {
      for (let index = next++; index < samples.length; index = next++) {
        for (const mount of MOUNTS) await this.#one(samples[index]!, { seed, index, mount });
      }
    };
    await Promise.all(Array.from({ length: IN_FLIGHT }, work));
  }

  async #one(scenario: Scenario, found: Found): Promise<void> {
    const { divergence, differences, succeeded } = await judge(this.#kernel, found.mount, scenario);
    this.#calls += scenario.operations.length;
    this.#succeeded += succeeded;
    for (const name of differences) this.#differences.set(name, (this.#differences.get(name) ?? 0) + 1);
    if (divergence !== undefined && !this.#found.has(divergence.kind))
      this.#found.set(divergence.kind, found);
  }

  async #shrink(kind: string, { seed, index, mount }: Found): Promise<Failure> {
    const isOther = async (scenario: Scenario) =>
      (await judge(this.#kernel, mount, scenario)).divergence?.kind !== kind;
    const property = fc.asyncProperty(scenarios, isOther);
    const details = await fc.check(property, { seed, path: String(index), numRuns: 1 });
    const [shortest] = details.counterexample ?? [];
    const divergence =
      shortest === undefined ? undefined : (await judge(this.#kernel, mount, shortest)).divergence;
    if (shortest === undefined || divergence === undefined) {
      throw new Error(`sequence ${index} of seed ${seed} diverges only at times (${kind})`);
    }
    const path = details.counterexamplePath ?? String(index);
    const notes = [
      `${mount} mount, ${typeof divergence.at === "number" ? `call ${divergence.at + 1}` : divergence.at}: ${divergence.kind}`,
      `kernel: ${divergence.kernel}`,
      `ours:   ${divergence.ours}`,
      `seed ${seed}, path ${path}`,
    ];
    const script = shellScript(mount, scenarioFor(mount, shortest), notes);
    return { divergence, seed, path, script };
  }
}

/** What a report says, for a person. */
export function describeReport(report: OracleReport): string {
  const met = [...report.differences].map(([name, count]) => `${name} ${count}`).join(", ");
  const lines = [
    `${report.sequences} sequences on ${MOUNTS.length} kinds of mount, ${report.calls} calls, ${report.succeeded} of them succeeded`,
    `deliberate differences met: ${met || "none"}`,
  ];
  for (const { divergence, script } of report.failures) {
    lines.push("", `DIVERGENCE ${divergence.kind}`, "", script);
  }
  return lines.join("\n");
}
