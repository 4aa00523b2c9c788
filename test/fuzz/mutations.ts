/**
 * Damage to bytes: what disks, networks and people with an editor do.
 */
import fc from "fast-check";
import { BLOCK, hasValidChecksum } from "../../src/tar/header.ts";

/** One piece of damage. Positions are parts of the whole, so that they fit bytes of any length. */
type Damage =
  | { readonly do: "flip"; readonly at: number; readonly bit: number }
  | { readonly do: "set"; readonly at: number; readonly value: number }
  | { readonly do: "cut"; readonly at: number }
  | { readonly do: "remove" | "repeat" | "zero"; readonly at: number; readonly length: number }
  | { readonly do: "insert"; readonly at: number; readonly bytes: Uint8Array }
  | { readonly do: "swap"; readonly at: number; readonly to: number; readonly length: number };

const at = fc.nat(2 ** 31 - 1);
const length = fc.oneof(fc.nat(16), fc.constantFrom(512, 1024, 4096));

const damage: fc.Arbitrary<Damage> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant("flip" as const), at, bit: fc.nat(7) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("set" as const),
      at,
      value: fc.constantFrom(0, 1, 0x20, 0x2f, 0x30, 0x37, 0x39, 0x7f, 0x80, 0xff),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("cut" as const), at }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constantFrom("remove" as const, "repeat", "zero"), at, length }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant("insert" as const), at, bytes: fc.uint8Array({ maxLength: 16 }) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("swap" as const), at, to: at, length }) },
);

function join(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

function damaged(bytes: Uint8Array, one: Damage): Uint8Array {
  if (bytes.length === 0) return one.do === "insert" ? one.bytes : bytes;
  const at = one.at % bytes.length;
  const out = bytes.slice();
  switch (one.do) {
    case "flip":
      out[at]! ^= 1 << one.bit;
      return out;
    case "set":
      out[at] = one.value;
      return out;
    case "cut":
      return bytes.slice(0, at);
    case "zero":
      return out.fill(0, at, at + one.length);
    case "remove":
      return join(bytes.subarray(0, at), bytes.subarray(at + one.length));
    case "repeat":
      return join(bytes.subarray(0, at + one.length), bytes.subarray(at));
    case "insert":
      return join(bytes.subarray(0, at), one.bytes, bytes.subarray(at));
    case "swap":
      out.set(
        bytes.subarray(at, at + one.length).subarray(0, bytes.length - (one.to % bytes.length)),
        one.to % bytes.length,
      );
      return out;
  }
}

/** Bytes with up to `most` pieces of damage, at least one. */
export function mutated(bytes: fc.Arbitrary<Uint8Array>, most = 4): fc.Arbitrary<Uint8Array> {
  return fc
    .tuple(bytes, fc.array(damage, { minLength: 1, maxLength: most }))
    .map(([bytes, list]) => list.reduce(damaged, bytes));
}

/** Some of the bytes with damage. */
export function sometimesMutated(bytes: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Uint8Array> {
  return fc.oneof(bytes, mutated(bytes, 2));
}

/** An archive with damage after which the headers that were hit have fitting checksums again. */
export function repaired(archive: fc.Arbitrary<Uint8Array>, most = 4): fc.Arbitrary<Uint8Array> {
  return fc
    .tuple(archive, fc.array(damage, { minLength: 1, maxLength: most }))
    .map(([bytes, list]) => withChecksums(bytes, list.reduce(damaged, bytes)));
}

function withChecksums(before: Uint8Array, after: Uint8Array): Uint8Array {
  for (let at = 0; at + BLOCK <= Math.min(before.length, after.length); at += BLOCK) {
    if (!hasValidChecksum(before, at) || hasValidChecksum(after, at)) continue;
    after.fill(0x20, at + 148, at + 156);
    const sum = after.subarray(at, at + BLOCK).reduce((total, byte) => total + byte, 0);
    after.set(Buffer.from(`${sum.toString(8).padStart(6, "0")}\0 `), at + 148);
  }
  return after;
}
