/**
 * Lines of `ls -l`: columns that line up, owners as numbers, times in UTC.
 */
import { deviceMajor, deviceMinor, type Kind, kindOf } from "../posix/mode.ts";
import { seconds } from "../posix/time.ts";
import type { Stat } from "../union/types.ts";
import { shownName } from "./image-files.ts";
import type { Listed } from "./ls.ts";

const LETTERS: { readonly [kind in Kind]: string } = {
  file: "-",
  directory: "d",
  symlink: "l",
  char: "c",
  block: "b",
  fifo: "p",
  socket: "s",
};

function triad(bits: number, special: boolean, letter: string): string {
  const execute = (bits & 1) !== 0;
  const last = special ? (execute ? letter : letter.toUpperCase()) : execute ? "x" : "-";
  return `${bits & 4 ? "r" : "-"}${bits & 2 ? "w" : "-"}${last}`;
}

/** `-rwsr-xr-t` */
export function modeString(mode: number): string {
  const kind = kindOf(mode);
  return [
    kind === undefined ? "?" : LETTERS[kind],
    triad((mode >> 6) & 7, (mode & 0o4000) !== 0, "s"),
    triad((mode >> 3) & 7, (mode & 0o2000) !== 0, "s"),
    triad(mode & 7, (mode & 0o1000) !== 0, "t"),
  ].join("");
}

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
