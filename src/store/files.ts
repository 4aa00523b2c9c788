/**
 * The files that a store is made of, as far as it matters where they are: on disk, or in memory. Everything
 * above, from blobs to garbage collection, is the same for both.
 *
 * Paths are those that `Layout` gives. A file becomes visible whole: it is written aside, then published.
 */
import type { ByteStream, RandomAccess } from "../platform/types.ts";

export interface FileFacts {
  /** In bytes. */
  readonly size: number;
  /** When its content was last written, in milliseconds since the epoch. */
  readonly modified: number;
}

/** A file that is being written aside. */
export interface AsideFile {
  readonly path: string;
  write(bytes: Uint8Array): Promise<void>;
  /** Sets the time of its last change to the epoch, so that a later change of its content shows. */
  stamp(): Promise<void>;
  close(): Promise<void>;
}

/** A file aside, and where it goes. */
export interface Move {
  readonly from: string;
  readonly to: string;
}

export interface StoreFiles {
  /** Undefined where there is no file. */
  facts(path: string): Promise<FileFacts | undefined>;
  /**
   * A small file whole; undefined where there is none.
   * @param what names it in the error
   * @throws OciError (`limit`) for more than `limit` bytes
   */
  read(path: string, limit: number, what: string): Promise<Uint8Array | undefined>;
  /** Its bytes in order. It is opened when they are asked for. */
  stream(path: string): ByteStream;
  /**
   * Its bytes at any position, also after the file is removed.
   * @throws where there is none
   */
  open(path: string): RandomAccess;

  /** A new file aside. */
  create(): Promise<AsideFile>;
  /**
   * Makes all files durable, then moves each to its place, in order; a place may have a file already.
   * @param moved is told of each as soon as it is in its place
   */
  publish(moves: readonly Move[], moved: (move: Move) => void): Promise<void>;
  /** Removes a file aside, if it is there. Never throws. */
  drop(path: string): Promise<void>;

  // For one who has the store's lock, before anything else in this process goes on

  readNow(path: string): Uint8Array | undefined;
  factsNow(path: string): FileFacts | undefined;
  /** Replaces a small file, or makes it, in one durable step. */
  replaceNow(path: string, bytes: Uint8Array): void;
  /** Marks a file as modified now, if it is there and may be changed. */
  touchNow(path: string): void;
  /** Names in a directory, of whatever kind; none where it is missing. */
  listNow(directory: string): readonly string[];
  /** Makes an empty directory, where there are any. */
  makeDirectoryNow(path: string): void;
  /** Removes a file or a directory with all in it, if it is there. */
  removeNow(path: string): void;
}
