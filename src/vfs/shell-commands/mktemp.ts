/** `mktemp`. */
import { platform } from "#platform";
import { O_CREAT, O_EXCL, O_WRONLY } from "../../union/types.ts";
import { CommandError, type Process } from "../shell/process.ts";
import { attempt } from "./attempts.ts";
import { parseOptions } from "./options.ts";

const LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

export function mktemp(process: Process): number {
  const { mount } = process;
  const options = parseOptions(process.args, "dutqp::=:", {
    directory: "d",
    "dry-run": "u",
    quiet: "q",
    tmpdir: "p",
    suffix: "=",
  });
  const [template = "tmp.XXXXXXXXXX"] = options.operands;
  const runs = [...template.matchAll(/X{3,}/g)].at(-1);
  if (runs === undefined) throw new CommandError(`too few X's in template '${template}'`);
  const base = options.value("p") || process.env.get("TMPDIR") || "/tmp";
  const inBase = options.operands.length === 0 || options.has("p") || options.has("t");
  const random = [...platform.randomBytes(runs[0].length)]
    .map((byte) => LETTERS[byte % LETTERS.length])
    .join("");
  const name =
    template.slice(0, runs.index) +
    random +
    template.slice(runs.index + runs[0].length) +
    (options.value("=") ?? "");
  const path = inBase && !name.startsWith("/") ? `${base}/${name}` : name;
  const done = attempt(process, `failed to create file via template '${template}'`, () => {
    if (options.has("u")) return;
    if (options.has("d")) mount.mkdir(path, 0o700);
    else mount.close(mount.open(path, O_WRONLY | O_CREAT | O_EXCL, 0o600));
  });
  if (!done) return 1;
  process.write(`${path}\n`);
  return 0;
}
