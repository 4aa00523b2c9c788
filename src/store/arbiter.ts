/**
 * Who decides between the processes that use a store: its lock, and the record of who uses what.
 *
 * The lock is held for the moments in which `index.json` is read again, changed and renamed, a lease is
 * written, or garbage is removed; never during a transfer. Work under it is synchronous, so nothing in this
 * process comes between either. A holder that is killed lets go.
 */
import type { Digest } from "../oci/digest.ts";

/** Digests that a process uses. */
export interface LeaseRecord {
  /** The process, as `processIdentity` tells it. */
  readonly holder: string;
  /** Whose process numbers these are. */
  readonly namespace: string;
  /** When it began, before anything was held, in milliseconds since the epoch. */
  readonly since: number;
  /** Blobs by digest, cached layers by diffID, merged trees by chainID. */
  readonly digests: readonly Digest[];
}

export interface Arbiter {
  /** Does `work` while nobody else holds the lock. What it throws is thrown; the lock is then free. */
  exclusively<T>(work: () => T): T;
  /** Every lease that is written down, whether its process lives or not. Under the lock, as of that moment. */
  leases(): ReadonlyMap<string, LeaseRecord>;
  /** Writes a lease in place of the one of that name, or removes it. Takes the lock; not for use under it. */
  setLease(name: string, record: LeaseRecord | undefined): void;
  close(): void;
}
