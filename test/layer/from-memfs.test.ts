/**
 * Layers from memfs volumes.
 */
import { memfs, Volume } from "memfs";
import { describe, expect, test } from "vitest";
import { applyLayers } from "../../src/layer/apply.ts";
import { type FromMemfsOptions, layerFromMemfs } from "../../src/layer/from-memfs.ts";
import { layerFromBytes } from "../../src/layer/read.ts";
import type { WrittenLayer } from "../../src/layer/write.ts";
import { fromSeconds } from "../../src/posix/time.ts";
import { ArchiveError } from "../../src/tar/entry.ts";
import { describeTree } from "../tree/describe.ts";

const OWNED = { uid: 0, gid: 0 };

function made(volume: Volume, options: FromMemfsOptions = OWNED): WrittenLayer {
  const layer = layerFromMemfs(volume, options);
  if (layer === undefined) throw new Error("no layer");
  return layer;
}

const bytesOf = (layer: WrittenLayer) => Buffer.concat([...layer.chunks()]);

describe("what comes along", () => {
  test("directories, files, symlinks and hardlinks, read back from the archive", async () => {
    const volume = Volume.fromJSON({ "/app/main.js": "code", "/app/.env": "", "/app-old/x": "x" });
    volume.chmodSync("/app/main.js", 0o4755);
    volume.chmodSync("/app", 0o1777);
    volume.symlinkSync("../main.js", "/app/link");
    volume.linkSync("/app/main.js", "/zz");
    volume.mkdirSync("/empty", { mode: 0o700 });
    volume.chmodSync("/", 0o755);
    const layer = made(volume);
    expect([...layer.entries()].map(({ name, type }) => `${type} ${name}`)).toEqual([
      "directory app/",
      "file app/.env",
      "symlink app/link",
      "file app/main.js",
      "directory app-old/",
      "file app-old/x",
      "directory empty/",
      "hardlink zz",
    ]);
    const read = await layerFromBytes(bytesOf(layer));
    expect(describeTree(applyLayers([read]))).toEqual({
      "/app": "directory 1777",
      "/app/.env": 'file 666 ""',
      "/app/link": "symlink → ../main.js",
      "/app/main.js": 'file 4755 "code"',
      "/app-old": "directory 777",
      "/app-old/x": 'file 666 "x"',
      "/empty": "directory 700",
      "/zz": 'file 4755 "code"',
    });
  });

  test("owner and time as the volume has them, or as asked for", () => {
    const volume = Volume.fromJSON({ "/f": "x" });
    volume.chownSync("/f", 7, 8);
    volume.utimesSync("/f", 1, 1_700_000_000.75);
    volume.symlinkSync("f", "/l");
    volume.lchownSync("/l", 9, 9);
    const faithful = [...made(volume, {}).entries()];
    expect(faithful.find(({ name }) => name === "f")).toMatchObject({
      uid: 7,
      gid: 8,
      mtime: fromSeconds(1_700_000_000),
    });
    expect(faithful.find(({ name }) => name === "l")).toMatchObject({ uid: 9, mode: 0o777 });
    for (const entry of made(volume, { uid: 1, gid: 2, sourceDateEpoch: 5 }).entries()) {
      expect(entry).toMatchObject({ uid: 1, gid: 2, mtime: fromSeconds(5) });
    }
  });

  test("rule 54: the root where it differs from a plain one, as memfs's own does", () => {
    const volume = Volume.fromJSON({ "/f": "x" });
    expect([...made(volume).entries()]).toMatchObject([{ name: "./", mode: 0o777 }, { name: "f" }]);
    volume.chmodSync("/", 0o755);
    expect([...made(volume).entries()]).toMatchObject([{ name: "f" }]);
  });

  test("a part of a volume", () => {
    const { vol } = memfs({ "/a/b/c": "x", "/a/d": "y", "/e": "z" });
    for (const directory of ["/a", "/a/"]) {
      const names = [...made(vol, { ...OWNED, directory }).entries()].map(({ name }) => name);
      expect(names).toEqual(["./", "b/", "b/c", "d"]);
    }
  });

  test("rule 47: names whose bytes are no UTF-8", () => {
    const volume = new Volume();
    volume.writeFileSync("/\udcff", "x");
    expect(bytesOf(made(volume)).includes(Buffer.from("\xff\0", "latin1"))).toBe(true);
  });

  test("rule 63: nothing in a plain root is no layer", () => {
    const volume = new Volume();
    volume.chmodSync("/", 0o755);
    expect(layerFromMemfs(volume, OWNED)).toBeUndefined();
  });
});

test("the layer does not change with the volume", () => {
  const volume = Volume.fromJSON({ "/f": "before" });
  const layer = made(volume, { ...OWNED, sourceDateEpoch: 0 });
  const before = bytesOf(made(volume, { ...OWNED, sourceDateEpoch: 0 }));
  const fd = volume.openSync("/f", "r+");
  volume.writeSync(fd, "AFTER", 0);
  volume.closeSync(fd);
  volume.writeFileSync("/g", "");
  expect(bytesOf(layer).equals(before)).toBe(true);
  expect(layer.diffID).not.toBe(made(volume, { ...OWNED, sourceDateEpoch: 0 }).diffID);
});

test("the same volume gives the same bytes", () => {
  const volume = Volume.fromJSON({ "/z": "1", "/a": "2", "/m/n": "3" });
  expect(bytesOf(made(volume)).equals(bytesOf(made(volume)))).toBe(true);
});

describe("what cannot be taken is refused", () => {
  test.each<[string, directory: string, code: string]>([
    ["a missing directory", "/missing", "source"],
    ["a file", "/f", "source"],
    ["a link to a directory", "/l", "source"],
  ])("%s", (_, directory, code) => {
    const volume = Volume.fromJSON({ "/f": "x", "/d/e": "x" });
    volume.symlinkSync("d", "/l");
    expect(() => layerFromMemfs(volume, { directory })).toThrowError(ArchiveError);
    expect(() => layerFromMemfs(volume, { directory })).toThrowError(expect.objectContaining({ code }));
  });

  test("rule 61: a name that begins with .wh.", () => {
    expect(() => layerFromMemfs(Volume.fromJSON({ "/.wh.f": "" }))).toThrowError(
      expect.objectContaining({ code: "unrepresentable", entry: "/.wh.f" }),
    );
  });
});
