/**
 * A command in a container, attached to the streams and the signals of this process.
 */
import { constants } from "node:os";
import type { CommandOptions } from "../runtime/execution.ts";
import { ExecutorError, type OutputSink } from "../runtime/executor.ts";
import { drained } from "../store/back-pressure.ts";
import type { Context } from "./context.ts";
import { Failure, messageOf } from "./failure.ts";

/** Signals that end the command rather than this process alone, as a terminal's or a supervisor's. */
const ENDING = ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"] as const;
const CANNOT_RUN = 125;

interface Output {
  readonly sink: OutputSink;
  /** Why something was dropped: its reader went away, or a disk is full. */
  lost(): NodeJS.ErrnoException | undefined;
  end(): void;
}

/** Where a command writes. What cannot be written any more is dropped, so that what the command did is kept. */
function outputTo(stream: NodeJS.WritableStream): Output {
  let lost: NodeJS.ErrnoException | undefined;
  const listener = (error: NodeJS.ErrnoException) => {
    lost ??= error;
  };
  stream.on("error", listener);
  return {
    sink: async (bytes) => {
      if (lost === undefined && bytes.length > 0 && !stream.write(bytes)) await drained(stream);
    },
    lost: () => lost,
    end: () => void stream.off("error", listener),
  };
}

export interface Attached {
  /** Whether standard input is passed on. */
  readonly interactive: boolean;
  readonly tty: boolean;
}

/**
 * Runs a command with this process's streams. A signal that would end this process ends the command, with
 * the status that a shell gives for it; the container then stays at a commit point.
 * @returns the exit status; 1 instead of 0 where output was lost for another reason than that its reader
 *   went away
 * @throws Failure with exit code 125 where nothing can run it
 */
export async function runAttached(
  context: Context,
  { interactive, tty }: Attached,
  work: (options: CommandOptions) => Promise<number>,
): Promise<number> {
  const { stdin, stdout, stderr } = context.terminal;
  if (interactive && tty && stdin.isTTY !== true) throw new Failure("the input device is not a TTY");
  const controller = new AbortController();
  let received: (typeof ENDING)[number] | undefined;
  const listeners = ENDING.map((name) => {
    const listener = () => {
      received = name;
      controller.abort();
    };
    process.on(name, listener);
    return () => process.off(name, listener);
  });
  const output = outputTo(stdout);
  const errors = outputTo(stderr);
  try {
    const status = await work({
      tty,
      stdout: output.sink,
      stderr: errors.sink,
      signal: controller.signal,
      ...(interactive ? { stdin: context.input } : {}),
    });
    if (received !== undefined) return 128 + constants.signals[received];
    const lost = output.lost();
    if (lost === undefined || lost.code === "EPIPE") return status;
    context.complain(`standard output: ${messageOf(lost)}`);
    return status || 1;
  } catch (error) {
    if (error instanceof ExecutorError) throw new Failure(`strata: ${error.message}`, CANNOT_RUN);
    throw error;
  } finally {
    for (const end of listeners) end();
    output.end();
    errors.end();
    // A read that is under way would keep this process until somebody types.
    if (received !== undefined) stdin.destroy?.();
  }
}
