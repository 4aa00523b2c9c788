/**
 * Lines of `ls -l`: columns that line up, owners as numbers, times in UTC.
 */
import { deviceMajor, deviceMinor, kindOf, modeString } from "../posix/mode.ts";
import { seconds } from "../posix/time.ts";
import type { Stat } from "../union/types.ts";
import { shownName } from "./image-files.ts";
import type { Listed } from "./ls.ts";

/** The furthest second from the epoch that a JavaScript date can hold. */
const MAX_DATE = 8_640_000_000_000n;

function timeString(stat: Stat): string {
  const whole = seconds(stat.mtime);
  if (whole > MAX_DATE || whole < -MAX_DATE) return `@${whole}`;
  return new Date(Number(whole) * 1000).toISOString().replace("T", " ").slice(0, -5);
}

function sizeString(stat: Stat): string {
  const kind = kindOf(stat.mode);
  if (kind !== "char" && kind !== "block") return String(stat.size);
  return `${deviceMajor(stat.rdev)}, ${deviceMinor(stat.rdev)}`;
}

export function longLines(entries: readonly Listed[], terminal: boolean): readonly Uint8Array[] {
  const rows = entries.map(({ stat }) => [
    String(stat.nlink),
    String(stat.uid),
    String(stat.gid),
    sizeString(stat),
  ]);
  const widths = [0, 1, 2, 3].map((column) => Math.max(0, ...rows.map((row) => row[column]!.length)));
  return entries.map(({ name, stat, target }, i) => {
    const numbers = rows[i]!.map((cell, column) => cell.padStart(widths[column]!)).join(" ");
    const facts = `${modeString(stat.mode)} ${numbers} ${timeString(stat)} `;
    const link = target === undefined ? [] : [Buffer.from(" -> "), shownName(target, terminal)];
    return Buffer.concat([Buffer.from(facts), shownName(name, terminal), ...link, Buffer.from("\n")]);
  });
}
