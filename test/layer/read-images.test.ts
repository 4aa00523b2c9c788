/**
 * Layers of real images: what their manifests and configurations promise, in either compression.
 */
import { execFileSync } from "node:child_process";
import { createReadStream, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeIndex } from "../../src/layer/index-file.ts";
import { layerFromBytes, MemorySink, type ReadLayer, readLayer } from "../../src/layer/read.ts";
import { openFile } from "../../src/platform/node.ts";
import { nameToBytes } from "../../src/posix/names.ts";
import { seconds } from "../../src/posix/time.ts";
import { ArchiveError, type Entry } from "../../src/tar/entry.ts";
import { imagePath, needs } from "../requirements.ts";

interface Promised {
  readonly path: string;
  readonly digest: string;
  readonly size: number;
  readonly diffID: string;
}

function promised(image: string): Promised[] {
  const path = (digest: string): string => join(imagePath(image), "blobs", ...digest.split(":"));
  const json = (digest: string) => JSON.parse(readFileSync(path(digest), "utf8"));
  const index = JSON.parse(readFileSync(join(imagePath(image), "index.json"), "utf8"));
  const manifest = json(index.manifests[0].digest);
  const diffIDs: string[] = json(manifest.config.digest).rootfs.diff_ids;
  return manifest.layers.map((layer: { digest: string; size: number }, i: number) => ({
    path: path(layer.digest),
    digest: layer.digest,
    size: layer.size,
    diffID: diffIDs[i]!,
  }));
}

const read = ({ path, ...expected }: Promised): Promise<ReadLayer> =>
  readLayer(createReadStream(path), { write() {} }, { expected });
const entriesOf = (layer: ReadLayer): Entry[] => [...decodeIndex(layer.index)!.entries()];

describe.each(["busybox", "torture-bb", "torture-bb-zstd", "deep125", "debian-base"])("%s", (image) => {
  it.skipIf(needs.image(image))("rule 43: every layer is what is promised", async () => {
    for (const layer of promised(image)) {
      expect(await read(layer)).toMatchObject({
        blobDigest: layer.digest,
        blobSize: layer.size,
        diffID: layer.diffID,
      });
    }
  });
});

describe.skipIf(needs.image("torture-bb") ?? needs.image("torture-bb-zstd"))("gzip and zstd", () => {
  it("rule 44: both forms of an image have the same diffIDs and the same entries", async () => {
    const zipped = promised("torture-bb");
    const zstd = promised("torture-bb-zstd");
    expect(zstd.map((layer) => layer.diffID)).toEqual(zipped.map((layer) => layer.diffID));
    for (const [i, layer] of zstd.entries()) {
      const [one, other] = [await read(layer), await read(zipped[i]!)];
      expect([one.compression, other.compression]).toEqual(["zstd", "gzip"]);
      expect(entriesOf(one)).toEqual(entriesOf(other));
    }
  });
});

describe.skipIf(needs.image("torture-bb") ?? needs.tool("python3", "python3"))("another reader", () => {
  /** Prints type, name, mode, owner, size and mtime of every member, as Python reads them. */
  const SCRIPT = `
import sys, tarfile
for m in tarfile.open(sys.argv[1], errors="surrogateescape"):
    kind = {b"0": "file", b"\\0": "file", b"5": "directory", b"1": "hardlink", b"2": "symlink", b"3": "char", b"4": "block", b"6": "fifo"}[m.type]
    name = m.name.encode("utf-8", "surrogateescape").hex()
    print(kind, name, m.mode & 0o7777, m.uid, m.gid, m.size if kind == "file" else 0, int(m.mtime // 1))
`;
  it("rule 40: Python's tarfile sees the same members", async () => {
    for (const layer of promised("torture-bb")) {
      const theirs = execFileSync("python3", ["-c", SCRIPT, layer.path], { maxBuffer: 2 ** 26 }).toString();
      const ours = entriesOf(await read(layer)).map((entry) => {
        const name = Buffer.from(nameToBytes(entry.name.replace(/\/+$/, ""))).toString("hex");
        const size = entry.type === "file" ? entry.size : 0;
        return [entry.type, name, entry.mode, entry.uid, entry.gid, size, seconds(entry.mtime)].join(" ");
      });
      expect(ours).toEqual(theirs.trim().split("\n"));
    }
  });
});

describe.skipIf(needs.image("debian-base"))("memory", () => {
  it("a layer of 121 MB is never held: reading it takes less than 100 MB more than before", async () => {
    const [layer] = promised("debian-base") as [Promised];
    const before = process.memoryUsage.rss();
    let peak = before;
    let size = 0;
    await readLayer(createReadStream(layer.path), {
      write(chunk) {
        size += chunk.length;
        peak = Math.max(peak, process.memoryUsage.rss());
      },
    });
    expect(size).toBeGreaterThan(120_000_000);
    expect(peak - before).toBeLessThan(100_000_000);
  });
});

describe.skipIf(needs.image("torture-bb"))("damage to a real layer", () => {
  const [, , small] = needs.image("torture-bb") === undefined ? promised("torture-bb") : [];
  it("gives an ArchiveError and nothing else", async () => {
    const blob = new Uint8Array(readFileSync(small!.path));
    const sink = new MemorySink();
    await readLayer([blob] as unknown as AsyncIterable<Uint8Array>, sink);
    const archive = sink.bytes();
    const damage = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 1, max: 255 })), {
      minLength: 1,
      maxLength: 5,
    });
    await fc.assert(
      fc.asyncProperty(fc.boolean(), damage, async (compressed, changes) => {
        const damaged = (compressed ? blob : archive).slice();
        for (const [at, mask] of changes) damaged[at % damaged.length]! ^= mask;
        try {
          await layerFromBytes(damaged);
        } catch (error) {
          if (!(error instanceof ArchiveError)) throw error;
        }
      }),
      { numRuns: 200 },
    );
  });
});

describe("openFile", () => {
  it("reads at any position, and not after it was closed", () => {
    const path = fileURLToPath(import.meta.url);
    const bytes = readFileSync(path);
    const file = openFile(path);
    expect(file.size).toBe(bytes.length);
    const target = new Uint8Array(20);
    expect(file.read(target, 5, 10, 100)).toBe(10);
    expect(Buffer.compare(target.subarray(5, 15), bytes.subarray(100, 110))).toBe(0);
    expect(file.read(target, 0, 20, bytes.length - 5)).toBe(5);
    expect(file.read(target, 0, 20, bytes.length + 5)).toBe(0);
    file.close();
    file.close();
    expect(file.read(target, 0, 1, 0)).toBe(-9);
  });
});
