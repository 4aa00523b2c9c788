/**
 * A mount: a lower tree and a writable upper, answering the calls of a Linux filesystem.
 *
 * Every method is one system call: synchronous, with Linux's flags and numbers (`types.ts`), and a
 * {@link PosixError} on failure, after which nothing has changed. Paths are strings whose lone
 * surrogates stand for bytes that are not UTF-8 (`posix/names.ts`). What may change is what the
 * caller may change: `as()` gives a view of the same mount for another caller.
 *
 * `*.ts` beside this file hold the calls themselves, as functions that return negated error numbers;
 * a face that must not throw uses them through {@link Mount.context}.
 */
import { platform } from "#platform";
import { type Caller, makeCaller } from "../posix/caller.ts";
import { check, errno, errorCode, PosixError } from "../posix/errno.ts";
import type { Kind } from "../posix/mode.ts";
import type { Nanoseconds } from "../posix/time.ts";
import type { ChangeSet } from "../tree/change.ts";
import { emptyTree } from "../tree/empty.ts";
import type { Tree } from "../tree/tree.ts";
import { attach, copyAttachments, detach, rootAttachment, type Source } from "./attach.ts";
import type { Target, TimeEdit } from "./attribute-calls.ts";
import * as attributes from "./attribute-calls.ts";
import type { ChangesOptions } from "./changes.ts";
import type { Context } from "./context.ts";
import * as data from "./data-calls.ts";
import { FileTable } from "./file-table.ts";
import type { DirectoryEntry, Totals } from "./filesystem.ts";
import * as names from "./name-calls.ts";
import { close, open, openFile } from "./open.ts";
import { permit } from "./permission.ts";
import { Snapshot } from "./snapshot.ts";
import {
  type Dirent,
  type MountEvent,
  O_APPEND,
  O_CREAT,
  O_RDONLY,
  O_TRUNC,
  O_WRONLY,
  R_OK,
  type Stat,
} from "./types.ts";
import { type Limits, Union } from "./union.ts";
import { UnionFilesystem } from "./union-filesystem.ts";
import { View } from "./view.ts";
import { type Place, walk } from "./walk.ts";
import { type Whence, whence } from "./whence.ts";
import * as xattrs from "./xattr-calls.ts";

export interface MountOptions {
  /** Answers EROFS to whatever would change something. */
  readonly readOnly?: boolean;
  /** What the upper may hold; beyond it is ENOSPC. */
  readonly limits?: Limits;
  /** Where times come from; the platform's clock unless given. */
  readonly clock?: () => Nanoseconds;
  /** Fields in which the caller differs from root at `/` with umask 022. */
  readonly caller?: Partial<Caller>;
}

/** What all views of one mount share. */
interface Shared {
  readonly filesystem: UnionFilesystem;
  readonly view: Place;
  readonly files: FileTable;
}

/** Mounts a tree, or goes on from a snapshot, with an upper of its own. */
export function createMount(lower: Tree | Snapshot, options: MountOptions = {}): Mount {
  const clock = options.clock ?? platform.now;
  const union =
    lower instanceof Snapshot
      ? new Union(lower.view.copy(), clock, options.limits ?? {}, lower.usage)
      : new Union(new View(lower), clock, options.limits ?? {});
  return mountOf(union, options.readOnly ?? false, makeCaller(options.caller ?? {}));
}

function mountOf(union: Union, readOnly: boolean, caller: Caller): Mount {
  const filesystem = new UnionFilesystem(union, readOnly);
  const view = { attachment: rootAttachment(filesystem, readOnly), id: filesystem.root };
  return new Mount({ filesystem, view, files: new FileTable() }, caller, undefined);
}

/** An empty filesystem in memory, to be attached. */
export function tmpfs(options: Omit<MountOptions, "caller"> & { readonly mode?: number } = {}): Source {
  const root = {
    kind: "directory",
    mode: options.mode ?? 0o1777,
    uid: 0,
    gid: 0,
    mtime: 0n,
    xattrs: new Map(),
  } as const;
  const union = new Union(new View(emptyTree(root)), options.clock ?? platform.now, options.limits ?? {});
  return { filesystem: new UnionFilesystem(union, options.readOnly ?? false) };
}

export class Mount {
  readonly #shared: Shared;
  readonly caller: Caller;
  readonly #origin: unknown;

  /** Use {@link createMount}. */
  constructor(shared: Shared, caller: Caller, origin: unknown) {
    this.#shared = shared;
    this.caller = caller;
    this.#origin = origin;
  }

  /** What the functions beside this file work on. */
  get context(): Context {
    const { view, files, filesystem } = this.#shared;
    filesystem.union.events.origin = this.#origin;
    return { view, files, caller: this.caller };
  }

