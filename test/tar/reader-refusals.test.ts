/**
 * Archives that are refused: each error has its code, the entry, its offset and the rule or the
 * specification it breaks, and what a hostile archive makes the reader hold stays bounded.
 */
import { describe, expect, it } from "vitest";
import { ArchiveError } from "../../src/tar/entry.ts";
import { MAX_EXTENSION, TarReader } from "../../src/tar/reader.ts";
import {
  base256,
  body,
  bytes,
  concat,
  END,
  entriesOf,
  GNU,
  gnuLong,
  header,
  member,
  pax,
  record,
  refusal,
  V7,
} from "./hand.ts";

const first = member({ name: "first" }, "content");

describe.each<[string, string, RegExp, Uint8Array[]]>([
  ["no tar archive at all", "corrupt", /not a tar archive.*checksum.*pax\(1\)/, [bytes("x".repeat(1024))]],
  ["a wrong checksum", "corrupt", /checksum is wrong at byte 0/, [header({ checksum: "wrong" })]],
  [
    "a checksum that is no number",
    "corrupt",
    /checksum/,
    [concat(header().subarray(0, 148), bytes("zzzzzzzz"), header().subarray(156))],
  ],
  ["rule 40: a number with letters", "corrupt", /uid is no number/, [header({ uid: "12x\0" })]],
  ["rule 40: a decimal digit in octal", "corrupt", /mode is no number/, [header({ mode: "0000689\0" })]],
  ["rule 40: a sign in octal", "corrupt", /mtime is no number/, [header({ mtime: "-1\0" })]],
  ["rule 40: a size that is no number", "corrupt", /size is no number/, [header({ size: "size" })]],
  ["rule 40: a negative size", "corrupt", /negative size/, [header({ size: base256(-512, 12) })]],
  ["rule 40: a size above 2^53", "range", /2\^53 \(rule 40\)/, [header({ size: base256(2n ** 60n, 12) })]],
  [
    "rule 40: a size above 2^53 as a record",
    "range",
    /2\^53 \(rule 40\)/,
    [pax({ size: "9007199254740993" }), header()],
  ],
  ["rule 40: a negative size as a record", "corrupt", /size \(negative\)/, [pax({ size: "-1" }), header()]],
  ["rule 36: uid 2^32-1", "range", /uid 4294967295 .*rule 36/, [header({ uid: base256(4294967295, 8) })]],
  ["rule 36: gid 2^32", "range", /gid 4294967296 .*rule 36/, [pax({ gid: "4294967296" }), header()]],
  ["rule 36: a negative uid", "range", /uid -1 .*rule 36/, [header({ uid: base256(-1, 8) })]],
  [
    "rule 36: a uid beyond doubles",
    "range",
    /uid Infinity .*rule 36/,
    [pax({ uid: "9".repeat(400) }), header()],
  ],
  [
    "rule 36: a major number of 13 bits",
    "range",
    /device 4096:0 .*rule 36/,
    [header({ type: "3", major: 4096 })],
  ],
  [
    "rule 36: a minor number of 21 bits",
    "range",
    /device 0:1048576 .*rule 36/,
    [header({ type: "4", minor: 2 ** 20 })],
  ],
  [
    "rule 36: a negative device number",
    "range",
    /device -1:0 .*rule 36/,
    [header({ type: "3", major: base256(-1, 8), magic: GNU })],
  ],
  [
    "rule 35: mtime beyond int64",
    "range",
    /mtime .*int64.*rule 35/,
    [header({ mtime: base256(2n ** 63n, 12) })],
  ],
  [
    "rule 35: mtime beyond int64 as a record",
    "range",
    /mtime .*int64.*rule 35/,
    [pax({ mtime: "9223372036854775808" }), header()],
  ],
  [
    "rule 35: atime beyond int64 as a record",
    "range",
    /atime .*int64.*rule 35/,
    [pax({ atime: "-9223372036854775809.5" }), header()],
  ],
  ["rule 35: a time without seconds", "corrupt", /mtime .*rule 40/, [pax({ mtime: ".5" }), header()]],
  ["rule 35: a time with letters", "corrupt", /mtime .*rule 40/, [pax({ mtime: "1e9" }), header()]],
  ["rule 38: a type that nobody defined", "unsupported", /type "9" .*rule 38/, [header({ type: "9" })]],
  ["rule 38: a volume label", "unsupported", /type "V" .*rule 38/, [header({ type: "V", magic: GNU })]],
  ["rule 38: a socket has no type", "unsupported", /type "s" .*rule 38/, [header({ type: "s" })]],
  ["an empty symlink", "range", /target of 0 bytes.*symlink\(2\)/, [header({ type: "2" })]],
  [
    "a symlink longer than Linux has",
    "range",
    /target of 4096 bytes/,
    [pax({ linkpath: "x".repeat(4096) }), header({ type: "2" })],
  ],
  [
    "rule 40: an extended header above 1 MiB",
    "limit",
    /above 1 MiB \(rule 40\)/,
    [header({ type: "x", size: MAX_EXTENSION + 1 })],
  ],
  [
    "rule 40: a GNU long name above 1 MiB",
    "limit",
    /above 1 MiB \(rule 40\)/,
    [header({ type: "L", size: 8 ** 11 - 1, magic: GNU })],
  ],
  [
    "rule 40: a GNU long link above 1 MiB",
    "limit",
    /above 1 MiB \(rule 40\)/,
    [header({ type: "K", size: base256(2 ** 50, 12), magic: GNU })],
  ],
  [
    "rule 37: more attributes than Linux lists",
    "range",
    /65536 bytes of names.*rule 37/,
    [
      pax(Array.from({ length: 6000 }, (_, i) => record(`SCHILY.xattr.user.${i}abcde`, "")).join("")),
      header(),
    ],
  ],
  [
    "rule 40: a PAX path above 64 KiB",
    "limit",
    /65537 bytes is above 65536 \(rule 40\)/,
    [pax({ path: "p".repeat(65537) }), header()],
  ],
  [
    "rule 40: a PAX linkpath above 64 KiB",
    "limit",
    /65537 bytes is above 65536 \(rule 40\)/,
    [pax({ linkpath: "p".repeat(65537) }), header({ type: "1" })],
  ],
  [
    "rule 40: a GNU name above 64 KiB",
    "limit",
    /65537 bytes is above 65536 \(rule 40\)/,
    [gnuLong("L", "p".repeat(65537)), header()],
  ],
  [
    "rule 40: a sparse file's name above 64 KiB",
    "limit",
    /65537 bytes is above 65536 \(rule 40\)/,
    [pax({ "GNU.sparse.name": "p".repeat(65537) }), header()],
  ],
  [
    "rule 40: an extended header before the end",
    "corrupt",
    /end of the archive \(rule 40\)/,
    [pax({ uid: "1" }), END],
  ],
  [
    "rule 40: a record that reaches past the header",
    "corrupt",
    /record: length/,
    [pax("99 path=x\n"), header()],
  ],
  ["rule 40: a record shorter than its length", "corrupt", /record: length/, [pax("5 path=x\n"), header()]],
  ["rule 40: a record of length 0", "corrupt", /record: length/, [pax("0 path=x\n"), header()]],
  ["rule 40: a record whose length is no number", "corrupt", /record: length/, [pax("x path=x\n"), header()]],
  [
    "rule 40: a record whose length has no end",
    "corrupt",
    /record: length/,
    [pax("1".repeat(600)), header()],
  ],
  ["rule 40: a record without a newline", "corrupt", /record: length/, [pax("10 path=xx"), header()]],
  ["rule 40: a record without =", "corrupt", /record: key/, [pax("9 pathxx\n"), header()]],
  ["rule 40: a record without a key", "corrupt", /record: key/, [pax("6 =xx\n"), header()]],
  ["rule 40: a key with a NUL", "corrupt", /record: key/, [pax(record("a\0b", "x")), header()]],
  ["rule 40: a path with a NUL", "corrupt", /path \(a NUL\)/, [pax({ path: "a\0b" }), header()]],
  ["rule 40: a linkpath with a NUL", "corrupt", /linkpath \(a NUL\)/, [pax({ linkpath: "a\0b" }), header()]],
  [
    "rule 37: base64 that is none",
    "corrupt",
    /LIBARCHIVE.xattr.user.a .*rule 40/,
    [pax({ "LIBARCHIVE.xattr.user.a": "~~~~" }), header()],
  ],
  [
    "rule 37: an attribute without a name",
    "range",
    /name of 0 bytes.*rule 37/,
    [pax({ "SCHILY.xattr.": "x" }), header()],
  ],
  [
    "rule 37: an attribute's name above 255 bytes",
    "range",
    /name of 256 bytes.*rule 37/,
    [pax({ [`SCHILY.xattr.${"n".repeat(256)}`]: "x" }), header()],
  ],
  [
    "rule 37: the same in characters of two bytes",
    "range",
    /name of 256 bytes.*rule 37/,
    [pax({ [`SCHILY.xattr.${"\xc3\xa9".repeat(128)}`]: "x" }), header()],
  ],
  [
    "rule 37: an attribute above 64 KiB",
    "range",
    /65537 bytes.*rule 37/,
    [pax({ "SCHILY.xattr.user.a": "x".repeat(65537) }), header()],
  ],
  ["rule 40: type S outside GNU's format", "unsupported", /'S'.*rule 40/, [header({ type: "S" })]],
  ["rule 40: type S in V7", "unsupported", /'S'.*rule 40/, [header({ type: "S", magic: V7 })]],
  [
    "rule 40: a sparse file of no size",
    "corrupt",
    /size of a sparse file.*rule 40/,
    [header({ type: "S", magic: GNU, raw: [[483, "zz"]] })],
  ],
  [
    "rule 40: a sparse file above 2^53",
    "range",
    /2\^53 \(rule 40\)/,
    [header({ type: "S", magic: GNU, raw: [[483, base256(2n ** 60n, 12)]] })],
  ],
  [
    "rule 40: a sparse map with letters",
    "corrupt",
    /malformed sparse map.*rule 40/,
    [header({ type: "S", magic: GNU, raw: [[386, "zz"]] })],
  ],
  [
    "rule 40: a sparse map that is not in order",
    "corrupt",
    /not in order/,
    [
      pax({ "GNU.sparse.size": "9", "GNU.sparse.numblocks": "2", "GNU.sparse.map": "4,2,5,1" }),
      member({}, "abc"),
    ],
  ],
  [
    "rule 40: a sparse map past its file's end",
    "corrupt",
    /past the end/,
    [pax({ "GNU.sparse.size": "9", "GNU.sparse.numblocks": "1", "GNU.sparse.map": "8,2" }), member({}, "ab")],
  ],
  [
    "rule 40: a sparse map of more than is stored",
    "corrupt",
    /covers 3 of 2 stored/,
    [pax({ "GNU.sparse.size": "9", "GNU.sparse.numblocks": "1", "GNU.sparse.map": "0,3" }), member({}, "ab")],
  ],
  [
    "rule 40: a sparse map of less than is stored",
    "corrupt",
    /covers 1 of 2 stored/,
    [pax({ "GNU.sparse.size": "9", "GNU.sparse.numblocks": "1", "GNU.sparse.map": "0,1" }), member({}, "ab")],
  ],
  [
    "rule 40: a sparse map of another length than stated",
    "corrupt",
    /not as long/,
    [pax({ "GNU.sparse.size": "9", "GNU.sparse.numblocks": "2", "GNU.sparse.map": "0,1" }), member({}, "a")],
  ],
  [
    "rule 40: a sparse map without its count",
    "corrupt",
    /not as long/,
    [pax({ "GNU.sparse.size": "9", "GNU.sparse.map": "0,1" }), member({}, "a")],
  ],
  [
    "rule 40: a sparse map with an empty number",
    "corrupt",
    /GNU.sparse.map/,
    [pax({ "GNU.sparse.numblocks": "1", "GNU.sparse.map": "0,,1" }), header()],
  ],
  [
    "rule 40: pairs of 0.0 out of turn",
    "corrupt",
    /order of GNU.sparse.numbytes/,
    [pax({ "GNU.sparse.numbytes": "1" }), header()],
  ],
  [
    "rule 40: 1.0 without its map",
    "corrupt",
    /map is missing/,
    [pax({ "GNU.sparse.major": "1", "GNU.sparse.minor": "0" }), header()],
  ],
  [
    "rule 40: 1.0 with a map of letters",
    "corrupt",
    /malformed sparse map/,
    [pax({ "GNU.sparse.major": "1", "GNU.sparse.minor": "0" }), member({}, body("map"))],
  ],
  [
    "rule 40: 1.0 with an empty line",
    "corrupt",
    /malformed sparse map/,
    [pax({ "GNU.sparse.major": "1", "GNU.sparse.minor": "0" }), member({}, body("1\n\n"))],
  ],
  [
    "rule 40: 1.0 with a map that does not end in its file",
    "corrupt",
    /map has no end/,
    [
      pax({ "GNU.sparse.major": "1", "GNU.sparse.minor": "0" }),
      member({}, `300\n${"1\n".repeat(254)}`),
      body("1\n"),
    ],
  ],
  [
    "rule 40: 1.0 with more extents than a map may have",
    "limit",
    /above 1 MiB/,
    [pax({ "GNU.sparse.major": "1", "GNU.sparse.minor": "0" }), member({}, body("262145\n"))],
  ],
])("refused: %s", (_, code, message, parts) => {
  it(`is ${code}, wherever the bytes are cut`, () => {
    const error = refusal(...parts);
    expect(error).toBeInstanceOf(ArchiveError);
    expect(error.code).toBe(code);
    expect(error.message).toMatch(message);
    expect(error.message).toMatch(/rule \d+|pax\(1\)|symlink\(2\)/);
    expect(error.offset).toBe(0);

    const later = refusal(first, ...parts, END);
    expect([later.code, later.offset]).toEqual([code, 1024]);
    for (const chunk of [1, 511, 513]) {
      expect(() => entriesOf(concat(first, ...parts, END), chunk)).toThrow(later.message);
    }
  });
});

