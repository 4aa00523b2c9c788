/** `ls`, as it writes where no terminal reads. */
import { deviceMajor, deviceMinor, kindOf, modeString } from "../../posix/mode.ts";
import { compareNames } from "../../posix/names.ts";
import type { Stat } from "../../union/types.ts";
import type { Process } from "../shell/process.ts";
import { groups, users } from "./accounts.ts";
import { attempt } from "./attempts.ts";
import { fullTime, listingTime } from "./dates.ts";
import { type Options, parseOptions } from "./options.ts";
import { humanSize } from "./sizes.ts";
import { below, isDirectory, isSymlink, maybeStat, namesIn } from "./walk.ts";

const LONG = {
  all: "a",
  "almost-all": "A",
  recursive: "R",
  directory: "d",
  inode: "i",
  "numeric-uid-gid": "n",
  "human-readable": "h",
  size: "s",
  classify: "F",
  reverse: "r",
  dereference: "L",
  "full-time": "=",
  color: "!",
  "time-style": "%",
  "group-directories-first": "^",
  "no-group": "G",
  format: "?",
  width: "w",
};

interface Line {
  readonly name: string;
  readonly path: string;
  readonly stat: Stat;
}

export function ls(process: Process): number {
  const { mount } = process;
  const options = parseOptions(process.args, "1aAlRdinhsFprtSULCgoGcuxmkw:=!::%:^?:", LONG);
  const long = ["l", "n", "g", "o", "="].some(options.has);
  const operands = options.operands.length === 0 ? ["."] : [...options.operands];
  const files: Line[] = [];
  const directories: Line[] = [];
  let status = 0;
  for (const path of operands) {
    const done = attempt(process, `cannot access '${path}'`, () => {
      const follow =
        options.has("L") || (!long && !options.has("d") && !options.has("F")) || path.endsWith("/");
      const told = follow ? (maybeStat(mount, path) ?? mount.lstat(path)) : mount.lstat(path);
      (isDirectory(told) && !options.has("d") ? directories : files).push({ name: path, path, stat: told });
    });
    if (!done) status = 2;
  }
  const sort = sorter(options);
  if (files.length > 0) print(process, options, long, files.sort(sort), false);
  const heads = options.has("R") || operands.length > 1;
  let first = files.length === 0;
  const show = (path: string) => {
    if (!first) process.write("\n");
    first = false;
    if (heads) process.write(`${path}:\n`);
    const lines: Line[] = [];
    const add = (name: string) =>
      lines.push({
        name,
        path: below(path, name),
        stat:
          (options.has("L") ? maybeStat(mount, below(path, name)) : undefined) ??
          mount.lstat(below(path, name)),
      });
    const listed = attempt(process, `cannot open directory '${path}'`, () => {
      const names = namesIn(mount, path);
      if (options.has("a")) [".", ".."].forEach(add);
      for (const name of names) if (options.has("a") || options.has("A") || !name.startsWith(".")) add(name);
    });
    if (!listed) {
      status = 2;
      return;
    }
    print(process, options, long, lines.sort(sort), true);
    if (!options.has("R")) return;
    for (const line of lines)
      if (isDirectory(line.stat) && line.name !== "." && line.name !== "..") show(line.path);
  };
  for (const { path } of directories.sort(sort)) show(path);
  return status;
}

function sorter(options: Options): (a: Line, b: Line) => number {
  const sign = options.has("r") ? -1 : 1;
  const byName = (a: Line, b: Line) => compareNames(a.name, b.name);
  if (options.has("U")) return () => 0;
  return (a, b) => {
    if (options.has("^") && isDirectory(a.stat) !== isDirectory(b.stat)) return isDirectory(a.stat) ? -1 : 1;
    let order = 0;
    if (options.has("S")) order = b.stat.size - a.stat.size;
    else if (options.has("t")) order = a.stat.mtime < b.stat.mtime ? 1 : a.stat.mtime > b.stat.mtime ? -1 : 0;
    return sign * (order === 0 ? byName(a, b) : order);
  };
}

