/**
 * `strata restore`: a container as it was when a snapshot of it was taken.
 */
import type { Command } from "commander";
import type { Context } from "./context.ts";
import { daemonError } from "./failure.ts";
import { findContainer } from "./find-container.ts";
import { checkArguments } from "./help.ts";

const HELP = `
What the container changed since the snapshot is gone; the snapshot stays.
`;

export function define(command: Command, context: Context): void {
  command
    .usage("CONTAINER SNAPSHOT")
    .argument("[args...]")
    .addHelpText("after", HELP)
    .action(async (args: readonly string[]) => {
      checkArguments(command, args.length, 2, 2);
      const [name = "", snapshot = ""] = args;
      const container = await findContainer(context, name);
      await daemonError(container.restore(snapshot));
      await context.print(name);
    });
}
