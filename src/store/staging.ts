/**
 * How a file becomes visible: written aside, synced, renamed, and then its directory synced.
 *
 * A `Staging` gathers files that belong together. Nothing of it is visible before `commit`, which
 * first syncs all of them and then renames them in the order they were given; a reader that sees the
 * last one sees all. A crash leaves files in the temporary directory, which nothing reads.
 */
import { randomBytes } from "node:crypto";
import { closeSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { type FileHandle, mkdir, open, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { ByteStream } from "../platform/types.ts";

/** How many files are synced at a time: the journal takes them together. */
const SYNCS_AT_ONCE = 16;

/** A name in the temporary directory that says which process made it. */
export function temporaryName(directory: string): string {
  return join(directory, `${process.pid}-${randomBytes(8).toString("hex")}`);
}

/**
 * Replaces a small file, or makes it, in one step that survives a crash, before anything else in this
 * process goes on.
 */
export function replaceFile(temporary: string, target: string, bytes: Uint8Array): void {
  mkdirSync(temporary, { recursive: true });
  const path = temporaryName(temporary);
  try {
    writeFileSync(path, bytes, { flag: "wx", flush: true });
    renameSync(path, target);
  } catch (error) {
    rmSync(path, { force: true });
    throw error;
  }
  syncFile(dirname(target));
}

/** Makes a file's content, or a directory's names, durable before anything else goes on. */
export function syncFile(path: string): void {
  const fd = openSync(path, "r");
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** Makes a file's content, or a directory's names, durable. */
async function sync(path: string): Promise<void> {
  const handle = await open(path, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Creates missing directories and makes their names durable. */
async function makeDirectory(path: string): Promise<void> {
  const first = await mkdir(path, { recursive: true });
  for (let made: string = path; first !== undefined && made.length >= first.length; made = dirname(made)) {
    await sync(dirname(made));
  }
}

/** Replaces a file, or makes it, in one step that survives a crash. */
export async function writeDurably(temporary: string, target: string, bytes: Uint8Array): Promise<void> {
  const staging = new Staging(temporary);
  try {
    await staging.addBytes(bytes, target);
    await staging.commit();
  } finally {
    await staging.discard();
  }
}

/** A file that is being written aside. */
export class StagedFile {
  readonly path: string;
  /** Bytes written so far. */
  size = 0;
  readonly #handle: FileHandle;

  constructor(path: string, handle: FileHandle) {
    this.path = path;
    this.#handle = handle;
  }

  async write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length; ) {
      at += (await this.#handle.write(bytes, at, bytes.length - at)).bytesWritten;
    }
    this.size += bytes.length;
  }

  /** Passes a stream on and writes it on the way. */
  async *copyOf(source: ByteStream): ByteStream {
    for await (const chunk of source) {
      await this.write(chunk);
      yield chunk;
    }
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }
}

export class Staging {
  readonly #temporary: string;
  readonly #files = new Set<StagedFile>();
  readonly #paths = new Set<string>();
  readonly #moves: { from: string; to: string }[] = [];

  /** @param temporary a directory of the same filesystem as every target */
  constructor(temporary: string) {
    this.#temporary = temporary;
  }

  /** A new file aside. It goes away with `discard` unless it was added. */
  async create(): Promise<StagedFile> {
    const path = temporaryName(this.#temporary);
    const file = new StagedFile(path, await this.#open(path));
    this.#files.add(file);
    this.#paths.add(path);
    return file;
  }

  async #open(path: string): Promise<FileHandle> {
    try {
      return await open(path, "wx");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
      await mkdir(this.#temporary, { recursive: true });
      return await open(path, "wx");
    }
  }

  /** Says where a file that is complete goes. Takes a file of `create`, or the path of one that is owned. */
  async add(file: StagedFile | string, target: string): Promise<void> {
    if (typeof file !== "string") await this.#close(file);
    const path = typeof file === "string" ? file : file.path;
    this.#paths.add(path);
    this.#moves.push({ from: path, to: target });
  }

  /** Where the file that will be at a target can be read until then; undefined where none will be. */
  pathOf(target: string): string | undefined {
    return this.#moves.findLast(({ to }) => to === target)?.from;
  }

  async addBytes(bytes: Uint8Array, target: string): Promise<void> {
    const file = await this.create();
    await file.write(bytes);
    await this.add(file, target);
  }

  async #close(file: StagedFile): Promise<void> {
    if (this.#files.delete(file)) await file.close();
  }

  /** Makes everything that was added visible, in order. */
  async commit(): Promise<void> {
    for (let i = 0; i < this.#moves.length; i += SYNCS_AT_ONCE) {
      await Promise.all(this.#moves.slice(i, i + SYNCS_AT_ONCE).map(({ from }) => sync(from)));
    }
    const directories = new Set(this.#moves.map(({ to }) => dirname(to)));
    for (const directory of directories) await makeDirectory(directory);
    for (const { from, to } of this.#moves) {
      await rename(from, to);
      this.#paths.delete(from);
    }
    this.#moves.length = 0;
    await Promise.all([...directories].map(sync));
  }

  /** Removes whatever was not committed. Does nothing after a complete commit; never throws. */
  async discard(): Promise<void> {
    for (const file of this.#files) await file.close().catch(() => {});
    for (const path of this.#paths) await rm(path, { force: true }).catch(() => {});
    this.#files.clear();
    this.#paths.clear();
    this.#moves.length = 0;
  }
}
