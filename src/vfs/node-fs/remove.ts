/**
 * `fs.rm`, and the removal of a whole tree that it stands on. Entries are removed by their own names,
 * whatever bytes they hold, and each directory after what is in it.
 */
import { errno } from "../../posix/errno.ts";
import { joinPath } from "../../posix/path.ts";
import { placeOf } from "../../union/attribute-calls.ts";
import { listDirectory } from "../../union/data-calls.ts";
import type { DirectoryEntry } from "../../union/filesystem.ts";
import type { Mount } from "../../union/mount.ts";
import * as calls from "../../union/name-calls.ts";
import { permit } from "../../union/permission.ts";
import { R_OK } from "../../union/types.ts";
import * as take from "./arguments.ts";
import { refusal, systemError } from "./errors.ts";

interface RmOptions {
  readonly force: boolean;
  readonly recursive: boolean;
}

export function rmOptions(value: unknown): RmOptions {
  const options = take.objectOptions(value);
  const force = take.optionalBoolean(options, "force", false);
  return { force, ...rmdirOptions(options) };
}

/** Nothing here is busy for a moment only, so retries are checked and not made. */
export function rmdirOptions(value: unknown): { readonly recursive: boolean } {
  const options = take.objectOptions(value);
  const recursive = take.optionalBoolean(options, "recursive", false);
  const { retryDelay, maxRetries } = options;
  if (retryDelay !== undefined) take.integer(retryDelay, "options.retryDelay", 0, 2 ** 31 - 1);
  if (maxRetries !== undefined) take.integer(maxRetries, "options.maxRetries", 0, 2 ** 32 - 1);
  return { recursive };
}

/** The entries of a directory, or a negated error number: what `scandir` does for Node. */
export function scan(mount: Mount, path: string): DirectoryEntry[] | number {
  const place = placeOf(mount.context, path, "follow");
  if (typeof place === "number") return place;
  const { filesystem } = place.attachment;
  if (filesystem.kind(place.id) !== "directory") return -errno.ENOTDIR;
  const refused = permit(mount.caller, filesystem.access(place.id), R_OK);
  return refused < 0 ? refused : listDirectory(place);
}

/** For `rmdir` with `recursive`, which is for directories only. */
export function requireDirectory(mount: Mount, path: string): void {
  const place = placeOf(mount.context, path, "nofollow", true);
  if (typeof place === "number") throw systemError(place, "lstat", path);
  if (place.attachment.filesystem.kind(place.id) !== "directory")
    throw systemError(-errno.ENOTDIR, "rmdir", path);
}

/** `fs.rm`; all forms look at the path before they do anything, the synchronous one only for what it must know. */
export function remove(
  mount: Mount,
  path: string,
  { force, recursive }: RmOptions,
  form: "sync" | "async",
): void {
  const place = placeOf(mount.context, path, "nofollow", true);
  const isDirectory = typeof place === "object" && place.attachment.filesystem.kind(place.id) === "directory";
  if (typeof place === "number") {
    if (force && place === -errno.ENOENT) return;
    // Here Node goes on, and tells what removing says.
    if (!force || !recursive || form === "async") throw systemError(place, "lstat", path);
  } else if (!recursive && isDirectory) {
    throw refusal({
      code: "ERR_FS_EISDIR",
      title: "Path is a directory",
      errno: "EISDIR",
      message: "is a directory",
      path,
      syscall: "rm",
    });
  }
  if (isDirectory) removeDirectory(mount, path);
  else removeTree(mount, path);
}

/** Removes a path and all beneath it; what is gone already is no error. */
export function removeTree(mount: Mount, path: string): void {
  const unlinked = calls.unlink(mount.context, path);
  if (unlinked === 0 || unlinked === -errno.ENOENT) return;
  if (unlinked !== -errno.EISDIR) throw systemError(unlinked, "unlink", path);
  removeDirectory(mount, path);
}

function removeDirectory(mount: Mount, path: string): void {
  const removed = calls.rmdir(mount.context, path);
  if (removed === 0 || removed === -errno.ENOENT) return;
  if (removed !== -errno.ENOTEMPTY) throw systemError(removed, "rmdir", path);
  const entries = scan(mount, path);
  if (typeof entries === "number") throw systemError(entries, "scandir", path);
  for (const { name } of entries) removeTree(mount, joinPath(path, name));
  const emptied = calls.rmdir(mount.context, path);
  if (emptied < 0 && emptied !== -errno.ENOENT) throw systemError(emptied, "rmdir", path);
}
