/**
 * open(2) and close(2), with the kernel's order of checks (fs/namei.c, do_last and may_open).
 */
import { errno } from "../posix/errno.ts";
import { type Kind, S_ISVTX } from "../posix/mode.ts";
import { type Context, isReadOnly } from "./context.ts";
import { newInode, permitNewName } from "./name-calls.ts";
import { droppedBits, owns, permit } from "./permission.ts";
import {
  O_ACCMODE,
  O_APPEND,
  O_CREAT,
  O_DIRECTORY,
  O_DSYNC,
  O_EXCL,
  O_NOATIME,
  O_NOFOLLOW,
  O_NONBLOCK,
  O_PATH,
  O_RDONLY,
  O_RDWR,
  O_TMPFILE,
  O_TRUNC,
  O_WRONLY,
  R_OK,
  W_OK,
} from "./types.ts";
import { type Place, type Walk, walk } from "./walk.ts";

/** The flags that a descriptor remembers. */
const KEPT = O_ACCMODE | O_APPEND | O_NONBLOCK | O_DSYNC | O_PATH;

export function isReadable(flags: number): boolean {
  return (flags & O_PATH) === 0 && (flags & O_ACCMODE) !== O_WRONLY;
}

export function isWritable(flags: number): boolean {
  return (flags & O_PATH) === 0 && (flags & O_ACCMODE) !== O_RDONLY;
}

/** Opens a path. Gives a descriptor or a negated error number. */
export function open(context: Context, path: string, flags: number, mode: number): number {
  // Beside O_PATH most flags mean nothing, also those that contradict each other.
  if ((flags & O_PATH) !== 0) return openPath(context, path, flags);
  if ((flags & O_ACCMODE) === O_ACCMODE) return -errno.EINVAL;
  if ((flags & O_TMPFILE) === O_TMPFILE) return openAnonymous(context, path, flags, mode);
  if ((flags & O_CREAT) !== 0 && (flags & O_DIRECTORY) !== 0) return -errno.EINVAL;
  const exclusive = (flags & (O_CREAT | O_EXCL)) === (O_CREAT | O_EXCL);
  const creates = (flags & O_CREAT) !== 0;
  const named = exclusive || (creates && (flags & O_NOFOLLOW) !== 0);
  const last = named ? "name" : creates ? "create" : (flags & O_NOFOLLOW) !== 0 ? "nofollow" : "follow";
  const found = walk(context.view, context.caller, path, last);
  if (creates && found.slash) return -errno.EISDIR;
  if (found.error < 0) {
    const { directory } = found;
    if (found.error !== -errno.ENOENT || directory === undefined || !creates) return found.error;
    return create(context, directory, found.name, flags, mode);
  }
  return openFound(context, found, flags);
}

function openPath(context: Context, path: string, flags: number): number {
  const found = walk(context.view, context.caller, path, (flags & O_NOFOLLOW) !== 0 ? "nofollow" : "follow");
  if (found.error < 0) return found.error;
  const isDirectory = found.attachment.filesystem.kind(found.id) === "directory";
  if (((flags & O_DIRECTORY) !== 0 || found.slash) && !isDirectory) return -errno.ENOTDIR;
  return register(context, found, flags, false);
}

function openAnonymous(context: Context, path: string, flags: number, mode: number): number {
  if (!isWritable(flags)) return -errno.EINVAL;
  const found = walk(context.view, context.caller, path, "follow");
  if (found.error < 0) return found.error;
  const { filesystem } = found.attachment;
  if (filesystem.kind(found.id) !== "directory") return -errno.ENOTDIR;
  const refused = permitNewName(context, found);
  if (refused < 0) return refused;
  const id = filesystem.makeAnonymous(newInode(context, found, "file", mode));
  if (id < 0) return id;
  return addFile(context, { attachment: found.attachment, id }, flags);
}

