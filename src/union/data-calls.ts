/**
 * System calls on the bytes of open files, and on directory listings.
 * Each gives a count, a position or 0, or a negated error number.
 */
import { errno } from "../posix/errno.ts";
import { type Context, isReadOnly, openFile } from "./context.ts";
import type { OpenFile } from "./file-table.ts";
import type { DirectoryEntry } from "./filesystem.ts";
import { isReadable, isWritable } from "./open.ts";
import { MAX_FILE_SIZE } from "./page-map.ts";
import { droppedBits, permit } from "./permission.ts";
import {
  FALLOC_FL_KEEP_SIZE,
  FALLOC_FL_PUNCH_HOLE,
  FALLOC_FL_ZERO_RANGE,
  O_APPEND,
  O_PATH,
  SEEK_CUR,
  SEEK_DATA,
  SEEK_END,
  SEEK_HOLE,
  SEEK_SET,
  W_OK,
} from "./types.ts";
import { attachmentAt, type Place, walk } from "./walk.ts";

function kindOf({ place }: OpenFile) {
  return place.attachment.filesystem.kind(place.id);
}

/** The mode bits that go when the caller writes. */
function dropped(context: Context, { attachment, id }: Place): number {
  return droppedBits(context.caller, attachment.filesystem.access(id));
}

/** pread(2), or read(2) where `position` is null. */
export function read(
  context: Context,
  fd: number,
  target: Uint8Array,
  offset: number,
  length: number,
  position: number | null,
): number {
  if (position !== null && position < 0) return -errno.EINVAL;
  const file = openFile(context, fd);
  if (typeof file === "number") return file;
  if (!isReadable(file.flags)) return -errno.EBADF;
  const { filesystem } = file.place.attachment;
  if (kindOf(file) === "directory") return -errno.EISDIR;
  const at = position ?? file.position;
  const count = filesystem.read(file.place.id, target, offset, length, at);
  if (position === null && count > 0) file.position = at + count;
  return count;
}

/** pwrite(2), or write(2) where `position` is null. With O_APPEND the position does not matter, as on Linux. */
export function write(
  context: Context,
  fd: number,
  source: Uint8Array,
  offset: number,
  length: number,
  position: number | null,
): number {
  if (position !== null && position < 0) return -errno.EINVAL;
  const file = openFile(context, fd);
  if (typeof file === "number") return file;
  if (!isWritable(file.flags)) return -errno.EBADF;
  const { filesystem } = file.place.attachment;
  const append = (file.flags & O_APPEND) !== 0;
  const at = append ? filesystem.size(file.place.id) : (position ?? file.position);
  const count = filesystem.write(file.place.id, source, offset, length, at, dropped(context, file.place));
  if (position === null && count > 0) file.position = at + count;
  return count;
}

/** lseek(2) */
export function lseek(context: Context, fd: number, offset: number, whence: number): number {
  const file = openFile(context, fd);
  if (typeof file === "number") return file;
  if ((file.flags & O_PATH) !== 0) return -errno.EBADF;
  const position = seekTarget(file, offset, whence);
  if (position < 0) return position;
  file.position = position;
  if (position === 0) file.listing = undefined;
  return position;
}

function seekTarget(file: OpenFile, offset: number, whence: number): number {
  const { filesystem } = file.place.attachment;
  const { id } = file.place;
  if (whence !== SEEK_SET && whence !== SEEK_CUR && kindOf(file) === "directory") return -errno.EINVAL;
  let position: number;
  switch (whence) {
    case SEEK_SET:
      position = offset;
      break;
    case SEEK_CUR:
      position = file.position + offset;
      break;
    case SEEK_END:
      position = filesystem.size(id) + offset;
      break;
    case SEEK_DATA:
    case SEEK_HOLE: {
      const size = filesystem.size(id);
      if (offset < 0 || offset >= size) return -errno.ENXIO;
      position = filesystem.seek(id, offset, whence === SEEK_DATA ? "data" : "hole");
      return whence === SEEK_DATA && position >= size ? -errno.ENXIO : position;
    }
    default:
      return -errno.EINVAL;
  }
  return position < 0 || position > MAX_FILE_SIZE ? -errno.EINVAL : position;
}

/** ftruncate(2) */
export function ftruncate(context: Context, fd: number, size: number): number {
  if (size < 0) return -errno.EINVAL;
  const file = openFile(context, fd);
  if (typeof file === "number") return file;
  if ((file.flags & O_PATH) !== 0) return -errno.EBADF;
  if (!isWritable(file.flags)) return -errno.EINVAL;
  return file.place.attachment.filesystem.truncate(file.place.id, size, dropped(context, file.place));
}

/** truncate(2) */
export function truncate(context: Context, path: string, size: number): number {
  if (size < 0) return -errno.EINVAL;
  const found = walk(context.view, context.caller, path, "follow");
  if (found.error < 0) return found.error;
  const { filesystem } = found.attachment;
  const kind = filesystem.kind(found.id);
  if (kind === "directory") return -errno.EISDIR;
  if (found.slash) return -errno.ENOTDIR;
  if (kind !== "file") return -errno.EINVAL;
  if (isReadOnly(found.attachment)) return -errno.EROFS;
  const refused = permit(context.caller, filesystem.access(found.id), W_OK);
  if (refused < 0) return refused;
  return filesystem.truncate(found.id, size, dropped(context, found));
}

