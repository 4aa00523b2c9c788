/**
 * `strata save`: images to an archive that Docker, podman and skopeo load.
 */
import type { Command } from "commander";
import { withShownTag } from "../store/resolve.ts";
import type { Context } from "./context.ts";
import { Failure, isNoSuchImage, refused } from "./failure.ts";
import { checkArguments } from "./help.ts";
import { writeOutput } from "./output-file.ts";

interface Options {
  readonly output?: string;
}

const HELP = `
The archive is a docker-archive and an OCI image layout in one. Layers are written as they
are stored, so every digest stays, and the same images give the same bytes.

Examples:
  strata save -o busybox.tar busybox
  strata save busybox | docker load
`;

export function define(command: Command, context: Context): void {
  command
    .usage("[OPTIONS] IMAGE [IMAGE...]")
    .option("-o, --output <file>", "Write to a file, instead of standard output")
    .argument("[images...]")
    .addHelpText("after", HELP)
    .action(async (images: readonly string[], options: Options) => {
      checkArguments(command, images.length, 1);
      if (options.output === undefined && context.terminal.stdout.isTTY) {
        throw new Failure("cowardly refusing to save to a terminal. Use the -o flag or redirect");
      }
      const store = await context.store();
      const missing = (name: string) => refused(`No such image: ${withShownTag(name)}`);
      for (const name of images) {
        await store.image(name).catch((error: unknown) => {
          throw isNoSuchImage(error) ? missing(name) : error;
        });
      }
      await writeOutput(context, options.output, "Saving", await store.save(images));
    });
}
