/**
 * Error numbers as Linux defines them, and the one error class that leaves the engine.
 *
 * Inside, an operation that can fail returns a non-negative result or a negated error number
 * (`-ENOENT`), as a kernel does: a miss is an ordinary outcome there and must not cost a thrown
 * exception. Only the public faces turn a number into a {@link PosixError}.
 */

const TABLE = {
  EPERM: [1, "operation not permitted"],
  ENOENT: [2, "no such file or directory"],
  EIO: [5, "i/o error"],
  ENXIO: [6, "no such device or address"],
  E2BIG: [7, "argument list too long"],
  EBADF: [9, "bad file descriptor"],
  EAGAIN: [11, "resource temporarily unavailable"],
  ENOMEM: [12, "not enough memory"],
  EACCES: [13, "permission denied"],
  EBUSY: [16, "resource busy or locked"],
  EEXIST: [17, "file already exists"],
  EXDEV: [18, "cross-device link not permitted"],
  ENODEV: [19, "no such device"],
  ENOTDIR: [20, "not a directory"],
  EISDIR: [21, "illegal operation on a directory"],
  EINVAL: [22, "invalid argument"],
  ENFILE: [23, "file table overflow"],
  EMFILE: [24, "too many open files"],
  ENOTTY: [25, "inappropriate ioctl for device"],
  ETXTBSY: [26, "text file is busy"],
  EFBIG: [27, "file too large"],
  ENOSPC: [28, "no space left on device"],
  ESPIPE: [29, "invalid seek"],
  EROFS: [30, "read-only file system"],
  EMLINK: [31, "too many links"],
  EPIPE: [32, "broken pipe"],
  ERANGE: [34, "result too large"],
  ENAMETOOLONG: [36, "name too long"],
  ENOSYS: [38, "function not implemented"],
  ENOTEMPTY: [39, "directory not empty"],
  ELOOP: [40, "too many symbolic links encountered"],
  ENODATA: [61, "no data available"],
  EOVERFLOW: [75, "value too large for defined data type"],
  EOPNOTSUPP: [95, "operation not supported on socket"],
  ESTALE: [116, "stale file handle"],
  EDQUOT: [122, "disk quota exceeded"],
} as const;

/** The name of a Linux error, such as `ENOENT`. */
export type ErrorCode = keyof typeof TABLE;

/** Positive error numbers by name: `errno.ENOENT === 2` (asm-generic/errno.h). */
export const errno: { readonly [code in ErrorCode]: number } = Object.fromEntries(
  Object.entries(TABLE).map(([code, [number]]) => [code, number]),
) as { [code in ErrorCode]: number };

const CODES = new Map<number, ErrorCode>(
  Object.entries(TABLE).map(([code, [number]]) => [number, code as ErrorCode]),
);

/** The name of a positive error number; `EIO` for a number the table does not know. */
export function errorCode(number: number): ErrorCode {
  return CODES.get(number) ?? "EIO";
}

/** What the call that failed was and what it was given, as far as known. */
export interface ErrorContext {
  /** The system call's name as Node reports it: `open`, `scandir`, `lstat`. */
  readonly syscall: string;
  readonly path?: string | undefined;
  readonly dest?: string | undefined;
}

/**
 * A failed filesystem operation, with the fields and the message of Node's own errors:
 * `ENOENT: no such file or directory, open '/x'`.
 */
export class PosixError extends Error {
  readonly code: ErrorCode;
  /** Negative, as in Node: `-2` for ENOENT. */
  readonly errno: number;
  readonly syscall: string;
  readonly path?: string;
  readonly dest?: string;

  constructor(code: ErrorCode, context: ErrorContext) {
    const { syscall, path, dest } = context;
    const subject = path === undefined ? "" : ` '${path}'`;
    const target = dest === undefined ? "" : ` -> '${dest}'`;
    super(`${code}: ${TABLE[code][1]}, ${syscall}${subject}${target}`);
    this.name = "PosixError";
    this.code = code;
    this.errno = -TABLE[code][0];
    this.syscall = syscall;
    if (path !== undefined) this.path = path;
    if (dest !== undefined) this.dest = dest;
  }
}

/**
 * Passes a successful result through and throws a negated error number as a {@link PosixError}.
 * @throws PosixError when `result` is negative
 */
export function check(result: number, syscall: string, path?: string, dest?: string): number {
  if (result < 0) throw new PosixError(errorCode(-result), { syscall, path, dest });
  return result;
}
