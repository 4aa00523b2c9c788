/**
 * What a mount asks of a filesystem: inodes by id, names in directories, bytes in files.
 *
 * The split is Linux's own. A {@link Filesystem} stores; the calls of a mount (`calls-*.ts`) walk
 * paths, check permissions and the order of errors, and cross from one filesystem into another. So
 * every kind of filesystem – the union, a tmpfs, a host directory – behaves alike where the kernel's
 * virtual file system decides, and a face such as FUSE can speak to a filesystem directly.
 *
 * Contract. Ids are non-negative and stable while a name or an open reference leads to the inode.
 * A method that can fail returns a negated error number and has then changed nothing; it is asked
 * only for what the caller may do. Names are single components, valid and not `.` or `..`.
 */
import type { Kind } from "../posix/mode.ts";
import type { Nanoseconds } from "../posix/time.ts";
import type { Content } from "../tree/content.ts";
import type { InodeId } from "./inodes.ts";
import type { Stat } from "./types.ts";

/** What permission checks look at. */
export interface Access {
  readonly kind: Kind;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

/** An inode to be made. */
export interface NewInode {
  readonly kind: Kind;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** For a symlink. */
  readonly target?: string;
  /** For a device. */
  readonly rdev?: number;
}

/** Attributes to be set; what is left out stays. ctime becomes now. */
export interface AttributeEdit {
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  readonly atime?: Nanoseconds;
  readonly mtime?: Nanoseconds;
}

export interface DirectoryEntry {
  readonly name: string;
  readonly id: InodeId;
  readonly kind: Kind;
}

/** Totals of a filesystem (statfs(2)). */
export interface Totals {
  /** In bytes. */
  readonly blockSize: number;
  readonly blocks: number;
  readonly freeBlocks: number;
  readonly files: number;
  readonly freeFiles: number;
}

/** How a rename treats what is at the new name. */
export type RenameMode = "replace" | "exchange";

export interface Filesystem {
  /** Distinguishes filesystems in `st_dev`. */
  readonly device: number;
  readonly readOnly: boolean;
  readonly root: InodeId;
  /** Whether something is at the other end of its devices, so that they can be opened; not unless said. */
  readonly opensDevices?: boolean;

  /** The inode that a name has, or `-ENOENT`. */
  lookup(directory: InodeId, name: string): number;
  /** The directory that holds a directory; the root holds itself. */
  parent(directory: InodeId): InodeId;
  list(directory: InodeId): DirectoryEntry[];
  isEmpty(directory: InodeId): boolean;
  /** Whether a directory still has a place in the tree. */
  isAttached(directory: InodeId): boolean;

  kind(id: InodeId): Kind;
  /** The number that `st_ino` tells. */
  number(id: InodeId): number;
  access(id: InodeId): Access;
  stat(id: InodeId): Stat;
  totals(): Totals;
  /** A symlink's target. */
  readlink(id: InodeId): string;

  /** Makes an inode with a name. */
  make(directory: InodeId, name: string, inode: NewInode): number;
  /** Makes a regular file without a name; it lives while it is open or until it is linked. */
  makeAnonymous(inode: NewInode): number;
  link(id: InodeId, directory: InodeId, name: string): number;
  /** Removes a name that leads to anything but a directory. */
  unlink(directory: InodeId, name: string): number;
  /** Removes an empty directory. */
  rmdir(directory: InodeId, name: string): number;
  /** Moves a name. What it replaces is of a fitting kind, and empty if a directory. */
  rename(fromDirectory: InodeId, from: string, toDirectory: InodeId, to: string, mode: RenameMode): number;

  setAttributes(id: InodeId, edit: AttributeEdit): number;
  getXattr(id: InodeId, name: string): Uint8Array | undefined;
  listXattrs(id: InodeId): string[];
  setXattr(id: InodeId, name: string, value: Uint8Array): number;
  removeXattr(id: InodeId, name: string): number;

  /** Keeps an inode alive without a name, and copies it up if it is to be written (overlayfs does at open). */
  open(id: InodeId, write: boolean): number;
  /** The counterpart of `open` and `makeAnonymous`. */
  close(id: InodeId): void;
  size(id: InodeId): number;
  read(id: InodeId, target: Uint8Array, offset: number, length: number, position: number): number;
  /** Writes and updates the times; `dropped` are mode bits that go with it, as setuid does for ordinary users. */
  write(
    id: InodeId,
    source: Uint8Array,
    offset: number,
    length: number,
    position: number,
    dropped: number,
  ): number;
  truncate(id: InodeId, size: number, dropped: number): number;
  /** Zeroes a range without storing it, or only reserves it; the size grows unless `keepSize`. */
  allocate(
    id: InodeId,
    start: number,
    end: number,
    how: "reserve" | "punch" | "zero",
    keepSize: boolean,
    dropped: number,
  ): number;
  /** Copies a range between two files of this filesystem, moving no data where it can be shared. */
  copyRange(
    from: InodeId,
    fromPosition: number,
    to: InodeId,
    toPosition: number,
    length: number,
    dropped: number,
  ): number;
  /** A file's bytes as they are now: later changes do not reach what is given. Absent where bytes must be read. */
  frozenContent?(id: InodeId): Content;
  /** Makes a content that never changes the bytes of an empty file. Absent where bytes must be written. */
  adopt?(id: InodeId, content: Content): number;
  /** The next data or hole at or after a position; the end when there is none. */
  seek(id: InodeId, position: number, whence: "data" | "hole"): number;
  /** Makes a range readable that is not local. */
  prepare(id: InodeId, start: number, end: number): Promise<void>;
  /**
   * A commit point: what was done so far lasts.
   * @throws PosixError where it could not be made to
   */
  sync(): void;
}
