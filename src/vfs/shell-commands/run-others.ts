/** Commands that run another: `env`, `xargs`, `timeout`, `nice`, `nohup`, `setsid`, `busybox`. */
import { nameFromBytes } from "../../posix/names.ts";
import { CommandError, type Process } from "../shell/process.ts";
import { reasonOf } from "../shell/strerror.ts";
import { parseOptions } from "./options.ts";

export async function env(process: Process): Promise<number> {
  const options = parseOptions(
    process.args,
    "iu:0C:S:",
    { "ignore-environment": "i", unset: "u", null: "0", chdir: "C", "split-string": "S" },
    false,
  );
  const variables = new Map(options.has("i") || options.operands[0] === "-" ? [] : process.env);
  for (const name of options.values("u")) variables.delete(name);
  const words = [...options.values("S").flatMap((text) => text.split(/\s+/)), ...options.operands].filter(
    (word) => word !== "-",
  );
  while (/^[^=]+=/.test(words[0] ?? "")) {
    const word = words.shift()!;
    const equals = word.indexOf("=");
    variables.set(word.slice(0, equals), word.slice(equals + 1));
  }
  const cwd = options.value("C");
  if (words.length > 0) return process.run(words, { env: variables, ...(cwd !== undefined && { cwd }) });
  for (const [name, value] of variables) process.write(`${name}=${value}${options.has("0") ? "\0" : "\n"}`);
  return 0;
}

/** Blanks separate words; quotes and backslashes keep them, as xargs(1) has it. */
function splitWords(text: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  for (let i = 0; i < text.length; i++) {
    const character = text[i]!;
    if (character === "'" || character === '"') {
      const end = text.indexOf(character, i + 1);
      if (end < 0) throw new CommandError("unmatched quote");
      word = (word ?? "") + text.slice(i + 1, end);
      i = end;
    } else if (character === "\\" && i + 1 < text.length) word = (word ?? "") + text[++i];
    else if (/\s/.test(character)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else word = (word ?? "") + character;
  }
  return word === undefined ? words : [...words, word];
}

const XARGS = {
  null: "0",
  "max-args": "n",
  "max-lines": "L",
  replace: "I",
  "no-run-if-empty": "r",
  delimiter: "d",
  "arg-file": "a",
  "max-procs": "P",
  verbose: "t",
  "max-chars": "s",
  exit: "x",
};

export async function xargs(process: Process): Promise<number> {
  const options = parseOptions(process.args, "0n:L:I:rd:a:P:ts:xpE:", XARGS, false);
  const file = options.value("a");
  const input = nameFromBytes(file === undefined ? process.stdin() : process.mount.readFile(file));
  const [replaced, delimiter] = [
    options.value("I"),
    options.has("0") ? "\0" : options.value("d")?.replace("\\n", "\n"),
  ];
  const lines = (text: string) =>
    text
      .split("\n")
      .map((line) => line.trim())
      .filter((line) => line !== "");
  const words =
    delimiter !== undefined
      ? input.split(delimiter).filter((word, i, all) => word !== "" || i < all.length - 1)
      : replaced !== undefined
        ? lines(input)
        : splitWords(input);
  const command = options.operands.length === 0 ? ["echo"] : [...options.operands];
  const runs: string[][] = [];
  if (replaced !== undefined)
    for (const word of words) runs.push(command.map((part) => part.replaceAll(replaced, word)));
  else if (options.has("L")) {
    const count = Number(options.value("L"));
    const all = lines(input);
    for (let at = 0; at < all.length; at += count)
      runs.push([...command, ...all.slice(at, at + count).flatMap(splitWords)]);
  } else {
    const count = Number(options.value("n") ?? 5000);
    for (let at = 0; at < words.length; at += count) runs.push([...command, ...words.slice(at, at + count)]);
    if (runs.length === 0 && !options.has("r")) runs.push(command);
  }
  let status = 0;
  for (const run of runs) {
    if (options.has("t")) process.writeError(`${run.join(" ")}\n`);
    const one = await process.run(run, { stdin: new Uint8Array(0) });
    if (one === 255 || one === 126 || one === 127) return one === 255 ? 124 : one;
    if (one !== 0) status = 123;
  }
  return status;
}

const UNITS: Readonly<Record<string, number>> = { "": 1, s: 1, m: 60, h: 3600, d: 86_400 };

export async function timeout(process: Process): Promise<number> {
  const options = parseOptions(
    process.args,
    "s:k:v",
    { signal: "s", "kill-after": "k", foreground: "f", "preserve-status": "p" },
    false,
  );
  const [duration = "", ...command] = options.operands;
  const parts = /^(\d+(?:\.\d+)?)([smhd]?)$/.exec(duration);
  if (parts === null || command.length === 0)
    throw new CommandError(`invalid time interval '${duration}'`, 125);
  const milliseconds = Number(parts[1]) * UNITS[parts[2]!]! * 1000;
  const limit = AbortSignal.timeout(milliseconds === 0 ? 2 ** 31 - 1 : milliseconds);
  const signal = process.signal === undefined ? limit : AbortSignal.any([limit, process.signal]);
  const status = await process.run(command, { signal });
  return limit.aborted ? 124 : status;
}

/** For commands that change what only a kernel knows of a process: what they run runs as it is. */
function passing(letters: string): (process: Process) => Promise<number> {
  return (process) => {
    const { operands } = parseOptions(process.args, letters, {}, false);
    if (operands.length === 0) throw new CommandError("missing operand", 125);
    return process.run(operands);
  };
}

export const nice = passing("n:");
export const nohup = passing("");
export const setsid = passing("cfw");

/** `busybox APPLET …`, in an image that has it. */
export async function busybox(process: Process): Promise<number> {
  const [applet, ...rest] = process.args;
  if (applet === undefined) {
    process.write("BusyBox multi-call binary, simulated: busybox APPLET [ARGUMENTS]\n");
    return 0;
  }
  return process.run([applet, ...rest]);
}

/** As much as any pipe here reads: there is nobody to stop an endless writer. */
const YES_LINES = 65_536;

export function yes(process: Process): number {
  process.write(`${process.args.length === 0 ? "y" : process.args.join(" ")}\n`.repeat(YES_LINES));
  return 0;
}

/** The content of an operand: `-` and the names of the input are the input. */
export function readOperand(process: Process, path: string): Uint8Array {
  if (path === "-" || path === "/dev/stdin") return process.stdin();
  try {
    return process.readFile(path);
  } catch (error) {
    throw new CommandError(`${path}: ${reasonOf(error)}`);
  }
}
