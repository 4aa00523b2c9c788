/**
 * Why a step was a hit or a miss: its inputs beside those of the last run at the same place.
 */
import type { StepInputs } from "../store/step-cache.ts";

/** One input that differs; undefined where it is not there. */
export interface InputChange {
  readonly name: string;
  readonly from: string | undefined;
  readonly to: string | undefined;
}

/** Every input that differs, in order of name. */
export function changedInputs(before: StepInputs, now: StepInputs): readonly InputChange[] {
  const names = new Set([...Object.keys(before), ...Object.keys(now)]);
  return [...names]
    .filter((name) => before[name] !== now[name])
    .sort()
    .map((name) => ({ name, from: before[name], to: now[name] }));
}

/** How many changed inputs are told one by one. */
const MOST = 10;
/** How much of a value is shown. */
const WIDTH = 60;

function shown(value: string): string {
  const line = value.replaceAll("\n", "\\n");
  return line.length <= WIDTH ? line : `${line.slice(0, WIDTH - 1)}…`;
}

/** The lines that `--explain` prints for a step that had to run. */
export function explainMiss(before: StepInputs | undefined, now: StepInputs): readonly string[] {
  if (before === undefined) return ["not cached: this step has not run before"];
  const changes = changedInputs(before, now);
  if (changes.length === 0) return ["not cached: the inputs are the same, but what they gave is gone"];
  const lines = changes.slice(0, MOST).map(({ name, from, to }) => {
    if (from === undefined) return `not cached: ${name} is new: ${shown(to!)}`;
    if (to === undefined) return `not cached: ${name} is gone, was ${shown(from)}`;
    return `not cached: ${name} changed from ${shown(from)} to ${shown(to)}`;
  });
  const rest = changes.length - MOST;
  return rest > 0 ? [...lines, `not cached: ${rest} more inputs changed`] : lines;
}
