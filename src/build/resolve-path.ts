/**
 * Where a path leads in a mount once its symbolic links are followed, none of them above the root; what does
 * not exist is taken literally. This is how a build finds the destination of a copy (containerd's
 * `fs.RootPath`).
 */
import { errno, PosixError } from "../posix/errno.ts";
import type { Kind } from "../posix/mode.ts";
import { joinPath, parentPath, splitPath } from "../posix/path.ts";
import { placeOf } from "../union/attribute-calls.ts";
import type { Mount } from "../union/mount.ts";

/** Containerd's limit; the kernel's 40 would refuse what an image may hold. */
const MAX_LINKS = 255;

/**
 * What is at a path, links not followed; undefined where nothing is. A miss costs no exception.
 * @throws PosixError for what is neither there nor missing: EACCES, ELOOP, ENAMETOOLONG
 */
export function kindAt(mount: Mount, path: string): Kind | undefined {
  const place = placeOf(mount.context, path, "nofollow", true);
  if (typeof place !== "number") return place.attachment.filesystem.kind(place.id);
  if (place === -errno.ENOENT || place === -errno.ENOTDIR) return undefined;
  mount.lstat(path);
  return undefined;
}

/**
 * @param path absolute, or relative to `/`
 * @returns absolute and clean, with no link in the part of it that exists
 * @throws PosixError ELOOP for links that lead in a circle
 */
export function resolveIn(mount: Mount, path: string): string {
  let pending = splitPath(path);
  let resolved = "/";
  let links = 0;
  while (pending.length > 0) {
    const [name, ...rest] = pending;
    pending = rest;
    if (name === "..") {
      resolved = parentPath(resolved);
      continue;
    }
    const next = joinPath(resolved, name!);
    if (kindAt(mount, next) !== "symlink") {
      resolved = next;
      continue;
    }
    links += 1;
    if (links > MAX_LINKS) throw new PosixError("ELOOP", { syscall: "copy", path });
    const target = mount.readlink(next);
    if (target.startsWith("/")) resolved = "/";
    pending = [...splitPath(target), ...pending];
  }
  return resolved;
}
