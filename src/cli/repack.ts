/**
 * `strata repack`: an image of what was changed in an unpacked directory.
 */
import type { Command } from "commander";
import { collect } from "./collect.ts";
import type { Context } from "./context.ts";
import { checkArguments } from "./help.ts";

interface Options {
  readonly author?: string;
  readonly change: readonly string[];
  readonly message?: string;
}

const HELP = `
What differs from the image that DIRECTORY was unpacked from becomes one layer. Owners and extended
attributes of what was not made anew are the image's where it was not root who unpacked.

Example:
  strata repack -m 'edited' ./rootfs me/debian:edited
`;

export function define(command: Command, context: Context): void {
  command
    .usage("[OPTIONS] DIRECTORY IMAGE")
    .option("-a, --author <string>", "Author of the image")
    .option("-c, --change <list>", "Apply a Dockerfile instruction to the image's config", collect, [])
    .option("-m, --message <string>", "Comment in the image's history")
    .argument("[args...]")
    .addHelpText("after", HELP)
    .action(async (args: readonly string[], options: Options) => {
      checkArguments(command, args.length, 2, 2);
      const [directory = "", name = ""] = args;
      const { repackDirectory } = await import("../runtime/repack.ts");
      const image = await repackDirectory(await context.store(), directory, {
        name,
        changes: options.change,
        createdBy: "strata repack",
        ...(options.author === undefined ? {} : { author: options.author }),
        ...(options.message === undefined ? {} : { message: options.message }),
      });
      await context.print(image.id);
    });
}
