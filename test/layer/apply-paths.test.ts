import { describe, expect, test } from "vitest";
import { applyLayer, applyLayers } from "../../src/layer/apply.ts";
import { EMPTY_TREE } from "../../src/tree/packed.ts";
import { describeTree, nodeAt } from "../tree/describe.ts";
import { block, char, dir, fifo, file, gone, hard, layer, link, opaque, treeOf } from "./build.ts";
import { testErrors, testTrees } from "./cases.ts";

describe("names", () => {
  testTrees([
    {
      rule: "rule 1: `.`, empty components and `..` are cleaned as text; a leading slash means the root",
      layers: [[file("./a//b/../c", "1"), file("/d", "2"), file("e/./f/", "3")]],
      tree: {
        "/a": "directory 755",
        "/a/c": 'file 644 "1"',
        "/d": 'file 644 "2"',
        "/e": "directory 755",
        "/e/f": 'file 644 "3"',
      },
    },
    {
      rule: "rule 1: cleaning is done before links are followed",
      layers: [[dir("a/b"), link("l", "a/b"), file("l/../x")]],
      tree: { "/a": "directory 755", "/a/b": "directory 755", "/l": "symlink → a/b", "/x": 'file 644 ""' },
    },
    {
      rule: "rule 2: with clampParents `..` above the root is the root",
      layers: [[file("../../x", "1"), hard("y", "../../../x")]],
      options: { clampParents: true },
      tree: { "/x": 'file 644 "1"', "/y": 'file 644 "1"' },
    },
    {
      rule: "rule 47: names are bytes; case, normalisation and broken UTF-8 all differ",
      layers: [
        [file("Case"), file("case"), file("caf\u00e9"), file("cafe\u0301"), file("\udcff"), file("\udcfe")],
      ],
      tree: {
        "/Case": 'file 644 ""',
        "/case": 'file 644 ""',
        "/cafe\u0301": 'file 644 ""',
        "/caf\u00e9": 'file 644 ""',
        "/\udcfe": 'file 644 ""',
        "/\udcff": 'file 644 ""',
      },
    },
  ]);

  test("rule 1: a directory entry for the root sets its attributes", () => {
    const tree = treeOf([dir("./", { mode: 0o751, uid: 3, gid: 4, mtime: 5n, xattrs: { "user.a": "1" } })]);
    const root = tree.inode(tree.root);
    expect([root.mode, root.uid, root.gid, root.mtime, root.xattrs.size]).toEqual([0o751, 3, 4, 5n, 1]);
    expect(tree.number(tree.root)).toBe(1);
  });

  test("rule 1: a root that no layer mentions is 0755, 0:0, mtime 0", () => {
    const tree = treeOf([file("a")]);
    const root = tree.inode(tree.root);
    expect([root.mode, root.uid, root.gid, root.mtime]).toEqual([0o755, 0, 0, 0n]);
  });

  testErrors([
    ...[
      file("."),
      link("./.", "/etc"),
      hard("/", "a"),
      char("a/..", 1, 3),
      block("//", 1, 3),
      fifo("./"),
    ].map((entry) => ({
      rule: `rule 1: the root cannot become a ${entry.type} (${entry.name})`,
      layers: [[file("a"), entry]],
      code: "name" as const,
      says: "rule 1",
    })),
    ...["..", "../x", "a/../../x", "/../x", "./../x", "a/b/../../../a"].map((name) => ({
      rule: `rule 2: ${name} leads above the root and is refused`,
      layers: [[dir("a/b"), file(name)]],
      code: "name" as const,
      says: "rule 2",
    })),
    {
      rule: "rule 2: a whiteout above the root is refused too",
      layers: [[file("x")], [file("../.wh.x")]],
      code: "name",
      says: "rule 2",
    },
    { rule: "rule 1: no name is no entry", layers: [[file("")]], code: "name", says: "empty" },
    { rule: "rule 47: NUL ends a name in Linux", layers: [[file("a\0b")]], code: "name", says: "NUL" },
    {
      rule: "rule 47: NUL in the name of a neighbour",
      layers: [[file("d/a"), file("d/a\0b")]],
      code: "name",
      says: "NUL",
    },
    {
      rule: "rule 47: a component has at most 255 bytes, not characters",
      layers: [[file(`d/${"n".repeat(255)}`), file(`d/${"é".repeat(128)}`)]],
      code: "name",
      says: "255",
    },
    {
      rule: "rule 47: a path has at most 4095 bytes",
      layers: [[file(`${"d/".repeat(2047)}f`), file(`${"d/".repeat(2047)}ff`)]],
      code: "name",
      says: "4095",
    },
    {
      rule: "rule 47: a symlink's target is no empty string",
      layers: [[link("l", "")]],
      code: "name",
      says: "target",
    },
    {
      rule: "rule 47: a symlink's target has at most 4095 bytes",
      layers: [[link("a", "t".repeat(4095)), link("l", "t".repeat(4096))]],
      code: "name",
      says: "target",
    },
  ]);

  test("rule 47: a whiteout of a name of 255 bytes is no longer a name than that", () => {
    const name = "n".repeat(255);
    expect(describeTree(treeOf([file(name)], [gone(name)]))).toEqual({});
  });
});

