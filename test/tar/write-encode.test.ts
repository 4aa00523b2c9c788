/**
 * Headers as bytes: where each value goes, when a PAX header comes before, and what is refused. What
 * other tools make of them is in `write-interop.test.ts`.
 */
import { describe, expect, test } from "vitest";
import { makeDevice } from "../../src/posix/mode.ts";
import { nameFromBytes } from "../../src/posix/names.ts";
import { fromSeconds } from "../../src/posix/time.ts";
import { encodeHeader, type Header, headerLength } from "../../src/tar/encode.ts";
import { ArchiveError } from "../../src/tar/entry.ts";
import { NO_XATTRS } from "../../src/tree/inode.ts";

const PLAIN: Header = {
  name: "etc/motd",
  type: "file",
  mode: 0o644,
  uid: 0,
  gid: 0,
  mtime: 0n,
  size: 0,
  xattrs: NO_XATTRS,
};

const latin1 = (bytes: Uint8Array) => Buffer.from(bytes).toString("latin1");

/** A field of the last block, up to its first NUL. */
function field(bytes: Uint8Array, offset: number, length: number): string {
  const text = latin1(bytes.subarray(bytes.length - 512)).slice(offset, offset + length);
  const end = text.indexOf("\0");
  return end < 0 ? text : text.slice(0, end);
}

/** The records of the PAX header before the entry, in order, as Latin-1; none where there is no such header. */
function records(bytes: Uint8Array): string[] {
  if (bytes.length === 512) return [];
  expect(String.fromCharCode(bytes[156]!)).toBe("x");
  const size = Number.parseInt(latin1(bytes.subarray(124, 135)), 8);
  const out: string[] = [];
  for (let at = 512; at < 512 + size; ) {
    const length = Number.parseInt(latin1(bytes.subarray(at, at + 12)), 10);
    const record = latin1(bytes.subarray(at, at + length));
    expect(record.endsWith("\n")).toBe(true);
    out.push(record.slice(record.indexOf(" ") + 1, -1));
    at += length;
  }
  return out;
}

function encode(changes: Partial<Header>): Uint8Array {
  const header = { ...PLAIN, ...changes };
  const bytes = encodeHeader(header);
  expect(bytes.length).toBe(headerLength(header));
  return bytes;
}

const bytesName = (...bytes: number[]) => nameFromBytes(new Uint8Array(bytes));
const xattrs = (values: Record<string, string>) =>
  new Map(Object.entries(values).map(([name, value]) => [name, Buffer.from(value, "latin1")]));

describe("a header that fits ustar is one block", () => {
  test("rule 59: every field in its place, no user names, and a right checksum", () => {
    const bytes = encode({
      name: "usr/bin/tool",
      mode: 0o4755,
      uid: 1000,
      gid: 50,
      mtime: fromSeconds(1_700_000_000, 999_999_999),
      size: 12,
    });
    expect(bytes.length).toBe(512);
    expect(field(bytes, 0, 100)).toBe("usr/bin/tool");
    expect(field(bytes, 100, 8)).toBe("0004755");
    expect(field(bytes, 108, 8)).toBe("0001750");
    expect(field(bytes, 116, 8)).toBe("0000062");
    expect(field(bytes, 124, 12)).toBe("00000000014");
    expect(field(bytes, 136, 12)).toBe((1_700_000_000).toString(8));
    expect(field(bytes, 156, 1)).toBe("0");
    expect(latin1(bytes.subarray(257, 265))).toBe("ustar\x0000");
    expect(field(bytes, 265, 32)).toBe("");
    expect(field(bytes, 297, 32)).toBe("");
    const blank = bytes.slice().fill(0x20, 148, 156);
    const sum = blank.reduce((total, byte) => total + byte, 0);
    expect(latin1(bytes.subarray(148, 156))).toBe(`${sum.toString(8).padStart(6, "0")}\0 `);
  });

  test.each<[string, Partial<Header>, flag: string]>([
    ["a file", { type: "file" }, "0"],
    ["a hardlink", { type: "hardlink", target: "a" }, "1"],
    ["a symlink", { type: "symlink", target: "/a" }, "2"],
    ["a character device", { type: "char", rdev: makeDevice(1, 3) }, "3"],
    ["a block device", { type: "block", rdev: makeDevice(8, 1) }, "4"],
    ["a directory", { type: "directory", name: "d/" }, "5"],
    ["a fifo", { type: "fifo" }, "6"],
  ])("%s", (_, changes, flag) => {
    const bytes = encode(changes);
    expect(bytes.length).toBe(512);
    expect(field(bytes, 156, 1)).toBe(flag);
    if (changes.target !== undefined) expect(field(bytes, 157, 100)).toBe(changes.target);
  });

  test("rule 36: the largest device numbers", () => {
    const bytes = encode({ type: "block", rdev: makeDevice(4095, 1048575) });
    expect(field(bytes, 329, 8)).toBe("0007777");
    expect(field(bytes, 337, 8)).toBe("3777777");
  });
});

