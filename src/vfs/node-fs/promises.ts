/**
 * `fs.promises`: the promise forms of the synchronous functions, and what only it has: handles,
 * iterables as content, watching and globbing as iteration.
 */
import type { Mount } from "../../union/mount.ts";
import * as take from "./arguments.ts";
import { constants } from "./constants.ts";
import { cp } from "./cp.ts";
import { Dir } from "./dir.ts";
import { codedError } from "./errors.ts";
import { FileHandle, type HandleFunctions, type HandleStreams } from "./file-handle.ts";
import { attempt, type Call, promiseForm, settle } from "./forms.ts";
import { glob } from "./glob.ts";
import { watchEvents } from "./watch.ts";
import { throwIfAborted, wholeFile } from "./whole-file.ts";

/** The synchronous functions, by their names without `Sync`. */
export type SyncCalls = ReadonlyMap<string, Call>;

type PromiseCall = (...args: unknown[]) => Promise<unknown>;

/** A path or a handle; a bare descriptor is none. */
function target(file: unknown): unknown {
  if (!(file instanceof FileHandle)) return take.path(file);
  if (file.fd === -1) throw codedError("EBADF", "file closed");
  return file.fd;
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
  "rmdir",
  "stat",
  "statfs",
  "symlink",
  "truncate",
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
  const functions = Object.fromEntries(
    ["appendFile", "close", "fchmod", "fchown", "fdatasync", "fstat", "fsync", "ftruncate", "futimes"]
      .concat(["readFile", "readv", "write", "writeFile", "writev"])
      .map((name) => [name, form(name)]),
  ) as unknown as HandleFunctions;
  const handleFunctions: HandleFunctions = { ...functions, read: read as PromiseCall };

  /** The function for a whole file: after the data is there, and unless the signal said no. */
  const writing =
    (name: "writeFile" | "appendFile"): PromiseCall =>
    async (file, data, options) => {
      const at = target(file);
      take.encodingOptions(options);
      throwIfAborted(signalOf(options));
      const whole = await wholeFile(data, options);
      throwIfAborted(signalOf(options));
      return handleFunctions[name](at, whole, options);
    };

  /** Functions that Node's promises do not let answer with nothing for a missing entry. */
  const stating =
    (name: "stat" | "lstat"): PromiseCall =>
    async (path, options) =>
      form(name)(path, { bigint: (options as take.Options | undefined)?.bigint === true });

  const promises = {
    ...(Object.fromEntries(PLAIN.map((name) => [name, form(name)])) as {
      [name in (typeof PLAIN)[number]]: PromiseCall;
    }),
    stat: stating("stat"),
    lstat: stating("lstat"),

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
      take.encodingOptions(options);
      throwIfAborted(signalOf(options));
      const all = await handleFunctions.readFile(at, options);
      throwIfAborted(signalOf(options));
      return all;
    },

    writeFile: writing("writeFile"),
    appendFile: writing("appendFile"),

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
