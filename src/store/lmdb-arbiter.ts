/**
 * The arbiter of a store on disk: one lmdb environment (`stratafs/arbiter.mdb`).
 *
 * The lock is its write transaction, a mutex in shared memory that the kernel hands on when its holder is
 * killed; work that changes no lease aborts the transaction, so nothing is written for it. All that is in
 * there concerns running processes: the file may be deleted when none uses the store.
 */
import { accessSync, closeSync, constants, mkdirSync, openSync, readSync } from "node:fs";
import { dirname } from "node:path";
import { ABORT, open, type RootDatabase } from "lmdb";
import * as v from "valibot";
import { digestSchema } from "../oci/descriptor.ts";
import type { Arbiter, LeaseRecord } from "./arbiter.ts";
import { isMissing, StoreError } from "./errors.ts";

const MAX_READERS = 1024;
/** Where an lmdb file has its magic number, and what that is. */
const MAGIC_AT = 24;
const MAGIC = 0xbeefc0de;

const leaseSchema = v.object({
  holder: v.string(),
  namespace: v.string(),
  since: v.number(),
  digests: v.array(digestSchema),
});

/** lmdb trusts its file: one that is something else altogether would end the process. */
function checkFile(path: string): void {
  let fd: number;
  try {
    accessSync(path, constants.R_OK | constants.W_OK);
    fd = openSync(path, "r");
  } catch (error) {
    if (!isMissing(error)) throw error;
    mkdirSync(dirname(path), { recursive: true });
    accessSync(dirname(path), constants.W_OK);
    return;
  }
  try {
    const start = Buffer.alloc(MAGIC_AT + 4);
    const count = readSync(fd, start, 0, start.length, 0);
    if (count > 0 && start.readUInt32LE(MAGIC_AT) !== MAGIC) {
      throw new StoreError("format", `${path} is no lmdb file; delete it when nothing uses the store`);
    }
  } finally {
    closeSync(fd);
  }
}

/**
 * Opens the environment at `path`, making it where it is missing.
 * @throws the system's own error where it may not be written to
 */
export function openLmdbArbiter(path: string): Arbiter {
  checkFile(path);
  const database: RootDatabase<unknown, string> = open<unknown, string>({
    path,
    noSubdir: true,
    encoding: "json",
    overlappingSync: false,
    maxDbs: 0,
    maxReaders: MAX_READERS,
  });
  // Slots of readers that were killed would keep pages from being used again.
  database.readerCheck();
  return {
    exclusively(work) {
      let result: ReturnType<typeof work> | undefined;
      database.transactionSync(() => {
        result = work();
        return ABORT;
      });
      return result as ReturnType<typeof work>;
    },
    leases() {
      const found = new Map<string, LeaseRecord>();
      // Else reads outside a transaction see the moment of the first of them in this turn of the event loop.
      database.resetReadTxn();
      for (const { key, value } of database.getRange()) {
        const parsed = v.safeParse(leaseSchema, value);
        if (parsed.success) found.set(key, parsed.output);
      }
      return found;
    },
    setLease(name, record) {
      database.transactionSync(() => {
        if (record === undefined) database.removeSync(name);
        else database.putSync(name, record);
      });
    },
    close() {
      // Nothing asynchronous was begun, so closing is done when it returns.
      void database.close();
    },
  };
}
