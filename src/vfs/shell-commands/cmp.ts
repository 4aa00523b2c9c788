/** `cmp`. */
import { CommandError, type Process } from "../shell/process.ts";
import { reasonOf } from "../shell/strerror.ts";
import { parseOptions } from "./options.ts";

export function cmp(process: Process): number {
  const options = parseOptions(process.args, "slb", { silent: "s", quiet: "s", verbose: "l" });
  const [left, right = "-"] = options.operands;
  if (left === undefined) throw new CommandError("missing operand", 2);
  const read = (path: string) => {
    try {
      return path === "-" ? process.stdin() : process.readFile(path);
    } catch (error) {
      throw new CommandError(`${path}: ${reasonOf(error)}`, 2);
    }
  };
  const [a, b] = [read(left), read(right)];
  const shared = Math.min(a.length, b.length);
  let line = 1;
  for (let i = 0; i < shared; i++) {
    if (a[i] !== b[i]) {
      if (!options.has("s")) process.write(`${left} ${right} differ: char ${i + 1}, line ${line}\n`);
      return 1;
    }
    if (a[i] === 0x0a) line += 1;
  }
  if (a.length === b.length) return 0;
  if (!options.has("s"))
    process.complain(`EOF on ${a.length < b.length ? left : right} after byte ${shared}, in line ${line}`);
  return 1;
}
