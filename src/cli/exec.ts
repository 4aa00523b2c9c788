/**
 * `strata exec`: a command in a container, which need not be running for that.
 */
import type { Command } from "commander";
import { runAttached } from "./attached-process.ts";
import { collect } from "./collect.ts";
import { environmentOf } from "./container-flags.ts";
import type { Context } from "./context.ts";
import { executorOf } from "./executor-flag.ts";
import { daemonError } from "./failure.ts";
import { findContainer } from "./find-container.ts";
import { checkArguments } from "./help.ts";

interface Flags {
  readonly env: readonly string[];
  readonly envFile: readonly string[];
  readonly interactive?: true;
  readonly tty?: true;
  readonly user?: string;
  readonly workdir?: string;
  readonly privileged?: true;
  readonly executor?: string;
}

const HELP = `
Example:
  strata exec -w /etc work cat passwd
`;

export function define(command: Command, context: Context): void {
  command
    .usage("[OPTIONS] CONTAINER COMMAND [ARG...]")
    .option("-e, --env <list>", "Set an environment variable", collect, [])
    .option("--env-file <list>", "Read environment variables from a file", collect, [])
    .option("-i, --interactive", "Pass standard input on to the command")
    .option("--executor <name>", 'What runs the command: "shell", "native" or "auto" (default "shell")')
    .option("--privileged", "Let root have every capability")
    .option("-t, --tty", "Tell the command that it has a terminal")
    .option("-u, --user <string>", "Name or UID to run as, with or without :GROUP")
    .option("-w, --workdir <string>", "Working directory in the container")
    .passThroughOptions()
    .argument("[args...]")
    .addHelpText("after", HELP)
    .action(async (args: readonly string[], flags: Flags) => {
      checkArguments(command, args.length, 2);
      const [name = "", ...line] = args;
      const container = await findContainer(context, name, "Error: ");
      const { user, workdir } = flags;
      const executor = await executorOf(context, flags.executor, container);
      const attached = { interactive: flags.interactive === true, tty: flags.tty === true };
      context.exitCode = await daemonError(
        runAttached(context, attached, (options) =>
          container.exec(line, {
            ...options,
            ...executor,
            env: environmentOf(context, flags),
            privileged: flags.privileged ?? false,
            ...(user === undefined ? {} : { user }),
            ...(workdir === undefined ? {} : { cwd: workdir }),
          }),
        ),
      );
    });
}
