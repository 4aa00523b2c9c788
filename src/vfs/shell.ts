/**
 * The simulated shell: just-bash's interpreter over a mount.
 *
 * The interpreter reads and expands; every command it starts is launched here ({@link launch}), with
 * the mount as the caller that runs it. What is not built into the interpreter is one of our commands
 * (`shell-commands/`) or one of just-bash's, given a filesystem and streams in the coding it needs.
 *
 * How commands are found: the interpreter looks a name up in PATH through `exists` and would read what it
 * finds as a script. Paths that a program names come through `resolvePath` and carry a mark, so a path
 * without one is such a lookup: it is told that nothing is there, the name is registered, and the
 * interpreter falls back to its registry. Then PATH is searched in the mount, by {@link findProgram}.
 * So no command needs a file, none appears in a listing, and a script in the image comes before
 * a command of the same name.
 */
import type { Bash, Command as BashCommand, IFileSystem } from "just-bash";
import type { Mount } from "../union/mount.ts";
import { R_OK, W_OK, X_OK } from "../union/types.ts";
import { BUNDLED } from "./shell/bundled.ts";
import { deviceAt } from "./shell/devices.ts";
import { joinTo, shellFilesystem } from "./shell/filesystem.ts";
import { launch, quote } from "./shell/launch.ts";
import type { Machine } from "./shell/process.ts";
import { rewrite, TEST_NAMES } from "./shell/rewrite.ts";
import type { Session } from "./shell/session.ts";
import { reasonOf } from "./shell/strerror.ts";
import {
  bytesFromText,
  isMarked,
  markPath,
  nameFromText,
  pipeFromBytes,
  textFromName,
  unmarkPaths,
} from "./shell/text.ts";
import { COMMANDS } from "./shell-commands/commands.ts";

/** What is used of the package, which the caller imports: it is an optional dependency. */
export type BashModule = { readonly Bash: typeof Bash };

export interface ShellOptions {
  readonly env: Readonly<Record<string, string>>;
  /** Absolute path in the mount. */
  readonly cwd: string;
  readonly machine: Machine;
  readonly limits?: ShellLimits;
}

/** Where a command line is stopped that does not end by itself; such an end has status 126. */
export interface ShellLimits {
  /** Commands and loop iterations of one command line; 1,000,000 unless given. */
  readonly commands?: number;
  /** In milliseconds; an hour unless given. */
  readonly time?: number;
  /** In bytes, of what the command line writes and of what it holds; 256 MiB unless given. */
  readonly output?: number;
}

export interface ShellInput {
  /** The program and its arguments. */
  readonly args: readonly string[];
  readonly stdin: Uint8Array;
  readonly signal?: AbortSignal;
}

export interface ShellResult {
  readonly stdout: Uint8Array;
  readonly stderr: Uint8Array;
  readonly status: number;
}

const MEBIBYTE = 1 << 20;

/** Runs one command line, or any program with arguments, and waits for its end. */
export async function runShell(
  { Bash }: BashModule,
  mount: Mount,
  options: ShellOptions,
  { args, stdin, signal }: ShellInput,
): Promise<ShellResult> {
  const session: Session = {
    mount,
    machine: options.machine,
    bundled: new Map<string, BashCommand>(),
    signal,
    umask: mount.caller.umask,
    runs: [],
    descriptors: new Map(),
  };
  const stray: { stdout: Uint8Array[]; stderr: Uint8Array[] } = { stdout: [], stderr: [] };
  const bash: Bash = new Bash({
    fs: interpreterFilesystem(session, stray, (name, program) => register(bash, session, name, program)),
    cwd: textFromName(options.cwd),
    env: Object.fromEntries(Object.entries(options.env).map(([name, value]) => [name, textFromName(value)])),
    executionLimits: limitsOf(options.limits ?? {}),
    // It patches the globals of the whole process while a command runs, and the mount runs in there too.
    defenseInDepth: false,
    processInfo: { pid: 1, ppid: 0, uid: mount.caller.uid, gid: mount.caller.gid },
  });
  bash.registerTransformPlugin({
    name: "stratafs",
    transform: ({ ast }) => {
      rewrite(ast);
      return { ast };
    },
  });
  adopt(bash, session);
  const [program = "", ...rest] = args;
  // Not by its own name, which the interpreter could take for one of its builtins.
  const { name } = markPath(textFromName(program));
  register(bash, session, name, program);
  const result = await bash.exec(quote(name), {
    args: rest.map(textFromName),
    rawScript: true,
    stdin: pipeFromBytes(stdin),
    stdinKind: "bytes",
    ...(signal && { signal }),
  });
  return {
    stdout: join([...stray.stdout, bytesFromText(result.stdout)]),
    stderr: join([...stray.stderr, bytesFromText(result.stderr)]),
    status: signal?.aborted === true ? 137 : result.exitCode & 0xff,
  };
}

