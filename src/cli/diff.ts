/**
 * `strata diff`: what a container changed, as `docker diff` prints it.
 */
import type { Command } from "commander";
import type { Context } from "./context.ts";
import { daemonError } from "./failure.ts";
import { findContainer } from "./find-container.ts";
import { checkArguments } from "./help.ts";
import { shownName } from "./image-files.ts";

const HELP = `
A line for each file: A added, C changed, D deleted. A directory on the way to a change is C, too.
`;

export function define(command: Command, context: Context): void {
  command
    .usage("CONTAINER")
    .argument("[args...]")
    .addHelpText("after", HELP)
    .action(async (args: readonly string[]) => {
      checkArguments(command, args.length, 1, 1);
      const container = await findContainer(context, args[0]!);
      const terminal = context.terminal.stdout.isTTY === true;
      const encoder = new TextEncoder();
      for (const { kind, path } of await daemonError(container.diff())) {
        await context.write(
          Buffer.concat([encoder.encode(`${kind} `), shownName(path, terminal), encoder.encode("\n")]),
        );
      }
    });
}
