/**
 * Starting a command: finding what its name stands for, giving it a process, and turning what it wrote
 * into what the interpreter passes on. Statuses are execve's as a shell tells them: 127 where nothing is
 * found, 126 where it cannot be executed.
 */
import type { Command as BashCommand, CommandContext, ExecResult, IFileSystem } from "just-bash";
import type { Mount } from "../../union/mount.ts";
import { COMMANDS } from "../shell-commands/commands.ts";
import { BUNDLED } from "./bundled.ts";
import { deviceAt, type Streams } from "./devices.ts";
import { shellFilesystem } from "./filesystem.ts";
import { interpret, VARIABLE } from "./interpret.ts";
import { type Command, CommandError, type Finished, type Process, type RunOptions } from "./process.ts";
import { DEFAULT_PATH, findProgram, type Program } from "./programs.ts";
import { RUN, type Session, UMASK } from "./session.ts";
import { reasonOf } from "./strerror.ts";
import {
  bytesFromLatin1,
  bytesFromPipe,
  bytesFromText,
  latin1FromBytes,
  nameFromText,
  pipeFromBytes,
  textFromBytes,
  textFromName,
} from "./text.ts";

/** How often one script may stand for another through their first lines, as in Linux. */
const INTERPRETERS = 5;

/** Built into every sh, and so found without PATH. */
const BUILTINS = new Set(["[", "echo", "printf", "test", "trap", "umask"]);

const encoder = new TextEncoder();

export function isSimulated(session: Session, name: string): boolean {
  return COMMANDS[name] !== undefined || (BUNDLED.has(name) && session.bundled.has(name));
}

/** Runs the command that `name` stands for. @param args as shell text */
export async function launch(
  session: Session,
  name: string,
  args: readonly string[],
  context: CommandContext,
  depth = 0,
): Promise<ExecResult> {
  const state = enter(session, context);
  const program: Program = BUILTINS.has(name)
    ? { kind: "simulated", command: name }
    : findProgram(state.mount, name, context.env.get("PATH") ?? DEFAULT_PATH, (command) =>
        isSimulated(session, command),
      );
  switch (program.kind) {
    case "missing": {
      const what = name.includes("/") ? "No such file or directory" : "not found";
      return failed(127, `sh: ${name}: ${what}`);
    }
    case "denied":
      return failed(126, `sh: ${name}: ${program.directory ? "Is a directory" : "Permission denied"}`);
    case "binary":
      return failed(
        126,
        `sh: ${name}: a program of the image, which the simulated shell cannot run: it needs real processes`,
      );
    case "script": {
      if (depth === INTERPRETERS) return failed(126, `sh: ${name}: Too many levels of symbolic links`);
      const [interpreter, ...given] = program.interpreter;
      const words = [...given, program.path].map(textFromName);
      return launch(session, interpreter!, [...words, ...args], context, depth + 1);
    }
    case "simulated": {
      const ours = COMMANDS[program.command];
      if (ours !== undefined) return runOurs(session, ours, name, args, context, state);
      return runBundled(
        session,
        session.bundled.get(program.command)!,
        args,
        context,
        state,
        BUNDLED.get(program.command)!,
      );
    }
  }
}

function failed(status: number, message: string): ExecResult {
  return { stdout: "", stderr: `${textFromName(message)}\n`, exitCode: status };
}

interface State {
  readonly mount: Mount;
  umask: number;
}

/** What the process is, from the shell that starts it. */
function enter(session: Session, context: CommandContext): State {
  if (session.signal?.aborted === true) throw new CommandError("killed", 137);
  const own = context.env.get(UMASK);
  const umask = own === undefined ? session.mount.caller.umask : Number(own);
  session.umask = umask;
  const run = session.runs[Number(context.env.get(RUN) ?? -1)];
  if (run !== undefined) run.variables = context.env;
  return { mount: session.mount.as({ cwd: nameFromText(context.cwd), umask }), umask };
}

/** The context with another filesystem and input. */
function within(context: CommandContext, fields: PropertyDescriptorMap): CommandContext {
  return Object.defineProperties(Object.create(Object.getPrototypeOf(context)), {
    ...Object.getOwnPropertyDescriptors(context),
    ...fields,
  });
}

async function runBundled(
  session: Session,
  command: BashCommand,
  args: readonly string[],
  context: CommandContext,
  state: State,
  coding: "text" | "bytes",
): Promise<ExecResult> {
  const stdin = () => String(context.stdin);
  const written: Uint8Array[] = [];
  const complained: Uint8Array[] = [];
  const streams: Streams = {
    stdin: () => bytesFromPipe(stdin()),
    stdout: (bytes) => written.push(bytes),
    stderr: (bytes) => complained.push(bytes),
    descriptor: (number) => session.descriptors.get(number),
  };
  const fs = shellFilesystem({ mount: () => guarded(session, state.mount), coding, streams });
  const own = within(context, {
    fs: { value: fs, enumerable: true },
    stdin: {
      get: () => (coding === "bytes" ? latin1FromBytes(bytesFromPipe(stdin())) : stdin()),
      enumerable: true,
    },
  });
  if (command.name === "sed") replaceWhole(fs, state.mount);
  const result = await command.execute([...args], own as Parameters<BashCommand["execute"]>[1]);
  const extra = written.map(textFromBytes).join("");
  return {
    ...result,
    stdout: extra + outputText(result, coding),
    stderr: complained.map(textFromBytes).join("") + result.stderr,
    stdoutKind: "text",
    ...(result.stdoutEncoding === undefined ? {} : { stdoutEncoding: undefined }),
  } as ExecResult;
}

