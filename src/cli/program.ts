/**
 * The command line: how words are found to be a command, and how arguments that make no sense are
 * refused. `commands.ts` says which commands there are.
 *
 * Texts and exit codes of refusals are Docker's: 125 for a flag, 1 for arguments.
 */
import { Command, CommanderError } from "commander";
import { COMMANDS, GROUPS, type Registration } from "./commands.ts";
import { Context, type Terminal } from "./context.ts";
import { Failure, messageOf } from "./failure.ts";
import { formatHelp } from "./help.ts";

const FLAG_ERROR = 125;

function makeProgram(context: Context): Command {
  const program = new Command("strata");
  program
    .description("Work with container images without a daemon and without root")
    .usage("[OPTIONS] COMMAND")
    .option(
      "--root <dir>",
      "Directory of the image store (default: $STRATAFS_ROOT, else stratafs in the XDG data home)",
    )
    .option("-v, --version", "Print the version")
    .helpOption("--help", "Print help")
    .helpCommand(false)
    .enablePositionalOptions()
    .configureHelp({ formatHelp })
    .configureOutput({
      writeOut: (text) => void context.terminal.stdout.write(text),
      writeErr: () => {},
    })
    .exitOverride();
  return program;
}

/** The version of the package, whose manifest lies two folders up from the sources as from the bundle. */
async function version(): Promise<string> {
  const [{ readFile }, { join }] = await Promise.all([import("node:fs/promises"), import("node:path")]);
  const manifest = await readFile(join(import.meta.dirname, "../../package.json"), "utf8");
  return (JSON.parse(manifest) as { version: string }).version;
}

/** The first words that are neither a flag nor the value of `--root`, at most two: a group and its command. */
function commandWords(args: readonly string[]): readonly string[] {
  const words: string[] = [];
  for (let i = 0; i < args.length && words.length < 2; i++) {
    const arg = args[i]!;
    if (arg === "--root") i += 1;
    else if (!arg.startsWith("-")) words.push(arg);
    else if (words.length > 0 && !arg.startsWith("--root=")) break;
  }
  return words;
}

/** Adds a command to a program or a group. Its root may be given after it as well as before it. */
function addCommand(parent: Command, context: Context, name: string, registration: Registration): Command {
  const { summary } = registration;
  const command = parent.command(name, { hidden: registration.hidden === true });
  command.summary(summary).description(summary).usage("[OPTIONS]");
  command.option("--root <dir>").helpOption("--help", "Print help");
  command.options.find((option) => option.long === "--root")?.hideHelp();
  command.hook("preAction", () => {
    for (let at: Command | null = command; at !== null && context.root === undefined; at = at.parent) {
      context.root = at.opts().root as string | undefined;
    }
  });
  for (const alias of registration.aliases ?? []) command.alias(alias);
  return command;
}

/** The registration that a word names, and under which name. */
function findRegistration(
  commands: ReadonlyMap<string, Registration>,
  word: string | undefined,
): readonly [string, Registration] | undefined {
  return [...commands].find(([name, { aliases }]) => name === word || aliases?.includes(word ?? ""));
}

/** Adds all commands; the one that is wanted is loaded and given back. */
async function addCommands(
  parent: Command,
  context: Context,
  commands: ReadonlyMap<string, Registration>,
  word: string | undefined,
): Promise<Command | undefined> {
  const wanted = findRegistration(commands, word);
  let found: Command | undefined;
  for (const [name, registration] of commands) {
    const command = addCommand(parent, context, name, registration);
    if (registration !== wanted?.[1] || name !== wanted[0]) continue;
    (await registration.load()).define(command, context);
    found = command;
  }
  return found;
}

function addGroup(program: Command, name: string, summary: string): Command {
  const group = program.command(name).summary(summary).description(summary).usage("COMMAND");
  group.option("--root <dir>").helpOption("--help", "Print help").helpCommand(false);
  group.options.find((option) => option.long === "--root")?.hideHelp();
  return group.enablePositionalOptions();
}

interface Found {
  /** The command to be run; undefined where only help can be given. */
  readonly command: Command | undefined;
  /** What help is about: the command, its group, or the program. */
  readonly topic: Command;
}

/**
 * Builds the program, with the command that some words name.
 * @throws Failure for words that name none
 */