describe("names: ustar as far as it goes, a record beyond", () => {
  const long = (length: number) => "n".repeat(length);
  test.each<[string, name: string, prefix: string, rest: string]>([
    ["100 bytes fill the field, without a NUL", long(100), "", long(100)],
    ["101 bytes with a slash are parted there", `d/${long(99)}`, "d", long(99)],
    ["155 and 100 bytes", `${long(155)}/${long(100)}`, long(155), long(100)],
    ["a directory's last slash parts nothing", `${long(60)}/${long(60)}/`, long(60), `${long(60)}/`],
    ["the last slash that the prefix can hold", `a/${long(90)}/${long(90)}`, `a/${long(90)}`, long(90)],
    ["bytes beyond ASCII, as they are", "caf\u00e9", "", "caf\xc3\xa9"],
    ["bytes that are no UTF-8, as they are", bytesName(0x61, 0xff, 0xfe), "", "a\xff\xfe"],
  ])("%s", (_, name, prefix, rest) => {
    const bytes = encode({ name });
    expect(bytes.length).toBe(512);
    expect(field(bytes, 345, 155)).toBe(prefix);
    expect(field(bytes, 0, 100)).toBe(rest);
  });

  test.each<[string, name: string, fallback: string]>([
    ["101 bytes without a slash", long(101), long(100)],
    ["a component of 255 bytes", `d/${long(255)}`, `d/${long(98)}`],
    ["a last component of 101 bytes", `${long(20)}/${long(101)}`, `${long(20)}/${long(79)}`],
    ["a prefix of 156 bytes", `${long(156)}/f`, long(100)],
    ["more than 256 bytes", `${long(100)}/${long(100)}/${long(100)}`, long(100)],
    ["a slash at the cut is dropped, for it would make a directory", `${long(99)}/${long(101)}`, long(99)],
    ["beyond ASCII: the record has it, the field only what is ASCII", `\u00e9${long(120)}`, long(100)],
  ])("a path record for %s", (_, name, fallback) => {
    const bytes = encode({ name });
    expect(records(bytes)).toEqual([`path=${Buffer.from(name).toString("latin1")}`]);
    expect(field(bytes, 0, 100)).toBe(fallback);
    expect(field(bytes, 345, 155)).toBe("");
  });

  test("a record of bytes that are no UTF-8 says so (pax(1), hdrcharset)", () => {
    const name = bytesName(0xff) + long(120);
    expect(records(encode({ name }))).toEqual(["hdrcharset=BINARY", `path=\xff${long(120)}`]);
    const target = long(120) + bytesName(0x80);
    expect(records(encode({ type: "symlink", target }))).toEqual([
      "hdrcharset=BINARY",
      `linkpath=${long(120)}\x80`,
    ]);
  });

  test("a name that only looks escaped, because it is beyond the BMP, is UTF-8", () => {
    const name = `\u{1f480}${long(120)}`;
    expect(records(encode({ name }))).toEqual([`path=${Buffer.from(name).toString("latin1")}`]);
  });

  test("link targets: 100 bytes fit, 101 are a record", () => {
    expect(field(encode({ type: "symlink", target: long(100) }), 157, 100)).toBe(long(100));
    const bytes = encode({ type: "hardlink", target: long(101) });
    expect(records(bytes)).toEqual([`linkpath=${long(101)}`]);
    expect(field(bytes, 157, 100)).toBe(long(100));
  });
});

describe("numbers: octal as far as it goes, a record and a field of 0 beyond", () => {
  test.each<[string, Partial<Header>, records: string[], offset: number, length: number, field: string]>([
    ["uid 2^21-1", { uid: 2097151 }, [], 108, 8, "7777777"],
    ["rule 36: uid 2^21", { uid: 2097152 }, ["uid=2097152"], 108, 8, "0000000"],
    ["rule 36: uid 2^31", { uid: 2147483648 }, ["uid=2147483648"], 108, 8, "0000000"],
    ["rule 36: uid 2^32-2", { uid: 4294967294 }, ["uid=4294967294"], 108, 8, "0000000"],
    ["rule 36: gid 2^32-2", { gid: 4294967294 }, ["gid=4294967294"], 116, 8, "0000000"],
    ["8 GiB - 1", { size: 8589934591 }, [], 124, 12, "77777777777"],
    ["8 GiB", { size: 8589934592 }, ["size=8589934592"], 124, 12, "00000000000"],
    ["the largest time of ustar", { mtime: fromSeconds(8589934591) }, [], 136, 12, "77777777777"],
    ["a later time", { mtime: fromSeconds(8589934592) }, ["mtime=8589934592"], 136, 12, "00000000000"],
    ["rule 35: before 1970", { mtime: fromSeconds(-1) }, ["mtime=-1"], 136, 12, "00000000000"],
    ["rule 59: floored before 1970, too", { mtime: -1n }, ["mtime=-1"], 136, 12, "00000000000"],
    [
      "rule 35: the first second",
      { mtime: fromSeconds(-(2n ** 63n)) },
      [`mtime=${-(2n ** 63n)}`],
      136,
      12,
      "00000000000",
    ],
    [
      "rule 35: the last second",
      { mtime: fromSeconds(2n ** 63n - 1n) },
      [`mtime=${2n ** 63n - 1n}`],
      136,
      12,
      "00000000000",
    ],
  ])("%s", (_, changes, expected, offset, length, text) => {
    const bytes = encode(changes);
    expect(records(bytes)).toEqual(expected);
    expect(field(bytes, offset, length)).toBe(text);
  });
});

