/**
 * The `node:fs` face of a mount: an object that is usable wherever `node:fs` is.
 *
 * Every function is one of three forms of one synchronous function (`node-fs/forms.ts`), with Node's
 * arguments, results, and errors: `code`, `errno`, `syscall`, `path`, `dest` and `message`. Buffers,
 * streams and emitters are Node's own classes, so this face needs Node; the mount's own calls do not.
 * It acts as the mount's caller: `createFs(mount.as({ uid: 1000 }))` is what that user sees. Functions
 * use no `this` and may be taken out of the object. `test/vfs/functions.ts` lists all of them.
 */
import {
  Blob,
  type Dirent as NodeDirent,
  type NodeFsModule,
  setImmediate,
} from "../platform/node-builtins.ts";
import type { Mount } from "../union/mount.ts";
import * as take from "./node-fs/arguments.ts";
import { attributeFunctions } from "./node-fs/attribute-functions.ts";
import { constants } from "./node-fs/constants.ts";
import { cp, cpSync } from "./node-fs/cp.ts";
import { Dir, readdir } from "./node-fs/dir.ts";
import { Dirent } from "./node-fs/dirent.ts";
import { invalidType } from "./node-fs/errors.ts";
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

/** Only a synchronous stat may answer with nothing. */
function alwaysThrowing(options: unknown): object {
  return { bigint: (options as take.Options | null | undefined)?.bigint };
}

/** The face of a mount, as its caller. Everything is made at once; making it reads nothing. */
export function createFs(mount: Mount): NodeFs {
  const sync = {
    ...attributeFunctions(mount),
    ...nameFunctions(mount, "sync"),
    ...fileFunctions(mount),
    readdirSync: (path: unknown, options?: unknown) => readdir(mount, path, options),
    opendirSync: (path: unknown, options?: unknown) =>
      new Dir(mount, take.path(path), take.encodingOptions(options)),
    cpSync: (from: unknown, to: unknown, options?: unknown) => cpSync(mount, from, to, options),
    globSync: (pattern: unknown, options?: unknown) => [...glob(mount, pattern, options)],
  };
  // What the asynchronous forms are made of, where Node's differ from the synchronous ones.
  const later = {
    ...sync,
    ...nameFunctions(mount, "async"),
    statSync: (path: unknown, options?: unknown) => sync.statSync(path, alwaysThrowing(options)),
    lstatSync: (path: unknown, options?: unknown) => sync.lstatSync(path, alwaysThrowing(options)),
  };
  const calls = new Map<string, Call>(
    Object.entries(later).map(([name, call]) => [name.replace(/Sync$/, ""), call as Call]),
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
    openAsBlob: (path: unknown, options?: unknown) => {
      const { type = "" } = take.objectOptions(options) as { type?: string };
      const bytes = blobBytes(mount, take.path(path)) as Uint8Array<ArrayBuffer>;
      return Promise.resolve(new Blob([bytes], { type }));
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
    if (typeof value === "function" && !/^[A-Z]/.test(name)) named(name.replace(/^_/, ""), value as Call);
  }
  return face as unknown as NodeFs;
}

/** How many arguments come before the callback of a function that takes a fixed number. */
const FIXED: { readonly [name: string]: number } = {
  chmod: 2,
  fchmod: 2,
  chown: 3,
  fchown: 3,
  lchown: 3,
  utimes: 3,
  futimes: 3,
  lutimes: 3,
  link: 2,
  rename: 2,
};

/** The callback forms. */
function callbackFunctions(mount: Mount, calls: ReadonlyMap<string, Call>): { [name: string]: Call } {
  const source = ([target]: readonly unknown[]) => ({ target: target as string | number });
  const forms: { [name: string]: Call } = {};
  for (const [name, call] of calls) {
    if (!name.includes(".")) forms[name] = callbackForm(mount, call, { source, fewest: FIXED[name] ?? 0 });
  }

  const exists = calls.get("exists")!;
  forms.exists = promisified(
    (...args) => {
      const { callback, rest } = splitCallback(args);
      const found = exists(rest[0]);
      setImmediate(() => callback(found));
    },
    (path) => settle(attempt(exists, [path])),
  );

  const transfers = [
    ["read", "bytesRead", "buffer"],
    ["readv", "bytesRead", "buffers"],
    ["write", "bytesWritten", "buffer"],
    ["writev", "bytesWritten", "buffer"],
  ] as const;
  for (const [name, count, given] of transfers) {
    const call = calls.get(name)!;
    const later = callbackForm(mount, call, { source, transfer: ([, buffer]) => buffer });
    const promise = promiseForm(mount, call, source);
    const whole = name === "read" ? withBuffer : (args: readonly unknown[]) => args;
    forms[name] = promisified(
      (...args) => {
        const { callback, rest } = splitCallback(args);
        later(...whole(rest), callback);
      },
      async (...args) => {
        const all = whole(args);
        return { [count]: await promise(...all), [given]: all[1] };
      },
    );
  }

  // These forms write once, also where there is nothing to write, and so find a descriptor that is none.
  for (const name of ["writeFile", "appendFile"]) {
    const call = calls.get(name)!;
    const write = calls.get("write")!;
    forms[name] = callbackForm(mount, (...args) => {
      call(...args);
      if (typeof args[0] === "number") write(args[0], "");
    });
  }
  for (const name of ["readFile", "writeFile", "appendFile"]) forms[name] = abortable(forms[name]!);

  forms.cp = (...args) => {
    const { callback, rest } = splitCallback(args);
    // Node's own promise form stands behind this one, and so it names its result.
    const done = cp(mount, rest[0], rest[1], rest[2]);
    deliver(done, (error) => (error === null ? callback(null, undefined) : callback(error)));
  };
  forms.realpath = Object.assign(forms.realpath!, {
    native: named("native", callbackForm(mount, calls.get("realpath.native")!)),
  });
  return forms;
}

/** The arguments of a read in full: the answer has to name the buffer that nobody gave. */
function withBuffer([fd, ...more]: readonly unknown[]): unknown[] {
  const number = take.descriptor(fd);
  // Options come alone here; readSync takes them whatever follows.
  if (ArrayBuffer.isView(more[0]) && more.length > 2 && typeof more[1] === "object" && more[1] !== null)
    throw invalidType("offset", "of type number", more[1]);
  const { buffer, offset, length, position } = readArguments(more.length === 0 ? [{}] : more);
  return [number, buffer, offset, length, position];
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
