/**
 * Blobs that are on their way: what arrived of them, kept by digest so that a later process goes on where an
 * earlier one was stopped.
 *
 * A file is named `ALG-HEX` while nobody writes it, and `ALG-HEX@PROCESS@RANDOM` while somebody does. It is
 * taken by renaming it, so that only one process gets it; one whose process is gone may be taken too.
 * Nothing here is believed: whoever goes on reads the file from its beginning and checks the whole.
 */
import { randomBytes } from "node:crypto";
import { type FileHandle, mkdir, open, readdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { type Digest, digestAlgorithm, digestHex, isDigest } from "../oci/digest.ts";
import type { ByteStream } from "../platform/types.ts";
import { fileStream } from "./disk-files.ts";
import { isMissing } from "./errors.ts";
import { isStray, processTag } from "./process.ts";

function freeName(digest: Digest): string {
  return `${digestAlgorithm(digest)}-${digestHex(digest)}`;
}

/** The blob that a file's name says it is of. */
export function downloadDigest(name: string): Digest | undefined {
  const text = name.split("@", 1)[0]!.replace("-", ":");
  return isDigest(text) ? text : undefined;
}

/** One blob's file. */
export class Download {
  /** Where it is until somebody moves it. */
  readonly path: string;
  /** Bytes that are there already. */
  readonly before: number;
  readonly #free: string;
  readonly #handle: FileHandle;
  #at: number;
  #closed = false;

  constructor(path: string, free: string, handle: FileHandle, size: number) {
    this.path = path;
    this.#free = free;
    this.#handle = handle;
    this.before = size;
    this.#at = size;
  }

  /** What is there already, then `rest`, which is written on the way. */
  async *through(rest: ByteStream): ByteStream {
    if (this.before > 0) yield* fileStream(this.path, 0, this.before);
    for await (const chunk of rest) {
      for (let from = 0; from < chunk.length; ) {
        const { bytesWritten } = await this.#handle.write(chunk, from, chunk.length - from, this.#at);
        from += bytesWritten;
        this.#at += bytesWritten;
      }
      yield chunk;
    }
    await this.close();
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#handle.close();
  }

  /** Leaves it to whoever comes next. Does nothing where it was moved away. */
  async leave(): Promise<void> {
    await this.close();
    if (this.#at === 0) return await this.remove();
    await rename(this.path, this.#free).catch((error: unknown) => {
      if (!isMissing(error)) throw error;
    });
  }

  async remove(): Promise<void> {
    await this.close();
    await rm(this.path, { force: true });
  }
}

async function list(directory: string): Promise<readonly string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

/**
 * Whether a file is nobody's: never taken, or taken by a process that is gone.
 * @param modified when it was written, in milliseconds since the epoch
 */
export function isIdleDownload(name: string, modified: number, now: number): boolean {
  const holder = name.split("@")[1];
  return holder === undefined || isStray(holder, modified, now);
}

/** The files of a directory that are nobody's. */
async function idle(directory: string): Promise<readonly { readonly name: string; readonly size: number }[]> {
  const found: { name: string; size: number }[] = [];
  for (const name of await list(directory)) {
    try {
      const { size, mtimeMs } = await stat(join(directory, name));
      if (isIdleDownload(name, mtimeMs, Date.now())) found.push({ name, size });
    } catch (error) {
      // Another process took it meanwhile.
      if (!isMissing(error)) throw error;
    }
  }
  return found;
}

/**
 * Takes the file of a blob, or begins one. Where several processes left one, the longest counts and the
 * others go.
 * @param directory on the store's filesystem
 */
export async function takeDownload(directory: string, digest: Digest): Promise<Download> {
  const free = freeName(digest);
  const ownName = () => join(directory, `${free}@${processTag()}@${randomBytes(4).toString("hex")}`);
  await mkdir(directory, { recursive: true });
  let best: { readonly path: string; readonly size: number } | undefined;
  for (const { name } of await idle(directory)) {
    if (name !== free && !name.startsWith(`${free}@`)) continue;
    const path = ownName();
    try {
      await rename(join(directory, name), path);
    } catch (error) {
      // Another process was faster.
      if (isMissing(error)) continue;
      throw error;
    }
    const { size } = await stat(path);
    const worse = best === undefined || best.size < size ? best?.path : path;
    if (worse !== path) best = { path, size };
    if (worse !== undefined) await rm(worse, { force: true });
  }
  const target = join(directory, free);
  if (best !== undefined) return new Download(best.path, target, await open(best.path, "r+"), best.size);
  const path = ownName();
  return new Download(path, target, await open(path, "wx"), 0);
}

/** What lies there that no running process writes, with sizes in bytes. */
export async function idleDownloads(
  directory: string,
): Promise<readonly { readonly path: string; readonly size: number }[]> {
  return (await idle(directory)).map(({ name, size }) => ({ path: join(directory, name), size }));
}
