/**
 * Archives by real tools (fixtures/tar): the same tree in every format reads the same, as far as the
 * format can say it.
 */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { MemoryAccess } from "../../src/platform/memory.ts";
import { deviceMajor, deviceMinor } from "../../src/posix/mode.ts";
import type { Entry, FileEntry } from "../../src/tar/entry.ts";
import { readAll, SparseContent } from "../../src/tree/content.ts";
import { entriesOf } from "./hand.ts";

function fixture(name: string): Uint8Array {
  const bytes = readFileSync(fileURLToPath(new URL(`../../fixtures/tar/${name}`, import.meta.url)));
  return name.endsWith(".gz") ? gunzipSync(bytes) : bytes;
}

/** One line an entry: type, name, mode, owner, and what is particular to its type. */
function line(entry: Entry, archive: Uint8Array): string {
  const mode = entry.mode.toString(8).padStart(4, "0");
  const head = `${entry.type} ${entry.name} ${mode} ${entry.uid}:${entry.gid}`;
  switch (entry.type) {
    case "file":
      return `${head} ${entry.size} ${Buffer.from(
        archive.subarray(entry.start, entry.start + Math.min(entry.size, 6)),
      )
        .toString("latin1")
        .trim()}`.trim();
    case "symlink":
    case "hardlink":
      return `${head} -> ${entry.target}`;
    case "char":
    case "block":
      return `${head} ${deviceMajor(entry.rdev)}:${deviceMinor(entry.rdev)}`;
    default:
      return head;
  }
}

const lines = (archive: Uint8Array): string[] => entriesOf(archive).map((entry) => line(entry, archive));

/** What every entry of a fixture was dated: formats before PAX keep whole seconds. */
const TIME = 1_580_608_922_123_456_789n;
const WHOLE = 1_580_608_922_000_000_000n;

describe("one tree in every format since V7", () => {
  const tree = [
    "directory ./ 0755 0:0",
    "directory ./d/ 1777 0:0",
    "file ./d/empty 0644 0:0 0",
    "file ./d/file 0644 0:0 6 hello",
    "hardlink ./d/hard 0644 0:0 -> ./d/file",
    // Made setuid before it was given to uid 1000, which drops the bit.
    "file ./d/kilo 0755 1000:100 1000 xxxxxx",
    "symlink ./d/soft 0777 0:0 -> ../elsewhere",
  ];
  it.each([
    ["gnu-v7.tar", WHOLE],
    ["gnu-oldgnu.tar", WHOLE],
    ["gnu-gnu.tar", WHOLE],
    ["gnu-ustar.tar", WHOLE],
    ["gnu-posix.tar", TIME],
    ["bsd-v7.tar", WHOLE],
    ["bsd-ustar.tar", WHOLE],
  ])("rule 40: %s", (name, time) => {
    const archive = fixture(name);
    expect(lines(archive)).toEqual(tree);
    expect(new Set(entriesOf(archive).map((entry) => entry.mtime))).toEqual(new Set([time]));
  });
});

describe("kinds of file and prefixes", () => {
  const parent = `./${"p".repeat(90)}/`;
  it.each(["gnu-oldgnu", "gnu-gnu", "gnu-ustar", "gnu-posix"])("rules 36, 38 and 40: %s", (name) => {
    expect(lines(fixture(`${name}-special.tar`))).toEqual([
      "directory ./ 0755 0:0",
      "block ./disk 0644 0:0 259:1048575",
      "fifo ./fifo 0644 0:0",
      "char ./null 0644 0:0 1:3",
      `directory ${parent} 0755 0:0`,
      `file ${parent}${"n".repeat(60)} 0644 0:0 5 deep`,
    ]);
  });
});

describe("names beyond ustar", () => {
  const parent = "p".repeat(90);
  it.each(["gnu-oldgnu", "gnu-gnu", "gnu-posix", "bsd-gnutar", "bsd-pax"])(
    "rules 40 and 47: long names and names that are not UTF-8: %s",
    (name) => {
      expect(lines(fixture(`${name}-long.tar`))).toEqual([
        "directory ./ 0755 0:0",
        "file ./caf\udce9 0644 0:0 6 bytes",
        "file ./hard 0644 0:0 5 long",
        `directory ./${parent}/ 0755 0:0`,
        `directory ./${parent}/${parent}/ 0755 0:0`,
        `directory ./${parent}/${parent}/${parent}/ 0755 0:0`,
        `hardlink ./${parent}/${parent}/${parent}/${"n".repeat(120)} 0644 0:0 -> ./hard`,
        `symlink ./soft 0777 0:0 -> ${"t".repeat(300)}`,
        "file ./é 0644 0:0 6 utf-8",
      ]);
    },
  );
});