async function build(program: Command, context: Context, words: readonly string[]): Promise<Found> {
  const [first, second] = words;
  const command = await addCommands(program, context, COMMANDS, first);
  let group: Command | undefined;
  let grouped: Command | undefined;
  for (const [name, { summary, commands }] of GROUPS) {
    const made = addGroup(program, name, summary);
    if (name !== first) continue;
    group = made;
    grouped = await addCommands(made, context, commands, second);
    if (second !== undefined && grouped === undefined) {
      throw new Failure(
        `strata: 'strata ${name} ${second}' is not a strata command.\nSee 'strata ${name} --help'`,
      );
    }
  }
  if (first !== undefined && command === undefined && group === undefined) {
    throw new Failure(`strata: '${first}' is not a strata command.\nSee 'strata --help'`);
  }
  return { command: command ?? grouped, topic: command ?? grouped ?? group ?? program };
}

/** A command line that is being typed, as far as it is. */
export interface Typed {
  /** The command, or what commands are chosen of: a group or the program. */
  readonly command: Command;
  /** The words after the command; undefined where it is still to be chosen. */
  readonly rest: readonly string[] | undefined;
}

/**
 * What some words of a command line have chosen. A `--root` in them counts from then on.
 * @throws Failure for words that name no command
 */
export async function loadCommand(context: Context, words: readonly string[]): Promise<Typed> {
  const names: string[] = [];
  let at = 0;
  for (; at < words.length && names.length < 2 && !COMMANDS.has(names[0] ?? ""); at++) {
    const word = words[at]!;
    if (word === "--root") context.root = words[++at];
    else if (word.startsWith("--root=")) context.root = word.slice("--root=".length);
    else if (!word.startsWith("-")) names.push(word);
  }
  const { command, topic } = await build(makeProgram(context), context, names);
  return { command: topic, rest: command === undefined ? undefined : words.slice(at) };
}

/** The words that a command is called with: `strata image ls`. */
function pathOf(command: Command): string {
  return command.parent === null ? command.name() : `${pathOf(command.parent)} ${command.name()}`;
}

/** Docker's words for what commander found wrong. */
function refusal(error: CommanderError, name: string): Failure {
  const see = `See '${name} --help'.`;
  const flag = /'([^' ]+)/.exec(error.message)?.[1] ?? "";
  if (error.code === "commander.unknownOption") {
    const short = /^-([^-])/.exec(flag)?.[1];
    const what =
      short === undefined ? `unknown flag: ${flag}` : `unknown shorthand flag: '${short}' in ${flag}`;
    return new Failure(`${what}\n${see}`, FLAG_ERROR);
  }
  if (error.code === "commander.optionMissingArgument") {
    const long = /(--[a-z-]+)/.exec(error.message)?.[1] ?? flag;
    return new Failure(`flag needs an argument: ${long}\n${see}`, FLAG_ERROR);
  }
  return new Failure(`${error.message.replace(/^error: /, "")}\n${see}`, FLAG_ERROR);
}

async function execute(args: readonly string[], context: Context): Promise<number> {
  if (args[0] === "__complete") {
    await (await import("./complete.ts")).complete(context, args.slice(1));
    return 0;
  }
  const program = makeProgram(context);
  const words = commandWords(args);
  const [first] = words;
  if (first === undefined && (args.includes("--version") || args.includes("-v"))) {
    await context.print(`strata version ${await version()}`);
    return 0;
  }
  if (first === "help") {
    // `strata help image ls`; what is no command has the program's own help.
    const topic = commandWords(args.slice(args.indexOf("help") + 1));
    const found = await build(program, context, topic).catch(() => undefined);
    (found?.topic ?? program).outputHelp();
    return 0;
  }
  const { command, topic } = await build(program, context, words);
  if (command === undefined) {
    const flag = args.find((arg) => arg.startsWith("-") && !/^--(help|root)($|=)/.test(arg));
    if (flag === undefined && args.at(-1) !== "--root") {
      topic.outputHelp();
      return 0;
    }
  }
  try {
    await program.parseAsync(args, { from: "user" });
    return context.exitCode;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return 0;
    throw refusal(error, pathOf(topic));
  }
}

/**
 * Runs one command line.
 * @param args without the program's own name
 * @returns the exit code
 */
export async function run(args: readonly string[], terminal: Terminal): Promise<number> {
  const context = new Context(terminal);
  try {
    return await execute(args, context);
  } catch (error) {
    context.complain(messageOf(error));
    return error instanceof Failure ? error.exitCode : 1;
  } finally {
    await context.close();
  }
}
