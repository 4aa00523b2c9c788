import { describe, expect, test } from "vitest";
import { nodeAt } from "../tree/describe.ts";
import { char, dir, fifo, file, gone, hard, link, opaque, treeOf } from "./build.ts";
import { testErrors, testTrees } from "./cases.ts";

const LOWER = [dir("d", { mode: 0o711 }), file("d/x"), dir("d/sub"), file("d/sub/y")];

describe("whiteouts", () => {
  testTrees([
    {
      rule: "rule 11: what the same layer has survives its whiteout, whichever comes first",
      layers: [
        [file("a", "old"), file("b", "old")],
        [gone("a"), file("a", "new"), file("b", "new"), gone("b")],
      ],
      tree: { "/a": 'file 644 "new"', "/b": 'file 644 "new"' },
    },
    {
      rule: "rule 11: a whiteout of a directory leaves what the same layer put below it",
      layers: [LOWER, [file("d/sub/new"), gone("d")]],
      tree: { "/d": "directory 711", "/d/sub": "directory 755", "/d/sub/new": 'file 644 ""' },
    },
    {
      rule: "rule 11: a hardlink of the same layer to a lower file survives too",
      layers: [[file("a", "1")], [hard("d/b", "a"), gone("d"), gone("a")]],
      tree: { "/d": "directory 755", "/d/b": 'file 644 "1"' },
    },
    {
      rule: "rule 11a: a whiteout's parent is found in the tree as it stands there (M17)",
      layers: [
        [link("a", "b"), file("b/x")],
        [dir("a"), gone("a/x")],
      ],
      tree: { "/a": "directory 755", "/b": "directory 755", "/b/x": 'file 644 ""' },
    },
    {
      rule: "rule 11a: and before the link is replaced it leads to the other place (M17)",
      layers: [
        [link("a", "b"), file("b/x")],
        [gone("a/x"), dir("a")],
      ],
      tree: { "/a": "directory 755", "/b": "directory 755" },
    },
    {
      rule: "rule 11a: directories on the way to an entry stay with their attributes, everything lower goes",
      layers: [
        [dir("a", { mode: 0o700 }), dir("a/b", { mode: 0o710 }), file("a/b/x"), file("a/y"), file("a/c/z")],
        [file("a/b/new"), gone("a"), file("a/late")],
      ],
      tree: {
        "/a": "directory 700",
        "/a/b": "directory 710",
        "/a/b/new": 'file 644 ""',
        "/a/late": 'file 644 ""',
      },
    },
    {
      rule: "rule 12: a whiteout and a directory of one name make a new directory, with nothing lower in it",
      layers: [LOWER, [gone("d"), dir("d"), file("d/new")]],
      tree: { "/d": "directory 755", "/d/new": 'file 644 ""' },
    },
    {
      rule: "rule 12: in the other order too",
      layers: [LOWER, [dir("d", { mode: 0o700 }), file("d/new"), gone("d")]],
      tree: { "/d": "directory 700", "/d/new": 'file 644 ""' },
    },
    {
      rule: "rule 18: a whiteout of nothing does nothing, and makes no parent",
      layers: [LOWER, [gone("d/nothing"), gone("nowhere/x"), gone("d/x/below"), gone("nothing")]],
      tree: {
        "/d": "directory 711",
        "/d/sub": "directory 755",
        "/d/sub/y": 'file 644 ""',
        "/d/x": 'file 644 ""',
      },
    },
    {
      rule: "rule 19: a whiteout below something whited out does nothing",
      layers: [LOWER, [gone("d"), gone("d/x"), gone("d/sub/y")]],
      tree: {},
    },
    {
      rule: "rule 21: a whiteout with content, or of any type, is one",
      layers: [
        ["a", "b", "c", "d", "e", "f"].map((name) => file(name)),
        [
          file(".wh.a", "content"),
          dir(".wh.b"),
          link(".wh.c", "x"),
          char(".wh.d", 1, 3),
          fifo(".wh.e"),
          hard(".wh.f", "nowhere"),
        ],
      ],
      tree: {},
    },
    {
      rule: "rule 22: the prefix means nothing but in the last component",
      layers: [[file("etc/some")], [file(".wh.etc/some")]],
      tree: {
        "/.wh.etc": "directory 755",
        "/.wh.etc/some": 'file 644 ""',
        "/etc": "directory 755",
        "/etc/some": 'file 644 ""',
      },
    },
    {
      rule: "rule 23: AUFS's own names are hidden and hide nothing",
      layers: [
        [file("aufs"), file(".wh.x/y")],
        [file(".wh..wh.aufs"), dir(".wh..wh.orph"), dir(".wh..wh.plnk"), file(".wh..wh.plnk/.wh.aufs")],
      ],
      tree: { "/.wh.x": "directory 755", "/.wh.x/y": 'file 644 ""', "/aufs": 'file 644 ""' },
    },
    {
      rule: "rule 24: a whiteout through a link inside the root hides what the link leads to",
      layers: [[file("etc/p"), link("le", "/etc"), link("up", "etc/../etc")], [gone("le/p")]],
      tree: { "/etc": "directory 755", "/le": "symlink → /etc", "/up": "symlink → etc/../etc" },
    },
    {
      rule: "rule 25: a whiteout of a link removes the link, never its target",
      layers: [
        [file("d/x"), link("l", "d"), link("m", "d/x")],
        [gone("l"), gone("m")],
      ],
      tree: { "/d": "directory 755", "/d/x": 'file 644 ""' },
    },
  ]);

  testErrors(
    [".wh.", ".wh..", ".wh...", "d/.wh.", "d/.wh..", "d/.wh..."].map((name) => ({
      rule: `rule 20: ${name} is a whiteout of nothing`,
      layers: [[file("d/x")], [gone("d/x"), file(name)]],
      code: "whiteout" as const,
      says: "rule 20",
    })),
  );

  test("rule 22: a whiteout of a name that itself begins with .wh. is one", () => {
    const tree = treeOf([file(".wh.etc/some")], [file(".wh..wh.etc")]);
    expect(nodeAt(tree, "/.wh.etc")).toBe(-1);
  });
});

