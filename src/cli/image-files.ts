/**
 * What the commands that look into an image share: its mount, the words for what goes wrong in it, and
 * names on their way to the output.
 */
import { PosixError } from "../posix/errno.ts";
import { nameToBytes } from "../posix/names.ts";
import type { Image } from "../runtime/image.ts";
import { createMount, type Mount } from "../union/mount.ts";
import type { Context } from "./context.ts";
import { Failure, isNoSuchImage, messageOf } from "./failure.ts";

const WORDS: ReadonlyMap<string, string> = new Map([
  ["ENOENT", "No such file or directory"],
  ["ENOTDIR", "Not a directory"],
  ["EISDIR", "Is a directory"],
  ["ELOOP", "Too many levels of symbolic links"],
  ["EACCES", "Permission denied"],
  ["ENAMETOOLONG", "File name too long"],
  ["EINVAL", "Invalid argument"],
  ["EIO", "Input/output error"],
]);

/** An error in an image's files as coreutils word it. */
export function reason(error: unknown): string {
  if (error instanceof PosixError) return WORDS.get(error.code) ?? error.message;
  return messageOf(error);
}

/**
 * An image by the name a user gave.
 * @throws Failure in the words of `inspect` where there is none
 */
export async function findImage(context: Context, name: string): Promise<Image> {
  const store = await context.store();
  return await store.image(name).catch((error: unknown) => {
    throw isNoSuchImage(error) ? new Failure(`Error: No such image: ${name}`) : error;
  });
}

/** An image's files, read-only. They stay where they are until the store is closed. */
export async function mountImage(context: Context, name: string): Promise<Mount> {
  return mountOf(await findImage(context, name));
}

/** The same of an image that was found. */
export async function mountOf(image: Image): Promise<Mount> {
  return createMount((await image.pin()).tree, { readOnly: true });
}

/** A path that a user gave, from the image's root. */
export function absolute(path: string): string {
  return path.startsWith("/") ? path : `/${path}`;
}

/** A name as its bytes; on a terminal without what would steer it. */
export function shownName(name: string, terminal: boolean): Uint8Array {
  return nameToBytes(terminal ? name.replace(/[\u0000-\u001f\u007f\u0080-\u009f]/g, "?") : name);
}
