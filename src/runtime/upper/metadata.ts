/**
 * The metadata of one upper: an ordered table of byte strings in an lmdb file.
 *
 * A transaction is whole or not there, and on disk when it returns: lmdb syncs its pages, then writes
 * the one that makes them valid through a descriptor that is synchronous. (lmdb's overlapped sync,
 * which returns earlier, is off.) Several processes may have the file open; one writes at a time, and
 * a writer that is killed lets go. A range is read in one transaction, so it is one moment's.
 *
 * lmdb has no checksums. Each value ends in one of its own, over key and value, and the *seal*, the first
 * pair of the table, has how many pairs there are and the sum of their checksums: so a value that was
 * damaged, and a pair that got lost or came back with an old page, are seen when the range is read.
 * What is damaged so that lmdb itself cannot find its way may end the process (SIGBUS): it reads its file
 * through a mapping.
 */
import { closeSync, existsSync, openSync, readSync } from "node:fs";
import { dirname } from "node:path";
import { crc32 } from "node:zlib";
import { ABORT, open as openEnvironment, type RootDatabase } from "lmdb";
import { UpperError } from "./upper.ts";

export interface Pair {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

/** Where a file of lmdb's has its magic number, and what that is. */
const MAGIC_AT = 24;
const MAGIC = 0xbeefc0de;

/** lmdb trusts its file: one that is something else altogether would end the process. */
function checkMagic(path: string): void {
  const fd = openSync(path, "r");
  try {
    const start = Buffer.alloc(MAGIC_AT + 4);
    const count = readSync(fd, start, 0, start.length, 0);
    if (count > 0 && start.readUInt32LE(MAGIC_AT) !== MAGIC) throw new Error(`${path} is no lmdb file`);
  } finally {
    closeSync(fd);
  }
}

/** Bytes that a checksum has at the end of a value. */
const CHECKSUM = 4;
/** Sorts before every other key. */
const SEAL_KEY: Uint8Array = Buffer.of(0);

function checksumOf(key: Uint8Array, value: Uint8Array): number {
  return crc32(value, crc32(key));
}

/** What is known of all pairs together, whatever their order. */
class Seal {
  count = 0;
  sum = 0;

  add(checksum: number, times: 1 | -1): void {
    this.count += times;
    this.sum = (this.sum + times * checksum) >>> 0;
  }

  get bytes(): Uint8Array {
    const bytes = Buffer.alloc(8);
    bytes.writeUInt32BE(this.count >>> 0);
    bytes.writeUInt32BE(this.sum, 4);
    return bytes;
  }

  static of(bytes: Uint8Array): Seal {
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    const seal = new Seal();
    seal.count = view.getUint32(0);
    seal.sum = view.getUint32(4);
    return seal;
  }
}

export class Metadata {
  readonly #database: RootDatabase<Uint8Array, Uint8Array>;
  readonly #path: string;
  /** As it will be when the transaction ends. */
  #seal: Seal | undefined;

  private constructor(path: string, database: RootDatabase<Uint8Array, Uint8Array>) {
    this.#path = path;
    this.#database = database;
  }

  /** Opens the file at `path`, making it where `create`; undefined where it is not there. */
  static open(path: string, create = false): Metadata | undefined {
    if (existsSync(path)) checkMagic(path);
    else if (!create) return undefined;
    return new Metadata(
      path,
      openEnvironment<Uint8Array, Uint8Array>({
        path,
        noSubdir: true,
        encoding: "binary",
        keyEncoding: "binary",
        overlappingSync: false,
        maxDbs: 0,
      }),
    );
  }

  close(): void {
    // Nothing asynchronous was begun, so closing is done when it returns.
    void this.#database.close();
  }

