/**
 * Layers as they are written: what is in them, in which order, and what is refused. Rules 48 to 64.
 */
import { describe, expect, test } from "vitest";
import { applyLayers } from "../../src/layer/apply.ts";
import type { Layer } from "../../src/layer/layer.ts";
import { layerFromBytes } from "../../src/layer/read.ts";
import { type WriteLayerOptions, type WrittenLayer, writeLayer } from "../../src/layer/write.ts";
import { errno } from "../../src/posix/errno.ts";
import { makeDevice } from "../../src/posix/mode.ts";
import { fromSeconds } from "../../src/posix/time.ts";
import { ArchiveError, type Entry } from "../../src/tar/entry.ts";
import type { Change, ChangeSet } from "../../src/tree/change.ts";
import { BufferContent, type Content, EMPTY_CONTENT, HoleContent } from "../../src/tree/content.ts";
import { diffTrees } from "../../src/tree/diff.ts";
import { type Inode, NO_XATTRS } from "../../src/tree/inode.ts";
import { createMount } from "../../src/union/mount.ts";
import { recordedTree } from "../property/recorded.ts";
import { block, char, type Draft, dir, fifo, file, hard, layer, link, treeOf, xattrsOf } from "./build.ts";

const base = { mode: 0o644, uid: 0, gid: 0, mtime: 0n, xattrs: NO_XATTRS };
const text = (bytes: string): Inode => ({
  ...base,
  kind: "file",
  content: new BufferContent(new TextEncoder().encode(bytes)),
});
const DIRECTORY: Inode = { ...base, kind: "directory", mode: 0o755 };
const SOCKET: Inode = { ...base, kind: "socket" };

/** Changes as listed; every ancestor is a plain directory. */
function changeSet(...changes: readonly Change[]): ChangeSet {
  return { [Symbol.iterator]: () => changes[Symbol.iterator](), ancestor: () => DIRECTORY };
}
const added = (path: string, inode: Inode = text("")): Change => ({ kind: "added", path, inode });
const modified = (path: string, inode: Inode = text("")): Change => ({ kind: "modified", path, inode });
const deleted = (path: string): Change => ({ kind: "deleted", path });

function written(changes: ChangeSet, options?: WriteLayerOptions): WrittenLayer {
  const result = writeLayer(changes, options);
  if (result === undefined) throw new Error("no layer");
  return result;
}

function bytesOf(layer: WrittenLayer): Buffer {
  return Buffer.concat([...layer.chunks()]);
}

const names = (layer: Layer) => [...layer.entries()].map(({ name }) => name);

/** Names in the layer that leads from one tree to another. */
function between(before: readonly Draft[], after: readonly Draft[]): string[] {
  const layer = writeLayer(diffTrees(treeOf(before), treeOf(after)));
  return layer === undefined ? [] : names(layer);
}

const entry = (layer: Layer, name: string): Entry => {
  const found = [...layer.entries()].find((entry) => entry.name === name);
  if (found === undefined) throw new Error(`no entry ${name}`);
  return found;
};