function join(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function limitsOf({ commands = 1_000_000, time = 3_600_000, output = 256 * MEBIBYTE }: ShellLimits) {
  return {
    maxCommandCount: commands,
    maxLoopIterations: commands,
    maxAwkIterations: commands,
    maxSedIterations: commands,
    maxWorkUnits: commands * 100,
    maxTraversalWork: commands * 100,
    maxGlobOperations: commands * 10,
    maxExecutionTimeMs: time,
    maxOutputSize: output,
    maxStringLength: output,
    maxInputBytes: output * 4,
    maxLiveBytes: output * 4,
    maxCallDepth: 1000,
  };
}

/** Takes the commands of the package out of its registry, and puts ours in. */
function adopt(bash: Bash, session: Session): void {
  const registry: unknown = Reflect.get(bash, "commands");
  if (!(registry instanceof Map))
    throw new TypeError("this version of just-bash keeps its commands elsewhere");
  const bundled = session.bundled as Map<string, BashCommand>;
  for (const [name, command] of registry as Map<string, BashCommand>) bundled.set(name, command);
  registry.clear();
  for (const name of [...Object.keys(COMMANDS), ...BUNDLED.keys()]) register(bash, session, name, name);
  for (const [name, alias] of Object.entries(TEST_NAMES)) register(bash, session, alias, name);
}

/** Lets the interpreter start a program under a name. */
function register(bash: Bash, session: Session, name: string, program: string): void {
  bash.registerCommand({
    name,
    execute: (args, context) => launch(session, program, args, context),
  });
}

/**
 * The filesystem as the interpreter sees it: redirections, file tests, globs, `cd`, and the lookup of commands.
 * @param found is told of each program, by the name under which the interpreter will ask for it
 */
function interpreterFilesystem(
  session: Session,
  stray: { readonly stdout: Uint8Array[]; readonly stderr: Uint8Array[] },
  found: (name: string, program: string) => void,
): IFileSystem {
  const known = new Set<string>();
  const announce = (name: string, program: string) => {
    if (known.has(name)) return;
    known.add(name);
    found(name, program);
  };
  const mount = () => session.mount.as({ umask: session.umask, cwd: "/" });
  const plain = shellFilesystem({
    mount,
    coding: "text",
    streams: {
      stdin: () => new Uint8Array(0),
      stdout: (bytes) => stray.stdout.push(bytes),
      stderr: (bytes) => stray.stderr.push(bytes),
      descriptor: (number) => session.descriptors.get(number),
      setDescriptor: (number, bytes) => session.descriptors.set(number, bytes),
    },
  });
  return {
    ...plain,
    resolvePath: (base, path) => {
      if (isMarked(path)) return path;
      const full = joinTo(unmarkPaths(base), unmarkPaths(path));
      // The streams keep their names: the interpreter knows some of them.
      return deviceAt(full) === undefined ? markPath(full).path : full;
    },
    writeFile: (path, content, options) => opening(path, () => plain.writeFile(path, content, options)),
    appendFile: (path, content, options) => opening(path, () => plain.appendFile(path, content, options)),
    exists: async (path) => {
      if (isMarked(path) || deviceAt(path) !== undefined) return plain.exists(path);
      // A lookup in PATH, whose outcome is the registry's.
      const name = path.slice(path.lastIndexOf("/") + 1);
      if (mount().exists(nameFromText(path))) announce(name, nameFromText(name));
      return false;
    },
    stat: async (path) => {
      const name = nameFromText(path);
      const told = await plain.stat(path);
      if (deviceAt(name) !== undefined) return told;
      if (isMarked(path) && !told.isDirectory) announce(markPath(unmarkPaths(path)).name, name);
      return { ...told, mode: (told.mode & ~0o777) | permitted(mount(), name) };
    },
  };
}

/** Says of a redirection that fails what sh says. */
async function opening(path: string, act: () => Promise<void>): Promise<void> {
  try {
    await act();
  } catch (error) {
    throw new Error(`sh: ${unmarkPaths(path)}: ${reasonOf(error)}`, { cause: error });
  }
}

/** What the caller may do, where the interpreter looks for what the owner may. */
function permitted(mount: Mount, path: string): number {
  let mode = 0;
  for (const [wanted, bits] of [
    [R_OK, 0o400],
    [W_OK, 0o200],
    [X_OK, 0o111],
  ] as const) {
    try {
      mount.access(path, wanted);
      mode |= bits;
    } catch {
      // Not permitted.
    }
  }
  return mode;
}
