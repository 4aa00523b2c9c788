/**
 * Open files: descriptors, as `open(2)` gives them, shared by all callers of one mount.
 */
import type { Caller } from "../posix/caller.ts";
import type { DirectoryEntry } from "./filesystem.ts";
import type { Place } from "./walk.ts";

/** One open file description. */
export interface OpenFile {
  readonly place: Place;
  /** As given to open, without what only mattered there. */
  flags: number;
  /** Where the next read or write without a position happens; for a directory, in entries. */
  position: number;
  /** What a directory held when its listing began; a new one is made when it is rewound. */
  listing: readonly DirectoryEntry[] | undefined;
  /** Made by O_TMPFILE without O_EXCL and not yet linked: the one way to give a nameless file a name. */
  linkable: boolean;
  /** Who opened it. */
  readonly opener: Caller;
  /** Restoring a snapshot leaves older descriptors stale. */
  readonly generation: number;
}

/** How many files may be open at once, as `ulimit -n` often has it at most. */
const MAX_OPEN = 1_048_576;

export class FileTable {
  readonly #files = new Map<number, OpenFile>();
  #next = 3;
  /** Descriptors of earlier generations are stale. */
  generation = 0;

  get(fd: number): OpenFile | undefined {
    return this.#files.get(fd);
  }

  /** A new descriptor, or undefined when there are too many. */
  add(file: OpenFile): number | undefined {
    if (this.#files.size >= MAX_OPEN) return undefined;
    const fd = this.#next;
    this.#next += 1;
    this.#files.set(fd, file);
    return fd;
  }

  remove(fd: number): boolean {
    return this.#files.delete(fd);
  }

  descriptors(): Iterable<number> {
    return this.#files.keys();
  }

  values(): Iterable<OpenFile> {
    return this.#files.values();
  }
}