describe("what is in a layer", () => {
  test.each<[string, before: Draft[], after: Draft[], names: string[]]>([
    ["rule 50: a deleted file", [dir("d"), file("d/f")], [dir("d")], ["d/", "d/.wh.f"]],
    [
      "rule 50: a deleted directory is one whiteout",
      [dir("d"), dir("d/e"), file("d/e/f"), file("g")],
      [file("g")],
      [".wh.d"],
    ],
    ["rule 51: a file where a directory was", [dir("d"), file("d/f")], [file("d", "x")], ["d"]],
    [
      "rule 51: a directory where a file was is explicit",
      [file("f", "x")],
      [dir("f"), file("f/g")],
      ["f/", "f/g"],
    ],
    [
      "rule 52: a directory made anew whites out what vanished in it",
      [dir("d"), file("d/a"), file("d/b"), dir("d/c"), file("d/c/x")],
      [dir("d"), file("d/b"), file("d/n")],
      ["d/", "d/.wh.a", "d/.wh.c", "d/n"],
    ],
    ["rule 53: the same size and time, other bytes", [file("f", "abc")], [file("f", "abd")], ["f"]],
    [
      "rule 53: a directory's own time",
      [dir("d"), file("d/f")],
      [dir("d", { mtime: fromSeconds(5) }), file("d/f")],
      ["d/"],
    ],
    [
      "rule 54: every ancestor once, before what lies below",
      [dir("a"), dir("a/b"), dir("a/b/c"), dir("z")],
      [dir("a"), dir("a/b"), dir("a/b/c"), file("a/b/c/1"), file("a/b/c/2"), file("a/b/d"), dir("z")],
      ["a/", "a/b/", "a/b/c/", "a/b/c/1", "a/b/c/2", "a/b/d"],
    ],
    ["rule 54: the root is an entry when it is a change", [dir(".")], [dir(".", { uid: 1 })], ["./"]],
    ["rule 54: and not for what is in it", [dir(".")], [dir("."), file("f")], ["f"]],
    [
      "rule 54: nor for its time",
      [dir(".", { mtime: fromSeconds(1) })],
      [dir(".", { mtime: fromSeconds(2) }), file("f")],
      ["f"],
    ],
    [
      "rule 56: whiteouts before siblings, in every directory",
      [dir("d"), file("d/a"), file("d/z"), file("e"), file("x")],
      [dir("d"), file("d/a", "1"), file("d/b"), file("f")],
      [".wh.e", ".wh.x", "d/", "d/.wh.z", "d/a", "d/b", "f"],
    ],
    [
      "rule 49: a directory's content follows it, before names that begin like it",
      [],
      [dir("d"), file("d-before"), dir("d/e"), file("d/e/f"), file("d.txt"), file("d0")],
      ["d/", "d/e/", "d/e/f", "d-before", "d.txt", "d0"],
    ],
    [
      "rule 49: by bytes, not by UTF-16 units",
      [],
      [file("\u{1f600}"), file("\uff5e"), file("\udcff"), file("\u00e9")],
      ["\u00e9", "\uff5e", "\u{1f600}", "\udcff"],
    ],
    [
      "rule 58: devices and fifos",
      [],
      [char("c", 1, 3), block("b", 4095, 1048575), fifo("p")],
      ["b", "c", "p"],
    ],
    ["a symlink where a directory was", [dir("d"), file("d/f")], [link("d", "/e")], ["d"]],
    ["another target", [link("l", "a")], [link("l", "b")], ["l"]],
    [
      "rule 57: first name the file, then links, in path order",
      [],
      [dir("b"), file("b/two", "x"), hard("a", "b/two"), dir("c"), hard("c/three", "a")],
      ["a", "b/", "b/two", "c/", "c/three"],
    ],
    [
      "rule 57: a new link to an unchanged file brings all its names",
      [dir("d"), file("d/f", "x"), hard("g", "d/f")],
      [dir("d"), file("d/f", "x"), hard("g", "d/f"), hard("new", "g")],
      ["d/", "d/f", "g", "new"],
    ],
    [
      "rule 57: so does a changed one",
      [file("a", "x"), hard("b", "a")],
      [file("a", "y"), hard("b", "a")],
      ["a", "b"],
    ],
    ["rule 32: a name less changes no other", [file("a", "x"), hard("b", "a")], [file("a", "x")], [".wh.b"]],
    ["rule 63: nothing changed", [dir("d"), file("d/f", "x")], [dir("d"), file("d/f", "x")], []],
  ])("%s", (_, before, after, expected) => {
    expect(between(before, after)).toEqual(expected);
  });

  test("rule 63: no change, no layer", () => {
    expect(writeLayer(changeSet())).toBeUndefined();
  });

  test("rule 57: a link to a symlink is a link", () => {
    const layer = written(diffTrees(treeOf([]), treeOf([link("a", "x"), hard("b", "a")])));
    expect([...layer.entries()]).toMatchObject([
      { type: "symlink", name: "a", target: "x" },
      { type: "hardlink", name: "b", target: "a" },
    ]);
  });

  test("rule 31: a link's header has its inode's owner and mode, and no xattrs", () => {
    const given = { mode: 0o4750, uid: 3, gid: 2 ** 31, xattrs: { "user.a": "1" } };
    const layer = written(diffTrees(treeOf([]), treeOf([file("a", "x", given), hard("b", "a")])));
    expect(entry(layer, "a")).toMatchObject({ mode: 0o4750, uid: 3, gid: 2 ** 31, size: 1 });
    expect(entry(layer, "b")).toMatchObject({ mode: 0o4750, uid: 3, gid: 2 ** 31, xattrs: NO_XATTRS });
  });

  test("rule 54: ancestors keep the attributes of the merged view", () => {
    const given = { mode: 0o1777, uid: 7, gid: 8, mtime: fromSeconds(9), xattrs: { "user.a": "b" } };
    const before = treeOf([dir("tmp", given)]);
    const after = treeOf([dir("tmp", given), file("tmp/f")]);
    const layer = written(diffTrees(before, after));
    expect(entry(layer, "tmp/")).toMatchObject({
      mode: 0o1777,
      uid: 7,
      gid: 8,
      mtime: fromSeconds(9),
      xattrs: xattrsOf({ "user.a": "b" }),
    });
  });

  test("rule 55: whiteouts are 0600, opaque marks 0755, both empty, of root, at the epoch", () => {
    const layer = written(
      changeSet(
        { kind: "modified", path: "/d", inode: DIRECTORY, opaque: true },
        added("/d/n"),
        deleted("/x"),
      ),
      { sourceDateEpoch: 1_700_000_000 },
    );
    const blank = { type: "file", uid: 0, gid: 0, mtime: 0n, size: 0, xattrs: NO_XATTRS };
    expect(entry(layer, ".wh.x")).toMatchObject({ ...blank, mode: 0o600 });
    expect(entry(layer, "d/.wh..wh..opq")).toMatchObject({ ...blank, mode: 0o755 });
  });

  test("rule 52: an opaque mark follows its directory, before all it holds", () => {
    const layer = written(
      changeSet(
        { kind: "modified", path: "/", inode: DIRECTORY, opaque: true },
        added("/a"),
        { kind: "modified", path: "/d", inode: DIRECTORY, opaque: true },
        added("/d/-"),
      ),
    );
    expect(names(layer)).toEqual(["./", ".wh..wh..opq", "a", "d/", "d/.wh..wh..opq", "d/-"]);
  });

  test("rule 58: a socket is left out; where it replaced something, that is gone", () => {
    const layer = written(
      changeSet(
        added("/a"),
        modified("/run", DIRECTORY),
        added("/run/new", SOCKET),
        modified("/run/old", SOCKET),
      ),
    );
    expect(names(layer)).toEqual(["a", "run/", "run/.wh.old"]);
    expect(writeLayer(changeSet(added("/run/s", SOCKET)))).toBeUndefined();
  });

  test("rule 64: a renamed directory is a whiteout and all it holds", () => {
    const mount = createMount(treeOf([dir("d"), dir("d/e"), file("d/e/f", "x"), link("d/l", "f")]));
    mount.rename("/d", "/new");
    expect(names(written(mount.changes()))).toEqual([".wh.d", "new/", "new/e/", "new/e/f", "new/l"]);
  });

  test("L62: a sparse file is written plain, its holes as zeros", () => {
    const content: Content = new HoleContent(3000);
    const layer = written(changeSet(added("/hole", { ...base, kind: "file", content })));
    expect(layer.archive.size).toBe(512 + 3072 + 1024);
    expect(entry(layer, "hole")).toMatchObject({ type: "file", size: 3000, start: 512 });
    expect(entry(layer, "hole")).not.toHaveProperty("extents");
    expect(
      bytesOf(layer)
        .subarray(512)
        .equals(Buffer.alloc(3072 + 1024)),
    ).toBe(true);
  });

  test("rule 60: every xattr is kept, whatever its namespace", () => {
    const xattrs = xattrsOf({
      "trusted.x": "1",
      "user.overlayed": "2",
      "security.selinux": "3",
      "system.nfs4_acl": "4",
      "user.\u00e9": "\0\udcff",
    });
    const layer = written(changeSet(added("/f", { ...base, kind: "file", content: EMPTY_CONTENT, xattrs })));
    expect(entry(layer, "f").xattrs).toEqual(xattrs);
  });
});

