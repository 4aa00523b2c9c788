/**
 * Signals of Linux by name and number, as STOPSIGNAL takes them.
 */

/** Numbers as on x86, ARM and most others (signal(7)). */
const NAMES: ReadonlyMap<string, number> = new Map([
  ["ABRT", 6],
  ["ALRM", 14],
  ["BUS", 7],
  ["CHLD", 17],
  ["CLD", 17],
  ["CONT", 18],
  ["FPE", 8],
  ["HUP", 1],
  ["ILL", 4],
  ["INT", 2],
  ["IO", 29],
  ["IOT", 6],
  ["KILL", 9],
  ["PIPE", 13],
  ["POLL", 29],
  ["PROF", 27],
  ["PWR", 30],
  ["QUIT", 3],
  ["SEGV", 11],
  ["STKFLT", 16],
  ["STOP", 19],
  ["SYS", 31],
  ["TERM", 15],
  ["TRAP", 5],
  ["TSTP", 20],
  ["TTIN", 21],
  ["TTOU", 22],
  ["URG", 23],
  ["USR1", 10],
  ["USR2", 12],
  ["VTALRM", 26],
  ["WINCH", 28],
  ["XCPU", 24],
  ["XFSZ", 25],
]);

const RTMIN = 34;
const RTMAX = 64;

function realTime(name: string): number | undefined {
  const match = /^RT(MIN|MAX)(?:([+-])([0-9]{1,2}))?$/.exec(name);
  if (match === null) return undefined;
  const [, end, sign, offset = "0"] = match;
  if (sign !== undefined && sign !== (end === "MIN" ? "+" : "-")) return undefined;
  const number = end === "MIN" ? RTMIN + Number(offset) : RTMAX - Number(offset);
  return number >= RTMIN && number <= RTMAX ? number : undefined;
}

/** The number of a signal given by number or by name in any case, `SIG` before it or not; undefined for none. */
export function signalNumber(text: string): number | undefined {
  if (/^[0-9]+$/.test(text)) {
    const number = Number(text);
    return number >= 1 && number <= RTMAX ? number : undefined;
  }
  const name = text.toUpperCase().replace(/^SIG/, "");
  return NAMES.get(name) ?? realTime(name);
}
