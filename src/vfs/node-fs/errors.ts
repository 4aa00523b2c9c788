/**
 * The errors of `node:fs`, in three kinds as Node has them: a failed system call, an argument that is
 * refused before any call (always thrown, never given to a callback), and an operation of several
 * calls that cannot be done (`rm`, `cp`).
 */
import { inspect } from "../../platform/node-builtins.ts";
import { errno, errorCode, PosixError } from "../../posix/errno.ts";

const ENOTSUP = "operation not supported on socket";

/**
 * The error of a system call from its negated number, with Node's code, fields and message.
 * Linux's EOPNOTSUPP is ENOTSUP to Node.
 */
export function systemError(result: number, syscall: string, path?: string, dest?: string): PosixError {
  const code = errorCode(-result);
  const error = new PosixError(code, { syscall, path: wellFormed(path), dest: wellFormed(dest) });
  if (code === "EOPNOTSUPP") {
    Object.assign(error, {
      code: "ENOTSUP",
      message: error.message.replace(/^[^,]*/, `ENOTSUP: ${ENOTSUP}`),
    });
  }
  // Node's are plain errors by name, and programs print them.
  Reflect.deleteProperty(error, "name");
  return error;
}

/** Passes a result through, or throws what a negated error number means. */
export function succeed(result: number, syscall: string, path?: string, dest?: string): number {
  if (result < 0) throw systemError(result, syscall, path, dest);
  return result;
}

/** What a reader sees of a name with bytes that are not UTF-8: U+FFFD, as Node shows it. */
function wellFormed(name: string | undefined): string | undefined {
  return name?.replace(/\p{Surrogate}/gu, "\ufffd");
}

function received(value: unknown): string {
  if (value === null || value === undefined) return `Received ${value}`;
  if (typeof value === "function") return `Received function ${value.name}`;
  if (typeof value === "object") {
    const made = value.constructor;
    return typeof made === "function" && made.name !== ""
      ? `Received an instance of ${made.name}`
      : `Received ${inspect(value, { depth: -1 })}`;
  }
  const text = inspect(value, { colors: false });
  return `Received type ${typeof value} (${text.length > 28 ? `${text.slice(0, 25)}...` : text})`;
}

/** @param expected as a sentence goes on after `must be`: `of type string` */
export function invalidType(name: string, expected: string, value: unknown): TypeError {
  const subject = name.endsWith(" argument")
    ? `The ${name}`
    : `The "${name}" ${name.includes(".") ? "property" : "argument"}`;
  const message = `${subject} must be ${expected}. ${received(value)}`;
  return Object.assign(new TypeError(message), { code: "ERR_INVALID_ARG_TYPE" });
}

export function invalidValue(name: string, value: unknown, reason = "is invalid"): TypeError {
  const text = inspect(value);
  const shown = text.length > 128 ? `${text.slice(0, 128)}...` : text;
  const message = `The ${name.includes(".") ? "property" : "argument"} '${name}' ${reason}. Received ${shown}`;
  return Object.assign(new TypeError(message), { code: "ERR_INVALID_ARG_VALUE" });
}

function grouped(value: number): string {
  return Number.isInteger(value) && Math.abs(value) > 2 ** 32
    ? String(value).replace(/\B(?=(\d{3})+$)/g, "_")
    : String(value);
}

export function outOfRange(name: string, range: string, value: number | bigint): RangeError {
  const shown = typeof value === "bigint" ? `${value}n` : grouped(value);
  const message = `The value of "${name}" is out of range. It must be ${range}. Received ${shown}`;
  return Object.assign(new RangeError(message), { code: "ERR_OUT_OF_RANGE" });
}

const argumentErrors = new WeakSet<Error>();

/** A mistake in the arguments that Node makes a plain error of. */
export function argumentError(code: string, message: string): Error {
  const error = codedError(code, message);
  argumentErrors.add(error);
  return error;
}

/** Errors that look like mistakes in the arguments and are found after the call began. */
const lateErrors = new WeakSet<Error>();

/** An encoding that is taken where it stands for no decoding, and found to be none when text is wanted. */
export function unknownEncoding(encoding: string): TypeError {
  const error = Object.assign(new TypeError(`Unknown encoding: ${encoding}`), {
    code: "ERR_UNKNOWN_ENCODING",
  });
  lateErrors.add(error);
  return error;
}

/** A file that is too long to be read at once. */
export function fileTooLarge(size: number): RangeError {
  const error = Object.assign(new RangeError(`File size (${size}) is greater than 2 GiB`), {
    code: "ERR_FS_FILE_TOO_LARGE",
  });
  lateErrors.add(error);
  return error;
}

/** Whether an error is the caller's mistake, which is thrown at once in every form. */
export function isArgumentError(error: unknown): boolean {
  if (!(error instanceof Error) || lateErrors.has(error)) return false;
  return error instanceof TypeError || error instanceof RangeError || argumentErrors.has(error);
}

/** An error of Node's own with nothing but a code and a message. */
export function codedError(code: string, message: string): Error {
  return Object.assign(new Error(message), { code });
}

export function abortError(reason: unknown): Error {
  const error = new Error("The operation was aborted", reason === undefined ? undefined : { cause: reason });
  error.name = "AbortError";
  return Object.assign(error, { code: "ABORT_ERR" });
}

/** What Node calls a SystemError: an operation of several calls that was refused. */
export interface Refusal {
  readonly code: string;
  /** What `code` says in words. */
  readonly title: string;
  readonly errno: "EISDIR" | "EINVAL" | "EEXIST" | "ENOTDIR";
  readonly message: string;
  readonly path: string;
  readonly syscall: "cp" | "rm";
}

export function refusal({ code, title, errno: name, message, path, syscall }: Refusal): Error {
  const error = new Error(`${title}: ${syscall} returned ${name} (${message}) ${path}`);
  error.name = "SystemError";
  const info = { code: name, message, path, syscall, errno: errno[name] };
  return Object.assign(error, { code, info, errno: errno[name], syscall, path });
}

/** The same refusal with another number, in the error and in its `info`. */
export function withErrno(error: Error, number: number): Error {
  const { info } = error as Error & { info: object };
  return Object.assign(error, { errno: number, info: { ...info, errno: number } });
}
