/**
 * What each field and each extension means, on archives made by hand.
 */
import { describe, expect, it } from "vitest";
import { makeDevice } from "../../src/posix/mode.ts";
import { nameFromBytes } from "../../src/posix/names.ts";
import type { Entry } from "../../src/tar/entry.ts";
import { TarReader } from "../../src/tar/reader.ts";
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
  only,
  pax,
  record,
  V7,
} from "./hand.ts";

const names = (...parts: Uint8Array[]): string[] => entriesOf(concat(...parts)).map((entry) => entry.name);
const xattrsOf = (entry: Entry): Record<string, string> =>
  Object.fromEntries([...entry.xattrs].map(([name, value]) => [name, Buffer.from(value).toString("latin1")]));

describe("the end of an archive", () => {
  const file = member({ name: "a" }, "content");
  it("rule 42: a stream without bytes is an empty layer", () => {
    expect(entriesOf(new Uint8Array(0))).toEqual([]);
    expect(entriesOf(END)).toEqual([]);
  });
  it("rule 42: the end blocks may be missing, one of them or both", () => {
    expect(names(file)).toEqual(["a"]);
    expect(names(file, new Uint8Array(512))).toEqual(["a"]);
  });
  it("rule 42: so may the padding of the last entry", () => {
    expect(names(file.subarray(0, 512 + 7))).toEqual(["a"]);
  });
  it("rule 42: whatever follows the end blocks is passed over", () => {
    expect(names(file, END, member({ name: "b" }), bytes("garbage"))).toEqual(["a"]);
  });
  it("rule 42: a lone zero block does not end it", () => {
    expect(names(file, new Uint8Array(512), member({ name: "b" }), END)).toEqual(["a", "b"]);
  });
});

describe("types", () => {
  it.each<[string, object, Partial<Entry> & object]>([
    ["rule 38: '0' is a file, also with a slash at its end", { type: "0", name: "n/" }, { type: "file" }],
    ["rule 38: NUL is a file", { type: "\0" }, { type: "file" }],
    [
      "rule 38: NUL with a slash is V7's directory",
      { type: "\0", name: "n/", magic: V7 },
      { type: "directory" },
    ],
    ["rule 38: '7' is a file", { type: "7" }, { type: "file" }],
    ["rule 38: '1' is a hardlink", { type: "1", link: "x" }, { type: "hardlink", target: "x" }],
    ["rule 38: '2' is a symlink", { type: "2", link: "/x" }, { type: "symlink", target: "/x" }],
    [
      "rule 38: '3' is a character device",
      { type: "3", major: 1, minor: 3 },
      { type: "char", rdev: makeDevice(1, 3) },
    ],
    ["rule 26: 0:0 is a device as any other", { type: "3" }, { type: "char", rdev: 0 }],
    [
      "rule 36: '4' is a block device, up to 12 and 20 bits",
      { type: "4", major: 0xfff, minor: 0xfffff },
      { type: "block", rdev: makeDevice(0xfff, 0xfffff) },
    ],
    [
      "rule 36: device numbers in base-256",
      { type: "4", major: base256(259, 8), minor: base256(5, 8), magic: GNU },
      { type: "block", rdev: makeDevice(259, 5) },
    ],
    ["rule 38: V7 has no device numbers", { type: "3", magic: V7 }, { type: "char", rdev: 0 }],
    ["rule 38: '5' is a directory", { type: "5" }, { type: "directory" }],
    ["rule 38: '6' is a fifo", { type: "6" }, { type: "fifo" }],
  ])("%s", (_, fields, expected) => {
    expect(only(header(fields))).toMatchObject(expected);
  });

  it.each(["1", "2", "3", "4", "5", "6"])(
    "rule 38: a size without a body, on type %s, is passed over as in Go",
    (type) => {
      expect(names(header({ type, name: "a", link: "x", size: 5000 }), member({ name: "b" }), END)).toEqual([
        "a",
        "b",
      ]);
    },
  );
  it("rule 38: a hardlink's body is passed over where it is there", () => {
    const link = member({ type: "1", name: "a", link: "x" }, "y".repeat(600));
    expect(names(link, member({ name: "b" }), END)).toEqual(["a", "b"]);
    expect(
      names(pax({ size: "600" }), header({ type: "1", name: "a", link: "x" }), body("y".repeat(600)), END),
    ).toEqual(["a"]);
  });
});