  /** The lower tree. */
  get tree(): Tree {
    return this.#shared.filesystem.union.view.tree;
  }

  /** The same mount for another caller. `origin` is told in the events of what it changes. */
  as(caller: Partial<Caller>, origin: unknown = this.#origin): Mount {
    return new Mount(this.#shared, makeCaller(caller, this.caller), origin);
  }

  // Names

  mkdir(path: string, mode = 0o777): void {
    check(names.mkdir(this.context, path, mode), "mkdir", path);
  }

  /** @param rdev for a device: see `makeDevice` */
  mknod(path: string, kind: Kind, mode = 0o666, rdev = 0): void {
    check(names.mknod(this.context, path, kind, mode, rdev), "mknod", path);
  }

  symlink(target: string, path: string): void {
    check(names.symlink(this.context, target, path), "symlink", target, path);
  }

  link(from: string, to: string, options: { readonly follow?: boolean } = {}): void {
    check(names.link(this.context, from, to, options.follow ?? false), "link", from, to);
  }

  /** Gives the file of a descriptor a name: linkat(2) with AT_EMPTY_PATH. */
  linkFile(fd: number, path: string): void {
    const file = openFile(this.context, fd);
    check(typeof file === "number" ? file : names.linkTo(this.context, file.place, path), "link", path);
  }

  unlink(path: string): void {
    check(names.unlink(this.context, path), "unlink", path);
  }

  rmdir(path: string): void {
    check(names.rmdir(this.context, path), "rmdir", path);
  }

  /** @param flags `RENAME_NOREPLACE` or `RENAME_EXCHANGE` */
  rename(from: string, to: string, flags = 0): void {
    check(names.rename(this.context, from, to, flags), "rename", from, to);
  }

  // Open files

  open(path: string, flags: number, mode = 0o666): number {
    return check(open(this.context, path, flags, mode), "open", path);
  }

  close(fd: number): void {
    check(close(this.context, fd), "close");
  }

  /** @param position in bytes; null reads where the descriptor stands and moves it */
  read(
    fd: number,
    target: Uint8Array,
    offset = 0,
    length = target.length - offset,
    position: number | null = null,
  ): number {
    return check(data.read(this.context, fd, target, offset, length, position), "read");
  }

  /** @param position in bytes; null writes where the descriptor stands and moves it */
  write(
    fd: number,
    source: Uint8Array,
    offset = 0,
    length = source.length - offset,
    position: number | null = null,
  ): number {
    return check(data.write(this.context, fd, source, offset, length, position), "write");
  }

  /** @param whence SEEK_SET, SEEK_CUR, SEEK_END, SEEK_DATA or SEEK_HOLE */
  lseek(fd: number, offset: number, whence: number): number {
    return check(data.lseek(this.context, fd, offset, whence), "lseek");
  }

  truncate(path: string, size: number): void {
    check(data.truncate(this.context, path, size), "truncate", path);
  }

  ftruncate(fd: number, size: number): void {
    check(data.ftruncate(this.context, fd, size), "ftruncate");
  }

  /** @param mode 0, or FALLOC_FL_KEEP_SIZE, FALLOC_FL_PUNCH_HOLE with it, FALLOC_FL_ZERO_RANGE */
  fallocate(fd: number, mode: number, offset: number, length: number): void {
    check(data.fallocate(this.context, fd, mode, offset, length), "fallocate");
  }

  /** copy_file_range(2). @returns how many bytes were copied; fewer at the end of the source */
  copyRange(
    fromFd: number,
    fromPosition: number | null,
    toFd: number,
    toPosition: number | null,
    length: number,
  ): number {
    const count = data.copyRange(this.context, fromFd, fromPosition, toFd, toPosition, length);
    return check(count, "copy_file_range");
  }

  fsync(fd: number): void {
    check(data.fsync(this.context, fd), "fsync");
  }

  /** A commit point of everything. */
  sync(): void {
    this.#shared.filesystem.sync();
  }

  // Attributes. A number is a descriptor.

  stat(path: string): Stat {
    return this.#stat(path, "follow", "stat");
  }

  lstat(path: string): Stat {
    return this.#stat(path, "nofollow", "lstat");
  }

  fstat(fd: number): Stat {
    return this.#stat(fd, "follow", "fstat");
  }

  #stat(target: Target, last: "follow" | "nofollow", syscall: string): Stat {
    const place = this.#place(target, last, syscall, true);
    return place.attachment.filesystem.stat(place.id);
  }

