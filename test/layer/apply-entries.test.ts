import { describe, expect, test } from "vitest";
import { readAll } from "../../src/tree/content.ts";
import type { PackedTree } from "../../src/tree/packed.ts";
import { nodeAt } from "../tree/describe.ts";
import { block, char, type Draft, dir, fifo, file, gone, hard, link, sparse, treeOf } from "./build.ts";
import { testErrors, testTrees } from "./cases.ts";

describe("collisions", () => {
  testTrees([
    {
      rule: "rule 8: a directory over a directory keeps the children",
      layers: [[dir("d"), file("d/x")], [dir("d", { mode: 0o700 })]],
      tree: { "/d": "directory 700", "/d/x": 'file 644 ""' },
    },
    {
      rule: "rule 9: a file over a directory removes the tree below it",
      layers: [[file("d/e/f"), file("d/g")], [file("d", "now")]],
      tree: { "/d": 'file 644 "now"' },
    },
    {
      rule: "rule 9: a directory over a link to a directory replaces the link",
      layers: [
        [dir("d"), file("d/x"), link("l", "d")],
        [dir("l"), file("l/y")],
      ],
      tree: { "/d": "directory 755", "/d/x": 'file 644 ""', "/l": "directory 755", "/l/y": 'file 644 ""' },
    },
    {
      rule: "rule 9: a file over a link replaces the link and never writes through it",
      layers: [[file("f", "old"), link("l", "f")], [file("l", "new")]],
      tree: { "/f": 'file 644 "old"', "/l": 'file 644 "new"' },
    },
    ...(
      [
        [file("x", "1"), 'file 644 "1"'],
        [link("x", "t"), "symlink → t"],
        [char("x", 1, 3), "char 600 1:3"],
        [block("x", 7, 0), "block 600 7:0"],
        [fifo("x"), "fifo 644"],
        [dir("x"), "directory 755"],
      ] as const
    ).map(([entry, line]) => ({
      rule: `rule 9: a ${entry.type} over anything`,
      layers: [[file("x/y/z")], [entry], [link("x", "q")], [entry], [file("x", "w")], [entry]] as Draft[][],
      tree: { "/x": line },
    })),
    {
      rule: "rule 10: of entries with one name in a layer the last one wins",
      layers: [[file("a", "1"), file("b/c"), link("a", "b"), file("a", "2"), file("b", "3"), dir("b")]],
      tree: { "/a": 'file 644 "2"', "/b": "directory 755" },
    },
  ]);

  test("rule 8: a directory over a directory replaces all attributes, xattrs cleared first (M18)", () => {
    const tree = treeOf(
      [dir("d", { uid: 1, gid: 2, mtime: 3n, xattrs: { "user.a": "1", "user.b": "2" } })],
      [dir("d", { mode: 0o711, uid: 4, gid: 5, mtime: 6n, xattrs: { "user.b": "3" } })],
      [dir("d", { mode: 0o711, uid: 4, gid: 5, mtime: 6n })],
    );
    const inode = tree.inode(nodeAt(tree, "/d"));
    expect([inode.mode, inode.uid, inode.gid, inode.mtime, inode.xattrs.size]).toEqual([0o711, 4, 5, 6n, 0]);
  });

  test("rule 9: nothing is written in place: other names of what is replaced keep it", () => {
    const tree = treeOf([file("a", "old"), hard("b", "a")], [file("a", "new")]);
    expect(readAll(contentAt(tree, "/b"))).toEqual(new TextEncoder().encode("old"));
    expect(tree.linkCount(nodeAt(tree, "/b"))).toBe(1);
  });
});

