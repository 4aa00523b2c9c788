/**
 * Random archives, by their structure: members of every type and dialect, extended headers sound and
 * absurd, sparse maps of every form, names that are whiteouts or nearly.
 */
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import fc from "fast-check";
import {
  base256,
  concat,
  END,
  GNU,
  gnuLong,
  type HeaderFields,
  header,
  member,
  pax,
  record,
  V7,
} from "../tar/hand.ts";
import { mutated, repaired } from "./mutations.ts";

/** Components that mean something to somebody, and some that nearly do. */
const COMPONENTS = [
  "a",
  "b",
  "c",
  "d",
  ".",
  "..",
  "",
  ".wh.a",
  ".wh.b",
  ".wh..wh..opq",
  ".wh..wh..plnk",
  ".wh..wh.aufs",
  ".wh.",
  ".wh..",
  ".wh...",
  ".wh..wh.a",
  ".wh.a/b",
  ".wH.a",
  "wh.a",
  "\u00ff",
  "\u0080",
  "caf\u00c3\u00a9",
  "x".repeat(255),
  "y".repeat(256),
  " ",
  "\n",
  "\\",
  ":",
  "C:",
  "\u0001",
] as const;

const component = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom(...COMPONENTS.slice(0, 4)) },
  { weight: 3, arbitrary: fc.constantFrom(...COMPONENTS) },
);
const name = fc
  .tuple(
    fc.constantFrom("", "", "", "/", "./", "//", "../"),
    fc.array(component, { minLength: 1, maxLength: 4 }),
    fc.constantFrom("", "", "", "/", "/."),
  )
  .map(([before, parts, after]) => before + parts.join("/") + after);

const shortName = name.map((name) => name.slice(0, 100));
const target = fc.oneof(
  name,
  fc.constantFrom("/", ".", "a/b", "/a", "../../../etc/passwd", "t".repeat(4096)),
);

/** What numeric fields are filled with: fitting, at the edges, and wrong. */
const numeric = (length: number) =>
  fc.oneof(
    { weight: 5, arbitrary: fc.constantFrom(0, 1, 0o755, 1000) },
    {
      weight: 2,
      arbitrary: fc.constantFrom<number | string>(
        " 7 ",
        "",
        "\0",
        "7777777",
        "-1",
        "9",
        "0x10",
        "1 2",
        "17777777777",
        "\u0080",
        "\u00ff".repeat(length),
      ),
    },
    {
      weight: 1,
      arbitrary: fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n }).map((value) => base256(value, length)),
    },
  );

const magic = fc.constantFrom("ustar\x0000", "ustar\x0000", GNU, GNU, V7, "ustar\0\0\0", "ustaR\x0000");
const type = fc.constantFrom(
  "0",
  "0",
  "0",
  "\0",
  "1",
  "1",
  "2",
  "2",
  "3",
  "4",
  "5",
  "5",
  "5",
  "6",
  "7",
  "S",
  "L",
  "K",
  "x",
  "g",
  "D",
  "M",
  "N",
  "V",
  "X",
  "A",
  "\u00ff",
);

/** A header whose size field may say anything, with a body that may not be of that size. */
const loose: fc.Arbitrary<Uint8Array> = fc
  .record({
    name: shortName,
    type,
    magic,
    link: target.map((text) => text.slice(0, 100)),
    mode: numeric(8),
    uid: numeric(8),
    gid: numeric(8),
    mtime: numeric(12),
    major: numeric(8),
    minor: numeric(8),
    prefix: fc.constantFrom("", "", "", "a", "a/b", "p".repeat(155)),
    size: fc.option(
      fc.oneof(fc.constantFrom(0, 1, 511, 512, 513, 2000, "77777777777", "-1", ""), numeric(12)),
      { nil: undefined, freq: 2 },
    ),
    checksum: fc.constantFrom<"unsigned" | "signed" | "wrong">(
      "unsigned",
      "unsigned",
      "unsigned",
      "unsigned",
      "unsigned",
      "signed",
      "wrong",
    ),
    body: fc.constantFrom("", "", "x", "text", "b".repeat(513)),
  })
  .map(({ size, body, ...fields }) =>
    member({ ...fields, size: size ?? body.length } satisfies HeaderFields, body),
  );

