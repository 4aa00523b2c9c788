/**
 * The files of a mount in a directory of the host, and the way back of what a process changed there.
 *
 * Whether something changed is told by the kernel: every change of an inode moves its time of change, which
 * no program sets. What changed is taken over whole; what is gone goes. Where not even root is mapped but
 * one user (an unprivileged user namespace), owners cannot be given: files keep those they have in the
 * mount, and new ones are root's; devices are then not laid out, and so stay as they are.
 */
import { spawn } from "node:child_process";
import * as fs from "node:fs";
import { pipeline } from "node:stream/promises";
import { platform } from "#platform";
import { PosixError } from "../../posix/errno.ts";
import { kindOf, PERMISSION_BITS } from "../../posix/mode.ts";
import { nameFromBytes, nameToBytes } from "../../posix/names.ts";
import { joinPath } from "../../posix/path.ts";
import { EMPTY_CONTENT } from "../../tree/content.ts";
import { type Inode, NO_XATTRS } from "../../tree/inode.ts";
import type { Mount } from "../../union/mount.ts";
import { O_CREAT, O_TRUNC, O_WRONLY } from "../../union/types.ts";
import { setAttributes } from "../../union/whole-inode.ts";
import { hasName } from "../copy-tree.ts";
import { ExecutorError } from "../executor.ts";
import { archiveOf } from "../mount-archive.ts";

/** What of the host is shown in place of the mount's own; what is there is nobody's change. */
export const HOST_PARTS: ReadonlySet<string> = new Set(["/dev", "/proc", "/sys"]);
const CHUNK = 1024 * 1024;

export interface LayOutOptions {
  /** A directory of the host that is there and empty. */
  readonly directory: string;
  /** Whether owners can be given and devices made. */
  readonly owners: boolean;
  /** What commands run under: nothing, or a user namespace. */
  readonly wrapper: readonly string[];
}

/** What is known of a name of the host. */
type Seen = fs.BigIntStats;

function bytesOf(directory: string, path: string): Buffer {
  return Buffer.concat([Buffer.from(directory), Buffer.from(nameToBytes(path))]);
}

function isInside(path: string): boolean {
  for (const part of HOST_PARTS) if (path.startsWith(`${part}/`)) return true;
  return false;
}

/** Every name in a directory, those above others first. */
function scan(directory: string): Map<string, Seen> {
  const found = new Map<string, Seen>();
  const pending = ["/"];
  for (let at = pending.pop(); at !== undefined; at = pending.pop()) {
    const stats = fs.lstatSync(bytesOf(directory, at), { bigint: true });
    found.set(at, stats);
    if (!stats.isDirectory() || HOST_PARTS.has(at)) continue;
    for (const name of fs.readdirSync(bytesOf(directory, at), { encoding: "buffer" }))
      pending.push(joinPath(at, nameFromBytes(name)));
  }
  return found;
}

async function unpack(mount: Mount, options: LayOutOptions): Promise<void> {
  const { directory, owners, wrapper } = options;
  const omits = (path: string) => {
    if (isInside(path)) return true;
    const kind = kindOf(mount.lstat(path).mode);
    return !owners && (kind === "char" || kind === "block");
  };
  const flags = owners
    ? ["--same-owner", "--xattrs-include=*"]
    : ["--no-same-owner", "--xattrs-include=user.*"];
  const line = [
    "tar",
    "-x",
    "-p",
    "--numeric-owner",
    "--xattrs",
    "--warning=none",
    ...flags,
    "-C",
    directory,
    "-f",
    "-",
  ];
  const [program = "", ...args] = [...wrapper, ...line];
  const tar = spawn(program, args, { stdio: ["pipe", "ignore", "pipe"] });
  const errors: Buffer[] = [];
  tar.stderr.on("data", (chunk: Buffer) => errors.push(chunk));
  const ended = new Promise<number | null>((resolve, reject) => {
    tar.on("error", reject);
    tar.on("close", resolve);
  });
  const [status, written] = await Promise.allSettled([
    ended,
    pipeline(archiveOf(mount, "/", "", omits).stream(), tar.stdin),
  ]);
  if (status.status === "fulfilled" && status.value === 0) return;
  const said = Buffer.concat(errors).toString().trim().split("\n")[0];
  const cause =
    status.status === "rejected" ? status.reason : written.status === "rejected" ? written.reason : undefined;
  throw new ExecutorError(`the files cannot be laid out for a real process: ${said || String(cause)}`, {
    cause,
  });
}

export class LaidOut {
  readonly #mount: Mount;
  readonly #options: LayOutOptions;
  readonly #before: ReadonlyMap<string, Seen>;

  private constructor(mount: Mount, options: LayOutOptions) {
    this.#mount = mount;
    this.#options = options;
    this.#before = scan(options.directory);
  }

  /** @param mount as root sees it */
  static async make(mount: Mount, options: LayOutOptions): Promise<LaidOut> {
    await unpack(mount, options);
    // The archive does not tell of a plain root.
    const { mode } = mount.stat("/");
    fs.chmodSync(options.directory, mode & PERMISSION_BITS);
    return new LaidOut(mount, options);
  }

