/**
 * RUN: a command in the files of a stage.
 *
 * The command sees what a container's does – `/proc`, `/dev`, its names in `/etc` – and the mounts it asks
 * for. All of that is attached, so none of it, and no directory made for it, is in the layer. What it runs as,
 * in and with comes from the stage's configuration; ARGs are part of its environment.
 */

import type { ExecutionConfig } from "../oci/config.ts";
import { makeWorkingDirectory, processContext } from "../runtime/process.ts";
import { attachSystemFiles } from "../runtime/system-files.ts";
import type { StepInputs } from "../store/step-cache.ts";
import type { Mount } from "../union/mount.ts";
import { attachAt, singleFile } from "./attach.ts";
import type { RunCommand } from "./dockerfile/run-command.ts";
import type { RunInstruction } from "./dockerfile/syntax.ts";
import { BuildError } from "./errors.ts";
import type { Work } from "./log.ts";
import type { RunMounts } from "./run-mounts.ts";
import type { BuildSession } from "./session.ts";

/** How much of a failed command's output its error shows, in bytes. */
const SHOWN_OUTPUT = 4096;
/** What a build's containers are called. */
const HOSTNAME = "buildkitsandbox";

export interface RunRequest {
  readonly instruction: RunInstruction;
  readonly command: RunCommand;
  readonly config: ExecutionConfig;
  /** ENV, ARGs and proxies. */
  readonly environment: ReadonlyMap<string, string>;
  /** The ARGs that decide the result: proxies are none. */
  readonly args: readonly (readonly [string, string])[];
  readonly mounts: RunMounts;
}

/** What decides the result of a RUN but the files it starts from and the configuration. */
export async function runInputs(session: BuildSession, request: RunRequest): Promise<StepInputs> {
  const { instruction, command, args, mounts } = request;
  const inputs: Record<string, string> = {
    instruction: "RUN",
    command: JSON.stringify(command.args),
    "what runs commands": session.executorName,
    ...(await mounts.inputs()),
  };
  if (command.script !== undefined) inputs["the script"] = command.script.content;
  if (instruction.network !== undefined) inputs.network = instruction.network;
  for (const [name, value] of args) inputs[`argument ${name}`] = value;
  return inputs;
}

/** The end of a stream of output. */
class Tail {
  #text = "";
  readonly #decoder = new TextDecoder();

  add(bytes: Uint8Array): void {
    this.#text = (this.#text + this.#decoder.decode(bytes, { stream: true })).slice(-SHOWN_OUTPUT);
  }

  get text(): string {
    return this.#text;
  }
}

/** Runs the command on a mount. @throws BuildError `run-failed`, without its place in the Dockerfile */
export async function runCommandOn(
  session: BuildSession,
  request: RunRequest,
  mount: Mount,
  work: Work,
): Promise<void> {
  const { command, config, environment, mounts } = request;
  const view = mount.unshare();
  attachSystemFiles(view, { hostname: HOSTNAME, args: command.args });
  if (command.script !== undefined) {
    const bytes = new TextEncoder().encode(command.script.content);
    attachAt(view, command.script.path, singleFile({ bytes, mode: 0o755, uid: 0, gid: 0 }), true);
  }
  const attached = await mounts.attach(view);
  const tail = new Tail();
  try {
    const env = [...environment, ...attached.environment].map(([name, value]) => `${name}=${value}`);
    const context = processContext(view, {
      env,
      user: config.User,
      cwd: config.WorkingDir,
      hostname: HOSTNAME,
    });
    if (!view.exists(context.cwd)) makeWorkingDirectory(view, context.cwd);
    const executor = await session.executor();
    const status = await executor.execute({
      ...context,
      mount: view.as(context.caller),
      args: command.args,
      stdout: (bytes) => {
        tail.add(bytes);
        work.output("stdout", bytes);
      },
      stderr: (bytes) => {
        tail.add(bytes);
        work.output("stderr", bytes);
      },
      ...(session.signal === undefined ? {} : { signal: session.signal }),
    });
    session.signal?.throwIfAborted();
    if (status === 0) return;
    const shown = command.args.join(" ");
    throw new BuildError(
      "run-failed",
      `process ${JSON.stringify(shown)} did not complete successfully: exit code: ${status}`,
      { exitCode: status, output: tail.text },
    );
  } finally {
    view.closeAll();
    attached.release();
  }
}
