/**
 * The variables that instructions see (5.2).
 *
 * - FROM sees the ARGs before the first FROM, and the predefined ones of the platforms.
 * - A stage sees the environment of its image and the ARGs declared in it, or in the stage it is from. ARG
 *   without a value imports the global one. A value given for the build wins over every default.
 * - ENV wins over an ARG of the same name.
 * - The proxies are known to RUN without being declared, and are no part of history and cache keys then.
 */
import type { ImagePlatform } from "../../oci/platform.ts";
import type { Lookup } from "./expand.ts";
import { type ExpandContext, InstructionExpander } from "./expand-instruction.ts";
import type { ArgInstruction, Dockerfile } from "./syntax.ts";

export type Variables = ReadonlyMap<string, string>;

export interface BuildArguments {
  /** The values of `--build-arg`. */
  readonly buildArgs: Variables;
  readonly targetPlatform: ImagePlatform;
  /** The platform that the build itself runs on. */
  readonly buildPlatform: ImagePlatform;
  /** `--target`. */
  readonly target?: string;
}

/** What a stage's instructions see. */
export interface StageScope {
  /** ENV of the image so far, in order. */
  readonly env: Variables;
  /** Declared ARGs in order of their first declaration; undefined for one without a value. */
  readonly args: ReadonlyMap<string, string | undefined>;
}

/** Variants that need not be written. */
const DEFAULT_VARIANTS: ReadonlySet<string> = new Set(["arm64/v8", "amd64/v1"]);
const PROXIES: ReadonlySet<string> = new Set([
  "http_proxy",
  "https_proxy",
  "ftp_proxy",
  "no_proxy",
  "all_proxy",
]);
const PLATFORM_ARGS = ["PLATFORM", "OS", "ARCH", "VARIANT"] as const;

function platformVariables(prefix: "TARGET" | "BUILD", platform: ImagePlatform): readonly [string, string][] {
  const { os, architecture } = platform;
  const isDefault = DEFAULT_VARIANTS.has(`${architecture}/${platform.variant}`);
  const variant = isDefault ? "" : (platform.variant ?? "");
  const text = [os, architecture, variant].filter((part) => part !== "").join("/");
  const values = { PLATFORM: text, OS: os, ARCH: architecture, VARIANT: variant };
  return PLATFORM_ARGS.map((name) => [prefix + name, values[name]]);
}

/** The ARGs that every build has; a value given for the build replaces them. */
export function predefinedArgs({
  targetPlatform,
  buildPlatform,
  target,
  buildArgs,
}: BuildArguments): Variables {
  const values: readonly (readonly [string, string])[] = [
    ...platformVariables("BUILD", buildPlatform),
    ...platformVariables("TARGET", targetPlatform),
    ["TARGETSTAGE", target ?? "default"],
  ];
  return new Map(values.map(([name, value]) => [name, buildArgs.get(name) ?? value]));
}

/** Whether a build argument is a proxy's, in either case. */
export function isProxyArg(name: string): boolean {
  return (name === name.toLowerCase() || name === name.toUpperCase()) && PROXIES.has(name.toLowerCase());
}

/** What expansion in a Dockerfile starts from, but for the values. */
export function expandContext(dockerfile: Dockerfile, lookup: Lookup): ExpandContext {
  const { source, escapeCharacter } = dockerfile;
  return { source, escapeCharacter, lookup };
}

/**
 * The variables that FROMs see: predefined ones and the ARGs before the first FROM.
 * @throws DockerfileError
 */
export function globalVariables(dockerfile: Dockerfile, build: BuildArguments): Variables {
  const values = new Map(predefinedArgs(build));
  const context = expandContext(dockerfile, (name) => values.get(name));
  for (const instruction of dockerfile.globalArgs) {
    const expander = new InstructionExpander(instruction, context);
    for (const { key, value } of instruction.args) {
      const given = build.buildArgs.get(key);
      if (given !== undefined) values.set(key, given);
      else if (value !== undefined) values.set(key, expander.word(value));
    }
  }
  return values;
}