describe("rule 59: times", () => {
  const at = (mtime: bigint): Inode => ({ ...base, kind: "fifo", mtime });
  test.each<[string, mtime: bigint, epoch: number | undefined, expected: bigint]>([
    ["whole seconds", 1_999_999_999n, undefined, fromSeconds(1)],
    ["floored before 1970, too", -1n, undefined, fromSeconds(-1)],
    ["a later one is set back to SOURCE_DATE_EPOCH", fromSeconds(100), 50, fromSeconds(50)],
    ["an earlier one is not raised", fromSeconds(10, 5), 50, fromSeconds(10)],
    ["one within its second stays", fromSeconds(50, 999), 50, fromSeconds(50)],
    ["an epoch of 0", fromSeconds(1), 0, 0n],
    ["one before 1970 stays", fromSeconds(-5), 0, fromSeconds(-5)],
  ])("%s", (_, mtime, sourceDateEpoch, expected) => {
    const layer = written(changeSet(added("/p", at(mtime))), { sourceDateEpoch });
    expect(entry(layer, "p").mtime).toBe(expected);
  });

  test("SOURCE_DATE_EPOCH holds for ancestors and links, too", () => {
    const late = { mtime: fromSeconds(100) };
    const before = treeOf([dir("d", late)]);
    const after = treeOf([dir("d", late), file("d/a", "", late), hard("d/b", "d/a"), link("d/l", "a", late)]);
    const layer = written(diffTrees(before, after), { sourceDateEpoch: 50 });
    for (const { mtime } of layer.entries()) expect(mtime).toBe(fromSeconds(50));
  });

  test("an epoch that is no whole number is refused", () => {
    expect(() => writeLayer(changeSet(added("/f")), { sourceDateEpoch: 1.5 })).toThrowError(
      expect.objectContaining({ code: "range" }),
    );
  });
});

