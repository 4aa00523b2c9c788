/**
 * How files become visible: written aside, synced, renamed, and then their directories synced.
 *
 * A `Staging` gathers files that belong together. Nothing of it is visible before `commit`, which
 * first syncs all of them and then renames them in the order they were given; a reader that sees the
 * last one sees all. A crash leaves files in the temporary directory, which nothing reads.
 */
import type { ByteStream } from "../platform/types.ts";
import type { AsideFile, Move, StoreFiles } from "./files.ts";

/** A file that is being written aside. */
export class StagedFile {
  /** Bytes written so far. */
  size = 0;
  readonly #file: AsideFile;

  constructor(file: AsideFile) {
    this.#file = file;
  }

  get path(): string {
    return this.#file.path;
  }

  async write(bytes: Uint8Array): Promise<void> {
    await this.#file.write(bytes);
    this.size += bytes.length;
  }

  /** Passes a stream on and writes it on the way. */
  async *copyOf(source: ByteStream): ByteStream {
    for await (const chunk of source) {
      await this.write(chunk);
      yield chunk;
    }
  }

  /** Gives it the modification time by which a cached archive is known to be as it was written. */
  async stamp(): Promise<void> {
    await this.#file.stamp();
  }

  async close(): Promise<void> {
    await this.#file.close();
  }
}

export class Staging {
  readonly #backend: StoreFiles;
  readonly #files = new Set<StagedFile>();
  readonly #paths = new Set<string>();
  readonly #moves: Move[] = [];

  constructor(files: StoreFiles) {
    this.#backend = files;
  }

  /** A new file aside. It goes away with `discard` unless it was added. */
  async create(): Promise<StagedFile> {
    const file = new StagedFile(await this.#backend.create());
    this.#files.add(file);
    this.#paths.add(file.path);
    return file;
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

  /** The bytes of a file of `create` that was closed. */
  read(path: string): ByteStream {
    return this.#backend.stream(path);
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
    await this.#backend.publish(this.#moves, ({ from }) => this.#paths.delete(from));
    this.#moves.length = 0;
  }

  /** Removes whatever was not committed. Does nothing after a complete commit; never throws. */
  async discard(): Promise<void> {
    for (const file of this.#files) await file.close().catch(() => {});
    for (const path of this.#paths) await this.#backend.drop(path);
    this.#files.clear();
    this.#paths.clear();
    this.#moves.length = 0;
  }
}

/** Replaces a file, or makes it, in one step that survives a crash. */
export async function writeDurably(files: StoreFiles, target: string, bytes: Uint8Array): Promise<void> {
  const staging = new Staging(files);
  try {
    await staging.addBytes(bytes, target);
    await staging.commit();
  } finally {
    await staging.discard();
  }
}
