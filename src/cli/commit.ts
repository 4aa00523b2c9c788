/**
 * `strata commit`: an image of a container.
 */
import type { Command } from "commander";
import { OciError } from "../oci/errors.ts";
import { collect } from "./collect.ts";
import type { Context } from "./context.ts";
import { daemonError, Failure } from "./failure.ts";
import { findContainer } from "./find-container.ts";
import { checkArguments } from "./help.ts";
import { createProgress } from "./progress.ts";

interface Options {
  readonly author?: string;
  readonly change: readonly string[];
  readonly message?: string;
  readonly pause?: string | boolean;
}

const HELP = `
What is committed is the container's last commit point, also while something works in it.

Example:
  strata commit -m 'with tools' -c 'CMD ["sh"]' work me/tools:1
`;

export function define(command: Command, context: Context): void {
  command
    .usage("[OPTIONS] CONTAINER [REPOSITORY[:TAG]]")
    .option("-a, --author <string>", "Author of the image")
    .option("-c, --change <list>", "Apply a Dockerfile instruction to the image's config", collect, [])
    .option("-m, --message <string>", "Comment in the image's history")
    .option("-p, --pause [bool]", "Accepted for Docker's sake: a commit point is whole in any case")
    .argument("[args...]")
    .addHelpText("after", HELP)
    .action(async (args: readonly string[], options: Options) => {
      checkArguments(command, args.length, 1, 2);
      const [name = "", reference] = args;
      const container = await findContainer(context, name);
      const { author, message } = options;
      const progress = createProgress(context.terminal.stderr);
      progress.task(container.name).status("Committing");
      try {
        const image = await daemonError(
          container.commit({
            changes: options.change,
            ...(author === undefined ? {} : { author }),
            ...(message === undefined ? {} : { message }),
            ...(reference === undefined ? {} : { name: reference }),
          }),
        );
        await context.print(image.id);
      } catch (error) {
        throw error instanceof OciError && error.code === "reference" ? new Failure(error.message) : error;
      } finally {
        await progress.stop();
      }
    });
}
