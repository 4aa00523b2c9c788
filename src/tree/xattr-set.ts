/**
 * Sets of xattrs as bytes: a count, then for each in order of name the lengths of name and value,
 * the name and the value; numbers are 32-bit, little-endian. Equal sets are equal bytes.
 */
import { compareNames, nameFromBytes, nameToBytes } from "../posix/names.ts";
import type { Xattrs } from "./inode.ts";

export function encodeXattrs(xattrs: Xattrs): Uint8Array {
  const pairs = [...xattrs]
    .sort(([a], [b]) => compareNames(a, b))
    .map(([name, value]) => ({ name: nameToBytes(name), value }));
  const bytes = new Uint8Array(
    pairs.reduce((length, { name, value }) => length + 8 + name.length + value.length, 4),
  );
  const view = new DataView(bytes.buffer);
  view.setUint32(0, pairs.length, true);
  let at = 4;
  for (const { name, value } of pairs) {
    view.setUint32(at, name.length, true);
    view.setUint32(at + 4, value.length, true);
    bytes.set(name, at + 8);
    bytes.set(value, at + 8 + name.length);
    at += 8 + name.length + value.length;
  }
  return bytes;
}

/** Decodes the set that starts at `at`. The values are copies. */
export function decodeXattrs(bytes: Uint8Array, at: number): Xattrs {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const xattrs = new Map<string, Uint8Array>();
  const count = view.getUint32(at, true);
  let from = at + 4;
  for (let i = 0; i < count; i++) {
    const nameEnd = from + 8 + view.getUint32(from, true);
    const valueEnd = nameEnd + view.getUint32(from + 4, true);
    xattrs.set(nameFromBytes(bytes, from + 8, nameEnd), bytes.slice(nameEnd, valueEnd));
    from = valueEnd;
  }
  return xattrs;
}
