/**
 * Names are bytes; programs want strings.
 *
 * A Linux file name, symlink target or xattr name is a byte string. Inside the engine it is a
 * JavaScript string in which every byte that is not part of valid UTF-8 appears as a lone surrogate
 * U+DC80–U+DCFF (Python's `surrogateescape`), so that every name makes the round trip. Order is the
 * order of the bytes, not of UTF-16 units (rule 49). This is the only module that converts.
 */

const encoder = new TextEncoder();
const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function isAscii(bytes: Uint8Array, start: number, end: number): boolean {
  for (let i = start; i < end; i++) if (bytes[i]! >= 0x80) return false;
  return true;
}

function asciiString(bytes: Uint8Array, start: number, end: number): string {
  let text = "";
  for (let i = start; i < end; i += 4096) {
    text += String.fromCharCode.apply(
      null,
      bytes.subarray(i, Math.min(i + 4096, end)) as unknown as number[],
    );
  }
  return text;
}

/** Length of the valid UTF-8 sequence at `at`, or 0 (Unicode 15, table 3-7: no overlongs, no surrogates). */
function sequenceLength(bytes: Uint8Array, at: number, end: number): number {
  const lead = bytes[at]!;
  if (lead < 0x80) return 1;
  const length =
    lead >= 0xc2 && lead <= 0xdf
      ? 2
      : lead >= 0xe0 && lead <= 0xef
        ? 3
        : lead >= 0xf0 && lead <= 0xf4
          ? 4
          : 0;
  if (length === 0 || at + length > end) return 0;
  const second = bytes[at + 1]!;
  const low = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80;
  const high = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf;
  if (second < low || second > high) return 0;
  for (let i = 2; i < length; i++) if ((bytes[at + i]! & 0xc0) !== 0x80) return 0;
  return length;
}

/** The string form of a name's bytes. Every byte string has one, and no two share it. */
export function nameFromBytes(bytes: Uint8Array, start = 0, end: number = bytes.length): string {
  if (isAscii(bytes, start, end)) return asciiString(bytes, start, end);
  let text = "";
  let valid = start;
  for (let i = start; i < end; ) {
    const length = sequenceLength(bytes, i, end);
    if (length > 0) {
      i += length;
      continue;
    }
    if (valid < i) text += strict.decode(bytes.subarray(valid, i));
    text += String.fromCharCode(0xdc00 + bytes[i]!);
    i += 1;
    valid = i;
  }
  return valid < end ? text + strict.decode(bytes.subarray(valid, end)) : text;
}

/**
 * The bytes of a name: the inverse of {@link nameFromBytes}. A lone surrogate outside U+DC80–U+DCFF
 * has no bytes; it becomes U+FFFD, as in `TextEncoder`.
 */
export function nameToBytes(name: string): Uint8Array {
  const firstEscape = name.search(/[\uDC80-\uDCFF]/);
  if (firstEscape < 0) return encoder.encode(name);
  const out = new Uint8Array(name.length * 3);
  let at = 0;
  for (let i = 0; i < name.length; i++) {
    const unit = name.charCodeAt(i);
    if (unit < 0x80) {
      out[at++] = unit;
    } else if (unit >= 0xdc80 && unit <= 0xdcff) {
      out[at++] = unit - 0xdc00;
    } else {
      const pair = unit >= 0xd800 && unit <= 0xdbff && isLowSurrogate(name.charCodeAt(i + 1));
      at += encoder.encodeInto(name.substr(i, pair ? 2 : 1), out.subarray(at)).written;
      if (pair) i += 1;
    }
  }
  return out.slice(0, at);
}

function isLowSurrogate(unit: number): boolean {
  return unit >= 0xdc00 && unit <= 0xdfff;
}

/** How many bytes a name has on disk, without making them. */
export function nameLength(name: string): number {
  let length = 0;
  for (let i = 0; i < name.length; i++) {
    const unit = name.charCodeAt(i);
    if (unit < 0x80) length += 1;
    else if (unit >= 0xdc80 && unit <= 0xdcff) length += 1;
    else if (unit < 0x800) length += 2;
    else if (unit >= 0xd800 && unit <= 0xdbff && isLowSurrogate(name.charCodeAt(i + 1))) {
      length += 4;
      i += 1;
    } else length += 3;
  }
  return length;
}

/** A unit's place in byte order: escaped bytes sort as 0x80–0xFF, before or among the lead bytes they are. */
function firstByte(text: string, at: number): number {
  const unit = text.charCodeAt(at);
  if (unit < 0x80) return unit;
  if (unit >= 0xdc80 && unit <= 0xdcff) {
    const before = at > 0 ? text.charCodeAt(at - 1) : 0;
    if (!(before >= 0xd800 && before <= 0xdbff)) return unit - 0xdc00;
  }
  return -1;
}

/** Compares two names as byte strings: negative, zero or positive. */
export function compareNames(a: string, b: string): number {
  const shared = Math.min(a.length, b.length);
  for (let i = 0; i < shared; i++) {
    if (a.charCodeAt(i) === b.charCodeAt(i)) continue;
    const left = firstByte(a, i);
    const right = firstByte(b, i);
    if (left >= 0 && right >= 0) return left - right;
    if (left >= 0 && left < 0x80) return -1;
    if (right >= 0 && right < 0x80) return 1;
    return compareBytes(nameToBytes(a), nameToBytes(b));
  }
  return a.length - b.length;
}

/** Compares byte strings as `memcmp(3)` does, a prefix first. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const shared = Math.min(a.length, b.length);
  for (let i = 0; i < shared; i++) if (a[i] !== b[i]) return a[i]! - b[i]!;
  return a.length - b.length;
}

/**
 * Compares two paths component by component, so that a directory's content follows it directly:
 * `/` sorts below every other byte (rule 49).
 */
export function comparePaths(a: string, b: string): number {
  const shared = Math.min(a.length, b.length);
  for (let i = 0; i < shared; i++) {
    const left = a.charCodeAt(i);
    const right = b.charCodeAt(i);
    if (left === right) continue;
    if (left === 0x2f) return -1;
    if (right === 0x2f) return 1;
    const from = a.lastIndexOf("/", i) + 1;
    const endA = a.indexOf("/", i);
    const endB = b.indexOf("/", i);
    return compareNames(a.slice(from, endA < 0 ? a.length : endA), b.slice(from, endB < 0 ? b.length : endB));
  }
  return a.length - b.length;
}
