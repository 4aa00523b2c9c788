/**
 * `fs.copyFile` as libuv does it (`uv__fs_copyfile`): the target gets the source's bytes and mode.
 * Within one filesystem no data moves: the copy shares what it copies. Unlike libuv's, a copy that
 * cannot be made leaves the target as it was.
 */
import { errno } from "../../posix/errno.ts";
import { PERMISSION_BITS } from "../../posix/mode.ts";
import * as attributes from "../../union/attribute-calls.ts";
import * as data from "../../union/data-calls.ts";
import type { Mount } from "../../union/mount.ts";
import * as names from "../../union/name-calls.ts";
import { close, open } from "../../union/open.ts";
import { O_CREAT, O_EXCL, O_RDONLY, O_WRONLY } from "../../union/types.ts";
import type { Place } from "../../union/walk.ts";
import { COPYFILE_EXCL, COPYFILE_FICLONE_FORCE } from "./constants.ts";

const CHUNK = 1024 * 1024;

/** @returns 0 or a negated error number */
export function copyFile(mount: Mount, from: string, to: string, flags: number): number {
  const { context } = mount;
  const source = open(context, from, O_RDONLY, 0);
  if (source < 0) return source;
  try {
    const place = attributes.placeOf(context, source, "follow");
    if (typeof place === "number") return place;
    const { filesystem } = place.attachment;
    const { mode } = filesystem.access(place.id);
    return copyOpen(mount, source, place, to, mode & PERMISSION_BITS, flags);
  } finally {
    close(context, source);
  }
}

function copyOpen(
  mount: Mount,
  source: number,
  from: Place,
  to: string,
  mode: number,
  flags: number,
): number {
  const { context } = mount;
  const existed = mount.exists(to);
  const exclusive = (flags & COPYFILE_EXCL) !== 0 ? O_EXCL : 0;
  const target = open(context, to, O_WRONLY | O_CREAT | exclusive, mode);
  if (target < 0) return target;
  try {
    const place = attributes.placeOf(context, target, "follow");
    if (typeof place === "number") return place;
    // What cannot be read is found after what cannot be written.
    if (from.attachment.filesystem.kind(from.id) === "directory") {
      if (!existed) names.unlink(context, to);
      return -errno.EISDIR;
    }
    const sameFilesystem = place.attachment.filesystem === from.attachment.filesystem;
    if (sameFilesystem && place.id === from.id) return 0;
    const done =
      !sameFilesystem && (flags & COPYFILE_FICLONE_FORCE) !== 0
        ? -errno.EOPNOTSUPP
        : copyBytes(mount, source, target, from.attachment.filesystem.size(from.id), sameFilesystem, mode);
    if (done < 0 && !existed) names.unlink(context, to);
    return done;
  } finally {
    close(context, target);
  }
}

function copyBytes(
  { context }: Mount,
  source: number,
  target: number,
  size: number,
  share: boolean,
  mode: number,
): number {
  const cut = data.ftruncate(context, target, 0);
  if (cut < 0) return cut;
  const changed = attributes.chmod(context, target, mode, "follow");
  if (changed < 0) return changed;
  const chunk = share ? undefined : new Uint8Array(Math.min(size, CHUNK));
  for (let at = 0; at < size; ) {
    const count =
      chunk === undefined
        ? data.copyRange(context, source, at, target, at, size - at)
        : data.read(context, source, chunk, 0, chunk.length, at);
    if (count <= 0) return count;
    if (chunk !== undefined) {
      const written = data.write(context, target, chunk, 0, count, at);
      if (written < 0) return written;
    }
    at += count;
  }
  return 0;
}
