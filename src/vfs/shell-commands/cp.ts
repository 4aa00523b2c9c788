/** `cp`, with what `-a`, `-p`, `-r`, `-d`, `--preserve` keep. */

import { makeParents } from "../shell/filesystem.ts";
import { CommandError, type Process } from "../shell/process.ts";
import { attempt } from "./attempts.ts";
import { TreeCopy } from "./copy-tree.ts";
import { atLeast, parseOptions } from "./options.ts";
import { below, isDirectory, lastName, maybeStat } from "./walk.ts";

const LONG = {
  archive: "a",
  recursive: "r",
  preserve: "=",
  "no-preserve": "!",
  "no-dereference": "P",
  dereference: "L",
  force: "f",
  "no-clobber": "n",
  update: "u",
  link: "l",
  "symbolic-link": "s",
  "target-directory": "t",
  "no-target-directory": "T",
  verbose: "v",
  parents: "^",
  reflink: "?",
  sparse: "%",
  "remove-destination": "_",
  "one-file-system": "x",
};

export function cp(process: Process): number {
  const { mount } = process;
  const options = parseOptions(process.args, "arRpdPLHfnuslt:Tvxi=::!:^?::%:_", LONG);
  const [has, operands] = [options.has, [...options.operands]];
  const directory = targetDirectory(process, operands, options.value("t"), has("T"));
  const all = has("a");
  const kept = new Set(
    options
      .values("=")
      .flatMap((list) => (list === "" ? ["mode", "ownership", "timestamps"] : list.split(","))),
  );
  for (const what of options.values("!").flatMap((list) => list.split(","))) kept.delete(what);
  const dropped = new Set(options.values("!").flatMap((list) => list.split(",")));
  const keeps = (what: string, ...letters: string[]) =>
    !dropped.has(what) && (all || kept.has("all") || kept.has(what) || letters.some(has));
  const recursive = all || has("r") || has("R");
  const copy = new TreeCopy(mount, {
    recursive,
    mode: keeps("mode", "p"),
    owner: keeps("ownership", "p"),
    times: keeps("timestamps", "p"),
    links: keeps("links", "d"),
    xattrs: !dropped.has("xattr") && (all || kept.has("all") || kept.has("xattr")),
    follow: has("L")
      ? "always"
      : has("H")
        ? "operands"
        : all || has("d") || has("P") || recursive
          ? "never"
          : "always",
    force: has("f"),
    keep: has("n"),
    update: has("u"),
    replace: has("_"),
    ...(has("l") ? { instead: "link" as const } : has("s") ? { instead: "symlink" as const } : {}),
    ...(has("v") && { tell: (from: string, to: string) => process.write(`'${from}' -> '${to}'\n`) }),
  });
  let status = 0;
  for (const from of directory === undefined ? operands.slice(0, 1) : operands) {
    const to =
      directory === undefined
        ? operands[1]!
        : has("^")
          ? below(directory, from)
          : below(directory, lastName(from));
    const done = attempt(process, `cannot copy '${from}' to '${to}'`, () => {
      if (maybeStat(mount, from) === undefined) mount.lstat(from);
      if (has("^")) makeParents(mount, to.slice(0, to.lastIndexOf("/")));
      // `cp -r a/. b` copies what is in a.
      copy.copy(from, directory !== undefined && /(^|\/)\.\.?\/*$/.test(from) ? directory : to);
    });
    if (!done) status = 1;
  }
  return status;
}

/** Where operands go: the directory that the last of them is, which is taken off; undefined for a target of its own. */
export function targetDirectory(
  process: Process,
  operands: string[],
  given: string | undefined,
  never: boolean,
): string | undefined {
  if (given !== undefined) {
    atLeast(operands, 1);
    return given;
  }
  if (operands.length < 2) {
    throw new CommandError(
      operands.length === 0
        ? "missing file operand"
        : `missing destination file operand after '${operands[0]}'`,
    );
  }
  const last = operands.at(-1)!;
  const stat = maybeStat(process.mount, last);
  if (!never && stat !== undefined && isDirectory(stat)) return operands.pop()!;
  if (operands.length > 2)
    throw new CommandError(
      `target '${last}': ${stat === undefined ? "No such file or directory" : "Not a directory"}`,
    );
  return undefined;
}
