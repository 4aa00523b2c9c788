/**
 * What uppers on disk promise beyond the contract: space, memory, cost, and errors that say what is wrong.
 */
import {
  copyFileSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { open as openEnvironment } from "lmdb";
import { describe, expect, test } from "vitest";
import { applyLayers } from "../../../src/layer/apply.ts";
import { Output } from "../../../src/layer/fields.ts";
import { diskUppers } from "../../../src/runtime/upper/disk.ts";
import type { DiskOptions, DiskUpper } from "../../../src/runtime/upper/disk-upper.ts";
import { entryKey, headerKey, inodeKey } from "../../../src/runtime/upper/keys.ts";
import { Metadata } from "../../../src/runtime/upper/metadata.ts";
import { UpperError } from "../../../src/runtime/upper/upper.ts";
import type { Tree } from "../../../src/tree/tree.ts";
import type { Mount } from "../../../src/union/mount.ts";
import { O_CREAT, O_RDWR, O_TMPFILE } from "../../../src/union/types.ts";
import { dir, file, layer, sparse, treeOf } from "../../layer/build.ts";
import { show, temporaryFolder } from "./stores.ts";
import { smallTree } from "./trees.ts";

const MIB = 2 ** 20;

interface Made {
  readonly at: string;
  readonly tree: Tree;
  open(options?: DiskOptions): DiskUpper;
}

function made(tree: Tree = smallTree()): Made {
  const at = join(temporaryFolder(), "upper");
  diskUppers.create(at, tree);
  return { at, tree, open: (options = {}) => diskUppers.open(at, tree, options) };
}

/** Bytes that a folder takes: the larger of what its files say and what the disk gave them. */
function spaceOf(folder: string): number {
  let bytes = 0;
  for (const name of readdirSync(folder)) {
    if (name === "writer") continue;
    const { size, blocks } = statSync(join(folder, name));
    bytes += Math.max(size, blocks * 512);
  }
  return bytes;
}

function segmentsOf(folder: string): string[] {
  return readdirSync(folder).filter((name) => name.endsWith(".segment"));
}

function writeAt(mount: Mount, path: string, bytes: Uint8Array, position: number): void {
  const fd = mount.open(path, O_RDWR | O_CREAT);
  mount.write(fd, bytes, 0, bytes.length, position);
  mount.close(fd);
}

function memory(): number {
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

describe("space", () => {
  test("one byte in a file of 1 GiB below costs at most 64 KiB, metadata included", () => {
    const { at, open } = made(treeOf([sparse("large", 2 ** 30, [{ offset: 2 ** 29, length: 4 }], "text")]));
    const before = spaceOf(at);
    const upper = open();
    writeAt(upper.mount, "/large", new Uint8Array([1]), 2 ** 29 + 1);
    upper.close();
    expect(spaceOf(at) - before).toBeLessThanOrEqual(64 * 1024);
    const again = open();
    const bytes = new Uint8Array(6);
    const fd = again.mount.open("/large", O_RDWR);
    expect(again.mount.fstat(fd).size).toBe(2 ** 30);
    again.mount.read(fd, bytes, 0, 6, 2 ** 29 - 1);
    expect([...bytes]).toEqual([0, 0x74, 1, 0x78, 0x74, 0]);
    again.mount.close(fd);
    again.close();
  });

  test("dead bytes are given back at a commit point, also while a snapshot still reads them", () => {
    const { at, open } = made();
    const upper = open({ worthRewriting: MIB });
    upper.mount.writeFile("/stays", new Uint8Array(MIB).fill(7));
    upper.mount.writeFile("/first", new Uint8Array(MIB).fill(1));
    upper.commit();
    const snapshot = upper.mount.snapshot();
    const shown = show(upper.mount);
    let most = 0;
    for (let round = 2; round < 40; round++) {
      upper.mount.writeFile("/first", new Uint8Array(MIB).fill(round));
      upper.commit();
      most = Math.max(most, spaceOf(at));
    }
    expect(most).toBeLessThan(7 * MIB);
    upper.mount.restore(snapshot);
    expect(show(upper.mount)).toEqual(shown);
    upper.close();
    const again = open();
    expect(show(again.mount)).toEqual(shown);
    again.mount.unlink("/stays");
    again.mount.unlink("/first");
    again.close();
    expect(segmentsOf(at)).toEqual([]);
  });

  test("what was written without a name, and lay in a segment that is gone, is there once it has one", () => {
    const { at, open } = made();
    const upper = open();
    const { mount } = upper;
    const fd = mount.open("/", O_RDWR | O_TMPFILE);
    mount.write(fd, new Uint8Array(2 * MIB).fill(5));
    mount.chmod("/etc", 0o700);
    upper.commit();
    expect(segmentsOf(at)).toEqual([]);
    mount.linkFile(fd, "/named");
    mount.close(fd);
    upper.close();
    const again = open();
    expect(Buffer.compare(again.mount.readFile("/named"), new Uint8Array(2 * MIB).fill(5))).toBe(0);
    again.close();
  });

  test("a fork shares segments, which are rewritten by none of those that share them", () => {
    const { at, tree, open } = made();
    const upper = open({ worthRewriting: MIB });
    upper.mount.writeFile("/large", new Uint8Array(8 * MIB).fill(1));
    upper.commit();
    const to = join(temporaryFolder(), "fork");
    diskUppers.fork(at, to);
    const [segment = ""] = segmentsOf(to);
    expect(statSync(join(to, segment)).ino).toBe(statSync(join(at, segment)).ino);
    const fork = diskUppers.open(to, tree, { worthRewriting: MIB });
    fork.mount.truncate("/large", MIB);
    fork.close();
    expect(segmentsOf(to)).toEqual([segment]);
    upper.close();
    diskUppers.remove(at);
    const alone = diskUppers.open(to, tree, { worthRewriting: MIB });
    alone.mount.writeFile("/more", "more");
    alone.close();
    expect(segmentsOf(to)).not.toContain(segment);
    expect(spaceOf(to)).toBeLessThan(2 * MIB);
    const last = diskUppers.open(to, tree);
    expect(Buffer.compare(last.mount.readFile("/large"), new Uint8Array(MIB).fill(1))).toBe(0);
    last.close();
  });

  test("a commit point without changes writes nothing", () => {
    const { at, open } = made();
    const upper = open();
    upper.mount.writeFile("/file", "text");
    upper.commit();
    const states = () =>
      readdirSync(at).map((name) => (name === "writer" ? 0 : statSync(join(at, name)).mtimeMs));
    const before = states();
    upper.commit();
    upper.mount.readFile("/file");
    upper.mount.sync();
    expect(states()).toEqual(before);
    upper.close();
  });
});

describe("memory and cost", () => {
  test("invariant 8: 512 MiB are written with less than 200 MB in memory, and no commit point", () => {
    const { at, tree, open } = made();
    const upper = open();
    const chunk = new Uint8Array(MIB);
    const fd = upper.mount.open("/large", O_RDWR | O_CREAT);
    const before = memory();
    let most = 0;
    for (let i = 0; i < 512; i++) {
      chunk.fill(i);
      upper.mount.write(fd, chunk);
      most = Math.max(most, memory() - before);
    }
    console.log(`512 MiB written: at most ${(most / MIB).toFixed(0)} MiB more in memory`);
    expect(most).toBeLessThan(200e6);
    const reader = diskUppers.read(at, tree);
    expect(reader.mount.exists("/large")).toBe(false);
    reader.close();
    upper.mount.close(fd);
    upper.close();
    const again = open();
    const from = again.mount.open("/large", O_RDWR);
    for (const i of [0, 63, 64, 255, 256, 511]) {
      again.mount.read(from, chunk, 0, MIB, i * MIB);
      expect(chunk.every((byte) => byte === i % 256)).toBe(true);
    }
    again.discard();
  });

  test("a single write larger than memory may hold is spilled on the way", () => {
    const { open } = made();
    const upper = open({ residentBytes: 4 * MIB });
    const bytes = new Uint8Array(40 * MIB).map((_, i) => i >> 12);
    const before = memory();
    upper.mount.writeFile("/large", bytes);
    expect(memory() - before).toBeLessThan(24 * MIB);
    expect(Buffer.compare(upper.mount.readFile("/large"), bytes)).toBe(0);
    upper.close();
  });

  test("100,000 random writes of 4 KiB, committed now and then: near-linear, and all there", () => {
    const { open } = made(treeOf([sparse("large", 2 ** 30, [], "")]));
    const upper = open();
    const fd = upper.mount.open("/large", O_RDWR);
    const page = Buffer.alloc(4096);
    const last = new Map<number, number>();
    const times: number[] = [];
    let state = 1;
    for (let part = 0; part < 4; part++) {
      const start = performance.now();
      for (let i = 0; i < 25_000; i++) {
        state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
        const at = (state >>> 10) % 2 ** 18;
        page.writeUInt32LE(part * 25_000 + i, 0);
        upper.mount.write(fd, page, 0, 4096, at * 4096);
        last.set(at, part * 25_000 + i);
        if (i % 5_000 === 4_999) upper.mount.fsync(fd);
      }
      times.push(performance.now() - start);
    }
    console.log(
      `25,000 random writes and 5 commit points, four times: ${times.map((time) => time.toFixed(0))} ms`,
    );
    upper.mount.close(fd);
    upper.close();
    const start = performance.now();
    const again = open();
    console.log(`opened in ${(performance.now() - start).toFixed(0)} ms`);
    const from = again.mount.open("/large", O_RDWR);
    for (const [at, value] of last) {
      again.mount.read(from, page, 0, 4, at * 4096);
      if (page.readUInt32LE(0) !== value) expect(`page ${at}`).toBe(`of write ${value}`);
    }
    again.close();
  });

  test("10,000 files: one commit point, and opening", () => {
    const { open, at, tree } = made();
    const upper = open();
    upper.mount.mkdir("/files");
    for (let i = 0; i < 10_000; i++) upper.mount.writeFile(`/files/${i}`, `content of ${i}`);
    let start = performance.now();
    upper.commit();
    const committed = performance.now() - start;
    start = performance.now();
    upper.mount.writeFile("/files/one more", "one more");
    upper.commit();
    const another = performance.now() - start;
    upper.close();
    start = performance.now();
    const again = open();
    const opened = performance.now() - start;
    start = performance.now();
    const reader = diskUppers.read(at, tree);
    const read = performance.now() - start;
    console.log(
      `10,000 files: committed in ${committed.toFixed(0)} ms, one more in ${another.toFixed(1)} ms; ` +
        `opened in ${opened.toFixed(0)} ms, read in ${read.toFixed(0)} ms`,
    );
    expect(reader.mount.readdir("/files")).toHaveLength(10_001);
    expect(new TextDecoder().decode(again.mount.readFile("/files/9999"))).toBe("content of 9999");
    reader.close();
    again.close();
  });
});

describe("invariant 9: an upper that cannot be opened says why, and stays as it is", () => {
  function written(): Made {
    const upper = made();
    const { mount, close } = ((open) => ({ mount: open.mount, close: () => open.close() }))(upper.open());
    mount.mkdir("/dir");
    mount.writeFile("/dir/file", "text".repeat(200_000));
    mount.chmod("/etc/motd", 0o600);
    close();
    return upper;
  }

  function edit(at: string, change: (metadata: Metadata) => void): void {
    const metadata = Metadata.open(join(at, "upper.mdb"))!;
    metadata.transaction(() => change(metadata));
    metadata.close();
  }

  /** The number of the first new inode. */
  const DIR = 2 ** 48;

  function value(...fields: number[]): Uint8Array {
    const out = new Output();
    for (const field of fields) out.varint(field);
    return out.written();
  }

  test.each<[string, string, RegExp, (at: string) => void]>([
    ["a segment that is gone", "damaged", /segment/, (at) => rmSync(join(at, "00000001.segment"))],
    [
      "a segment that is too short",
      "damaged",
      /00000001\.segment has 4096 bytes/,
      (at) => truncateSync(join(at, "00000001.segment"), 4096),
    ],
    [
      "metadata that is none",
      "damaged",
      /metadata/,
      (at) => writeFileSync(join(at, "upper.mdb"), "no database ".repeat(2000)),
    ],
    ["a newer format", "format", /format 7/, (at) => edit(at, (m) => m.put(headerKey, value(7)))],
    [
      "a key of no known kind",
      "damaged",
      /key/,
      (at) => edit(at, (m) => m.put(new Uint8Array([9, 0, 0, 0, 0, 0, 0, 0, 0]), value(1))),
    ],
    [
      "an inode record of nonsense",
      "damaged",
      /record of inode/,
      (at) => edit(at, (m) => m.put(inodeKey(DIR), new Uint8Array([1, 2, 3]))),
    ],
    [
      "a name that leads to nothing",
      "damaged",
      /nowhere/,
      (at) => edit(at, (m) => m.put(entryKey(DIR, "nowhere"), value(DIR + 1000))),
    ],
    [
      "a name of an inode without a record",
      "damaged",
      /has no record/,
      (at) => edit(at, (m) => m.put(entryKey(DIR + 1000, "name"), value(DIR))),
    ],
    [
      "a lower inode without a reference",
      "damaged",
      /no reference/,
      (at) => edit(at, (m) => m.put(entryKey(DIR, "name"), value(12_345))),
    ],
    [
      "a byte of a value that is another",
      "damaged",
      /checksum/,
      (at) => {
        const path = join(at, "upper.mdb");
        const bytes = readFileSync(path);
        for (let i = bytes.indexOf("/etc/motd"); i >= 0; i = bytes.indexOf("/etc/motd", i))
          bytes.write("/etc/mote", i);
        writeFileSync(path, bytes);
      },
    ],
    [
      "a pair that got lost",
      "damaged",
      /not complete/,
      (at) => {
        const raw = openEnvironment({
          path: join(at, "upper.mdb"),
          noSubdir: true,
          encoding: "binary",
          keyEncoding: "binary",
          overlappingSync: false,
          maxDbs: 0,
        });
        raw.removeSync(entryKey(DIR, "file"));
        void raw.close();
      },
    ],
    ["no header", "missing", /no container/, (at) => edit(at, (m) => m.remove(headerKey))],
  ])("%s", (_, code, message, damage) => {
    const { at, tree, open } = written();
    damage(at);
    const files = () => readdirSync(at).sort();
    const before = files();
    for (const attempt of [open, () => diskUppers.read(at, tree)]) {
      let error: unknown;
      try {
        attempt();
      } catch (thrown) {
        error = thrown;
      }
      expect(error).toBeInstanceOf(UpperError);
      expect((error as UpperError).code).toBe(code);
      expect((error as UpperError).message).toMatch(message);
    }
    expect(files()).toEqual(before);
  });

  test("M22: an image of the same digest in which a path is another inode is told apart", () => {
    const diffID = `sha256:${"2".padStart(64, "0")}` as const;
    const one = applyLayers([{ ...layer(dir("a"), file("a/x"), file("a/y")), diffID }]);
    const other = applyLayers([{ ...layer(dir("a"), file("a/y"), file("a/x")), diffID }]);
    const { at, open } = made(one);
    const upper = open();
    upper.mount.chmod("/a/x", 0o600);
    upper.close();
    expect(() => diskUppers.open(at, other)).toThrow(/\/a\/x is not inode/);
    open().close();
  });

  test("a container whose making was interrupted is none, and can be made", () => {
    const { at, tree } = written();
    const to = join(temporaryFolder(), "half");
    diskUppers.fork(at, to);
    rmSync(join(to, "upper.mdb"));
    rmSync(join(to, "upper.mdb-lock"));
    copyFileSync(join(at, "00000001.segment"), join(to, "00000002.segment"));
    expect(() => diskUppers.open(to, tree)).toThrow(/no container/);
    diskUppers.create(to, tree);
    expect(segmentsOf(to)).toEqual([]);
    const upper = diskUppers.open(to, tree);
    expect([...upper.mount.changes()]).toEqual([]);
    upper.close();
  });
});
