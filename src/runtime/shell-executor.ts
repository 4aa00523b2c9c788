/**
 * The executor that needs no kernel: command lines run in the simulated shell (`vfs/shell.ts`), on any
 * system and with no privileges. What it can run is said in docs/shell.md.
 *
 * just-bash is an optional dependency and is imported with the first command. All input is read before a
 * command starts, and what it writes is passed on when it has ended: the interpreter has no streams.
 */
import { platform } from "#platform";
import type { BashModule, ShellLimits } from "../vfs/shell.ts";
import { type Execution, type Executor, ExecutorError } from "./executor.ts";

export interface ShellExecutorOptions {
  readonly limits?: ShellLimits;
  /** What `hostname` tells; `HOSTNAME` of the environment, else `localhost`, unless given. */
  readonly hostname?: string;
  /** What `uname -m` tells: the image's, in Linux's words; `x86_64` unless given. */
  readonly architecture?: string;
}

let loaded: Promise<BashModule> | undefined;

async function load(): Promise<BashModule> {
  loaded ??= import("just-bash");
  try {
    return await loaded;
  } catch (cause) {
    loaded = undefined;
    throw new ExecutorError("the simulated shell needs the package just-bash: npm install just-bash", {
      cause,
    });
  }
}

export function shellExecutor(options: ShellExecutorOptions = {}): Executor {
  return { name: "shell", execute: (execution) => execute(execution, options) };
}

async function execute(execution: Execution, options: ShellExecutorOptions): Promise<number> {
  const { mount, caller, env, cwd, args, signal } = execution;
  if (signal?.aborted === true) return 137;
  let stop = () => {};
  const aborted = new Promise<undefined>((resolve) => {
    stop = () => resolve(undefined);
  });
  // Before anything is waited for: an abort that comes meanwhile is not told again.
  signal?.addEventListener("abort", stop);
  const run = async () => {
    const [bash, { runShell }] = await Promise.all([load(), import("../vfs/shell.ts")]);
    const stdin = await readAll(execution.stdin);
    return runShell(
      bash,
      mount.as({ ...caller, cwd }),
      {
        env,
        cwd,
        machine: {
          hostname: options.hostname ?? env.HOSTNAME ?? "localhost",
          architecture: options.architecture ?? "x86_64",
          now: platform.now,
        },
        ...(options.limits && { limits: options.limits }),
      },
      { args, stdin, ...(signal && { signal }) },
    );
  };
  const result = await Promise.race([run(), aborted]).finally(() =>
    signal?.removeEventListener("abort", stop),
  );
  if (result === undefined) return 137;
  if (result.stdout.length > 0) await execution.stdout(result.stdout);
  if (result.stderr.length > 0) await execution.stderr(result.stderr);
  return result.status;
}

async function readAll(stream: AsyncIterable<Uint8Array> | undefined): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of stream ?? []) {
    chunks.push(chunk);
    length += chunk.length;
  }
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}
