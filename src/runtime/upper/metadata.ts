/**
 * The metadata of one upper: an ordered table of byte strings in an lmdb file.
 *
 * A transaction is whole or not there, and on disk when it returns: lmdb syncs its pages, then writes
 * the one that makes them valid through a descriptor that is synchronous. (lmdb's overlapped sync,
 * which returns earlier, is off.) Several processes may have the file open; one writes at a time, and
 * a writer that is killed lets go. A range is read in one transaction, so it is one moment's.
 */
import { closeSync, existsSync, openSync, readSync } from "node:fs";
import { ABORT, open as openEnvironment, type RootDatabase } from "lmdb";

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

export class Metadata {
  readonly #database: RootDatabase<Uint8Array, Uint8Array>;

  private constructor(database: RootDatabase<Uint8Array, Uint8Array>) {
    this.#database = database;
  }

  /** Opens the file at `path`, making it where `create`; undefined where it is not there. */
  static open(path: string, create = false): Metadata | undefined {
    if (existsSync(path)) checkMagic(path);
    else if (!create) return undefined;
    return new Metadata(
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

  get(key: Uint8Array): Uint8Array | undefined {
    return this.#database.get(key);
  }

  /** All pairs in ascending order of key, of one moment. */
  range(): Iterable<Pair> {
    return this.#database.getRange();
  }

  /** Does `work` as one durable step, or not at all if it throws. */
  transaction(work: () => void): void {
    this.#database.transactionSync(work);
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
    this.#database.putSync(key, value);
  }

  /** Only within a transaction. */
  remove(key: Uint8Array): void {
    this.#database.removeSync(key);
  }

  /** Removes every pair from `start` on and below `end`. Only within a transaction. */
  removeRange(start: Uint8Array, end: Uint8Array): void {
    const keys = [...this.#database.getKeys({ start, end })];
    for (const key of keys) this.#database.removeSync(key);
  }
}
