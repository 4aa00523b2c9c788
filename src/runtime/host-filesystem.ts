/**
 * A directory of the host, or one file of it, as a filesystem to attach to a mount.
 *
 * The mount walks paths and reads symlinks itself, so a link in the directory leads within the mount,
 * never out on the host; here only single names below known directories are used, and files are opened
 * without following links. Whoever else writes to the directory at the same time can still move a
 * parent out from under a name between two calls: attach nothing that an adversary is changing.
 *
 * What Node cannot do fails with EOPNOTSUPP: extended attributes, device nodes and fifos, exchanging
 * names. Ownership changes need the host's permission.
 */
import * as fs from "node:fs";
import { resolve } from "node:path";
import { type ErrorCode, errno } from "../posix/errno.ts";
import { type Kind, kindOf, PERMISSION_BITS } from "../posix/mode.ts";
import { nameFromBytes, nameToBytes } from "../posix/names.ts";
import { type Nanoseconds, toMilliseconds } from "../posix/time.ts";
import type { Source } from "../union/attach.ts";
import type {
  Access,
  AttributeEdit,
  DirectoryEntry,
  Filesystem,
  NewInode,
  RenameMode,
  Totals,
} from "../union/filesystem.ts";
import type { Stat } from "../union/types.ts";
import { newDevice } from "../union/union-filesystem.ts";

/** A host directory or file, to be attached: `mount.attach("/work", hostSource("./project"))`. */
export function hostSource(path: string, options: { readonly readOnly?: boolean } = {}): Source {
  return { filesystem: new HostFilesystem(resolve(path), options.readOnly ?? false) };
}

/** An inode by the name it was last seen with. */
interface Known {
  parent: number;
  name: string;
}

interface OpenFile {
  fd: number;
  writable: boolean;
  count: number;
}

const ROOT = 0;

class HostFilesystem implements Filesystem {
  readonly device = newDevice();
  readonly readOnly: boolean;
  readonly root = ROOT;
  readonly #base: Buffer;
  readonly #known = new Map<number, Known>([[ROOT, { parent: ROOT, name: "" }]]);
  readonly #ids = new Map<string, number>();
  readonly #open = new Map<number, OpenFile>();

  constructor(path: string, readOnly: boolean) {
    this.#base = Buffer.from(path);
    this.readOnly = readOnly;
    this.#ids.set(keyOf(fs.lstatSync(path, { bigint: true })), ROOT);
  }

  #path(id: number): Buffer {
    const parts: Buffer[] = [];
    for (let at = id; at !== ROOT; ) {
      const known = this.#known.get(at);
      if (known === undefined) break;
      parts.unshift(Buffer.from(nameToBytes(known.name)));
      at = known.parent;
    }
    return parts.reduce((path, part) => Buffer.concat([path, SLASH, part]), this.#base);
  }

  #child(directory: number, name: string): Buffer {
    return Buffer.concat([this.#path(directory), SLASH, Buffer.from(nameToBytes(name))]);
  }

  #lstat(id: number): fs.BigIntStats | undefined {
    const file = this.#open.get(id);
    if (file !== undefined) return fs.fstatSync(file.fd, { bigint: true });
    return fs.lstatSync(this.#path(id), { bigint: true, throwIfNoEntry: false });
  }

  #remember(directory: number, name: string, stat: fs.BigIntStats): number {
    const key = keyOf(stat);
    const id = this.#ids.get(key) ?? this.#known.size;
    this.#ids.set(key, id);
    if (id !== ROOT) this.#known.set(id, { parent: directory, name });
    return id;
  }

