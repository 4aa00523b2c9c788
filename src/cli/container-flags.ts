/**
 * The flags that `create` and `run` share, and what they ask for; with them those of `exec`.
 */
import { readFileSync } from "node:fs";
import type { Command } from "commander";
import type { CreateOptions } from "../runtime/container-config.ts";
import { collect } from "./collect.ts";
import type { Context } from "./context.ts";
import { Failure } from "./failure.ts";
import { FlagValueError, parseMount, parseTmpfs, parseVolume } from "./mount-flags.ts";

export interface CreateFlags {
  readonly name?: string;
  readonly env: readonly string[];
  readonly envFile: readonly string[];
  readonly workdir?: string;
  readonly user?: string;
  readonly volume: readonly string[];
  readonly mount: readonly string[];
  readonly tmpfs: readonly string[];
  readonly readOnly?: true;
  readonly entrypoint?: string;
  readonly interactive?: true;
  readonly tty?: true;
  readonly cidfile?: string;
  readonly label: readonly string[];
  readonly labelFile: readonly string[];
  readonly hostname?: string;
  readonly pull: string;
  readonly stopSignal?: string;
  readonly platform?: string;
}

const FLAG_ERROR = 125;

export function addCreateFlags(command: Command): Command {
  return command
    .option("--cidfile <file>", "Write the container ID to a file")
    .option("--entrypoint <string>", "Use another entry point than the image's")
    .option("-e, --env <list>", "Set an environment variable", collect, [])
    .option("--env-file <list>", "Read environment variables from a file", collect, [])
    .option("-h, --hostname <string>", "Host name of the container")
    .option("-i, --interactive", "Pass standard input on to the command")
    .option("-l, --label <list>", "Set a label", collect, [])
    .option("--label-file <list>", "Read labels from a file", collect, [])
    .option("--mount <mount>", "Attach a directory of the host, or a filesystem in memory", collect, [])
    .option("--name <string>", "Give the container a name")
    .option("--platform <string>", "Refuse an image of another platform")
    .option("--pull <string>", 'Pull the image before: "always", "missing" or "never"', "missing")
    .option("--read-only", "Let nothing change the container's files")
    .option("--stop-signal <string>", "Signal that ends the container")
    .option("--tmpfs <list>", "Attach a filesystem in memory", collect, [])
    .option("-t, --tty", "Tell the command that it has a terminal")
    .option("-u, --user <string>", "Name or UID to run as, with or without :GROUP")
    .option("-v, --volume <list>", "Attach a directory of the host: HOST:CONTAINER[:ro]", collect, [])
    .option("-w, --workdir <string>", "Working directory in the container")
    .passThroughOptions();
}

function invalid(flag: string, value: string, why: string): Failure {
  return new Failure(`invalid argument "${value}" for "${flag}" flag: ${why}`, FLAG_ERROR);
}

function each<T>(flag: string, values: readonly string[], parse: (value: string) => T): readonly T[] {
  return values.map((value) => {
    try {
      return parse(value);
    } catch (error) {
      if (error instanceof FlagValueError) throw invalid(flag, value, error.message);
      throw error;
    }
  });
}

/** The lines of a file that say something: without blank ones and comments. */
function fileLines(path: string): readonly string[] {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const why = code === "ENOENT" ? "no such file or directory" : (error as Error).message;
    throw new Failure(`open ${path}: ${why}`, FLAG_ERROR);
  }
  const lines = text.replace(/^\ufeff/, "").split(/\r?\n/);
  return lines.map((line) => line.trimStart()).filter((line) => line !== "" && !line.startsWith("#"));
}

/** Variables of `-e` and `--env-file`: `NAME=value`, or `NAME` for the value that it has here, if any. */
export function environmentOf(
  context: Context,
  flags: { readonly env: readonly string[]; readonly envFile: readonly string[] },
): readonly string[] {
  const fromFiles = flags.envFile.flatMap((path) =>
    fileLines(path).map((line) => {
      const name = line.split("=")[0]!;
      if (name === "") throw new Failure(`invalid environment variable: ${line}`, FLAG_ERROR);
      if (/\s/.test(name)) {
        throw new Failure(
          `poorly formatted environment: variable '${name}' contains whitespaces`,
          FLAG_ERROR,
        );
      }
      return line;
    }),
  );
  for (const entry of flags.env) {
    if (entry === "" || entry.startsWith("=")) {
      throw invalid("-e, --env", entry, `invalid environment variable: ${entry}`);
    }
  }
  return [...fromFiles, ...flags.env].flatMap((entry) => {
    if (entry.includes("=")) return [entry];
    const value = context.terminal.env[entry];
    return value === undefined ? [] : [`${entry}=${value}`];
  });
}

/** Labels: `KEY=value`, or `KEY` for an empty one. */
function labelsOf({ label, labelFile }: CreateFlags): Readonly<Record<string, string>> {
  const entries = [...labelFile.flatMap(fileLines), ...label];
  return Object.fromEntries(
    entries.map((entry) => {
      const equals = entry.indexOf("=");
      return equals < 0 ? [entry, ""] : [entry.slice(0, equals), entry.slice(equals + 1)];
    }),
  );
}

/**
 * What the flags ask of a new container.
 * @param reference the image as the user called it
 * @param command what follows it
 * @throws Failure with exit code 125
 */
export function createOptions(
  context: Context,
  flags: CreateFlags,
  reference: string,
  command: readonly string[],
): CreateOptions {
  const { name, entrypoint, hostname, stopSignal, user, workdir } = flags;
  const attachments = [
    ...each("-v, --volume", flags.volume, parseVolume),
    ...each("--mount", flags.mount, parseMount),
    ...each("--tmpfs", flags.tmpfs, parseTmpfs),
  ];
  const twice = attachments.find(({ target }, i) => attachments.findIndex((a) => a.target === target) < i);
  if (twice !== undefined) throw new Failure(`Duplicate mount point: ${twice.target}`, FLAG_ERROR);
  return {
    reference,
    env: environmentOf(context, flags),
    labels: labelsOf(flags),
    attachments,
    readOnly: flags.readOnly ?? false,
    tty: flags.tty ?? false,
    openStdin: flags.interactive ?? false,
    ...(command.length > 0 ? { command } : {}),
    ...(entrypoint === undefined ? {} : { entrypoint: entrypoint === "" ? [] : [entrypoint] }),
    ...(name === undefined ? {} : { name }),
    ...(hostname === undefined ? {} : { hostname }),
    ...(stopSignal === undefined ? {} : { stopSignal }),
    ...(user === undefined ? {} : { user }),
    ...(workdir === undefined ? {} : { workingDir: workdir }),
  };
}
