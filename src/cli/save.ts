/**
 * `strata save`: images to an archive that Docker, podman and skopeo load.
 */
import { createWriteStream } from "node:fs";
import { realpath, rename, rm, stat } from "node:fs/promises";
import { resolve } from "node:path";
import { pipeline } from "node:stream/promises";
import type { Command } from "commander";
import type { ByteStream } from "../platform/types.ts";
import { withShownTag } from "../store/resolve.ts";
import type { Context } from "./context.ts";
import { Failure, isNoSuchImage, refused } from "./failure.ts";
import { checkArguments } from "./help.ts";

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

/** What a path leads to: undefined where that is nothing yet. */
async function existing(path: string) {
  try {
    const target = await realpath(path);
    return { target, isFile: (await stat(target)).isFile() };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/**
 * Writes beside the target and renames, so that a file there is whole or the one it was. What is there
 * and is no file, such as /dev/null, is written into.
 */
async function writeFile(path: string, bytes: ByteStream): Promise<void> {
  const found = await existing(path);
  if (found?.isFile === false) return await pipeline(bytes, createWriteStream(path));
  const target = found?.target ?? resolve(path);
  const temporary = `${target}.${process.pid}.tmp`;
  try {
    await pipeline(bytes, createWriteStream(temporary, { flags: "wx", flush: true }));
    await rename(temporary, target);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

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
      const bytes = await store.save(images);
      if (options.output !== undefined) return await writeFile(options.output, bytes);
      for await (const chunk of bytes) await context.write(chunk);
    });
}
