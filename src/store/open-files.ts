/**
 * The archives that mounts of a store read from: each opened once for all of them, and kept open while it
 * is pinned, so that it can be read also after its name went away. One that nobody pins is opened when it is
 * read.
 */
import type { RandomAccess } from "../platform/types.ts";
import { errno } from "../posix/errno.ts";
import { isMissing } from "./errors.ts";
import type { StoreFiles } from "./files.ts";

/** A file that can be closed and opened again while others have it in their hands. */
class SharedFile implements RandomAccess {
  readonly size: number;
  /** How many need it open. */
  pins = 0;
  readonly #open: () => RandomAccess;
  #file: RandomAccess | undefined;
  #ended = false;

  constructor(open: () => RandomAccess) {
    this.#open = open;
    this.#file = open();
    this.size = this.#file.size;
  }

  read(target: Uint8Array, offset: number, length: number, position: number): number {
    if (this.#ended) return -errno.EBADF;
    const file = this.#file ?? this.#reopen();
    return typeof file === "number" ? file : file.read(target, offset, length, position);
  }

  #reopen(): RandomAccess | number {
    try {
      const file = this.#open();
      if (file.size === this.size) return (this.#file = file);
      file.close();
      return -errno.ESTALE;
    } catch (error) {
      return isMissing(error) ? -errno.ESTALE : -errno.EIO;
    }
  }

  /** Makes sure that it is open. @throws the system's error where it is gone */
  open(): void {
    this.#file ??= this.#open();
  }

  /** Closes it until it is read again. */
  suspend(): void {
    this.#file?.close();
    this.#file = undefined;
  }

  close(): void {
    this.suspend();
    this.#ended = true;
  }
}

export class OpenFiles {
  readonly #backend: StoreFiles;
  readonly #files = new Map<string, SharedFile>();
  /** Also those that are no longer what their path leads to. */
  readonly #all = new Set<SharedFile>();

  constructor(files: StoreFiles) {
    this.#backend = files;
  }

  open(path: string): RandomAccess {
    const known = this.#files.get(path);
    if (known !== undefined) return known;
    const file = new SharedFile(() => this.#backend.open(path));
    this.#files.set(path, file);
    this.#all.add(file);
    return file;
  }

  /**
   * Keeps a file open that came from here.
   * @returns what ends that
   * @throws the system's error where it is neither open nor there
   */
  pin(file: RandomAccess): () => void {
    if (!(file instanceof SharedFile)) return () => {};
    file.open();
    file.pins += 1;
    return () => {
      file.pins -= 1;
      if (file.pins === 0) file.suspend();
    };
  }

  /** Takes note that there is another file at a path. Who reads the one before goes on with it while it is pinned. */
  replaced(path: string): void {
    const file = this.#files.get(path);
    this.#files.delete(path);
    if (file?.pins === 0) file.suspend();
  }

  closeAll(): void {
    for (const file of this.#all) file.close();
    this.#files.clear();
    this.#all.clear();
  }
}
