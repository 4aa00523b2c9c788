/**
 * The functions of `node:fs` on open files, and on files as a whole.
 */
import { Buffer } from "../../platform/node-builtins.ts";
import { errno } from "../../posix/errno.ts";
import * as attributes from "../../union/attribute-calls.ts";
import * as data from "../../union/data-calls.ts";
import type { Mount } from "../../union/mount.ts";
import { close, open } from "../../union/open.ts";
import { SEEK_CUR } from "../../union/types.ts";
import * as take from "./arguments.ts";
import { statOf } from "./attribute-functions.ts";
import { copyFile } from "./copy-file.ts";
import { fileTooLarge, succeed, systemError, unknownEncoding } from "./errors.ts";
import { readArguments, writeArguments } from "./transfer.ts";

/** How much is read at once where a size does not say it. */
const CHUNK = 64 * 1024;

/** Opens a file for one call and closes it afterwards; a descriptor is used as it is. */
function withFile<T>(mount: Mount, file: unknown, flags: number, mode: unknown, use: (fd: number) => T): T {
  if (isDescriptor(file)) return use(file);
  const name = take.path(file);
  const bits = take.mode(mode, "mode", 0o666);
  const fd = succeed(open(mount.context, name, flags, bits), "open", name);
  try {
    return use(fd);
  } finally {
    close(mount.context, fd);
  }
}

export function isDescriptor(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= 2 ** 31 - 1;
}

/** The longest file that `readFile` reads, in bytes. */
const MOST_AT_ONCE = 2 ** 31 - 1;

/** @param first the call that a descriptor which is none is told by */
function readAll(mount: Mount, fd: number, first: "fstat" | "read"): Buffer {
  const stat = statOf(mount, fd, "follow");
  if (typeof stat === "number") throw systemError(stat, first);
  const size = (stat.mode & 0o170000) === 0o100000 ? stat.size : 0;
  if (size === 0) return readChunks(mount, fd);
  if (size > MOST_AT_ONCE) throw fileTooLarge(size);
  const all = Buffer.allocUnsafeSlow(size);
  let at = 0;
  while (at < size) {
    const count = data.read(mount.context, fd, all, at, size - at, null);
    // What is made again when the bytes are there has to begin where this began.
    if (count === -errno.EAGAIN) data.lseek(mount.context, fd, -at, SEEK_CUR);
    if (succeed(count, "read") === 0) return all.subarray(0, at);
    at += count;
  }
  return all;
}

function readChunks(mount: Mount, fd: number): Buffer {
  const chunks: Buffer[] = [];
  for (;;) {
    const chunk = Buffer.allocUnsafeSlow(CHUNK);
    const count = succeed(data.read(mount.context, fd, chunk, 0, CHUNK, null), "read");
    if (count === 0) return Buffer.concat(chunks);
    chunks.push(chunk.subarray(0, count));
  }
}

/** Writes all of it at the descriptor's position. */
export function writeAll(mount: Mount, fd: number, source: Uint8Array): void {
  for (let at = 0; at < source.length; ) {
    at += succeed(data.write(mount.context, fd, source, at, source.length - at, null), "write");
  }
}

/** Reads or writes the parts of a list in order, until one comes back short. */
function transferList(
  list: readonly Uint8Array[],
  start: number | null,
  transfer: (part: Uint8Array, position: number | null) => number,
): number {
  let total = 0;
  for (const part of list) {
    if (part.length === 0) continue;
    const count = transfer(part, start === null ? null : start + total);
    if (count < 0) return total > 0 ? total : count;
    total += count;
    if (count < part.length) break;
  }
  return total;
}