describe("archives that end too early", () => {
  const whole = concat(pax({ path: "p" }), member({ name: "a" }, "x".repeat(700)));
  it.each([
    ["in an extended header's own header", 100],
    ["in its records", 520],
    ["after its records", 1024],
    ["in a header", 1500],
    ["in content", 2000],
    ["in the last block of content", 1536 + 699],
  ])("rule 42: %s", (_, length) => {
    const error = refusal(whole.subarray(0, length));
    expect([error.code, error.offset]).toEqual(["truncated", 0]);
    expect(error.message).toMatch(new RegExp(`after ${length} bytes.*rule 42`));
  });
  it("rule 42: in an old GNU sparse map", () => {
    const sparse = header({ type: "S", magic: GNU, raw: [[482, "\x01"]] });
    expect(refusal(sparse).code).toBe("truncated");
    expect(refusal(sparse, new Uint8Array(100)).code).toBe("truncated");
  });
  it("rule 42: in the map of a PAX sparse file", () => {
    const head = [pax({ "GNU.sparse.major": "1", "GNU.sparse.minor": "0" }), header({ size: 2048 })];
    expect(refusal(...head).code).toBe("truncated");
    expect(refusal(...head, bytes(`300\n${"1\n".repeat(254)}`)).code).toBe("truncated");
  });
  it("but not after it: content is whole when its last byte is there", () => {
    expect(entriesOf(whole.subarray(0, 1536 + 700))).toHaveLength(1);
  });
});

