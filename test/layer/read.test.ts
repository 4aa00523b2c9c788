/**
 * The one pass over a layer: digests, sizes, limits, and what is left when it fails.
 */
import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { decodeIndex } from "../../src/layer/index-file.ts";
import { layerFromBytes, MemorySink, type ReadLayerOptions, readLayer } from "../../src/layer/read.ts";
import { ArchiveError } from "../../src/tar/entry.ts";
import { concat, END, header, member, pax } from "../tar/hand.ts";

const digest = (data: Uint8Array, algorithm = "sha256"): string =>
  `${algorithm}:${createHash(algorithm).update(data).digest("hex")}`;

const archive = concat(member({ name: "a" }, "content of a"), header({ name: "d", type: "5" }), END);
const blob = new Uint8Array(gzipSync(archive));

async function* chunksOf(data: Uint8Array, size = 100): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < data.length; at += size) yield data.subarray(at, at + size);
}

const read = (data: Uint8Array, options: ReadLayerOptions = {}, sink = new MemorySink()) =>
  readLayer(chunksOf(data), sink, options);

async function refusal(data: Uint8Array, options: ReadLayerOptions = {}): Promise<ArchiveError> {
  try {
    await read(data, options);
  } catch (error) {
    if (error instanceof ArchiveError) return error;
    throw error;
  }
  throw new Error("the layer was accepted");
}

