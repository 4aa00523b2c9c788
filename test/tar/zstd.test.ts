/**
 * The portable zstd decoder against the reference encoder, and against damage.
 */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ZstdError } from "../../src/tar/zstd/bits.ts";
import { ZstdDecoder } from "../../src/tar/zstd/decoder.ts";
import { decodeFrames } from "../../src/tar/zstd/frames.ts";
import { Xxh64 } from "../../src/tar/zstd/xxh64.ts";
import { needs } from "../requirements.ts";
import { bytes, concat } from "./hand.ts";

function decode(data: Uint8Array, size = 65536): Buffer {
  const out: Uint8Array[] = [];
  const decoder = new ZstdDecoder();
  for (let at = 0; at < data.length; at += size) {
    for (const chunk of decoder.push(data.subarray(at, at + size))) out.push(chunk.slice());
  }
  decoder.end();
  return Buffer.concat(out);
}

/** Bytes that look random and are the same every time (xorshift). */
function noise(length: number, range = 256): Uint8Array {
  const out = new Uint8Array(length);
  let state = 2463534242;
  for (let i = 0; i < length; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    out[i] = (state >>> 5) % range;
  }
  return out;
}

const text = new Uint8Array(readFileSync(fileURLToPath(new URL("../../package-lock.json", import.meta.url))));
const repeat = (part: Uint8Array, times: number): Uint8Array =>
  concat(...Array.from({ length: times }, () => part));

describe("XXH64", () => {
  it.each([
    ["", 0xef46db3751d8e999n],
    ["a", 0xd24ec4f1a98c6e5bn],
    ["abc", 0x44bc2cf5ad770999n],
    ["Nobody inspects the spammish repetition", 0xfbcea83c8a378bf1n],
  ])("%j, as the specification's own program has it", (input, expected) => {
    for (let cut = 0; cut <= input.length; cut++) {
      const hash = new Xxh64();
      hash.update(bytes(input.slice(0, cut)));
      hash.update(bytes(input.slice(cut)));
      expect(hash.digest()).toBe(expected);
    }
  });
});

describe.skipIf(needs.tool("zstd", "zstd"))("frames of the reference encoder", () => {
  const inputs: [string, Uint8Array][] = [
    ["nothing", new Uint8Array(0)],
    ["a byte", bytes("x")],
    ["a run", new Uint8Array(1_000_000).fill(7)],
    ["noise", noise(300_000)],
    ["noise of two values: literals of one bit", noise(300_000, 2)],
    ["noise of 17 values", noise(200_000, 17)],
    ["text", text],
    ["text again after 3 MiB of noise: far offsets", concat(text, noise(3 * 2 ** 20), text)],
    ["text, many times", repeat(text.subarray(0, 40_000), 60)],
    ["a short period: overlapping copies", repeat(bytes("abc"), 100_000)],
    ["a program", new Uint8Array(readFileSync(process.execPath).subarray(0, 2_000_000))],
  ];
  const ways: string[][] = [["-1"], ["--fast=5"], ["-9", "--no-check"], ["-19"], ["-6", "--zstd=wlog=10"]];
  it.each(inputs)("%s", (_, input) => {
    for (const way of ways) {
      const packed = execFileSync("zstd", ["-q", "-c", ...way], { input, maxBuffer: 2 ** 28 });
      expect(Buffer.compare(decode(packed), input), way.join(" ")).toBe(0);
      if (packed.length < 5000) expect(Buffer.compare(decode(packed, 1), input)).toBe(0);
    }
  });

  it("every form of a length, in literals, matches and frame headers", () => {
    for (const length of [1, 2, 3, 31, 32, 63, 64, 255, 256, 257, 1023, 1024, 65_791, 65_792, 131_073]) {
      for (const source of [text, noise(length), noise(length, 3)]) {
        const input = source.subarray(0, length);
        for (const way of [["-1"], ["-19"], ["-3", `--stream-size=${input.length}`]]) {
          const packed = execFileSync("zstd", ["-q", "-c", ...way], { input });
          expect(Buffer.compare(decode(packed), input), `${length} ${way}`).toBe(0);
        }
      }
    }
  });

  it("a copy from 40 MiB back, which offsets of 25 bits do not reach", () => {
    const input = concat(text, noise(40 * 2 ** 20), text);
    const packed = execFileSync("zstd", ["-q", "-c", "-1", "--long=27"], { input, maxBuffer: 2 ** 28 });
    expect(packed.length).toBeLessThan(40 * 2 ** 20 + text.length);
    expect(Buffer.compare(decode(packed), input)).toBe(0);
  });
});

