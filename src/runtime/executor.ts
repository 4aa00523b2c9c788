/**
 * Running a command line in a container's filesystem.
 *
 * An executor gets a mount and everything a process starts with, and gives back how it ended. It knows
 * nothing of images, containers or builds; those know nothing of how it runs things. Contract:
 * - What the command does to files happens on `mount`, as `caller`; the executor itself leaves no trace.
 * - Output is written as it comes, in order within each stream; a write is awaited before the next.
 * - The status is that of wait(2) as a shell sees it: 0–255, 126 where the command cannot be executed,
 *   127 where it is not found, 128 + n for death by signal n.
 * - An abort of `signal` ends the command at once, with status 137 (SIGKILL) unless it ended before.
 * - It throws only where it cannot work at all: {@link ExecutorError}.
 */
import type { ByteStream } from "../platform/types.ts";
import type { Caller } from "../posix/caller.ts";
import type { Mount } from "../union/mount.ts";

/** Takes output; what it gives back is awaited, so that a slow reader holds up the writer. */
export type OutputSink = (bytes: Uint8Array) => void | Promise<void>;

export interface Execution {
  readonly mount: Mount;
  /** The program and its arguments, as of execve(2); never empty. */
  readonly args: readonly string[];
  /** The whole environment; nothing is inherited. */
  readonly env: Readonly<Record<string, string>>;
  /** Absolute path in the mount. */
  readonly cwd: string;
  /** Whose identity it runs under. */
  readonly caller: Caller;
  /** Absent: an empty input. */
  readonly stdin?: ByteStream;
  readonly stdout: OutputSink;
  readonly stderr: OutputSink;
  readonly signal?: AbortSignal;
}

export interface Executor {
  /** What commands and logs call it: `shell`, `native`. */
  readonly name: string;
  /** @returns the exit status, 0–255 */
  execute(execution: Execution): Promise<number>;
}

/** The executor cannot run anything here: a package or a feature of the system is missing. */
export class ExecutorError extends Error {
  constructor(message: string, options: { readonly cause?: unknown } = {}) {
    super(message, options);
    this.name = "ExecutorError";
  }
}
