/**
 * What the promise forms of writeFile take beyond a string or a buffer: iterables and streams of them.
 * Each piece is written when it comes, so that memory does not depend on how much there is.
 */
import { Buffer } from "../../platform/node-builtins.ts";
import { abortError } from "./errors.ts";

export type Chunks = AsyncIterable<unknown> | Iterable<unknown>;

export function isChunks(data: unknown): data is Chunks {
  return (
    typeof data === "object" &&
    data !== null &&
    !ArrayBuffer.isView(data) &&
    (Symbol.asyncIterator in data || Symbol.iterator in data)
  );
}

/** A piece as bytes: a view as it is, anything else as `Buffer.from` takes it. */
function bytesOf(chunk: unknown, encoding: unknown): Uint8Array {
  if (ArrayBuffer.isView(chunk)) return new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  return Buffer.from(chunk as string, (encoding || "utf8") as BufferEncoding);
}

/** Writes the pieces in order. What was written before a piece failed, or the signal came, stays written. */
export async function writeChunks(
  data: Chunks,
  { encoding, signal }: { readonly encoding?: unknown; readonly signal?: unknown },
  write: (source: Uint8Array, offset: number, length: number) => Promise<number>,
): Promise<void> {
  for await (const chunk of data) {
    throwIfAborted(signal);
    const source = bytesOf(chunk, encoding);
    for (let at = 0; at < source.length; ) at += await write(source, at, source.length - at);
    throwIfAborted(signal);
  }
}

export function throwIfAborted(signal: unknown): void {
  const given = signal as AbortSignal | undefined;
  if (given?.aborted) throw abortError(given.reason);
}
