/** `du`: each file once, however many names it has. */
import type { Process } from "../shell/process.ts";
import { attempt } from "./attempts.ts";
import { parseOptions } from "./options.ts";
import { humanUsage } from "./sizes.ts";
import { below, isDirectory, namesIn } from "./walk.ts";

export function du(process: Process): number {
  const { mount } = process;
  const options = parseOptions(process.args, "shakbcxmd:lL=", {
    summarize: "s",
    "human-readable": "h",
    all: "a",
    bytes: "b",
    total: "c",
    "max-depth": "d",
    "apparent-size": "=",
  });
  const deepest = options.has("s") ? 0 : Number(options.value("d") ?? Number.POSITIVE_INFINITY);
  const apparent = options.has("b") || options.has("=");
  const seen = new Set<string>();
  const show = (bytes: number, path: string) => {
    const amount = options.has("b") ? bytes : Math.ceil(bytes / (options.has("m") ? 1048576 : 1024));
    process.write(`${options.has("h") ? humanUsage(bytes) : amount}\t${path}\n`);
  };
  const add = (path: string, depth: number): number => {
    const stat = mount.lstat(path);
    const id = `${stat.dev}:${stat.ino}`;
    if (stat.nlink > 1 && !isDirectory(stat)) {
      if (seen.has(id)) return 0;
      seen.add(id);
    }
    let bytes = apparent ? stat.size : stat.blocks * 512;
    if (isDirectory(stat))
      for (const name of namesIn(mount, path)) bytes += add(below(path, name), depth + 1);
    if (depth === 0 || (depth <= deepest && (isDirectory(stat) || options.has("a")))) show(bytes, path);
    return bytes;
  };
  let [status, total] = [0, 0];
  for (const path of options.operands.length === 0 ? ["."] : options.operands) {
    const done = attempt(process, `cannot access '${path}'`, () => {
      total += add(path, 0);
    });
    if (!done) status = 1;
  }
  if (options.has("c")) show(total, "total");
  return status;
}
