/**
 * The platform seam in a browser: no `node:` module.
 */
import { sha256, sha512 } from "@noble/hashes/sha2.js";
import { bytesToHex } from "@noble/hashes/utils.js";
import { crc32 } from "./crc32.ts";
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
  gunzip(source) {
    return through(new DecompressionStream("gzip"), source);
  },
  deflate(source) {
    return through(new CompressionStream("deflate-raw"), source);
  },
  crc32,
};