describe("extended attributes", () => {
  const hex = (entry: Entry): Record<string, string> =>
    Object.fromEntries([...entry.xattrs].map(([name, value]) => [name, Buffer.from(value).toString("hex")]));
  const file = { "user.binary": "00ff3d0a80", "user.empty": "", "user.equals": "613d623d63" };

  it("rule 37: SCHILY.xattr records of GNU tar, whose names stay as they were written", () => {
    const [root, entry] = entriesOf(fixture("gnu-xattr.tar"));
    expect(hex(entry!)).toEqual(file);
    // GNU tar writes `=` in a name as %3D; Go and libarchive take that for the name.
    expect(hex(root!)).toEqual({ "user.odd%3Dname": "6f6464" });
  });

  it("rule 37: both records of bsdtar are one attribute, also with = in its name", () => {
    const [root, entry] = entriesOf(fixture("bsd-xattr.tar"));
    expect(hex(entry!)).toEqual(file);
    expect(hex(root!)).toEqual({ "user.odd=name": "6f6464" });
  });

  it("rule 26: an overlay's own marks are dropped", () => {
    const archive = fixture("gnu-xattr.tar");
    expect(Buffer.from(archive).includes("trusted.overlay.opaque")).toBe(true);
    for (const entry of entriesOf(archive))
      expect([...entry.xattrs.keys()]).not.toContain("trusted.overlay.opaque");
  });
});

describe("sparse files", () => {
  const names = [
    "sparse-oldgnu",
    "sparse-gnu",
    "sparse-pax-0.0",
    "sparse-pax-0.1",
    "sparse-pax-1.0",
    "sparse-bsd",
  ];
  it.each(names)("rule 40: %s", (name) => {
    const archive = fixture(`${name}.tar.gz`);
    const files = new Map(
      entriesOf(archive)
        .filter((entry): entry is FileEntry => entry.type === "file")
        .map((entry) => [entry.name.replace("./", ""), entry]),
    );
    expect([...files.keys()]).toEqual(["hole", "many", "tail", "wide"]);
    const content = (file: string): SparseContent => {
      const { start, size, extents } = files.get(file)!;
      return new SparseContent(new MemoryAccess(archive), start, size, extents!);
    };

    expect(Buffer.compare(readAll(content("hole")), new Uint8Array(2 ** 20))).toBe(0);
    expect(files.get("hole")!.extents).toEqual([]);

    const many = new Uint8Array(30 * 65536 + 4096);
    for (let i = 1; i <= 30; i++) many.fill(48 + i, i * 65536, i * 65536 + 4096);
    expect(Buffer.compare(readAll(content("many")), many)).toBe(0);
    expect(files.get("many")!.extents).toHaveLength(30);

    const tail = new Uint8Array(100_001);
    tail.set(Buffer.from("start"));
    expect(Buffer.compare(readAll(content("tail")), tail)).toBe(0);

    // Past what 32 bits and eleven octal digits hold.
    const wide = content("wide");
    expect(wide.size).toBe(9 * 2 ** 30);
    const end = new Uint8Array(5);
    expect(wide.read(end, 0, 5, wide.size - 5)).toBe(5);
    expect(Buffer.from(end).toString()).toBe("\0\0end");
  });
});

describe("numbers that need more than octal", () => {
  it.each([
    ["python-gnu.tar", []],
    ["python-pax.tar", [["fraction", 0, 0, -1_500_000_000n]]],
  ] as const)("rules 35 and 36: %s", (name, more) => {
    expect(entriesOf(fixture(name)).map(({ name, uid, gid, mtime }) => [name, uid, gid, mtime])).toEqual([
      ["ids", 4294967294, 2097152, 0n],
      ["before", 0, 0, -1_000_000_000n],
      ["late", 0, 0, 2n ** 40n * 1_000_000_000n],
      ...more,
    ]);
  });
});
