/** `readlink` and `realpath`. */
import { nativeRealpath } from "../node-fs/realpath.ts";
import type { Process } from "../shell/process.ts";
import { reasonOf } from "../shell/strerror.ts";
import { atLeast, parseOptions } from "./options.ts";
import { absolute, relativeTo } from "./relative.ts";

type Existence = "all" | "parents" | "none";

/** The path with its symlinks resolved, as far as it exists. @throws PosixError where more must exist */
function resolve({ mount, cwd }: Process, path: string, existence: Existence): string {
  if (existence === "all") return nativeRealpath(mount, path);
  let rest = "";
  for (let each = absolute(cwd, path); ; ) {
    try {
      const real = nativeRealpath(mount, each);
      return rest === "" ? real : `${real === "/" ? "" : real}${rest}`;
    } catch (error) {
      let target: string | undefined;
      try {
        target = mount.readlink(each);
      } catch {
        target = undefined;
      }
      const slash = each.lastIndexOf("/");
      if (target !== undefined) {
        // A link that dangles: go on from where it points.
        each = absolute(each.slice(0, slash) || "/", target);
        continue;
      }
      if ((existence === "parents" && rest !== "") || each === "/") throw error;
      rest = each.slice(slash) + rest;
      each = each.slice(0, slash) || "/";
    }
  }
}

export function readlink(process: Process): number {
  const options = parseOptions(process.args, "femnqsvz", {
    canonicalize: "f",
    "canonicalize-existing": "e",
    "canonicalize-missing": "m",
    "no-newline": "n",
    zero: "z",
    quiet: "q",
    silent: "s",
    verbose: "v",
  });
  atLeast(options.operands, 1);
  const existence = options.has("e")
    ? "all"
    : options.has("m")
      ? "none"
      : options.has("f")
        ? "parents"
        : undefined;
  return print(
    process,
    options.operands,
    options.has("n") ? "" : options.has("z") ? "\0" : "\n",
    !options.has("v"),
    (path) => (existence === undefined ? process.mount.readlink(path) : resolve(process, path, existence)),
  );
}

export function realpath(process: Process): number {
  const options = parseOptions(process.args, "emsqz=:!:", {
    "canonicalize-existing": "e",
    "canonicalize-missing": "m",
    strip: "s",
    "no-symlinks": "s",
    quiet: "q",
    zero: "z",
    "relative-to": "=",
    "relative-base": "!",
  });
  atLeast(options.operands, 1);
  const existence = options.has("e") ? "all" : options.has("m") ? "none" : "parents";
  const to = options.value("=");
  const real = (path: string) =>
    options.has("s") ? absolute(process.cwd, path) : resolve(process, path, existence);
  return print(process, options.operands, options.has("z") ? "\0" : "\n", options.has("q"), (path) =>
    to === undefined ? real(path) : relativeTo(real(to), real(path)),
  );
}

function print(
  process: Process,
  paths: readonly string[],
  end: string,
  quiet: boolean,
  find: (path: string) => string,
): number {
  let status = 0;
  for (const path of paths) {
    try {
      process.write(find(path) + end);
    } catch (error) {
      const reason = reasonOf(error);
      if (!quiet) process.complain(`${path}: ${reason}`);
      status = 1;
    }
  }
  return status;
}
