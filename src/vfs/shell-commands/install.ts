/** `install`: copies with a mode and an owner, and directories. */

import { UNCHANGED } from "../../union/attribute-calls.ts";
import { copyFile } from "../shell/copy.ts";
import { makeParents } from "../shell/filesystem.ts";
import { CommandError, type Process } from "../shell/process.ts";
import { groupID, userID } from "./accounts.ts";
import { forEach } from "./attempts.ts";
import { targetDirectory } from "./cp.ts";
import { parseMode } from "./mode-words.ts";
import { atLeast, parseOptions } from "./options.ts";
import { below, isDirectory, lastName, maybeLstat } from "./walk.ts";

const LONG = {
  mode: "m",
  owner: "o",
  group: "g",
  directory: "d",
  "preserve-timestamps": "p",
  "target-directory": "t",
  "no-target-directory": "T",
  verbose: "v",
  strip: "s",
  compare: "C",
};

export function install(process: Process): number {
  const { mount } = process;
  const options = parseOptions(process.args, "m:o:g:dpt:TvDcsCb", LONG);
  const mode = parseMode(options.value("m") ?? "755", 0);
  const uid = lookUp(options.value("o"), "user", (text) => userID(mount, text));
  const gid = lookUp(options.value("g"), "group", (text) => groupID(mount, text));
  const dress = (path: string) => {
    if (uid !== UNCHANGED || gid !== UNCHANGED) mount.lchown(path, uid, gid);
    mount.chmod(path, mode(0, isDirectory(mount.lstat(path))));
  };
  if (options.has("d")) {
    atLeast(options.operands, 1);
    return forEach(
      process,
      options.operands,
      (path) => `cannot create directory '${path}'`,
      (path) => {
        makeParents(mount.as({ umask: 0o022 }), path.replace(/(?<=.)\/+$/, ""));
        dress(path);
      },
    );
  }
  const operands = [...options.operands];
  const given = options.value("t");
  if (options.has("D")) {
    const last = given ?? operands.at(-1) ?? "";
    makeParents(
      mount.as({ umask: 0o022 }),
      given === undefined ? last.slice(0, Math.max(last.lastIndexOf("/"), 0)) : last,
    );
  }
  const directory = targetDirectory(process, operands, given, options.has("T"));
  const sources = directory === undefined ? operands.slice(0, 1) : operands;
  return forEach(
    process,
    sources,
    (from) => `cannot install '${from}'`,
    (from) => {
      const to = directory === undefined ? operands[1]! : below(directory, lastName(from));
      const stat = mount.stat(from);
      if (isDirectory(stat)) throw new CommandError(`omitting directory '${from}'`);
      if (maybeLstat(mount, to) !== undefined) mount.unlink(to);
      copyFile(mount, from, to, 0o600, true);
      dress(to);
      if (options.has("p")) mount.utimens(to, stat.atime, stat.mtime);
    },
  );
}

function lookUp(text: string | undefined, what: string, find: (text: string) => number | undefined): number {
  if (text === undefined) return UNCHANGED;
  const id = find(text);
  if (id === undefined) throw new CommandError(`invalid ${what} '${text}'`);
  return id;
}