function mark(options: Options, stat: Stat): string {
  const kind = kindOf(stat.mode);
  if (kind === "directory" && (options.has("F") || options.has("p"))) return "/";
  if (!options.has("F")) return "";
  if (kind === "symlink") return "@";
  if (kind === "fifo") return "|";
  if (kind === "socket") return "=";
  return kind === "file" && (stat.mode & 0o111) !== 0 ? "*" : "";
}

function print(
  process: Process,
  options: Options,
  long: boolean,
  lines: readonly Line[],
  total: boolean,
): void {
  const { mount } = process;
  const blocks = (stat: Stat) =>
    options.has("h") ? humanSize(stat.blocks * 512) : String(Math.ceil(stat.blocks / 2));
  const leading = ({ stat }: Line) => [
    ...(options.has("i") ? [String(stat.ino)] : []),
    ...(options.has("s") ? [blocks(stat)] : []),
  ];
  if (total && (long || options.has("s"))) {
    const sum = lines.reduce((all, { stat }) => all + stat.blocks, 0);
    process.write(`total ${options.has("h") ? humanSize(sum * 512) : Math.ceil(sum / 2)}\n`);
  }
  if (!long) {
    const columns = lines.map((line) => [...leading(line), line.name + mark(options, line.stat)]);
    process.write(table(columns, new Set()));
    return;
  }
  const numeric = options.has("n");
  const owners = new Map(
    numeric
      ? []
      : users(mount)
          .reverse()
          .map(({ uid, name }) => [uid, name]),
  );
  const teams = new Map(
    numeric
      ? []
      : groups(mount)
          .reverse()
          .map(({ gid, name }) => [gid, name]),
  );
  const now = process.machine.now();
  const style = options.has("=") ? "full-iso" : options.value("%");
  const time = (stat: Stat) => {
    if (style === "full-iso") return fullTime(stat.mtime);
    if (style === "long-iso") return fullTime(stat.mtime).slice(0, 16);
    return listingTime(stat.mtime, now);
  };
  const size = (stat: Stat) => {
    const kind = kindOf(stat.mode);
    if (kind === "char" || kind === "block") return `${deviceMajor(stat.rdev)}, ${deviceMinor(stat.rdev)}`;
    return options.has("h") ? humanSize(stat.size) : String(stat.size);
  };
  const leads = (options.has("i") ? 1 : 0) + (options.has("s") ? 1 : 0);
  const rows = lines.map((line) => {
    const { stat } = line;
    const link = isSymlink(stat) ? ` -> ${mount.readlink(line.path)}` : mark(options, stat);
    return [
      ...leading(line),
      modeString(stat.mode),
      String(stat.nlink),
      ...(options.has("g") ? [] : [owners.get(stat.uid) ?? String(stat.uid)]),
      ...(options.has("o") || options.has("G") ? [] : [teams.get(stat.gid) ?? String(stat.gid)]),
      size(stat),
      time(stat),
      line.name + link,
    ];
  });
  const last = (rows[0]?.length ?? 0) - 1;
  // Names of owners are to the left; numbers and sizes to the right.
  const left = new Set<number>();
  for (let i = leads + 2; i < last - 2; i++) if (!numeric) left.add(i);
  process.write(table(rows, left));
}

/** Rows of columns; all but the last are as wide as their widest. */
function table(rows: readonly (readonly string[])[], left: ReadonlySet<number>): string {
  const widths: number[] = [];
  for (const row of rows)
    for (const [i, cell] of row.entries()) widths[i] = Math.max(widths[i] ?? 0, cell.length);
  return rows
    .map((row) => {
      const cells = row.map((cell, i) => {
        if (i === row.length - 1) return cell;
        return left.has(i) ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!);
      });
      return `${cells.join(" ")}\n`;
    })
    .join("");
}