/** A header that is sound. */
const sound: fc.Arbitrary<Uint8Array> = fc
  .record({
    name: shortName,
    type: fc.constantFrom("0", "0", "5", "5", "1", "2", "3", "6"),
    link: target.map((text) => text.slice(0, 100)),
    mode: fc.constantFrom(0o644, 0o755, 0o4755, 0o1777, 0),
    uid: fc.constantFrom(0, 1000),
    mtime: fc.constantFrom(0, 1_700_000_000),
    major: fc.constantFrom(0, 1, 4095),
    minor: fc.constantFrom(0, 3),
    body: fc.constantFrom("", "x", "text", "b".repeat(513)),
  })
  .map(({ body, type, ...fields }) =>
    type === "0" ? member({ ...fields, type }, body) : header({ ...fields, type }),
  );

const paxKey = fc.constantFrom(
  "path",
  "linkpath",
  "size",
  "uid",
  "gid",
  "mtime",
  "atime",
  "ctime",
  "uname",
  "hdrcharset",
  "comment",
  "charset",
  "GNU.sparse.major",
  "GNU.sparse.minor",
  "GNU.sparse.name",
  "GNU.sparse.realsize",
  "GNU.sparse.size",
  "GNU.sparse.map",
  "GNU.sparse.numblocks",
  "GNU.sparse.offset",
  "GNU.sparse.numbytes",
  "SCHILY.xattr.user.a",
  "SCHILY.xattr.security.capability",
  "SCHILY.xattr.trusted.overlay.opaque",
  "SCHILY.xattr.",
  "LIBARCHIVE.xattr.user.b",
  "LIBARCHIVE.xattr.user%2ec",
  "LIBARCHIVE.xattr.%",
  "SCHILY.dev",
  "SCHILY.acl.access",
  "",
  "=",
  "x".repeat(300),
);
const paxValue = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.constantFrom(
      "",
      "0",
      "1",
      "4",
      "513",
      "-1",
      "1.5",
      "-1.5",
      "1e9",
      "99999999999999999999",
      "9223372036854775807",
      "0x1",
      " 1",
      "1.",
      ".5",
      "1.0000000001",
      "NaN",
      "0,1",
      "0,1,4096,2",
      "4096,2,0,1",
      "1,",
      "0,4,2,4",
      "9007199254740993,1",
      "dGV4dA==",
      "d",
      "\0",
      "a\0b",
      "a=b\n",
    ),
  },
  { weight: 2, arbitrary: name },
  {
    weight: 1,
    arbitrary: fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes).toString("latin1")),
  },
);
const records = fc.array(fc.tuple(paxKey, paxValue), { minLength: 1, maxLength: 6 });

/** The text of an extended header: sound records, and what stands where a record should. */
export const paxText: fc.Arbitrary<string> = fc
  .array(
    fc.oneof(
      { weight: 5, arbitrary: fc.tuple(paxKey, paxValue).map(([key, value]) => record(key, value)) },
      {
        weight: 1,
        arbitrary: fc.constantFrom(
          "",
          "\0",
          "\n",
          "5\n",
          "6 a=\n",
          "7 a=bc",
          "99 a=b\n",
          "0 \n",
          "-5 a=\n",
          "+6 a=\n",
          "06 a=\n",
          "6  a=\n",
          "99999999999999999999 a=b\n",
          "1e1 path=a\n",
          "8 path=\n",
        ),
      },
    ),
    { maxLength: 8 },
  )
  .map((parts) => parts.join(""));

const extension: fc.Arbitrary<Uint8Array> = fc.oneof(
  fc
    .tuple(records, fc.constantFrom("x", "x", "x", "g"))
    .map(([list, type]) => pax(list.map(([key, value]) => record(key, value)).join(""), type)),
  paxText.map((text) => pax(text)),
  fc.tuple(fc.constantFrom("L" as const, "K" as const), target).map(([type, text]) => gnuLong(type, text)),
);

/** GNU's sparse header: four pairs, perhaps more in blocks behind it. */
const oldSparse: fc.Arbitrary<Uint8Array> = fc
  .record({
    name: shortName,
    pairs: fc.array(
      fc.tuple(fc.constantFrom(0, 512, 1024, 4096, 8192, -1), fc.constantFrom(0, 1, 512, 513)),
      { maxLength: 4 },
    ),
    realSize: fc.constantFrom(0, 512, 4096, 100_000, 2 ** 40),
    size: fc.constantFrom(0, 1, 512, 1024, 1025),
    more: fc.boolean(),
    magic: fc.constantFrom(GNU, GNU, GNU, "ustar\x0000"),
  })
  .map(({ name, pairs, realSize, size, more, magic }) => {
    const octal = (value: number) => `${Math.max(0, value).toString(8).padStart(11, "0")}\0`;
    const raw: (readonly [number, string])[] = pairs.flatMap(([offset, length], i) => [
      [386 + i * 24, octal(offset)] as const,
      [398 + i * 24, octal(length)] as const,
    ]);
    if (more) raw.push([482, "\u0001"]);
    raw.push([483, octal(realSize)]);
    return concat(
      header({ name, type: "S", magic, size, raw }),
      more ? new Uint8Array(512) : new Uint8Array(0),
      new Uint8Array(Math.ceil(size / 512) * 512).fill(0x73),
    );
  });

