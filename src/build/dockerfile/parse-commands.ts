/**
 * The instructions that hold a command line: RUN, CMD, ENTRYPOINT, HEALTHCHECK, SHELL (5.3).
 */
import { formatDuration, parseDuration } from "./durations.ts";
import { jsonForm } from "./json-form.ts";
import { MIXED_JSON } from "./parse-files.ts";
import type { Request } from "./request.ts";
import { MountError, mountSource } from "./run-mounts.ts";
import type { Word } from "./split.ts";
import type {
  CmdInstruction,
  CommandLine,
  EntrypointInstruction,
  HealthCheck,
  HealthCheckInstruction,
  RunInstruction,
  ShellInstruction,
} from "./syntax.ts";
import { trim } from "./text.ts";

const RUN_FLAGS = { mount: "list", network: "value", security: "value" } as const;
const NETWORKS: ReadonlySet<string> = new Set(["default", "none", "host"]);
const SECURITY: ReadonlySet<string> = new Set(["sandbox", "insecure"]);
const HEALTH_FLAGS = {
  interval: "value",
  timeout: "value",
  "start-period": "value",
  "start-interval": "value",
  retries: "value",
} as const;

/** 1 ms, the shortest time between two health checks; in nanoseconds. */
const MIN_INTERVAL = 1_000_000n;
const MAX_RETRIES = 2 ** 31 - 1;

/** A command line in either form. */
function commandLine(request: Request, rest: Word): CommandLine {
  const form = jsonForm(rest.text);
  if (form.kind === "mixed") throw request.fail(MIXED_JSON, rest.at);
  return form.kind === "strings" ? { form: "exec", args: form.strings } : { form: "shell", text: rest.text };
}

function mounts(request: Request, values: readonly Word[]): readonly string[] {
  for (const { text, at } of values) {
    try {
      mountSource(text);
    } catch (error) {
      if (error instanceof MountError) throw request.fail(error.message, at);
      throw error;
    }
  }
  return request.words(values);
}

export function parseRun(request: Request): RunInstruction {
  const flags = request.flags(RUN_FLAGS);
  const command = commandLine(request, request.rest);
  if (command.form === "exec" ? command.args.length === 0 : command.text === "") {
    throw request.failed("RUN requires at least one argument");
  }
  const { network, security } = flags;
  if (network !== undefined && !NETWORKS.has(network.text)) {
    throw request.fail(`unsupported network mode ${JSON.stringify(network.text)}`, network.at);
  }
  if (security !== undefined && !SECURITY.has(security.text)) {
    throw request.fail(`security ${JSON.stringify(security.text)} is not valid`, security.at);
  }
  return {
    name: "RUN",
    command,
    heredocs: request.line.heredocs,
    mounts: mounts(request, flags.mount ?? []),
    ...(network !== undefined && { network: network.text as NonNullable<RunInstruction["network"]> }),
    ...(security !== undefined && { security: security.text as NonNullable<RunInstruction["security"]> }),
    ...request.base(),
  };
}

export function parseCmd(request: Request): CmdInstruction {
  request.noFlags();
  return { name: "CMD", command: commandLine(request, request.rest), ...request.base() };
}

export function parseEntrypoint(request: Request): EntrypointInstruction {
  request.noFlags();
  return { name: "ENTRYPOINT", command: commandLine(request, request.rest), ...request.base() };
}

export function parseShell(request: Request): ShellInstruction {
  request.noFlags();
  const form = jsonForm(request.rest.text);
  if (form.kind === "mixed") throw request.fail(MIXED_JSON, request.rest.at);
  if (form.kind === "none" && request.rest.text !== "") {
    throw request.fail("SHELL requires the arguments to be in JSON form", request.rest.at);
  }
  if (form.kind === "none" || form.strings.length === 0) {
    throw request.failed("SHELL requires at least one argument");
  }
  return { name: "SHELL", shell: form.strings, ...request.base() };
}

function interval(request: Request, name: string, value: Word | undefined): number {
  if (value === undefined || value.text === "") return 0;
  const duration = parseDuration(value.text);
  if ("problem" in duration) throw request.fail(duration.problem, value.at);
  const { nanoseconds } = duration;
  if (nanoseconds !== 0n && nanoseconds < MIN_INTERVAL) {
    const minimum = formatDuration(Number(MIN_INTERVAL));
    throw request.fail(`interval ${JSON.stringify(name)} cannot be less than ${minimum}`, value.at);
  }
  return Number(nanoseconds);
}

function retries(request: Request, value: Word | undefined): number {
  if (value === undefined || value.text === "") return 0;
  const count = /^[-+]?[0-9]+$/.test(value.text) ? Number(value.text) : Number.NaN;
  if (!(Math.abs(count) <= MAX_RETRIES)) {
    throw request.fail(`--retries is not a number: ${JSON.stringify(value.text)}`, value.at);
  }
  if (count < 0) throw request.fail(`--retries cannot be negative (${count})`, value.at);
  return count;
}

function test(request: Request, kind: string, rest: Word): readonly string[] {
  if (kind !== "CMD") {
    throw request.fail(`unknown type ${JSON.stringify(kind)} in HEALTHCHECK (try CMD)`, request.rest.at);
  }
  const command = commandLine(request, rest);
  if (command.form === "shell") {
    if (command.text === "") throw request.failed("missing command after HEALTHCHECK CMD");
    return ["CMD-SHELL", command.text];
  }
  if (command.args.length === 0) throw request.failed("missing command after HEALTHCHECK CMD");
  return ["CMD", ...command.args];
}

function health(request: Request): HealthCheck {
  const { text, at } = request.rest;
  const [written = ""] = /^\S*/.exec(text) ?? [];
  if (written === "") throw request.failed("HEALTHCHECK requires at least one argument");
  const kind = written.toUpperCase();
  const after = text.slice(written.length);
  const rest = { text: trim(after), at: at + written.length + after.length - after.trimStart().length };
  if (kind === "NONE") {
    request.noFlags();
    if (rest.text !== "") throw request.fail("HEALTHCHECK NONE takes no arguments", rest.at);
    return { test: ["NONE"], interval: 0, timeout: 0, startPeriod: 0, startInterval: 0, retries: 0 };
  }
  const flags = request.flags(HEALTH_FLAGS);
  return {
    test: test(request, kind, rest),
    interval: interval(request, "interval", flags.interval),
    timeout: interval(request, "timeout", flags.timeout),
    startPeriod: interval(request, "start-period", flags["start-period"]),
    startInterval: interval(request, "start-interval", flags["start-interval"]),
    retries: retries(request, flags.retries),
  };
}

export function parseHealthCheck(request: Request): HealthCheckInstruction {
  return { name: "HEALTHCHECK", health: health(request), ...request.base() };
}
