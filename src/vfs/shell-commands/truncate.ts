/** `truncate`, `sync`, `fallocate -l`. */
import { O_CREAT, O_WRONLY } from "../../union/types.ts";
import { CommandError, type Process } from "../shell/process.ts";
import { forEach } from "./attempts.ts";
import { atLeast, parseOptions } from "./options.ts";
import { maybeStat } from "./walk.ts";

const UNITS = "KMGTPE";

/** `10`, `4K`, `1MB`, `2GiB`. @throws CommandError */
export function parseSize(text: string): number {
  const parts = /^(\d+)(?:([KMGTPE])(iB|B)?|k|b|c|w)?$/.exec(
    text.replace(/^(\d+)([kmg])(?=$|B|iB)/, (_, n: string, u: string) => n + u.toUpperCase()),
  );
  if (parts === null) throw new CommandError(`Invalid number: '${text}'`);
  const [, digits, unit, suffix] = parts;
  const power = unit === undefined ? 0 : UNITS.indexOf(unit) + 1;
  return Number(digits) * (suffix === "B" ? 1000 : 1024) ** power;
}

export function truncate(process: Process): number {
  const { mount } = process;
  const options = parseOptions(process.args, "s:cr:o", { size: "s", "no-create": "c", reference: "r" });
  atLeast(options.operands, 1);
  const [size, reference] = [options.value("s"), options.value("r")];
  if (size === undefined && reference === undefined)
    throw new CommandError("you must specify either '--size' or '--reference'");
  return forEach(
    process,
    options.operands,
    (path) => `cannot open '${path}' for writing`,
    (path) => {
      const stat = maybeStat(mount, path);
      if (stat === undefined && options.has("c")) return;
      const target = sizeFor(size, reference === undefined ? (stat?.size ?? 0) : mount.stat(reference).size);
      if (stat === undefined) mount.close(mount.open(path, O_WRONLY | O_CREAT, 0o666));
      mount.truncate(path, target);
    },
  );
}

function sizeFor(text: string | undefined, base: number): number {
  if (text === undefined) return base;
  const [, sign, rest] = /^([-+<>/%]?)(.*)$/.exec(text)!;
  const size = parseSize(rest!);
  if (sign === "+") return base + size;
  if (sign === "-") return Math.max(0, base - size);
  if (sign === "<") return Math.min(base, size);
  if (sign === ">") return Math.max(base, size);
  if (sign === "/") return base - (base % size);
  if (sign === "%") return Math.ceil(base / size) * size;
  return size;
}

export function sync(process: Process): number {
  process.mount.sync();
  return 0;
}
