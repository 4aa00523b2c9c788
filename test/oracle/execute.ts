/**
 * Runs the calls of a scenario on our mount, with results in the form that `kernel/calls.py` gives.
 */
import { crc32 } from "node:zlib";
import { PosixError } from "../../src/posix/errno.ts";
import { type Kind, kindOf, PERMISSION_BITS, S_IFDIR, S_IFMT } from "../../src/posix/mode.ts";
import { compareNames } from "../../src/posix/names.ts";
import type { Mount } from "../../src/union/mount.ts";
import { O_NONBLOCK, SEEK_CUR, SEEK_DATA, SEEK_HOLE, SEEK_SET, type Stat } from "../../src/union/types.ts";
import { NOW_FROM } from "./recorded.ts";
import {
  type Operation,
  type Result,
  ROOT_SPEC,
  type StatResult,
  type TimeSpec,
  type TreeLine,
} from "./scenario.ts";

/** Thrown for a call on a slot in which nothing is open. */
const NOTHING_OPEN = "EBADF";

const latin1 = (bytes: Uint8Array): string => (bytes.length > 0 ? Buffer.from(bytes).toString("latin1") : "");

function timeEdit(time: TimeSpec): bigint | "now" | "omit" {
  return time === "now" || time === "omit" ? time : BigInt(time);
}

/** One run of one scenario: the mount, what is open, and the names of inode numbers. */
export class Session {
  readonly mount: Mount;
  readonly #tokens = new Map<number, number>();
  readonly #handles = new Map<number, number>();
  /** Where the descriptor of the last seek for data or a hole stood before it. */
  #before = 0;

  constructor(mount: Mount) {
    this.mount = mount;
  }

  /** What a call on paths would give, on a fork that is then forgotten. */
  trial(operation: Operation): Result {
    return new Session(this.mount.fork()).run(operation);
  }

  /** Runs one call; what fails gives the name of its error. Anything but a PosixError is a bug and is thrown. */
  run(operation: Operation): Result {
    const [uid, gid, groups, umask, cwd = "/", root = "/"] = operation.as ?? ROOT_SPEC;
    const mount = this.mount.as({ uid, gid, groups, umask, cwd, root });
    try {
      return this.#call(mount, operation);
    } catch (error) {
      if (error instanceof PosixError) return error.code;
      if (error === NOTHING_OPEN) return NOTHING_OPEN;
      throw error;
    }
  }

