/**
 * `strata cat`: the bytes of files in an image.
 */
import type { Command } from "commander";
import { kindOf } from "../posix/mode.ts";
import type { Mount } from "../union/mount.ts";
import { O_RDONLY } from "../union/types.ts";
import type { Context } from "./context.ts";
import { checkArguments } from "./help.ts";
import { absolute, mountImage, reason } from "./image-files.ts";

const CHUNK = 256 * 1024;

const HELP = `
Symbolic links are followed inside the image.

Example:
  strata cat debian:12 /etc/os-release
`;

async function copyFile(mount: Mount, path: string, context: Context): Promise<void> {
  const fd = mount.open(path, O_RDONLY);
  try {
    for (let position = 0; ; ) {
      // A chunk of its own each time: the stream may still hold the last one.
      const chunk = new Uint8Array(CHUNK);
      const count = mount.read(fd, chunk, 0, chunk.length, position);
      if (count === 0) return;
      await context.write(chunk.subarray(0, count));
      position += count;
    }
  } finally {
    mount.close(fd);
  }
}

export function define(command: Command, context: Context): void {
  command
    .usage("[OPTIONS] IMAGE PATH [PATH...]")
    .argument("[args...]")
    .addHelpText("after", HELP)
    .action(async (args: readonly string[]) => {
      checkArguments(command, args.length, 2);
      const mount = await mountImage(context, args[0]!);
      for (const path of args.slice(1)) {
        try {
          const kind = kindOf(mount.stat(absolute(path)).mode);
          if (kind === "file" || kind === "directory") await copyFile(mount, absolute(path), context);
          else throw new Error(`Not a regular file but a ${kind}`);
        } catch (error) {
          context.complain(`cat: ${path}: ${reason(error)}`);
          context.exitCode = 1;
        }
      }
    });
}
