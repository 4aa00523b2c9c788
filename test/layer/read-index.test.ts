/**
 * A layer's index: every entry comes back as it was, and a damaged or foreign file is no index.
 */
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeIndex, encodeIndex, IndexWriter, openLayer } from "../../src/layer/index-file.ts";
import { MemoryAccess } from "../../src/platform/memory.ts";
import { nameFromBytes } from "../../src/posix/names.ts";
import type { Entry } from "../../src/tar/entry.ts";
import { NO_XATTRS } from "../../src/tree/inode.ts";
import { entriesOf } from "../tar/hand.ts";

const DIFF_ID = `sha256:${"5".repeat(64)}`;
const FIXTURES = fileURLToPath(new URL("../../fixtures/tar/", import.meta.url));

function roundTrip(entries: readonly Entry[]): Entry[] {
  const decoded = decodeIndex(encodeIndex(entries, DIFF_ID, 12345))!;
  expect([decoded.diffID, decoded.archiveSize, decoded.entryCount]).toEqual([DIFF_ID, 12345, entries.length]);
  return [...decoded.entries()];
}

/** An ordinary file in an ordinary tree, where the entry before it ended. */
function ordinary(i: number): Entry {
  return {
    type: "file",
    name: `usr/share/doc/package-${Math.floor(i / 20)}/file-${i}.txt`,
    offset: i * 1024,
    mode: 0o644,
    uid: 0,
    gid: 0,
    mtime: BigInt(1_600_000_000 + ((i * 7919) % 100_000)) * 1_000_000_000n,
    xattrs: NO_XATTRS,
    size: (i * 31) % 512,
    start: i * 1024 + 512,
  };
}

const names = fc.oneof(
  fc.string({ maxLength: 40 }).map((text) => nameFromBytes(Buffer.from(text))),
  fc.uint8Array({ maxLength: 40 }).map((bytes) => nameFromBytes(bytes)),
  fc.constantFrom("usr/bin/a", "usr/bin/b", "usr/", "", "x".repeat(5000)),
);
const positions = fc.oneof(
  fc.nat(100_000),
  fc.maxSafeNat().map((value) => Math.floor(value / 4)),
);
const times = fc.oneof(
  fc.bigInt({ min: -(10n ** 18n), max: 2n * 10n ** 18n }),
  fc.bigInt({ min: -(2n ** 63n) * 10n ** 9n, max: 2n ** 63n * 10n ** 9n }),
  fc.constantFrom(0n, -1n, 1_600_000_000_000_000_000n),
);
const ids = fc.oneof(fc.constantFrom(0, 1000), fc.nat(2 ** 32 - 2));
const head = fc.record(
  {
    name: names,
    offset: positions,
    mode: fc.nat(0o7777),
    uid: ids,
    gid: ids,
    mtime: times,
    atime: times,
    xattrs: fc
      .array(fc.tuple(names, fc.uint8Array({ maxLength: 300 })), { maxLength: 3 })
      .map((pairs) => new Map(pairs.map(([name, value]) => [name, new Uint8Array(value)]))),
  },
  { requiredKeys: ["name", "offset", "mode", "uid", "gid", "mtime", "xattrs"] },
);
const extents = fc
  .array(fc.tuple(fc.nat(1e9), fc.integer({ min: 1, max: 1e9 })), { maxLength: 5 })
  .map((gaps) => {
    let end = 0;
    return gaps.map(([gap, length]) => {
      const offset = end + gap;
      end = offset + length;
      return { offset, length };
    });
  });
const entries: fc.Arbitrary<Entry> = fc
  .tuple(
    head,
    fc.oneof(
      fc.record(
        { type: fc.constant("file" as const), size: fc.maxSafeNat(), start: positions, extents },
        { requiredKeys: ["type", "size", "start"] },
      ),
      fc.record({ type: fc.constantFrom("directory" as const, "fifo" as const) }),
      fc.record({ type: fc.constantFrom("symlink" as const, "hardlink" as const), target: names }),
      fc.record({ type: fc.constantFrom("char" as const, "block" as const), rdev: fc.nat(2 ** 32 - 1) }),
    ),
  )
  .map(([common, particular]) => ({ ...common, ...particular }) as Entry);

