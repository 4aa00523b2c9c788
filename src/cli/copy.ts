/**
 * `strata copy`: an image from one place to another, byte for byte.
 */
import type { Command } from "commander";
import type { Context } from "./context.ts";
import { isNoSuchImage, refused } from "./failure.ts";
import { checkArguments } from "./help.ts";
import { writeOutputFile } from "./output-file.ts";
import {
  addRegistryFlags,
  platformFlag,
  type RegistryFlags,
  registryFailure,
  registryOptions,
} from "./registry-options.ts";
import { transferProgress } from "./transfer-progress.ts";

interface Options extends RegistryFlags {
  readonly platform?: string;
  readonly quiet?: true;
}

const HELP = `
SOURCE and DESTINATION are written as skopeo writes them: docker://HOST/NAME[:TAG|@DIGEST],
oci:DIR[:NAME], oci-archive:FILE[:NAME], docker-archive:FILE[:NAME:TAG], or [store:]NAME.
An index is copied whole unless --platform is given. Every digest stays.

Examples:
  strata copy docker://debian:12 oci:debian:12
  strata copy docker://localhost:5000/me/app:1 docker://registry.example.com/me/app:1
  strata copy me/app:1 docker-archive:app.tar:me/app:1
`;

export function define(command: Command, context: Context): void {
  command
    .usage("[OPTIONS] SOURCE DESTINATION")
    .option("--platform <platform>", "Copy only the image of this platform: os/arch[/variant]")
    .option("-q, --quiet", "Do not say what is copied")
    .argument("[args...]")
    .addHelpText("after", HELP)
    .action(async (args: readonly string[], options: Options) => {
      checkArguments(command, args.length, 2, 2);
      const platform = platformFlag(options.platform);
      const { copyImage, parsePlace } = await import("../runtime/copy.ts");
      const progress = transferProgress(context);
      const settings = registryOptions(context, options);
      try {
        const { digest } = await copyImage(
          parsePlace(args[0]!),
          parsePlace(args[1]!),
          () => context.store(),
          {
            source: settings,
            destination: settings,
            writeFile: writeOutputFile,
            ...(platform === undefined ? {} : { platform }),
            ...(options.quiet ? {} : { observe: progress.observe }),
          },
        );
        await progress.end();
        if (!options.quiet) await context.print(`Digest: ${digest}`);
      } catch (error) {
        await progress.end();
        throw isNoSuchImage(error) ? refused((error as Error).message) : registryFailure(error);
      }
    });
  addRegistryFlags(command);
}