  /** Whether a path leads to something; a miss costs no exception. */
  exists(path: string): boolean {
    return walk(this.#shared.view, this.caller, path, "follow").error === 0;
  }

  #place(target: Target, last: "follow" | "nofollow", syscall: string, allowPath = false): Place {
    const place = attributes.placeOf(this.context, target, last, allowPath);
    return typeof place === "number" ? fail(place, syscall, target) : place;
  }

  /** @param wanted R_OK, W_OK and X_OK together, or F_OK */
  access(path: string, wanted = 0): void {
    check(attributes.access(this.context, path, wanted, "follow"), "access", path);
  }

  readlink(path: string): string {
    const { attachment, id } = this.#place(path, "nofollow", "readlink");
    const { filesystem } = attachment;
    return filesystem.kind(id) === "symlink"
      ? filesystem.readlink(id)
      : fail(-errno.EINVAL, "readlink", path);
  }

  chmod(path: string, mode: number): void {
    check(attributes.chmod(this.context, path, mode, "follow"), "chmod", path);
  }

  fchmod(fd: number, mode: number): void {
    check(attributes.chmod(this.context, fd, mode, "follow"), "fchmod");
  }

  /** @param uid, gid `UNCHANGED` (2^32-1) leaves one as it is */
  chown(path: string, uid: number, gid: number): void {
    check(attributes.chown(this.context, path, uid, gid, "follow"), "chown", path);
  }

  lchown(path: string, uid: number, gid: number): void {
    check(attributes.chown(this.context, path, uid, gid, "nofollow"), "lchown", path);
  }

  fchown(fd: number, uid: number, gid: number): void {
    check(attributes.chown(this.context, fd, uid, gid, "follow"), "fchown");
  }

  utimens(path: string, atime: TimeEdit, mtime: TimeEdit): void {
    this.#utimens(path, atime, mtime, "follow", "utime");
  }

  lutimens(path: string, atime: TimeEdit, mtime: TimeEdit): void {
    this.#utimens(path, atime, mtime, "nofollow", "lutime");
  }

  futimens(fd: number, atime: TimeEdit, mtime: TimeEdit): void {
    this.#utimens(fd, atime, mtime, "follow", "futime");
  }

