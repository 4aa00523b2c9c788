/**
 * Trying again (REGISTRY 4.3): only what may succeed later, a bounded number of times, with growing and
 * scattered pauses, and not before the registry asked to be left alone.
 */
import { RegistryError } from "./errors.ts";

export interface RetryPolicy {
  /** How often something is tried altogether. */
  readonly attempts: number;
  /** The first pause, in milliseconds; each later one is twice as long. */
  readonly firstPause: number;
  /** The longest pause, in milliseconds, also where the registry asks for a longer one. */
  readonly longestPause: number;
}

export const DEFAULT_RETRIES: RetryPolicy = { attempts: 5, firstPause: 1000, longestPause: 60_000 };

/** How many milliseconds a `Retry-After` asks to wait: seconds, or an HTTP date. */
export function parseRetryAfter(value: string | undefined, now: number): number | undefined {
  if (value === undefined) return undefined;
  if (/^[0-9]{1,9}$/.test(value.trim())) return Number(value) * 1000;
  const date = Date.parse(value);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}

/** The pause before attempt `next` (1 for the first repetition), in milliseconds. */
export function pauseBefore(next: number, policy: RetryPolicy, asked: number | undefined): number {
  const grown = Math.min(policy.firstPause * 2 ** (next - 1), policy.longestPause);
  const scattered = grown * (0.75 + Math.random() / 2);
  return Math.min(Math.max(scattered, asked ?? 0), policy.longestPause);
}

/** Waits, unless the caller gives up meanwhile. */
export async function pause(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  throwIfAborted(signal);
  await new Promise<void>((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, milliseconds);
    signal?.addEventListener("abort", done);
  });
  throwIfAborted(signal);
}

/** @throws RegistryError (`aborted`) */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted)
    throw new RegistryError("aborted", "the operation was interrupted", { cause: signal.reason });
}

/** Whether, and after how long, something that failed is to be tried again. */
export class Attempts {
  readonly #policy: RetryPolicy;
  readonly #signal: AbortSignal | undefined;
  #failed = 0;

  constructor(policy: RetryPolicy, signal?: AbortSignal) {
    this.#policy = policy;
    this.#signal = signal;
  }

  /** Something went well: what failed before does not count any more. */
  reset(): void {
    this.#failed = 0;
  }

  /** Waits before the next attempt. @throws the error itself where there is to be none */
  async failed(error: unknown): Promise<void> {
    throwIfAborted(this.#signal);
    if (!(error instanceof RegistryError) || !error.transient) throw error;
    this.#failed += 1;
    if (this.#failed >= this.#policy.attempts) throw error;
    await pause(pauseBefore(this.#failed, this.#policy, error.retryAfter), this.#signal);
  }
}

/** Does something again as long as it fails in a way that may pass. */
export async function withRetries<T>(
  policy: RetryPolicy,
  signal: AbortSignal | undefined,
  work: () => Promise<T>,
): Promise<T> {
  const attempts = new Attempts(policy, signal);
  for (;;) {
    try {
      return await work();
    } catch (error) {
      await attempts.failed(error);
    }
  }
}