describe("entries", () => {
  it("any entries come back as they were", () => {
    fc.assert(
      fc.property(fc.array(entries, { maxLength: 30 }), (list) => {
        expect(roundTrip(list)).toEqual(list);
      }),
      { numRuns: 500 },
    );
  });

  it.each(readdirSync(FIXTURES).filter((name) => /\.tar(\.gz)?$/.test(name)))("those of %s do", (name) => {
    const bytes = readFileSync(FIXTURES + name);
    const list = entriesOf(new Uint8Array(name.endsWith(".gz") ? gunzipSync(bytes) : bytes));
    expect(roundTrip(list)).toEqual(list);
  });

  it("may be asked for any number of times, also at the same time", () => {
    const list = [0, 1, 2, 3].map(ordinary);
    const decoded = decodeIndex(encodeIndex(list, DIFF_ID, 0))!;
    const [first, second] = [decoded.entries()[Symbol.iterator](), decoded.entries()[Symbol.iterator]()];
    for (const entry of list) {
      expect(first.next().value).toEqual(entry);
      expect(second.next().value).toEqual(entry);
    }
  });

  it("take far less than 100 bytes each", () => {
    const list = Array.from({ length: 35_000 }, (_, i) => ordinary(i));
    const index = encodeIndex(list, DIFF_ID, 0);
    expect(index.length / list.length).toBeLessThan(25);
    expect(roundTrip(list).length).toBe(list.length);
  });

  it("come back with more owners and more bytes than are kept in one piece", () => {
    const list = Array.from({ length: 30_000 }, (_, i) => ({ ...ordinary(i), uid: i % 9000, gid: i % 7 }));
    expect(encodeIndex(list, DIFF_ID, 0).length).toBeGreaterThan(2 * 256 * 1024);
    for (const [i, entry] of roundTrip(list).entries()) {
      if (entry.uid !== list[i]!.uid || entry.name !== list[i]!.name) expect(entry).toEqual(list[i]);
    }
  });

  it("are the same bytes for the same entries", () => {
    const list = [0, 1, 2].map(ordinary);
    expect(encodeIndex(list, DIFF_ID, 7)).toEqual(encodeIndex(list, DIFF_ID, 7));
  });
});

describe("rule 44: extents of sparse files", () => {
  /** A file of so many extents, as many bytes each. */
  const sparse = (count: number, length: number): Entry => ({
    ...ordinary(0),
    type: "file",
    size: count * 8192,
    start: 512,
    extents: Array.from({ length: count }, (_, i) => ({ offset: i * 8192, length })),
  });

  it("may be many where they hold something, and few where they hold next to nothing", () => {
    const index = new IndexWriter(2 ** 29);
    index.add(sparse(200_000, 512));
    new IndexWriter(2 ** 29).add(sparse(65_536, 1));
    expect(() => index.add(sparse(1, 1))).toThrow("rule 44");
    expect(() => new IndexWriter(2 ** 29).add(sparse(65_537, 1))).toThrow("65537 extents for 65537 bytes");
  });
});

describe("a file that is no index", () => {
  const index = encodeIndex([0, 1, 2].map(ordinary), DIFF_ID, 99);
  it("is undefined, not an error: with any bit of it flipped", () => {
    for (let at = 0; at < index.length; at++) {
      const damaged = index.slice();
      damaged[at]! ^= 1 << (at % 8);
      expect(decodeIndex(damaged), `byte ${at}`).toBeUndefined();
    }
  });
  it("cut off anywhere, or longer", () => {
    for (let length = 0; length < index.length; length++) {
      expect(decodeIndex(index.subarray(0, length))).toBeUndefined();
    }
    expect(decodeIndex(new Uint8Array([...index, 0]))).toBeUndefined();
  });
  it("of another version", () => {
    const text = Buffer.from(index).toString("latin1");
    const other = Buffer.from(text.replace("index 1\n", "index 2\n"), "latin1");
    expect(decodeIndex(other)).toBeUndefined();
  });
  it("of another layer", () => {
    const archive = new MemoryAccess(new Uint8Array(99));
    expect(openLayer({ diffID: DIFF_ID, archive, index })).toMatchObject({ diffID: DIFF_ID, archive });
    expect(openLayer({ diffID: `sha256:${"6".repeat(64)}`, archive, index })).toBeUndefined();
    expect(
      openLayer({ diffID: DIFF_ID, archive: new MemoryAccess(new Uint8Array(98)), index }),
    ).toBeUndefined();
  });
});
