/** `stat`, GNU's formats. */
import { deviceMajor, deviceMinor, kindOf, modeString } from "../../posix/mode.ts";
import { seconds } from "../../posix/time.ts";
import type { Stat } from "../../union/types.ts";
import type { Process } from "../shell/process.ts";
import { groupName, userName } from "./accounts.ts";
import { forEach } from "./attempts.ts";
import { fullTime } from "./dates.ts";
import { unescaped } from "./escapes.ts";
import { atLeast, parseOptions } from "./options.ts";

const KINDS = {
  file: "regular file",
  directory: "directory",
  symlink: "symbolic link",
  char: "character special file",
  block: "block special file",
  fifo: "fifo",
  socket: "socket",
} as const;

export function fileType(stat: Stat): string {
  const kind = kindOf(stat.mode)!;
  return kind === "file" && stat.size === 0 ? "regular empty file" : KINDS[kind];
}

const LONG_FORM = `  File: %N
  Size: %s\tBlocks: %b\tIO Block: %o  %F
Device: %D/%d\tInode: %i\tLinks: %h
Access: (%04a/%A)  Uid: (%5u/%8U)   Gid: (%5g/%8G)
Access: %x
Modify: %y
Change: %z
 Birth: %w
`;

export function stat(process: Process): number {
  const { mount } = process;
  const options = parseOptions(process.args, "Lc:fte:", {
    dereference: "L",
    format: "c",
    printf: "e",
    terse: "t",
    "file-system": "f",
  });
  atLeast(options.operands, 1);
  const printf = options.value("e");
  const format =
    printf === undefined ? `${options.value("c") ?? LONG_FORM.slice(0, -1)}\n` : unescaped(printf);
  return forEach(
    process,
    options.operands,
    (path) => `cannot ${options.has("f") ? "read file system information for" : "statx"} '${path}'`,
    (path) => {
      const told = options.has("L") ? mount.stat(path) : mount.lstat(path);
      process.write(
        format.replace(
          /%([-#0 +]*)(\d*)(?:\.(\d+))?([HL]?[a-zA-Z%])/g,
          (_, flags: string, width: string, _precision, letter: string) => {
            const value = field(process, path, told, letter);
            if (width === "") return flags.includes("#") && letter === "a" ? `0${value}` : value;
            if (flags.includes("-")) return value.padEnd(Number(width));
            return value.padStart(Number(width), flags.includes("0") ? "0" : " ");
          },
        ),
      );
    },
  );
}

function field({ mount }: Process, path: string, told: Stat, letter: string): string {
  switch (letter) {
    case "%":
      return "%";
    case "a":
      return (told.mode & 0o7777).toString(8);
    case "A":
      return modeString(told.mode);
    case "b":
      return String(told.blocks);
    case "B":
      return "512";
    case "d":
      return String(told.dev);
    case "D":
      return told.dev.toString(16);
    case "f":
      return told.mode.toString(16);
    case "F":
      return fileType(told);
    case "g":
      return String(told.gid);
    case "G":
      return groupName(mount, told.gid) ?? "UNKNOWN";
    case "h":
      return String(told.nlink);
    case "i":
      return String(told.ino);
    case "m":
      return "/";
    case "n":
      return path;
    case "N":
      return kindOf(told.mode) === "symlink" ? `'${path}' -> '${mount.readlink(path)}'` : `'${path}'`;
    case "o":
      return String(told.blksize);
    case "s":
      return String(told.size);
    case "t":
      return deviceMajor(told.rdev).toString(16);
    case "T":
      return deviceMinor(told.rdev).toString(16);
    case "u":
      return String(told.uid);
    case "U":
      return userName(mount, told.uid) ?? "UNKNOWN";
    case "w":
      return fullTime(told.birthtime);
    case "W":
      return String(seconds(told.birthtime));
    case "x":
      return fullTime(told.atime);
    case "X":
      return String(seconds(told.atime));
    case "y":
      return fullTime(told.mtime);
    case "Y":
      return String(seconds(told.mtime));
    case "z":
      return fullTime(told.ctime);
    case "Z":
      return String(seconds(told.ctime));
    default:
      return "?";
  }
}