export function fileFunctions(mount: Mount) {
  function writeFileSync(file: unknown, content: unknown, options: unknown, defaultFlag: string): void {
    const given = take.encodingOptions(options);
    const flush = take.optionalBoolean(given, "flush", false);
    const source = take.content(content, given.encoding ?? undefined);
    const flags = take.openFlags(given.flag || defaultFlag);
    withFile(mount, file, flags, given.mode, (fd) => {
      writeAll(mount, fd, source);
      if (flush) succeed(data.fsync(mount.context, fd), "fsync");
    });
  }

  return {
    openSync(path: unknown, flags?: unknown, mode?: unknown): number {
      const name = take.path(path);
      const bits = take.mode(mode, "mode", 0o666);
      return succeed(open(mount.context, name, take.openFlags(flags), bits), "open", name);
    },

    closeSync(fd: unknown): void {
      succeed(close(mount.context, take.descriptor(fd)), "close");
    },

    readSync(fd: unknown, ...rest: unknown[]): number {
      const number = take.descriptor(fd);
      const { target, offset, length, position } = readArguments(rest);
      if (length === 0) return 0;
      return succeed(data.read(mount.context, number, target, offset, length, position), "read");
    },

    writeSync(fd: unknown, ...rest: unknown[]): number {
      const number = take.descriptor(fd);
      const { source, offset, length, position } = writeArguments(rest);
      return succeed(data.write(mount.context, number, source, offset, length, position), "write");
    },

    readvSync(fd: unknown, buffers: unknown, position?: unknown): number {
      const number = take.descriptor(fd);
      const list = take.byteList(buffers);
      if (list.length === 0) throw systemError(-errno.EINVAL, "read");
      const start = typeof position === "number" && position >= 0 ? position : null;
      const count = transferList(list, start, (part, at) =>
        data.read(mount.context, number, part, 0, part.length, at),
      );
      return succeed(count, "read");
    },

    writevSync(fd: unknown, buffers: unknown, position?: unknown): number {
      const number = take.descriptor(fd);
      const list = take.byteList(buffers);
      if (list.length === 0) return 0;
      const start = typeof position === "number" && position >= 0 ? position : null;
      const count = transferList(list, start, (part, at) =>
        data.write(mount.context, number, part, 0, part.length, at),
      );
      return succeed(count, "write");
    },

    fsyncSync(fd: unknown): void {
      succeed(data.fsync(mount.context, take.descriptor(fd)), "fsync");
    },

    fdatasyncSync(fd: unknown): void {
      succeed(data.fsync(mount.context, take.descriptor(fd)), "fdatasync");
    },

    ftruncateSync(fd: unknown, length: unknown = 0): void {
      const number = take.descriptor(fd);
      const size = Math.max(0, take.integer(length, "len"));
      succeed(data.ftruncate(mount.context, number, size), "ftruncate");
    },

    truncateSync(path: unknown, length: unknown = 0): void {
      const target = isDescriptor(path) ? path : take.path(path);
      const size = Math.max(0, take.integer(length, "len"));
      withFile(mount, target, take.openFlags("r+"), undefined, (fd) => {
        succeed(data.ftruncate(mount.context, fd, size), "ftruncate");
      });
    },

    copyFileSync(from: unknown, to: unknown, mode?: unknown): void {
      const source = take.path(from, "src");
      const target = take.path(to, "dest");
      succeed(copyFile(mount, source, target, take.threeBits(mode)), "copyfile", source, target);
    },

    readFileSync(file: unknown, options?: unknown): string | Buffer {
      const given = take.encodingOptions(options);
      const flags = take.openFlags(given.flag ?? "r");
      const { encoding } = given;
      // Node reads text by a function of its own, which asks nothing first.
      const first = encoding === "utf8" || encoding === "utf-8" ? "read" : "fstat";
      const all = withFile(mount, file, flags, undefined, (fd) => readAll(mount, fd, first));
      // Node finds out when it decodes, and of nothing there is nothing to decode.
      if (encoding === "buffer" && all.length > 0) throw unknownEncoding(encoding);
      if (encoding === "buffer") return "";
      return encoding ? all.toString(encoding as BufferEncoding) : all;
    },

    writeFileSync(file: unknown, content: unknown, options?: unknown): void {
      writeFileSync(file, content, options, "w");
    },

    appendFileSync(file: unknown, content: unknown, options?: unknown): void {
      const given = take.encodingOptions(options);
      writeFileSync(file, content, isDescriptor(file) ? { ...given, flag: "a" } : given, "a");
    },
  };
}

/** The bytes of a path as a Blob holds them, or an argument error where it cannot be opened. */
export function blobBytes(mount: Mount, path: string): Uint8Array {
  const place = attributes.placeOf(mount.context, path, "follow");
  const kind = typeof place === "number" ? place : place.attachment.filesystem.kind(place.id);
  if (kind !== "file") {
    throw Object.assign(new TypeError("Unable to open file as blob"), { code: "ERR_INVALID_ARG_VALUE" });
  }
  return mount.readFile(path);
}
