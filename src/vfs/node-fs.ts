/**
 * The `node:fs` face of a mount: an object that is usable wherever `node:fs` is.
 *
 * Every function is one of three forms of one synchronous function (`node-fs/forms.ts`), with Node's
 * arguments, results, and errors: `code`, `errno`, `syscall`, `path`, `dest` and `message`. Buffers,
 * streams and emitters are Node's own classes, so this face needs Node; the mount's own calls do not.
 * It acts as the mount's caller: `createFs(mount.as({ uid: 1000 }))` is what that user sees. Functions
 * use no `this` and may be taken out of the object. `test/vfs/functions.ts` lists all of them.
 */
import { Blob, type Dirent as NodeDirent, type NodeFsModule } from "../platform/node-builtins.ts";
import type { Mount } from "../union/mount.ts";
import * as take from "./node-fs/arguments.ts";
import { attributeFunctions } from "./node-fs/attribute-functions.ts";
import { constants } from "./node-fs/constants.ts";
import { cp, cpSync } from "./node-fs/cp.ts";
import { Dir, readdir } from "./node-fs/dir.ts";
import { Dirent } from "./node-fs/dirent.ts";
import { blobBytes, fileFunctions } from "./node-fs/file-functions.ts";
import {
  attempt,
  type Call,
  callbackForm,
  deliver,
  promiseForm,
  promisified,
  settle,
  splitCallback,
} from "./node-fs/forms.ts";
import { glob } from "./node-fs/glob.ts";
import { nameFunctions } from "./node-fs/name-functions.ts";
import { promiseFunctions } from "./node-fs/promises.ts";
import { Stats } from "./node-fs/stats.ts";
import { streamFunctions } from "./node-fs/streams.ts";
import { readArguments } from "./node-fs/transfer.ts";
import { watchFunctions } from "./node-fs/watch.ts";
import { throwIfAborted } from "./node-fs/whole-file.ts";

/** What a mount offers as `node:fs`, with the functions that newer Nodes have. */
export type NodeFs = NodeFsModule & {
  globSync(pattern: string | readonly string[], options?: object): (string | NodeDirent)[];
  glob(
    pattern: string | readonly string[],
    options: object,
    callback: (error: Error | null, matches: (string | NodeDirent)[]) => void,
  ): void;
};

/** Names an arrow function as Node's function is named. */
function named<T extends Call>(name: string, call: T): T {
  return Object.defineProperty(call, "name", { value: name });
}

/** The face of a mount, as its caller. Everything is made at once; making it reads nothing. */
export function createFs(mount: Mount): NodeFs {
  const sync = {
    ...attributeFunctions(mount),
    ...nameFunctions(mount),
    ...fileFunctions(mount),
    readdirSync: (path: unknown, options?: unknown) => readdir(mount, path, options),
    opendirSync: (path: unknown, options?: unknown) =>
      new Dir(mount, take.path(path), take.encodingOptions(options)),
    cpSync: (from: unknown, to: unknown, options?: unknown) => cpSync(mount, from, to, options),
    globSync: (pattern: unknown, options?: unknown) => [...glob(mount, pattern, options)],
  };
  const calls = new Map<string, Call>(
    Object.entries(sync).map(([name, call]) => [name.replace(/Sync$/, ""), call as Call]),
  );
  calls.set("realpath.native", sync.realpathSync.native);

  const callbacks = callbackFunctions(mount, calls);
  const streams = streamFunctions({
    open: callbacks.open!,
    close: callbacks.close!,
    read: callbacks.read!,
    write: callbacks.write!,
    writev: callbacks.writev!,
    fsync: callbacks.fsync!,
  });
  const promises = promiseFunctions(mount, calls, streams as never);

  const face = {
    ...callbacks,
    ...sync,
    ...streams,
    ...watchFunctions(mount),
    openAsBlob: async (path: unknown, options?: unknown) => {
      const { type = "" } = take.objectOptions(options) as { type?: string };
      return new Blob([blobBytes(mount, take.path(path)) as Uint8Array<ArrayBuffer>], { type });
    },
    lchmod: undefined,
    lchmodSync: undefined,
    Dir,
    Dirent,
    Stats,
    _toUnixTimestamp: take.unixTime,
    F_OK: constants.F_OK,
    R_OK: constants.R_OK,
    W_OK: constants.W_OK,
    X_OK: constants.X_OK,
    constants,
    promises,
  };
  for (const [name, value] of Object.entries(face)) {
    if (typeof value === "function" && !/^[A-Z]/.test(name)) named(name, value as Call);
  }
  return face as unknown as NodeFs;
}

