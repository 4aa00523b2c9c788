/**
 * The platform seam in a browser: no `node:` module.
 */
import { sha256, sha512 } from "@noble/hashes/sha2.js";
import { bytesToHex } from "@noble/hashes/utils.js";
import { crc32 } from "./crc32.ts";
import { gunzipMembers } from "./gunzip.ts";
import type { ByteStream, Platform } from "./types.ts";

/** What a stream gives when it is fed a source. */
async function* through(stream: CompressionStream | DecompressionStream, source: ByteStream): ByteStream {
  const writer = stream.writable.getWriter();
  const feeding = (async () => {
    for await (const chunk of source) await writer.write(chunk as Uint8Array<ArrayBuffer>);
    await writer.close();
  })();
  feeding.catch((error) => writer.abort(error).catch(() => {}));
  const reader = stream.readable.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      yield value;
    }
    await feeding;
  } finally {
    // Where the consumer stopped early: the next write fails, and ends the source with it.
    reader.cancel().catch(() => {});
  }
}

/**
 * The browser's own decompressor ends with the first member and refuses a second. Then the whole is
 * decompressed again by ours, which goes on where the other came to; where something is really wrong, it
 * is ours that says so. So the compressed bytes are kept until the end.
 */
async function* gunzip(source: ByteStream): AsyncGenerator<Uint8Array> {
  const iterator = source[Symbol.asyncIterator]();
  const kept: Uint8Array<ArrayBuffer>[] = [];
  let failed = false;
  /** Once more after it was given up: the source itself is ended below. */
  async function* rest(): ByteStream {
    try {
      for (let next = await iterator.next(); !next.done; next = await iterator.next()) {
        const copy = new Uint8Array(next.value);
        kept.push(copy);
        yield copy;
      }
    } catch (error) {
      failed = true;
      throw error;
    }
  }
  let given = 0;
  try {
    try {
      for await (const chunk of through(new DecompressionStream("gzip"), rest())) {
        given += chunk.length;
        yield chunk;
      }
      return;
    } catch (error) {
      if (failed) throw error;
    }
    for await (const _ of rest());
    const whole = new Uint8Array(await new Blob(kept).arrayBuffer());
    let at = 0;
    for (const chunk of gunzipMembers(whole)) {
      const repeated = Math.min(chunk.length, Math.max(0, given - at));
      at += chunk.length;
      if (repeated < chunk.length) yield chunk.subarray(repeated);
    }
  } finally {
    await iterator.return?.();
  }
}

export const platform: Platform = {
  now() {
    return BigInt(Math.round((performance.timeOrigin + performance.now()) * 1000)) * 1000n;
  },
  randomBytes(length) {
    return crypto.getRandomValues(new Uint8Array(length));
  },
  createHash(algorithm) {
    const hash = (algorithm === "sha256" ? sha256 : sha512).create();
    return {
      update: (bytes) => void hash.update(bytes),
      hex: () => bytesToHex(hash.digest()),
    };
  },
  gunzip,
  deflate(source) {
    return through(new CompressionStream("deflate-raw"), source);
  },
  crc32,
};