describe("memory", () => {
  it("follows what a frame gives, not the window it claims", () => {
    // A raw block of one byte in a window of 128 MiB.
    const frame = concat(
      bytes(`\x28\xb5\x2f\xfd\x00${String.fromCharCode(17 << 3)}`),
      bytes("\x09\x00\x00x"),
    );
    const before = process.memoryUsage().arrayBuffers;
    expect(decode(frame).toString()).toBe("x");
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(8 * 2 ** 20);
  });
  it("gives a run block by block, not what a chunk of them grows to", () => {
    const run = bytes("\x02\x00\x10\x00");
    const frame = concat(bytes("\x28\xb5\x2f\xfd\x00\x38"), repeat(run, 8000), bytes("\x01\x00\x00"));
    let largest = 0;
    let total = 0;
    for (const chunk of new ZstdDecoder().push(frame)) {
      largest = Math.max(largest, chunk.length);
      total += chunk.length;
    }
    expect([largest, total]).toEqual([128 * 1024, 8000 * 128 * 1024]);
  });
});

const fixture = (name: string): Uint8Array =>
  new Uint8Array(readFileSync(fileURLToPath(new URL(`../../fixtures/tar/${name}`, import.meta.url))));
const samples = ["level-1", "level-22", "window-1k", "frames"].map((name) => fixture(`${name}.tar.zst`));
const plain = fixture("gnu-posix.tar");

describe("frame by frame, as for a platform's own decoder", () => {
  async function* chunksOf(data: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < data.length; at += size) yield data.subarray(at, at + size);
  }
  /** Takes one frame and no more. */
  async function* one(frame: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    const decoder = new ZstdDecoder();
    for await (const chunk of frame) yield* decoder.push(chunk);
    decoder.end();
  }
  async function all(data: Uint8Array, size: number): Promise<Buffer> {
    const out: Uint8Array[] = [];
    for await (const chunk of decodeFrames(chunksOf(data, size), one)) out.push(chunk.slice());
    return Buffer.concat(out);
  }
  it("rule 44: every frame reaches the decoder whole", async () => {
    for (const sample of samples) {
      for (const size of [1, 10, 100_000]) expect(Buffer.compare(await all(sample, size), plain)).toBe(0);
    }
  });
  it("rule 44: a stream that ends inside a frame is an error, whatever the decoder thinks", async () => {
    async function* lenient(frame: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
      for await (const chunk of frame) yield chunk;
    }
    for (const sample of samples) {
      for (const cut of [1, 3, 20]) {
        const reading = async (): Promise<void> => {
          for await (const _ of decodeFrames(chunksOf(sample.subarray(0, -cut), 64), lenient));
        };
        await expect(reading()).rejects.toThrow(/unexpected end/);
      }
    }
  });
  it("rule 44: so is a decoder that stops before its frame ends", async () => {
    async function* hasty(frame: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
      for await (const chunk of frame) {
        yield chunk;
        return;
      }
    }
    const reading = async (): Promise<void> => {
      for await (const _ of decodeFrames(chunksOf(samples[0]!, 64), hasty));
    };
    await expect(reading()).rejects.toThrow(/shorter than its blocks/);
  });
});

describe("damage", () => {
  it("gives a ZstdError or, without a checksum, other bytes; never anything else", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...samples),
        fc.array(fc.tuple(fc.nat(), fc.integer({ min: 1, max: 255 })), { minLength: 1, maxLength: 4 }),
        (sample, changes) => {
          const damaged = sample.slice();
          for (const [at, mask] of changes) damaged[at % damaged.length]! ^= mask;
          try {
            decode(damaged, 100);
          } catch (error) {
            if (!(error instanceof ZstdError)) throw error;
          }
        },
      ),
      { numRuns: 5000 },
    );
  });
  it("that a checksum covers is always found", () => {
    const sample = samples[0]!;
    for (let at = 6; at < sample.length; at++) {
      const damaged = sample.slice();
      damaged[at]! ^= 1;
      // Some bits change how something is said and not what.
      let out: Buffer | undefined;
      try {
        out = decode(damaged);
      } catch (error) {
        expect(error).toBeInstanceOf(ZstdError);
      }
      if (out !== undefined) expect(Buffer.compare(out, plain), `byte ${at}`).toBe(0);
    }
  });
  it("and so is every cut", () => {
    for (const sample of samples.slice(0, 3)) {
      for (let length = 0; length < sample.length; length++) {
        expect(() => decode(sample.subarray(0, length))).toThrow(/unexpected end/);
      }
    }
  });
});