describe("errors", () => {
  it("rule 42: garbage after a lone zero block is no end of the archive", () => {
    const error = refusal(first, new Uint8Array(512), bytes("x".repeat(512)));
    expect([error.code, error.offset]).toEqual(["corrupt", 1536]);
  });
  it("names the entry by its real name", () => {
    expect(refusal(pax({ path: "real", uid: "-5" }), header({ name: "short" })).entry).toBe("real");
    expect(refusal(gnuLong("L", "long"), header({ name: "short", magic: GNU, type: "9" })).entry).toBe(
      "long",
    );
  });
  it("names a long entry whole, but not in its message", () => {
    const error = refusal(pax({ path: "n".repeat(60_000) }), header({ type: "9" }));
    expect(error.entry).toHaveLength(60_000);
    expect(error.message.length).toBeLessThan(500);
  });
  it("leaves the reader spent", () => {
    const reader = new TarReader(() => {});
    const failures: unknown[] = [];
    for (const call of [
      () => reader.push(bytes("x".repeat(512))),
      () => reader.push(header()),
      () => reader.end(),
    ]) {
      try {
        call();
      } catch (error) {
        failures.push(error);
      }
    }
    expect(failures).toHaveLength(3);
    expect(new Set(failures).size).toBe(1);
  });
  it("comes from the callback as it is, and ends the reading as well", () => {
    const own = new Error("stop");
    const reader = new TarReader(() => {
      throw own;
    });
    expect(() => reader.push(header())).toThrow(own);
    expect(() => reader.end()).toThrow(own);
  });
});