describe("numbers", () => {
  it.each([
    ["octal", "0000644\0", 0o644],
    ["octal with blanks before and after", "  644 \0", 0o644],
    ["nothing but NULs", "\0\0\0\0\0\0\0\0", 0],
    ["nothing but blanks", "        ", 0],
    ["octal up to the last byte", "00000755", 0o755],
    ["a file type above the permission bits", "0100644\0", 0o644],
    ["every bit of chmod", "0007777\0", 0o7777],
    ["a NUL among digits ends it", "644\x0077 ", 0o644],
  ])("rule 40: mode: %s", (_, mode, expected) => {
    expect(only(header({ mode }))).toMatchObject({ mode: expected });
  });

  it.each([
    ["rule 36: uid in base-256", { uid: base256(4294967294, 8) }, { uid: 4294967294 }],
    ["rule 36: uid as a PAX record", { uid: 0 }, { uid: 4294967294 }, { uid: "4294967294" }],
    ["rule 36: gid in base-256", { gid: base256(2 ** 31, 8) }, { gid: 2 ** 31 }],
    [
      "rule 36: a record counts, the field it replaces does not",
      { uid: base256(-1, 8) },
      { uid: 7 },
      { uid: "7" },
    ],
    ["rule 35: mtime 0", { mtime: 0 }, { mtime: 0n }],
    ["rule 35: mtime before the epoch, in base-256", { mtime: base256(-1, 12) }, { mtime: -1_000_000_000n }],
    [
      "rule 35: mtime as far as int64 goes",
      { mtime: base256(2n ** 63n - 1n, 12) },
      { mtime: (2n ** 63n - 1n) * 1_000_000_000n },
    ],
    [
      "rule 35: mtime as far back as int64 goes",
      { mtime: base256(-(2n ** 63n), 12) },
      { mtime: -(2n ** 63n) * 1_000_000_000n },
    ],
    ["rule 35: mtime with nanoseconds", {}, { mtime: 1_234_567_890n }, { mtime: "1.23456789" }],
    ["rule 35: more digits than nanoseconds are cut", {}, { mtime: 999_999_999n }, { mtime: "0.9999999999" }],
    ["rule 35: a point without digits", {}, { mtime: 3_000_000_000n }, { mtime: "3." }],
    ["rule 35: negative with a fraction", {}, { mtime: -1_500_000_000n }, { mtime: "-1.5" }],
    ["rule 35: negative below a second", {}, { mtime: -250_000_000n }, { mtime: "-0.25" }],
    ["rule 35: atime as a record", {}, { atime: 5_500_000_000n }, { atime: "5.5" }],
    ["rule 35: atime of old GNU", { magic: GNU, raw: [[345, "00000000017\0"]] }, { atime: 15_000_000_000n }],
    [
      "rule 35: atime of star",
      {
        raw: [
          [476, "00000000017\0"],
          [508, "tar\0"],
        ],
      },
      { atime: 15_000_000_000n },
    ],
  ] as [string, object, object, Record<string, string>?][])("%s", (_, fields, expected, records) => {
    expect(only(...(records ? [pax(records)] : []), header(fields))).toMatchObject(expected);
  });

  it("rule 35: no atime where the archive has none", () => {
    expect(only(header())).not.toHaveProperty("atime");
    expect(only(header({ magic: GNU }))).not.toHaveProperty("atime");
  });

  it("rule 40: both sums of a header are accepted", () => {
    expect(only(header({ name: "caf\xe9", checksum: "signed" })).name).toBe("caf\udce9");
    expect(only(header({ name: "caf\xe9", checksum: "unsigned" })).name).toBe("caf\udce9");
  });

  it.each([
    ["octal of all twelve digits", { size: "777777777777" }, undefined, 8 ** 12 - 1],
    ["base-256", { size: base256(2 ** 40, 12) }, undefined, 2 ** 40],
    ["a record", { size: 0 }, { size: String(2 ** 45) }, 2 ** 45],
  ])("rule 40: sizes past 8 GiB: %s", (_, fields, records, size) => {
    const found: Entry[] = [];
    const reader = new TarReader((entry) => found.push(entry));
    reader.push(concat(...(records ? [pax(records)] : []), header(fields as object)));
    expect(found).toMatchObject([{ type: "file", size }]);
  });
});

