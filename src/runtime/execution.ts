/**
 * Running something in a container's files: a command line through an executor, or a function.
 *
 * What runs sees the files in a view of its own, with what the system and the user attach to it; that
 * view ends with it, and so do the descriptors it left open. Commit points are the container's affair.
 */
import type { ByteStream } from "../platform/types.ts";
import type { ContainerRecord } from "../store/container-records.ts";
import type { Mount } from "../union/mount.ts";
import type { NodeFs } from "../vfs/node-fs.ts";
import type { Executor, OutputSink } from "./executor.ts";
import { type MountWithFs, withFs } from "./mount-fs.ts";
import { makeWorkingDirectory, mergeEnv, type ProcessContext, processContext } from "./process.ts";

/** What a function that runs in a container is given. It is whom the container's user stands for. */
export interface ContainerProcess extends ProcessContext {
  readonly mount: MountWithFs;
  /** `node:fs` over the container's files. */
  readonly fs: NodeFs;
  /** Aborts when whoever started the function wants it to end. */
  readonly signal: AbortSignal;
}

export type ContainerFunction<T> = (process: ContainerProcess) => T | Promise<T>;

/** How something runs; what is left out is as the container has it. */
export interface RunOptions {
  /** Added to the container's own environment: `NAME=value`, or `NAME` to take one away. */
  readonly env?: readonly string[];
  /** `USER`, `UID`, either with `:GROUP` or `:GID`. */
  readonly user?: string;
  /** Absolute path; made where it is missing. */
  readonly cwd?: string;
  /** Root has all capabilities, also those that Docker takes from containers. */
  readonly privileged?: boolean;
  readonly signal?: AbortSignal;
}

/** How a command line runs. Output that nobody takes is dropped. */
export interface CommandOptions extends RunOptions {
  /** What executes it; the simulated shell unless given. */
  readonly executor?: Executor;
  /** Whether it is to believe that it has a terminal. */
  readonly tty?: boolean;
  readonly stdin?: ByteStream;
  readonly stdout?: OutputSink;
  readonly stderr?: OutputSink;
}

/** The view that something sees, and what it starts with. */
interface Prepared {
  readonly view: Mount;
  readonly context: ProcessContext;
}

async function prepare(
  files: Mount,
  record: ContainerRecord,
  args: readonly string[],
  options: RunOptions & { readonly tty?: boolean },
): Promise<Prepared> {
  const [{ attachSystemFiles }, { attachAll }] = await Promise.all([
    import("./system-files.ts"),
    import("./container-attachments.ts"),
  ]);
  const { config, hostname, readOnly } = record;
  const root = files.as({ uid: 0, gid: 0, groups: [], umask: 0o022, cwd: "/", root: "/" });
  const view = root.unshare({ readOnly });
  attachSystemFiles(view, { hostname, args });
  attachAll(root, view, record.attachments);
  const context = processContext(view, {
    env: mergeEnv(config.Env, options.env),
    user: options.user ?? config.User,
    cwd: options.cwd ?? config.WorkingDir,
    hostname,
    tty: options.tty ?? record.tty,
    privileged: options.privileged,
  });
  if (!view.exists(context.cwd)) makeWorkingDirectory(readOnly ? root : view, context.cwd);
  return { view, context };
}

/** Runs a function. What it throws is thrown; what it did to files stays done, as with a process that fails. */
export async function runFunction<T>(
  files: Mount,
  record: ContainerRecord,
  work: ContainerFunction<T>,
  options: RunOptions,
): Promise<T> {
  const { view, context } = await prepare(files, record, [], options);
  try {
    const mount = withFs(view.as(context.caller));
    const signal = options.signal ?? new AbortController().signal;
    return await work({ ...context, mount, signal, fs: mount.fs });
  } finally {
    view.closeAll();
  }
}

/**
 * Runs a command line.
 * @param args never empty
 * @param architecture the image's, for the simulated shell
 * @returns its exit status, 0–255
 * @throws ExecutorError where nothing can run it
 */
export async function runCommand(
  files: Mount,
  record: ContainerRecord,
  args: readonly string[],
  options: CommandOptions,
  architecture: string,
): Promise<number> {
  const executor = options.executor ?? (await defaultExecutor(architecture));
  const { view, context } = await prepare(files, record, args, options);
  const { stdin, signal, stdout = drop, stderr = drop } = options;
  try {
    return await executor.execute({
      ...context,
      mount: view.as(context.caller),
      args,
      stdout,
      stderr,
      ...(stdin === undefined ? {} : { stdin }),
      ...(signal === undefined ? {} : { signal }),
    });
  } finally {
    view.closeAll();
  }
}

function drop(): void {}

/** Linux's names of architectures that differ from those of images (`uname -m`). */
const MACHINES: ReadonlyMap<string, string> = new Map([
  ["386", "i686"],
  ["amd64", "x86_64"],
  ["arm", "armv7l"],
  ["arm64", "aarch64"],
]);

/** @param architecture the image's */
async function defaultExecutor(architecture: string): Promise<Executor> {
  const { shellExecutor } = await import("./shell-executor.ts");
  return shellExecutor({ architecture: MACHINES.get(architecture) ?? architecture });
}
