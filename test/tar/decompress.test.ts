/**
 * Rule 44: what a layer is compressed with is told by its first bytes, all of it is read, and what is
 * damaged or foreign is an error of its own kind.
 */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { decompress, detectCompression } from "../../src/tar/decompress.ts";
import { ArchiveError } from "../../src/tar/entry.ts";
import { body, bytes, concat, header } from "./hand.ts";

const FIXTURES = fileURLToPath(new URL("../../fixtures/tar/", import.meta.url));
const fixture = (name: string): Uint8Array => new Uint8Array(readFileSync(FIXTURES + name));
const plain = fixture("gnu-posix.tar");

async function* chunksOf(data: Uint8Array, size = 65536): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < data.length; at += size) yield data.subarray(at, at + size);
}

async function all(data: Uint8Array, size?: number): Promise<{ compression: string; data: Buffer }> {
  const { compression, stream } = await decompress(chunksOf(data, size));
  const out: Uint8Array[] = [];
  for await (const chunk of stream) out.push(chunk.slice());
  return { compression, data: Buffer.concat(out) };
}

async function refusal(data: Uint8Array, size?: number): Promise<ArchiveError> {
  try {
    await all(data, size);
  } catch (error) {
    if (error instanceof ArchiveError) return error;
    throw error;
  }
  throw new Error("it was accepted");
}

describe("what can be read", () => {
  it.each([
    ["plain", plain, "none"],
    ["gzip", new Uint8Array(gzipSync(plain)), "gzip"],
    ["gzip of several members", fixture("members.tar.gz"), "gzip"],
    ["zstd", fixture("level-1.tar.zst"), "zstd"],
    ["zstd without a checksum", fixture("level-22.tar.zst"), "zstd"],
    ["zstd with a window of 1 KiB", fixture("window-1k.tar.zst"), "zstd"],
    ["zstd of several frames, a skippable one first", fixture("frames.tar.zst"), "zstd"],
  ])("rule 44: %s", async (_, data, expected) => {
    for (const size of [1, 100, 4096, 1 << 20]) {
      const { compression, data: out } = await all(data, size);
      expect(compression).toBe(expected);
      expect(Buffer.compare(out, plain)).toBe(0);
    }
  });

  it("rule 42: no bytes at all are a plain archive", async () => {
    expect(await all(new Uint8Array(0))).toEqual({ compression: "none", data: Buffer.alloc(0) });
  });

  it("rule 44: the eStargz way, a gzip member for every block", async () => {
    const members = Array.from({ length: plain.length / 512 }, (_, i) =>
      gzipSync(plain.subarray(i * 512, (i + 1) * 512)),
    );
    expect(Buffer.compare((await all(concat(...members))).data, plain)).toBe(0);
  });

  it.each([
    ["a header", header(), "none"],
    ["zeros", new Uint8Array(512), "none"],
    ["a header with a wrong checksum: the reader will say so", header({ checksum: "wrong" }), "none"],
    ["too little to tell", bytes("abc"), "none"],
    ["gzip", bytes("\x1f\x8b\x08"), "gzip"],
    ["zstd", bytes("\x28\xb5\x2f\xfd"), "zstd"],
    ["the lowest skippable frame", bytes("\x50\x2a\x4d\x18"), "zstd"],
    ["the highest skippable frame", bytes("\x5f\x2a\x4d\x18"), "zstd"],
  ])("rule 44: told by magic: %s", (_, head, expected) => {
    expect(detectCompression(head)).toBe(expected);
  });
});

