/**
 * Directories of the machine itself, on Node.
 *
 * Node cannot read extended attributes, so one run of getfattr(1) (Debian: attr) reads those of a whole
 * tree. It gets the directory as an open descriptor, since an argument could not carry a name that is no
 * UTF-8.
 */
import { spawnSync } from "node:child_process";
import {
  type BigIntStats,
  closeSync,
  constants,
  existsSync,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  readlinkSync,
  readSync,
} from "node:fs";
import { type ErrorCode, errno } from "../posix/errno.ts";
import { S_IFMT } from "../posix/mode.ts";
import { nameFromBytes, nameToBytes } from "../posix/names.ts";
import type { HostDirectory, HostStat, HostXattrs } from "./host-types.ts";
import type { RandomAccess } from "./types.ts";

function bytesOf(path: string): Buffer {
  const bytes = nameToBytes(path);
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function toHostStat(stat: BigIntStats): HostStat {
  return {
    mode: Number(stat.mode),
    uid: Number(stat.uid),
    gid: Number(stat.gid),
    size: Number(stat.size),
    rdev: Number(stat.rdev),
    mtime: stat.mtimeNs,
    ctime: stat.ctimeNs,
    links: Number(stat.nlink),
    identity: `${stat.dev}:${stat.ino}`,
  };
}

/** A regular file that was put in place of another may be anything by then: a fifo must not make this wait. */
const OPEN_FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** Of many files, at most one open: reading in order opens and closes each once. */
class OpenFile {
  #path: string | undefined;
  #fd = -1;

  read(
    path: string,
    expected: HostStat,
    target: Uint8Array,
    offset: number,
    length: number,
    position: number,
  ) {
    try {
      if (this.#path !== path && !this.#open(path, expected)) return -errno.ESTALE;
      const count = Math.min(length, expected.size - position);
      let done = 0;
      while (done < count) {
        const got = readSync(this.#fd, target, offset + done, count - done, position + done);
        if (got === 0) return this.#stale();
        done += got;
      }
      if (position + done < expected.size) return done;
      // All of it was read: was it all of one moment?
      const unchanged = this.#isUnchanged(expected);
      this.close();
      return unchanged ? done : -errno.ESTALE;
    } catch (error) {
      this.close();
      return -(errno[(error as NodeJS.ErrnoException).code as ErrorCode] ?? errno.EIO);
    }
  }

  #open(path: string, expected: HostStat): boolean {
    this.close();
    this.#fd = openSync(bytesOf(path), OPEN_FLAGS);
    this.#path = path;
    if (this.#isUnchanged(expected)) return true;
    this.close();
    return false;
  }

  #isUnchanged(expected: HostStat): boolean {
    const { identity, size, mtime, mode } = toHostStat(fstatSync(this.#fd, { bigint: true }));
    return (
      identity === expected.identity &&
      size === expected.size &&
      mtime === expected.mtime &&
      (mode & S_IFMT) === (expected.mode & S_IFMT)
    );
  }

  #stale(): number {
    this.close();
    return -errno.ESTALE;
  }

  close(): void {
    if (this.#fd >= 0) closeSync(this.#fd);
    this.#fd = -1;
    this.#path = undefined;
  }
}

/** Undoes `\ooo`, by which getfattr spells what would end a name. */
function unquoted(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  );
}

/** The string form of a name that was read byte by byte as Latin-1. */
function nameOf(latin1: string): string {
  return nameFromBytes(Buffer.from(unquoted(latin1), "latin1"));
}

const DESCRIPTORS = "/proc/self/fd";
/** Where the directory is in getfattr's view: its fourth descriptor. */
const ROOT = `${DESCRIPTORS}/3/.`;
const HEADING = `# file: ${ROOT}`;

/** Reads what getfattr prints: a heading with the path, then `name=0xHEX` lines, then a blank one. */
function parseXattrs(output: Buffer): HostXattrs {
  const found = new Map<string, Map<string, Uint8Array>>();
  let current = new Map<string, Uint8Array>();
  for (let at = 0; at < output.length; ) {
    const newline = output.indexOf(0x0a, at);
    const line = output.toString("latin1", at, newline < 0 ? output.length : newline);
    at = newline < 0 ? output.length : newline + 1;
    if (line.startsWith(HEADING)) {
      current = new Map();
      const path = nameOf(line.slice(HEADING.length + 1));
      found.set(path === "" ? "." : path, current);
    } else if (line !== "") {
      const equals = line.indexOf("=");
      const name = equals < 0 ? line : line.slice(0, equals);
      const hex = equals < 0 ? "" : line.slice(equals + 3);
      current.set(nameOf(name), Uint8Array.from(Buffer.from(hex, "hex")));
    }
  }
  return found;
}

/** The first complaint that is not about a filesystem without extended attributes. */
function complaintOf(messages: Buffer): string | undefined {
  return messages
    .toString("latin1")
    .split("\n")
    .find((line) => line !== "" && !line.endsWith(": Operation not supported"));
}

/** All names of all namespaces, of links themselves, never through a link. */
const GETFATTR_OPTIONS = [
  "--recursive",
  "--physical",
  "--no-dereference",
  "--dump",
  "--match=-",
  "--encoding=hex",
  "--absolute-names",
];

function readXattrs(path: string): HostXattrs | { unavailable: string } {
  if (!existsSync(DESCRIPTORS)) return { unavailable: `${DESCRIPTORS} is not there` };
  const directory = openSync(bytesOf(path), constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    const { error, status, stdout, stderr } = spawnSync("getfattr", GETFATTR_OPTIONS.concat("--", ROOT), {
      stdio: ["ignore", "pipe", "pipe", directory],
      env: { PATH: process.env.PATH, LC_ALL: "C" },
      maxBuffer: Number.POSITIVE_INFINITY,
    });
    if (error !== undefined) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === "ENOENT")
        return { unavailable: "getfattr is not installed (Debian: apt-get install attr)" };
      throw error;
    }
    const complaint = complaintOf(stderr);
    if (complaint !== undefined) throw new Error(nameOf(complaint).replaceAll(ROOT, path));
    if (status !== 0 && stderr.length === 0) throw new Error(`getfattr ended with status ${status}`);
    return parseXattrs(stdout);
  } finally {
    closeSync(directory);
  }
}

/** A directory of the machine, to be read. Nothing is opened yet. */
export function hostDirectory(root: string): HostDirectory {
  const opened = new OpenFile();
  return {
    stat: (path) => toHostStat(lstatSync(bytesOf(path), { bigint: true })),
    list: (path) => readdirSync(bytesOf(path), { encoding: "buffer" }).map((name) => nameFromBytes(name)),
    target: (path) => nameFromBytes(readlinkSync(bytesOf(path), { encoding: "buffer" })),
    checkReadable: (path) => closeSync(openSync(bytesOf(path), OPEN_FLAGS)),
    open: (path, stat): RandomAccess => ({
      size: stat.size,
      read: (target, offset, length, position) => {
        if (length <= 0 || position >= stat.size) return 0;
        return opened.read(path, stat, target, offset, length, position);
      },
      close: () => opened.close(),
    }),
    xattrs: () => readXattrs(root),
    close: () => opened.close(),
  };
}