/** `sed -i` puts a new file in the place of the old one, with its mode and owner. */
function replaceWhole(fs: IFileSystem, mount: Mount): void {
  const write = fs.writeFile;
  fs.writeFile = async (path, content, options) => {
    const name = nameFromText(path);
    if (!mount.exists(name)) return write(path, content, options);
    const { mode, uid, gid } = mount.stat(name);
    const slash = name.lastIndexOf("/") + 1;
    const fresh = `${name.slice(0, slash)}.${name.slice(slash)}.sed`;
    await write(textFromName(fresh), content, options);
    mount.chown(fresh, uid, gid);
    mount.chmod(fresh, mode & 0o7777);
    mount.rename(fresh, name);
  };
}

/** What a command of just-bash wrote, as shell text. */
function outputText(result: ExecResult, coding: "text" | "bytes"): string {
  const { stdout } = result;
  if (stdout === "") return "";
  const single = result.stdoutKind === "bytes" || result.stdoutEncoding === "binary";
  if (coding === "text") return single ? textFromBytes(bytesFromPipe(stdout)) : stdout;
  return textFromBytes(single ? bytesFromLatin1(stdout) : encoder.encode(stdout));
}

function guarded(session: Session, mount: Mount): Mount {
  if (session.signal?.aborted === true) throw new CommandError("killed", 137);
  return mount;
}

async function runOurs(
  session: Session,
  command: Command,
  name: string,
  args: readonly string[],
  context: CommandContext,
  state: State,
): Promise<ExecResult> {
  const stdout: string[] = [];
  const stderr: string[] = [];
  const writeError = (text: string) => void stderr.push(textFromName(text));
  const complain = (message: string) =>
    writeError(`${process.name.slice(process.name.lastIndexOf("/") + 1)}: ${message}\n`);
  let input: Uint8Array | undefined;
  const stdin = () => (input ??= bytesFromPipe(String(context.stdin)));

  async function start(words: readonly string[], options: RunOptions = {}): Promise<ExecResult> {
    const env = Object.fromEntries(
      [...(options.env ?? process.env)].map(([key, value]) => [key, textFromName(value)]),
    );
    const exported = Object.keys(env).filter((key) => VARIABLE.test(key));
    const line = words.map((word) => quote(textFromName(word))).join(" ");
    return context.exec!(exported.length === 0 ? line : `export ${exported.join(" ")};${line}`, {
      cwd: options.cwd === undefined ? context.cwd : textFromName(options.cwd),
      env: { ...env, [UMASK]: String(state.umask) },
      replaceEnv: true,
      stdin: pipeFromBytes(options.stdin ?? stdin()),
      stdinKind: "bytes",
      ...((options.signal ?? context.signal) && { signal: options.signal ?? context.signal! }),
    });
  }

  const process: Process = {
    name,
    args: args.map(nameFromText),
    env: new Map(Object.entries(context.exportedEnv ?? {}).map(([key, value]) => [key, nameFromText(value)])),
    cwd: nameFromText(context.cwd),
    get umask() {
      return state.umask;
    },
    set umask(value) {
      state.umask = value;
      session.umask = value;
      context.env.set(UMASK, String(value));
    },
    mount: state.mount,
    signal: context.signal,
    machine: session.machine,
    readFile: (path) => {
      const streams = {
        stdin,
        stdout: () => {},
        stderr: () => {},
        descriptor: (number: number) => session.descriptors.get(number),
      };
      return deviceAt(path)?.read(streams) ?? state.mount.readFile(path);
    },
    stdin,
    write: (output) =>
      void stdout.push(typeof output === "string" ? textFromName(output) : textFromBytes(output)),
    complain,
    writeError,
    run: async (words, options) => {
      const result = await start(words, options);
      stdout.push(result.stdout);
      stderr.push(result.stderr);
      return result.exitCode;
    },
    capture: async (words, options): Promise<Finished> => {
      const result = await start(words, options);
      stderr.push(result.stderr);
      return { status: result.exitCode, stdout: bytesFromText(result.stdout) };
    },
    interpret: async (script) => {
      const result = await interpret(session, context, script, state.umask);
      stdout.push(result.stdout);
      stderr.push(result.stderr);
      return result.exitCode;
    },
    trap: (signal, action) => {
      const run = session.runs[Number(context.env.get(RUN) ?? -1)];
      if (run === undefined) return;
      if (action === undefined) run.traps.delete(signal);
      else run.traps.set(signal, action);
    },
  };

  let status: number;
  try {
    status = await command(process);
  } catch (error) {
    if (error instanceof CommandError) {
      if (error.message !== "") complain(error.message);
      status = error.status;
    } else {
      complain(reasonOf(error));
      status = 1;
    }
  }
  return { stdout: stdout.join(""), stderr: stderr.join(""), exitCode: status, stdoutKind: "text" };
}

/** A word as the interpreter takes it for one word and nothing else. */
export function quote(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}