/** Relative to the root one byte too long for PATH_MAX, which counts a NUL at the end. */
const DEEP = `/${"d".repeat(127)}/${"d".repeat(128)}${`/${"n".repeat(255)}`.repeat(15)}`;

describe("what a layer cannot represent is refused before anything is written", () => {
  const withXattr = (name: string): Inode => ({ ...DIRECTORY, xattrs: xattrsOf({ [name]: "y" }) });
  test.each<[string, Change[], code: string, path: string]>([
    ["rule 61: a name that begins with .wh.", [added("/d/.wh.x")], "unrepresentable", "/d/.wh.x"],
    ["rule 61: of a directory", [added("/.wh.etc", DIRECTORY)], "unrepresentable", "/.wh.etc"],
    ["rule 22: above a change", [added("/.wh.etc/some")], "unrepresentable", "/.wh.etc"],
    ["rule 61: of what is deleted", [deleted("/d/.wh.x")], "unrepresentable", "/d/.wh.x"],
    [
      "rule 61: of a link",
      [added("/a"), { ...added("/.wh.b"), linkTo: "/a" } as Change],
      "unrepresentable",
      "/.wh.b",
    ],
    [
      "rule 26: a character device 0:0",
      [added("/c", { ...base, kind: "char", rdev: 0 })],
      "unrepresentable",
      "/c",
    ],
    [
      "rule 26: an xattr of overlayfs",
      [added("/d", withXattr("trusted.overlay.opaque"))],
      "unrepresentable",
      "/d",
    ],
    [
      "rule 26: the user's, too",
      [modified("/d", withXattr("user.overlay.redirect"))],
      "unrepresentable",
      "/d",
    ],
    ["rule 26: on the root", [modified("/", withXattr("user.overlay.x"))], "unrepresentable", "/"],
    ["rule 57: a link to nothing in the layer", [{ ...added("/b"), linkTo: "/a" } as Change], "link", "/b"],
    ["rule 36: uid 2^32-1", [added("/f", { ...DIRECTORY, uid: 2 ** 32 - 1 })], "range", "f/"],
    ["a name of 256 bytes", [added(`/${"n".repeat(256)}`)], "name", `/${"n".repeat(256)}`],
    [
      "a name of 86 letters of three bytes",
      [added(`/${"\u4e2d".repeat(86)}`)],
      "name",
      `/${"\u4e2d".repeat(86)}`,
    ],
    ["a path of 4,096 bytes", [added(DEEP)], "name", DEEP],
  ])("%s", (_, changes, code, path) => {
    const write = () =>
      writeLayer(changeSet(added("/!first"), ...changes.filter(({ path }) => path !== "/")));
    const attempt = path === "/" ? () => writeLayer(changeSet(...changes)) : write;
    expect(attempt).toThrowError(ArchiveError);
    expect(attempt).toThrowError(expect.objectContaining({ code, entry: path }));
  });

  test.each<[string, Change]>([
    ["a block device 0:0", added("/b", { ...base, kind: "block", rdev: 0 })],
    ["a name that has .wh. further on", added("/a.wh.b")],
    ["a name of 255 bytes", added(`/${"n".repeat(255)}`)],
    ["the whiteout of a name of 255 bytes", deleted(`/${"n".repeat(255)}`)],
    ["an xattr that is nearly overlayfs's", added("/d", withXattr("user.overlays.x"))],
  ])("but not %s", (_, change) => {
    expect(writeLayer(changeSet(change))).toBeDefined();
  });
});

