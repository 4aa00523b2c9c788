/**
 * The executor of real processes: Linux with root, or with unprivileged user namespaces.
 *
 * The files that the mount shows are laid out in a temporary directory; the command runs there under
 * chroot(2), in namespaces of its own for mounts, processes and the host's name, with `/proc` and the
 * devices that every container has; then what it changed is done to the mount, and the directory goes. It
 * has the host's kernel and network. This is no fence against a command that means harm: it runs as root
 * does on this machine, less the capabilities that Docker takes away.
 *
 * Of util-linux `unshare`, `mount` and `setpriv` are needed, and GNU tar.
 */
import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync } from "node:fs";
import { rm } from "node:fs/promises";
import { constants, tmpdir } from "node:os";
import { join } from "node:path";
import { type Caller, ROOT_CALLER } from "../posix/caller.ts";
import { type Execution, type Executor, ExecutorError, type OutputSink } from "./executor.ts";
import { LaidOut } from "./native/laid-out.ts";

export interface NativeExecutorOptions {
  /** Where files are laid out; the system's temporary directory unless given. */
  readonly directory?: string;
}

/** What Docker leaves to root in a container (moby, oci/caps/defaults.go). */
const CAPABILITIES = [
  ...["chown", "dac_override", "fsetid", "fowner", "mknod", "net_raw", "setgid", "setuid", "setfcap"],
  ...["setpcap", "net_bind_service", "sys_chroot", "kill", "audit_write"],
];

/**
 * Where the root is shown within the mounts of the command: users other than root may not come through to
 * the directory that it is in.
 */
const PLACE = "/mnt";

/** Prepares the root that is the first argument; the second is the host's name; the rest is run. */
const SETUP = `
set -e
root=$1
name=$2
shift 2
if [ -d "$root/proc" ]; then
  mount -t proc proc "$root/proc" 2>/dev/null || mount --rbind /proc "$root/proc"
fi
if [ -d "$root/sys" ]; then
  mount -t sysfs -o ro sysfs "$root/sys" 2>/dev/null || mount --rbind /sys "$root/sys" || true
fi
if [ -d "$root/dev" ]; then
  mount -t tmpfs -o mode=755 tmpfs "$root/dev"
  for device in null zero full random urandom tty; do
    : > "$root/dev/$device"
    mount --bind "/dev/$device" "$root/dev/$device"
  done
  ln -s /proc/self/fd "$root/dev/fd"
  ln -s /proc/self/fd/0 "$root/dev/stdin"
  ln -s /proc/self/fd/1 "$root/dev/stdout"
  ln -s /proc/self/fd/2 "$root/dev/stderr"
  mkdir "$root/dev/shm" "$root/dev/pts"
  mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
  mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts "$root/dev/pts" 2>/dev/null &&
    ln -s pts/ptmx "$root/dev/ptmx" || true
fi
for file in /etc/resolv.conf /etc/hosts; do
  if [ -f "$root$file" ] && [ -f "$file" ]; then mount --bind "$file" "$root$file" || true; fi
done
if [ -n "$name" ]; then echo "$name" > /proc/sys/kernel/hostname || true; fi 2>/dev/null
mount --rbind "$root" ${PLACE}
exec "$@"
`;

const NAMESPACES = ["--mount", "--uts", "--pid", "--fork", "--kill-child"];

function isRoot(): boolean {
  return process.getuid?.() === 0;
}

/** What a command line begins with that is to be root in a namespace of users, where it is not root. */
function wrapper(): readonly string[] {
  return isRoot() ? [] : ["unshare", "--map-root-user"];
}

/** Asking each for its version would cost a process each, in builds too that have nothing to run. */
function isInPath(tool: string): boolean {
  return (process.env.PATH ?? "").split(":").some((directory) => existsSync(join(directory, tool)));
}

let reason: string | undefined | false = false;

function probe(): string | undefined {
  if (process.platform !== "linux") return "real processes of an image need Linux";
  for (const tool of ["unshare", "setpriv", "mount", "tar"]) {
    if (isInPath(tool)) continue;
    return `real processes need ${tool}, which is not installed (Debian: util-linux, mount, tar)`;
  }
  try {
    const map = isRoot() ? [] : ["--map-root-user"];
    execFileSync("unshare", [...map, ...NAMESPACES, "mount", "-t", "tmpfs", "tmpfs", "/mnt"], {
      stdio: "ignore",
    });
    return undefined;
  } catch {
    return isRoot()
      ? "real processes need mounts, which this system does not let root make"
      : "real processes need root or unprivileged user namespaces, and this system gives neither";
  }
}

