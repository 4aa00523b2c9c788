/**
 * `strata start -a`: a container's own command once more, to its end.
 */
import type { Command } from "commander";
import { runAttached } from "./attached-process.ts";
import type { Context } from "./context.ts";
import { daemonError, Failure } from "./failure.ts";
import { findContainer } from "./find-container.ts";
import { checkArguments } from "./help.ts";

interface Options {
  readonly attach?: true;
  readonly interactive?: true;
}

export function define(command: Command, context: Context): void {
  command
    .usage("-a [OPTIONS] CONTAINER")
    .option("-a, --attach", "Pass the command's output on and wait for its end; always needed")
    .option("-i, --interactive", "Pass standard input on to the command")
    .argument("[args...]")
    .action(async (args: readonly string[], options: Options) => {
      checkArguments(command, args.length, 1, 1);
      if (!options.attach && !options.interactive) {
        throw new Failure(
          "strata: there is no daemon to run a container in the background: use 'strata start -a'",
        );
      }
      const container = await findContainer(context, args[0]!);
      const attached = { interactive: options.interactive === true, tty: container.record.tty };
      context.exitCode = await daemonError(
        runAttached(context, attached, (streams) => container.run(undefined, streams)),
      );
    });
}
