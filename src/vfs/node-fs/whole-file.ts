/**
 * What the promise forms of writeFile take beyond a string or a buffer: iterables and streams of them.
 */
import { Buffer } from "../../platform/node-builtins.ts";
import * as take from "./arguments.ts";
import { abortError } from "./errors.ts";

function isChunks(data: unknown): data is AsyncIterable<unknown> | Iterable<unknown> {
  return (
    typeof data === "object" &&
    data !== null &&
    !ArrayBuffer.isView(data) &&
    (Symbol.asyncIterator in data || Symbol.iterator in data)
  );
}

/** All of the data, in one piece. A string or a buffer is given back as it is. */
export async function wholeFile(data: unknown, options?: unknown): Promise<unknown> {
  if (!isChunks(data)) return data;
  const { encoding, signal } = take.encodingOptions(options);
  const chunks: Uint8Array[] = [];
  for await (const chunk of data) {
    throwIfAborted(signal);
    chunks.push(take.content(chunk, encoding ?? undefined));
  }
  return Buffer.concat(chunks);
}

export function throwIfAborted(signal: unknown): void {
  const given = signal as AbortSignal | undefined;
  if (given?.aborted) throw abortError(given.reason);
}