function create(context: Context, directory: Place, name: string, flags: number, mode: number): number {
  const refused = permitNewName(context, directory);
  if (refused < 0) return refused;
  const { attachment } = directory;
  const id = attachment.filesystem.make(directory.id, name, newInode(context, directory, "file", mode));
  if (id < 0) return id;
  // Permissions of a file that was just made do not limit the descriptor it was made with.
  return register(context, { attachment, id }, flags, isWritable(flags));
}

function openFound(context: Context, found: Walk, flags: number): number {
  const { filesystem } = found.attachment;
  const kind = filesystem.kind(found.id);
  if ((flags & O_CREAT) !== 0) {
    if ((flags & O_EXCL) !== 0) return -errno.EEXIST;
    if (kind === "directory") return -errno.EISDIR;
    if (isForeignInSticky(context, found, kind)) return -errno.EACCES;
  }
  if (((flags & O_DIRECTORY) !== 0 || found.slash) && kind !== "directory") return -errno.ENOTDIR;
  if (kind === "symlink") return -errno.ELOOP;
  const refused = permitOpen(context, found, kind, flags);
  if (refused < 0) return refused;
  const truncates = (flags & O_TRUNC) !== 0 && kind === "file";
  if (truncates) {
    const cut = filesystem.truncate(found.id, 0, droppedBits(context.caller, filesystem.access(found.id)));
    if (cut < 0) return cut;
  }
  return register(context, found, flags, isWritable(flags) && kind === "file");
}

/**
 * Whether O_CREAT meets another's special file or link in a sticky directory that all may write to
 * (fs/namei.c, may_create_in_sticky, with fs.protected_regular and protected_fifos off). No capability helps.
 */
function isForeignInSticky(context: Context, found: Walk, kind: Kind): boolean {
  const { directory } = found;
  if (directory === undefined || kind === "file" || kind === "fifo") return false;
  const parent = directory.attachment.filesystem.access(directory.id);
  if ((parent.mode & S_ISVTX) === 0 || (parent.mode & 0o002) === 0) return false;
  const { uid } = found.attachment.filesystem.access(found.id);
  return uid !== parent.uid && uid !== context.caller.uid;
}

function permitOpen(context: Context, { attachment, id }: Place, kind: Kind, flags: number): number {
  const { caller } = context;
  const writes = isWritable(flags) || (flags & O_TRUNC) !== 0;
  if (kind === "directory" && writes) return -errno.EISDIR;
  const access = attachment.filesystem.access(id);
  const mode = flags & O_ACCMODE;
  const wanted = (mode === O_WRONLY ? 0 : R_OK) | (mode === O_WRONLY || mode === O_RDWR || writes ? W_OK : 0);
  if (writes && isReadOnly(attachment) && (kind === "file" || kind === "directory")) return -errno.EROFS;
  const refused = permit(caller, access, wanted);
  if (refused < 0) return refused;
  if ((flags & O_NOATIME) !== 0 && !owns(caller, access)) return -errno.EPERM;
  if (kind === "file" || kind === "directory") return 0;
  // Nothing is at the other end of a fifo, a socket or an ordinary device: there is no kernel here.
  return kind === "char" && attachment.filesystem.opensDevices === true ? 0 : -errno.ENXIO;
}

function register(context: Context, place: Place, flags: number, forWriting: boolean): number {
  const opened = place.attachment.filesystem.open(place.id, forWriting);
  return opened < 0 ? opened : addFile(context, place, flags);
}

function addFile(context: Context, { attachment, id }: Place, flags: number): number {
  const fd = context.files.add({
    place: { attachment, id },
    flags: flags & KEPT,
    position: 0,
    listing: undefined,
    generation: context.files.generation,
    linkable: (flags & O_TMPFILE) === O_TMPFILE && (flags & O_EXCL) === 0,
    opener: context.caller,
  });
  if (fd !== undefined) return fd;
  attachment.filesystem.close(id);
  return -errno.EMFILE;
}

/** close(2) */
export function close(context: Context, fd: number): number {
  const file = context.files.get(fd);
  if (file === undefined) return -errno.EBADF;
  context.files.remove(fd);
  if (file.generation === context.files.generation) file.place.attachment.filesystem.close(file.place.id);
  return 0;
}
