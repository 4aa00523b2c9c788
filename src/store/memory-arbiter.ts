/**
 * The arbiter of a store in memory, which one process has to itself.
 */
import type { Arbiter, LeaseRecord } from "./arbiter.ts";

export function memoryArbiter(): Arbiter {
  const leases = new Map<string, LeaseRecord>();
  return {
    exclusively: (work) => work(),
    leases: () => new Map(leases),
    setLease(name, record) {
      if (record === undefined) leases.delete(name);
      else leases.set(name, record);
    },
    close() {},
  };
}