  /** @throws UpperError (`damaged`) */
  get(key: Uint8Array): Uint8Array | undefined {
    return this.#guarded(() => {
      const stored = this.#database.get(key);
      return stored === undefined ? undefined : this.#opened(key, stored);
    });
  }

  /**
   * All pairs in ascending order of key, of one moment.
   * @throws UpperError (`damaged`), on the way or at the end: what came before it is not to be used
   */
  *range(): Generator<Pair> {
    const found = new Seal();
    let seal: Uint8Array | undefined;
    const pairs = this.#database.getRange()[Symbol.iterator]();
    try {
      for (let next = this.#next(pairs); next !== undefined; next = this.#next(pairs)) {
        const { key, value } = next;
        const opened = this.#opened(key, value);
        if (Buffer.compare(key, SEAL_KEY) === 0) {
          seal = opened;
        } else {
          found.add(checksumOf(key, opened), 1);
          yield { key, value: opened };
        }
      }
    } finally {
      pairs.return?.();
    }
    const expected = seal ?? new Seal().bytes;
    if (Buffer.compare(expected, found.bytes) !== 0) throw this.#damaged("its metadata is not complete");
  }

  #next(pairs: Iterator<Pair>): Pair | undefined {
    return this.#guarded(() => {
      const next = pairs.next();
      return next.done === true ? undefined : next.value;
    });
  }

  /** What lmdb says of a file that it cannot make sense of. */
  #guarded<T>(read: () => T): T {
    try {
      return read();
    } catch (error) {
      if (error instanceof UpperError) throw error;
      throw this.#damaged("its metadata cannot be read", error);
    }
  }

  #damaged(what: string, cause?: unknown): UpperError {
    return new UpperError("damaged", `container at ${dirname(this.#path)} is damaged: ${what}`, { cause });
  }

  /** A value without its checksum. */
  #opened(key: Uint8Array, stored: Uint8Array): Uint8Array {
    const end = stored.length - CHECKSUM;
    const value = stored.subarray(0, Math.max(0, end));
    if (
      end < 0 ||
      Buffer.from(stored.buffer, stored.byteOffset + end).readUInt32BE() !== checksumOf(key, value)
    ) {
      throw this.#damaged("a checksum in its metadata is wrong");
    }
    return value;
  }

  /** Does `work` as one durable step, or not at all if it throws. */
  transaction(work: () => void): void {
    try {
      this.#database.transactionSync(() => {
        const sealed = this.get(SEAL_KEY);
        this.#seal = sealed === undefined ? new Seal() : Seal.of(sealed);
        work();
        this.#write(SEAL_KEY, this.#seal.bytes);
      });
    } finally {
      this.#seal = undefined;
    }
  }

  /** Does `work` while no other process is in a transaction; nothing is written. */
  exclusively(work: () => void): void {
    this.#database.transactionSync(() => {
      work();
      return ABORT;
    });
  }

  /** Only within a transaction. */
  put(key: Uint8Array, value: Uint8Array): void {
    this.#unseal(key);
    this.#seal?.add(this.#write(key, value), 1);
  }

  /** @returns the checksum */
  #write(key: Uint8Array, value: Uint8Array): number {
    const checksum = checksumOf(key, value);
    const stored = Buffer.allocUnsafe(value.length + CHECKSUM);
    stored.set(value);
    stored.writeUInt32BE(checksum, value.length);
    this.#database.putSync(key, stored);
    return checksum;
  }

  /** Takes the pair that a key has out of the seal. */
  #unseal(key: Uint8Array): void {
    const before = this.get(key);
    if (before !== undefined) this.#seal?.add(checksumOf(key, before), -1);
  }

  /** Only within a transaction. */
  remove(key: Uint8Array): void {
    this.#unseal(key);
    this.#database.removeSync(key);
  }

  /** Removes every pair from `start` on and below `end`. Only within a transaction. */
  removeRange(start: Uint8Array, end: Uint8Array): void {
    const keys = [...this.#database.getKeys({ start, end })];
    for (const key of keys) this.remove(key);
  }
}
