/**
 * `strata run`: a container of an image, and its command in it, to its end.
 */
import type { Command } from "commander";
import type { Container } from "../runtime/container.ts";
import { runAttached } from "./attached-process.ts";
import { addCreateFlags, type CreateFlags } from "./container-flags.ts";
import type { Context } from "./context.ts";
import { createContainer } from "./create-container.ts";
import { executorOf } from "./executor-flag.ts";
import { Failure, messageOf } from "./failure.ts";
import { checkArguments } from "./help.ts";

interface Flags extends CreateFlags {
  readonly rm?: true;
  readonly detach?: true;
  readonly privileged?: true;
  readonly executor?: string;
}

const CANNOT_RUN = 125;

const HELP = `
The command runs in a simulated shell, with no kernel and no privileges, unless --executor says otherwise. What it did to files is kept in
the container when it ends; --rm removes the container then.

Examples:
  strata run --rm busybox ls -l /etc
  strata run --name work -e LANG=C -w /src -v "$PWD:/src" debian:12 sh -c 'wc -l *.c'
  strata diff work
`;

/** How Docker's client introduces what kept a container from running. */
function reported(message: string, help: boolean): Failure {
  const sentence = `strata: ${message.replace(/\.$/, "")}.`;
  return new Failure(help ? `${sentence}\nSee 'strata run --help'.` : sentence, CANNOT_RUN);
}

function asReported(error: unknown, help: boolean): Failure {
  if (error instanceof Failure && /^(Error response from daemon|strata):/.test(error.message)) {
    return error.message.startsWith("strata:") ? error : reported(error.message, help);
  }
  if (error instanceof Failure) return reported(error.message, help);
  return reported(`Error response from daemon: ${messageOf(error)}`, help);
}

async function runCommand(context: Context, container: Container, flags: Flags): Promise<number> {
  const attached = { interactive: flags.interactive === true, tty: flags.tty === true };
  try {
    const executor = await executorOf(context, flags.executor, container);
    return await runAttached(context, attached, (options) =>
      container.run(undefined, { ...options, ...executor, privileged: flags.privileged ?? false }),
    );
  } finally {
    if (flags.rm) await container.remove();
  }
}

export function define(command: Command, context: Context): void {
  addCreateFlags(command)
    .usage("[OPTIONS] IMAGE [COMMAND] [ARG...]")
    .option("-d, --detach", "Refused: there is no daemon to run anything in the background")
    .option("--executor <name>", 'What runs the command: "shell", "native" or "auto" (default "shell")')
    .option("--privileged", "Let root have every capability")
    .option("--rm", "Remove the container when the command ends")
    .argument("[args...]")
    .addHelpText("after", HELP)
    .action(async (args: readonly string[], flags: Flags) => {
      checkArguments(command, args.length, 1);
      if (flags.detach) {
        throw reported(
          "there is no daemon to run a container in the background: leave out -d, or let your shell do it with '&'",
          true,
        );
      }
      const container = await createContainer(context, flags, args).catch((error: unknown) => {
        throw asReported(error, true);
      });
      context.exitCode = await runCommand(context, container, flags).catch((error: unknown) => {
        throw asReported(error, false);
      });
    });
}