  #utimens(
    target: Target,
    atime: TimeEdit,
    mtime: TimeEdit,
    last: "follow" | "nofollow",
    syscall: string,
  ): void {
    const now = this.#shared.filesystem.union.clock();
    const done = attributes.utimens(this.context, target, atime, mtime, last, now);
    check(done, syscall, typeof target === "string" ? target : undefined);
  }

  getxattr(target: Target, name: string): Uint8Array {
    return this.#getXattr(target, name, "follow", "getxattr");
  }

  lgetxattr(path: string, name: string): Uint8Array {
    return this.#getXattr(path, name, "nofollow", "lgetxattr");
  }

  #getXattr(target: Target, name: string, last: "follow" | "nofollow", syscall: string): Uint8Array {
    const value = xattrs.getXattr(this.context, target, name, last);
    return typeof value === "number" ? fail(value, syscall, target) : value;
  }

  listxattr(target: Target): string[] {
    const list = xattrs.listXattrs(this.context, target, "follow");
    return typeof list === "number" ? fail(list, "listxattr", target) : list;
  }

  llistxattr(path: string): string[] {
    const list = xattrs.listXattrs(this.context, path, "nofollow");
    return typeof list === "number" ? fail(list, "llistxattr", path) : list;
  }

  /** @param flags XATTR_CREATE or XATTR_REPLACE */
  setxattr(target: Target, name: string, value: Uint8Array, flags = 0): void {
    check(xattrs.setXattr(this.context, target, name, value, flags, "follow"), "setxattr", pathOf(target));
  }

  lsetxattr(path: string, name: string, value: Uint8Array, flags = 0): void {
    check(xattrs.setXattr(this.context, path, name, value, flags, "nofollow"), "lsetxattr", path);
  }

  removexattr(target: Target, name: string): void {
    check(xattrs.removeXattr(this.context, target, name, "follow"), "removexattr", pathOf(target));
  }

  lremovexattr(path: string, name: string): void {
    check(xattrs.removeXattr(this.context, path, name, "nofollow"), "lremovexattr", path);
  }

  statfs(path = "/"): Totals {
    return this.#place(path, "follow", "statfs").attachment.filesystem.totals();
  }

  // Directories

  /** All names of a directory. */
  readdir(path: string): Dirent[] {
    const place = this.#place(path, "follow", "scandir");
    const { filesystem } = place.attachment;
    if (filesystem.kind(place.id) !== "directory") fail(-errno.ENOTDIR, "scandir", path);
    const refused = permit(this.caller, filesystem.access(place.id), R_OK);
    if (refused < 0) fail(refused, "scandir", path);
    return data.listDirectory(place).map((entry) => this.#dirent(place, entry));
  }

  /** The next names of an open directory, at most `count`; none at its end. */
  getdents(fd: number, count = 1024): Dirent[] {
    const entries = data.readDirectory(this.context, fd, count);
    if (typeof entries === "number") return fail(entries, "getdents", fd);
    const file = openFile(this.context, fd);
    return typeof file === "number"
      ? fail(file, "getdents", fd)
      : entries.map((entry) => this.#dirent(file.place, entry));
  }

  #dirent(place: Place, { name, id, kind }: DirectoryEntry): Dirent {
    const attached = place.attachment.inner.get(place.id)?.get(name);
    const { filesystem } = attached ?? place.attachment;
    return { name, kind, ino: filesystem.number(id) };
  }

  // Whole files

  readFile(path: string): Uint8Array {
    const fd = this.open(path, O_RDONLY);
    try {
      const bytes = new Uint8Array(this.fstat(fd).size);
      for (let at = 0; at < bytes.length; ) {
        const count = this.read(fd, bytes, at, bytes.length - at, at);
        if (count === 0) return bytes.slice(0, at);
        at += count;
      }
      return bytes;
    } finally {
      this.close(fd);
    }
  }

  /** Replaces a file's content, making it where it is missing. Strings are written as UTF-8. */
  writeFile(path: string, content: Uint8Array | string, mode = 0o666): void {
    this.#writeWhole(path, content, O_TRUNC, mode);
  }

  appendFile(path: string, content: Uint8Array | string, mode = 0o666): void {
    this.#writeWhole(path, content, O_APPEND, mode);
  }

  #writeWhole(path: string, content: Uint8Array | string, flags: number, mode: number): void {
    const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
    const fd = this.open(path, O_WRONLY | O_CREAT | flags, mode);
    try {
      for (let at = 0; at < bytes.length; ) at += this.write(fd, bytes, at);
    } finally {
      this.close(fd);
    }
  }

  // The mount itself

  /** Shows a filesystem, or a part of one, at a path. */
  attach(path: string, source: Source, options: { readonly readOnly?: boolean } = {}): void {
    check(attach(this.context, path, source, options.readOnly ?? false), "mount", path);
  }

  detach(path: string): void {
    check(detach(this.context, path), "umount", path);
  }

  /** A file or directory of this mount, to be attached elsewhere. */
  subtree(path: string): Source {
    const { attachment, id } = this.#place(path, "follow", "open");
    return { filesystem: attachment.filesystem, root: id };
  }

  /** Calls `listener` after each change. @returns what ends that */
  subscribe(listener: (event: MountEvent) => void): () => void {
    return this.#shared.filesystem.union.events.subscribe(listener);
  }

  /** This moment, in O(1). */
  snapshot(): Snapshot {
    const { union } = this.#shared.filesystem;
    return new Snapshot(union.freeze(), union.usage);
  }

  /**
   * Goes back to a snapshot of the same lower, in O(1). Descriptors opened before are stale.
   * @throws PosixError EINVAL for a snapshot of another lower
   */
  restore(snapshot: Snapshot): void {
    const { filesystem, files } = this.#shared;
    if (snapshot.tree !== this.tree) fail(-errno.EINVAL, "restore", undefined);
    filesystem.restore(snapshot.view, snapshot.usage);
    files.generation += 1;
  }

  /** Another mount that starts as this one is now, in O(1). What is attached here is attached there. */
  fork(): Mount {
    const { filesystem, view } = this.#shared;
    const { union } = filesystem;
    const twin = mountOf(
      new Union(union.freeze(), union.clock, union.limits, union.usage),
      filesystem.readOnly,
      this.caller,
    );
    copyAttachments(view.attachment, twin.context.view.attachment);
    return twin;
  }

  /** What differs from the lower; what is attached is not looked at. The result does not change with the mount. */
  changes(options: ChangesOptions = {}): ChangeSet {
    return this.snapshot().changes(options);
  }

  /** Which layers hold a path, which hid it, and which one wins. Answers for paths that are gone. */
  whence(path: string): Whence {
    const found = whence(this.context, this.#shared.filesystem.union.view, path);
    return typeof found === "number" ? fail(found, "whence", path) : found;
  }
}

function pathOf(target: Target): string | undefined {
  return typeof target === "string" ? target : undefined;
}

function fail(error: number, syscall: string, target: Target | undefined): never {
  const path = target === undefined ? undefined : pathOf(target);
  throw new PosixError(errorCode(-error), { syscall, path });
}
