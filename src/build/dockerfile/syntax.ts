/**
 * What a Dockerfile says, as data: stages, and in each its instructions with their flags.
 *
 * Nothing is expanded here: words stand as they are written, quotes and `$` included, where 5.2 has them
 * expanded ({@link ./expand-instruction.ts}); expansion gives the same types back. What is checked is what
 * can be known without a variable's value.
 */
import type { Position, Range, Source } from "./source.ts";

/** `\` or `` ` ``: what takes a meaning away, and what continues a line (directive `escape`). */
export type EscapeCharacter = "\\" | "`";

interface InstructionBase {
  /** The keyword as it is written. */
  readonly keyword: string;
  /** From the keyword to the end of the last line, heredocs included. */
  readonly range: Range;
  /** The instruction on one line: continuations joined, comments gone, without heredocs. */
  readonly text: string;
  /** Comment lines directly before it, without `#` and blanks around. */
  readonly comments: readonly string[];
  /** Where the words of the instruction stand, by their text; for errors about one of them. */
  readonly places: ReadonlyMap<string, Position>;
}

/** A command line: words for execve(2), or a text for the shell (SHELL, else `/bin/sh -c`). */
export type CommandLine =
  | { readonly form: "exec"; readonly args: readonly string[] }
  | { readonly form: "shell"; readonly text: string };

export interface Heredoc {
  /** The word that ends it, and the name of the file that it makes in COPY and ADD. */
  readonly name: string;
  /** `3<<EOF`: the descriptor that it feeds; 0 where none is written. */
  readonly descriptor: number;
  /** No part of its word is quoted: COPY and ADD expand variables in it. */
  readonly expand: boolean;
  /** `<<-`: tabs before each line do not count. */
  readonly chomp: boolean;
  /** Its lines as they stand in the file, tabs and line ends included. */
  readonly content: string;
}

export interface FromInstruction extends InstructionBase {
  readonly name: "FROM";
  readonly base: string;
  readonly platform?: string;
  /** The stage's name, in lower case. */
  readonly stageName?: string;
  /** `AS` and the name as they are written. */
  readonly as?: { readonly keyword: string; readonly stageName: string };
}

export interface RunInstruction extends InstructionBase {
  readonly name: "RUN";
  readonly command: CommandLine;
  readonly heredocs: readonly Heredoc[];
  /** The values of `--mount`, not yet parsed: they hold variables (`parseMount`). */
  readonly mounts: readonly string[];
  readonly network?: "default" | "none" | "host";
  readonly security?: "sandbox" | "insecure";
}

/** A file that stands in the Dockerfile itself. */
export interface InlineFile {
  readonly name: string;
  /** Tabs are gone where `<<-` says so. */
  readonly content: string;
  readonly expand: boolean;
}

interface CopyBase extends InstructionBase {
  /** Paths and, for ADD, URLs; never empty where `files` is. */
  readonly sources: readonly string[];
  /** Heredocs among the sources; they are copied after `sources`. */
  readonly files: readonly InlineFile[];
  readonly destination: string;
  readonly chown?: string;
  readonly chmod?: string;
  readonly link: boolean;
  readonly parents: boolean;
  readonly exclude: readonly string[];
}

export interface CopyInstruction extends CopyBase {
  readonly name: "COPY";
  /** A stage by name or index, a named context, or an image. */
  readonly from?: string;
}

export interface AddInstruction extends CopyBase {
  readonly name: "ADD";
  readonly checksum?: string;
  /** Whether archives are unpacked; where it is not said, local ones are and remote ones are not. */
  readonly unpack?: boolean;
  readonly keepGitDir?: boolean;
}

export interface KeyValue {
  readonly key: string;
  readonly value: string;
  /** `KEY the rest of the line`, without `=`. */
  readonly legacy: boolean;
}

export interface EnvInstruction extends InstructionBase {
  readonly name: "ENV";
  readonly pairs: readonly KeyValue[];
}

export interface LabelInstruction extends InstructionBase {
  readonly name: "LABEL";
  readonly pairs: readonly KeyValue[];
}

export interface ArgInstruction extends InstructionBase {
  readonly name: "ARG";
  readonly args: readonly { readonly key: string; readonly value?: string }[];
}

export interface CmdInstruction extends InstructionBase {
  readonly name: "CMD";
  readonly command: CommandLine;
}

export interface EntrypointInstruction extends InstructionBase {
  readonly name: "ENTRYPOINT";
  readonly command: CommandLine;
}

export interface ExposeInstruction extends InstructionBase {
  readonly name: "EXPOSE";
  /** Words as they are written; once expanded, one word each (`parsePorts`). */
  readonly ports: readonly string[];
}

export interface UserInstruction extends InstructionBase {
  readonly name: "USER";
  readonly user: string;
}

export interface WorkdirInstruction extends InstructionBase {
  readonly name: "WORKDIR";
  readonly path: string;
}

export interface VolumeInstruction extends InstructionBase {
  readonly name: "VOLUME";
  readonly paths: readonly string[];
}

export interface ShellInstruction extends InstructionBase {
  readonly name: "SHELL";
  readonly shell: readonly string[];
}

export interface StopSignalInstruction extends InstructionBase {
  readonly name: "STOPSIGNAL";
  readonly signal: string;
}

/** As an image config has it; times in nanoseconds, 0 to inherit. */
export interface HealthCheck {
  /** `["NONE"]`, `["CMD", …]` or `["CMD-SHELL", text]`. */
  readonly test: readonly string[];
  readonly interval: number;
  readonly timeout: number;
  readonly startPeriod: number;
  readonly startInterval: number;
  readonly retries: number;
}

export interface HealthCheckInstruction extends InstructionBase {
  readonly name: "HEALTHCHECK";
  readonly health: HealthCheck;
}

export interface OnBuildInstruction extends InstructionBase {
  readonly name: "ONBUILD";
  /** The triggered instruction as it is stored in a config: its text with heredocs. */
  readonly trigger: string;
}

export interface MaintainerInstruction extends InstructionBase {
  readonly name: "MAINTAINER";
  readonly maintainer: string;
}

/** What stands in a stage after its FROM. */
export type StageInstruction =
  | RunInstruction
  | CopyInstruction
  | AddInstruction
  | EnvInstruction
  | LabelInstruction
  | ArgInstruction
  | CmdInstruction
  | EntrypointInstruction
  | ExposeInstruction
  | UserInstruction
  | WorkdirInstruction
  | VolumeInstruction
  | ShellInstruction
  | StopSignalInstruction
  | HealthCheckInstruction
  | OnBuildInstruction
  | MaintainerInstruction;

export type Instruction = FromInstruction | StageInstruction;
export type InstructionName = Instruction["name"];
export type InstructionOf<N extends InstructionName> = Extract<Instruction, { readonly name: N }>;

export interface Stage {
  /** From 0. */
  readonly index: number;
  readonly from: FromInstruction;
  readonly instructions: readonly StageInstruction[];
}

export interface Dockerfile {
  readonly source: Source;
  readonly escapeCharacter: EscapeCharacter;
  /** The directives `syntax` and `check`, where they are given. */
  readonly directives: { readonly syntax?: string; readonly check?: string };
  /** The ARGs before the first FROM. */
  readonly globalArgs: readonly ArgInstruction[];
  /** At least one. */
  readonly stages: readonly Stage[];
  /** The last lines of instructions that go on over an empty line. */
  readonly emptyContinuations: readonly Range[];
}
