/** `mv`: a rename, or between filesystems a copy that keeps everything and the removal of what was copied. */
import { PosixError } from "../../posix/errno.ts";
import { removeTree } from "../node-fs/remove.ts";
import type { Process } from "../shell/process.ts";
import { CommandError } from "../shell/process.ts";
import { attempt } from "./attempts.ts";
import { TreeCopy } from "./copy-tree.ts";
import { targetDirectory } from "./cp.ts";
import { parseOptions } from "./options.ts";
import { below, isDirectory, lastName, maybeLstat, maybeStat } from "./walk.ts";

const LONG = {
  force: "f",
  "no-clobber": "n",
  update: "u",
  "target-directory": "t",
  "no-target-directory": "T",
  verbose: "v",
  interactive: "i",
};

export function mv(process: Process): number {
  const { mount } = process;
  const options = parseOptions(process.args, "fnuit:Tv", LONG);
  const operands = [...options.operands];
  const directory = targetDirectory(process, operands, options.value("t"), options.has("T"));
  let status = 0;
  for (const from of directory === undefined ? operands.slice(0, 1) : operands) {
    const to = directory === undefined ? operands[1]! : below(directory, lastName(from));
    const done = attempt(process, `cannot move '${from}' to '${to}'`, () => {
      const source = mount.lstat(from.replace(/(?<=.)\/+$/, ""));
      const target = maybeLstat(mount, to);
      if (target !== undefined) {
        if (options.has("n") || (options.has("u") && (maybeStat(mount, to) ?? target).mtime >= source.mtime))
          return;
        if (target.ino === source.ino && target.dev === source.dev)
          throw new CommandError(`'${from}' and '${to}' are the same file`);
        if (isDirectory(target) && !isDirectory(source))
          throw new CommandError(`cannot overwrite directory '${to}' with non-directory`);
        if (!isDirectory(target) && isDirectory(source))
          throw new CommandError(`cannot overwrite non-directory '${to}' with directory '${from}'`);
      }
      move(process, from.replace(/(?<=.)\/+$/, ""), to.replace(/(?<=.)\/+$/, ""));
      if (options.has("v")) process.write(`renamed '${from}' -> '${to}'\n`);
    });
    if (!done) status = 1;
  }
  return status;
}

function move({ mount }: Process, from: string, to: string): void {
  try {
    mount.rename(from, to);
  } catch (error) {
    if (!(error instanceof PosixError) || error.code !== "EXDEV") throw error;
    new TreeCopy(mount, {
      recursive: true,
      mode: true,
      owner: true,
      times: true,
      xattrs: true,
      links: true,
      follow: "never",
      force: true,
      keep: false,
      update: false,
      replace: true,
    }).copy(from, to);
    removeTree(mount, from);
  }
}
