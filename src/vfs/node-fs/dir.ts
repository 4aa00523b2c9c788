/**
 * `fs.readdir`, `fs.opendir` and `fs.Dir`. A listing is in the order of its names' bytes, as libuv
 * sorts it; what is listed recursively comes directory by directory, nearest first.
 */
import { Buffer, setImmediate } from "../../platform/node-builtins.ts";
import { errno } from "../../posix/errno.ts";
import { compareNames } from "../../posix/names.ts";
import { joinPath } from "../../posix/path.ts";
import { placeOf } from "../../union/attribute-calls.ts";
import { readDirectory } from "../../union/data-calls.ts";
import type { DirectoryEntry } from "../../union/filesystem.ts";
import type { Mount } from "../../union/mount.ts";
import { close, open } from "../../union/open.ts";
import { O_DIRECTORY, O_RDONLY } from "../../union/types.ts";
import * as take from "./arguments.ts";
import { type Dirent, direntOf } from "./dirent.ts";
import { codedError, succeed, systemError } from "./errors.ts";
import { attempt, type Callback, settle } from "./forms.ts";
import { scan } from "./remove.ts";

function listing(mount: Mount, path: string): DirectoryEntry[] {
  const entries = scan(mount, path);
  if (typeof entries === "number") throw systemError(entries, "scandir", path);
  return entries.sort((a, b) => compareNames(a.name, b.name));
}

/** The path of a directory within the one that is listed: `/` at an end is not doubled. */
function within(directory: string, name: string): string {
  return directory.endsWith("/") ? directory + name : joinPath(directory, name);
}

function isDirectory(mount: Mount, path: string): boolean {
  const place = placeOf(mount.context, path, "follow", true);
  return typeof place !== "number" && place.attachment.filesystem.kind(place.id) === "directory";
}

export function readdir(mount: Mount, path: unknown, options: unknown) {
  const given = take.encodingOptions(options);
  const base = take.path(path);
  const { encoding, withFileTypes } = given;
  const recursive =
    given.recursive === undefined ? false : take.boolean(given.recursive, "options.recursive");
  const shown = path instanceof Uint8Array ? Buffer.from(path) : take.encodeName(base, undefined);
  const results: (string | Buffer | Dirent)[] = [];
  const queue = [{ directory: base, prefix: "" }];
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    const { directory, prefix } = next;
    for (const { name, kind } of listing(mount, directory)) {
      if (withFileTypes) {
        const parent = prefix === "" ? shown : take.encodeName(directory, undefined);
        results.push(direntOf(take.encodeName(name, encoding), kind, parent));
      } else results.push(take.encodeName(prefix + name, encoding));
      // Without types Node asks what a link leads to, and so goes through it.
      const enter = recursive && (kind === "directory" || (!withFileTypes && kind === "symlink"));
      const inner = within(directory, name);
      if (enter && (kind === "directory" || isDirectory(mount, inner))) {
        queue.push({ directory: inner, prefix: `${prefix}${name}/` });
      }
    }
  }
  return results;
}

const CLOSED = ["ERR_DIR_CLOSED", "Directory handle was closed"] as const;

/** An open directory. */
export class Dir {
  readonly #mount: Mount;
  readonly #encoding: unknown;
  readonly #recursive: boolean;
  readonly #bufferSize: number;
  readonly #path: string;
  #fd: number;
  #directory: string;
  readonly #pending: string[] = [];
  #ready: DirectoryEntry[] = [];

  constructor(mount: Mount, path: string, options: take.Options) {
    this.#mount = mount;
    this.#path = path;
    this.#directory = path;
    this.#encoding = options.encoding;
    this.#recursive = take.optionalBoolean(options, "recursive", false);
    const { bufferSize = 32 } = options;
    this.#bufferSize = take.integer(bufferSize, "options.bufferSize", 1, 2 ** 32 - 1);
    this.#fd = openDirectory(mount, path);
  }

  get path(): string {
    return this.#path;
  }

  readSync(): Dirent | null {
    this.#open();
    for (;;) {
      const entry = this.#ready.shift() ?? this.#fill();
      if (entry !== undefined) return this.#dirent(entry);
      const next = this.#pending.shift();
      if (next === undefined) return null;
      close(this.#mount.context, this.#fd);
      this.#fd = openDirectory(this.#mount, next);
      this.#directory = next;
    }
  }

  #fill(): DirectoryEntry | undefined {
    const entries = readDirectory(this.#mount.context, this.#fd, this.#bufferSize);
    // A directory that was removed while it was open has nothing more to tell.
    if (entries === -errno.ENOENT) return undefined;
    if (typeof entries === "number") throw systemError(entries, "scandir", this.#directory);
    this.#ready = entries;
    return this.#ready.shift();
  }

  #dirent({ name, kind }: DirectoryEntry): Dirent {
    if (this.#recursive && kind === "directory") this.#pending.push(within(this.#directory, name));
    const parent = take.encodeName(this.#directory, undefined);
    return direntOf(take.encodeName(name, this.#encoding), kind, parent);
  }

  #open(): void {
    if (this.#fd < 0) throw codedError(...CLOSED);
  }

  /** Reading what is closed is told at once, closing it again by the promise or the callback: as in Node. */
  read(callback?: Callback): Promise<unknown> | undefined {
    this.#open();
    return this.#asynchronously(() => this.readSync(), callback);
  }

  closeSync(): void {
    this.#open();
    const fd = this.#fd;
    this.#fd = -1;
    succeed(close(this.#mount.context, fd), "closedir");
  }

  close(callback?: Callback): Promise<unknown> | undefined {
    return this.#asynchronously(() => this.closeSync(), callback);
  }

  #asynchronously(call: () => unknown, callback: Callback | undefined): Promise<unknown> | undefined {
    if (callback === undefined) return settle(attempt(call, []));
    const outcome = attempt(call, []);
    if ("error" in outcome) setImmediate(callback, outcome.error);
    else if (outcome.value === undefined) setImmediate(callback, null);
    else setImmediate(callback, null, outcome.value);
    return undefined;
  }

  async *entries(): AsyncGenerator<Dirent, void, undefined> {
    try {
      for (;;) {
        const entry = (await this.read()) as Dirent | null;
        if (entry === null) return;
        yield entry;
      }
    } finally {
      await this.close();
    }
  }

  [Symbol.asyncIterator](): AsyncGenerator<Dirent, void, undefined> {
    return this.entries();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  [Symbol.dispose](): void {
    this.closeSync();
  }
}

function openDirectory(mount: Mount, path: string): number {
  return succeed(open(mount.context, path, O_RDONLY | O_DIRECTORY, 0), "opendir", path);
}