  lookup(directory: number, name: string): number {
    return attempt(() => {
      const stat = fs.lstatSync(this.#child(directory, name), { bigint: true, throwIfNoEntry: false });
      return stat === undefined ? -errno.ENOENT : this.#remember(directory, name, stat);
    });
  }

  parent(directory: number): number {
    return this.#known.get(directory)?.parent ?? ROOT;
  }

  list(directory: number): DirectoryEntry[] {
    const entries: DirectoryEntry[] = [];
    for (const name of fs.readdirSync(this.#path(directory), { encoding: "buffer" })) {
      const text = nameFromBytes(name);
      const id = this.lookup(directory, text);
      if (id >= 0) entries.push({ name: text, id, kind: this.kind(id) });
    }
    return entries;
  }

  isEmpty(directory: number): boolean {
    return fs.readdirSync(this.#path(directory)).length === 0;
  }

  isAttached(directory: number): boolean {
    return this.#lstat(directory) !== undefined;
  }

  kind(id: number): Kind {
    const stat = this.#lstat(id);
    return (stat === undefined ? undefined : kindOf(Number(stat.mode))) ?? "file";
  }

  number(id: number): number {
    return Number(this.#lstat(id)?.ino ?? 0n);
  }

  access(id: number): Access {
    const stat = this.#lstat(id);
    if (stat === undefined) return { kind: "file", mode: 0, uid: 0, gid: 0 };
    const mode = Number(stat.mode);
    return {
      kind: kindOf(mode) ?? "file",
      mode: mode & PERMISSION_BITS,
      uid: Number(stat.uid),
      gid: Number(stat.gid),
    };
  }

  stat(id: number): Stat {
    const stat = this.#lstat(id);
    if (stat === undefined) return GONE;
    return {
      dev: this.device,
      ino: Number(stat.ino),
      mode: Number(stat.mode),
      nlink: Number(stat.nlink),
      uid: Number(stat.uid),
      gid: Number(stat.gid),
      rdev: Number(stat.rdev),
      size: Number(stat.size),
      blksize: Number(stat.blksize),
      blocks: Number(stat.blocks),
      atime: stat.atimeNs,
      mtime: stat.mtimeNs,
      ctime: stat.ctimeNs,
      birthtime: stat.birthtimeNs,
    };
  }

  totals(): Totals {
    const { bsize, blocks, bavail, files, ffree } = fs.statfsSync(this.#base);
    return { blockSize: bsize, blocks, freeBlocks: bavail, files, freeFiles: ffree };
  }

  readlink(id: number): string {
    return nameFromBytes(fs.readlinkSync(this.#path(id), { encoding: "buffer" }));
  }

  make(directory: number, name: string, inode: NewInode): number {
    return attempt(() => {
      const path = this.#child(directory, name);
      switch (inode.kind) {
        case "directory":
          fs.mkdirSync(path, inode.mode);
          break;
        case "file":
          fs.closeSync(
            fs.openSync(path, fs.constants.O_CREAT | fs.constants.O_EXCL | fs.constants.O_WRONLY, inode.mode),
          );
          break;
        case "symlink":
          fs.symlinkSync(Buffer.from(nameToBytes(inode.target ?? "")), path);
          break;
        default:
          return -errno.EOPNOTSUPP;
      }
      if (inode.kind !== "symlink") fs.chmodSync(path, inode.mode);
      own(path, inode.uid, inode.gid);
      return this.lookup(directory, name);
    });
  }

  makeAnonymous(): number {
    return -errno.EOPNOTSUPP;
  }

  link(id: number, directory: number, name: string): number {
    return attempt(() => {
      fs.linkSync(this.#path(id), this.#child(directory, name));
      return 0;
    });
  }

  unlink(directory: number, name: string): number {
    return attempt(() => {
      fs.unlinkSync(this.#child(directory, name));
      return 0;
    });
  }

  rmdir(directory: number, name: string): number {
    return attempt(() => {
      fs.rmdirSync(this.#child(directory, name));
      return 0;
    });
  }

  rename(from: number, name: string, to: number, newName: string, mode: RenameMode): number {
    if (mode === "exchange") return -errno.EOPNOTSUPP;
    return attempt(() => {
      const id = this.lookup(from, name);
      fs.renameSync(this.#child(from, name), this.#child(to, newName));
      if (id > ROOT) this.#known.set(id, { parent: to, name: newName });
      return 0;
    });
  }

  setAttributes(id: number, edit: AttributeEdit): number {
    return attempt(() => {
      const path = this.#path(id);
      const stat = fs.lstatSync(path, { bigint: true });
      if (edit.uid !== undefined || edit.gid !== undefined) {
        fs.lchownSync(path, edit.uid ?? Number(stat.uid), edit.gid ?? Number(stat.gid));
      }
      if (edit.mode !== undefined && !stat.isSymbolicLink()) fs.chmodSync(path, edit.mode);
      if (edit.atime !== undefined || edit.mtime !== undefined) {
        fs.lutimesSync(path, inSeconds(edit.atime ?? stat.atimeNs), inSeconds(edit.mtime ?? stat.mtimeNs));
      }
      return 0;
    });
  }

  getXattr(): undefined {
    return undefined;
  }

  listXattrs(): string[] {
    return [];
  }

  setXattr(): number {
    return -errno.EOPNOTSUPP;
  }

  removeXattr(): number {
    return -errno.ENODATA;
  }

  open(id: number, write: boolean): number {
    return attempt(() => {
      const file = this.#open.get(id);
      if (file !== undefined && (file.writable || !write)) {
        file.count += 1;
        return 0;
      }
      if (this.kind(id) !== "file") return 0;
      const flags = (write ? fs.constants.O_RDWR : fs.constants.O_RDONLY) | fs.constants.O_NOFOLLOW;
      const fd = fs.openSync(this.#path(id), flags);
      if (file !== undefined) fs.closeSync(file.fd);
      this.#open.set(id, { fd, writable: write, count: (file?.count ?? 0) + 1 });
      return 0;
    });
  }

  close(id: number): void {
    const file = this.#open.get(id);
    if (file === undefined) return;
    file.count -= 1;
    if (file.count > 0) return;
    this.#open.delete(id);
    fs.closeSync(file.fd);
  }

  /** Runs with a descriptor of a file, opened for the moment where it is not open. */
  #withFile(id: number, write: boolean, run: (fd: number) => number): number {
    const opened = this.open(id, write);
    if (opened < 0) return opened;
    const file = this.#open.get(id);
    const result = file === undefined ? -errno.EINVAL : attempt(() => run(file.fd));
    this.close(id);
    return result;
  }

  size(id: number): number {
    return Number(this.#lstat(id)?.size ?? 0n);
  }

  read(id: number, target: Uint8Array, offset: number, length: number, position: number): number {
    return this.#withFile(id, false, (fd) => fs.readSync(fd, target, offset, length, position));
  }

  write(id: number, source: Uint8Array, offset: number, length: number, position: number): number {
    return this.#withFile(id, true, (fd) => fs.writeSync(fd, source, offset, length, position));
  }

  truncate(id: number, size: number): number {
    return this.#withFile(id, true, (fd) => {
      fs.ftruncateSync(fd, size);
      return 0;
    });
  }

  allocate(
    id: number,
    start: number,
    end: number,
    how: "reserve" | "punch" | "zero",
    keepSize: boolean,
  ): number {
    return this.#withFile(id, true, (fd) => {
      const size = Number(fs.fstatSync(fd).size);
      if (how !== "reserve") {
        const stop = keepSize ? Math.min(end, size) : end;
        for (let at = start; at < stop; at += ZEROS.length)
          fs.writeSync(fd, ZEROS, 0, Math.min(ZEROS.length, stop - at), at);
      }
      if (!keepSize && end > size) fs.ftruncateSync(fd, end);
      return 0;
    });
  }

  copyRange(from: number, fromPosition: number, to: number, toPosition: number, length: number): number {
    const buffer = new Uint8Array(Math.min(length, 1 << 20));
    let done = 0;
    while (done < length) {
      const read = this.read(from, buffer, 0, Math.min(buffer.length, length - done), fromPosition + done);
      if (read <= 0) return done > 0 ? done : read;
      const written = this.write(to, buffer, 0, read, toPosition + done);
      if (written <= 0) return done > 0 ? done : written;
      done += written;
    }
    return done;
  }

  seek(id: number, position: number, whence: "data" | "hole"): number {
    return whence === "data" ? position : this.size(id);
  }

  async prepare(): Promise<void> {
    // A host file is always local.
  }

  sync(): void {
    for (const { fd, writable } of this.#open.values()) if (writable) fs.fsyncSync(fd);
  }
}

const SLASH = Buffer.from("/");
const ZEROS = new Uint8Array(64 * 1024);

/** What `stat` tells of an inode that someone else removed. */
const GONE: Stat = {
  dev: 0,
  ino: 0,
  mode: 0,
  nlink: 0,
  uid: 0,
  gid: 0,
  rdev: 0,
  size: 0,
  blksize: 4096,
  blocks: 0,
  atime: 0n,
  mtime: 0n,
  ctime: 0n,
  birthtime: 0n,
};

function keyOf(stat: fs.BigIntStats): string {
  return `${stat.dev}:${stat.ino}`;
}

function inSeconds(time: Nanoseconds): number {
  return toMilliseconds(time) / 1000;
}

/** Gives a new file its owner where the host lets us; an ordinary user's files are its own. */
function own(path: Buffer, uid: number, gid: number): void {
  if (process.getuid?.() === 0) fs.lchownSync(path, uid, gid);
}

/** Runs a call of Node's and turns what it throws into a negated error number. */
function attempt(run: () => number): number {
  try {
    return run();
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code as ErrorCode | undefined;
    const number = code === undefined ? undefined : errno[code];
    if (number === undefined) throw error;
    return -number;
  }
}
