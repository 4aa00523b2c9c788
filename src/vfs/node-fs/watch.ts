/**
 * `fs.watch`, `fs.promises.watch` and `fs.watchFile`, fed by the mount's own events, so that nothing
 * done through any face is missed and nothing is polled but by `watchFile`, which is polling by contract.
 *
 * What is told is what inotify tells Node: `rename` for a name that came or went, `change` for bytes
 * or attributes. Changes inside attachments are not told. An event knows an inode by number; names
 * come from an index that a watcher makes when it starts and keeps by the events themselves.
 */
import { clearTimeout, EventEmitter, setImmediate, setTimeout } from "../../platform/node-builtins.ts";
import { baseName, joinPath } from "../../posix/path.ts";
import type { Mount } from "../../union/mount.ts";
import type { MountEvent } from "../../union/types.ts";
import * as take from "./arguments.ts";
import { statOf } from "./attribute-functions.ts";
import { abortError, codedError, invalidType, systemError } from "./errors.ts";
import { absolutePath } from "./realpath.ts";
import { scan } from "./remove.ts";
import { type BigIntStats, NOTHING, type Stats, statsOf } from "./stats.ts";

type WatchEvent = { readonly eventType: "rename" | "change"; readonly filename: string };

/** The names beneath a watched directory, by inode number, as paths relative to it. */
class WatchedNames {
  readonly #names = new Map<number, Set<string>>();
  readonly #directories = new Map<number, string>();
  readonly #mount: Mount;
  readonly #path: string;
  readonly #recursive: boolean;

  constructor(mount: Mount, path: string, ino: number, recursive: boolean) {
    this.#mount = mount;
    this.#path = path;
    this.#recursive = recursive;
    this.#addDirectory(ino, "");
  }

  /** The relative path of a watched directory; empty for the one that is watched itself. */
  directory(ino: number): string | undefined {
    return this.#directories.get(ino);
  }

  names(ino: number): Iterable<string> {
    return this.#names.get(ino) ?? [];
  }

  #addDirectory(ino: number, name: string): void {
    this.#directories.set(ino, name);
    const path = name === "" ? this.#path : joinPath(this.#path, name);
    const entries = scan(this.#mount, path);
    if (typeof entries === "number") return;
    for (const entry of entries) this.add(name === "" ? entry.name : joinPath(name, entry.name));
  }

