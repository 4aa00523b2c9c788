/** `ln`: hardlinks and symlinks, `-f`, `-n`, `-T`, `-t`, `-r`. */
import { nativeRealpath } from "../node-fs/realpath.ts";
import { CommandError, type Process } from "../shell/process.ts";
import { forEach } from "./attempts.ts";
import { atLeast, parseOptions } from "./options.ts";
import { absolute, relativeTo } from "./relative.ts";
import { below, isDirectory, lastName, maybeLstat, maybeStat } from "./walk.ts";

const LONG = {
  symbolic: "s",
  force: "f",
  "no-dereference": "n",
  "no-target-directory": "T",
  "target-directory": "t",
  verbose: "v",
  relative: "r",
  logical: "L",
  physical: "P",
};

export function ln(process: Process): number {
  const { mount } = process;
  const options = parseOptions(process.args, "sfnTt:vrLPbi", LONG);
  atLeast(options.operands, 1);
  const operands = [...options.operands];
  let directory = options.value("t");
  if (directory === undefined && operands.length === 1) operands.push(".");
  if (directory === undefined && !options.has("T")) {
    const last = operands.at(-1)!;
    const stat = options.has("n") ? maybeLstat(mount, last) : maybeStat(mount, last);
    if (stat !== undefined && isDirectory(stat)) directory = operands.pop()!;
    else if (operands.length > 2) throw new CommandError(`target '${last}': Not a directory`);
  }
  const pairs: [string, string][] =
    directory === undefined
      ? [[operands[0]!, operands[1]!]]
      : operands.map((target) => [target, below(directory, lastName(target))]);
  const symbolic = options.has("s");
  let status = 0;
  for (const [target, path] of pairs) {
    const what = symbolic
      ? `failed to create symbolic link '${path}'`
      : `failed to create hard link '${path}'`;
    status |= forEach(
      process,
      [path],
      () => what,
      () => {
        const existing = maybeLstat(mount, path);
        if (existing !== undefined && options.has("f") && !isDirectory(existing)) {
          const source = symbolic ? undefined : mount.lstat(target);
          if (source?.ino === existing.ino && source.dev === existing.dev) {
            throw new CommandError(`'${target}' and '${path}' are the same file`);
          }
          mount.unlink(path);
        }
        if (symbolic) mount.symlink(options.has("r") ? relative(process, target, path) : target, path);
        else {
          if (isDirectory(mount.lstat(target)))
            throw new CommandError(`${target}: hard link not allowed for directory`);
          mount.link(target, path, { follow: options.has("L") });
        }
        if (options.has("v")) process.write(`'${path}' ${symbolic ? "->" : "=>"} '${target}'\n`);
      },
    );
  }
  return status;
}

function relative({ mount, cwd }: Process, target: string, path: string): string {
  const parent = absolute(cwd, path).replace(/\/[^/]*$/, "") || "/";
  return relativeTo(nativeRealpath(mount, parent), absolute(cwd, target));
}