describe("hardlinks", () => {
  testTrees([
    {
      rule: "rule 27: the link name is relative to the root, cleaned, its parents followed",
      layers: [
        [file("d/f", "1"), link("l", "d"), hard("a", "/d/f"), hard("b", "./x/../d//f"), hard("l/c", "l/f")],
      ],
      tree: {
        "/a": 'file 644 "1"',
        "/b": 'file 644 "1"',
        "/d": "directory 755",
        "/d/c": 'file 644 "1"',
        "/d/f": 'file 644 "1"',
        "/l": "symlink → d",
      },
    },
    {
      rule: "rule 27: a hardlink to a symlink is one more name of the symlink",
      layers: [[file("f"), link("l", "f"), hard("m", "l")]],
      tree: { "/f": 'file 644 ""', "/l": "symlink → f", "/m": "symlink → f" },
    },
    {
      rule: "rule 28: the target may lie in a lower layer",
      layers: [
        [file("f", "1"), char("c", 1, 3)],
        [hard("g", "f"), hard("d", "c")],
      ],
      tree: { "/c": "char 600 1:3", "/d": "char 600 1:3", "/f": 'file 644 "1"', "/g": 'file 644 "1"' },
    },
    {
      rule: "rule 23: files below .wh..wh.plnk are only there for hardlinks to them",
      layers: [
        [
          dir(".wh..wh.plnk"),
          file(".wh..wh.plnk/1.2", "shared", { mode: 0o600 }),
          hard("a", ".wh..wh.plnk/1.2"),
          hard("d/b", "/.wh..wh.plnk/1.2"),
          file(".wh..wh.aufs"),
          dir(".wh..wh.orph"),
          file(".wh..wh.orph/x"),
        ],
      ],
      tree: { "/a": 'file 600 "shared"', "/d": "directory 755", "/d/b": 'file 600 "shared"' },
    },
  ]);

  testErrors([
    {
      rule: "rule 27: a link name above the root",
      layers: [[file("f"), hard("g", "../f")]],
      code: "link",
      says: "rule 27",
    },
    { rule: "rule 27: an empty link name", layers: [[hard("g", "")]], code: "link", says: "rule 27" },
    {
      rule: "rule 29: a target that is not there",
      layers: [[hard("g", "f")]],
      code: "link",
      says: "rule 29",
    },
    {
      rule: "rule 29: a target that comes after the link",
      layers: [[hard("g", "f"), file("f")]],
      code: "link",
      says: "rule 29",
      refused: 0,
    },
    {
      rule: "rule 29: a target in a directory that is not there",
      layers: [[hard("g", "d/f")]],
      code: "link",
      says: "rule 29",
    },
    {
      rule: "rule 29: a target whited out before",
      layers: [[file("f")], [gone("f"), hard("g", "f")]],
      code: "link",
      says: "rule 29",
    },
    {
      rule: "rule 29: a target that the link itself replaces",
      layers: [[file("d/f")], [hard("d", "d/f")]],
      code: "link",
      says: "rule 29",
    },
    {
      rule: "rule 29: a file of .wh..wh.plnk of another layer",
      layers: [[file(".wh..wh.plnk/1")], [hard("g", ".wh..wh.plnk/1")]],
      code: "link",
      says: "rule 29",
    },
    {
      rule: "rule 30: a directory as target",
      layers: [[dir("d"), hard("g", "d")]],
      code: "link",
      says: "rule 30",
    },
    { rule: "rule 30: the root as target", layers: [[hard("g", "/")]], code: "link", says: "rule 30" },
    {
      rule: "rule 30: a hardlink to itself",
      layers: [[dir("d"), file("d/f"), link("l", "d"), hard("d/f", "l/f")]],
      code: "link",
      says: "rule 30",
    },
  ]);

  test("rule 28: all names are one inode, and the tree lists them", () => {
    const tree = treeOf([file("f"), file("z")], [hard("d/g", "f")], [hard("a", "d/g")]);
    const node = nodeAt(tree, "/f");
    expect(nodeAt(tree, "/a")).toBe(node);
    expect(tree.linkCount(node)).toBe(3);
    expect(tree.slots(node)).toEqual([
      { directory: tree.root, name: "a" },
      { directory: tree.root, name: "f" },
      { directory: nodeAt(tree, "/d"), name: "g" },
    ]);
    expect(tree.linkCount(nodeAt(tree, "/z"))).toBe(1);
  });

  test("rule 31: what a hardlink's header says of mode, owner, time and xattrs is not applied", () => {
    const tree = treeOf(
      [file("f", "", { mode: 0o600, uid: 1, gid: 2, mtime: 3n })],
      [hard("g", "f", { mode: 0o4777, uid: 0, gid: 0, mtime: 9n, xattrs: { "user.a": "1" } })],
    );
    const inode = tree.inode(nodeAt(tree, "/g"));
    expect([inode.mode, inode.uid, inode.gid, inode.mtime, inode.xattrs.size]).toEqual([0o600, 1, 2, 3n, 0]);
  });

  test("rule 32: overwriting or whiting out one name breaks only that one", () => {
    const tree = treeOf([file("a", "1"), hard("b", "a"), hard("c", "a")], [file("a", "2"), gone("b")]);
    expect(tree.linkCount(nodeAt(tree, "/c"))).toBe(1);
    expect(tree.linkCount(nodeAt(tree, "/a"))).toBe(1);
    expect(tree.number(nodeAt(tree, "/c"))).not.toBe(tree.number(nodeAt(tree, "/a")));
    expect(readAll(contentAt(tree, "/c"))).toEqual(new TextEncoder().encode("1"));
  });
});

