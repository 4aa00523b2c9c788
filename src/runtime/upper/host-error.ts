/**
 * Errors of the machine's own files, as negated error numbers and the other way round.
 */
import { type ErrorCode, errno, errorCode, PosixError } from "../../posix/errno.ts";
import { ContentError } from "../../tree/content.ts";

/** The negated number of an error that a call on the machine's files threw. */
export function hostError(error: unknown): number {
  if (error instanceof ContentError) return error.errno;
  const code = (error as NodeJS.ErrnoException).code;
  // lmdb's errors carry the error number itself.
  if (typeof code === "number") return -errno[errorCode(code)];
  return -(errno[code as ErrorCode] ?? errno.EIO);
}

/** The error of a commit point that could not be made. */
export function commitError(error: unknown): PosixError {
  const known = error instanceof PosixError ? error : undefined;
  return known ?? new PosixError(errorCode(-hostError(error)), { syscall: "fsync" });
}
