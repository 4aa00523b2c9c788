/**
 * The functions of `node:fs` that make, move and remove names.
 */
import { platform } from "#platform";
import { errno } from "../../posix/errno.ts";
import { splitPath } from "../../posix/path.ts";
import * as attributes from "../../union/attribute-calls.ts";
import type { Mount } from "../../union/mount.ts";
import * as calls from "../../union/name-calls.ts";
import * as take from "./arguments.ts";
import { invalidType, invalidValue, succeed, systemError } from "./errors.ts";
import { nativeRealpath, realpath } from "./realpath.ts";
import { removeSync, removeTree, requireDirectory, rmdirOptions, rmOptions } from "./remove.ts";

/** What mkdtemp(3) makes the last six characters of. */
const ALPHABET = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

function isDirectory(mount: Mount, path: string): boolean {
  const place = attributes.placeOf(mount.context, path, "follow", true);
  return typeof place !== "number" && place.attachment.filesystem.kind(place.id) === "directory";
}

/**
 * Makes a directory and those above it. @returns the first one made, or undefined where all were there
 */
function mkdirAll(mount: Mount, path: string, mode: number): string | undefined {
  const parts = splitPath(path);
  const prefix = path.startsWith("/") ? "/" : "";
  const ancestor = (depth: number) => prefix + parts.slice(0, depth).join("/");
  let missing = parts.length;
  for (; missing > 0; missing--) {
    const made = calls.mkdir(mount.context, ancestor(missing), mode);
    if (made === 0) break;
    if (made === -errno.ENOENT && missing > 1) continue;
    if (missing < parts.length && made === -errno.EEXIST && isDirectory(mount, ancestor(missing))) break;
    if (made === -errno.EEXIST && isDirectory(mount, path)) return undefined;
    if (made === -errno.EEXIST && missing < parts.length) {
      // A link that leads nowhere is where a directory would have to be.
      const leads = attributes.placeOf(mount.context, ancestor(missing), "follow", true);
      throw systemError(typeof leads === "number" ? leads : -errno.ENOTDIR, "mkdir", path);
    }
    throw systemError(made, "mkdir", path);
  }
  if (missing === 0) return undefined;
  for (let depth = missing + 1; depth <= parts.length; depth++) {
    succeed(calls.mkdir(mount.context, ancestor(depth), mode), "mkdir", path);
  }
  return ancestor(missing);
}

export function nameFunctions(mount: Mount) {
  return {
    mkdirSync(path: unknown, options?: unknown): string | undefined {
      const isMode = typeof options === "number" || typeof options === "string";
      const given = (isMode ? { mode: options } : (options ?? {})) as take.Options;
      const name = take.path(path);
      const recursive = take.optionalBoolean(given, "recursive", false);
      const mode = take.mode(given.mode, isMode ? "mode" : "options.mode", 0o777);
      if (recursive) {
        const first = mkdirAll(mount, name, mode);
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
      if (type !== undefined && type !== null && !["dir", "file", "junction"].includes(type as string)) {
        const reason = "must be one of 'dir', 'file', 'junction', or undefined";
        throw typeof type === "string"
          ? invalidValue("type", type, reason)
          : invalidType("type", "one of type string or undefined", type);
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
      removeSync(mount, take.path(path), rmOptions(options));
    },

    readlinkSync(path: unknown, options?: unknown) {
      const { encoding } = take.encodingOptions(options);
      const name = take.path(path);
      const place = attributes.placeOf(mount.context, name, "nofollow", true);
      if (typeof place === "number") throw systemError(place, "readlink", name);
      const { filesystem } = place.attachment;
      if (filesystem.kind(place.id) !== "symlink") throw systemError(-errno.EINVAL, "readlink", name);
      return take.encodeName(filesystem.readlink(place.id), encoding);
    },

    realpathSync: Object.assign(
      function realpathSync(path: unknown, options?: unknown) {
        const { encoding } = take.encodingOptions(options);
        return take.encodeName(realpath(mount, take.path(path)), encoding);
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
