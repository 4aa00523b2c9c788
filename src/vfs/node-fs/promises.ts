/**
 * `fs.promises`: the promise forms of the synchronous functions, and what only it has: handles,
 * iterables as content, watching and globbing as iteration.
 */
import { errno } from "../../posix/errno.ts";
import type { Mount } from "../../union/mount.ts";
import * as take from "./arguments.ts";
import { constants } from "./constants.ts";
import { cp } from "./cp.ts";
import { Dir } from "./dir.ts";
import { codedError, systemError, unknownEncoding } from "./errors.ts";
import { FileHandle, type HandleFunctions, type HandleStreams } from "./file-handle.ts";
import { attempt, type Call, promiseForm, settle } from "./forms.ts";
import { glob } from "./glob.ts";
import { rmdirOptions } from "./remove.ts";
import { watchEvents } from "./watch.ts";
import { type Chunks, isChunks, throwIfAborted, writeChunks } from "./whole-file.ts";

/** The functions that forms are made of, by the names of the forms. */
export type SyncCalls = ReadonlyMap<string, Call>;

type PromiseCall = (...args: unknown[]) => Promise<unknown>;

/** A path or a handle; a bare descriptor is none. */
function target(file: unknown): string | number {
  return file instanceof FileHandle ? file.fd : take.path(file);
}

function signalOf(options: unknown): unknown {
  return typeof options === "object" && options !== null ? (options as take.Options).signal : undefined;
}

const PLAIN = [
  "access",
  "chmod",
  "chown",
  "copyFile",
  "lchown",
  "link",
  "lstat",
  "lutimes",
  "mkdir",
  "mkdtemp",
  "readdir",
  "readlink",
  "rename",
  "rm",
  "stat",
  "statfs",
  "symlink",
  "unlink",
  "utimes",
] as const;

export function promiseFunctions(mount: Mount, calls: SyncCalls, streams: HandleStreams) {
  const form = (name: string): PromiseCall => {
    const call = calls.get(name)!;
    const made = promiseForm(mount, call, ([first]) => ({ target: first as string | number }));
    return async (...args) => made(...args);
  };
  const read = promiseForm(mount, calls.get("read")!, ([fd, , , length, position]) => ({
    target: fd as number,
    ...(typeof position === "number" ? { start: position, end: position + Number(length) } : {}),
  }));
  const readWhole = form("readFile");
  /** Unlike in the other forms, what decodes is made once the file is open, whatever is in it. */
  const readFile: PromiseCall = async (file, options) => {
    const { encoding, flag } = take.encodingOptions(options);
    if (encoding !== "buffer") return readWhole(file, options);
    if (typeof file !== "number") await form("close")(await form("open")(file, flag ?? "r"));
    throw unknownEncoding(encoding);
  };
  const functions = Object.fromEntries(
    ["close", "fchmod", "fchown", "fdatasync", "fstat", "fsync", "ftruncate", "futimes"]
      .concat(["readv", "write", "writeFile", "writev"])
      .map((name) => [name, form(name)]),
  ) as unknown as HandleFunctions;
  const whole = { writeFile: form("writeFile"), appendFile: form("appendFile") };
  const handleFunctions: HandleFunctions = { ...functions, read: read as PromiseCall, readFile };

  /** The function for a whole file, unless the signal says no. */
  const writing =
    (name: "writeFile" | "appendFile", flag: string): PromiseCall =>
    async (file, data, options) => {
      if (isChunks(data)) return writePieces(file, data, take.encodingOptions(options), flag);
      const at = target(file);
      if (at === -1) throw systemError(-errno.EBADF, "write");
      take.encodingOptions(options);
      const signal = signalOf(options);
      throwIfAborted(signal);
      // Who may still say no gets a turn to say it in.
      if (signal !== undefined) await settle({ value: undefined });
      throwIfAborted(signal);
      return whole[name](at, data, options);
    };

  async function writePieces(file: unknown, data: Chunks, options: take.Options, flag: string) {
    const flush = take.optionalBoolean(options, "flush", false);
    if (file instanceof FileHandle) return file.writeFile(data, options);
    throwIfAborted(options.signal);
    const fd = await form("open")(file, options.flag || flag, options.mode);
    try {
      await writeChunks(data, options, (...part) => handleFunctions.write(fd, ...part) as Promise<number>);
      if (flush) await handleFunctions.fsync(fd);
    } finally {
      await handleFunctions.close(fd);
    }
  }

  const promises = {
    ...(Object.fromEntries(PLAIN.map((name) => [name, form(name)])) as {
      [name in (typeof PLAIN)[number]]: PromiseCall;
    }),

    /** A bare descriptor is none of these functions' paths. */
    async truncate(path: unknown, length?: unknown) {
      return form("truncate")(take.path(path), length);
    },

    /** With `recursive`, what is not there is told by `stat`. */
    async rmdir(path: unknown, options?: unknown) {
      if (rmdirOptions(options).recursive) await form("stat")(path);
      return form("rmdir")(path, options);
    },

    async cp(from: unknown, to: unknown, options?: unknown) {
      await settle({ value: undefined });
      return cp(mount, from, to, options);
    },

    async open(path: unknown, flags?: unknown, mode?: unknown) {
      const fd = await form("open")(path, flags, mode);
      return new FileHandle(fd as number, handleFunctions, streams);
    },

    async opendir(path: unknown, options?: unknown) {
      return settle(attempt(() => new Dir(mount, take.path(path), take.encodingOptions(options)), []));
    },

    async readFile(file: unknown, options?: unknown) {
      const at = target(file);
      if (typeof at === "number") take.descriptor(at);
      take.encodingOptions(options);
      throwIfAborted(signalOf(options));
      const all = await handleFunctions.readFile(at, options);
      throwIfAborted(signalOf(options));
      return all;
    },

    writeFile: writing("writeFile", "w"),
    appendFile: writing("appendFile", "a"),

    async realpath(path: unknown, options?: unknown) {
      return form("realpath.native")(path, options);
    },

    /** Linux has no permissions of a symlink to change. */
    async lchmod() {
      throw codedError("ERR_METHOD_NOT_IMPLEMENTED", "The lchmod() method is not implemented");
    },

    watch(path: unknown, options?: unknown) {
      return watchEvents(mount, path, options);
    },

    async *glob(pattern: unknown, options?: unknown) {
      for (const match of glob(mount, pattern, options)) {
        yield match;
        await settle({ value: undefined });
      }
    },

    constants,
  };
  for (const [name, value] of Object.entries(promises)) {
    if (typeof value === "function") Object.defineProperty(value, "name", { value: name });
  }
  return promises;
}
