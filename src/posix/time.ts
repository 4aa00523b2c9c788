/**
 * Times are nanoseconds since the epoch in a bigint, so that nothing is lost between a tar's
 * sub-second record, an inode and a `bigint` stat.
 */

/** Nanoseconds since 1970-01-01T00:00:00Z; negative before it. */
export type Nanoseconds = bigint;

const SECOND = 1_000_000_000n;

/** Whole seconds, rounded down as `date(1)` does for times before 1970. */
export function seconds(time: Nanoseconds): bigint {
  const whole = time / SECOND;
  return time < 0n && whole * SECOND !== time ? whole - 1n : whole;
}

/** The part below a second, 0 to 999,999,999, also for negative times. */
export function subsecond(time: Nanoseconds): number {
  const rest = time % SECOND;
  return Number(rest < 0n ? rest + SECOND : rest);
}

/** A time from whole seconds and nanoseconds. */
export function fromSeconds(whole: bigint | number, nanoseconds = 0): Nanoseconds {
  return BigInt(whole) * SECOND + BigInt(nanoseconds);
}

/** The same time at the start of its second: what a layer records (rule 59). */
export function floorToSecond(time: Nanoseconds): Nanoseconds {
  return seconds(time) * SECOND;
}

/** Milliseconds with a fraction, as in `stat.mtimeMs`. */
export function toMilliseconds(time: Nanoseconds): number {
  return Number(time / 1_000_000n) + Number(time % 1_000_000n) / 1e6;
}
