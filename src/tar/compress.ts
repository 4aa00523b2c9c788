/**
 * Gzip with nothing in it but the bytes: no name, no time, the operating system "unknown" (255), and
 * flags that do not tell the level (rule 62). The same bytes at the same level give the same stream,
 * on any number of cores and however they come in chunks, as long as the platform's deflate stays the
 * same: another version of zlib may find other matches. So what was pulled compressed is kept as it
 * is, and only new layers go through here.
 *
 * One member (RFC 1952), so that every reader takes it; the platform compresses on all cores.
 */
import { platform } from "#platform";
import type { ByteStream } from "../platform/types.ts";

export interface GzipOptions {
  /** 1 (fastest) to 9 (smallest); default 6. A browser has but its own. */
  readonly level?: number;
}

const DEFAULT_LEVEL = 6;

/** Magic, deflate, no flags, mtime 0, no extra flags, operating system 255. */
const HEADER = new Uint8Array([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff]);

/**
 * Compresses a stream.
 * @throws RangeError at once, for a level outside 1 to 9; whatever the source throws, as it is
 */
export function gzip(
  source: ByteStream | Iterable<Uint8Array>,
  { level = DEFAULT_LEVEL }: GzipOptions = {},
): ByteStream {
  if (!(Number.isInteger(level) && level >= 1 && level <= 9)) {
    throw new RangeError(`gzip level ${level} is outside 1 to 9`);
  }
  return compress(source, level);
}

async function* compress(source: ByteStream | Iterable<Uint8Array>, level: number): ByteStream {
  let checksum = 0;
  let size = 0;
  async function* measured(): ByteStream {
    for await (const chunk of source) {
      checksum = platform.crc32(chunk, checksum);
      size += chunk.length;
      yield chunk;
    }
  }
  yield HEADER.slice();
  yield* platform.deflate(measured(), level);
  const trailer = new Uint8Array(8);
  const view = new DataView(trailer.buffer);
  view.setUint32(0, checksum, true);
  // The size modulo 2^32, as the format has it.
  view.setUint32(4, size % 2 ** 32, true);
  yield trailer;
}
