/**
 * CRC-32 as gzip has it (RFC 1952, section 8), for platforms that have none of their own.
 */

const TABLE = new Int32Array(256);
for (let byte = 0; byte < 256; byte++) {
  let remainder = byte;
  for (let bit = 0; bit < 8; bit++) {
    remainder = remainder & 1 ? (remainder >>> 1) ^ 0xedb88320 : remainder >>> 1;
  }
  TABLE[byte] = remainder;
}

/** The CRC-32 of all bytes so far, given that of those before; 0 at first. */
export function crc32(bytes: Uint8Array, before: number): number {
  let remainder = ~before;
  for (let i = 0; i < bytes.length; i++) {
    remainder = TABLE[(remainder ^ bytes[i]!) & 0xff]! ^ (remainder >>> 8);
  }
  return ~remainder >>> 0;
}
