/**
 * A file that a command makes: whole, or not at all.
 */
import { createWriteStream } from "node:fs";
import { realpath, rename, rm, stat } from "node:fs/promises";
import { resolve } from "node:path";
import { pipeline } from "node:stream/promises";
import type { ByteStream } from "../platform/types.ts";
import type { Context } from "./context.ts";
import { createProgress } from "./progress.ts";

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
export async function writeOutputFile(path: string, bytes: ByteStream): Promise<void> {
  const found = await existing(path);
  if (found?.isFile === false) return await pipeline(bytes, createWriteStream(path));
  const target = found?.target ?? resolve(path);
  const temporary = `${target}.${process.pid}.tmp`;
  try {
    await pipeline(bytes, createWriteStream(temporary, { flags: "wx", flush: true }));
    await rename(temporary, target);
  } catch (error) {
    await rm(temporary, { force: true });
    // The user knows the file by its own name.
    if (error instanceof Error && "path" in error && error.path === temporary) error.path = target;
    throw error;
  }
}

/** Writes a command's result where it was asked for, a file or standard output, with progress on a terminal. */
export async function writeOutput(
  context: Context,
  path: string | undefined,
  what: string,
  bytes: ByteStream,
): Promise<void> {
  const progress = createProgress(context.terminal.stderr);
  const counted = progress.counted(progress.task(what), bytes);
  try {
    if (path !== undefined) return await writeOutputFile(path, counted);
    for await (const chunk of counted) await context.write(chunk);
  } finally {
    await progress.stop();
  }
}
