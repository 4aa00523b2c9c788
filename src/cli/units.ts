/**
 * Sizes and durations in Docker's words (docker/go-units).
 */

const SUFFIXES = ["B", "kB", "MB", "GB", "TB", "PB", "EB"] as const;

/** A size with three significant digits in decimal units: `1.98MB`, `34B`, `1.1kB`. */
export function humanSize(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (Number(value.toPrecision(3)) >= 1000 && unit < SUFFIXES.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${Number(value.toPrecision(3))}${SUFFIXES[unit]}`;
}

/** How long something is ago, without the `ago`: `About a minute`, `3 weeks`. */
export function humanDuration(milliseconds: number): string {
  const seconds = Math.trunc(milliseconds / 1000);
  if (seconds < 1) return "Less than a second";
  if (seconds === 1) return "1 second";
  if (seconds < 60) return `${seconds} seconds`;
  const minutes = Math.trunc(milliseconds / 60_000);
  if (minutes === 1) return "About a minute";
  if (minutes < 60) return `${minutes} minutes`;
  const hours = Math.trunc(milliseconds / 3_600_000 + 0.5);
  if (hours === 1) return "About an hour";
  if (hours < 48) return `${hours} hours`;
  if (hours < 24 * 7 * 2) return `${Math.trunc(hours / 24)} days`;
  if (hours < 24 * 30 * 2) return `${Math.trunc(hours / 24 / 7)} weeks`;
  if (hours < 24 * 365 * 2) return `${Math.trunc(hours / 24 / 30)} months`;
  return `${Math.trunc(Math.trunc(milliseconds / 3_600_000) / 24 / 365)} years`;
}

/** When an image or a step was made, as a column of a table has it; `N/A` where it is not told. */
export function createdSince(created: string | undefined, now: number): string {
  const time = created === undefined ? Number.NaN : Date.parse(created);
  if (Number.isNaN(time) || created?.startsWith("0001-01-01T00:00:00")) return "N/A";
  return `${humanDuration(now - time)} ago`;
}

/** RFC 3339 in whole seconds, as tables show a time in full: `2026-11-21T01:16:00Z`. */
export function createdAt(created: string | undefined): string {
  const time = created === undefined ? Number.NaN : Date.parse(created);
  return Number.isNaN(time) ? "" : new Date(time).toISOString().replace(/\.\d+Z$/, "Z");
}

/** Go's form of a time in `CreatedAt` of `images`: `2026-11-21 01:16:00 +0000 UTC`. */
export function goTime(created: string | undefined): string {
  const at = createdAt(created);
  return at === "" ? "N/A" : `${at.slice(0, 10)} ${at.slice(11, 19)} +0000 UTC`;
}
