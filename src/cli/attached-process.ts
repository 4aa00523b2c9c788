/**
 * A command in a container, attached to the streams and the signals of this process.
 */
import { constants } from "node:os";
import type { ByteStream } from "../platform/types.ts";
import type { CommandOptions } from "../runtime/execution.ts";
import { ExecutorError, type OutputSink } from "../runtime/executor.ts";
import { drained } from "../store/back-pressure.ts";
import type { Context } from "./context.ts";
import { Failure } from "./failure.ts";

/** Signals that end the command rather than this process alone, as a terminal's or a supervisor's. */
const ENDING = ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"] as const;
const CANNOT_RUN = 125;

function sink(stream: NodeJS.WritableStream): OutputSink {
  return async (bytes) => {
    if (bytes.length > 0 && !stream.write(bytes)) await drained(stream);
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
 * @returns the exit status
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
  try {
    const status = await work({
      tty,
      stdout: sink(stdout),
      stderr: sink(stderr),
      signal: controller.signal,
      ...(interactive ? { stdin: stdin as unknown as ByteStream } : {}),
    });
    return received === undefined ? status : 128 + constants.signals[received];
  } catch (error) {
    if (error instanceof ExecutorError) throw new Failure(`strata: ${error.message}`, CANNOT_RUN);
    throw error;
  } finally {
    for (const end of listeners) end();
  }
}
