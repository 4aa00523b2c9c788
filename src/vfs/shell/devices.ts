/**
 * The devices that every process expects and no image contains: a container's `/dev` is made when it
 * runs. They are answered by path, also where nothing is mounted there, and never appear in a listing.
 */
import { platform } from "#platform";
import { PosixError } from "../../posix/errno.ts";

/** How much of an endless device one whole read gives. */
const ENDLESS = 1 << 20;

/** The streams of the process that reads or writes through a path such as `/dev/stdin`. */
export interface Streams {
  stdin(): Uint8Array;
  stdout(bytes: Uint8Array): void;
  stderr(bytes: Uint8Array): void;
  /** What `<(…)` put on a descriptor. */
  descriptor?(number: number): Uint8Array | undefined;
  /** Puts something on a descriptor: the interpreter does, for `<(…)`. */
  setDescriptor?(number: number, bytes: Uint8Array): void;
}

export interface Device {
  /** Major and minor number; undefined for a stream. */
  readonly number?: readonly [major: number, minor: number];
  read(streams: Streams): Uint8Array;
  write(bytes: Uint8Array, streams: Streams): void;
}

const nothing = () => new Uint8Array(0);
const drop = () => {};

function refuse(): never {
  throw new PosixError("ENOSPC", { syscall: "write" });
}

const STDIN: Device = { read: (streams) => streams.stdin(), write: drop };
const STDOUT: Device = { read: nothing, write: (bytes, streams) => streams.stdout(bytes) };
const STDERR: Device = { read: nothing, write: (bytes, streams) => streams.stderr(bytes) };
const RANDOM = { read: () => platform.randomBytes(65_536), write: drop };

const DEVICES = new Map<string, Device>([
  ["/dev/null", { number: [1, 3], read: nothing, write: drop }],
  ["/dev/zero", { number: [1, 5], read: () => new Uint8Array(ENDLESS), write: drop }],
  ["/dev/full", { number: [1, 7], read: () => new Uint8Array(ENDLESS), write: refuse }],
  ["/dev/random", { number: [1, 8], ...RANDOM }],
  ["/dev/urandom", { number: [1, 9], ...RANDOM }],
  ["/dev/stdin", STDIN],
  ["/dev/fd/0", STDIN],
  ["/proc/self/fd/0", STDIN],
  ["/dev/stdout", STDOUT],
  ["/dev/fd/1", STDOUT],
  ["/proc/self/fd/1", STDOUT],
  ["/dev/stderr", STDERR],
  ["/dev/fd/2", STDERR],
  ["/proc/self/fd/2", STDERR],
]);

const DESCRIPTOR = /^\/(?:dev|proc\/self)\/fd\/(\d+)$/;

/** @param path absolute, as it was given */
export function deviceAt(path: string): Device | undefined {
  if (!path.startsWith("/dev/") && !path.startsWith("/proc/")) return undefined;
  const number = Number(DESCRIPTOR.exec(path)?.[1] ?? 0);
  if (number <= 2) return DEVICES.get(path);
  return {
    read(streams) {
      const content = streams.descriptor?.(number);
      if (content === undefined) throw new PosixError("ENOENT", { syscall: "open", path });
      return content;
    },
    write: (bytes, streams) => streams.setDescriptor?.(number, bytes),
  };
}
