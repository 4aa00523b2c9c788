/**
 * `strata unpack`: an image's files in a directory.
 */
import type { Command } from "commander";
import type { Context } from "./context.ts";
import { checkArguments } from "./help.ts";
import { findImage } from "./image-files.ts";

const HELP = `
DIRECTORY must be empty or missing. Root gets owners, modes, devices and extended attributes as they are in
the image (the latter by setfattr, Debian: attr). Anyone else gets files of his own that he can read; who
owns them in the image stays recorded there, and an empty file stands for a device.
DIRECTORY.unpacked.json, beside it, tells 'strata repack' what it came from.

Example:
  strata unpack debian:12 ./rootfs
`;

export function define(command: Command, context: Context): void {
  command
    .usage("IMAGE DIRECTORY")
    .argument("[args...]")
    .addHelpText("after", HELP)
    .action(async (args: readonly string[]) => {
      checkArguments(command, args.length, 2, 2);
      const image = await findImage(context, args[0]!);
      const { unpackImage } = await import("../runtime/unpack.ts");
      const withoutXattrs = await unpackImage(image, args[1]!);
      if (withoutXattrs !== undefined) context.complain(`WARNING: ${withoutXattrs}`);
    });
}
