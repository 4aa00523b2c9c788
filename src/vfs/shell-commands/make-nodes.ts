/** `mkdir`, `rmdir`, `mkfifo`, `mknod`, `link`, `unlink`. */
import { makeDevice } from "../../posix/mode.ts";
import { parentPath } from "../../posix/path.ts";
import { makeParents } from "../shell/filesystem.ts";
import { CommandError, type Process } from "../shell/process.ts";
import { reasonOf } from "../shell/strerror.ts";
import { forEach } from "./attempts.ts";
import { parseMode } from "./mode-words.ts";
import { atLeast, parseOptions } from "./options.ts";

/** The mode that `-m` asks for, starting from what a file of that kind has. */
function modeOf(
  process: Process,
  text: string | undefined,
  all: number,
  isDirectory: boolean,
): number | undefined {
  return text === undefined ? undefined : parseMode(text, process.umask)(all, isDirectory);
}

export function mkdir(process: Process): number {
  const { mount } = process;
  const options = parseOptions(process.args, "m:pvZ", { mode: "m", parents: "p", verbose: "v" });
  atLeast(options.operands, 1);
  const mode = modeOf(process, options.value("m"), 0o777, true);
  const tell = (path: string) => {
    if (options.has("v")) process.write(`${process.name}: created directory '${path}'\n`);
  };
  return forEach(
    process,
    options.operands,
    (path) => `cannot create directory '${path}'`,
    (path) => {
      const clean = path.replace(/(?<=.)\/+$/, "");
      let made = !options.has("p");
      if (made) {
        mount.mkdir(path);
        tell(path);
      } else {
        // Directories on the way are the owner's to search and write, whatever the umask (mkdir(1)).
        makeParents(mount.as({ umask: mount.caller.umask & ~0o300 }), parentPath(clean), tell);
        makeParents(mount, clean, (each) => {
          made = true;
          tell(each);
        });
      }
      if (made && mode !== undefined) mount.chmod(path, mode);
    },
  );
}

export function rmdir(process: Process): number {
  const { mount } = process;
  const options = parseOptions(process.args, "pv", {
    parents: "p",
    verbose: "v",
    "ignore-fail-on-non-empty": "i",
  });
  atLeast(options.operands, 1);
  return forEach(
    process,
    options.operands,
    (path) => `failed to remove '${path}'`,
    (path) => {
      for (let each = path.replace(/(?<=.)\/+$/, ""); ; each = each.slice(0, each.lastIndexOf("/"))) {
        try {
          mount.rmdir(each);
        } catch (error) {
          if (!options.has("i") || reasonOf(error) !== "Directory not empty") throw error;
          return;
        }
        if (!options.has("p") || each.lastIndexOf("/") <= 0) return;
      }
    },
  );
}

export function mkfifo(process: Process): number {
  const { mount } = process;
  const options = parseOptions(process.args, "m:Z", { mode: "m" });
  atLeast(options.operands, 1);
  const mode = modeOf(process, options.value("m"), 0o666, false);
  return forEach(
    process,
    options.operands,
    (path) => `cannot create fifo '${path}'`,
    (path) => {
      mount.mknod(path, "fifo", 0o666);
      if (mode !== undefined) mount.chmod(path, mode);
    },
  );
}

const KINDS = { b: "block", c: "char", u: "char", p: "fifo" } as const;

export function mknod(process: Process): number {
  const { mount } = process;
  const options = parseOptions(process.args, "m:Z", { mode: "m" });
  atLeast(options.operands, 2);
  const [path, letter, major, minor] = options.operands as [string, string, string?, string?];
  const kind = KINDS[letter as keyof typeof KINDS];
  if (kind === undefined) throw new CommandError(`invalid device type '${letter}'`);
  const isDevice = kind !== "fifo";
  if (isDevice && minor === undefined)
    throw new CommandError("Special files require major and minor device numbers.");
  if (!isDevice && major !== undefined)
    throw new CommandError("Fifos do not have major and minor device numbers.");
  const mode = modeOf(process, options.value("m"), 0o666, false);
  return forEach(process, [path], String, () => {
    mount.mknod(path, kind, 0o666, isDevice ? makeDevice(number(major!), number(minor!)) : 0);
    if (mode !== undefined) mount.chmod(path, mode);
  });
}

function number(text: string): number {
  const value = /^0[0-7]+$/.test(text) ? Number.parseInt(text, 8) : Number(text);
  if (!Number.isSafeInteger(value) || value < 0) throw new CommandError(`invalid device number '${text}'`);
  return value;
}

export function link(process: Process): number {
  const [from, to, ...more] = process.args;
  if (from === undefined || to === undefined || more.length > 0)
    throw new CommandError("two operands are needed");
  return forEach(
    process,
    [to],
    (path) => `cannot create link '${path}' to '${from}'`,
    () => process.mount.link(from, to),
  );
}

export function unlink(process: Process): number {
  const [path, ...more] = process.args;
  if (path === undefined || more.length > 0) throw new CommandError("one operand is needed");
  return forEach(
    process,
    [path],
    () => `cannot unlink '${path}'`,
    () => process.mount.unlink(path),
  );
}
