/**
 * What was changed in an unpacked directory, as a layer on its image (`unpack.ts`).
 *
 * The directory is laid over a mount of the image until both are equal, path by path; what the mount then
 * changed by value is the layer. So something that was written again as it was is no change. Bytes are
 * compared, times are not believed.
 */
import { resolve } from "node:path";
import { platform } from "#platform";
import type { HostDirectory, HostStat } from "../platform/host-types.ts";
import { type Kind, kindOf, PERMISSION_BITS } from "../posix/mode.ts";
import { joinPath } from "../posix/path.ts";
import { floorToSecond } from "../posix/time.ts";
import { StoreError } from "../store/errors.ts";
import type { Mount } from "../union/mount.ts";
import { O_CREAT, O_NOFOLLOW, O_RDONLY, O_TRUNC, O_WRONLY, type Stat } from "../union/types.ts";
import type { CommitOptions } from "./commit.ts";
import type { Image } from "./image.ts";
import type { Store } from "./store.ts";
import { hostMode, readUnpacked } from "./unpack.ts";

const CHUNK = 256 * 1024;

function kindOfHost({ mode }: HostStat): Kind {
  return kindOf(mode) ?? "file";
}

class Overlay {
  readonly #mount: Mount;
  readonly #host: HostDirectory;
  readonly #directory: string;
  readonly #root: boolean;
  /** The first path of each host inode of several names. */
  readonly #linked = new Map<string, string>();

  constructor(mount: Mount, host: HostDirectory, directory: string, root: boolean) {
    this.#mount = mount;
    this.#host = host;
    this.#directory = directory;
    this.#root = root;
  }

