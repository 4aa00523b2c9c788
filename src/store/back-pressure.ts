/**
 * Waiting for a stream that has taken enough for now.
 */

interface Draining {
  readonly destroyed?: boolean;
  once(event: "drain" | "close", listener: () => void): unknown;
  removeListener(event: "drain" | "close", listener: () => void): unknown;
}

/** Resolves when a writable stream takes more, or never will because it is closed. */
export function drained(stream: Draining): Promise<void> {
  if (stream.destroyed) return Promise.resolve();
  return new Promise((resolve) => {
    const done = () => {
      stream.removeListener("drain", done);
      stream.removeListener("close", done);
      resolve();
    };
    stream.once("drain", done);
    stream.once("close", done);
  });
}
