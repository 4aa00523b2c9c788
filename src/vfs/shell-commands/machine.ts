/** `uname`, `hostname`, `arch`, `nproc`, `df`, `which`, `tty`. */

import { X_OK } from "../../union/types.ts";
import { CommandError, type Process } from "../shell/process.ts";
import { parseOptions } from "./options.ts";
import { isDirectory, maybeStat } from "./walk.ts";

export function uname(process: Process): number {
  const options = parseOptions(process.args, "asnrvmpio", {
    all: "a",
    "kernel-name": "s",
    nodename: "n",
    "kernel-release": "r",
    "kernel-version": "v",
    machine: "m",
    processor: "p",
    "hardware-platform": "i",
    "operating-system": "o",
  });
  const { hostname, architecture } = process.machine;
  const fields: [string, string][] = [
    ["s", "Linux"],
    ["n", hostname],
    ["r", "6.1.0"],
    ["v", "#1 SMP"],
    ["m", architecture],
    ["p", "unknown"],
    ["i", "unknown"],
    ["o", "GNU/Linux"],
  ];
  const all = options.has("a");
  const none = !fields.some(([letter]) => options.has(letter)) && !all;
  const words = fields.filter(([letter, text]) =>
    all ? text !== "unknown" : none ? letter === "s" : options.has(letter),
  );
  process.write(`${words.map(([, text]) => text).join(" ")}\n`);
  return 0;
}

export function hostname(process: Process): number {
  const options = parseOptions(process.args, "fsidA", { fqdn: "f", short: "s" });
  if (options.operands.length > 0) throw new CommandError("you must be root to change the host name");
  const { hostname: name } = process.machine;
  process.write(`${options.has("s") ? name.split(".")[0]! : name}\n`);
  return 0;
}

export function arch(process: Process): number {
  process.write(`${process.machine.architecture}\n`);
  return 0;
}

export function nproc(process: Process): number {
  process.write("1\n");
  return 0;
}

export function df(process: Process): number {
  const options = parseOptions(process.args, "hkPTiam", { "human-readable": "h", portability: "P" });
  process.write("Filesystem     1K-blocks  Used Available Use% Mounted on\n");
  for (const path of options.operands.length === 0 ? ["/"] : options.operands) {
    const totals = process.mount.statfs(path);
    const unit = totals.blockSize / 1024;
    const [all, free] = [totals.blocks * unit, totals.freeBlocks * unit];
    const used = all - totals.freeBlocks * unit;
    const share = used + free === 0 ? 0 : Math.ceil((used * 100) / (used + free));
    process.write(`stratafs       ${all} ${used} ${free} ${share}% /\n`);
  }
  return 0;
}

export function which(process: Process): number {
  const options = parseOptions(process.args, "as", { all: "a" });
  let status = 0;
  for (const name of options.operands) {
    const places = name.includes("/")
      ? [name]
      : (process.env.get("PATH") ?? "").split(":").map((directory) => `${directory || "."}/${name}`);
    const found = places.filter((path) => executable(process, path));
    if (found.length === 0) status = 1;
    for (const path of options.has("a") ? found : found.slice(0, 1)) process.write(`${path}\n`);
  }
  return status;
}

function executable({ mount }: Process, path: string): boolean {
  const stat = maybeStat(mount, path);
  if (stat === undefined || isDirectory(stat)) return false;
  try {
    mount.access(path, X_OK);
    return true;
  } catch {
    return false;
  }
}
