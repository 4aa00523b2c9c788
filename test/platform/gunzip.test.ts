/**
 * The portable gzip decoder against zlib: every kind of block, headers with all their fields, any number of
 * members (rule 44), and nothing corrupt or cut short taken for whole.
 */
import { constants, crc32, gunzipSync, gzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { gunzipMembers } from "../../src/platform/gunzip.ts";

const unpacked = (bytes: Uint8Array) => Buffer.concat([...gunzipMembers(bytes)]);

const text = Buffer.from("to be or not to be, that is the question. ".repeat(9000));
const noise = Buffer.from(
  Array.from({ length: 200_000 }, (_, i) => (Math.imul(i, 2_654_435_761) >>> 13) & 0xff),
);
const mixed = Buffer.concat([text, noise, Buffer.alloc(300_000), text.subarray(7, 70_000)]);

describe("gzip decoded without zlib", () => {
  const strategies = { default: constants.Z_DEFAULT_STRATEGY, fixed: constants.Z_FIXED };
  const all = { ...strategies, huffman: constants.Z_HUFFMAN_ONLY, rle: constants.Z_RLE };
  for (const [name, strategy] of Object.entries(all)) {
    it.each([0, 1, 6, 9])(`${name} blocks, level %i`, (level) => {
      for (const bytes of [Buffer.alloc(0), Buffer.from("a"), text, noise, mixed]) {
        expect(unpacked(gzipSync(bytes, { level, strategy })).equals(bytes)).toBe(true);
      }
    });
  }

  it("members one after the other, some of them empty", () => {
    const members = [text, Buffer.alloc(0), noise, Buffer.from("end")];
    const packed = Buffer.concat(members.map((bytes) => gzipSync(bytes)));
    expect(unpacked(packed).equals(Buffer.concat(members))).toBe(true);
  });

  it("a header with an extra field, a name, a comment and a checksum", () => {
    const plain = gzipSync(text);
    const fields = Buffer.concat([
      Buffer.from([3, 0, 1, 2, 3]),
      Buffer.from("name\0comment\0"),
      Buffer.alloc(2),
    ]);
    const header = Buffer.from(plain.subarray(0, 10));
    header[3] = 0x1e;
    const long = Buffer.concat([header, fields]);
    long.writeUInt16LE(crc32(long.subarray(0, -2)) & 0xffff, long.length - 2);
    const packed = Buffer.concat([long, plain.subarray(10)]);
    expect(gunzipSync(packed).equals(text)).toBe(true);
    expect(unpacked(packed).equals(text)).toBe(true);
  });

  it("refuses what ends early, at any byte", () => {
    const packed = gzipSync(Buffer.concat([text.subarray(0, 500), noise.subarray(0, 300)]));
    for (let size = 0; size < packed.length; size++) {
      expect(() => unpacked(packed.subarray(0, size))).toThrow("unexpected end of file");
    }
  });

  it("refuses what follows the last member", () => {
    expect(() => unpacked(Buffer.concat([gzipSync(text), Buffer.from("garbage garbage")]))).toThrow(
      "trailing garbage after the last gzip member",
    );
    expect(() => unpacked(Buffer.concat([gzipSync(text), Buffer.alloc(512)]))).toThrow("trailing garbage");
  });

  it("takes nothing that zlib refuses for the same bytes, and gives no other bytes", () => {
    const packed = gzipSync(Buffer.concat([text.subarray(0, 2000), noise.subarray(0, 2000)]));
    const outcome = (decode: () => Buffer): string => {
      try {
        return decode().toString("latin1");
      } catch {
        return "refused";
      }
    };
    fc.assert(
      fc.property(fc.nat(packed.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const broken = Buffer.from(packed);
        broken[at]! ^= flip;
        // The flags of the header decide what zlib checks of it; the rest of it tells nothing.
        if (at === 3) return;
        expect(outcome(() => unpacked(broken))).toBe(outcome(() => gunzipSync(broken)));
      }),
      { numRuns: 1500 },
    );
  });
});
