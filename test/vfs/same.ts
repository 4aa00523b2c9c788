/**
 * A scenario of several calls, played in a temporary directory and on a mount: what it tells and the
 * trees it leaves must be equal.
 */
import { expect } from "vitest";
import { comparable, fill, type Ground, grounds, treeOf } from "./ground.ts";

export type Scenario = (ground: Ground) => unknown;

/** Plays a scenario on both, and expects equal results and trees. @returns the result, for more to be asked of it */
export async function same(scenario: Scenario): Promise<unknown> {
  const { real, ours, end } = grounds(fill);
  try {
    const results: unknown[] = [];
    for (const ground of [real, ours]) {
      const told = comparable(await outcome(scenario, ground));
      results.push({ told, tree: treeOf(ground.fs, ground.root) });
    }
    expect(results[1]).toEqual(results[0]);
    return (results[1] as { told: unknown }).told;
  } finally {
    end();
  }
}

/** The result, or the error that ended it, which must be the same too. */
async function outcome(scenario: Scenario, ground: Ground): Promise<unknown> {
  try {
    return await scenario(ground);
  } catch (error) {
    return { ended: comparable(error) };
  }
}

/** The error of a call that must fail, told in a way that can be compared. */
export async function failure(call: () => unknown): Promise<unknown> {
  try {
    await call();
  } catch (error) {
    return comparable(error);
  }
  return "no error";
}
