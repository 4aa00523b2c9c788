/**
 * Feeds targets with random cases; what fails is shrunk by fast-check. Cases are drawn in batches, batch
 * `k` from seed `seed + k`, so that a long run needs no memory and any batch can be run again by itself.
 */
import fc from "fast-check";
import type { Target } from "./target.ts";

export interface Found {
  readonly seed: number;
  /** The shortest case that still fails. */
  readonly bytes: Uint8Array;
  readonly error: Error;
}

export interface RunOptions {
  readonly cases: number;
  readonly seed: number;
  /** Told of each case before it is fed, so that one that never ends can be kept. */
  readonly before?: (bytes: Uint8Array) => void;
}

const BATCH = 500;

/** Feeds `cases` cases to one target; gives the first that shows a fault. */
export async function runTarget(target: Target, options: RunOptions): Promise<Found | undefined> {
  try {
    for (let done = 0, batch = 0; done < options.cases; done += BATCH, batch++) {
      const seed = options.seed + batch;
      const property = fc.asyncProperty(target.cases, async (bytes) => {
        options.before?.(bytes);
        await target.feed(bytes);
      });
      const numRuns = Math.min(BATCH, options.cases - done);
      const { failed, counterexample, errorInstance } = await fc.check(property, { seed, numRuns });
      if (!failed) continue;
      return { seed, bytes: counterexample?.[0] ?? new Uint8Array(), error: asError(errorInstance) };
    }
    return undefined;
  } finally {
    await target.end?.();
  }
}

/** Feeds one case, such as one that was kept in a file. */
export async function feedOnce(target: Target, bytes: Uint8Array): Promise<Error | undefined> {
  try {
    await target.feed(bytes);
    return undefined;
  } catch (error) {
    return asError(error);
  } finally {
    await target.end?.();
  }
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
