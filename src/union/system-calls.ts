/**
 * The system calls of a mount, as methods: synchronous, with Linux's flags and numbers (`types.ts`),
 * and a {@link PosixError} on failure, after which nothing has changed. Paths are strings whose lone
 * surrogates stand for bytes that are not UTF-8 (`posix/names.ts`).
 *
 * The `*-calls.ts` beside this file hold the calls themselves, as functions that return negated error
 * numbers; a face that must not throw uses them through {@link SystemCalls.context}.
 */
import type { Caller } from "../posix/caller.ts";
import { check, errno, errorCode, PosixError } from "../posix/errno.ts";
import type { Kind } from "../posix/mode.ts";
import type { Target, TimeEdit } from "./attribute-calls.ts";
import * as attributes from "./attribute-calls.ts";
import { type Context, openFile } from "./context.ts";
import * as data from "./data-calls.ts";
import type { FileTable } from "./file-table.ts";
import type { DirectoryEntry, Totals } from "./filesystem.ts";
import * as names from "./name-calls.ts";
import { close, open } from "./open.ts";
import { permit } from "./permission.ts";
import { type Dirent, R_OK, type Stat } from "./types.ts";
import type { UnionFilesystem } from "./union-filesystem.ts";
import type { Place } from "./walk.ts";
import * as xattrs from "./xattr-calls.ts";

/** What all views of one mount share. */
export interface Shared {
  readonly filesystem: UnionFilesystem;
  readonly view: Place;
  readonly files: FileTable;
}

export class SystemCalls {
  readonly #shared: Shared;
  readonly caller: Caller;
  readonly #origin: unknown;

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
    check(names.linkFile(this.context, fd, path), "link", path);
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
    const place = this.placeOf(target, last, syscall, true);
    return place.attachment.filesystem.stat(place.id);
  }

  /** Whether a path leads to something; a miss costs no exception. */
  exists(path: string): boolean {
    return typeof attributes.placeOf(this.context, path, "follow", true) !== "number";
  }

  /** @internal */
  placeOf(target: Target, last: "follow" | "nofollow", syscall: string, allowPath = false): Place {
    const place = attributes.placeOf(this.context, target, last, allowPath);
    return typeof place === "number" ? fail(place, syscall, target) : place;
  }

  /** @param wanted R_OK, W_OK and X_OK together, or F_OK */
  access(path: string, wanted = 0): void {
    check(attributes.access(this.context, path, wanted, "follow"), "access", path);
  }

  readlink(path: string): string {
    const { attachment, id } = this.placeOf(path, "nofollow", "readlink");
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
    return this.placeOf(path, "follow", "statfs").attachment.filesystem.totals();
  }

  // Directories

  /** All names of a directory. */
  readdir(path: string): Dirent[] {
    const place = this.placeOf(path, "follow", "scandir");
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
}

function pathOf(target: Target): string | undefined {
  return typeof target === "string" ? target : undefined;
}

/** @internal */
export function fail(error: number, syscall: string, target: Target | undefined): never {
  const path = target === undefined ? undefined : pathOf(target);
  throw new PosixError(errorCode(-error), { syscall, path });
}
