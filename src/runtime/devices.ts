/**
 * The devices that every container has: null, zero, full, random and urandom (mem(4), random(4)), as
 * a filesystem whose files are attached one by one.
 */
import { platform } from "#platform";
import { errno } from "../posix/errno.ts";
import { makeDevice, S_IFCHR } from "../posix/mode.ts";
import type { Source } from "../union/attach.ts";
import type { Access, AttributeEdit, Filesystem, Totals } from "../union/filesystem.ts";
import type { Stat } from "../union/types.ts";
import { newDevice } from "../union/union-filesystem.ts";

type Fill = (target: Uint8Array) => void;

interface Device {
  readonly name: string;
  readonly minor: number;
  /** Undefined: there is never anything to read. */
  readonly fill: Fill | undefined;
  readonly writable: boolean;
}

const zeros: Fill = (target) => void target.fill(0);
const random: Fill = (target) => target.set(platform.randomBytes(target.length));

/** All of major 1, readable and writable by everyone. */
const DEVICES: readonly Device[] = [
  { name: "null", minor: 3, fill: undefined, writable: true },
  { name: "zero", minor: 5, fill: zeros, writable: true },
  { name: "full", minor: 7, fill: zeros, writable: false },
  { name: "random", minor: 8, fill: random, writable: true },
  { name: "urandom", minor: 9, fill: random, writable: true },
];

const MEMORY_MAJOR = 1;
const MODE = 0o666;

/** A filesystem of devices and nothing else; ids are positions in {@link DEVICES}. */
class Devices implements Filesystem {
  readonly device = newDevice();
  readonly readOnly = false;
  readonly root = 0;
  readonly opensDevices = true;
  readonly #now = platform.now();

  lookup = () => -errno.ENOTDIR;
  parent = (id: number) => id;
  list = () => [];
  isEmpty = () => true;
  isAttached = () => true;
  kind = () => "char" as const;
  number = (id: number) => id + 1;
  access = (): Access => ({ kind: "char", mode: MODE, uid: 0, gid: 0 });

  stat(id: number): Stat {
    const time = this.#now;
    return {
      dev: this.device,
      ino: id + 1,
      mode: S_IFCHR | MODE,
      nlink: 1,
      uid: 0,
      gid: 0,
      rdev: makeDevice(MEMORY_MAJOR, DEVICES[id]!.minor),
      size: 0,
      blksize: 4096,
      blocks: 0,
      atime: time,
      mtime: time,
      ctime: time,
      birthtime: time,
    };
  }

  totals = (): Totals => ({ blockSize: 4096, blocks: 0, freeBlocks: 0, files: 0, freeFiles: 0 });
  readlink = () => "";

  make = () => -errno.ENOTDIR;
  makeAnonymous = () => -errno.EOPNOTSUPP;
  link = () => -errno.EPERM;
  unlink = () => -errno.EPERM;
  rmdir = () => -errno.EPERM;
  rename = () => -errno.EPERM;

  // Devices are made afresh each time, so times need not be kept; what is asked for last is mode and owner.
  setAttributes = (_id: number, { mode, uid, gid }: AttributeEdit) =>
    mode === undefined && uid === undefined && gid === undefined ? 0 : -errno.EPERM;
  getXattr = () => undefined;
  listXattrs = () => [];
  setXattr = () => -errno.EPERM;
  removeXattr = () => -errno.ENODATA;

  open = () => 0;
  close(): void {}
  size = () => 0;

  read(id: number, target: Uint8Array, offset: number, length: number): number {
    const { fill } = DEVICES[id]!;
    if (fill === undefined) return 0;
    fill(target.subarray(offset, offset + length));
    return length;
  }

  write(id: number, _source: Uint8Array, _offset: number, length: number): number {
    return DEVICES[id]!.writable ? length : -errno.ENOSPC;
  }

  truncate = () => -errno.EINVAL;
  allocate = () => -errno.ENODEV;
  copyRange = () => -errno.EINVAL;
  seek = () => 0;
  async prepare(): Promise<void> {}
  sync(): void {}
}

/** Each device by its name in `/dev`, to be attached there. */
export function deviceSources(): ReadonlyMap<string, Source> {
  const filesystem = new Devices();
  return new Map(DEVICES.map(({ name }, root) => [name, { filesystem, root }]));
}
