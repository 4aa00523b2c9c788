/**
 * What a process starts with in a container or a build step: identity, environment, working directory,
 * command line. Rules are Docker's and runc's; where they live in a mount, the mount is asked.
 */
import type { ExecutionConfig } from "../oci/config.ts";
import type { Caller } from "../posix/caller.ts";
import { PosixError } from "../posix/errno.ts";
import { splitPath } from "../posix/path.ts";
import { StoreError } from "../store/errors.ts";
import type { Mount } from "../union/mount.ts";
import { resolveIdentity } from "./identity.ts";

/** Where programs are looked for in a container whose environment does not say (moby, DefaultPathEnvUnix). */
export const DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

export interface ProcessRequest {
  /** `NAME=value`, later ones winning over earlier ones. */
  readonly env?: readonly string[] | undefined;
  /** As in a Dockerfile's USER; root where it is empty. */
  readonly user?: string | undefined;
  /** Absolute; `/` where it is empty. */
  readonly cwd?: string | undefined;
  readonly hostname?: string | undefined;
  /** Whether it is to believe that it has a terminal. */
  readonly tty?: boolean | undefined;
  /** Root keeps every capability, those that Docker takes from containers too. */
  readonly privileged?: boolean | undefined;
}

/** Everything a process starts with but its arguments. */
export interface ProcessContext {
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  /** With the working directory as its own. */
  readonly caller: Caller;
}

/** A list of `NAME=value` with some replaced or added; one without `=` takes the name away. */
export function mergeEnv(
  base: readonly string[] | undefined,
  more: readonly string[] | undefined,
): readonly string[] {
  const merged = new Map<string, string>();
  for (const entry of base ?? []) merged.set(nameOf(entry), entry);
  for (const entry of more ?? []) {
    if (entry.includes("=")) merged.set(nameOf(entry), entry);
    else merged.delete(entry);
  }
  return [...merged.values()];
}

function nameOf(entry: string): string {
  const equals = entry.indexOf("=");
  return equals < 0 ? entry : entry.slice(0, equals);
}

/**
 * The environment of a process: what every one has, what is asked for, and a home.
 * @param home where its user lives
 */
function environment(request: ProcessRequest, home: string): Readonly<Record<string, string>> {
  const env: Record<string, string> = { PATH: DEFAULT_PATH };
  if (request.hostname) env.HOSTNAME = request.hostname;
  if (request.tty) env.TERM = "xterm";
  for (const entry of request.env ?? []) env[nameOf(entry)] = entry.slice(nameOf(entry).length + 1);
  env.HOME ??= home;
  return env;
}

/**
 * What a process starts with in a mount.
 * @throws StoreError (`invalid`) for a user that is not there or a working directory that is not absolute
 */
export function processContext(mount: Mount, request: ProcessRequest): ProcessContext {
  const { privileged = false } = request;
  const cwd = request.cwd || "/";
  if (!cwd.startsWith("/")) {
    throw new StoreError(
      "invalid",
      `the working directory '${cwd}' is invalid, it needs to be an absolute path`,
    );
  }
  const { caller, home } = resolveIdentity(mount, request.user ?? "", { privileged });
  return { env: environment(request, home), cwd, caller: { ...caller, cwd } };
}

/**
 * Makes a working directory that is missing, with those above it, 0755 and root's, as Docker does.
 * Links in it are followed within the mount.
 * @throws PosixError (`ENOTDIR` where something else is in the way)
 */
export function makeWorkingDirectory(mount: Mount, cwd: string): void {
  const root = mount.as({ uid: 0, gid: 0, umask: 0o022, cwd: "/", root: "/" });
  let path = "";
  for (const part of splitPath(cwd)) {
    path += `/${part}`;
    if (!root.exists(path)) root.mkdir(path, 0o755);
  }
  if (!root.exists(`${cwd}/`)) throw new PosixError("ENOTDIR", { syscall: "mkdir", path: cwd });
}

/** The command line of a container: its entry point and its command, one after the other. */
export function commandLine(config: ExecutionConfig): readonly string[] {
  return [...(config.Entrypoint ?? []), ...(config.Cmd ?? [])];
}
