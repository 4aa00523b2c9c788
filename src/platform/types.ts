/**
 * The one seam between the engine and the machine it runs on. Every module below `store` reaches
 * the clock, randomness, hashing, decompression and files only through `#platform`, which the
 * package maps to `node.ts` or, in a browser bundle, to `browser.ts`.
 */

import type { Nanoseconds } from "../posix/time.ts";
import type { HostDirectory } from "./host-types.ts";

/** A running digest. */
export interface Hasher {
  update(bytes: Uint8Array): void;
  /** Lower-case hex of everything given so far; the hasher is spent afterwards. */
  hex(): string;
}

export type HashAlgorithm = "sha256" | "sha512";

/** Immutable bytes that can be read at any position, synchronously: a file, or a buffer in memory. */
export interface RandomAccess {
  /** In bytes. */
  readonly size: number;
  /**
   * Reads up to `length` bytes at `position` into `target` from `offset` on.
   * @returns how many bytes were read, less than `length` only at the end; or a negated error
   *   number: `-EIO`, or `-EAGAIN` where the range is not local and not prepared
   */
  read(target: Uint8Array, offset: number, length: number, position: number): number;
  /** Makes a range readable that is not local yet. Absent where everything always is. */
  prepare?(start: number, end: number): Promise<void>;
  /** Frees what it holds. Reads after that give `-EBADF`. */
  close(): void;
}

/** A source of bytes in order, as streams of both Node and the browser are. */
export type ByteStream = AsyncIterable<Uint8Array>;

export interface Platform {
  /** The current time. */
  now(): Nanoseconds;
  randomBytes(length: number): Uint8Array;
  createHash(algorithm: HashAlgorithm): Hasher;
  /**
   * Decompresses gzip, all members of it. Fails with the platform's own error on corrupt or truncated
   * input and on anything that follows the last member.
   */
  gunzip(source: ByteStream): ByteStream;
  /**
   * Compresses to raw deflate (RFC 1951), final block included. What comes out depends on the bytes and
   * the level alone: neither on how the source cuts them into chunks nor on the number of cores.
   * @param level 1 (fastest) to 9 (smallest); a platform may have but one
   */
  deflate(source: ByteStream, level: number): ByteStream;
  /** The CRC-32 of gzip (RFC 1952, section 8) of all bytes so far, given that of those before; 0 at first. */
  crc32(bytes: Uint8Array, before: number): number;
  /**
   * Decompresses one zstd frame natively; a skippable one gives nothing. Undefined where the platform
   * cannot: the caller then uses its own portable decoder. The caller sees to it that the frame is
   * whole and that nothing follows it.
   */
  zstdFrame?(frame: ByteStream): ByteStream;
  /** A directory of the machine, to make a layer from; undefined where the platform has none. */
  hostDirectory?(root: string): HostDirectory;
}
