/**
 * Durations as Go writes and reads them (`time.ParseDuration`): `1h15m30.918273645s`, `-1.5h`, `0`.
 */

/** Nanoseconds. */
const UNITS: ReadonlyMap<string, bigint> = new Map([
  ["ns", 1n],
  ["us", 1_000n],
  ["\u00b5s", 1_000n],
  ["\u03bcs", 1_000n],
  ["ms", 1_000_000n],
  ["s", 1_000_000_000n],
  ["m", 60_000_000_000n],
  ["h", 3_600_000_000_000n],
]);

const PART = /^([0-9]*)(?:\.([0-9]*))?([^0-9.]+)/;
/** What an int64 of nanoseconds holds: about 292 years. */
const MAX = 2n ** 63n - 1n;

/** Nanoseconds of a duration, or the words of Go on what is wrong with it. */
export function parseDuration(text: string): { readonly nanoseconds: bigint } | { readonly problem: string } {
  const invalid = { problem: `time: invalid duration ${JSON.stringify(text)}` };
  const negative = text.startsWith("-");
  let rest = text.replace(/^[-+]/, "");
  if (rest === "0") return { nanoseconds: 0n };
  if (rest === "") return invalid;
  let total = 0n;
  while (rest !== "") {
    if (!/^[0-9.]/.test(rest)) return invalid;
    const match = PART.exec(rest);
    if (match === null) {
      return /^[0-9]*(\.[0-9]*)?$/.test(rest) && /[0-9]/.test(rest)
        ? { problem: `time: missing unit in duration ${JSON.stringify(text)}` }
        : invalid;
    }
    const [part, whole = "", fraction = "", name = ""] = match;
    if (whole === "" && fraction === "") return invalid;
    const unit = UNITS.get(name);
    if (unit === undefined) {
      return { problem: `time: unknown unit ${JSON.stringify(name)} in duration ${JSON.stringify(text)}` };
    }
    total += BigInt(whole || "0") * unit + (BigInt(fraction || "0") * unit) / 10n ** BigInt(fraction.length);
    if (total > MAX) return invalid;
    rest = rest.slice(part.length);
  }
  return { nanoseconds: negative ? -total : total };
}

/** A duration as Go's `%v` prints it: `30s`, `1m30s`, `1.5ms`. */
export function formatDuration(nanoseconds: number): string {
  if (nanoseconds === 0) return "0s";
  const sign = nanoseconds < 0 ? "-" : "";
  const value = Math.abs(nanoseconds);
  if (value < 1e3) return `${sign}${value}ns`;
  if (value < 1e6) return `${sign}${fixed(value, 3)}µs`;
  if (value < 1e9) return `${sign}${fixed(value, 6)}ms`;
  const minutes = Math.floor(value / 60e9);
  const seconds = fixed(value % 60e9, 9);
  if (minutes === 0) return `${sign}${seconds}s`;
  const hours = Math.floor(minutes / 60);
  return hours === 0 ? `${sign}${minutes}m${seconds}s` : `${sign}${hours}h${minutes % 60}m${seconds}s`;
}

/** A whole number divided by a power of ten, without zeros at the end. */
function fixed(value: number, digits: number): string {
  const text = String(value).padStart(digits + 1, "0");
  const fraction = text.slice(-digits).replace(/0+$/, "");
  return fraction === "" ? text.slice(0, -digits) : `${text.slice(0, -digits)}.${fraction}`;
}
