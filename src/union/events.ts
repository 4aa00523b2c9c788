/**
 * What happened to a filesystem, told to whoever asked, after it happened. Without listeners nothing
 * is made.
 */
import type { MountEvent } from "./types.ts";

export class Events {
  readonly #listeners = new Set<(event: MountEvent) => void>();
  /** Set by the face that is about to make a call; calls are synchronous, so it holds until the next one. */
  origin: unknown = undefined;

  /** Whether anyone listens. */
  get wanted(): boolean {
    return this.#listeners.size > 0;
  }

  /** @returns what ends the subscription */
  subscribe(listener: (event: MountEvent) => void): () => void {
    // Wrapped, so that one function subscribed twice is called twice and ended once at a time.
    const own = (event: MountEvent) => listener(event);
    this.#listeners.add(own);
    return () => this.#listeners.delete(own);
  }

  emit(event: Omit<MountEvent, "origin">): void {
    const told = this.origin === undefined ? event : { ...event, origin: this.origin };
    for (const listener of this.#listeners) listener(told);
  }
}
