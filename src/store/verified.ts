/**
 * Bytes that are passed on while they are checked: the last of them only when all are what was promised.
 */
import { platform } from "#platform";
import type { Descriptor } from "../oci/descriptor.ts";
import { digestAlgorithm } from "../oci/digest.ts";
import { OciError } from "../oci/errors.ts";
import type { ByteStream } from "../platform/types.ts";

/**
 * A stream that fails where it is not the content of a descriptor.
 * @param what names it in the error: `the blob`
 * @throws OciError (`mismatch`) at its end, or at the first byte too many
 */
export async function* verifiedStream(source: ByteStream, descriptor: Descriptor, what: string): ByteStream {
  const { digest, size } = descriptor;
  const algorithm = digestAlgorithm(digest);
  const hasher = platform.createHash(algorithm);
  let seen = 0;
  let held: Uint8Array | undefined;
  for await (const chunk of source) {
    seen += chunk.length;
    if (seen > size)
      throw new OciError("mismatch", `${what} ${digest} has more than the promised ${size} bytes`);
    hasher.update(chunk);
    if (held !== undefined) yield held;
    held = chunk;
  }
  if (seen !== size) {
    throw new OciError("mismatch", `${what} ${digest} has ${seen} bytes, not the promised ${size}`);
  }
  const actual = `${algorithm}:${hasher.hex()}`;
  if (actual !== digest) throw new OciError("mismatch", `${what} ${digest} has the content of ${actual}`);
  if (held !== undefined) yield held;
}