describe("an archive past 8 GiB", () => {
  it("rule 40: offsets go on above 2^32, and nothing of the content is kept", () => {
    const found: Entry[] = [];
    const reader = new TarReader((entry) => found.push(entry));
    const chunk = new Uint8Array(64 * 2 ** 20).fill(0x78);
    const size = 160 * chunk.length;
    reader.push(header({ name: "big", size: base256(size, 12) }));
    for (let i = 0; i < 160; i++) reader.push(chunk);
    reader.push(concat(member({ name: "after" }, "x"), END));
    reader.end();
    expect(found).toMatchObject([
      { name: "big", offset: 0, start: 512, size },
      { name: "after", offset: 512 + size, start: 1024 + size, size: 1 },
    ]);
    expect(size).toBeGreaterThan(8 * 2 ** 30);
  });
});

describe("names", () => {
  it.each([
    ["ustar: all 100 bytes of the field", [header({ name: "n".repeat(100) })], "n".repeat(100)],
    ["ustar: prefix and name", [header({ name: "n", prefix: "a/b" })], "a/b/n"],
    [
      "star: a prefix of 131 bytes",
      [header({ name: "n", prefix: `p${"\0".repeat(140)}x`, raw: [[508, "tar\0"]] })],
      "p/n",
    ],
    ["V7 has no prefix", [header({ name: "n", magic: V7, prefix: "a" })], "n"],
    [
      "GNU has times where ustar has a prefix",
      [header({ name: "n", magic: GNU, raw: [[345, "00000000017\0"]] })],
      "n",
    ],
    [
      "GNU magic with a prefix, as Go once wrote it",
      [header({ name: "n", magic: GNU, prefix: "a/b" })],
      "a/b/n",
    ],
    ["GNU magic with bytes that are neither", [header({ name: "n", magic: GNU, prefix: "caf\xe9" })], "n"],
    ["a GNU long name", [gnuLong("L", "n".repeat(5000)), header({ magic: GNU })], "n".repeat(5000)],
    [
      "a GNU long name without its NUL",
      [member({ type: "L", magic: GNU }, "long"), header({ magic: GNU })],
      "long",
    ],
    [
      "the last of two GNU long names",
      [gnuLong("L", "one"), gnuLong("L", "two"), header({ magic: GNU })],
      "two",
    ],
    ["an empty GNU long name is none", [gnuLong("L", ""), header({ name: "n", magic: GNU })], "n"],
    ["a PAX path", [pax({ path: "p".repeat(5000) }), header()], "p".repeat(5000)],
    ["a PAX path of bytes", [pax({ path: "caf\xe9" }), header()], "caf\udce9"],
    ["a PAX path of UTF-8", [pax({ path: "caf\xc3\xa9" }), header()], "café"],
    ["a PAX path with = in it", [pax({ path: "a=b" }), header()], "a=b"],
    ["a PAX path with a newline in it", [pax({ path: "a\nb" }), header()], "a\nb"],
    ["GNU's name wins over PAX, as in Go", [pax({ path: "pax" }), gnuLong("L", "gnu"), header()], "gnu"],
    [
      "an empty PAX path takes the header's back",
      [pax(record("path", "x") + record("path", "")), header({ name: "n" })],
      "n",
    ],
    ["the last of two records counts", [pax(record("path", "x") + record("path", "y")), header()], "y"],
    [
      "the last of two extended headers counts",
      [pax({ path: "x" }), pax({ uid: "5" }), header({ name: "n" })],
      "n",
    ],
    ["names stay as they are", [header({ name: "./a//b/../c" })], "./a//b/../c"],
  ] as [string, Uint8Array[], string][])("rule 40: %s", (_, parts, expected) => {
    expect(only(...parts, END).name).toBe(expected);
  });

  it.each([
    [
      "a GNU long link",
      [gnuLong("K", "t".repeat(3000)), header({ type: "2", magic: GNU })],
      "t".repeat(3000),
    ],
    ["a PAX linkpath", [pax({ linkpath: "t".repeat(3000) }), header({ type: "1" })], "t".repeat(3000)],
    [
      "a PAX linkpath of bytes",
      [pax({ linkpath: "\x80" }), header({ type: "2" })],
      nameFromBytes(bytes("\x80")),
    ],
  ] as [string, Uint8Array[], string][])("rule 40: target: %s", (_, parts, expected) => {
    expect(only(...parts, END)).toMatchObject({ target: expected });
  });

  it("rule 40: an extension counts for one entry", () => {
    expect(names(pax({ path: "p", uid: "5" }), header({ name: "a" }), header({ name: "b" }), END)).toEqual([
      "p",
      "b",
    ]);
  });
  it("rule 40: an entry starts where its first extension does", () => {
    const [first, second] = entriesOf(concat(header(), gnuLong("L", "n"), pax({ uid: "1" }), header(), END));
    expect([first!.offset, second!.offset]).toEqual([0, 512]);
    expect(second).toMatchObject({ start: 512 * 6 });
  });
});

