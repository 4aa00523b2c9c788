/**
 * What can go wrong with a store itself, as opposed to with the documents and archives in it.
 */

export type StoreErrorCode =
  /** No image of that name or ID. */
  | "no-such-image"
  /** A prefix of several IDs. */
  | "ambiguous"
  /** No container of that name or ID. */
  | "no-such-container"
  /** A container's record cannot be read. */
  | "damaged-container"
  /** A name that something else has. */
  | "name-in-use"
  /** A container has no snapshot of that name. */
  | "no-such-snapshot"
  /** A directory or archive that holds no image this project can read. */
  | "source"
  /** A blob that a document names is not there. */
  | "missing-blob"
  /** A layer's blob is damaged or not the promised one; the cause says how. */
  | "damaged-layer"
  /** An image cannot be removed: something uses it, or it has several names. */
  | "conflict"
  /** The directory is no store, or one of a newer version. */
  | "format"
  /** The store's directory may not be written to. */
  | "read-only"
  /** An option or an instruction that makes no sense. */
  | "invalid";

export class StoreError extends Error {
  /** Stable, for programs. */
  readonly code: StoreErrorCode;

  constructor(code: StoreErrorCode, message: string, options: { cause?: unknown } = {}) {
    super(message, options);
    this.name = "StoreError";
    this.code = code;
  }
}

/** Whether an error is the operating system's for something that is not there. */
export function isMissing(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  return code === "ENOENT" || code === "ENOTDIR";
}

/** Whether an error is the operating system's for something that this process may not change. */
export function isReadOnly(error: unknown): error is NodeJS.ErrnoException {
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  return code === "EACCES" || code === "EPERM" || code === "EROFS";
}

/** Whether an error is the operating system's, or lmdb's, for a disk without room. */
export function isFull(error: unknown): boolean {
  const { code, message } = (error ?? {}) as { code?: unknown; message?: unknown };
  return code === "ENOSPC" || code === "EDQUOT" || /no space left|disk quota/i.test(String(message));
}
