/** `test` and `[`, over the mount: types, bits and owners that the interpreter's own tests do not know. */
import { kindOf, S_ISGID, S_ISUID, S_ISVTX } from "../../posix/mode.ts";
import { R_OK, type Stat, W_OK, X_OK } from "../../union/types.ts";
import { deviceAt } from "../shell/devices.ts";
import type { Process } from "../shell/process.ts";
import { maybeLstat, maybeStat } from "./walk.ts";

const FILE_TESTS = new Set([..."abcdefghkLNprsSuwxOG"].map((letter) => `-${letter}`));
const STRING_TESTS = new Set(["-n", "-z", "-t", "-v"]);
const BINARY = new Set([
  "=",
  "==",
  "!=",
  "<",
  ">",
  "-eq",
  "-ne",
  "-lt",
  "-le",
  "-gt",
  "-ge",
  "-nt",
  "-ot",
  "-ef",
]);

class Malformed extends Error {}

export function test(process: Process): number {
  const words = [...process.args];
  if (process.name === "[" && words.pop() !== "]") {
    process.writeError("[: missing `]'\n");
    return 2;
  }
  try {
    if (words.length === 0) return 1;
    const rest = [...words];
    const result = either(process, rest);
    if (rest.length > 0) throw new Malformed(`${rest[0]}: unexpected operator`);
    return result ? 0 : 1;
  } catch (error) {
    if (!(error instanceof Malformed)) throw error;
    process.writeError(`sh: ${process.name}: ${error.message}\n`);
    return 2;
  }
}

function either(process: Process, words: string[]): boolean {
  let result = both(process, words);
  while (words[0] === "-o") {
    words.shift();
    const next = both(process, words);
    result ||= next;
  }
  return result;
}

function both(process: Process, words: string[]): boolean {
  let result = primary(process, words);
  while (words[0] === "-a" && words.length > 1) {
    words.shift();
    const next = primary(process, words);
    result &&= next;
  }
  return result;
}

function primary(process: Process, words: string[]): boolean {
  const first = words.shift();
  if (first === undefined) throw new Malformed("argument expected");
  const operator = words[0];
  if (operator !== undefined && BINARY.has(operator) && words.length >= 2) {
    words.shift();
    return compare(process, first, operator, words.shift()!);
  }
  if (words.length === 0) return first !== "";
  if (first === "!") return !primary(process, words);
  if (first === "(") {
    const inner = either(process, words);
    if (words.shift() !== ")") throw new Malformed("`)' expected");
    return inner;
  }
  if (STRING_TESTS.has(first)) {
    const word = words.shift()!;
    if (first === "-v") return process.env.has(word);
    return first === "-n" ? word !== "" : first === "-z" ? word === "" : false;
  }
  if (FILE_TESTS.has(first)) return file(process, first, words.shift()!);
  return first !== "";
}

function integer(word: string): bigint {
  if (!/^\s*[-+]?\d+\s*$/.test(word)) throw new Malformed(`${word}: integer expression expected`);
  return BigInt(word.trim().replace(/^\+/, ""));
}

function compare({ mount }: Process, a: string, operator: string, b: string): boolean {
  switch (operator) {
    case "=":
    case "==":
      return a === b;
    case "!=":
      return a !== b;
    case "<":
      return a < b;
    case ">":
      return a > b;
    case "-nt":
    case "-ot": {
      const [left, right] = [maybeStat(mount, a)?.mtime, maybeStat(mount, b)?.mtime];
      const [newer, older] = operator === "-nt" ? [left, right] : [right, left];
      return newer !== undefined && (older === undefined || newer > older);
    }
    case "-ef": {
      const [left, right] = [maybeStat(mount, a), maybeStat(mount, b)];
      return left !== undefined && left.ino === right?.ino && left.dev === right.dev;
    }
  }
  const [left, right] = [integer(a), integer(b)];
  if (operator === "-eq") return left === right;
  if (operator === "-ne") return left !== right;
  if (operator === "-lt") return left < right;
  if (operator === "-le") return left <= right;
  return operator === "-gt" ? left > right : left >= right;
}

const KINDS: Readonly<Record<string, string>> = {
  "-f": "file",
  "-d": "directory",
  "-p": "fifo",
  "-c": "char",
  "-b": "block",
  "-S": "socket",
};

function file({ mount }: Process, operator: string, path: string): boolean {
  if (operator === "-h" || operator === "-L") {
    const stat = maybeLstat(mount, path);
    return stat !== undefined && kindOf(stat.mode) === "symlink";
  }
  const stat = maybeStat(mount, path);
  if (stat === undefined)
    return deviceAt(path) !== undefined && ["-e", "-a", "-c", "-r", "-w"].includes(operator);
  const kind = KINDS[operator];
  if (kind !== undefined) return kindOf(stat.mode) === kind;
  return attribute(stat, operator, mount.caller.uid, mount.caller.gid) ?? may(mount, path, operator);
}

function attribute(stat: Stat, operator: string, uid: number, gid: number): boolean | undefined {
  switch (operator) {
    case "-e":
    case "-a":
      return true;
    case "-s":
      return stat.size > 0;
    case "-u":
      return (stat.mode & S_ISUID) !== 0;
    case "-g":
      return (stat.mode & S_ISGID) !== 0;
    case "-k":
      return (stat.mode & S_ISVTX) !== 0;
    case "-O":
      return stat.uid === uid;
    case "-G":
      return stat.gid === gid;
    case "-N":
      return stat.mtime > stat.atime;
    default:
      return undefined;
  }
}

function may(mount: Process["mount"], path: string, operator: string): boolean {
  try {
    mount.access(path, operator === "-r" ? R_OK : operator === "-w" ? W_OK : X_OK);
    return true;
  } catch {
    return false;
  }
}
