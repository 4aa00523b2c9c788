/**
 * What an image's history says of each instruction, in BuildKit's words (5.6).
 */
import type { ExecutionConfig } from "../../oci/config.ts";
import { resolveWorkdir } from "./config-edit.ts";
import { formatDuration } from "./durations.ts";
import { parsePorts } from "./ports.ts";
import { commandArguments, shellOf } from "./run-command.ts";
import type { HealthCheck, KeyValue, StageInstruction } from "./syntax.ts";
import { quoted } from "./text.ts";

/** The comment of every step that a Dockerfile made. */
export const HISTORY_COMMENT = "buildkit.dockerfile.v0";

export interface HistoryContext {
  /** The config before the instruction. */
  readonly config: ExecutionConfig;
  /** For RUN: what it executes. */
  readonly runArgs?: readonly string[];
  /** For RUN: the ARGs declared so far. */
  readonly declared?: readonly (readonly [string, string])[];
  /** For ARG: what it declares. */
  readonly args?: readonly { readonly key: string; readonly value?: string }[];
}

export interface HistoryText {
  readonly createdBy: string;
  /** The step makes a layer, though perhaps one without entries. */
  readonly hasLayer: boolean;
}

/** A list as Go's `%q` prints it. */
function quotedList(list: readonly string[]): string {
  return `[${list.map(quoted).join(" ")}]`;
}

/** A list as Go's `%v` prints it. */
function plainList(list: readonly string[]): string {
  return `[${list.join(" ")}]`;
}

function pairs(list: readonly KeyValue[]): string {
  return list.map(({ key, value }) => `${key}=${value}`).join(" ");
}

function ports(words: readonly string[]): readonly string[] {
  return [...words].sort().flatMap((word) => {
    const parsed = parsePorts(word);
    return "problem" in parsed ? [] : parsed.ports;
  });
}

function health(check: HealthCheck): string {
  const times = [
    `Interval:${formatDuration(check.interval)}`,
    `Timeout:${formatDuration(check.timeout)}`,
    `StartPeriod:${formatDuration(check.startPeriod)}`,
    `StartInterval:${formatDuration(check.startInterval)}`,
  ];
  return `{Test:${plainList(check.test)} ${times.join(" ")} Retries:${check.retries}}`;
}

/** `|n K=V … command`, the classic form that BuildKit kept. */
function run(context: HistoryContext): string {
  const declared = (context.declared ?? []).map(([key, value]) => `${key}=${value}`);
  const prefix = declared.length === 0 ? [] : [`|${declared.length}`, ...declared];
  return [...prefix, ...(context.runArgs ?? [])].join(" ");
}

/** What the history says of an instruction whose variables are expanded; undefined where it says nothing. */
export function historyText(instruction: StageInstruction, context: HistoryContext): HistoryText | undefined {
  const empty = (createdBy: string): HistoryText => ({ createdBy, hasLayer: false });
  const layer = (createdBy: string): HistoryText => ({
    createdBy: `${createdBy} # buildkit`,
    hasLayer: true,
  });
  const { name } = instruction;
  switch (name) {
    case "RUN":
      return layer(`RUN ${run(context)}`);
    case "COPY":
    case "ADD": {
      const files = instruction.files.map((file) => `<<${file.name}`);
      return layer([name, ...instruction.sources, ...files, instruction.destination].join(" "));
    }
    case "ARG":
      return empty(
        `ARG ${(context.args ?? []).map(({ key, value }) => (value === undefined ? key : `${key}=${value}`)).join(" ")}`,
      );
    case "ENV":
    case "LABEL":
      return empty(`${name} ${pairs(instruction.pairs)}`);
    case "CMD":
    case "ENTRYPOINT":
      return empty(`${name} ${quotedList(commandArguments(instruction.command, shellOf(context.config)))}`);
    case "EXPOSE":
      return empty(`EXPOSE ${plainList(ports(instruction.ports))}`);
    case "VOLUME":
      return empty(`VOLUME ${plainList(instruction.paths)}`);
    case "SHELL":
      return empty(`SHELL ${plainList(instruction.shell)}`);
    case "USER":
      return empty(`USER ${instruction.user}`);
    case "WORKDIR": {
      const path = resolveWorkdir(context.config.WorkingDir, instruction.path);
      return { createdBy: `WORKDIR ${path}`, hasLayer: path !== "/" };
    }
    case "STOPSIGNAL":
      return empty(`STOPSIGNAL ${instruction.signal}`);
    case "HEALTHCHECK":
      return empty(`HEALTHCHECK ${health(instruction.health)}`);
    case "MAINTAINER":
      return empty(`MAINTAINER ${instruction.maintainer}`);
    case "ONBUILD":
      return undefined;
  }
}
