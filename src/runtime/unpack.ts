/**
 * An image's files in a directory of the machine (`unpack`), and what was changed there as a layer on that
 * image (`repack`).
 *
 * Beside the directory DIR lies `DIR.unpacked.json`: which image it is of, and whether it was root who
 * unpacked. The image itself records what the machine does not hold: who owns what where it was not root,
 * extended attributes that could not be written, and devices that could not be made, for which an empty file
 * stands. A file's mode on
 * the machine follows from the one in the image, so that a changed one shows.
 *
 * Everything is made new in an empty directory, with parents that were made here just before: no link in an
 * image is ever followed. Packing follows none either.
 */
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  closeSync,
  existsSync,
  fchmodSync,
  lchownSync,
  linkSync,
  lutimesSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { resolve } from "node:path";
import * as v from "valibot";
import type { Descriptor } from "../oci/descriptor.ts";
import { descriptorSchema } from "../oci/descriptor.ts";
import { jsonBytes, parseJson, validate } from "../oci/json.ts";
import { deviceMajor, deviceMinor, type Kind, PERMISSION_BITS } from "../posix/mode.ts";
import { nameToBytes } from "../posix/names.ts";
import { joinPath } from "../posix/path.ts";
import { seconds, subsecond } from "../posix/time.ts";
import { StoreError } from "../store/errors.ts";
import type { Xattrs } from "../tree/inode.ts";
import type { Mount } from "../union/mount.ts";
import { O_NOFOLLOW, O_RDONLY, type Stat } from "../union/types.ts";
import type { Image } from "./image.ts";
import { writeXattrs } from "./unpack-xattrs.ts";

const CHUNK = 256 * 1024;
/** What someone who is not root needs to look at his own files again. */
const OWN_FILE = 0o600;
const OWN_DIRECTORY = 0o700;

const recordSchema = v.looseObject({
  version: v.literal(1),
  image: descriptorSchema,
  root: v.boolean(),
});

/** What `unpack` writes beside a directory. */
export interface UnpackedRecord {
  /** The manifest of the image. */
  readonly image: Descriptor;
  /** Whether owners and modes are those of the image. */
  readonly root: boolean;
}

function recordPath(directory: string): string {
  return `${resolve(directory)}.unpacked.json`;
}

/** @throws StoreError (`source`) for a directory that was not unpacked */
export function readUnpacked(directory: string): UnpackedRecord {
  const path = recordPath(directory);
  if (!existsSync(path)) {
    throw new StoreError("source", `${directory} was not unpacked from an image: ${path} is missing`);
  }
  return validate(recordSchema, parseJson(readFileSync(path), path), path) as UnpackedRecord;
}

/** The permission bits that something has on the machine. */
export function hostMode(mode: number, kind: Kind, root: boolean): number {
  const bits = mode & PERMISSION_BITS;
  if (root || kind === "symlink") return bits;
  return bits | (kind === "directory" ? OWN_DIRECTORY : OWN_FILE);
}