/** The callback forms. */
function callbackFunctions(mount: Mount, calls: ReadonlyMap<string, Call>): { [name: string]: Call } {
  const wholeSource = ([target]: readonly unknown[]) => ({ target: target as string | number });
  const forms: { [name: string]: Call } = {};
  for (const [name, call] of calls) {
    if (!name.includes(".")) forms[name] = callbackForm(mount, call, wholeSource);
  }

  forms.exists = promisified(
    (path, callback) => {
      const { callback: tell } = splitCallback([callback]);
      const found = calls.get("exists")!(path);
      settle({ value: found }).then(() => tell(found));
    },
    (path) => settle(attempt(calls.get("exists")!, [path])),
  );

  // The buffer of a read that nobody gave one for has to be known to the answer.
  const read = callbackForm(mount, calls.get("read")!, wholeSource, (rest) => [bufferOf(rest)]);
  const withBuffer = (args: readonly unknown[]) => {
    const { callback, rest } = splitCallback(args);
    const [fd, ...more] = rest;
    const number = take.descriptor(fd);
    const { buffer, offset, length, position } = readArguments(more.length === 0 ? [{}] : more);
    read(number, buffer, offset, length, position, callback);
  };
  const bufferResult = (count: string, buffer: string, name: string) => {
    const made = promiseForm(mount, calls.get(name)!, wholeSource);
    return async (...args: unknown[]) => ({ [count]: await made(...args), [buffer]: bufferOf(args) });
  };
  forms.read = promisified(
    (...args) => withBuffer(args),
    async (...args) => {
      const [fd, ...more] = args;
      const { buffer, offset, length, position } = readArguments(more.length === 0 ? [{}] : more);
      return bufferResult("bytesRead", "buffer", "read")(fd, buffer, offset, length, position);
    },
  );
  forms.write = promisified(
    callbackForm(mount, calls.get("write")!, wholeSource, (rest) => [bufferOf(rest)]),
    bufferResult("bytesWritten", "buffer", "write"),
  );
  forms.readv = promisified(
    callbackForm(mount, calls.get("readv")!, wholeSource, (rest) => [bufferOf(rest)]),
    bufferResult("bytesRead", "buffers", "readv"),
  );
  forms.writev = promisified(
    callbackForm(mount, calls.get("writev")!, wholeSource, (rest) => [bufferOf(rest)]),
    bufferResult("bytesWritten", "buffers", "writev"),
  );

  for (const name of ["readFile", "writeFile", "appendFile"]) forms[name] = abortable(forms[name]!);

  forms.cp = (...args) => {
    const { callback, rest } = splitCallback(args);
    deliver(cp(mount, rest[0], rest[1], rest[2]), callback);
  };
  forms.realpath = Object.assign(forms.realpath!, {
    native: named("native", callbackForm(mount, calls.get("realpath.native")!)),
  });
  return forms;
}

function bufferOf(args: readonly unknown[]): unknown {
  return args[1];
}

/** A form that answers with an AbortError where its options' signal was given or gives one before the answer. */
function abortable(form: Call): Call {
  return (...args) => {
    const { callback, rest } = splitCallback(args);
    const options = rest.at(-1);
    const signal =
      typeof options === "object" && options !== null && "signal" in options ? options.signal : undefined;
    if (signal === undefined) return form(...args);
    const told = attempt(throwIfAborted as Call, [signal]);
    if ("error" in told) return deliver(Promise.reject(told.error), callback);
    return form(...rest, (error: unknown, ...results: unknown[]) => {
      const late = attempt(throwIfAborted as Call, [signal]);
      if ("error" in late) callback(late.error);
      else callback(error, ...results);
    });
  };
}
