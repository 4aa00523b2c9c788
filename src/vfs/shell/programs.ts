/**
 * What a word that names a command stands for: a file in the mount, found as execvp(3) finds it, and
 * then a command that is simulated, a script, or a program that only a kernel can run.
 */
import { kindOf } from "../../posix/mode.ts";
import { nameFromBytes } from "../../posix/names.ts";
import { baseName, joinPath } from "../../posix/path.ts";
import type { Mount } from "../../union/mount.ts";
import { O_RDONLY, X_OK } from "../../union/types.ts";
import { nativeRealpath } from "../node-fs/realpath.ts";

export type Program =
  | { readonly kind: "simulated"; readonly command: string }
  /** `interpreter` is what its first line names: a path and at most one argument. */
  | { readonly kind: "script"; readonly path: string; readonly interpreter: readonly string[] }
  | { readonly kind: "binary"; readonly path: string }
  | { readonly kind: "denied"; readonly path: string; readonly directory: boolean }
  | { readonly kind: "missing" };

/** Where programs lie that have a simulated counterpart; a script elsewhere is the image's own. */
const SYSTEM = ["/bin", "/sbin", "/usr/bin", "/usr/sbin"];

export const DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** The first line that the kernel reads. */
const HEAD = 256;

/**
 * @param path the variable PATH
 * @param simulated whether a command of that name is simulated
 */
export function findProgram(
  mount: Mount,
  name: string,
  path: string,
  simulated: (name: string) => boolean,
): Program {
  if (name.includes("/")) return judge(mount, name, simulated) ?? bare(name, simulated);
  let denied: Program | undefined;
  const directories = path.split(":");
  for (const directory of directories) {
    const found = judge(mount, joinPath(directory === "" ? "." : directory, name), simulated);
    if (found === undefined) continue;
    if (found.kind !== "denied") return found;
    if (!found.directory) denied ??= found;
  }
  if (denied !== undefined) return denied;
  const reachable = directories.some((directory) => SYSTEM.includes(directory));
  return reachable && simulated(name) && !OPTIONAL.has(name)
    ? { kind: "simulated", command: name }
    : { kind: "missing" };
}

/** Simulated only where the image has them: a script asks for them to learn what it runs on. */
const OPTIONAL = new Set(["busybox", "adduser", "addgroup"]);

/** A path of a system directory without a file: an image need not hold what is simulated. */
function bare(path: string, simulated: (name: string) => boolean): Program {
  const name = baseName(path);
  const usual = SYSTEM.some((directory) => joinPath(directory, name) === path);
  return usual && simulated(name) && !OPTIONAL.has(name)
    ? { kind: "simulated", command: name }
    : { kind: "missing" };
}

function judge(mount: Mount, path: string, simulated: (name: string) => boolean): Program | undefined {
  if (!mount.exists(path)) return undefined;
  const directory = kindOf(mount.stat(path).mode) === "directory";
  if (directory || !mayExecute(mount, path)) return { kind: "denied", path, directory };
  const name = baseName(path);
  const real = nativeRealpath(mount, path);
  if (SYSTEM.some((place) => real.startsWith(`${place}/`)) && simulated(name)) {
    return { kind: "simulated", command: name };
  }
  const head = readHead(mount, path);
  if (head === undefined) return { kind: "binary", path };
  if (head[0] === 0x23 && head[1] === 0x21) {
    const end = head.indexOf(0x0a);
    const line = nameFromBytes(head, 2, end < 0 ? head.length : end).trim();
    const words = /^(\S+)(?:\s+(.*))?$/.exec(line);
    if (words !== null) {
      const [, interpreter, argument] = words;
      return {
        kind: "script",
        path,
        interpreter: argument === undefined ? [interpreter!] : [interpreter!, argument],
      };
    }
  }
  if (!head.includes(0)) return { kind: "script", path, interpreter: ["/bin/sh"] };
  const applet = baseName(real) === "busybox" && simulated(name);
  return applet ? { kind: "simulated", command: name } : { kind: "binary", path };
}

function mayExecute(mount: Mount, path: string): boolean {
  try {
    mount.access(path, X_OK);
    return true;
  } catch {
    return false;
  }
}

/** The start of a file; undefined where the caller may run it and not read it. */
function readHead(mount: Mount, path: string): Uint8Array | undefined {
  let fd: number;
  try {
    fd = mount.open(path, O_RDONLY);
  } catch {
    return undefined;
  }
  try {
    const head = new Uint8Array(HEAD);
    return head.subarray(0, mount.read(fd, head));
  } finally {
    mount.close(fd);
  }
}
