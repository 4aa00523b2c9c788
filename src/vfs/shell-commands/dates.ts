/**
 * Dates as `touch -d`, `-t` and `date -d` take them, in UTC, and times as commands print them.
 */
import { fromSeconds, type Nanoseconds, seconds, subsecond } from "../../posix/time.ts";
import { CommandError } from "../shell/process.ts";

const ISO =
  /^(\d{4})-?(\d\d)-?(\d\d)(?:[T ]+(\d\d):?(\d\d)(?::?(\d\d)(?:[.,](\d+))?)?)? *(Z|UTC|GMT|[+-]\d\d:?\d\d)?$/;
const DAY = 86_400n * 1_000_000_000n;

/** @throws CommandError */
export function parseDate(text: string, now: Nanoseconds): Nanoseconds {
  const since = /^@(-?\d+)(?:[.,](\d+))?$/.exec(text);
  if (since !== null) return fromSeconds(BigInt(since[1]!), fraction(since[2]));
  const iso = ISO.exec(text.trim());
  if (iso !== null) {
    const [, year, month, day, hour = "0", minute = "0", second = "0", part, zone] = iso;
    const utc = Date.UTC(
      Number(year),
      Number(month) - 1,
      Number(day),
      Number(hour),
      Number(minute),
      Number(second),
    );
    return fromSeconds(BigInt(utc / 1000) - BigInt(offset(zone)), fraction(part));
  }
  if (text === "now" || text === "") return now;
  if (text === "today") return now;
  if (text === "yesterday") return now - DAY;
  if (text === "tomorrow") return now + DAY;
  const other = Date.parse(/(GMT|UTC|[+-]\d{4})$/.test(text) ? text : `${text} UTC`);
  if (Number.isNaN(other)) throw new CommandError(`invalid date format '${text}'`);
  return fromSeconds(BigInt(Math.floor(other / 1000)));
}

/** `[[CC]YY]MMDDhhmm[.ss]`. @throws CommandError */
export function parseStamp(text: string, now: Nanoseconds): Nanoseconds {
  const parts = /^(?:(\d\d)?(\d\d))?(\d\d)(\d\d)(\d\d)(\d\d)(?:\.(\d\d))?$/.exec(text);
  if (parts === null) throw new CommandError(`invalid date format '${text}'`);
  const [, century, short, month, day, hour, minute, second = "0"] = parts;
  const year =
    short === undefined
      ? new Date(Number(seconds(now)) * 1000).getUTCFullYear()
      : Number(short) + (century !== undefined ? Number(century) * 100 : Number(short) < 69 ? 2000 : 1900);
  return fromSeconds(
    BigInt(
      Date.UTC(year, Number(month) - 1, Number(day), Number(hour), Number(minute), Number(second)) / 1000,
    ),
  );
}

function fraction(digits: string | undefined): number {
  return digits === undefined ? 0 : Number(digits.slice(0, 9).padEnd(9, "0"));
}

function offset(zone: string | undefined): number {
  const parts = /^([+-])(\d\d):?(\d\d)$/.exec(zone ?? "");
  return parts === null ? 0 : (parts[1] === "-" ? -1 : 1) * (Number(parts[2]) * 3600 + Number(parts[3]) * 60);
}

const pad = (number: number, width = 2) => String(number).padStart(width, "0");
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

export function dateOf(time: Nanoseconds): Date {
  return new Date(Number(seconds(time)) * 1000);
}

/** `2024-01-02 03:04:05.000000000 +0000` */
export function fullTime(time: Nanoseconds): string {
  const text = dateOf(time).toISOString();
  return `${text.slice(0, 10)} ${text.slice(11, 19)}.${pad(subsecond(time), 9)} +0000`;
}

/** As `ls -l` shows it: with the hour for the last half year, else with the year. */
export function listingTime(time: Nanoseconds, now: Nanoseconds): string {
  const date = dateOf(time);
  const day = `${MONTHS[date.getUTCMonth()]} ${String(date.getUTCDate()).padStart(2)}`;
  const recent = time <= now && now - time < 15_778_476n * 1_000_000_000n;
  return recent
    ? `${day} ${pad(date.getUTCHours())}:${pad(date.getUTCMinutes())}`
    : `${day}  ${date.getUTCFullYear()}`;
}