describe("global headers", () => {
  const global = pax({ mtime: "99", path: "global", uid: "9", "SCHILY.xattr.user.g": "1" }, "g");
  it("rule 39: passed over with all they say", () => {
    expect(only(global, header({ name: "n" }), END)).toMatchObject({
      name: "n",
      mtime: 0n,
      uid: 0,
      offset: 1024,
    });
  });
  it("rule 39: between an extended header and its entry, too", () => {
    expect(only(pax({ path: "p" }), global, header({ name: "n" }), END)).toMatchObject({ name: "p", uid: 0 });
  });
  it("rule 39: nothing in them can be wrong or too large", () => {
    expect(
      names(pax("no records at all", "g"), pax("x".repeat(3 * 2 ** 20), "g"), header({ name: "n" }), END),
    ).toEqual(["n"]);
  });
});

describe("extended attributes", () => {
  it.each([
    [
      "binary, with NUL, = and newline",
      { "SCHILY.xattr.user.b": "\0\x80=\n\xff" },
      { "user.b": "\0\x80=\n\xff" },
    ],
    ["an empty value is a value", { "SCHILY.xattr.user.e": "" }, { "user.e": "" }],
    ["a name ends at the first =, as in Go", { "SCHILY.xattr.user.a=b": "c" }, { "user.a": "b=c" }],
    [
      "libarchive's: name in percents, value in base64",
      { "LIBARCHIVE.xattr.user.a%3Db%20": "AP8=" },
      { "user.a=b ": "\0\xff" },
    ],
    ["base64 without its padding", { "LIBARCHIVE.xattr.user.b": "AP8" }, { "user.b": "\0\xff" }],
    ["a percent that encodes nothing stays", { "LIBARCHIVE.xattr.user.100%": "eA" }, { "user.100%": "x" }],
    [
      "libarchive's and its encoded twin are one",
      { "LIBARCHIVE.xattr.user.a%3Db": "eA", "SCHILY.xattr.user.a%3Db": "x" },
      { "user.a=b": "x" },
    ],
    [
      "in the other order as well",
      { "SCHILY.xattr.user.a%3Db": "x", "LIBARCHIVE.xattr.user.a%3Db": "eA" },
      { "user.a=b": "x" },
    ],
    ["names that are not UTF-8", { "SCHILY.xattr.user.\xe9": "x" }, { "user.\udce9": "x" }],
    [
      "every namespace is read",
      {
        "SCHILY.xattr.security.capability": "c",
        "SCHILY.xattr.trusted.t": "t",
        "SCHILY.xattr.system.posix_acl_access": "a",
      },
      { "security.capability": "c", "trusted.t": "t", "system.posix_acl_access": "a" },
    ],
    [
      "rule 26: an overlay's marks are not",
      {
        "SCHILY.xattr.trusted.overlay.opaque": "y",
        "SCHILY.xattr.user.overlay.x": "1",
        "LIBARCHIVE.xattr.trusted.overlay.redirect": "eA",
      },
      {},
    ],
    [
      "other keys mean nothing",
      {
        "MSWINDOWS.rawsd": "x",
        "LIBARCHIVE.creationtime": "1.5",
        comment: "c",
        ctime: "junk",
        uname: "u",
        "SCHILY.fflags": "f",
        "x=": "",
      },
      {},
    ],
  ])("rule 37: %s", (_, records, expected) => {
    expect(xattrsOf(only(pax(records as unknown as Record<string, string>), header(), END))).toEqual(
      expected,
    );
  });

  it("rule 37: the last of two records of a name counts", () => {
    const twice = record("SCHILY.xattr.user.a", "1") + record("SCHILY.xattr.user.a", "2");
    expect(xattrsOf(only(pax(twice), header(), END))).toEqual({ "user.a": "2" });
  });

  it("a value outlives the chunk it came in", () => {
    const archive = concat(pax({ "SCHILY.xattr.user.a": "kept" }), header(), END);
    const found: Entry[] = [];
    const reader = new TarReader((entry) => found.push(entry));
    reader.push(archive);
    archive.fill(0);
    expect(xattrsOf(found[0]!)).toEqual({ "user.a": "kept" });
  });
});

