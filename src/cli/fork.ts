/**
 * `strata fork`: another container that starts as one is now, or as a snapshot of it is.
 */
import type { Command } from "commander";
import type { Context } from "./context.ts";
import { daemonError } from "./failure.ts";
import { findContainer } from "./find-container.ts";
import { checkArguments } from "./help.ts";

interface Options {
  readonly name?: string;
  readonly snapshot?: string;
}

const HELP = `
The two share what they hold, and neither sees what the other changes from then on.

Example:
  strata fork --name try work
`;

export function define(command: Command, context: Context): void {
  command
    .usage("[OPTIONS] CONTAINER")
    .option("--name <string>", "Give the new container a name")
    .option("--snapshot <name>", "Start as this snapshot of the container is")
    .argument("[args...]")
    .addHelpText("after", HELP)
    .action(async (args: readonly string[], options: Options) => {
      checkArguments(command, args.length, 1, 1);
      const container = await findContainer(context, args[0]!);
      const forked = await daemonError(container.fork(options));
      await context.print(forked.id);
    });
}
