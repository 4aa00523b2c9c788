/**
 * The functions of `node:fs` that make, move and remove names.
 */
import { platform } from "#platform";
import { errno } from "../../posix/errno.ts";
import * as attributes from "../../union/attribute-calls.ts";
import type { Mount } from "../../union/mount.ts";
import * as calls from "../../union/name-calls.ts";
import * as take from "./arguments.ts";
import { argumentError, succeed, systemError } from "./errors.ts";
import { nativeRealpath, realpath } from "./realpath.ts";
import { remove, removeTree, requireDirectory, rmdirOptions, rmOptions } from "./remove.ts";

/** What mkdtemp(3) makes the last six characters of. */
const ALPHABET = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

/** Whether a call is made in an asynchronous form: where Node's forms differ, so do ours. */
export type Form = "sync" | "async";

/**
 * Makes a directory and those above it, from the far end as Node's `MKDirp` does: the text of the path
 * says what is above, and what is there already need only lead to a directory.
 * @returns the first one made, or undefined where all were there
 */
export function mkdirAll(mount: Mount, path: string, mode: number, form: Form): string | undefined {
  let first: string | undefined;
  const wanted = [path];
  for (let next = wanted.pop(); next !== undefined; next = wanted.pop()) {
    const made = calls.mkdir(mount.context, next, mode);
    const slash = next.lastIndexOf("/");
    if (made === 0) {
      first ??= next;
    } else if (made === -errno.ENOENT && slash >= 0) {
      wanted.push(next, next.slice(0, slash));
    } else if (made === -errno.ENOENT || made === -errno.EEXIST) {
      const error = notDirectory(mount, next, wanted.length > 0);
      // In this form a link that leads nowhere is told with its own path.
      if (form === "async" && error === -errno.ENOENT && wanted.length > 0) {
        throw systemError(-errno.ENOTDIR, "mkdir", next);
      }
      succeed(error, "mkdir", path);
    } else {
      throw systemError(made, "mkdir", path);
    }
  }
  return first;
}

/** 0 for what leads to a directory; else why a directory cannot be there, or, if `above`, not beneath it. */
function notDirectory(mount: Mount, path: string, above: boolean): number {
  const place = attributes.placeOf(mount.context, path, "follow", true);
  if (typeof place === "number") return place;
  if (place.attachment.filesystem.kind(place.id) === "directory") return 0;
  return above ? -errno.ENOTDIR : -errno.EEXIST;
}

/** What Node's own walk takes: anything, as text. */
function anyPath(path: unknown): string {
  return take.path(path instanceof URL || typeof path === "string" ? path : String(path));
}

/** The functions as one form has them. */
export function nameFunctions(mount: Mount, form: Form) {
  return {
    mkdirSync(path: unknown, options?: unknown): string | undefined {
      const isMode = typeof options === "number" || typeof options === "string";
      const given = (isMode ? { mode: options } : (options ?? {})) as take.Options;
      const name = take.path(path);
      const recursive = take.optionalBoolean(given, "recursive", false);
      const mode = take.mode(given.mode, "mode", 0o777);
      if (recursive) {
        const first = mkdirAll(mount, name, mode, form);
        return first === undefined ? undefined : (take.encodeName(first, undefined) as string);
      }
      succeed(calls.mkdir(mount.context, name, mode), "mkdir", name);
      return undefined;
    },

    mkdtempSync(prefix: unknown, options?: unknown) {
      const { encoding } = take.encodingOptions(options);
      const start = take.path(prefix, "prefix");
      for (;;) {
        const letters = Array.from(platform.randomBytes(6), (byte) => ALPHABET[byte % ALPHABET.length]);
        const path = start + letters.join("");
        const made = calls.mkdir(mount.context, path, 0o700);
        if (made === -errno.EEXIST) continue;
        succeed(made, "mkdtemp", `${start}XXXXXX`);
        return take.encodeName(path, encoding);
      }
    },

    symlinkSync(target: unknown, path: unknown, type?: unknown): void {
      if (typeof type === "string" && !["dir", "file", "junction"].includes(type)) {
        const message = `Symlink type must be one of "dir", "file", or "junction". Received "${type}"`;
        throw argumentError("ERR_FS_INVALID_SYMLINK_TYPE", message);
      }
      const from = take.path(target, "target");
      const to = take.path(path);
      succeed(calls.symlink(mount.context, from, to), "symlink", from, to);
    },

    linkSync(existing: unknown, path: unknown): void {
      const from = take.path(existing, "existingPath");
      const to = take.path(path, "newPath");
      succeed(calls.link(mount.context, from, to, false), "link", from, to);
    },

    renameSync(from: unknown, to: unknown): void {
      const oldPath = take.path(from, "oldPath");
      const newPath = take.path(to, "newPath");
      succeed(calls.rename(mount.context, oldPath, newPath, 0), "rename", oldPath, newPath);
    },

    unlinkSync(path: unknown): void {
      const name = take.path(path);
      succeed(calls.unlink(mount.context, name), "unlink", name);
    },

    rmdirSync(path: unknown, options?: unknown): void {
      const name = take.path(path);
      if (rmdirOptions(options).recursive) {
        requireDirectory(mount, name);
        removeTree(mount, name);
        return;
      }
      succeed(calls.rmdir(mount.context, name), "rmdir", name);
    },

    rmSync(path: unknown, options?: unknown): void {
      remove(mount, take.path(path), rmOptions(options), form);
    },

    readlinkSync(path: unknown, options?: unknown) {
      const { encoding } = take.encodingOptions(options);
      const name = take.path(path, "oldPath");
      const place = attributes.placeOf(mount.context, name, "nofollow", true);
      if (typeof place === "number") throw systemError(place, "readlink", name);
      const { filesystem } = place.attachment;
      if (filesystem.kind(place.id) !== "symlink") throw systemError(-errno.EINVAL, "readlink", name);
      return take.encodeName(filesystem.readlink(place.id), encoding);
    },

    realpathSync: Object.assign(
      function realpathSync(path: unknown, options?: unknown) {
        const { encoding } = take.encodingOptions(options);
        return take.encodeName(realpath(mount, anyPath(path)), encoding);
      },
      {
        native(path: unknown, options?: unknown) {
          const { encoding } = take.encodingOptions(options);
          return take.encodeName(nativeRealpath(mount, take.path(path)), encoding);
        },
      },
    ),
  };
}