  /** Does to the mount what was done to the directory. What was written into read-only parts is dropped. */
  takeBack(): void {
    const after = scan(this.#options.directory);
    const gone = [...this.#before.keys()].filter((path) => !after.has(path)).reverse();
    for (const path of gone) this.#attempt(() => this.#remove(path));
    const changed = [...after].filter(
      ([path, seen]) => !this.#isSame(path, seen) && kindOf(Number(seen.mode)) !== "socket",
    );
    if (changed.length === 0) return;
    const xattrs = this.#xattrs();
    const first = new Map<bigint, string>();
    const directories: [string, Inode][] = [];
    for (const [path, seen] of changed) {
      const inode = this.#inodeOf(path, seen, xattrs);
      this.#attempt(() => this.#put(path, seen, inode, first));
      if (inode.kind === "directory") directories.push([path, inode]);
    }
    // Last, because what was made in them moved their times.
    for (const [path, inode] of directories.reverse())
      this.#attempt(() => setAttributes(this.#mount, path, inode));
  }

  #isSame(path: string, seen: Seen): boolean {
    const before = this.#before.get(path);
    return HOST_PARTS.has(path) || (before?.ino === seen.ino && before.ctimeNs === seen.ctimeNs);
  }

  #attempt(change: () => void): void {
    try {
      change();
    } catch (error) {
      // What is attached to be read only, or is in use as a point where something is attached.
      if (!(error instanceof PosixError && /^(EROFS|EBUSY)$/.test(error.code))) throw error;
    }
  }

  #remove(path: string): void {
    const mount = this.#mount;
    if (!hasName({ mount, path })) return;
    if (kindOf(mount.lstat(path).mode) !== "directory") {
      mount.unlink(path);
      return;
    }
    for (const { name } of mount.readdir(path)) this.#remove(joinPath(path, name));
    mount.rmdir(path);
  }

  #xattrs(): (path: string) => Inode["xattrs"] {
    const read = platform.hostDirectory?.(this.#options.directory).xattrs();
    const known = read === undefined || "unavailable" in read ? undefined : read;
    return (path) => {
      if (known !== undefined) return known.get(path === "/" ? "." : path.slice(1)) ?? NO_XATTRS;
      const there = hasName({ mount: this.#mount, path }) ? this.#mount.inode(path) : undefined;
      return there?.xattrs ?? NO_XATTRS;
    };
  }

  #inodeOf(path: string, seen: Seen, xattrsOf: (path: string) => Inode["xattrs"]): Inode {
    const { directory, owners } = this.#options;
    const kind = kindOf(Number(seen.mode));
    const there = owners || !hasName({ mount: this.#mount, path }) ? undefined : this.#mount.lstat(path);
    const attributes = {
      mode: Number(seen.mode) & PERMISSION_BITS,
      uid: owners ? Number(seen.uid) : (there?.uid ?? 0),
      gid: owners ? Number(seen.gid) : (there?.gid ?? 0),
      mtime: seen.mtimeNs,
      xattrs: xattrsOf(path),
    };
    switch (kind) {
      case "symlink": {
        const target = fs.readlinkSync(bytesOf(directory, path), { encoding: "buffer" });
        return { ...attributes, kind, target: nameFromBytes(target) };
      }
      case "char":
      case "block":
        return { ...attributes, kind, rdev: Number(seen.rdev) };
      case "directory":
      case "fifo":
      case "socket":
        return { ...attributes, kind };
      default:
        return { ...attributes, kind: "file", content: EMPTY_CONTENT };
    }
  }

  #put(path: string, seen: Seen, inode: Inode, first: Map<bigint, string>): void {
    const mount = this.#mount;
    const known = first.get(seen.ino);
    if (known !== undefined) {
      if (hasName({ mount, path })) {
        if (mount.lstat(path).ino === mount.lstat(known).ino) return;
        this.#remove(path);
      }
      mount.link(known, path);
      return;
    }
    if (seen.nlink > 1n && inode.kind !== "directory") first.set(seen.ino, path);
    const there = hasName({ mount, path }) ? mount.lstat(path) : undefined;
    const inPlace =
      there !== undefined &&
      kindOf(there.mode) === inode.kind &&
      (inode.kind === "directory" || (inode.kind === "file" && this.#before.get(path)?.ino === seen.ino));
    if (!inPlace) {
      if (there !== undefined) this.#replaceable(path, inode);
      if (!hasName({ mount, path })) mount.put(path, inode);
    }
    if (inode.kind === "file" && !this.#hasBytes(path, seen)) this.#write(path);
    setAttributes(mount, path, inode);
  }

  /** Takes away what is to be replaced; a file that is attached stays and is written into. */
  #replaceable(path: string, inode: Inode): void {
    try {
      this.#remove(path);
    } catch (error) {
      if (!(inode.kind === "file" && error instanceof PosixError && error.code === "EBUSY")) throw error;
    }
  }

  /** Whether a file of the mount has the bytes that its name has on the host. */
  #hasBytes(path: string, seen: Seen): boolean {
    const mount = this.#mount;
    if (BigInt(mount.lstat(path).size) !== seen.size) return false;
    const { content } = mount.inode(path) as Extract<Inode, { kind: "file" }>;
    const fd = fs.openSync(bytesOf(this.#options.directory, path), "r");
    try {
      const [ours, theirs] = [new Uint8Array(CHUNK), new Uint8Array(CHUNK)];
      for (let at = 0; at < content.size; at += CHUNK) {
        const length = Math.min(CHUNK, content.size - at);
        content.read(ours, 0, length, at);
        fs.readSync(fd, theirs, 0, length, at);
        if (Buffer.compare(ours.subarray(0, length), theirs.subarray(0, length)) !== 0) return false;
      }
      return true;
    } finally {
      fs.closeSync(fd);
    }
  }

  #write(path: string): void {
    const mount = this.#mount;
    const from = fs.openSync(bytesOf(this.#options.directory, path), "r");
    const to = mount.open(path, O_WRONLY | O_CREAT | O_TRUNC);
    try {
      const chunk = new Uint8Array(CHUNK);
      for (let read = fs.readSync(from, chunk); read > 0; read = fs.readSync(from, chunk))
        for (let at = 0; at < read; ) at += mount.write(to, chunk.subarray(0, read), at);
    } finally {
      mount.close(to);
      fs.closeSync(from);
    }
  }
}