describe("parents", () => {
  testTrees([
    {
      rule: "rule 3: parents are followed inside the root: relative, absolute, above it, several in a row",
      layers: [
        [dir("d/e"), link("rel", "d"), link("d/up", ".."), link("abs", "/d/e"), link("out", "../../../d")],
        [file("rel/1"), file("d/up/2"), file("abs/3"), file("out/4"), file("rel/up/rel/up/abs/5")],
      ],
      tree: {
        "/2": 'file 644 ""',
        "/abs": "symlink → /d/e",
        "/d": "directory 755",
        "/d/1": 'file 644 ""',
        "/d/4": 'file 644 ""',
        "/d/e": "directory 755",
        "/d/e/3": 'file 644 ""',
        "/d/e/5": 'file 644 ""',
        "/d/up": "symlink → ..",
        "/out": "symlink → ../../../d",
        "/rel": "symlink → d",
      },
    },
    {
      rule: "rule 3: the last component is never followed",
      layers: [
        [file("f", "target"), link("l", "f"), dir("d"), link("m", "d")],
        [file("l", "own"), dir("m")],
      ],
      tree: {
        "/d": "directory 755",
        "/f": 'file 644 "target"',
        "/l": 'file 644 "own"',
        "/m": "directory 755",
      },
    },
    {
      rule: "rule 3: resolution is redone for each entry, also within one layer",
      layers: [[dir("a"), dir("b"), link("l", "a"), file("l/1"), link("l", "b"), file("l/2")]],
      tree: {
        "/a": "directory 755",
        "/a/1": 'file 644 ""',
        "/b": "directory 755",
        "/b/2": 'file 644 ""',
        "/l": "symlink → b",
      },
    },
    {
      rule: "M19: a remembered parent is forgotten when a link that led to it is whited out",
      layers: [
        [dir("d"), link("l", "d")],
        [file("l/1"), gone("l"), file("l/2")],
      ],
      tree: {
        "/d": "directory 755",
        "/d/1": 'file 644 ""',
        "/l": "directory 755",
        "/l/2": 'file 644 ""',
      },
    },
    {
      rule: "M19: a remembered parent is forgotten when an entry in it replaces a directory on the way",
      layers: [[link("d/up", ".."), file("d/up/1"), file("d/up/d", "no directory"), file("d/up/2")]],
      tree: {
        "/1": 'file 644 ""',
        "/d": "directory 755",
        "/d/up": "directory 755",
        "/d/up/2": 'file 644 ""',
      },
    },
    {
      rule: "M19: a remembered parent is forgotten when an entry in it replaces the link that led to it",
      layers: [[link("here", "."), file("here/1"), link("here/here", "d"), dir("d"), file("here/2")]],
      tree: {
        "/1": 'file 644 ""',
        "/d": "directory 755",
        "/d/2": 'file 644 ""',
        "/here": "symlink → d",
      },
    },
    {
      rule: "M19: a parent is not remembered from before the entry that replaces the link to it",
      layers: [
        [link("here", "."), dir("d")],
        [link("here/here", "d"), file("here/2")],
      ],
      tree: { "/d": "directory 755", "/d/2": 'file 644 ""', "/here": "symlink → d" },
    },
    {
      rule: "M19: names that end in slashes and dots do not lend their text to the next entry",
      layers: [
        [
          dir("a//"),
          file("a/1"),
          dir("b/."),
          file("b/2"),
          dir("b/x/.."),
          file("b/x/3"),
          dir("c/d//"),
          file("c/d/4"),
        ],
      ],
      tree: {
        "/a": "directory 755",
        "/a/1": 'file 644 ""',
        "/b": "directory 755",
        "/b/2": 'file 644 ""',
        "/b/x": "directory 755",
        "/b/x/3": 'file 644 ""',
        "/c": "directory 755",
        "/c/d": "directory 755",
        "/c/d/4": 'file 644 ""',
      },
    },
    {
      rule: "rule 5: implied parents are 0755",
      layers: [[file("a/b/c")]],
      tree: { "/a": "directory 755", "/a/b": "directory 755", "/a/b/c": 'file 644 ""' },
    },
    {
      rule: "rule 5: a parent in a lower layer keeps its attributes",
      layers: [[dir("a", { mode: 0o2770 })], [file("a/b")]],
      tree: { "/a": "directory 2770", "/a/b": 'file 644 ""' },
    },
    {
      rule: "rule 6: an implied parent over a lower file becomes a directory",
      layers: [[file("a", "x")], [file("a/b")]],
      tree: { "/a": "directory 755", "/a/b": 'file 644 ""' },
    },
    {
      rule: "rule 6: an implied parent over a link to nothing, or to a file, becomes a directory",
      layers: [
        [link("a", "nowhere"), link("b", "f"), file("f", "x"), link("c", "f/..")],
        [file("a/1"), file("b/2"), file("c/3")],
      ],
      tree: {
        "/a": "directory 755",
        "/a/1": 'file 644 ""',
        "/b": "directory 755",
        "/b/2": 'file 644 ""',
        "/c": "directory 755",
        "/c/3": 'file 644 ""',
        "/f": 'file 644 "x"',
      },
    },
    {
      rule: "rule 6: a link to a directory as parent is followed, not replaced",
      layers: [[dir("usr/bin"), link("bin", "usr/bin")], [file("bin/sh")]],
      tree: {
        "/bin": "symlink → usr/bin",
        "/usr": "directory 755",
        "/usr/bin": "directory 755",
        "/usr/bin/sh": 'file 644 ""',
      },
    },
    {
      rule: "rule 46: a directory that nobody may write gets its children all the same",
      layers: [[dir("a", { mode: 0o555 }), file("a/b"), dir("c", { mode: 0 }), file("c/d/e")]],
      tree: {
        "/a": "directory 555",
        "/a/b": 'file 644 ""',
        "/c": "directory 0",
        "/c/d": "directory 755",
        "/c/d/e": 'file 644 ""',
      },
    },
  ]);

  testErrors([
    {
      rule: "rule 3: links in a circle",
      layers: [[link("a", "b"), link("b", "a"), file("a/x")]],
      code: "limit",
      says: "rule 3",
    },
    {
      rule: "rule 3: links in a circle on the way of a whiteout and of a hardlink's target",
      layers: [[link("a", "a/a")], [gone("a/x")]],
      code: "limit",
      says: "rule 3",
    },
    {
      rule: "rule 3: 256 links in a row",
      layers: [
        [
          ...Array.from({ length: 256 }, (_, i) => link(`l${i}`, i === 0 ? "." : `l${i - 1}`)),
          file("l255/x"),
        ],
      ],
      code: "limit",
      says: "rule 3",
    },
    {
      rule: "rule 5: a layer cannot imply directories without end",
      layers: [
        [
          ...Array.from({ length: 32 }, (_, i) => file(`${i}/${"d/".repeat(2000)}f`)),
          file(`last/${"d/".repeat(2000)}f`),
        ],
      ],
      code: "limit",
      says: "rule 5",
    },
  ]);

  test("rule 3: 255 links in a row are followed", () => {
    const links = Array.from({ length: 255 }, (_, i) => link(`l${i}`, i === 0 ? "d" : `l${i - 1}`));
    const tree = treeOf([dir("d"), ...links, file("l254/x")]);
    expect(nodeAt(tree, "/d/x")).toBeGreaterThan(0);
  });

  test("rule 5: an implied directory has owner 0:0 and mtime 0; a lower parent keeps all it had (M18)", () => {
    const given = { mode: 0o700, uid: 7, gid: 8, mtime: 9n, xattrs: { "user.a": "1" } };
    const tree = treeOf([dir("kept", given)], [file("kept/x"), file("made/x")]);
    const kept = tree.inode(nodeAt(tree, "/kept"));
    const made = tree.inode(nodeAt(tree, "/made"));
    expect([kept.uid, kept.gid, kept.mtime, kept.xattrs.size]).toEqual([7, 8, 9n, 1]);
    expect([made.uid, made.gid, made.mtime, made.xattrs.size]).toEqual([0, 0, 0n, 0]);
  });

  test("rule 7: what happens in a directory does not touch its mtime", () => {
    const tree = treeOf(
      [dir("d", { mtime: 5n }), file("d/a"), file("d/b")],
      [file("d/c"), gone("d/a")],
      [opaque("d")],
    );
    expect(tree.inode(nodeAt(tree, "/d")).mtime).toBe(5n);
    expect(tree.inode(tree.root).mtime).toBe(0n);
  });
});