describe("what is refused", () => {
  const zip = new Uint8Array(gzipSync(plain));
  const zst = fixture("level-1.tar.zst");
  const flipped = (data: Uint8Array, at: number): Uint8Array => {
    const copy = data.slice();
    copy.set([copy.at(at)! ^ 1], at < 0 ? copy.length + at : at);
    return copy;
  };
  it.each([
    ["bzip2", concat(bytes("BZh91AY&SY"), new Uint8Array(600)), /compressed with bzip2/],
    ["xz", concat(bytes("\xfd7zXZ\0"), new Uint8Array(600)), /compressed with xz/],
    ["lz4", concat(bytes("\x04\x22\x4d\x18"), new Uint8Array(600)), /compressed with lz4/],
    ["what nothing knows", bytes("x".repeat(600)), /neither a tar archive nor/],
    ["gzip cut off", zip.subarray(0, -1), /gzip stream .*unexpected end/],
    [
      "gzip cut off after a member's first bytes",
      concat(zip, zip.subarray(0, 5)),
      /gzip stream .*unexpected end/,
    ],
    ["gzip with a wrong checksum", flipped(zip, -6), /gzip stream .*incorrect data check/],
    ["gzip with a wrong length", flipped(zip, -1), /gzip stream .*incorrect length check/],
    ["gzip followed by garbage, as in Go", concat(zip, bytes("garbage")), /gzip stream .*incorrect header/],
    ["gzip followed by zeros, as in Go", concat(zip, new Uint8Array(512)), /gzip stream .*trailing garbage/],
    [
      "gzip with zeros between members",
      concat(zip, new Uint8Array(3), zip),
      /gzip stream .*trailing garbage/,
    ],
    ["zstd cut off in a block", zst.subarray(0, -200), /zstd stream .*unexpected end/],
    ["zstd cut off in its checksum", zst.subarray(0, -2), /zstd stream .*unexpected end/],
    [
      "zstd without its last block",
      fixture("level-22.tar.zst").subarray(0, 6),
      /zstd stream .*unexpected end/,
    ],
    ["zstd with a wrong checksum", flipped(zst, -1), /zstd stream .*checksum/],
    ["zstd followed by garbage", concat(zst, bytes("garbage")), /zstd stream .*garbage/],
    [
      "zstd cut off in a skippable frame",
      fixture("frames.tar.zst").subarray(0, -1),
      /zstd stream .*unexpected end/,
    ],
    [
      "zstd with a window above 128 MiB",
      concat(bytes(`\x28\xb5\x2f\xfd\x00${String.fromCharCode((18 << 3) | 0)}`), new Uint8Array(10)),
      /window of 268435456 bytes/,
    ],
    [
      "zstd that needs a dictionary",
      concat(bytes("\x28\xb5\x2f\xfd\x21\x07\x01"), new Uint8Array(10)),
      /dictionary/,
    ],
  ])("rule 44: %s", async (_, data, message) => {
    for (const size of [7, 65536]) {
      const error = await refusal(data, size);
      expect(error.code).toBe("compression");
      expect(error.message).toMatch(message);
      expect(error.message).toMatch(/rule 44/);
    }
  });

  it("rule 44: the platform's own error is the cause", async () => {
    expect((await refusal(zip.subarray(0, -1))).cause).toMatchObject({ code: "Z_BUF_ERROR" });
  });

  it.each(["none", "gzip", "zstd"])("what the source throws comes through as it is: %s", async (kind) => {
    const data = { none: plain, gzip: zip, zstd: zst }[kind]!;
    const own = new Error("the network went away");
    async function* failing(): AsyncGenerator<Uint8Array> {
      // Past what is looked at to tell the compression.
      for (let i = 0; i < 5; i++) yield data;
      throw own;
    }
    const reading = async (): Promise<void> => {
      for await (const _ of (await decompress(failing())).stream);
    };
    await expect(reading()).rejects.toBe(own);
  });

  it("a source of a kind that cannot be read is ended", async () => {
    let ended = false;
    async function* source(): AsyncGenerator<Uint8Array> {
      try {
        for (;;) yield bytes("x".repeat(600));
      } finally {
        ended = true;
      }
    }
    await expect(decompress(source())).rejects.toMatchObject({ code: "compression" });
    expect(ended).toBe(true);
  });

  it.each(["none", "gzip", "zstd"])("a source is ended where its reader stops early: %s", async (kind) => {
    const block = body("x".repeat(300_000));
    const data = { none: concat(header({ size: 300_000 }), block), gzip: zip, zstd: zst }[kind]!;
    let ended = false;
    async function* source(): AsyncGenerator<Uint8Array> {
      try {
        for (;;) yield data;
      } finally {
        ended = true;
      }
    }
    for await (const _ of (await decompress(source())).stream) break;
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(ended).toBe(true);
  });
});
