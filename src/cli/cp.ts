/**
 * `strata cp`: files between a container and the host.
 */
import type { Command } from "commander";
import type { ByteStream } from "../platform/types.ts";
import { PosixError } from "../posix/errno.ts";
import type { Container } from "../runtime/container.ts";
import { StoreError } from "../store/errors.ts";
import { ArchiveError } from "../tar/entry.ts";
import type { Context } from "./context.ts";
import { daemonError, Failure, isNoSuchContainer, messageOf, refused } from "./failure.ts";
import { checkArguments } from "./help.ts";

interface Options {
  readonly archive?: true;
  readonly followLink?: true;
}

const HELP = `
A directory is copied with all that it holds; 'dir/.' is what it holds. '-' is a tar archive, read from
standard input or written to standard output. Containers need not run, and paths in them begin at '/'.

Examples:
  strata cp work:/etc/passwd .
  strata cp ./src/. work:/src
  strata cp work:/var/log - | tar -t
`;

interface Side {
  /** Undefined on the host. */
  readonly container: string | undefined;
  readonly path: string;
}

/** `CONTAINER:PATH`, or a path of the host: one with a colon is written with `./` in front. */
function parseSide(text: string): Side {
  const colon = text.indexOf(":");
  if (colon < 1 || text.startsWith("/") || text.startsWith(".")) return { container: undefined, path: text };
  return { container: text.slice(0, colon), path: text.slice(colon + 1) };
}

/** @throws Failure in Docker's words, which are the same for a container and a path that are not there */
async function find(context: Context, name: string, path: string): Promise<Container> {
  const store = await context.store();
  return await store.containers.get(name).catch((error: unknown) => {
    throw isNoSuchContainer(error) ? noSuchPath(name, path) : refused(messageOf(error));
  });
}

function noSuchPath(name: string, path: string): Failure {
  return new Failure(`Error: No such container:path: ${name}:${path}`);
}

/** Does the copying, and tells in Docker's words what is not there. */
async function copying(name: string, path: string, work: Promise<void>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (error instanceof PosixError && (error.code === "ENOENT" || error.code === "ENOTDIR")) {
      throw noSuchPath(name, path);
    }
    if (error instanceof ArchiveError) throw refused(error.message);
    const { code, syscall, path: at } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" && syscall !== undefined)
      throw new Failure(`lstat ${at}: no such file or directory`);
    if (
      error instanceof StoreError &&
      error.code === "invalid" &&
      !/^(cannot overwrite|container)/.test(error.message)
    ) {
      // What Docker's client finds out by itself.
      throw new Failure(error.message.replace(JSON.stringify(path), JSON.stringify(`${name}:${path}`)));
    }
    await daemonError(Promise.reject(error));
  }
}

async function toStdout(context: Context, bytes: ByteStream): Promise<void> {
  for await (const chunk of bytes) await context.write(chunk);
}

async function copy(context: Context, from: Side, to: Side, options: Options): Promise<void> {
  const settings = { archive: options.archive ?? false, followLink: options.followLink ?? false };
  if (from.container !== undefined && to.container !== undefined) {
    throw new Failure("copying between containers is not supported");
  }
  if (from.container !== undefined) {
    const container = await find(context, from.container, from.path);
    const work =
      to.path === "-"
        ? toStdout(context, container.archive(from.path, settings))
        : container.copyOut(from.path, to.path, settings);
    return await copying(from.container, from.path, work);
  }
  if (to.container === undefined) throw new Failure("must specify at least one container source");
  const container = await find(context, to.container, to.path);
  const work =
    from.path === "-"
      ? container.unpack(context.input, to.path)
      : container.copyIn(from.path, to.path, settings);
  await copying(to.container, to.path, work);
}

export function define(command: Command, context: Context): void {
  command
    .usage(
      "[OPTIONS] CONTAINER:SRC_PATH DEST_PATH|-\n        strata cp [OPTIONS] SRC_PATH|- CONTAINER:DEST_PATH",
    )
    .option("-a, --archive", "Keep owners")
    .option("-L, --follow-link", "Follow a symbolic link in SRC_PATH itself")
    .option("-q, --quiet", "Accepted for Docker's sake: nothing is said of a copy that succeeds")
    .argument("[args...]")
    .addHelpText("after", HELP)
    .action(async (args: readonly string[], options: Options) => {
      checkArguments(command, args.length, 2, 2);
      const [from = "", to = ""] = args;
      if (from === "") throw new Failure("source can not be empty");
      if (to === "") throw new Failure("destination can not be empty");
      await copy(context, parseSide(from), parseSide(to), options);
    });
}
