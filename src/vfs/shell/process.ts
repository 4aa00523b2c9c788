/**
 * What a simulated command sees: its arguments, environment, streams, and the mount as the caller that
 * runs it. Everything is in the engine's terms: names are names (`posix/names.ts`), data are bytes; the
 * interpreter's own text stays behind this face.
 */
import type { Mount } from "../../union/mount.ts";

/** How a command that another one started has ended. */
export interface Finished {
  readonly status: number;
  readonly stdout: Uint8Array;
}

export interface Process {
  /** What it was called as: `ls`, or `/bin/ls`. */
  readonly name: string;
  /** Without the name. */
  readonly args: readonly string[];
  /** The exported variables. */
  readonly env: ReadonlyMap<string, string>;
  /** Absolute. */
  readonly cwd: string;
  /** Bits taken from the modes of what it makes; what is set here holds for the shell that runs it. */
  umask: number;
  /** With the caller's identity, this directory and this umask. */
  readonly mount: Mount;
  readonly signal: AbortSignal | undefined;
  /** What `hostname` and `uname` tell. */
  readonly machine: Machine;
  /** A whole file, also where its name is a device or `<(…)` stands for it. */
  readFile(path: string): Uint8Array;
  /** Everything there is to read. A second call gives the same bytes. */
  stdin(): Uint8Array;
  /** Writes to standard output; strings are names. */
  write(output: string | Uint8Array): void;
  /** Writes a line to standard error, after the command's name. */
  complain(message: string): void;
  /** Writes to standard error as it is. */
  writeError(text: string): void;
  /**
   * Runs another command with this one's streams, and waits for it.
   * @returns its status; its output has been passed on, unless `capture` asks for it
   */
  run(args: readonly string[], options?: RunOptions): Promise<number>;
  capture(args: readonly string[], options?: RunOptions): Promise<Finished>;
  /** Runs a script in a shell of its own, with this command's streams. @returns its status */
  interpret(script: Script): Promise<number>;
  /** Sets what the shell that runs this command does on a signal, or at its end (`EXIT`). */
  trap(signal: string, action: string | undefined): void;
}

export interface Script {
  readonly source: string;
  /** `$0`. */
  readonly name: string;
  /** `$1` and on. */
  readonly args: readonly string[];
  /** What `set` is called with at the start. */
  readonly options: readonly string[];
  /** The command's own unless given. */
  readonly stdin?: Uint8Array;
}

export interface RunOptions {
  readonly stdin?: Uint8Array;
  /** Replaces the environment. */
  readonly env?: ReadonlyMap<string, string>;
  readonly cwd?: string;
  readonly signal?: AbortSignal;
}

export interface Machine {
  readonly hostname: string;
  /** `x86_64`, `aarch64`, … */
  readonly architecture: string;
  /** Nanoseconds since the epoch. */
  now(): bigint;
}

/** @returns the exit status */
export type Command = (process: Process) => number | Promise<number>;

/** Ends a command with a message of its own. */
export class CommandError extends Error {
  readonly status: number;

  constructor(message: string, status = 1) {
    super(message);
    this.name = "CommandError";
    this.status = status;
  }
}
