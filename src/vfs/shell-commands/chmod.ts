/** `chmod`: octal and symbolic modes, recursively; symlinks that a walk meets stay as they are. */
import { PERMISSION_BITS } from "../../posix/mode.ts";
import type { Process } from "../shell/process.ts";
import { attempt } from "./attempts.ts";
import { parseMode } from "./mode-words.ts";
import { atLeast, parseOptions } from "./options.ts";
import { isDirectory, isSymlink, walkTree } from "./walk.ts";

const LONG = { recursive: "R", verbose: "v", changes: "c", silent: "f", quiet: "f", reference: "?" };

export function chmod(process: Process): number {
  const { mount } = process;
  // `-x` and the like are modes, not options.
  const dashed = process.args.findIndex((word) => /^-[rwxXstugoa][rwxXstugoa,+=-]*$/.test(word));
  const first = process.args.indexOf("--");
  const minus = dashed >= 0 && (first < 0 || dashed < first) ? process.args[dashed] : undefined;
  const args = minus === undefined ? process.args : process.args.filter((_, index) => index !== dashed);
  const options = parseOptions(args, "Rvcf?:", LONG);
  const reference = options.value("?");
  const operands = [...options.operands];
  atLeast(operands, minus === undefined && reference === undefined ? 2 : 1);
  const change =
    reference !== undefined
      ? () => mount.stat(reference).mode & PERMISSION_BITS
      : parseMode(minus ?? operands.shift()!, process.umask);
  let status = 0;
  for (const path of operands) {
    const one = (each: string, recursive: boolean) => {
      const stat = recursive ? mount.lstat(each) : mount.stat(each);
      if (!isSymlink(stat)) mount.chmod(each, change(stat.mode, isDirectory(stat)));
    };
    const done = attempt(process, `cannot access '${path}'`, () => {
      if (!options.has("R")) one(path, false);
      else walkTree(mount, path, (each) => one(each, each !== path));
    });
    if (!done) status = 1;
  }
  return status;
}