  add(name: string): void {
    const stat = statOf(this.#mount, joinPath(this.#path, name), "nofollow");
    if (typeof stat === "number") return;
    const names = this.#names.get(stat.ino) ?? new Set();
    names.add(name);
    this.#names.set(stat.ino, names);
    if (this.#recursive && (stat.mode & 0o170000) === 0o040000) this.#addDirectory(stat.ino, name);
  }

  remove(name: string): void {
    for (const [ino, names] of this.#names) {
      for (const known of names) if (known === name || known.startsWith(`${name}/`)) names.delete(known);
      if (names.size === 0) this.#names.delete(ino);
    }
    for (const [ino, known] of this.#directories) {
      if (known !== "" && (known === name || known.startsWith(`${name}/`))) this.#directories.delete(ino);
    }
  }
}

/** Calls `tell` with what happens at a path until the returned function is called. */
function observe(
  mount: Mount,
  path: string,
  recursive: boolean,
  tell: (event: WatchEvent) => void,
): () => void {
  const stat = statOf(mount, path, "follow");
  if (typeof stat === "number") {
    throw Object.assign(systemError(stat, "watch", path), { filename: path });
  }
  const own = baseName(absolutePath(mount, path));
  const isDirectory = (stat.mode & 0o170000) === 0o040000;
  const names = isDirectory ? new WatchedNames(mount, path, stat.ino, recursive) : undefined;

  const renamed = (directory: number | undefined, name: string | undefined, isThere: boolean) => {
    const at = directory === undefined ? undefined : names?.directory(directory);
    if (at === undefined || name === undefined) return;
    const relative = at === "" ? name : joinPath(at, name);
    names?.remove(relative);
    if (isThere) names?.add(relative);
    tell({ eventType: "rename", filename: relative });
  };
  const onEvent = (event: MountEvent) => {
    const isOwn = event.ino === stat.ino;
    switch (event.kind) {
      case "content":
      case "attributes":
        if (isOwn) tell({ eventType: "change", filename: own });
        for (const name of names?.names(event.ino) ?? []) tell({ eventType: "change", filename: name });
        return;
      case "rename":
        renamed(event.fromDirectory, event.fromName, false);
        renamed(event.directory, event.name, true);
        if (isOwn) tell({ eventType: "rename", filename: own });
        return;
      default:
        renamed(event.directory, event.name, event.kind !== "remove");
        if (!isOwn || isDirectory) return;
        tell({ eventType: "change", filename: own });
        if (event.kind === "remove") tell({ eventType: "rename", filename: own });
    }
  };
  return mount.subscribe(onEvent);
}

/** Keeps the process alive while something watches. */
class KeepAlive {
  #timer: NodeJS.Timeout | undefined;

  start(): void {
    this.#timer ??= setTimeout(() => this.#again(), 2 ** 30);
  }

  #again(): void {
    this.#timer = undefined;
    this.start();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}

interface WatchOptions {
  readonly persistent: boolean;
  readonly recursive: boolean;
  readonly encoding: unknown;
  readonly signal: AbortSignal | undefined;
}

function watchOptions(value: unknown): WatchOptions {
  const given = typeof value === "string" ? { encoding: value } : take.objectOptions(value ?? undefined);
  if (given.encoding !== "buffer") take.knownEncoding(given.encoding);
  return {
    persistent: take.optionalBoolean(given, "persistent", true),
    recursive: take.optionalBoolean(given, "recursive", false),
    encoding: given.encoding,
    signal: take.abortSignal(given.signal),
  };
}

/** What `fs.watch` gives: `change`, `close` and `error` events. */
export class FSWatcher extends EventEmitter {
  readonly #alive = new KeepAlive();
  #stop: (() => void) | undefined;

  constructor(mount: Mount, path: string, options: WatchOptions) {
    super();
    this.#stop = observe(mount, path, options.recursive, ({ eventType, filename }) => {
      setImmediate(() => {
        const name = take.encodeName(filename, options.encoding);
        if (this.#stop !== undefined) this.emit("change", eventType, name);
      });
    });
    if (options.persistent) this.#alive.start();
  }

  close(): void {
    if (this.#stop === undefined) return;
    this.#stop();
    this.#stop = undefined;
    this.#alive.stop();
    setImmediate(() => this.emit("close"));
  }

  ref(): this {
    if (this.#stop !== undefined) this.#alive.start();
    return this;
  }

  unref(): this {
    this.#alive.stop();
    return this;
  }
}

/** How often `watchFile` looks unless told, in milliseconds. */
const INTERVAL = 5007;

/** What `fs.watchFile` gives: the state of a path, looked at again and again. */
export class StatWatcher extends EventEmitter {
  readonly #look: () => Stats | BigIntStats;
  #timer: NodeJS.Timeout | undefined;
  #persistent: boolean;
  #interval: number;
  #previous: Stats | BigIntStats;

  constructor(mount: Mount, path: string, options: take.Options) {
    super();
    const bigint = options.bigint === true;
    this.#look = () => {
      const stat = statOf(mount, path, "follow");
      return statsOf(typeof stat === "number" ? NOTHING : stat, bigint);
    };
    this.#persistent = options.persistent !== false;
    this.#interval = take.integer(options.interval ?? INTERVAL, "interval", 0, 2 ** 32 - 1);
    this.#previous = this.#look();
    // A path that is not there is told once, as Node does.
    if (Number(this.#previous.nlink) === 0) setImmediate(() => this.#tell(this.#previous));
    this.#wait();
  }

  #wait(): void {
    this.#timer = setTimeout(() => this.#poll(), this.#interval);
    if (!this.#persistent) this.#timer.unref();
  }

  #poll(): void {
    const now = this.#look();
    if (differs(now, this.#previous)) this.#tell(now);
    if (this.#timer !== undefined) this.#wait();
  }

  #tell(now: Stats | BigIntStats): void {
    const before = this.#previous;
    this.#previous = now;
    if (this.#timer !== undefined) this.emit("change", now, before);
  }

  /** Ends it; there is no more event but `stop`. */
  stop(): void {
    if (this.#timer === undefined) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    setImmediate(() => this.emit("stop"));
  }

  ref(): this {
    this.#persistent = true;
    this.#timer?.ref();
    return this;
  }

  unref(): this {
    this.#persistent = false;
    this.#timer?.unref();
    return this;
  }
}

function differs(a: Stats | BigIntStats, b: Stats | BigIntStats): boolean {
  const fields = ["ctimeMs", "mtimeMs", "birthtimeMs", "size", "mode", "uid", "gid", "ino", "dev"] as const;
  return fields.some((field) => a[field] !== b[field]);
}

export function watchFunctions(mount: Mount) {
  const polled = new Map<string, StatWatcher>();
  const pathKey = (path: unknown) => absolutePath(mount, take.path(path, "filename"));

  return {
    watch(path: unknown, first?: unknown, second?: unknown): FSWatcher {
      const name = take.path(path, "filename");
      const listener = typeof first === "function" ? first : second;
      const options = watchOptions(typeof first === "function" ? undefined : first);
      const watcher = new FSWatcher(mount, name, options);
      if (typeof listener === "function") watcher.on("change", listener as () => void);
      if (options.signal?.aborted) watcher.close();
      else options.signal?.addEventListener("abort", () => watcher.close(), { once: true });
      return watcher;
    },

    watchFile(path: unknown, first: unknown, second?: unknown): StatWatcher {
      const key = pathKey(path);
      const listener = typeof first === "function" ? first : second;
      if (typeof listener !== "function") throw invalidType("listener", "of type function", listener);
      const options = typeof first === "function" ? {} : take.objectOptions(first ?? undefined);
      const watcher = polled.get(key) ?? new StatWatcher(mount, key, options);
      polled.set(key, watcher);
      watcher.on("change", listener as () => void);
      return watcher;
    },

    unwatchFile(path: unknown, listener?: unknown): void {
      const key = pathKey(path);
      const watcher = polled.get(key);
      if (watcher === undefined) return;
      if (typeof listener === "function") watcher.off("change", listener as () => void);
      else watcher.removeAllListeners("change");
      if (watcher.listenerCount("change") > 0) return;
      watcher.stop();
      polled.delete(key);
    },
  };
}

const OVERFLOW = { ignore: true, throw: true } as const;

/** `fs.promises.watch`: events as an async iterable, until the signal or the loop ends it. */
export async function* watchEvents(
  mount: Mount,
  path: unknown,
  options?: unknown,
): AsyncGenerator<{ eventType: string; filename: string | Buffer }> {
  const name = take.path(path, "filename");
  const { persistent, recursive, encoding, signal } = watchOptions(options);
  const { maxQueue = 2048, overflow = "ignore" } = (
    typeof options === "object" && options !== null ? options : {}
  ) as take.Options;
  const limit = take.integer(maxQueue, "options.maxQueue", 1);
  if (!Object.hasOwn(OVERFLOW, overflow as string))
    throw invalidType("options.overflow", "one of 'ignore', 'throw'", overflow);
  if (signal?.aborted) throw abortError(signal.reason);
  const queue: WatchEvent[] = [];
  let wake = (): void => {};
  let lost = false;
  const stop = observe(mount, name, recursive, (event) => {
    if (queue.length < limit) queue.push(event);
    else lost = true;
    setImmediate(() => wake());
  });
  const alive = new KeepAlive();
  if (persistent) alive.start();
  const onAbort = () => wake();
  signal?.addEventListener("abort", onAbort);
  try {
    for (;;) {
      if (signal?.aborted) throw abortError(signal.reason);
      if (lost && overflow === "throw") {
        throw codedError("ERR_FS_WATCH_QUEUE_OVERFLOW", `fs.watch() queued more than ${limit} events`);
      }
      const event = queue.shift();
      if (event !== undefined) {
        yield { eventType: event.eventType, filename: take.encodeName(event.filename, encoding) };
        continue;
      }
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  } finally {
    stop();
    alive.stop();
    signal?.removeEventListener("abort", onAbort);
  }
}