describe("the archive", () => {
  const everything: Draft[] = [
    dir("./", { mode: 0o711, xattrs: { "user.root": "\0=\udcff" } }),
    dir("d", { mtime: fromSeconds(-7), xattrs: { "user.b": "", "user.a=c": "v" } }),
    file("d/big", "x".repeat(1000), { uid: 2 ** 32 - 2, gid: 2 ** 21, mode: 0o7777 }),
    file("d/none"),
    hard("d/same", "d/big"),
    link("d/link", "t".repeat(300)),
    file(`d/${"n".repeat(255)}`, "long"),
    file(`d/\udcff${"n".repeat(200)}`, "bytes"),
    dir("\u00e9"),
    file("\u00e9/\udc80", "block".repeat(200)),
    char("null", 1, 3),
    block("disk", 4095, 1048575),
    fifo("pipe"),
  ];
  const gone: Draft[] = [file("gone"), file("d/gone")];
  const below = layer(...gone);
  const composed = () => written(diffTrees(treeOf(gone), treeOf(everything)), { sourceDateEpoch: 2 ** 33 });

  test("is read back as what was written, entry by entry", async () => {
    const out = composed();
    const bytes = bytesOf(out);
    const read = await layerFromBytes(bytes);
    expect([...read.entries()]).toEqual([...out.entries()]);
    expect(read.diffID).toBe(out.diffID);
    expect(out.archive.size).toBe(bytes.length);
    expect(recordedTree(applyLayers([below, read]))).toEqual(recordedTree(treeOf(everything)));
  });

  test("is a layer itself: applied without being written", () => {
    expect(recordedTree(applyLayers([below, composed()]))).toEqual(recordedTree(treeOf(everything)));
  });

  test("30 times the same bytes, however it is read", async () => {
    const first = bytesOf(composed());
    for (let i = 0; i < 29; i++) {
      const again = composed();
      const chunks: Uint8Array[] = [];
      for await (const chunk of again.stream()) chunks.push(chunk);
      expect(Buffer.concat(chunks).equals(first)).toBe(true);
    }
  });

  test("gives the same at any position and length", () => {
    const { archive } = composed();
    const all = bytesOf(composed());
    let state = 7;
    const random = (below: number) => {
      state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
      return state % below;
    };
    for (let i = 0; i < 2000; i++) {
      const position = random(all.length + 100);
      const length = random(3000);
      const target = Buffer.alloc(length + 10, 0xaa);
      const got = archive.read(target, 5, length, position);
      expect(got).toBe(Math.max(0, Math.min(length, all.length - position)));
      expect(target.subarray(5, 5 + got).equals(all.subarray(position, position + got))).toBe(true);
      expect(target.subarray(0, 5).every((byte) => byte === 0xaa)).toBe(true);
      expect(target.subarray(5 + got).every((byte) => byte === 0xaa)).toBe(true);
    }
  });

  test("and where every entry starts, in any order", () => {
    const { archive } = composed();
    const all = bytesOf(composed());
    const starts = [...composed().entries()].map(({ offset }) => offset);
    const shuffled = starts.map((_, i) => starts[(i * 7) % starts.length]!);
    for (const offset of shuffled) {
      const header = Buffer.alloc(512);
      expect(archive.read(header, 0, 512, offset)).toBe(512);
      expect(header.equals(all.subarray(offset, offset + 512))).toBe(true);
    }
  });

  test("knows its digest once it was read, and reads for it otherwise", async () => {
    let reads = 0;
    const content: Content = {
      ...EMPTY_CONTENT,
      size: 3,
      read(target, offset) {
        reads += 1;
        target.fill(0x61, offset, offset + 3);
        return 3;
      },
    };
    const inode: Inode = { ...base, kind: "file", content };
    const streamed = written(changeSet(added("/f", inode)));
    for await (const _ of streamed.stream());
    expect(streamed.diffID).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect(reads).toBe(1);
    const asked = written(changeSet(added("/f", inode)));
    expect(asked.diffID).toBe(streamed.diffID);
    expect(asked.diffID).toBe(streamed.diffID);
    expect(reads).toBe(2);
  });

  test("a header of 100 GiB costs nothing to make", () => {
    const content = new HoleContent(100 * 2 ** 30);
    const layer = written(changeSet(added("/big", { ...base, kind: "file", content }), added("/after")));
    const [big, after] = [...layer.entries()] as [Entry, Entry];
    expect(big).toMatchObject({ size: content.size, start: 3 * 512 });
    expect(after.offset).toBe(3 * 512 + content.size);
    expect(layer.archive.size).toBe(after.offset + 512 + 1024);
    const header = new Uint8Array(512);
    expect(layer.archive.read(header, 0, 512, after.offset)).toBe(512);
    expect(Buffer.from(header.subarray(0, 6)).toString()).toBe("after\0");
  });

  test("waits for content that is not local", async () => {
    const ready = new Set<number>();
    const prepared: [number, number][] = [];
    const content: Content = {
      size: 600_000,
      nextData: (position) => position,
      nextHole: () => 600_000,
      read(target, offset, length, position) {
        const end = Math.min(position + length, 600_000);
        for (let at = position; at < end; at += 1) if (!ready.has(at >> 16)) return -errno.EAGAIN;
        target.fill(0x62, offset, offset + end - position);
        return end - position;
      },
      async prepare(start, end) {
        prepared.push([start, end]);
        for (let at = start; at < end; at++) ready.add(at >> 16);
      },
    };
    const changes = changeSet(added("/a"), added("/far", { ...base, kind: "file", content }), added("/z"));
    const chunks: Uint8Array[] = [];
    for await (const chunk of written(changes).stream()) chunks.push(chunk);
    const all = Buffer.concat(chunks);
    expect(all.subarray(1024, 1024 + 600_000).equals(Buffer.alloc(600_000, 0x62))).toBe(true);
    expect(prepared[0]).toEqual([0, 256 * 1024 - 1024]);
    expect(() => bytesOf(written(changes))).not.toThrow();
    ready.clear();
    expect(() => bytesOf(written(changes))).toThrowError(/"far".*/);
  });

  test.each<[string, read: Content["read"], reason: string]>([
    ["cannot be read", () => -errno.EIO, "EIO"],
    [
      "is shorter than it said",
      (_target, _offset, length, position) => Math.max(0, Math.min(length, 10 - position)),
      "EIO",
    ],
  ])("a content that %s is an error that names the file", async (_, read, reason) => {
    const content: Content = { ...EMPTY_CONTENT, size: 20, read };
    const changes = changeSet(
      added("/a"),
      added("/d/broken", { ...base, kind: "file", content }),
      added("/z"),
    );
    const expected = expect.objectContaining({
      code: "source",
      entry: "d/broken",
      message: expect.stringContaining(reason),
    });
    expect(() => bytesOf(written(changes))).toThrowError(expected);
    const stream = async () => {
      for await (const _ of written(changes).stream());
    };
    await expect(stream()).rejects.toThrowError(expected);
  });

  test("closing frees the contents once; reads fail afterwards", () => {
    let released = 0;
    const layer = writeLayer(changeSet(added("/f")), {}, () => released++)!;
    layer.archive.close();
    layer.archive.close();
    expect(released).toBe(1);
    expect(layer.archive.read(new Uint8Array(1), 0, 1, 0)).toBe(-errno.EBADF);
  });
});

describe("a mount's changes", () => {
  test("device, fifo, socket, xattr and links come out as they are in it", () => {
    const mount = createMount(treeOf([dir("dev"), file("a", "x"), hard("b", "a")]));
    mount.mknod("/dev/null", "char", 0o666, makeDevice(1, 3));
    mount.mknod("/fifo", "fifo");
    mount.mknod("/sock", "socket");
    mount.setxattr("/a", "user.k", new Uint8Array([0, 255]));
    mount.link("/a", "/c");
    const layer = written(mount.changes());
    expect(names(layer)).toEqual(["a", "b", "c", "dev/", "dev/null", "fifo"]);
    expect(entry(layer, "dev/null")).toMatchObject({ type: "char", rdev: makeDevice(1, 3), mode: 0o644 });
  });
});
