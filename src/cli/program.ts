/**
 * The command line: which commands there are, and how arguments that make no sense are refused.
 *
 * A command's module is loaded when the command is run. Texts and exit codes of refusals are Docker's:
 * 125 for a flag, 1 for arguments.
 */
import { Command, CommanderError } from "commander";
import { Context, type Terminal } from "./context.ts";
import { Failure, messageOf } from "./failure.ts";
import { formatHelp } from "./help.ts";

/** What a command's module has. */
export interface CommandModule {
  /** Adds options, arguments, help and action. */
  define(command: Command, context: Context): void;
}

interface Registration {
  readonly summary: string;
  load(): Promise<CommandModule>;
}

const COMMANDS: ReadonlyMap<string, Registration> = new Map<string, Registration>([
  ["cat", { summary: "Print files of an image", load: () => import("./cat.ts") }],
  ["history", { summary: "Show the history of an image", load: () => import("./history.ts") }],
  ["images", { summary: "List images", load: () => import("./images.ts") }],
  ["inspect", { summary: "Show all that is known of images", load: () => import("./inspect.ts") }],
  ["load", { summary: "Load images from an archive or a directory", load: () => import("./load.ts") }],
  ["ls", { summary: "List files of an image", load: () => import("./ls.ts") }],
  ["mtree", { summary: "Print an image's files as an mtree manifest", load: () => import("./mtree.ts") }],
  ["save", { summary: "Save images to an archive", load: () => import("./save.ts") }],
  ["whence", { summary: "Show which layers a file comes from", load: () => import("./whence.ts") }],
]);

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

/** The command word in the arguments: the first that is neither a flag nor the value of `--root`. */
function commandWord(args: readonly string[]): string | undefined {
  for (let i = 0; i < args.length; i++) {
    const arg = args[i]!;
    if (arg === "--root") i += 1;
    else if (!arg.startsWith("-")) return arg;
  }
  return undefined;
}

async function addCommands(program: Command, context: Context, wanted: string | undefined): Promise<void> {
  for (const [name, { summary, load }] of COMMANDS) {
    const command = program.command(name).summary(summary).description(summary).usage("[OPTIONS]");
    command.option("--root <dir>").helpOption("--help", "Print help");
    command.options.find((option) => option.long === "--root")?.hideHelp();
    command.hook("preAction", () => {
      context.root =
        (command.opts().root as string | undefined) ?? (program.opts().root as string | undefined);
    });
    if (name === wanted) (await load()).define(command, context);
  }
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
  const program = makeProgram(context);
  const word = commandWord(args);
  const known = word !== undefined && COMMANDS.has(word);
  if (word !== undefined && !known && word !== "help") {
    throw new Failure(`strata: '${word}' is not a strata command.\nSee 'strata --help'`);
  }
  await addCommands(program, context, word);
  if (word === undefined && (args.includes("--version") || args.includes("-v"))) {
    await context.print(`strata version ${await version()}`);
    return 0;
  }
  if (word === undefined || word === "help") {
    const flag = args.find((arg) => arg.startsWith("-") && !/^--(help|root)($|=)/.test(arg));
    if (flag === undefined) return await help(program, args, context);
  }
  try {
    await program.parseAsync(args, { from: "user" });
    return context.exitCode;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return 0;
    throw refusal(error, known ? `strata ${word}` : "strata");
  }
}

/** `strata`, `strata --help`, `strata help [COMMAND]`. */
async function help(program: Command, args: readonly string[], context: Context): Promise<number> {
  const topic = args[args.indexOf("help") + 1];
  const registration = args.includes("help") && topic !== undefined ? COMMANDS.get(topic) : undefined;
  const command = program.commands.find((candidate) => candidate.name() === topic);
  if (registration !== undefined && command !== undefined) {
    (await registration.load()).define(command, context);
    command.outputHelp();
  } else {
    program.outputHelp();
  }
  return 0;
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
