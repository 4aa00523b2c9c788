/**
 * Leases: which digests a running process uses, so that garbage collection leaves them alone.
 *
 * Whoever is about to use or to add something holds it first and looks afterwards whether it is there: what
 * is there after `hold` returned stays until `release`. A lease ends with its process.
 */
import { randomBytes } from "node:crypto";
import type { Digest } from "../oci/digest.ts";
import type { Arbiter, LeaseRecord } from "./arbiter.ts";
import { isFull } from "./errors.ts";
import { isGone, processIdentity, processNamespace } from "./process.ts";

/** How long a lease counts whose process cannot be seen from here, in milliseconds. */
const UNSEEN_LEASE = 24 * 3_600_000;

export interface Lease extends Disposable {
  /**
   * Holds digests beside those already held: blobs by digest, cached layers by diffID, trees by chainID.
   * Does nothing in a store that this process may not write to, or whose disk is full: it can be read even so.
   */
  hold(...digests: readonly Digest[]): Promise<void>;
  /** Lets go of all of them. Nothing can be held any more. */
  release(): void;
}

/**
 * A new lease that holds nothing yet; nothing is written before it does.
 * @param open gives the arbiter, or undefined in a store that may not be written to
 * @param ended is told when the lease was released
 */
export function newLease(open: () => Promise<Arbiter | undefined>, ended: () => void): Lease {
  const name = randomBytes(12).toString("hex");
  const since = Date.now();
  const held = new Set<Digest>();
  let arbiter: Arbiter | undefined;
  let released = false;
  const write = (record: LeaseRecord | undefined) => {
    try {
      arbiter?.setLease(name, record);
    } catch (error) {
      if (!isFull(error)) throw error;
    }
  };
  const lease: Lease = {
    async hold(...digests) {
      if (digests.every((digest) => held.has(digest))) return;
      arbiter ??= await open();
      if (released) throw new Error("the lease was released");
      for (const digest of digests) held.add(digest);
      write({ holder: processIdentity(), namespace: processNamespace(), since, digests: [...held] });
    },
    release() {
      if (released) return;
      released = true;
      ended();
      write(undefined);
    },
    [Symbol.dispose]: () => lease.release(),
  };
  return lease;
}

/** Whether the process of a lease is gone, as far as can be told from here. */
function isOver(record: LeaseRecord, now: number): boolean {
  if (record.namespace === processNamespace()) return isGone(record.holder);
  return now - record.since > UNSEEN_LEASE;
}

/** Names of the leases whose process is gone. */
export function deadLeases(leases: ReadonlyMap<string, LeaseRecord>, now: number): readonly string[] {
  return [...leases].filter(([, record]) => isOver(record, now)).map(([name]) => name);
}

/** Every digest that a living process holds. */
export function heldDigests(leases: ReadonlyMap<string, LeaseRecord>, now: number): ReadonlySet<Digest> {
  const living = [...leases.values()].filter((record) => !isOver(record, now));
  return new Set(living.flatMap(({ digests }) => digests));
}