describe("what a layer proves to be", () => {
  it("rule 43: digests and sizes on both sides, and an index", async () => {
    const sink = new MemorySink();
    const { index, ...facts } = await read(blob, {}, sink);
    expect(facts).toEqual({
      diffID: digest(archive),
      size: archive.length,
      blobDigest: digest(blob),
      blobSize: blob.length,
      compression: "gzip",
      entryCount: 2,
    });
    expect(Buffer.compare(sink.bytes(), archive)).toBe(0);
    expect([...decodeIndex(index)!.entries()].map((entry) => entry.name)).toEqual(["a", "d"]);
  });

  it("rule 43: a plain archive is its own blob", async () => {
    expect(await read(archive)).toMatchObject({
      diffID: digest(archive),
      blobDigest: digest(archive),
      size: archive.length,
      blobSize: archive.length,
      compression: "none",
    });
  });

  it("rule 43: sha512 where it is promised, on either side", async () => {
    for (const data of [blob, archive]) {
      const expected = { digest: digest(data, "sha512"), size: data.length, diffID: digest(archive) };
      expect(await read(data, { expected })).toMatchObject({
        blobDigest: expected.digest,
        diffID: expected.diffID,
      });
      const other = { digest: digest(data), diffID: digest(archive, "sha512") };
      expect(await read(data, { expected: other })).toMatchObject({
        blobDigest: other.digest,
        diffID: other.diffID,
      });
    }
  });

  it.each([
    [
      "no bytes at all",
      new Uint8Array(0),
      "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    ],
    ["docker's empty layer", END, "sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef"],
  ])("rule 42: an empty layer: %s", async (_, data, diffID) => {
    expect(await read(data)).toMatchObject({ diffID, entryCount: 0 });
    expect(await read(new Uint8Array(gzipSync(data)))).toMatchObject({
      diffID,
      entryCount: 0,
      compression: "gzip",
    });
  });

  it("rule 42: what follows the end of the archive is hashed and kept", async () => {
    const padded = concat(archive, new Uint8Array(5000), header({ name: "hidden" }));
    const sink = new MemorySink();
    expect(await read(new Uint8Array(gzipSync(padded)), {}, sink)).toMatchObject({
      diffID: digest(padded),
      size: padded.length,
      entryCount: 2,
    });
    expect(Buffer.compare(sink.bytes(), padded)).toBe(0);
  });

  it("entries are told as they come", async () => {
    const names: string[] = [];
    await read(blob, { onEntry: (entry) => names.push(entry.name) });
    expect(names).toEqual(["a", "d"]);
  });

  it("a sink that is slow is waited for, chunk by chunk", async () => {
    const big = concat(member({ name: "big" }, new Uint8Array(3_000_000).fill(1)), END);
    let inside = 0;
    let most = 0;
    let size = 0;
    const sink = {
      async write(chunk: Uint8Array): Promise<void> {
        most = Math.max(most, ++inside);
        await new Promise((resolve) => setImmediate(resolve));
        size += chunk.length;
        inside -= 1;
      },
    };
    await readLayer(chunksOf(new Uint8Array(gzipSync(big))), sink);
    expect([most, size]).toEqual([1, big.length]);
  });
});

describe("what is refused", () => {
  const wrong = digest(new Uint8Array(1));
  it.each<[string, ReadLayerOptions["expected"], RegExp]>([
    ["another digest", { digest: wrong }, /digest of the layer is sha256:.* not the promised/],
    ["another diffID", { diffID: wrong }, /diffID of the layer is sha256:.* not the promised/],
    ["fewer bytes than promised", { size: blob.length + 1 }, /has \d+ bytes, not the promised/],
    ["more bytes than promised", { size: blob.length - 1 }, /more than the promised/],
    [
      "size before digest",
      { size: blob.length + 1, digest: wrong },
      /not the promised \d+ bytes|bytes, not the promised/,
    ],
  ])("rule 43: %s", async (_, expected, message) => {
    const error = await refusal(blob, { expected: expected! });
    expect(error.code).toBe("digest");
    expect(error.message).toMatch(message);
    expect(error.message).toMatch(/rule 43/);
  });

  it("rule 43: a blob that is cut off is told by its size, not by what its decompressor makes of it", async () => {
    const error = await refusal(blob.subarray(0, -20), { expected: { size: blob.length } });
    expect(error.code).toBe("digest");
  });

  it("rule 43: a longer blob ends the transfer as soon as it shows", async () => {
    let given = 0;
    async function* endless(): AsyncGenerator<Uint8Array> {
      for (;;) {
        given += 1;
        yield new Uint8Array(1024);
      }
    }
    await expect(
      readLayer(endless(), new MemorySink(), { expected: { size: 10_000 } }),
    ).rejects.toMatchObject({
      code: "digest",
    });
    expect(given).toBe(10);
  });

  it("a promise that is no digest", async () => {
    await expect(read(blob, { expected: { digest: "sha256:../../etc" } })).rejects.toThrow(
      /invalid checksum digest/,
    );
  });

  it.each([
    ["corrupt", new Uint8Array(gzipSync(new Uint8Array(600).fill(1)))],
    ["truncated", new Uint8Array(gzipSync(archive.subarray(0, 515)))],
    ["compression", blob.subarray(0, -5)],
  ])("an archive that is %s", async (code, data) => {
    expect((await refusal(data)).code).toBe(code);
  });

  it.each([
    ["an absolute limit", { maxSize: 1_000_000 }],
    ["the same for a plain archive", { maxSize: 1_000_000 }, "none"],
  ])("rule 44: decompression bombs: %s", async (_, options, kind = "gzip") => {
    const bomb = concat(member({ name: "zeros" }, new Uint8Array(2_000_000)), END);
    const error = await refusal(kind === "gzip" ? new Uint8Array(gzipSync(bomb)) : bomb, options);
    expect([error.code, /1000000 bytes.*rule 44/.test(error.message)]).toEqual(["limit", true]);
  });

  it("rule 44: a ratio no layer has, once past 1 GiB", async () => {
    // A zstd run block: 128 KiB of zeros in four bytes; each chunk holds 8 MiB of them.
    const frame = Uint8Array.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x38]);
    const runs = concat(...Array.from({ length: 64 }, () => Uint8Array.from([0x02, 0x00, 0x10, 0x00])));
    let chunks = 0;
    async function* bomb(): AsyncGenerator<Uint8Array> {
      yield frame;
      for (; ; chunks++) yield runs;
    }
    await expect(readLayer(bomb(), { write() {} })).rejects.toMatchObject({ code: "limit" });
    expect(chunks).toBeLessThan(140);
  });

  it("rule 44: an index beyond its limit", async () => {
    const many = concat(...Array.from({ length: 200 }, (_, i) => header({ name: `${i}`.repeat(30) })), END);
    const error = await refusal(new Uint8Array(gzipSync(many)), { maxIndexSize: 4000 });
    expect(error.code).toBe("limit");
    expect(error.message).toMatch(/index.*rule 44/);
  });

  it("rule 44: an archive that is nothing but names", async () => {
    const name = (i: number): string => `${i}`.padStart(8, "0").repeat(60_000 / 8);
    async function* names(): AsyncGenerator<Uint8Array> {
      for (let i = 0; ; i++) yield concat(pax({ path: name(i) }), header());
    }
    const error = await readLayer(names(), { write() {} }).catch((error) => error);
    expect(error).toMatchObject({ code: "limit" });
    expect(error.offset).toBeLessThan(20 * 2 ** 20);
  });

  it("what the sink throws comes through as it is, and the source is ended", async () => {
    const full = new Error("no space left");
    let ended = false;
    async function* source(): AsyncGenerator<Uint8Array> {
      try {
        yield* chunksOf(blob);
      } finally {
        ended = true;
      }
    }
    const sink = {
      write(): void {
        throw full;
      },
    };
    await expect(readLayer(source(), sink)).rejects.toBe(full);
    await new Promise((resolve) => setTimeout(resolve, 10));
    expect(ended).toBe(true);
  });
});

describe("layerFromBytes", () => {
  it("gives a layer whose entries may be asked for again, over the uncompressed archive", async () => {
    const layer = await layerFromBytes(blob);
    expect(layer.diffID).toBe(digest(archive));
    expect(layer.archive.size).toBe(archive.length);
    expect([...layer.entries()]).toEqual([...layer.entries()]);
    const [entry] = layer.entries();
    const out = new Uint8Array(12);
    expect(layer.archive.read(out, 0, 12, (entry as { start: number }).start)).toBe(12);
    expect(Buffer.from(out).toString()).toBe("content of a");
  });
});
