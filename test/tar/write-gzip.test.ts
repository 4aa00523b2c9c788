/**
 * Compressed layers: what the stream says, that it depends on the bytes alone, and that other tools
 * read it.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync, crc32 as zlibCrc32 } from "node:zlib";
import { type OutputAsset, type OutputChunk, rolldown } from "rolldown";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { platform as browser } from "../../src/platform/browser.ts";
import { platform as node } from "../../src/platform/node.ts";
import { type GzipOptions, gzip } from "../../src/tar/compress.ts";
import { needs } from "../requirements.ts";

const KIB = 1024;

/** Text-like bytes: compressible, with matches near and far; the same at every run. */
function sample(length: number, seed = 1): Uint8Array {
  const out = new Uint8Array(length);
  let state = seed >>> 0;
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const back = state % 30000;
    out[i] = state >>> 30 === 0 || back >= i ? (state >>> 16) & 0x3f : out[i - back - 1]!;
  }
  return out;
}

async function collect(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function* cut(bytes: Uint8Array, size: number): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

const zip = (bytes: Uint8Array, options?: GzipOptions) => collect(gzip([bytes], options));

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "strata-gzip-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

describe("rule 62: nothing in the stream but the bytes", () => {
  test("a fixed header: no flags, no time, no name, operating system 255", async () => {
    for (const level of [1, 6, 9]) {
      expect([...(await zip(sample(10), { level })).subarray(0, 10)]).toEqual([
        0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255,
      ]);
    }
  });

  test("no bytes give a stream that says so", async () => {
    const empty = await collect(gzip([]));
    expect(gunzipSync(empty)).toEqual(Buffer.alloc(0));
    expect(empty.toString("hex")).toBe("1f8b08000000000000ff03000000000000000000");
  });

  test.each([1, 512 * KIB - 1, 512 * KIB, 512 * KIB + 1, 1024 * KIB, 3_000_000])(
    "%i bytes come back, with their length and checksum at the end",
    async (length) => {
      const bytes = sample(length);
      const zipped = await zip(bytes);
      expect(gunzipSync(zipped).equals(bytes)).toBe(true);
      expect(zipped.readUInt32LE(zipped.length - 4)).toBe(length);
      expect(zipped.readUInt32LE(zipped.length - 8)).toBe(zlibCrc32(bytes));
    },
  );

  test("bytes that cannot be compressed hardly grow", async () => {
    const random = new Uint8Array(2_000_000);
    for (let at = 0; at < random.length; at += 65536) {
      random.set(node.randomBytes(Math.min(65536, random.length - at)), at);
    }
    const zipped = await zip(random);
    expect(gunzipSync(zipped).equals(random)).toBe(true);
    expect(zipped.length).toBeLessThan(random.length * 1.001);
  });
});

describe("invariant 7: the stream depends on the bytes and the level alone", () => {
  test.each([1, 7, 512, 65536, 512 * KIB, 10_000_000])("cut into chunks of %i", async (size) => {
    const bytes = sample(size < 100 ? 700_000 : 3_000_000);
    expect((await collect(gzip(cut(bytes, size)))).equals(await zip(bytes))).toBe(true);
  });

  test("a source may use its buffer again", async () => {
    const bytes = sample(2_000_000);
    async function* reusing() {
      const buffer = new Uint8Array(300_000);
      for (const chunk of cut(bytes, buffer.length)) {
        buffer.set(chunk);
        yield buffer.subarray(0, chunk.length);
      }
    }
    expect((await collect(gzip(reusing()))).equals(await zip(bytes))).toBe(true);
  });

  test("30 times the same", async () => {
    const bytes = sample(700_000);
    const first = await zip(bytes, { level: 1 });
    for (let i = 0; i < 29; i++) expect((await zip(bytes, { level: 1 })).equals(first)).toBe(true);
  });

  test("one thread or eight", async () => {
    const root = fileURLToPath(new URL("../../src/", import.meta.url));
    const bundle = await rolldown({
      input: join(root, "tar/compress.ts"),
      platform: "node",
      resolve: { alias: { "#platform": join(root, "platform/node.ts") } },
    });
    const { output } = await bundle.generate({ format: "esm" });
    const [chunk] = output as [OutputChunk, ...(OutputAsset | OutputChunk)[]];
    await bundle.close();
    const script = `${chunk.code}
      const out = [];
      for await (const chunk of gzip(process.stdin)) out.push(chunk);
      process.stdout.write(Buffer.concat(out));`;
    writeFileSync(join(folder, "gzip.mjs"), script);
    const bytes = sample(5_000_000);
    const results = ["1", "8"].map((threads) =>
      execFileSync(process.execPath, [join(folder, "gzip.mjs")], {
        input: bytes,
        env: { ...process.env, UV_THREADPOOL_SIZE: threads },
        maxBuffer: 100_000_000,
      }),
    );
    expect(results[0]!.equals(results[1]!)).toBe(true);
    expect(results[0]!.equals(await zip(bytes))).toBe(true);
  });
});

describe("errors", () => {
  test.each([0, 10, 1.5, Number.NaN])("level %d is none", (level) => {
    expect(() => gzip([], { level })).toThrowError(RangeError);
  });

  test("the source's own error comes through, and nothing is left behind", async () => {
    async function* broken() {
      for (const chunk of cut(sample(2_000_000), 100_000)) yield chunk;
      throw new Error("disk on fire");
    }
    await expect(collect(gzip(broken()))).rejects.toThrowError("disk on fire");
  });

  test("a consumer that stops ends the source", async () => {
    let ended = false;
    async function* endless() {
      try {
        for (;;) yield new Uint8Array(100_000);
      } finally {
        ended = true;
      }
    }
    let chunks = 0;
    for await (const _ of gzip(endless())) if (++chunks === 3) break;
    expect(ended).toBe(true);
  });
});

describe("in a browser", () => {
  test("its checksum is zlib's, in parts as in one", () => {
    const bytes = sample(10_000);
    expect(browser.crc32(bytes, 0)).toBe(zlibCrc32(bytes));
    expect(browser.crc32(bytes.subarray(77), browser.crc32(bytes.subarray(0, 77), 0))).toBe(zlibCrc32(bytes));
    expect(browser.crc32(new Uint8Array(0), 0)).toBe(0);
  });

  test("its deflate is read back, and does not depend on chunks", async () => {
    const bytes = sample(1_500_000);
    async function* cutAsync(size: number) {
      yield* cut(bytes, size);
    }
    const streams = await Promise.all(
      [4096, 1_500_000].map((size) => collect(browser.deflate(cutAsync(size), 6))),
    );
    expect(streams[0]!.equals(streams[1]!)).toBe(true);
    const header = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]);
    const trailer = Buffer.alloc(8);
    trailer.writeUInt32LE(zlibCrc32(bytes), 0);
    trailer.writeUInt32LE(bytes.length, 4);
    expect(gunzipSync(Buffer.concat([header, streams[0]!, trailer])).equals(bytes)).toBe(true);
  });

  test("a consumer that stops ends the source", async () => {
    let ended = false;
    async function* endless() {
      try {
        for (let i = 0; ; i++) yield sample(100_000, i);
      } finally {
        ended = true;
      }
    }
    for await (const _ of browser.deflate(endless(), 6)) break;
    for (let i = 0; i < 100 && !ended; i++) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(ended).toBe(true);
  });
});

describe("other tools read it", () => {
  const bytes = sample(1_800_000);

  test.skipIf(needs.tool("gzip", "gzip"))("gzip", async () => {
    const { stdout, stderr, status } = spawnSync("gzip", ["-dc"], {
      input: await zip(bytes),
      maxBuffer: 1e8,
    });
    expect([status, stderr.toString()]).toEqual([0, ""]);
    expect(stdout.equals(bytes)).toBe(true);
  });

  test.skipIf(needs.tool("python3", "python3"))("Python", async () => {
    const script = "import gzip,sys; sys.stdout.buffer.write(gzip.decompress(sys.stdin.buffer.read()))";
    const out = execFileSync("python3", ["-c", script], { input: await zip(bytes), maxBuffer: 1e8 });
    expect(out.equals(bytes)).toBe(true);
  });

  test.skipIf(needs.tool("bsdtar", "libarchive-tools"))("libarchive", async () => {
    const tar = execFileSync("tar", ["-cf", "-", "-C", folder, "."], { maxBuffer: 1e8 });
    const listed = execFileSync("bsdtar", ["-tf", "-"], { input: await zip(tar) }).toString();
    expect(listed).toContain("./");
  });
});