describe("attributes", () => {
  test("rules 34 and 41: setuid, setgid and sticky survive an owner and capabilities", () => {
    const xattrs = { "security.capability": "\u0001\0\0\u0002" };
    const tree = treeOf([
      file("s", "", { mode: 0o6755, uid: 5, gid: 6, xattrs }),
      dir("t", { mode: 0o3777, uid: 5 }),
    ]);
    expect(tree.inode(nodeAt(tree, "/s"))).toMatchObject({ mode: 0o6755, uid: 5, gid: 6 });
    expect(tree.inode(nodeAt(tree, "/s")).xattrs.size).toBe(1);
    expect(tree.inode(nodeAt(tree, "/t")).mode).toBe(0o3777);
  });

  test("rule 35: times keep their nanoseconds, also before 1970, as far as int64 seconds go", () => {
    const second = 10n ** 9n;
    const times = [
      0n,
      1n,
      -1n,
      -second,
      123_456_789_123_456_789n,
      -(2n ** 63n) * second,
      (2n ** 63n - 1n) * second + 999_999_999n,
    ];
    const tree = treeOf(times.map((mtime, i) => link(`${i}`, "x", { mtime })));
    expect(times.map((_, i) => tree.inode(nodeAt(tree, `/${i}`)).mtime)).toEqual(times);
  });

  test("rule 36: ids up to 2^32-2 and devices up to 12 and 20 bits", () => {
    const tree = treeOf([char("c", 4095, 1_048_575, { uid: 2 ** 32 - 2, gid: 2 ** 32 - 2 })]);
    expect(tree.inode(nodeAt(tree, "/c"))).toMatchObject({
      uid: 2 ** 32 - 2,
      gid: 2 ** 32 - 2,
      rdev: 2 ** 32 - 1,
    });
  });

  testErrors([
    {
      rule: "rule 36: uid 2^32-1",
      layers: [[file("a", "", { uid: 2 ** 32 - 1 })]],
      code: "range",
      says: "rule 36",
    },
    { rule: "rule 36: gid 2^32", layers: [[dir("a", { gid: 2 ** 32 })]], code: "range", says: "rule 36" },
    { rule: "rule 36: a negative uid", layers: [[dir("a", { uid: -1 })]], code: "range", says: "rule 36" },
    {
      rule: "rule 36: a device number that would wrap",
      layers: [[{ ...char("a", 1, 3), rdev: 2 ** 32 } as Draft]],
      code: "range",
      says: "rule 36",
    },
    {
      rule: "rule 35: a time beyond int64 seconds",
      layers: [[file("a", "", { mtime: 2n ** 63n * 10n ** 9n })]],
      code: "range",
      says: "rule 35",
    },
  ]);

  test("rule 37: xattrs of all namespaces are kept, values as bytes, on every kind of inode", () => {
    const xattrs = {
      "user.é": "a\0=\udcff",
      "security.selinux": "s",
      "trusted.x": "t",
      "system.nfs4_acl": "",
    };
    const tree = treeOf([
      file("f", "", { xattrs }),
      link("l", "f", { xattrs }),
      dir("d", { xattrs }),
      fifo("p", { xattrs }),
    ]);
    for (const path of ["/f", "/l", "/d", "/p"]) {
      const found = tree.inode(nodeAt(tree, path)).xattrs;
      expect([...found.keys()]).toEqual(["security.selinux", "system.nfs4_acl", "trusted.x", "user.é"]);
      expect(found.get("user.é")).toEqual(Uint8Array.of(0x61, 0, 0x3d, 0xff));
    }
  });

  test("rule 26: overlayfs's own xattrs are dropped, what only looks like them is not", () => {
    const xattrs = { "trusted.overlay.opaque": "y", "user.overlay.redirect": "/", "user.overlayer": "1" };
    const tree = treeOf([dir("d", { xattrs }), file("d/x")], [dir("d", { xattrs })]);
    expect([...tree.inode(nodeAt(tree, "/d")).xattrs.keys()]).toEqual(["user.overlayer"]);
    expect(nodeAt(tree, "/d/x")).toBeGreaterThan(0);
  });

  testTrees([
    {
      rule: "rule 26: a character device 0:0 is a device and hides nothing by itself",
      layers: [
        [file("d/x"), file("f")],
        [char("d/y", 0, 0), char("f", 0, 0)],
      ],
      tree: { "/d": "directory 755", "/d/x": 'file 644 ""', "/d/y": "char 600 0:0", "/f": "char 600 0:0" },
    },
    {
      rule: "rule 38: devices and fifos are made",
      layers: [[char("c", 5, 1), block("b", 8, 1), fifo("p", { mode: 0o600 })]],
      tree: { "/b": "block 600 8:1", "/c": "char 600 5:1", "/p": "fifo 600" },
    },
  ]);

  test("rule 40: a sparse file reads as its whole content, and its holes are known", () => {
    const extents = [
      { offset: 10, length: 2 },
      { offset: 100, length: 1 },
    ];
    const tree = treeOf([file("before", "pad"), sparse("s", 200, extents, "abc")]);
    const content = contentAt(tree, "/s");
    const bytes = readAll(content);
    expect(bytes.length).toBe(200);
    expect([bytes[9], bytes[10], bytes[11], bytes[12], bytes[100], bytes[199]]).toEqual([
      0, 97, 98, 0, 99, 0,
    ]);
    expect([content.nextData(0), content.nextHole(10), content.nextData(12), content.nextData(101)]).toEqual([
      10, 12, 100, 200,
    ]);
  });
});

function contentAt(tree: PackedTree, path: string) {
  const inode = tree.inode(nodeAt(tree, path));
  if (inode.kind !== "file") throw new TypeError(`${path} is no file`);
  return inode.content;
}
