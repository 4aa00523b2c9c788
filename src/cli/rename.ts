/**
 * `strata rename`: another name for a container.
 */
import type { Command } from "commander";
import type { Context } from "./context.ts";
import { Failure, messageOf } from "./failure.ts";
import { findContainer } from "./find-container.ts";
import { checkArguments } from "./help.ts";

export function define(command: Command, context: Context): void {
  command
    .usage("CONTAINER NEW_NAME")
    .argument("[args...]")
    .action(async (args: readonly string[]) => {
      checkArguments(command, args.length, 2, 2);
      const [from = "", to = ""] = args;
      try {
        const container = await findContainer(context, from);
        if (to === container.name) {
          throw new Error("Renaming a container with the same name as its current name");
        }
        await container.rename(to);
      } catch (error) {
        const message = messageOf(error).replace(/^Error response from daemon: /, "");
        throw new Failure(
          `Error response from daemon: ${message}\nError: failed to rename container named ${from}`,
        );
      }
    });
}