describe("opaque marks", () => {
  testTrees([
    {
      rule: "rule 13: an opaque mark hides all that is lower, wherever it stands, and nothing of its own layer",
      layers: [LOWER, [file("d/sub/new"), file("d/own"), opaque("d"), file("d/later")]],
      tree: {
        "/d": "directory 711",
        "/d/later": 'file 644 ""',
        "/d/own": 'file 644 ""',
        "/d/sub": "directory 755",
        "/d/sub/new": 'file 644 ""',
      },
    },
    {
      rule: "rule 13: implied parents of its own layer stay too",
      layers: [LOWER, [file("d/a/b/c"), opaque("d")]],
      tree: {
        "/d": "directory 711",
        "/d/a": "directory 755",
        "/d/a/b": "directory 755",
        "/d/a/b/c": 'file 644 ""',
      },
    },
    {
      rule: "rule 14: an opaque directory without an entry keeps its attributes",
      layers: [LOWER, [opaque("d")]],
      tree: { "/d": "directory 711" },
    },
    {
      rule: "rule 15: at the root of the archive it clears the root",
      layers: [LOWER, [file("new"), opaque("")]],
      tree: { "/new": 'file 644 ""' },
    },
    {
      rule: "rule 16: where the lower is no directory it hides nothing and makes nothing",
      layers: [
        [file("f", "1"), link("l", "nowhere")],
        [opaque("f"), opaque("l"), opaque("missing")],
      ],
      tree: { "/f": 'file 644 "1"', "/l": "symlink → nowhere" },
    },
    {
      rule: "rule 16: a directory is there only if an entry says so",
      layers: [[file("f", "1")], [opaque("f"), dir("f")]],
      tree: { "/f": "directory 755" },
    },
    {
      rule: "rule 17: an opaque mark and a whiteout in one directory leave nothing behind",
      layers: [LOWER, [opaque("d"), gone("d/x"), gone("d/sub")]],
      tree: { "/d": "directory 711" },
    },
    {
      rule: "rule 21: an opaque mark of any type is one",
      layers: [LOWER, [dir("d/.wh..wh..opq")]],
      tree: { "/d": "directory 711" },
    },
    {
      rule: "rule 24: an opaque mark through a link clears what the link leads to",
      layers: [[...LOWER, link("l", "d")], [opaque("l")]],
      tree: { "/d": "directory 711", "/l": "symlink → d" },
    },
  ]);

  test("rule 11: hiding costs one walk of a directory in a layer, however often it is asked for", () => {
    const count = 30_000;
    const names = Array.from({ length: count }, (_, i) => `d/${i}`);
    const start = performance.now();
    const tree = treeOf([file("d/old")], [...names.map((name) => file(name)), ...names.map(() => gone("d"))]);
    expect(tree.list(nodeAt(tree, "/d")).length).toBe(count);
    // Walking each time would be 900 million names: minutes, against a fraction of a second.
    expect(performance.now() - start).toBeLessThan(10_000);
  });
});