/** Why real processes cannot run here, in a sentence; undefined where they can. Looked at once. */
export function nativeUnavailable(): string | undefined {
  if (reason === false) reason = probe();
  return reason;
}

/** How a command becomes whom it is to run as. */
function identity({ uid, gid, groups, capabilities }: Caller): readonly string[] {
  if (!isRoot() && (uid !== 0 || gid !== 0)) {
    throw new ExecutorError(`a real process can run as user ${uid} only where strata runs as root`);
  }
  const limits = capabilities.has("CAP_SYS_ADMIN")
    ? []
    : [`--bounding-set=-all,${CAPABILITIES.map((name) => `+${name}`).join(",")}`];
  if (!isRoot()) return ["setpriv", ...limits];
  const lists = groups.length === 0 ? ["--clear-groups"] : [`--groups=${groups.join(",")}`];
  // Going to the root directory is done after, and needs this one of root's rights.
  const ambient = uid === 0 ? [] : ["--inh-caps=+sys_chroot", "--ambient-caps=+sys_chroot"];
  return ["setpriv", ...limits, `--reuid=${uid}`, `--regid=${gid}`, ...lists, ...ambient];
}

async function pass(stream: AsyncIterable<Uint8Array>, sink: OutputSink): Promise<void> {
  for await (const chunk of stream) await sink(Uint8Array.from(chunk));
}

async function feed(child: NodeJS.WritableStream, stdin: AsyncIterable<Uint8Array>): Promise<void> {
  // A command that reads no more closes its input.
  child.on("error", () => {});
  for await (const chunk of stdin) {
    if (!child.writable) return;
    if (!child.write(chunk)) {
      await new Promise<void>((resolve) => {
        child.once("drain", resolve);
        child.once("close", resolve);
      });
    }
  }
  child.end();
}

async function run(root: string, execution: Execution): Promise<number> {
  const { args, env, cwd, caller, stdin, stdout, stderr, signal } = execution;
  const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  const mapped = isRoot() ? [] : ["--map-root-user"];
  const line = [
    ...["unshare", ...mapped, ...NAMESPACES, "sh", "-c", SETUP, "sh", root, env.HOSTNAME ?? ""],
    ...identity(caller),
    ...["env", "-i", ...variables, "unshare", `--root=${PLACE}`, `--wd=${cwd}`, "--", ...args],
  ];
  const [program = "", ...rest] = line;
  const child = spawn(program, rest, { stdio: ["pipe", "pipe", "pipe"], detached: true });
  const kill = () => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
    } catch {
      // It ended meanwhile.
    }
  };
  signal?.addEventListener("abort", kill, { once: true });
  if (signal?.aborted) kill();
  try {
    const ended = new Promise<number>((resolve, reject) => {
      child.on("error", (cause) =>
        reject(new ExecutorError(`${program} cannot be run: ${cause.message}`, { cause })),
      );
      child.on("close", (code, name) => resolve(code ?? 128 + (name === null ? 0 : constants.signals[name])));
    });
    if (stdin === undefined) child.stdin.end();
    else feed(child.stdin, stdin).catch(() => {});
    const [status] = await Promise.all([ended, pass(child.stdout, stdout), pass(child.stderr, stderr)]);
    return signal?.aborted ? 137 : status;
  } finally {
    kill();
    signal?.removeEventListener("abort", kill);
  }
}

async function execute(execution: Execution, base: string): Promise<number> {
  const unavailable = nativeUnavailable();
  if (unavailable !== undefined) throw new ExecutorError(unavailable);
  const { mount } = execution;
  const directory = mkdtempSync(join(base, "strata-run-"));
  const root = join(directory, "root");
  try {
    mkdirSync(root);
    const all = mount.as({ ...ROOT_CALLER, umask: 0 });
    const laid = await LaidOut.make(all, { directory: root, owners: isRoot(), wrapper: wrapper() });
    const status = await run(root, execution);
    laid.takeBack();
    return status;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** @throws ExecutorError from `execute`, where real processes cannot run */
export function nativeExecutor(options: NativeExecutorOptions = {}): Executor {
  return { name: "native", execute: (execution) => execute(execution, options.directory ?? tmpdir()) };
}