describe("xattrs", () => {
  test("rule 60: sorted by name, whatever order they are given in", () => {
    const one = encode({ xattrs: xattrs({ "user.b": "2", "user.a": "1", "security.capability": "\x01\0" }) });
    const other = encode({
      xattrs: xattrs({ "security.capability": "\x01\0", "user.a": "1", "user.b": "2" }),
    });
    expect(one).toEqual(other);
    expect(records(one)).toEqual([
      "SCHILY.xattr.security.capability=\x01\0",
      "SCHILY.xattr.user.a=1",
      "SCHILY.xattr.user.b=2",
    ]);
  });

  test("rule 37: values are bytes; an empty one is a value", () => {
    const value = latin1(new Uint8Array(256).map((_, i) => i));
    expect(records(encode({ xattrs: xattrs({ "user.all": value, "user.none": "" }) }))).toEqual([
      `SCHILY.xattr.user.all=${value}`,
      "SCHILY.xattr.user.none=",
    ]);
  });

  test.each([
    ["", ""],
    ["f", "Zg"],
    ["fo", "Zm8"],
    ["foo", "Zm9v"],
    ["foob", "Zm9vYg"],
  ])("rule 37: a name with = is encoded as libarchive does, value %j as %s", (value, encoded) => {
    expect(records(encode({ xattrs: xattrs({ "user.a=b%c d\u00e9": value }) }))).toEqual([
      `LIBARCHIVE.xattr.user.a%3Db%25c%20d%C3%A9=${encoded}`,
    ]);
  });
});

describe("the PAX header itself", () => {
  test.each<[string, name: string, extended: string]>([
    ["lies beside the entry", "usr/bin/tool", "usr/bin/PaxHeaders.0/tool"],
    ["of a directory, too", "usr/bin/", "usr/PaxHeaders.0/bin"],
    ["at the top", "tool", "PaxHeaders.0/tool"],
    ["and is cut to the field", "d".repeat(120), `PaxHeaders.0/${"d".repeat(87)}`],
  ])("%s", (_, name, extended) => {
    const bytes = encode({ name, uid: 2 ** 21, mtime: fromSeconds(1) });
    expect(field(bytes.subarray(0, 512), 0, 100)).toBe(extended);
    for (const [offset, length] of [
      [100, 8],
      [108, 8],
      [116, 8],
      [136, 12],
    ] as const) {
      expect(Number.parseInt(field(bytes.subarray(0, 512), offset, length), 8)).toBe(0);
    }
  });

  test("a record's length counts its own digits, at every border", () => {
    for (const length of [
      101, 102, 950, 985, 986, 987, 988, 989, 990, 991, 992, 993, 994, 9985, 9986, 9987, 9988,
    ]) {
      const name = "n".repeat(length);
      expect(records(encode({ name }))).toEqual([`path=${name}`]);
    }
  });
});

describe("what no archive or no Linux can hold is refused", () => {
  test.each<[string, Partial<Header>, code: string]>([
    ["a NUL in a name", { name: "a\0b" }, "name"],
    ["no name", { name: "" }, "name"],
    ["a NUL in a target", { type: "symlink", target: "a\0b" }, "name"],
    ["a NUL in an xattr's name", { xattrs: xattrs({ "user.\0": "" }) }, "name"],
    ["an xattr's name of 256 bytes", { xattrs: xattrs({ [`user.${"n".repeat(251)}`]: "" }) }, "range"],
    ["an xattr's value above 64 KiB", { xattrs: xattrs({ "user.a": "v".repeat(65537) }) }, "range"],
    ["mode 0o10000", { mode: 0o10000 }, "range"],
    ["rule 36: uid 2^32-1", { uid: 2 ** 32 - 1 }, "range"],
    ["rule 36: gid -1", { gid: -1 }, "range"],
    ["uid 0.5", { uid: 0.5 }, "range"],
    ["size 2^53", { size: 2 ** 53 }, "range"],
    ["rule 35: 2^63 seconds", { mtime: fromSeconds(2n ** 63n) }, "range"],
    ["rule 35: before -2^63 seconds", { mtime: fromSeconds(-(2n ** 63n)) - 1n }, "range"],
    ["rule 36: a device number of more than 32 bits", { type: "char", rdev: 2 ** 33 + 1 }, "range"],
    ["rule 36: a negative device number", { type: "char", rdev: -1 }, "range"],
    [
      "rule 40: more than 1 MiB of xattrs",
      { xattrs: xattrs(Object.fromEntries([...Array(17)].map((_, i) => [`user.${i}`, "v".repeat(65000)]))) },
      "limit",
    ],
  ])("%s", (_, changes, code) => {
    const header = { ...PLAIN, ...changes };
    expect(() => headerLength(header)).toThrowError(ArchiveError);
    expect(() => headerLength(header)).toThrowError(expect.objectContaining({ code }));
  });
});
