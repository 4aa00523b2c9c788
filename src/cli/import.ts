/**
 * `strata import`: an image of an archive of files.
 */
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import type { Command } from "commander";
import { OciError } from "../oci/errors.ts";
import type { ByteStream } from "../platform/types.ts";
import { ArchiveError } from "../tar/entry.ts";
import { collect } from "./collect.ts";
import type { Context } from "./context.ts";
import { daemonError, Failure, refused } from "./failure.ts";
import { checkArguments } from "./help.ts";
import { createProgress } from "./progress.ts";
import { platformFlag } from "./registry-options.ts";

interface Options {
  readonly change: readonly string[];
  readonly message?: string;
  readonly platform?: string;
}

const HELP = `
The archive becomes the image's only layer; it may be compressed with gzip or zstd.

Examples:
  strata export work | strata import - me/work:1
  strata import -c 'CMD ["/bin/sh"]' rootfs.tar.gz me/root
`;

async function fetched(url: string): Promise<ByteStream> {
  const response = await fetch(url).catch((error: unknown) => {
    const { cause, message } = error as Error;
    throw refused(`${url}: ${cause instanceof Error ? cause.message : message}`);
  });
  if (!response.ok || response.body === null) {
    throw refused(`Invalid response code from ${url}: ${response.status} ${response.statusText}`);
  }
  return response.body;
}

/** The bytes of a source: standard input, a URL, or a file. */
async function open(context: Context, source: string): Promise<ByteStream> {
  if (source === "-") return context.input;
  const file = await stat(source).catch(() => undefined);
  if (file === undefined && /^https?:\/\//.test(source)) return await fetched(source);
  if (file === undefined) throw new Failure(`open ${source}: no such file or directory`);
  if (file.isDirectory()) throw new Failure(`read ${source}: is a directory`);
  return createReadStream(source, { highWaterMark: 256 * 1024 }) as ByteStream;
}

export function define(command: Command, context: Context): void {
  command
    .usage("[OPTIONS] file|URL|- [REPOSITORY[:TAG]]")
    .option("-c, --change <list>", "Apply a Dockerfile instruction to the image's config", collect, [])
    .option("-m, --message <string>", "Comment in the image's history")
    .option("--platform <string>", "What the image is for: os/arch[/variant]")
    .argument("[args...]")
    .addHelpText("after", HELP)
    .action(async (args: readonly string[], options: Options) => {
      checkArguments(command, args.length, 1, 2);
      const [source = "", name] = args;
      const platform = platformFlag(options.platform);
      const progress = createProgress(context.terminal.stderr);
      try {
        const store = await context.store();
        const bytes = progress.counted(progress.task("Importing"), await open(context, source));
        const image = await daemonError(
          store.importArchive(bytes, {
            changes: options.change,
            message: options.message ?? `Imported from ${source}`,
            ...(name === undefined ? {} : { name }),
            ...(platform === undefined ? {} : { platform }),
          }),
        );
        await context.print(image.id);
      } catch (error) {
        if (error instanceof ArchiveError) throw refused(error.message);
        throw error instanceof OciError ? new Failure(error.message) : error;
      } finally {
        await progress.stop();
      }
    });
}