function parseEnv(env: readonly string[]): Variables {
  return new Map(
    env.map((entry) => {
      const equals = entry.indexOf("=");
      return equals < 0 ? [entry, ""] : [entry.slice(0, equals), entry.slice(equals + 1)];
    }),
  );
}

/**
 * The scope that a stage starts with.
 * @param env of the config it starts with
 * @param base the scope that the stage it is from ended with
 */
export function startScope(env: readonly string[] = [], base?: StageScope): StageScope {
  return { env: parseEnv(env), args: base?.args ?? new Map() };
}

/** The scope after the config's environment changed. */
export function withEnv(scope: StageScope, env: readonly string[] = []): StageScope {
  return { ...scope, env: parseEnv(env) };
}

/** Looks up what instructions see. */
export function scopeLookup({ env, args }: StageScope): Lookup {
  return (name) => env.get(name) ?? args.get(name);
}

export interface Declaration {
  readonly scope: StageScope;
  /** What the instruction declared, with values. */
  readonly declared: readonly { readonly key: string; readonly value?: string }[];
}

/**
 * Declares the ARGs of an instruction, one after the other: a later default sees an earlier value.
 * @param context `lookup` is not used: the values are the scope's
 * @throws DockerfileError
 */
export function declareArgs(
  scope: StageScope,
  instruction: ArgInstruction,
  globals: Variables,
  buildArgs: Variables,
  context: ExpandContext,
): Declaration {
  const args = new Map(scope.args);
  const lookup = scopeLookup({ env: scope.env, args });
  const expander = new InstructionExpander(instruction, { ...context, lookup });
  const declared = instruction.args.map(({ key, value }) => {
    const fallback = () => (value === undefined ? globals.get(key) : expander.word(value));
    const result = buildArgs.get(key) ?? fallback();
    args.set(key, result);
    return result === undefined ? { key } : { key, value: result };
  });
  return { scope: { env: scope.env, args }, declared };
}

/** The ARGs that a RUN's history and cache key name: all that are declared, `K=` for those without a value. */
export function declaredArgs(scope: StageScope): readonly (readonly [string, string])[] {
  const lookup = scopeLookup(scope);
  return [...scope.args.keys()].map((key) => [key, lookup(key) ?? ""]);
}

/** The environment of a RUN: ENV, ARGs that have a value, and the proxies given for the build. */
export function runEnvironment(scope: StageScope, buildArgs: Variables): Variables {
  const environment = new Map<string, string>();
  for (const [name, value] of buildArgs) if (isProxyArg(name)) environment.set(name, value);
  for (const [name, value] of scope.args) if (value !== undefined) environment.set(name, value);
  for (const [name, value] of scope.env) environment.set(name, value);
  return environment;
}

/** Build arguments that no ARG declares and that mean nothing by themselves. */
export function unusedBuildArgs(
  dockerfile: Dockerfile,
  buildArgs: Variables,
  alsoDeclared: Iterable<string> = [],
): readonly string[] {
  const known = new Set(alsoDeclared);
  const declare = (instruction: ArgInstruction) => {
    for (const { key } of instruction.args) known.add(key);
  };
  dockerfile.globalArgs.forEach(declare);
  for (const { instructions } of dockerfile.stages) {
    for (const instruction of instructions) if (instruction.name === "ARG") declare(instruction);
  }
  return [...buildArgs.keys()].filter((name) => !known.has(name) && !isPredefined(name));
}

function isPredefined(name: string): boolean {
  return (
    isProxyArg(name) ||
    name === "SOURCE_DATE_EPOCH" ||
    name.startsWith("BUILDKIT_") ||
    /^(TARGET|BUILD)(PLATFORM|OS|ARCH|VARIANT)$/.test(name)
  );
}

/** The warning about build arguments that nothing used, or undefined where there are none. */
export function unusedBuildArgsWarning(names: readonly string[]): string | undefined {
  if (names.length === 0) return undefined;
  return `[Warning] One or more build-args [${[...names].sort().join(" ")}] were not consumed`;
}
