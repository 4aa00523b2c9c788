/**
 * What the commands of one command line share: the mount, and what the interpreter has no place for.
 */
import type { Command as BashCommand } from "just-bash";
import type { Mount } from "../../union/mount.ts";
import type { Machine } from "./process.ts";

/** One run of a script: a process that is a shell. */
export interface ShellRun {
  /** What `trap` set, by signal name; an empty action ignores. */
  readonly traps: Map<string, string>;
  /** The variables as the last command of it found them. */
  variables: ReadonlyMap<string, string>;
}

export interface Session {
  /** As the caller whom the command line runs under. */
  readonly mount: Mount;
  readonly machine: Machine;
  /** just-bash's own commands, by name. */
  readonly bundled: ReadonlyMap<string, BashCommand>;
  readonly signal: AbortSignal | undefined;
  /** Of the command that ran last: what a redirection makes gets it. */
  umask: number;
  readonly runs: ShellRun[];
  /** What process substitutions hold for their readers, by descriptor. */
  readonly descriptors: Map<number, Uint8Array>;
}

/**
 * Keys under which a shell's variables hold what is not a variable: no script can name them, and they
 * are copied and restored with the variables, so that a subshell has its own.
 */
export const UMASK = "umask ";
export const RUN = "run ";
