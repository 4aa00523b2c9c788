/**
 * What all stages of one build have in common.
 */
import type { Digest } from "../oci/digest.ts";
import type { Nanoseconds } from "../posix/time.ts";
import type { Executor } from "../runtime/executor.ts";
import type { StoreCore } from "../store/core.ts";
import type { Lease } from "../store/leases.ts";
import type { StepCache, StepRecord } from "../store/step-cache.ts";
import type { BuildLog } from "./log.ts";
import type { SharedCache } from "./shared-cache.ts";

export interface BuildSession {
  readonly core: StoreCore;
  readonly lease: Lease;
  readonly cache: StepCache;
  /** Caches of other machines, asked where ours has nothing. */
  readonly shared: readonly SharedCache[];
  /** Every step that was taken so far, by key. */
  readonly taken: Map<Digest, StepRecord>;
  readonly log: BuildLog;
  /** What runs commands is called. */
  readonly executorName: string;
  /** Runs what RUN says; made when something has to be run. */
  executor(): Promise<Executor>;
  /** `SOURCE_DATE_EPOCH`: nothing that is made is later. */
  readonly epoch: Nanoseconds | undefined;
  /** The time of what is made: the epoch where there is one. */
  readonly clock: () => Nanoseconds;
  /** Media type of layers that are made. */
  readonly layerType: string;
  /** Whether results of earlier builds are of no use; what is made is still kept for later ones. */
  readonly noCache: boolean;
  /** Whether to say why steps were hits or misses. */
  readonly explain: boolean;
  readonly signal: AbortSignal | undefined;
}
