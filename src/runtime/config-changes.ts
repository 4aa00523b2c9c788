/**
 * Changes to an image's config by Dockerfile instructions, as `commit --change` takes them: CMD,
 * ENTRYPOINT, ENV, EXPOSE, LABEL, ONBUILD, STOPSIGNAL, USER, VOLUME, WORKDIR.
 */
import { posix } from "node:path";
import type { ExecutionConfig } from "../oci/config.ts";
import { StoreError } from "../store/errors.ts";

type Edit = (config: ExecutionConfig, rest: string) => ExecutionConfig;

function invalid(message: string): StoreError {
  return new StoreError("invalid", message);
}

/** The words of an instruction: separated by blanks, quoted and escaped as a shell has them. */
function words(text: string): string[] {
  const found: string[] = [];
  let word = "";
  let started = false;
  let quote = "";
  for (let i = 0; i < text.length; i++) {
    const unit = text[i]!;
    if (quote !== "") {
      if (unit === quote) quote = "";
      else if (unit === "\\" && quote === '"' && i + 1 < text.length) word += text[++i]!;
      else word += unit;
    } else if (unit === '"' || unit === "'") {
      quote = unit;
      started = true;
    } else if (unit === "\\" && i + 1 < text.length) {
      word += text[++i]!;
      started = true;
    } else if (/\s/.test(unit)) {
      if (started) found.push(word);
      word = "";
      started = false;
    } else {
      word += unit;
      started = true;
    }
  }
  if (quote !== "") throw invalid(`unterminated quote in: ${text}`);
  if (started) found.push(word);
  return found;
}

/** A JSON array of strings, or undefined for anything else, which is then a shell's command line. */
function jsonStrings(text: string): readonly string[] | undefined {
  if (!text.startsWith("[")) return undefined;
  try {
    const value = JSON.parse(text) as unknown;
    const strings = Array.isArray(value) && value.every((element) => typeof element === "string");
    return strings ? (value as string[]) : undefined;
  } catch {
    return undefined;
  }
}

function command(config: ExecutionConfig, text: string): readonly string[] {
  return jsonStrings(text) ?? [...(config.Shell ?? ["/bin/sh", "-c"]), text];
}

/** `NAME=value …`, or the old `NAME value` with everything after the name. */
function pairs(instruction: string, text: string): readonly (readonly [string, string])[] {
  const parts = words(text);
  const first = parts[0] ?? "";
  if (!first.includes("=")) {
    const match = /^(\S+)\s+(\S[\s\S]*)$/.exec(text);
    if (match === null) throw invalid(`${instruction} must have two arguments`);
    return [[match[1]!, words(match[2]!).join(" ")]];
  }
  return parts.map((part) => {
    const equals = part.indexOf("=");
    if (equals < 0)
      throw invalid(`Syntax error - can't find = in "${part}". Must be of the form: name=value`);
    if (equals === 0) throw invalid(`${instruction} names can not be blank`);
    return [part.slice(0, equals), part.slice(equals + 1)];
  });
}

function withKeys<T extends object>(known: Readonly<Record<string, T>> | undefined, keys: readonly string[]) {
  const added = keys.map((key) => [key, {}] as const);
  return Object.fromEntries([...Object.entries(known ?? {}), ...added]);
}

/** The ports of `80`, `80/udp`, `8000-8010`, as keys of `ExposedPorts`. */
function ports(text: string): readonly string[] {
  const match = /^([0-9]+)(?:-([0-9]+))?(?:\/(tcp|udp|sctp))?$/i.exec(text);
  const first = Number(match?.[1]);
  const last = Number(match?.[2] ?? match?.[1]);
  if (match === null || first > last || last > 65_535) throw invalid(`invalid containerPort: ${text}`);
  const protocol = (match[3] ?? "tcp").toLowerCase();
  return Array.from({ length: last - first + 1 }, (_, i) => `${first + i}/${protocol}`);
}

function only(instruction: string, text: string): string {
  if (text === "") throw invalid(`${instruction} requires exactly one argument`);
  return text;
}

const EDITS: ReadonlyMap<string, Edit> = new Map<string, Edit>([
  ["CMD", (config, text) => ({ ...config, Cmd: command(config, text) })],
  ["ENTRYPOINT", (config, text) => ({ ...config, Entrypoint: command(config, text) })],
  [
    "ENV",
    (config, text) => {
      const env = [...(config.Env ?? [])];
      for (const [name, value] of pairs("ENV", text)) {
        const at = env.findIndex((entry) => entry.startsWith(`${name}=`));
        env.splice(at < 0 ? env.length : at, at < 0 ? 0 : 1, `${name}=${value}`);
      }
      return { ...config, Env: env };
    },
  ],
  [
    "EXPOSE",
    (config, text) => ({
      ...config,
      ExposedPorts: withKeys(config.ExposedPorts, words(text).flatMap(ports)),
    }),
  ],
  [
    "LABEL",
    (config, text) => ({
      ...config,
      Labels: Object.fromEntries([...Object.entries(config.Labels ?? {}), ...pairs("LABEL", text)]),
    }),
  ],
  ["ONBUILD", (config, text) => ({ ...config, OnBuild: [...(config.OnBuild ?? []), only("ONBUILD", text)] })],
  ["STOPSIGNAL", (config, text) => ({ ...config, StopSignal: only("STOPSIGNAL", text) })],
  ["USER", (config, text) => ({ ...config, User: only("USER", words(text).join(" ")) })],
  [
    "VOLUME",
    (config, text) => ({ ...config, Volumes: withKeys(config.Volumes, jsonStrings(text) ?? words(text)) }),
  ],
  [
    "WORKDIR",
    (config, text) => {
      const [path = ""] = words(text);
      const joined = posix.resolve(config.WorkingDir || "/", only("WORKDIR", path));
      return { ...config, WorkingDir: joined };
    },
  ],
]);

/**
 * A config after some instructions, applied in order. As in a Dockerfile, an entry point without a
 * command before it drops the command it did not know.
 * @throws StoreError (`invalid`) for an instruction that a commit does not take
 */
export function changeConfig(config: ExecutionConfig, instructions: readonly string[]): ExecutionConfig {
  let changed = config;
  let commandSet = false;
  for (const instruction of instructions) {
    const [, written = "", rest = ""] = /^\s*(\S+)\s*([\s\S]*?)\s*$/.exec(instruction) ?? [];
    const word = written.toUpperCase();
    const edit = EDITS.get(word);
    if (edit === undefined) throw invalid(`${word} is not a valid change command`);
    changed = edit(changed, rest);
    if (word === "CMD") commandSet = true;
    if (word === "ENTRYPOINT" && !commandSet) {
      const { Cmd: _, ...withoutCommand } = changed;
      changed = withoutCommand;
    }
  }
  return changed;
}