describe("memory", () => {
  /** Bytes in array buffers after each push, above those before. */
  function peak(push: (reader: TarReader) => void): number {
    const reader = new TarReader(() => {});
    const before = process.memoryUsage().arrayBuffers;
    push(reader);
    return process.memoryUsage().arrayBuffers - before;
  }
  it("rule 42: padding after the end is drained, not kept (CVE-2017-14992)", () => {
    const chunk = new Uint8Array(2 ** 20);
    expect(
      peak((reader) => {
        for (let i = 0; i < 4096; i++) reader.push(chunk);
        reader.end();
      }),
    ).toBeLessThan(4 * 2 ** 20);
  });
  it("rule 40: a sparse map in endless extension blocks stops at 1 MiB", () => {
    const reader = new TarReader(() => {});
    reader.push(
      header({
        type: "S",
        magic: GNU,
        raw: [
          [482, "\x01"],
          [483, base256(2 ** 50, 12)],
        ],
      }),
    );
    const extension = new Uint8Array(512);
    extension[504] = 1;
    let blocks = 0;
    expect(() => {
      for (; blocks < 1e6; blocks++) reader.push(extension);
    }).toThrow(/above 1 MiB \(rule 40\)/);
    expect(blocks).toBe(2048);
  });
  it("rule 40: so does the map of a PAX sparse file", () => {
    const reader = new TarReader(() => {});
    reader.push(
      pax({ "GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": String(2 ** 50) }),
    );
    reader.push(header({ size: base256(2 ** 40, 12) }));
    reader.push(bytes(`262144\n${"0\n".repeat(300)}`.slice(0, 512)));
    const lines = bytes("000000001\n".repeat(51).padEnd(512, "0"));
    let blocks = 0;
    expect(() => {
      for (; blocks < 1e6; blocks++) reader.push(lines);
    }).toThrow(/rule 40/);
    expect(blocks).toBeLessThan(2048);
  });
  it("rule 40: extension after extension holds one of each", () => {
    const names = concat(
      gnuLong("L", "n".repeat(65_000)),
      gnuLong("K", "n".repeat(65_000)),
      pax({
        path: "n".repeat(65_000),
        "SCHILY.xattr.user.a": "x".repeat(65_536),
        comment: "c".repeat(800_000),
      }),
    );
    expect(
      peak((reader) => {
        for (let i = 0; i < 60; i++) reader.push(names);
      }),
    ).toBeLessThan(64 * 2 ** 20);
  });
});
