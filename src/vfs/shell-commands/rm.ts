/** `rm`. */
import { removeTree } from "../node-fs/remove.ts";
import { CommandError, type Process } from "../shell/process.ts";
import { forEach } from "./attempts.ts";
import { atLeast, parseOptions } from "./options.ts";
import { isDirectory, lastName, maybeLstat } from "./walk.ts";

const LONG = {
  recursive: "r",
  force: "f",
  dir: "d",
  verbose: "v",
  interactive: "I",
  "one-file-system": "x",
  "preserve-root": "=",
  "no-preserve-root": "!",
};

export function rm(process: Process): number {
  const { mount } = process;
  const options = parseOptions(process.args, "rRfdviIx=::!", LONG);
  const [recursive, force] = [options.has("r") || options.has("R"), options.has("f")];
  if (!force) atLeast(options.operands, 1);
  return forEach(
    process,
    options.operands,
    (path) => `cannot remove '${path}'`,
    (path) => {
      const name = lastName(path);
      if (recursive && (name === "." || name === "..")) {
        throw new CommandError(`refusing to remove '.' or '..' directory: skipping '${path}'`);
      }
      if (recursive && name === "/" && !options.has("!")) {
        throw new CommandError("it is dangerous to operate recursively on '/'");
      }
      if (force && maybeLstat(mount, path) === undefined) return;
      if (!isDirectory(mount.lstat(path))) mount.unlink(path);
      else if (recursive) removeTree(mount, path.replace(/(?<=.)\/+$/, ""));
      else if (options.has("d")) mount.rmdir(path);
      else throw new CommandError(`cannot remove '${path}': Is a directory`);
      if (options.has("v")) process.write(`removed '${path}'\n`);
    },
  );
}