  /** Where a path of the image is on the machine. */
  #at(path: string): string {
    return path === "/" ? this.#directory : `${this.#directory}${path}`;
  }

  directory(path: string): void {
    const names = new Set(this.#host.list(this.#at(path)));
    for (const { name } of this.#mount.readdir(path)) {
      if (!names.has(name)) this.#remove(joinPath(path, name));
    }
    for (const name of [...names].sort()) this.#entry(joinPath(path, name));
    this.#attributes(path, this.#host.stat(this.#at(path)));
  }

  #remove(path: string): void {
    if (kindOf(this.#mount.lstat(path).mode) !== "directory") {
      this.#mount.unlink(path);
      return;
    }
    for (const { name } of this.#mount.readdir(path)) this.#remove(joinPath(path, name));
    this.#mount.rmdir(path);
  }

  #before(path: string): Stat | undefined {
    try {
      return this.#mount.lstat(path);
    } catch {
      return undefined;
    }
  }

  #entry(path: string): void {
    const stat = this.#host.stat(this.#at(path));
    const kind = kindOfHost(stat);
    if (kind === "socket") return;
    let before = this.#before(path);
    if (before !== undefined && this.#standsFor(before, stat)) return;
    if (before !== undefined && kindOf(before.mode) !== kind) {
      this.#remove(path);
      before = undefined;
    }
    if (kind === "directory") {
      if (before === undefined) this.#mount.mkdir(path);
      this.directory(path);
      return;
    }
    if (stat.links > 1 && this.#link(path, stat, before)) return;
    if (before !== undefined && before.nlink > 1 && stat.links === 1) {
      // It was one of several names of a file, and is a file of its own now.
      this.#mount.unlink(path);
      before = undefined;
    }
    this.#content(path, kind, stat, before);
    this.#attributes(path, stat, before === undefined);
  }

  /** Whether an empty file is what could not be made of the image's device. */
  #standsFor(before: Stat, stat: HostStat): boolean {
    const kind = kindOf(before.mode);
    const special = kind === "char" || kind === "block" || kind === "fifo";
    return special && kindOfHost(stat) === "file" && stat.size === 0;
  }

  /** Makes a later name of an inode one with its first. @returns false for a first name */
  #link(path: string, stat: HostStat, before: Stat | undefined): boolean {
    const first = this.#linked.get(stat.identity);
    if (first === undefined) {
      this.#linked.set(stat.identity, path);
      return false;
    }
    if (before?.ino === this.#mount.lstat(first).ino) return true;
    if (before !== undefined) this.#mount.unlink(path);
    this.#mount.link(first, path);
    return true;
  }

  #content(path: string, kind: Kind, stat: HostStat, before: Stat | undefined): void {
    if (kind === "symlink") {
      const target = this.#host.target(this.#at(path));
      if (before !== undefined && this.#mount.readlink(path) === target) return;
      if (before !== undefined) this.#mount.unlink(path);
      this.#mount.symlink(target, path);
    } else if (kind === "file") {
      if (before === undefined || !this.#sameBytes(path, stat)) this.#copy(path, stat);
    } else if (before === undefined || before.rdev !== stat.rdev) {
      if (before !== undefined) this.#mount.unlink(path);
      this.#mount.mknod(path, kind, stat.mode & PERMISSION_BITS, stat.rdev);
    }
  }

  #read(source: ReturnType<HostDirectory["open"]>, into: Uint8Array, at: number, path: string): number {
    const count = source.read(into, 0, into.length, at);
    if (count < 0) throw new StoreError("source", `${path} cannot be read, or changed while it was`);
    return count;
  }

  #sameBytes(path: string, stat: HostStat): boolean {
    if (this.#mount.lstat(path).size !== stat.size) return false;
    const source = this.#host.open(this.#at(path), stat);
    const fd = this.#mount.open(path, O_RDONLY | O_NOFOLLOW);
    const [ours, theirs] = [Buffer.alloc(CHUNK), Buffer.alloc(CHUNK)];
    try {
      for (let at = 0; ; ) {
        const count = this.#read(source, theirs, at, path);
        if (this.#mount.read(fd, ours, 0, CHUNK, at) !== count) return false;
        if (count === 0) return true;
        if (!ours.subarray(0, count).equals(theirs.subarray(0, count))) return false;
        at += count;
      }
    } finally {
      this.#mount.close(fd);
      source.close();
    }
  }

  #copy(path: string, stat: HostStat): void {
    const source = this.#host.open(this.#at(path), stat);
    const fd = this.#mount.open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0o600);
    const chunk = new Uint8Array(CHUNK);
    try {
      for (let at = 0; ; ) {
        const count = this.#read(source, chunk, at, path);
        if (count === 0) return;
        for (let done = 0; done < count; )
          done += this.#mount.write(fd, chunk, done, count - done, at + done);
        at += count;
      }
    } finally {
      this.#mount.close(fd);
      source.close();
    }
  }

  #attributes(path: string, stat: HostStat, isNew = false): void {
    const kind = kindOfHost(stat);
    const now = this.#mount.lstat(path);
    if (this.#root && (now.uid !== stat.uid || now.gid !== stat.gid)) {
      this.#mount.lchown(path, stat.uid, stat.gid);
    }
    const bits = stat.mode & PERMISSION_BITS;
    const expected = hostMode(now.mode, kind, this.#root);
    if (kind !== "symlink" && (isNew || expected !== bits)) this.#mount.chmod(path, bits);
    if (floorToSecond(this.#mount.lstat(path).mtime) !== floorToSecond(stat.mtime)) {
      this.#mount.lutimens(path, stat.mtime, stat.mtime);
    }
  }
}

/**
 * A new image: the one that a directory was unpacked from, with a layer of what was changed there since.
 * @throws StoreError (`source`, `no-such-image`), ArchiveError for what a layer cannot hold
 */
export async function repackDirectory(
  store: Store,
  directory: string,
  options: CommitOptions,
): Promise<Image> {
  const record = readUnpacked(directory);
  const open = platform.hostDirectory;
  if (open === undefined) throw new StoreError("invalid", "directories cannot be read on this platform");
  const image = await store.imageOf(record.image);
  const mount = await image.mount();
  const host = open(directory);
  try {
    new Overlay(mount, host, resolve(directory), record.root).directory("/");
    return await image.commit(mount, options);
  } finally {
    host.close();
    mount.unmount();
  }
}
