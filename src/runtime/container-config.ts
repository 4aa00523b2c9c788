/**
 * What a container is made with: its image's config, and what the user asks for instead or in addition
 * (docker/cli, `container create`; moby, merge of runconfig).
 */
import type { ExecutionConfig } from "../oci/config.ts";
import type { ContainerAttachment } from "../store/container-records.ts";
import { StoreError } from "../store/errors.ts";
import { mergeEnv } from "./process.ts";

export interface CreateOptions {
  /** Two words at random unless given. */
  readonly name?: string;
  /** The command and its arguments, in place of the image's. */
  readonly command?: readonly string[];
  /** In place of the image's; without a command of its own, the image's command goes with it. Empty: none. */
  readonly entrypoint?: readonly string[];
  /** Added to the image's: `NAME=value`, or `NAME` to take one away. */
  readonly env?: readonly string[];
  /** `USER`, `UID`, either with `:GROUP` or `:GID`. */
  readonly user?: string;
  /** Absolute path; made where it is missing when something runs. */
  readonly workingDir?: string;
  readonly labels?: Readonly<Record<string, string>>;
  /** The beginning of the ID unless given. */
  readonly hostname?: string;
  readonly tty?: boolean;
  readonly openStdin?: boolean;
  /** What runs cannot change the container's files, only what is attached. */
  readonly readOnly?: boolean;
  readonly attachments?: readonly ContainerAttachment[];
  readonly stopSignal?: string;
  /** What the image was called by whoever asked; its first name unless given. */
  readonly reference?: string;
}

/**
 * The config of a container.
 * @throws StoreError (`invalid`)
 */
export function containerConfig(image: ExecutionConfig, options: CreateOptions): ExecutionConfig {
  const { command, entrypoint, workingDir } = options;
  if (workingDir !== undefined && !workingDir.startsWith("/")) {
    throw new StoreError(
      "invalid",
      `the working directory '${workingDir}' is invalid, it needs to be an absolute path`,
    );
  }
  const { Cmd, Entrypoint, ...rest } = image;
  const newEntrypoint = entrypoint ?? Entrypoint ?? [];
  const newCommand = command ?? (entrypoint === undefined ? Cmd : undefined) ?? [];
  return {
    ...rest,
    Env: mergeEnv(image.Env, options.env),
    ...(newEntrypoint.length > 0 ? { Entrypoint: newEntrypoint } : {}),
    ...(newCommand.length > 0 ? { Cmd: newCommand } : {}),
    ...(options.user === undefined ? {} : { User: options.user }),
    ...(workingDir === undefined ? {} : { WorkingDir: workingDir }),
    ...(options.stopSignal === undefined ? {} : { StopSignal: options.stopSignal }),
    ...(options.labels === undefined ? {} : { Labels: { ...image.Labels, ...options.labels } }),
  };
}