  /** The descriptor that a slot holds. */
  #fd(slot: number): number {
    const fd = this.#handles.get(slot);
    if (fd === undefined) throw NOTHING_OPEN;
    return fd;
  }

  #token(number: number): number {
    const token = this.#tokens.get(number) ?? this.#tokens.size;
    this.#tokens.set(number, token);
    return token;
  }

  #describe(stat: Stat): StatResult {
    const directory = (stat.mode & S_IFMT) === S_IFDIR;
    return [
      stat.mode & S_IFMT,
      stat.mode & PERMISSION_BITS,
      directory ? null : stat.nlink,
      stat.uid,
      stat.gid,
      stat.rdev,
      directory ? null : stat.size,
      stat.mtime >= NOW_FROM ? "now" : String(stat.mtime),
      this.#token(stat.ino),
    ];
  }

  #call(mount: Mount, operation: Operation): Result {
    switch (operation.call) {
      case "open": {
        const { slot, path, flags, mode } = operation;
        const fd = mount.open(path, flags | O_NONBLOCK, mode);
        const before = this.#handles.get(slot);
        if (before !== undefined) mount.close(before);
        this.#handles.set(slot, fd);
        return 0;
      }
      case "close":
        mount.close(this.#fd(operation.slot));
        this.#handles.delete(operation.slot);
        return 0;
      case "read": {
        const fd = this.#fd(operation.slot);
        const buffer = new Uint8Array(operation.length);
        const count = mount.read(fd, buffer, 0, buffer.length, operation.at);
        return [count, crc32(buffer.subarray(0, count))];
      }
      case "write": {
        const [byte, length] = operation.data;
        const fd = this.#fd(operation.slot);
        return mount.write(fd, new Uint8Array(length).fill(byte), 0, length, operation.at);
      }
      case "lseek": {
        const fd = this.#fd(operation.slot);
        if (operation.whence === SEEK_DATA || operation.whence === SEEK_HOLE) {
          this.#before = mount.lseek(fd, 0, SEEK_CUR);
        }
        return mount.lseek(fd, operation.at, operation.whence);
      }
      case "fstat":
        return this.#describe(mount.fstat(this.#fd(operation.slot)));
      case "ftruncate":
        return done(mount.ftruncate(this.#fd(operation.slot), operation.size));
      case "fchmod":
        return done(mount.fchmod(this.#fd(operation.slot), operation.mode));
      case "fchown":
        return done(mount.fchown(this.#fd(operation.slot), operation.uid >>> 0, operation.gid >>> 0));
      case "futimens": {
        const fd = this.#fd(operation.slot);
        return done(mount.futimens(fd, timeEdit(operation.atime), timeEdit(operation.mtime)));
      }
      case "fallocate": {
        const fd = this.#fd(operation.slot);
        return done(mount.fallocate(fd, operation.mode, operation.at, operation.length));
      }
      case "copyRange": {
        const from = this.#fd(operation.from);
        const to = this.#fd(operation.slot);
        return mount.copyRange(from, operation.fromAt, to, operation.at, operation.length);
      }
      case "fsync":
        return done(mount.fsync(this.#fd(operation.slot)));
      case "fdreaddir": {
        const fd = this.#fd(operation.slot);
        mount.lseek(fd, 0, SEEK_SET);
        const names = mount.getdents(fd, Number.MAX_SAFE_INTEGER).map(({ name }) => name);
        mount.lseek(fd, 0, SEEK_SET);
        return names.sort(compareNames);
      }
      case "linkfd":
        return done(mount.linkFile(this.#fd(operation.slot), operation.path));
      case "stat":
        return this.#describe(mount.stat(operation.path));
      case "lstat":
        return this.#describe(mount.lstat(operation.path));
      case "directoryLinks":
        return mount.lstat(operation.path).nlink;
      case "access":
        return done(mount.access(operation.path, operation.mode));
      case "readlink":
        return [mount.readlink(operation.path)];
      case "readdir":
        return this.#readdir(mount, operation.path);
      case "mkdir":
        return done(mount.mkdir(operation.path, operation.mode));
      case "rmdir":
        return done(mount.rmdir(operation.path));
      case "unlink":
        return done(mount.unlink(operation.path));
      case "rename":
        return done(mount.rename(operation.from, operation.path, operation.flags));
      case "link":
        return done(mount.link(operation.from, operation.path, { follow: operation.follow }));
      case "symlink":
        return done(mount.symlink(operation.target, operation.path));
      case "mknod": {
        const kind: Kind = kindOf(operation.mode) ?? "file";
        return done(mount.mknod(operation.path, kind, operation.mode & PERMISSION_BITS, operation.rdev));
      }
      case "chmod":
        return done(mount.chmod(operation.path, operation.mode));
      case "chown":
        return done(mount.chown(operation.path, operation.uid >>> 0, operation.gid >>> 0));
      case "lchown":
        return done(mount.lchown(operation.path, operation.uid >>> 0, operation.gid >>> 0));
      case "truncate":
        return done(mount.truncate(operation.path, operation.size));
      case "utimens": {
        const call = operation.follow ? mount.utimens : mount.lutimens;
        return done(call.call(mount, operation.path, timeEdit(operation.atime), timeEdit(operation.mtime)));
      }
      case "getxattr": {
        const { name } = operation;
        if ("slot" in operation) return [latin1(mount.getxattr(this.#fd(operation.slot), name))];
        const { path, follow } = operation;
        return [latin1(follow ? mount.getxattr(path, name) : mount.lgetxattr(path, name))];
      }
      case "listxattr": {
        if ("slot" in operation) return [mount.listxattr(this.#fd(operation.slot)).sort()];
        const { path, follow } = operation;
        return [(follow ? mount.listxattr(path) : mount.llistxattr(path)).sort()];
      }
      case "setxattr": {
        const { name, flags } = operation;
        const value = Buffer.from(operation.value, "latin1");
        if ("slot" in operation) return done(mount.setxattr(this.#fd(operation.slot), name, value, flags));
        const { path, follow } = operation;
        return done(
          follow ? mount.setxattr(path, name, value, flags) : mount.lsetxattr(path, name, value, flags),
        );
      }
      case "removexattr": {
        const { name } = operation;
        if ("slot" in operation) return done(mount.removexattr(this.#fd(operation.slot), name));
        const { path, follow } = operation;
        return done(follow ? mount.removexattr(path, name) : mount.lremovexattr(path, name));
      }
    }
  }

  /** Names in byte order; the kernel's own order is not a promise. */
  #readdir(mount: Mount, path: string): Result {
    return mount
      .readdir(path)
      .sort((a, b) => compareNames(a.name, b.name))
      .map((entry) => [
        entry.name,
        entry.kind === "directory",
        entry.kind === "symlink",
        this.#token(entry.ino),
      ]);
  }

  /** Whether what a slot has open lost its last name, and is of a kind if one is given. */
  isUnlinked(slot: number, kind?: Kind): boolean {
    const fd = this.#handles.get(slot);
    if (fd === undefined) return false;
    const { nlink, mode } = this.mount.fstat(fd);
    return nlink === 0 && (kind === undefined || kindOf(mode) === kind);
  }

  /** truncate(2) of a file of holes only to the size that it has, leaving its time; undefined for any other file. */
  truncateKeepingTime(operation: Extract<Operation, { call: "truncate" }>): Result | undefined {
    const [, , , , cwd = "/", root = "/"] = operation.as ?? ROOT_SPEC;
    const mount = this.mount.as({ cwd, root });
    const { size, blocks, mtime } = mount.stat(operation.path);
    if (size !== operation.size || blocks > 0) return undefined;
    const result = this.run(operation);
    mount.utimens(operation.path, "omit", mtime);
    return result;
  }

  /** Whether a seek for data passed over zeros only, or a seek for a hole found zeros or the end. */
  isTrueSeek(slot: number, at: number, whence: number, result: Result): boolean {
    const fd = this.#fd(slot);
    const bytes = new Uint8Array(this.mount.fstat(fd).size);
    // What is open for writing only cannot be read here, and need not be: other slots are.
    try {
      this.mount.read(fd, bytes, 0, bytes.length, 0);
    } catch (error) {
      return error instanceof PosixError && error.code === "EBADF";
    }
    if (whence === SEEK_HOLE) return result === bytes.length || bytes[Number(result)] === 0;
    return bytes.subarray(at, typeof result === "number" ? result : bytes.length).every((byte) => byte === 0);
  }

  /** Moves a descriptor to `position`, or to where it stood before a seek for data or a hole. */
  seekBack(slot: number, position = this.#before): void {
    this.mount.lseek(this.#fd(slot), position, SEEK_SET);
  }

  /** The merged view as `kernel/dump.py` gives it. */
  tree(): TreeLine[] {
    const out: TreeLine[] = [];
    this.#dump("/", out);
    return out;
  }

  #dump(path: string, out: TreeLine[]): void {
    const { mount } = this;
    const stat = mount.lstat(path);
    const kind = kindOf(stat.mode);
    let detail: number | string | null = null;
    if (kind === "file") detail = crc32(mount.readFile(path));
    else if (kind === "symlink") detail = mount.readlink(path);
    const names = mount.llistxattr(path).sort();
    const xattrs = Object.fromEntries(names.map((name) => [name, latin1(mount.lgetxattr(path, name))]));
    out.push([path, this.#describe(stat), detail, xattrs]);
    if (kind !== "directory") return;
    const children = mount.readdir(path).sort((a, b) => compareNames(a.name, b.name));
    for (const { name } of children) this.#dump(path === "/" ? `/${name}` : `${path}/${name}`, out);
  }
}

/** What a call without a result gives. */
function done<T>(_nothing: T): 0 {
  return 0;
}
