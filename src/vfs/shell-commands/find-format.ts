/** What `find -printf` prints. */
import { kindOf, modeString } from "../../posix/mode.ts";
import { seconds, subsecond } from "../../posix/time.ts";
import type { Process } from "../shell/process.ts";
import { groupName, userName } from "./accounts.ts";
import { unescaped } from "./escapes.ts";
import type { Found } from "./find-tests.ts";

const LETTERS = {
  file: "f",
  directory: "d",
  symlink: "l",
  char: "c",
  block: "b",
  fifo: "p",
  socket: "s",
} as const;

export function formatFound({ mount }: Process, format: string, { path, start, depth, stat }: Found): string {
  const base = path.slice(path.lastIndexOf("/") + 1);
  return unescaped(format).replace(
    /%([-0]?\d*)(T@|A@|C@|[a-zA-Z%])/g,
    (whole, width: string, letter: string) => {
      const text = value(letter) ?? whole;
      if (width === "") return text;
      const count = Math.abs(Number(width));
      return width.startsWith("-")
        ? text.padEnd(count)
        : text.padStart(count, width.startsWith("0") ? "0" : " ");
    },
  );

  function value(letter: string): string | undefined {
    switch (letter) {
      case "%":
        return "%";
      case "p":
        return path;
      case "P":
        return path === start ? "" : path.slice(start.endsWith("/") ? start.length : start.length + 1);
      case "f":
        return base === "" ? path : base;
      case "h":
        return path.includes("/") ? path.slice(0, path.lastIndexOf("/")) : ".";
      case "H":
        return start;
      case "d":
        return String(depth);
      case "m":
        return (stat.mode & 0o7777).toString(8);
      case "M":
        return modeString(stat.mode);
      case "u":
        return userName(mount, stat.uid) ?? String(stat.uid);
      case "g":
        return groupName(mount, stat.gid) ?? String(stat.gid);
      case "U":
        return String(stat.uid);
      case "G":
        return String(stat.gid);
      case "s":
        return String(stat.size);
      case "k":
        return String(Math.ceil(stat.blocks / 2));
      case "b":
        return String(stat.blocks);
      case "n":
        return String(stat.nlink);
      case "i":
        return String(stat.ino);
      case "y":
        return LETTERS[kindOf(stat.mode)!];
      case "l":
        return kindOf(stat.mode) === "symlink" ? mount.readlink(path) : "";
      case "T@":
        return `${seconds(stat.mtime)}.${String(subsecond(stat.mtime)).padStart(9, "0")}0`;
      default:
        return undefined;
    }
  }
}