describe("sparse maps", () => {
  const sparse = (records: Record<string, string>, content: string | Uint8Array = ""): Entry =>
    only(pax(records), member({ name: "stored" }, content), END);
  it.each([
    [
      "0.0: pairs of records",
      pax(
        record("GNU.sparse.size", "20") +
          record("GNU.sparse.numblocks", "2") +
          record("GNU.sparse.offset", "1") +
          record("GNU.sparse.numbytes", "2") +
          record("GNU.sparse.offset", "10") +
          record("GNU.sparse.numbytes", "3"),
      ),
      "stored",
    ],
    [
      "0.1: one record, and the name in another",
      pax({
        "GNU.sparse.size": "20",
        "GNU.sparse.numblocks": "2",
        "GNU.sparse.map": "1,2,10,3",
        "GNU.sparse.name": "real",
      }),
      "real",
    ],
  ])("rule 40: %s", (_, extension, name) => {
    expect(only(extension, member({ name: "stored" }, "aabbb"), END)).toMatchObject({
      name,
      size: 20,
      extents: [
        { offset: 1, length: 2 },
        { offset: 10, length: 3 },
      ],
    });
  });

  it("rule 40: 1.0, with a map of several blocks", () => {
    const pairs = Array.from({ length: 200 }, (_, i) => [i * 10, i % 2]);
    const map = body(`200\n${pairs.map(([offset, length]) => `${offset}\n${length}\n`).join("")}`);
    const entry = sparse(
      {
        "GNU.sparse.major": "1",
        "GNU.sparse.minor": "0",
        "GNU.sparse.realsize": "2000",
        "GNU.sparse.name": "real",
      },
      concat(map, bytes("x".repeat(100))),
    );
    expect(map.length).toBeGreaterThan(1024);
    expect(entry).toMatchObject({
      name: "real",
      size: 2000,
      start: 1024 + 512 + map.length,
      extents: pairs.filter(([, length]) => length).map(([offset, length]) => ({ offset, length })),
    });
  });

  it("rule 40: 1.0 without extents is all hole", () => {
    const records = { "GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": "77" };
    expect(sparse(records, body("0\n"))).toMatchObject({ size: 77, extents: [] });
  });

  it("rule 40: old GNU, with extension blocks", () => {
    const pair = (i: number): string => `${(i * 1000).toString(8).padStart(11, "0")}\x0000000000001\0`;
    const extension = (from: number, count: number, more: boolean): Uint8Array =>
      body(
        Array.from({ length: count }, (_, i) => pair(from + i))
          .join("")
          .padEnd(504, "\0") + (more ? "\x01" : "\0"),
      );
    const head = header({
      name: "s",
      type: "S",
      magic: GNU,
      size: 30,
      raw: [
        [386, [0, 1, 2, 3].map(pair).join("")],
        [482, "\x01"],
        [483, (50_000).toString(8).padStart(11, "0")],
      ],
    });
    const entry = only(head, extension(4, 21, true), extension(25, 5, false), body("x".repeat(30)), END);
    expect(entry).toMatchObject({ type: "file", size: 50_000, start: 1536 });
    expect((entry as { extents: unknown }).extents).toEqual(
      Array.from({ length: 30 }, (_, i) => ({ offset: i * 1000, length: 1 })),
    );
  });

  it("rule 40: a version that nobody defined is no sparse file, as in Go", () => {
    const entry = sparse(
      { "GNU.sparse.major": "2", "GNU.sparse.minor": "0", "GNU.sparse.name": "real" },
      "abc",
    );
    expect(entry).toMatchObject({ name: "stored", size: 3 });
    expect(entry).not.toHaveProperty("extents");
  });
});
