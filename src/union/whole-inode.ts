/**
 * Files as wholes: what one is at this moment, and making one that is the same somewhere else.
 *
 * This is how copies go from one mount to another – between build stages, out of and into containers –
 * without moving bytes: the content is shared, as a lower's is, where the target keeps its pages in
 * memory. Neither side sees what the other does afterwards. Names of one inode are the caller's affair:
 * `link` makes the others.
 */
import { check, PosixError } from "../posix/errno.ts";
import { kindOf, PERMISSION_BITS } from "../posix/mode.ts";
import { type Content, readChunks } from "../tree/content.ts";
import { type Attributes, type Inode, NO_XATTRS, type Xattrs } from "../tree/inode.ts";
import { openFile } from "./context.ts";
import type { Filesystem } from "./filesystem.ts";
import type { InodeId } from "./inodes.ts";
import type { SystemCalls } from "./system-calls.ts";
import { O_CREAT, O_EXCL, O_WRONLY } from "./types.ts";

/** The bytes of a file that can only be read where they are. */
class FileContent implements Content {
  readonly size: number;
  readonly #filesystem: Filesystem;
  readonly #id: InodeId;

  constructor(filesystem: Filesystem, id: InodeId) {
    this.#filesystem = filesystem;
    this.#id = id;
    this.size = filesystem.size(id);
  }

  read(target: Uint8Array, offset: number, length: number, position: number): number {
    const count = Math.min(length, this.size - position);
    return count <= 0 ? 0 : this.#filesystem.read(this.#id, target, offset, count, position);
  }

  nextData(position: number): number {
    return Math.min(this.#filesystem.seek(this.#id, position, "data"), this.size);
  }

  nextHole(position: number): number {
    return Math.min(this.#filesystem.seek(this.#id, position, "hole"), this.size);
  }
}

function xattrsOf(mount: SystemCalls, path: string): Xattrs {
  const names = mount.llistxattr(path);
  if (names.length === 0) return NO_XATTRS;
  return new Map(names.map((name) => [name, mount.lgetxattr(path, name)]));
}

/**
 * What is at a path, whole: later changes there do not reach what is given. A link at the end is not
 * followed. The content of a host's file is the exception: it is read when it is needed.
 * @throws PosixError ENOENT, EACCES, …
 */
export function readInode(mount: SystemCalls, path: string): Inode {
  const { mode, uid, gid, mtime, rdev } = mount.lstat(path);
  const attributes: Attributes = {
    mode: mode & PERMISSION_BITS,
    uid,
    gid,
    mtime,
    xattrs: xattrsOf(mount, path),
  };
  const kind = kindOf(mode);
  switch (kind) {
    case "file": {
      const { attachment, id } = mount.placeOf(path, "nofollow", "open");
      const { filesystem } = attachment;
      const content = filesystem.frozenContent?.(id) ?? new FileContent(filesystem, id);
      return { ...attributes, kind, content };
    }
    case "symlink":
      return { ...attributes, kind, target: mount.readlink(path) };
    case "char":
    case "block":
      return { ...attributes, kind, rdev };
    case undefined:
      throw new PosixError("EINVAL", { syscall: "lstat", path });
    default:
      return { ...attributes, kind };
  }
}

/** Makes a content the bytes of an empty file that is open for writing. */
export function writeContent(mount: SystemCalls, fd: number, content: Content): void {
  const file = openFile(mount.context, fd);
  if (typeof file === "number") {
    check(file, "write");
    return;
  }
  const { attachment, id } = file.place;
  if (attachment.filesystem.adopt !== undefined) {
    check(attachment.filesystem.adopt(id, content), "write");
    return;
  }
  for (const chunk of readChunks(content)) {
    for (let at = 0; at < chunk.length; ) at += mount.write(fd, chunk, at);
  }
}

function makeInode(mount: SystemCalls, path: string, inode: Inode): void {
  switch (inode.kind) {
    case "file": {
      const fd = mount.open(path, O_WRONLY | O_CREAT | O_EXCL, 0o600);
      try {
        writeContent(mount, fd, inode.content);
      } catch (error) {
        mount.unlink(path);
        throw error;
      } finally {
        mount.close(fd);
      }
      return;
    }
    case "directory":
      mount.mkdir(path, 0o700);
      return;
    case "symlink":
      mount.symlink(inode.target, path);
      return;
    case "char":
    case "block":
      mount.mknod(path, inode.kind, 0o600, inode.rdev);
      return;
    default:
      mount.mknod(path, inode.kind, 0o600);
  }
}

/**
 * Gives what is at a path the attributes of an inode: owner, mode, xattrs and mtime, exactly. Extended
 * attributes that it has and the inode lacks are removed.
 */
export function setAttributes(mount: SystemCalls, path: string, inode: Inode): void {
  mount.lchown(path, inode.uid, inode.gid);
  if (inode.kind !== "symlink") mount.chmod(path, inode.mode);
  for (const name of mount.llistxattr(path)) {
    if (!inode.xattrs.has(name)) mount.lremovexattr(path, name);
  }
  for (const [name, value] of inode.xattrs) mount.lsetxattr(path, name, value);
  mount.lutimens(path, inode.mtime, inode.mtime);
}

/**
 * Makes a file of any kind, but not what a directory holds, as an inode says.
 * @throws PosixError EEXIST where something is there; ENOSPC, EACCES, …: nothing is there then
 */
export function putInode(mount: SystemCalls, path: string, inode: Inode): void {
  makeInode(mount, path, inode);
  setAttributes(mount, path, inode);
}
