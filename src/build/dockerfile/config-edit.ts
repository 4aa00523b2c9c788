/**
 * What instructions do to an image's config (5.3). Pure: each gives a new config.
 *
 * - ENTRYPOINT drops a CMD that was inherited, and keeps one of the same stage.
 * - ENV replaces a variable where it stands. Labels, ports and volumes are sorted, as Docker writes them.
 * - An empty list clears CMD and ENTRYPOINT.
 */
import type { ExecutionConfig, HealthConfig } from "../../oci/config.ts";
import { splitPath } from "../../posix/path.ts";
import { parsePorts } from "./ports.ts";
import { commandArguments, shellOf } from "./run-command.ts";
import { signalNumber } from "./signals.ts";
import type { CommandLine, HealthCheck, KeyValue, StageInstruction } from "./syntax.ts";

/** What instructions of a stage have made of its image's config. */
export interface StageConfig {
  readonly config: ExecutionConfig;
  readonly author?: string;
  /** CMD was set in this stage. */
  readonly commandSet: boolean;
}

/** An instruction whose values cannot be. The message is one sentence without a place. */
export class ConfigEditError extends Error {
  override readonly name = "ConfigEditError";
}

/** What Docker gives an image that sets no PATH. */
export const DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/**
 * What a stage starts with. The triggers of its base are not its own; its environment has a PATH.
 * @param base the config of the image or stage it is from; absent for `scratch`
 */
export function startConfig(base?: ExecutionConfig): StageConfig {
  const { OnBuild: _, ...config } = base ?? { WorkingDir: "/" };
  const env = config.Env ?? [];
  const hasPath = env.some((entry) => entry.startsWith("PATH="));
  return { config: { ...config, Env: hasPath ? env : [...env, `PATH=${DEFAULT_PATH}`] }, commandSet: false };
}

/** A record with members added or replaced, in the order of its keys. */
function sorted<T>(known: Readonly<Record<string, T>> | undefined, added: Iterable<readonly [string, T]>) {
  const members = new Map([...Object.entries(known ?? {}), ...added]);
  return Object.fromEntries([...members].sort(([a], [b]) => (a < b ? -1 : 1)));
}

function keys(names: readonly string[]): readonly (readonly [string, object])[] {
  return names.map((name) => [name, {}]);
}

/** An environment with variables set, each where it stands already or at the end. */
export function setEnv(
  env: readonly string[],
  pairs: readonly Pick<KeyValue, "key" | "value">[],
): readonly string[] {
  const result = [...env];
  for (const { key, value } of pairs) {
    const at = result.findIndex((entry) => entry.split("=", 1)[0] === key);
    result.splice(at < 0 ? result.length : at, 1, `${key}=${value}`);
  }
  return result;
}

/** A path that WORKDIR sets: clean, absolute, relative to the one before. */
export function resolveWorkdir(before: string | undefined, path: string): string {
  const parts: string[] = [];
  for (const part of splitPath(path.startsWith("/") ? path : `${before || "/"}/${path}`)) {
    if (part === "..") parts.pop();
    else parts.push(part);
  }
  return `/${parts.join("/")}`;
}

function ports(words: readonly string[]): readonly string[] {
  return words.flatMap((word) => {
    const parsed = parsePorts(word);
    if ("problem" in parsed) throw new ConfigEditError(parsed.problem);
    return parsed.ports;
  });
}

/** A health check as a config has it: what is zero is left out. */
export function healthConfig(health: HealthCheck): HealthConfig {
  return {
    Test: health.test,
    ...(health.interval !== 0 && { Interval: health.interval }),
    ...(health.timeout !== 0 && { Timeout: health.timeout }),
    ...(health.startPeriod !== 0 && { StartPeriod: health.startPeriod }),
    ...(health.startInterval !== 0 && { StartInterval: health.startInterval }),
    ...(health.retries !== 0 && { Retries: health.retries }),
  };
}

function withCommand(config: ExecutionConfig, command: CommandLine): ExecutionConfig {
  const { Cmd: _, ...rest } = config;
  const args = commandArguments(command, shellOf(config));
  return args.length === 0 ? rest : { ...rest, Cmd: args };
}

function withEntrypoint(state: StageConfig, command: CommandLine): ExecutionConfig {
  const { Entrypoint: _, Cmd: inherited, ...rest } = state.config;
  const args = commandArguments(command, shellOf(state.config));
  return {
    ...rest,
    ...(args.length > 0 && { Entrypoint: args }),
    ...(state.commandSet && inherited !== undefined && { Cmd: inherited }),
  };
}

function notEmpty(value: string, what: string): string {
  if (value === "") throw new ConfigEditError(`${what} is empty`);
  return value;
}

/**
 * The config after an instruction whose variables are expanded. Those that change no config leave it as it is.
 * @throws ConfigEditError
 */
export function editConfig(state: StageConfig, instruction: StageInstruction): StageConfig {
  const { config } = state;
  const set = (changes: Partial<ExecutionConfig>): StageConfig => ({
    ...state,
    config: { ...config, ...changes },
  });
  switch (instruction.name) {
    case "CMD":
      return { ...state, config: withCommand(config, instruction.command), commandSet: true };
    case "ENTRYPOINT":
      return { ...state, config: withEntrypoint(state, instruction.command) };
    case "ENV":
      for (const { key } of instruction.pairs) notEmpty(key, "a name of ENV");
      return set({ Env: setEnv(config.Env ?? [], instruction.pairs) });
    case "LABEL":
      return set({
        Labels: sorted(
          config.Labels,
          instruction.pairs.map(({ key, value }) => [key, value]),
        ),
      });
    case "EXPOSE":
      return set({ ExposedPorts: sorted(config.ExposedPorts, keys(ports(instruction.ports))) });
    case "VOLUME":
      for (const path of instruction.paths) notEmpty(path, "a path of VOLUME");
      return set({ Volumes: sorted(config.Volumes, keys(instruction.paths)) });
    case "USER":
      return set({ User: notEmpty(instruction.user, "the name of USER") });
    case "WORKDIR":
      return set({
        WorkingDir: resolveWorkdir(config.WorkingDir, notEmpty(instruction.path, "the path of WORKDIR")),
      });
    case "SHELL":
      return set({ Shell: instruction.shell });
    case "STOPSIGNAL":
      if (signalNumber(instruction.signal) === undefined) {
        throw new ConfigEditError(`invalid signal: ${instruction.signal}`);
      }
      return set({ StopSignal: instruction.signal });
    case "HEALTHCHECK":
      return set({ Healthcheck: healthConfig(instruction.health) });
    case "ONBUILD":
      return set({ OnBuild: [...(config.OnBuild ?? []), instruction.trigger] });
    case "MAINTAINER":
      return { ...state, author: instruction.maintainer };
    default:
      return state;
  }
}