describe("chains", () => {
  test("rule 45: the order of layers counts", () => {
    const put = layer(file("a"));
    const hide = layer(gone("a"));
    expect(describeTree(applyLayers([put, hide]))).toEqual({});
    expect(describeTree(applyLayers([hide, put]))).toEqual({ "/a": 'file 644 ""' });
  });

  test("rule 42: a layer without entries changes nothing but the chain", () => {
    const [below, empty] = [layer(file("a")), layer()];
    const tree = applyLayers([below, empty]);
    expect(describeTree(tree)).toEqual({ "/a": 'file 644 ""' });
    expect(tree.layerCount).toBe(2);
    expect(tree.chainID).not.toBe(below.diffID);
    expect(applyLayers([below]).chainID).toBe(below.diffID);
    expect(applyLayers([])).toBe(EMPTY_TREE);
  });

  test("rule 20: a layer that fails leaves the tree it was applied to as it was", () => {
    const tree = treeOf([file("a", "1"), dir("d"), file("d/x")]);
    const before = describeTree(tree);
    const bad = layer(gone("a"), dir("d", { mode: 0o700 }), file("d/y"), hard("e", "nowhere"));
    expect(() => applyLayer(tree, bad)).toThrow("rule 29");
    expect(describeTree(tree)).toEqual(before);
    const good = layer(file("z"));
    expect(describeTree(applyLayer(tree, good))).toEqual({ ...before, "/z": 'file 644 ""' });
  });
});