/** Makes a device or a fifo, where this process may. */
function makeNode(path: Buffer, kind: Kind, { rdev }: Stat): boolean {
  const text = path.toString();
  if (!Buffer.from(text).equals(path)) return false;
  const type = kind === "fifo" ? ["p"] : [kind === "char" ? "c" : "b", deviceMajor(rdev), deviceMinor(rdev)];
  try {
    execFileSync("mknod", ["--", text, ...type.map(String)], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

class Unpacking {
  readonly #mount: Mount;
  readonly #root: Buffer;
  readonly #privileged: boolean;
  /** The first path of each inode of several names. */
  readonly #linked = new Map<number, Buffer>();
  readonly #chunk = new Uint8Array(CHUNK);
  /** Extended attributes to be written when everything else is there. */
  readonly xattrs: (readonly [string, Xattrs])[] = [];

  constructor(mount: Mount, directory: string, privileged: boolean) {
    this.#mount = mount;
    this.#root = Buffer.from(resolve(directory));
    this.#privileged = privileged;
  }

  #host(path: string): Buffer {
    return path === "/" ? this.#root : Buffer.concat([this.#root, nameToBytes(path)]);
  }

  /** A directory's content, then its attributes: its mode may forbid more, and its time changes with each name. */
  directory(path: string): void {
    for (const { name, kind } of this.#mount.readdir(path)) {
      const inside = joinPath(path, name);
      if (kind === "directory") {
        mkdirSync(this.#host(inside), { mode: OWN_DIRECTORY });
        this.directory(inside);
      } else if (kind !== "socket") this.#make(inside, kind);
    }
    this.#attributes(path, "directory", this.#mount.lstat(path));
  }

  #make(path: string, kind: Kind): void {
    const stat = this.#mount.lstat(path);
    const host = this.#host(path);
    const first = this.#linked.get(stat.ino);
    if (first !== undefined) {
      linkSync(first, host);
      return;
    }
    if (stat.nlink > 1) this.#linked.set(stat.ino, host);
    if (kind === "symlink") symlinkSync(Buffer.from(nameToBytes(this.#mount.readlink(path))), host);
    else if (kind === "file") this.#file(path, host);
    else if (!makeNode(host, kind, stat)) closeSync(openSync(host, "wx", OWN_FILE));
    this.#attributes(path, kind, stat);
  }

  #file(path: string, host: Buffer): void {
    const from = this.#mount.open(path, O_RDONLY | O_NOFOLLOW);
    const to = openSync(host, "wx", OWN_FILE);
    try {
      for (let at = 0; ; ) {
        const count = this.#mount.read(from, this.#chunk, 0, CHUNK, at);
        if (count === 0) break;
        for (let done = 0; done < count; ) done += writeSync(to, this.#chunk, done, count - done);
        at += count;
      }
      fchmodSync(to, OWN_FILE);
    } finally {
      closeSync(to);
      this.#mount.close(from);
    }
  }

  #attributes(path: string, kind: Kind, stat: Stat): void {
    const host = this.#host(path);
    const names = this.#mount.llistxattr(path);
    if (names.length > 0) {
      this.xattrs.push([path, new Map(names.map((name) => [name, this.#mount.lgetxattr(path, name)]))]);
    }
    // The owner first: changing it clears the bits that run a file as him.
    if (this.#privileged) lchownSync(host, stat.uid, stat.gid);
    // A Date, since Node takes a negative number for now.
    const time = new Date(Number(seconds(stat.mtime)) * 1000 + Math.trunc(subsecond(stat.mtime) / 1e6));
    if (kind === "symlink") {
      lutimesSync(host, time, time);
      return;
    }
    chmodSync(host, hostMode(stat.mode, kind, this.#privileged));
    utimesSync(host, time, time);
  }
}

/**
 * Writes an image's files into a directory that is empty or missing.
 * @returns why extended attributes are not all there; undefined where they are
 * @throws StoreError (`invalid`) for one that is not; the system's own errors. What was written is then removed
 */
export async function unpackImage(image: Image, directory: string): Promise<string | undefined> {
  const isThere = existsSync(directory);
  if (isThere && readdirSync(directory).length > 0) {
    throw new StoreError("invalid", `${directory} is not empty`);
  }
  if (existsSync(recordPath(directory))) {
    throw new StoreError("invalid", `${recordPath(directory)} is there: it belongs to another directory`);
  }
  const root = process.geteuid?.() === 0;
  const mount = await image.mount({ readOnly: true });
  try {
    mkdirSync(directory, { recursive: true, mode: OWN_DIRECTORY });
    const unpacking = new Unpacking(mount, directory, root);
    unpacking.directory("/");
    const withoutXattrs = writeXattrs(directory, unpacking.xattrs, root);
    writeFileSync(recordPath(directory), jsonBytes({ version: 1, image: image.descriptor, root }), {
      flag: "wx",
      flush: true,
    });
    return withoutXattrs;
  } catch (error) {
    for (const name of existsSync(directory) ? readdirSync(directory, { encoding: "buffer" }) : []) {
      rmSync(Buffer.concat([Buffer.from(`${resolve(directory)}/`), name]), { recursive: true, force: true });
    }
    throw error;
  } finally {
    mount.unmount();
  }
}
