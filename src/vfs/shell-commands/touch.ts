/** `touch`. */
import type { TimeEdit } from "../../union/attribute-calls.ts";
import { O_CREAT, O_WRONLY } from "../../union/types.ts";
import type { Process } from "../shell/process.ts";
import { forEach } from "./attempts.ts";
import { parseDate, parseStamp } from "./dates.ts";
import { atLeast, parseOptions } from "./options.ts";
import { maybeLstat, maybeStat } from "./walk.ts";

export function touch(process: Process): number {
  const { mount } = process;
  const options = parseOptions(process.args, "acmhfr:d:t:=:", {
    "no-create": "c",
    date: "d",
    reference: "r",
    "no-dereference": "h",
    time: "=",
  });
  atLeast(options.operands, 1);
  const now = process.machine.now();
  const [date, stamp, reference] = [options.value("d"), options.value("t"), options.value("r")];
  const link = options.has("h");
  let [atime, mtime]: [TimeEdit, TimeEdit] = ["now", "now"];
  if (reference !== undefined) ({ atime, mtime } = link ? mount.lstat(reference) : mount.stat(reference));
  if (stamp !== undefined) atime = mtime = parseStamp(stamp, now);
  if (date !== undefined && date !== "now") atime = mtime = parseDate(date, now);
  const only = options.has("a") !== options.has("m");
  if (only && options.has("a")) mtime = "omit";
  if (only && options.has("m")) atime = "omit";
  return forEach(
    process,
    options.operands,
    (path) => `cannot touch '${path}'`,
    (path) => {
      const missing = (link ? maybeLstat(mount, path) : maybeStat(mount, path)) === undefined;
      if (missing) {
        if (options.has("c") || link) {
          if (link && !options.has("c")) mount.lstat(path);
          return;
        }
        mount.close(mount.open(path, O_WRONLY | O_CREAT, 0o666));
      }
      if (link) mount.lutimens(path, atime, mtime);
      else mount.utimens(path, atime, mtime);
    },
  );
}
