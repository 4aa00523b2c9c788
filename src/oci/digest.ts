/**
 * Digests (image-spec descriptor.md, "Digests").
 *
 * A `Digest` is a string that only this module makes, so that whoever holds one may use its parts in
 * a file name: the algorithm is one of two words and the rest is lower-case hex of the exact length
 * (rules 43 and 1.6: an unvalidated digest is a path traversal, CVE-2024-3727).
 */
import { platform } from "#platform";
import type { HashAlgorithm } from "../platform/types.ts";
import { OciError } from "./errors.ts";

declare const brand: unique symbol;

/** `sha256:` and 64, or `sha512:` and 128 lower-case hex digits. */
export type Digest = string & { readonly [brand]: "digest" };

const HEX_LENGTH: { readonly [algorithm in HashAlgorithm]: number } = { sha256: 64, sha512: 128 };
const GRAMMAR = /^[a-z0-9]+(?:[+._-][a-z0-9]+)*:[a-zA-Z0-9=_-]+$/;
const HEX = /^[0-9a-f]+$/;

function problem(text: string): string | undefined {
  if (!GRAMMAR.test(text)) return "invalid checksum digest format";
  const colon = text.indexOf(":");
  const algorithm = text.slice(0, colon);
  if (!Object.hasOwn(HEX_LENGTH, algorithm)) return "unsupported digest algorithm";
  const encoded = text.slice(colon + 1);
  if (encoded.length !== HEX_LENGTH[algorithm as HashAlgorithm]) return "invalid checksum digest length";
  return HEX.test(encoded) ? undefined : "invalid checksum digest format";
}

/**
 * The digest that a text is.
 * @throws OciError (`digest`) with the words of Docker's own parser
 */
export function parseDigest(text: string): Digest {
  const wrong = problem(text);
  if (wrong !== undefined) throw new OciError("digest", `${wrong}: ${JSON.stringify(text.slice(0, 200))}`);
  return text as Digest;
}

/** Whether a value is a digest that can be checked here. */
export function isDigest(value: unknown): value is Digest {
  return typeof value === "string" && problem(value) === undefined;
}

export function digestAlgorithm(digest: Digest): HashAlgorithm {
  return digest.startsWith("sha256:") ? "sha256" : "sha512";
}

/** The hex digits after the algorithm. */
export function digestHex(digest: Digest): string {
  return digest.slice(7);
}

/** The first 12 hex digits: how an image is called where it has no name. */
export function shortDigest(digest: Digest): string {
  return digest.slice(7, 19);
}

/** The digest of some bytes. */
export function digestOf(bytes: Uint8Array, algorithm: HashAlgorithm = "sha256"): Digest {
  const hasher = platform.createHash(algorithm);
  hasher.update(bytes);
  return `${algorithm}:${hasher.hex()}` as Digest;
}

/**
 * Checks bytes against what they were promised to be; the size first, since it costs nothing.
 * @param what names the bytes in the error
 * @throws OciError (`mismatch`)
 */
export function verifyBytes(bytes: Uint8Array, digest: Digest, size: number | undefined, what: string): void {
  if (size !== undefined && bytes.length !== size) {
    throw new OciError("mismatch", `${what} ${digest} has ${bytes.length} bytes, not the promised ${size}`);
  }
  const actual = digestOf(bytes, digestAlgorithm(digest));
  if (actual !== digest) throw new OciError("mismatch", `${what} ${digest} has the content of ${actual}`);
}