/** PAX sparse 1.0: the map stands before the data. */
const storedSparse: fc.Arbitrary<Uint8Array> = fc
  .record({
    name: shortName,
    realSize: fc.constantFrom("0", "512", "5000", "99999999999"),
    map: fc.oneof(
      fc.constantFrom(
        "1\n0\n1\n",
        "2\n0\n1\n4096\n2\n",
        "0\n",
        "\n",
        "x\n",
        "1\n0\n",
        "99999999\n",
        "-1\n",
        "2\n4096\n1\n0\n1\n",
      ),
      fc.constant("1\n0\n1\n".padEnd(600, "0")),
    ),
    data: fc.constantFrom("", "a", "abc"),
  })
  .map(({ name, realSize, map, data }) => {
    const padded = map.padEnd(Math.ceil(map.length / 512) * 512, "\0");
    return concat(
      pax({
        "GNU.sparse.major": "1",
        "GNU.sparse.minor": "0",
        "GNU.sparse.name": name,
        "GNU.sparse.realsize": realSize,
      }),
      member({ name: "GNUSparseFile.0/f" }, padded + data),
    );
  });

const part = fc.oneof(
  { weight: 8, arbitrary: sound },
  { weight: 3, arbitrary: loose },
  { weight: 3, arbitrary: fc.tuple(extension, fc.oneof(sound, loose)).map(([x, file]) => concat(x, file)) },
  { weight: 1, arbitrary: extension },
  { weight: 1, arbitrary: oldSparse },
  { weight: 1, arbitrary: storedSparse },
  { weight: 1, arbitrary: fc.constantFrom(new Uint8Array(512), END) },
);

const handmade: fc.Arbitrary<Uint8Array> = fc
  .tuple(
    fc.array(part, { maxLength: 8 }),
    fc.constantFrom(END, END, END, new Uint8Array(512), new Uint8Array(0)),
  )
  .map(([parts, end]) => concat(...parts, end));

/** Archives of which every part is sound, so that most of them are applied and written again. */
const valid: fc.Arbitrary<Uint8Array> = fc
  .array(
    fc.oneof(
      { weight: 4, arbitrary: sound },
      {
        weight: 1,
        arbitrary: fc
          .tuple(records, sound)
          .map(([list, file]) => concat(pax(list.map(([k, v]) => record(k, v)).join("")), file)),
      },
    ),
    { maxLength: 8 },
  )
  .map((parts) => concat(...parts, END));

const FIXTURES = fileURLToPath(new URL("../../fixtures/tar/", import.meta.url));

function fixture(name: string): Uint8Array {
  const bytes = readFileSync(FIXTURES + name);
  return new Uint8Array(name.endsWith(".gz") ? gunzipSync(bytes) : bytes);
}

/** What GNU tar, bsdtar and Python wrote, uncompressed. */
export const REAL_ARCHIVES: readonly Uint8Array[] = readdirSync(FIXTURES)
  .filter((name) => /\.tar(\.gz)?$/.test(name))
  .sort()
  .map(fixture);

/** The same, as it is stored. */
export const STORED_ARCHIVES: readonly Uint8Array[] = readdirSync(FIXTURES)
  .filter((name) => /\.tar\.(gz|zst)$/.test(name))
  .sort()
  .map((name) => new Uint8Array(readFileSync(FIXTURES + name)));

const real = fc.constantFrom(...REAL_ARCHIVES);

export const archives: fc.Arbitrary<Uint8Array> = fc.oneof(
  { weight: 3, arbitrary: valid },
  { weight: 3, arbitrary: handmade },
  { weight: 2, arbitrary: repaired(fc.oneof(handmade, valid)) },
  { weight: 2, arbitrary: repaired(real) },
  { weight: 1, arbitrary: mutated(real) },
);
