/**
 * Keeping uppers: the writable layers of containers, between the commands that work in them.
 *
 * Contract, for both kinds of store (in memory, and in a folder each on disk).
 * - An upper is named by a path that is the store's own affair, and stands on one lower tree.
 * - It has one writer at a time; a second one is refused, and told who the first is. A writer that was
 *   killed holds nothing.
 * - Calls on a writer's mount change memory. A *commit point* – `commit()`, `close()`, `mount.sync()`,
 *   fsync(2) through any face – makes everything before it last, as one: whatever happens afterwards,
 *   opening shows one commit point or a later one, whole.
 * - Readers and forks see the last commit point, also beside a writer, and never change what they look at.
 * - What no name leads to at a commit point, such as an unlinked file that is still open, is not kept.
 *   The writer's mount goes on with it.
 * - Every function throws {@link UpperError} or the platform's own errors, and has then changed nothing.
 */
import type { Caller } from "../../posix/caller.ts";
import type { Nanoseconds } from "../../posix/time.ts";
import type { Tree } from "../../tree/tree.ts";
import type { Mount } from "../../union/mount.ts";
import type { Limits } from "../../union/union.ts";

export interface UpperOptions {
  /** What the upper may hold; beyond it is ENOSPC. */
  readonly limits?: Limits;
  /** Where times come from; the platform's clock unless given. */
  readonly clock?: () => Nanoseconds;
  /** Fields in which the caller differs from root at `/` with umask 022. */
  readonly caller?: Partial<Caller>;
  /** Bytes of file data that may wait in memory for a commit point; 64 MiB unless given. */
  readonly residentBytes?: number;
}

/** An upper that is open for writing. */
export interface Upper {
  /**
   * Of no use any more once the upper is closed: its fsync(2) fails with EBADF. A `fork()` or snapshot of
   * it is in memory, and reads what it shares with the upper while that is open.
   */
  readonly mount: Mount;
  /**
   * Makes what was done so far last. Costs what changed since the last commit point.
   * @throws PosixError (`ENOSPC`, `EIO`, …) with the last commit point as it was
   */
  commit(): void;
  /** Commits and ends. Closing again does nothing. */
  close(): void;
  /** Ends without a commit point: what was done since the last one is gone. */
  discard(): void;
}

/** The last commit point of an upper, read-only. */
export interface UpperReader {
  readonly mount: Mount;
  close(): void;
}

export interface UpperStore {
  /**
   * Makes an empty upper over a tree.
   * @throws UpperError (`exists`)
   */
  create(at: string, tree: Tree): void;
  /**
   * Opens an upper to be written, at its last commit point.
   * @throws UpperError (`missing`, `busy`, `mismatch`, `format`, `damaged`)
   */
  open(at: string, tree: Tree, options?: UpperOptions): Upper;
  /**
   * Opens the last commit point, whether or not there is a writer.
   * @throws UpperError (`missing`, `mismatch`, `format`, `damaged`)
   */
  read(at: string, tree: Tree, options?: Pick<UpperOptions, "caller">): UpperReader;
  /**
   * Makes another upper that starts at the last commit point of one, sharing its file data.
   * @throws UpperError (`missing`, `exists`, `format`)
   */
  fork(at: string, to: string): void;
  /**
   * Removes an upper; data that forks share stays with them.
   * @throws UpperError (`missing`, `busy`)
   */
  remove(at: string): void;
}

export type UpperErrorCode =
  /** There is no upper at that place. */
  | "missing"
  /** There is one already. */
  | "exists"
  /** Another writer has it open. */
  | "busy"
  /** It stands on another tree. */
  | "mismatch"
  /** A newer version wrote it. */
  | "format"
  /** Its files do not hold what they should. */
  | "damaged";

/** The process that writes an upper. */
export interface Holder {
  readonly pid: number;
  /** When it opened the upper, in milliseconds since 1970. */
  readonly since: number;
}

export class UpperError extends Error {
  /** Stable, for programs. */
  readonly code: UpperErrorCode;
  /** For `busy`: who has it. */
  readonly holder: Holder | undefined;

  constructor(
    code: UpperErrorCode,
    message: string,
    more: { readonly cause?: unknown; readonly holder?: Holder } = {},
  ) {
    super(message, more.cause === undefined ? {} : { cause: more.cause });
    this.name = "UpperError";
    this.code = code;
    this.holder = more.holder;
  }
}

/** The error of a second writer. */
export function busyError(at: string, holder: Holder): UpperError {
  const who = holder.pid === process.pid ? `this process (${holder.pid})` : `process ${holder.pid}`;
  const since = new Date(holder.since).toISOString();
  return new UpperError("busy", `container at ${at} is in use by ${who} since ${since}`, { holder });
}

/** The error of opening an upper over another tree than its own. */
export function mismatchError(at: string, was: string, is: string): UpperError {
  return new UpperError(
    "mismatch",
    `container at ${at} was made on ${was || "a tree without a digest"}, not on ${is || "a tree without a digest"}`,
  );
}
