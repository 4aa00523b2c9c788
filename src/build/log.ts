/**
 * What happens in a build, as a stream of events: what the command line draws, and what a program that
 * embeds the builder gets as its log. A *vertex* is a piece of work that is shown: loading the Dockerfile, a
 * step of a stage, writing an output.
 */
import type { Position } from "./dockerfile/source.ts";

export interface Vertex {
  /** From 1, in the order in which they came up. */
  readonly id: number;
  /** `[build 2/5] RUN make`, `[internal] load build context`. */
  readonly name: string;
  /** Where the instruction stands in the Dockerfile. */
  readonly position?: Position | undefined;
}

export type BuildEvent =
  /** Work began. */
  | { readonly kind: "start"; readonly vertex: Vertex; readonly time: number }
  /** The result was known. */
  | { readonly kind: "cached"; readonly vertex: Vertex; readonly time: number }
  /** It is done. */
  | { readonly kind: "done"; readonly vertex: Vertex; readonly time: number }
  | { readonly kind: "error"; readonly vertex: Vertex; readonly time: number; readonly message: string }
  /** It was given up, because something else failed or the build was told to stop. */
  | { readonly kind: "canceled"; readonly vertex: Vertex; readonly time: number }
  /** A command wrote something. */
  | {
      readonly kind: "output";
      readonly vertex: Vertex;
      readonly time: number;
      readonly stream: "stdout" | "stderr";
      readonly bytes: Uint8Array;
    }
  /** Something worth knowing about a vertex, a line. */
  | { readonly kind: "note"; readonly vertex: Vertex; readonly time: number; readonly text: string }
  | { readonly kind: "warning"; readonly message: string; readonly position?: Position | undefined };

export type BuildListener = (event: BuildEvent) => void;

/** A vertex that is being worked on. */
export interface Work {
  readonly vertex: Vertex;
  output(stream: "stdout" | "stderr", bytes: Uint8Array): void;
  note(text: string): void;
  cached(): void;
  done(): void;
  failed(error: unknown): void;
}

/** Whether an error only says that something was told to stop. */
export function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === "AbortError";
}

export class BuildLog {
  readonly #listener: BuildListener;
  readonly #now: () => number;
  #count = 0;

  /** @param now gives the time in milliseconds, of any origin */
  constructor(listener: BuildListener, now: () => number) {
    this.#listener = listener;
    this.#now = now;
  }

  start(name: string, position?: Position): Work {
    this.#count += 1;
    const vertex: Vertex = { id: this.#count, name, position };
    const tell = this.#listener;
    const now = this.#now;
    tell({ kind: "start", vertex, time: now() });
    return {
      vertex,
      output: (stream, bytes) => tell({ kind: "output", vertex, time: now(), stream, bytes }),
      note: (text) => tell({ kind: "note", vertex, time: now(), text }),
      cached: () => tell({ kind: "cached", vertex, time: now() }),
      done: () => tell({ kind: "done", vertex, time: now() }),
      failed: (error) => {
        if (isAbort(error)) return tell({ kind: "canceled", vertex, time: now() });
        const message = error instanceof Error ? error.message : String(error);
        tell({ kind: "error", vertex, time: now(), message });
      },
    };
  }

  /** Does a piece of work, and tells how it ended. */
  async during<T>(name: string, work: (work: Work) => Promise<T>, position?: Position): Promise<T> {
    const started = this.start(name, position);
    try {
      const result = await work(started);
      started.done();
      return result;
    } catch (error) {
      started.failed(error);
      throw error;
    }
  }

  warning(message: string, position?: Position): void {
    this.#listener({ kind: "warning", message, position });
  }
}
