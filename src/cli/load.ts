/**
 * `strata load`: images from an archive or an OCI layout directory into the store.
 */
import type { Command } from "commander";
import { OciError } from "../oci/errors.ts";
import type { Image } from "../runtime/image.ts";
import type { Context } from "./context.ts";
import { Failure, messageOf, refused } from "./failure.ts";
import { checkArguments } from "./help.ts";
import { createProgress } from "./progress.ts";

interface Options {
  readonly input?: string;
  readonly tag?: string;
  readonly quiet?: true;
}

const HELP = `
PATH is an archive as docker save, podman save or skopeo make it, compressed or not,
or a directory that holds an OCI image layout. It is recognised by its content.

Examples:
  strata load -i busybox.tar
  strata load -i ./layout -t busybox:1.36
  docker save busybox | strata load
`;

function announce(image: Image): readonly string[] {
  if (image.tags.length === 0) return [`Loaded image ID: ${image.id}`];
  return image.tags.map((tag) => `Loaded image: ${tag}`);
}

export function define(command: Command, context: Context): void {
  command
    .option("-i, --input <path>", "Read from an archive or a directory, instead of standard input")
    .option("-q, --quiet", "Do not say what was loaded")
    .option("-t, --tag <name>", "Name the loaded image: NAME[:TAG]")
    .argument("[args...]")
    .addHelpText("after", HELP)
    .action(async (args: readonly string[], options: Options) => {
      checkArguments(command, args.length, 0, 0);
      const store = await context.store();
      const { stdin } = context.terminal;
      if (options.input === undefined && stdin.isTTY) {
        throw new Failure("requested load from stdin, but stdin is empty");
      }
      const progress = createProgress(context.terminal.stderr);
      const task = progress.task("Loading");
      const input =
        options.input === undefined || options.input === "-"
          ? progress.counted(task, context.input)
          : options.input;
      try {
        const images = await store.load(input, options.tag === undefined ? {} : { name: options.tag });
        await progress.stop();
        if (options.quiet) return;
        for (const line of images.flatMap(announce)) await context.print(line);
      } catch (error) {
        if (error instanceof OciError && error.code === "reference") {
          throw new Failure(`invalid argument "${options.tag}" for "-t, --tag" flag: ${error.message}`, 125);
        }
        const { code, syscall, path } = error as NodeJS.ErrnoException;
        if (code === "ENOENT" && path !== undefined && path === options.input) {
          throw new Failure(`open ${path}: no such file or directory`);
        }
        throw syscall === undefined ? refused(messageOf(error)) : error;
      } finally {
        await progress.stop();
      }
    });
}
