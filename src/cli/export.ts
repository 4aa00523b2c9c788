/**
 * `strata export`: a container's files as a tar archive.
 */
import type { Command } from "commander";
import type { Context } from "./context.ts";
import { daemonError, Failure } from "./failure.ts";
import { findContainer } from "./find-container.ts";
import { checkArguments } from "./help.ts";
import { writeOutput } from "./output-file.ts";

interface Options {
  readonly output?: string;
}

const HELP = `
The archive holds the merged files with owners, modes, hard links, devices and extended attributes:

  strata export work | tar -x --xattrs --xattrs-include='*' -C rootfs
`;

export function define(command: Command, context: Context): void {
  command
    .usage("[OPTIONS] CONTAINER")
    .option("-o, --output <file>", "Write to a file, instead of standard output")
    .argument("[args...]")
    .addHelpText("after", HELP)
    .action(async (args: readonly string[], options: Options) => {
      checkArguments(command, args.length, 1, 1);
      if (options.output === undefined && context.terminal.stdout.isTTY) {
        throw new Failure("cowardly refusing to save to a terminal. Use the -o flag or redirect");
      }
      const container = await findContainer(context, args[0]!);
      await daemonError(writeOutput(context, options.output, "Exporting", container.export()));
    });
}
