/** `wc`, `uniq`, `paste`: exact to the column widths that scripts cut. */
import { nameFromBytes } from "../../posix/names.ts";
import type { Process } from "../shell/process.ts";
import { attempt } from "./attempts.ts";
import { parseOptions } from "./options.ts";
import { readOperand } from "./run-others.ts";

interface Counts {
  readonly name: string | undefined;
  readonly values: readonly number[];
}

export function wc(process: Process): number {
  const options = parseOptions(process.args, "clmwL", {
    bytes: "c",
    lines: "l",
    chars: "m",
    words: "w",
    "max-line-length": "L",
  });
  const asked = ["l", "w", "m", "c", "L"].filter(options.has);
  const letters = asked.length === 0 ? ["l", "w", "c"] : asked;
  const rows: Counts[] = [];
  let status = 0;
  for (const name of options.operands.length === 0 ? [undefined] : options.operands) {
    const done = attempt(process, String(name), () => {
      const counts = count(readOperand(process, name ?? "-"));
      rows.push({ name, values: letters.map((letter) => counts[letter]!) });
    });
    if (!done) status = 1;
  }
  if (options.operands.length > 1)
    rows.push({
      name: "total",
      values: letters.map((_, i) => rows.reduce((sum, row) => sum + row.values[i]!, 0)),
    });
  // Of the input it cannot know the size, so that GNU's leaves room.
  const unknown = options.operands.length === 0 || options.operands.includes("-");
  const widest = Math.max(1, ...rows.flatMap(({ values }) => values.map((value) => String(value).length)));
  const width = letters.length === 1 && rows.length === 1 ? 1 : unknown ? 7 : widest;
  for (const { name, values } of rows) {
    process.write(
      `${values.map((value) => String(value).padStart(width)).join(" ")}${name === undefined ? "" : ` ${name}`}\n`,
    );
  }
  return status;
}

function count(bytes: Uint8Array): Record<string, number> {
  let [lines, words, longest, length, inWord] = [0, 0, 0, 0, false];
  for (const byte of bytes) {
    const blank = byte === 0x20 || (byte >= 0x09 && byte <= 0x0d);
    if (!blank && !inWord) words += 1;
    inWord = !blank;
    if (byte === 0x0a) {
      lines += 1;
      longest = Math.max(longest, length);
      length = 0;
    } else length += 1;
  }
  return { l: lines, w: words, c: bytes.length, m: bytes.length, L: Math.max(longest, length) };
}

/** The lines of a text; the last need not end. */
export function linesOf(text: string): string[] {
  const lines = text.split("\n");
  if (lines.at(-1) === "") lines.pop();
  return lines;
}

export function uniq(process: Process): number {
  const options = parseOptions(process.args, "cdDuif:s:w:z", {
    count: "c",
    repeated: "d",
    "all-repeated": "D",
    unique: "u",
    "ignore-case": "i",
    "skip-fields": "f",
    "skip-chars": "s",
    "check-chars": "w",
    "zero-terminated": "z",
  });
  const [from = "-", to] = options.operands;
  const key = (line: string) => {
    let text = line;
    for (let i = Number(options.value("f") ?? 0); i > 0; i--) text = text.replace(/^\s*\S*/, "");
    text = text.slice(Number(options.value("s") ?? 0));
    if (options.has("w")) text = text.slice(0, Number(options.value("w")));
    return options.has("i") ? text.toLowerCase() : text;
  };
  const groups: string[][] = [];
  for (const line of linesOf(nameFromBytes(readOperand(process, from)))) {
    const last = groups.at(-1);
    if (last !== undefined && key(last[0]!) === key(line)) last.push(line);
    else groups.push([line]);
  }
  const out: string[] = [];
  for (const group of groups) {
    if ((options.has("d") || options.has("D")) && group.length === 1) continue;
    if (options.has("u") && group.length > 1) continue;
    if (options.has("D")) out.push(...group);
    else out.push(options.has("c") ? `${String(group.length).padStart(7)} ${group[0]}` : group[0]!);
  }
  const text = out.map((line) => `${line}\n`).join("");
  if (to === undefined) process.write(text);
  else process.mount.writeFile(to, text);
  return 0;
}

export function paste(process: Process): number {
  const options = parseOptions(process.args, "sd:z", { serial: "s", delimiters: "d" });
  const delimiters = [...(options.value("d") ?? "\t").matchAll(/\\(.)|./gs)].map(([whole, escaped]) =>
    escaped === undefined ? whole : ({ n: "\n", t: "\t", "0": "", "\\": "\\" }[escaped] ?? escaped),
  );
  const between = (i: number) => delimiters[i % delimiters.length] ?? "";
  const operands = options.operands.length === 0 ? ["-"] : options.operands;
  const input = linesOf(nameFromBytes(operands.includes("-") ? process.stdin() : new Uint8Array(0)));
  const files = operands.map((path) =>
    path === "-" ? input : linesOf(nameFromBytes(readOperand(process, path))),
  );
  const joined = (cells: readonly string[]) =>
    cells.reduce((line, cell, i) => (i === 0 ? cell : line + between(i - 1) + cell), "");
  if (options.has("s")) {
    for (const file of files) process.write(`${joined(file)}\n`);
    return 0;
  }
  for (;;) {
    // Operands that are the input take its lines in turn.
    const cells = files.map((file) => file.shift());
    if (cells.every((cell) => cell === undefined)) return 0;
    process.write(`${joined(cells.map((cell) => cell ?? ""))}\n`);
  }
}
