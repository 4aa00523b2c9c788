/**
 * A store's files on disk (`files.ts`).
 */
import { randomBytes } from "node:crypto";
import {
  closeSync,
  createReadStream,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  type Stats,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { type FileHandle, mkdir, open, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { OciError } from "../oci/errors.ts";
import { openFile } from "../platform/node.ts";
import type { ByteStream } from "../platform/types.ts";
import { isMissing } from "./errors.ts";
import type { AsideFile, FileFacts, StoreFiles } from "./files.ts";
import { processTag } from "./process.ts";

/** How much of a file is read at a time. */
const CHUNK = 256 * 1024;
/** How many files are synced at a time: the journal takes them together. */
const SYNCS_AT_ONCE = 16;

/** A name in the temporary directory that says which process made it (`isStray`). */
export function temporaryName(directory: string): string {
  return join(directory, `${processTag()}-${randomBytes(8).toString("hex")}`);
}

/** A file's bytes in order. It is opened when they are asked for. */
export async function* fileStream(path: string, from = 0, to = Number.POSITIVE_INFINITY): ByteStream {
  const range = { start: from, end: to - 1, highWaterMark: CHUNK };
  yield* createReadStream(path, range) as AsyncIterable<Uint8Array>;
}

/** Reads a small file whole, but never more than `limit` bytes. */
export async function readBounded(path: string, limit: number, what: string): Promise<Uint8Array> {
  const handle = await open(path, "r");
  try {
    const { size } = await handle.stat();
    if (size > limit)
      throw new OciError("limit", `${what} has ${size} bytes, more than the ${limit} allowed`);
    return await handle.readFile();
  } finally {
    await handle.close();
  }
}

/** Makes a file's content, or a directory's names, durable. */
export function syncFile(path: string): void {
  const fd = openSync(path, "r");
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

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

class DiskAsideFile implements AsideFile {
  readonly path: string;
  readonly #handle: FileHandle;

  constructor(path: string, handle: FileHandle) {
    this.path = path;
    this.#handle = handle;
  }

  async write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length; ) {
      at += (await this.#handle.write(bytes, at, bytes.length - at)).bytesWritten;
    }
  }

  async stamp(): Promise<void> {
    await this.#handle.utimes(0, 0);
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }
}

async function createAside(temporary: string): Promise<AsideFile> {
  const path = temporaryName(temporary);
  try {
    return new DiskAsideFile(path, await open(path, "wx"));
  } catch (error) {
    if (!isMissing(error)) throw error;
    await mkdir(temporary, { recursive: true });
    return new DiskAsideFile(path, await open(path, "wx"));
  }
}

function orUndefined<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

async function ifThere<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

function factsOf(stats: Stats | undefined): FileFacts | undefined {
  return stats?.isFile() ? { size: stats.size, modified: stats.mtimeMs } : undefined;
}

/** @param temporary a directory of the same filesystem as everything else */
export function diskFiles(temporary: string): StoreFiles {
  return {
    facts: async (path) => factsOf(await ifThere(stat(path))),
    read: (path, limit, what) => ifThere(readBounded(path, limit, what)),
    stream: fileStream,
    open: openFile,
    create: () => createAside(temporary),
    async publish(moves, moved) {
      for (let i = 0; i < moves.length; i += SYNCS_AT_ONCE) {
        await Promise.all(moves.slice(i, i + SYNCS_AT_ONCE).map(({ from }) => sync(from)));
      }
      const directories = new Set(moves.map(({ to }) => dirname(to)));
      for (const directory of directories) await makeDirectory(directory);
      for (const move of moves) {
        await rename(move.from, move.to);
        moved(move);
      }
      await Promise.all([...directories].map(sync));
    },
    drop: (path) => rm(path, { force: true }).catch(() => {}),
    readNow: (path) => orUndefined(() => readFileSync(path)),
    factsNow: (path) => factsOf(orUndefined(() => statSync(path))),
    replaceNow: (path, bytes) => replaceFile(temporary, path, bytes),
    touchNow(path) {
      const now = new Date();
      try {
        utimesSync(path, now, now);
      } catch {
        // What cannot be marked is used all the same.
      }
    },
    listNow: (directory) => orUndefined(() => readdirSync(directory)) ?? [],
    makeDirectoryNow: (path) => void mkdirSync(path, { recursive: true }),
    removeNow: (path) => rmSync(path, { recursive: true, force: true }),
  };
}
