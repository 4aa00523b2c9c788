/**
 * What can go wrong between this machine and a registry.
 */

export type RegistryErrorCode =
  /** The registry wants credentials, or refuses those it was given. */
  | "unauthorized"
  /** The credentials are good but not for this. */
  | "denied"
  /** No such repository, manifest, blob or upload. */
  | "not-found"
  /** The registry does not do that. */
  | "unsupported"
  /** An answer that breaks the protocol. */
  | "protocol"
  /** An answer larger than a limit allows. */
  | "limit"
  /** The registry could not be reached, or the connection broke. */
  | "unreachable"
  /** The registry answered that it cannot answer now. */
  | "unavailable"
  /** Something that would have sent credentials or requests where they must not go. */
  | "unsafe"
  /** Credentials that cannot be read or kept. */
  | "credentials"
  /** An option or an argument that makes no sense. */
  | "invalid"
  /** The caller gave up. */
  | "aborted";

export interface RegistryErrorOptions {
  readonly cause?: unknown;
  /** Whether the same request may succeed later. */
  readonly transient?: boolean;
  /** How long the registry asked to wait, in milliseconds. */
  readonly retryAfter?: number;
  /** HTTP status of the answer. */
  readonly status?: number;
  /** The registry's own words. */
  readonly detail?: string;
}

export class RegistryError extends Error {
  /** Stable, for programs. */
  readonly code: RegistryErrorCode;
  readonly transient: boolean;
  readonly retryAfter: number | undefined;
  readonly status: number | undefined;
  readonly detail: string | undefined;

  constructor(code: RegistryErrorCode, message: string, options: RegistryErrorOptions = {}) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.name = "RegistryError";
    this.code = code;
    this.transient = options.transient ?? false;
    this.retryAfter = options.retryAfter;
    this.status = options.status;
    this.detail = options.detail;
  }
}

/** Whether an error is a registry's, of one of these kinds. */
export function isRegistryError(error: unknown, ...codes: readonly RegistryErrorCode[]): boolean {
  return error instanceof RegistryError && (codes.length === 0 || codes.includes(error.code));
}