/** fallocate(2), without collapsing and inserting ranges (tmpfs has neither). */
export function fallocate(
  context: Context,
  fd: number,
  mode: number,
  offset: number,
  length: number,
): number {
  const file = openFile(context, fd);
  if (typeof file === "number") return file;
  if ((file.flags & O_PATH) !== 0) return -errno.EBADF;
  if (offset < 0 || length <= 0) return -errno.EINVAL;
  if ((mode & ~(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE)) !== 0)
    return -errno.EOPNOTSUPP;
  const punch = (mode & FALLOC_FL_PUNCH_HOLE) !== 0;
  const zero = (mode & FALLOC_FL_ZERO_RANGE) !== 0;
  const keepSize = (mode & FALLOC_FL_KEEP_SIZE) !== 0;
  if (punch && (zero || !keepSize)) return -errno.EOPNOTSUPP;
  if (!isWritable(file.flags)) return -errno.EBADF;
  if (kindOf(file) === "directory") return -errno.EISDIR;
  if (offset + length > MAX_FILE_SIZE) return -errno.EFBIG;
  const { filesystem } = file.place.attachment;
  const how = punch ? "punch" : zero ? "zero" : "reserve";
  return filesystem.allocate(
    file.place.id,
    offset,
    offset + length,
    how,
    keepSize,
    dropped(context, file.place),
  );
}

/** copy_file_range(2): shares data where it can. Null positions are the descriptors' own. */
export function copyRange(
  context: Context,
  fromFd: number,
  fromPosition: number | null,
  toFd: number,
  toPosition: number | null,
  length: number,
): number {
  const from = openFile(context, fromFd);
  if (typeof from === "number") return from;
  const to = openFile(context, toFd);
  if (typeof to === "number") return to;
  if (((from.flags | to.flags) & O_PATH) !== 0) return -errno.EBADF;
  if (kindOf(from) === "directory" || kindOf(to) === "directory") return -errno.EISDIR;
  if (!isReadable(from.flags) || !isWritable(to.flags) || (to.flags & O_APPEND) !== 0) return -errno.EBADF;
  const source = fromPosition ?? from.position;
  const target = toPosition ?? to.position;
  if (length < 0) return -errno.EINVAL;
  for (const position of [source, target]) {
    // The kernel adds in unsigned numbers: a negative position that the length carries past zero overflows.
    if (position < 0 && length > 0 && position + length >= 0) return -errno.EOVERFLOW;
  }
  if (source < 0 || target < 0) return -errno.EINVAL;
  const { filesystem } = from.place.attachment;
  if (filesystem !== to.place.attachment.filesystem) return -errno.EXDEV;
  const wanted = Math.min(length, filesystem.size(from.place.id) - source);
  if (wanted <= 0) return 0;
  const sameFile = from.place.id === to.place.id;
  if (sameFile && source < target + wanted && target < source + wanted) return -errno.EINVAL;
  const count = filesystem.copyRange(
    from.place.id,
    source,
    to.place.id,
    target,
    wanted,
    dropped(context, to.place),
  );
  if (count > 0) {
    if (fromPosition === null) from.position = source + count;
    if (toPosition === null) to.position = target + count;
  }
  return count;
}

/** fsync(2): a commit point of the filesystem. */
export function fsync(context: Context, fd: number): number {
  const file = openFile(context, fd);
  if (typeof file === "number") return file;
  if ((file.flags & O_PATH) !== 0) return -errno.EBADF;
  file.place.attachment.filesystem.sync();
  return 0;
}

/** What a directory shows: its names, and those of attachments in it. */
export function listDirectory(place: Place): DirectoryEntry[] {
  const { filesystem, inner } = place.attachment;
  const entries = filesystem.list(place.id);
  const attached = inner.get(place.id);
  if (attached === undefined) return entries;
  const shown = entries.map((entry) => {
    const over = attachmentAt(place, entry.name);
    return over === undefined
      ? entry
      : { name: entry.name, id: over.root, kind: over.filesystem.kind(over.root) };
  });
  for (const [name, over] of attached) {
    if (!entries.some((entry) => entry.name === name)) {
      shown.push({ name, id: over.root, kind: over.filesystem.kind(over.root) });
    }
  }
  return shown;
}

/** getdents(2): up to `count` entries from where the descriptor stands; the listing is fixed at its first read. */
export function readDirectory(context: Context, fd: number, count: number): DirectoryEntry[] | number {
  const file = openFile(context, fd);
  if (typeof file === "number") return file;
  if ((file.flags & O_PATH) !== 0) return -errno.EBADF;
  if (kindOf(file) !== "directory") return -errno.ENOTDIR;
  if (!file.place.attachment.filesystem.isAttached(file.place.id)) return -errno.ENOENT;
  file.listing ??= listDirectory(file.place);
  const entries = file.listing.slice(file.position, file.position + count);
  file.position += entries.length;
  return entries;
}
