/**
 * How the bytes are cut never shows, and no damage gives anything but an ArchiveError.
 */
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ArchiveError, type Entry } from "../../src/tar/entry.ts";
import { TarReader } from "../../src/tar/reader.ts";
import { entriesOf } from "./hand.ts";

const FIXTURES = fileURLToPath(new URL("../../fixtures/tar/", import.meta.url));
const archives = readdirSync(FIXTURES)
  .filter((name) => /\.tar(\.gz)?$/.test(name))
  .map((name) => {
    const bytes = readFileSync(FIXTURES + name);
    return [name, new Uint8Array(name.endsWith(".gz") ? gunzipSync(bytes) : bytes)] as const;
  });

/** Entries of an archive cut at these places. */
function cut(archive: Uint8Array, places: readonly number[]): Entry[] {
  const entries: Entry[] = [];
  const reader = new TarReader((entry) => entries.push(entry));
  const ends = [...new Set(places.map((place) => place % (archive.length + 1))), archive.length].sort(
    (a, b) => a - b,
  );
  let from = 0;
  for (const end of ends) {
    // A chunk of its own, spoiled afterwards: nothing may be kept of it.
    const chunk = archive.slice(from, end);
    reader.push(chunk);
    chunk.fill(0xff);
    from = end;
  }
  reader.end();
  return entries;
}

describe("chunks", () => {
  it("there are fixtures", () => {
    expect(archives.length).toBeGreaterThan(20);
  });
  it.each(archives)("%s: any cut gives the same entries", (_, archive) => {
    const whole = entriesOf(archive);
    expect(whole.length).toBeGreaterThan(1);
    fc.assert(
      fc.property(fc.array(fc.nat(), { maxLength: 40 }), (places) => {
        expect(cut(archive, places)).toEqual(whole);
      }),
      { numRuns: 15 },
    );
  });
  it.each([1, 3, 511, 512, 513, 1000])("in pieces of %i bytes", (size) => {
    for (const [, archive] of archives.filter(([name]) => !name.includes("sparse"))) {
      expect(entriesOf(archive, size)).toEqual(entriesOf(archive));
    }
  });
});

describe("damage", () => {
  const small = archives.filter(([, archive]) => archive.length < 20_000);

  /** Reads to the end or to an ArchiveError; anything else is thrown. */
  function survive(archive: Uint8Array): void {
    try {
      entriesOf(archive);
    } catch (error) {
      if (!(error instanceof ArchiveError)) throw error;
      expect(error.message).toMatch(/rule \d+|pax\(1\)|symlink\(2\)/);
    }
  }

  /** Writes a header's checksum anew, so that damage in a field gets past it. */
  function seal(archive: Uint8Array, at: number): void {
    if (at + 512 > archive.length) return;
    archive.fill(0x20, at + 148, at + 156);
    let sum = 0;
    for (let i = at; i < at + 512; i++) sum += archive[i]!;
    archive.set(Buffer.from(`${sum.toString(8).padStart(6, "0")}\0 `), at + 148);
  }

  const flips = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 1, max: 255 })), {
    minLength: 1,
    maxLength: 6,
  });

  it("flipped bytes anywhere", () => {
    fc.assert(
      fc.property(fc.constantFrom(...small), flips, ([, archive], changes) => {
        const damaged = archive.slice();
        for (const [at, mask] of changes) damaged[at % damaged.length]! ^= mask;
        survive(damaged);
      }),
      { numRuns: 1500 },
    );
  });
  it("flipped bytes in headers whose checksum fits", () => {
    fc.assert(
      fc.property(fc.constantFrom(...small), flips, ([, archive], changes) => {
        const damaged = archive.slice();
        const offsets = entriesOf(archive).map((entry) => entry.offset);
        for (const [at, mask] of changes) {
          const start = offsets[at % offsets.length]!;
          damaged[start + ((at >>> 8) % 512)]! ^= mask;
          seal(damaged, start);
        }
        survive(damaged);
      }),
      { numRuns: 1500 },
    );
  });
  it("cut off anywhere", () => {
    fc.assert(
      fc.property(fc.constantFrom(...small), fc.nat(), ([, archive], length) => {
        survive(archive.subarray(0, length % archive.length));
      }),
      { numRuns: 500 },
    );
  });
  it("blocks in another order", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...small),
        fc.array(fc.nat(), { minLength: 1, maxLength: 60 }),
        ([, archive], order) => {
          const blocks = Math.floor(archive.length / 512);
          const mixed = order.map((i) => archive.subarray((i % blocks) * 512, ((i % blocks) + 1) * 512));
          survive(new Uint8Array(Buffer.concat(mixed)));
        },
      ),
      { numRuns: 500 },
    );
  });
});
