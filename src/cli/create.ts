/**
 * `strata create`: a container of an image, in which nothing runs yet.
 */
import type { Command } from "commander";
import { addCreateFlags, type CreateFlags } from "./container-flags.ts";
import type { Context } from "./context.ts";
import { createContainer } from "./create-container.ts";
import { daemonError } from "./failure.ts";
import { checkArguments } from "./help.ts";

const HELP = `
Example:
  strata create --name work debian:12
  strata exec work ls /etc
`;

export function define(command: Command, context: Context): void {
  addCreateFlags(command)
    .usage("[OPTIONS] IMAGE [COMMAND] [ARG...]")
    .argument("[args...]")
    .addHelpText("after", HELP)
    .action(async (args: readonly string[], flags: CreateFlags) => {
      checkArguments(command, args.length, 1);
      const container = await daemonError(createContainer(context, flags, args));
      await context.print(container.id);
    });
}
