/**
 * How a command ends when it cannot do its work: a message on standard error and an exit code.
 */
import { PosixError } from "../posix/errno.ts";
import { UpperError } from "../runtime/upper/upper.ts";
import { StoreError } from "../store/errors.ts";

/** An error with the exit code that Docker gives in its case. The message is printed as it is. */
export class Failure extends Error {
  readonly exitCode: number;

  constructor(message: string, exitCode = 1) {
    super(message);
    this.name = "Failure";
    this.exitCode = exitCode;
  }
}

/** How Docker introduces what its daemon refuses; scripts look for it, so it stays though there is no daemon. */
export function refused(message: string): Failure {
  return new Failure(`Error response from daemon: ${message}`);
}

const SYSTEM_ERRORS: ReadonlyMap<string, string> = new Map([
  ["ENOENT", "no such file or directory"],
  ["EACCES", "permission denied"],
  ["EPERM", "operation not permitted"],
  ["EROFS", "read-only file system"],
  ["ENOSPC", "no space left on device"],
  ["EDQUOT", "disk quota exceeded"],
  ["EISDIR", "is a directory"],
  ["ENOTDIR", "not a directory"],
  ["EMFILE", "too many open files"],
]);

/** The message of any error for a user: one sentence, never a stack. */
export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { code, path, syscall } = error as NodeJS.ErrnoException;
  const words = code === undefined ? undefined : SYSTEM_ERRORS.get(code);
  if (words !== undefined && syscall !== undefined) return `${syscall}${path ? ` ${path}` : ""}: ${words}`;
  return error.message;
}

/** Whether an error says that there is no such image. */
export function isNoSuchImage(error: unknown): boolean {
  return error instanceof StoreError && error.code === "no-such-image";
}

/** An error of the store or of a container as Docker's client tells it; others as they are. */
export async function daemonError<T>(work: Promise<T>): Promise<T> {
  return await work.catch((error: unknown) => {
    const known = error instanceof StoreError || error instanceof UpperError || error instanceof PosixError;
    throw known ? refused(messageOf(error)) : error;
  });
}

/** Whether an error says that there is no such container. */
export function isNoSuchContainer(error: unknown): boolean {
  return error instanceof StoreError && error.code === "no-such-container";
}
