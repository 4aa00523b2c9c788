/**
 * From the text of a Dockerfile to stages of typed instructions. The grammar is own code: of the parsers
 * on npm none knows heredocs, flags and directives as BuildKit does (rules 5.1).
 */
import { type LogicalLine, readLines } from "./lines.ts";
import { parseCmd, parseEntrypoint, parseHealthCheck, parseRun, parseShell } from "./parse-commands.ts";
import { parseAdd, parseCopy } from "./parse-files.ts";
import {
  parseArg,
  parseEnv,
  parseExpose,
  parseFrom,
  parseLabel,
  parseMaintainer,
  parseStopSignal,
  parseUser,
  parseVolume,
  parseWorkdir,
} from "./parse-settings.ts";
import { Request } from "./request.ts";
import { DockerfileError, makeSource, type Source } from "./source.ts";
import { didYouMean } from "./suggest.ts";
import type {
  ArgInstruction,
  Dockerfile,
  EscapeCharacter,
  FromInstruction,
  Instruction,
  InstructionName,
  OnBuildInstruction,
  Stage,
  StageInstruction,
} from "./syntax.ts";

const PARSERS: { readonly [name in InstructionName]: (request: Request) => Instruction } = {
  ADD: parseAdd,
  ARG: parseArg,
  CMD: parseCmd,
  COPY: parseCopy,
  ENTRYPOINT: parseEntrypoint,
  ENV: parseEnv,
  EXPOSE: parseExpose,
  FROM: parseFrom,
  HEALTHCHECK: parseHealthCheck,
  LABEL: parseLabel,
  MAINTAINER: parseMaintainer,
  ONBUILD: parseOnBuild,
  RUN: parseRun,
  SHELL: parseShell,
  STOPSIGNAL: parseStopSignal,
  USER: parseUser,
  VOLUME: parseVolume,
  WORKDIR: parseWorkdir,
};

function isInstructionName(name: string): name is InstructionName {
  return Object.hasOwn(PARSERS, name);
}

function parseRequest(request: Request): Instruction {
  const { name } = request;
  if (isInstructionName(name)) return PARSERS[name](request);
  throw request.failed(`unknown instruction: ${request.keyword}${didYouMean(name, Object.keys(PARSERS))}`);
}

/** ONBUILD: its trigger must be an instruction that can be one; it is kept as text (5.3). */
function parseOnBuild(request: Request): OnBuildInstruction {
  request.noFlags();
  const { rest, line } = request;
  if (rest.text === "") throw request.failed("ONBUILD requires at least one argument");
  const trigger = request.line.text.slice(rest.at);
  const triggered = request.inner(rest.at);
  if (triggered.name === "ONBUILD") {
    throw request.fail("Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed", rest.at);
  }
  if (triggered.name === "FROM" || triggered.name === "MAINTAINER") {
    throw request.fail(`${triggered.name} isn't allowed as an ONBUILD trigger`, rest.at);
  }
  parseRequest(triggered);
  const bodies = line.heredocs.map(({ content, name }) => `\n${content}${name}`);
  return { name: "ONBUILD", trigger: trigger + bodies.join(""), ...request.base() };
}

function parseLine(source: Source, line: LogicalLine, escapeCharacter: EscapeCharacter): Instruction {
  return parseRequest(new Request(source, line, escapeCharacter));
}

/**
 * Parses a Dockerfile.
 * @param file what errors call it
 * @throws DockerfileError
 */
export function parseDockerfile(content: string | Uint8Array, file = "Dockerfile"): Dockerfile {
  const source = makeSource(content, file);
  const { lines, escapeCharacter, directives, emptyContinuations } = readLines(source);
  const globalArgs: ArgInstruction[] = [];
  const stages: (Stage & { readonly instructions: StageInstruction[] })[] = [];
  for (const line of lines) {
    const instruction = parseLine(source, line, escapeCharacter);
    const stage = stages.at(-1);
    if (instruction.name === "FROM") {
      stages.push({ index: stages.length, from: instruction, instructions: [] });
    } else if (stage !== undefined) stage.instructions.push(instruction);
    else if (instruction.name === "ARG") globalArgs.push(instruction);
    else {
      throw new DockerfileError(
        source,
        instruction.range.start,
        `no build stage in current context: ${instruction.name} must come after FROM`,
      );
    }
  }
  if (stages.length === 0) {
    const reason =
      lines.length === 0 ? "file with no instructions" : "dockerfile contains no stages to build";
    throw new DockerfileError(source, { line: Math.max(source.lines.length, 1), column: 1 }, reason);
  }
  return { source, escapeCharacter, directives, globalArgs, stages, emptyContinuations };
}

/** A single instruction that does not stand in a Dockerfile. */
function parseOne(text: string, file: string): Instruction {
  const source = makeSource(text, file);
  const { lines, escapeCharacter } = readLines(source);
  const [line] = lines;
  if (line === undefined || lines.length !== 1) {
    throw new DockerfileError(source, { line: 1, column: 1 }, `expected a single instruction: ${text}`);
  }
  return parseLine(source, line, escapeCharacter);
}

/**
 * Parses one instruction that a stage can have, given alone as `commit --change` does. Its places are
 * those in the text itself.
 * @throws DockerfileError
 */
export function parseInstruction(text: string, file: string): StageInstruction {
  const instruction = parseOne(text, file);
  if (instruction.name !== "FROM") return instruction;
  throw new DockerfileError(makeSource(text, file), { line: 1, column: 1 }, "FROM does not stand alone");
}

/**
 * Parses an ONBUILD trigger of a base image. It has no place in the Dockerfile; errors about it and its
 * range are those of the FROM that brings it in.
 * @throws DockerfileError at the FROM
 */
export function parseTrigger(trigger: string, from: FromInstruction, source: Source): StageInstruction {
  try {
    const { range } = from;
    return { ...parseInstruction(trigger, source.file), range, places: new Map() };
  } catch (error) {
    if (!(error instanceof DockerfileError)) throw error;
    const reason = `the base's trigger ${JSON.stringify(trigger)}: ${error.reason}`;
    throw new DockerfileError(source, from.range.start, reason);
  }
}
