/**
 * `strata mtree`: an image's merged tree as a BSD mtree manifest (mtree(5)).
 */
import type { Command } from "commander";
import type { Context } from "./context.ts";
import { checkArguments } from "./help.ts";
import { mountImage } from "./image-files.ts";
import { manifestLines } from "./mtree-manifest.ts";

const HELP = `
Every file is a line: type, mode, owner, size, time with nanoseconds, link target, device
numbers, SHA-256 of the content, extended attributes in base64. Comments at the end tell
which names are hard links to one file. bsdtar, gomtree and the mtree command read it.

Examples:
  strata mtree busybox > before.mtree
  strata mtree busybox | grep 'mode=04'
`;

/** Lines are gathered to this size before they are written. */
const BATCH = 64 * 1024;

export function define(command: Command, context: Context): void {
  command
    .usage("[OPTIONS] IMAGE")
    .argument("[args...]")
    .addHelpText("after", HELP)
    .action(async (args: readonly string[]) => {
      checkArguments(command, args.length, 1, 1);
      const mount = await mountImage(context, args[0]!);
      let batch = "";
      for (const line of manifestLines(mount)) {
        batch += `${line}\n`;
        if (batch.length < BATCH) continue;
        await context.write(batch);
        batch = "";
      }
      await context.write(batch);
    });
}
