import { describe, expect, test } from "vitest";
import { applyLayer } from "../../src/layer/apply.ts";
import { splitPath } from "../../src/posix/path.ts";
import { EMPTY_TREE, type PackedTree } from "../../src/tree/packed.ts";
import { nodeAt } from "../tree/describe.ts";
import { type Draft, dir, file, gone, hard, layer, link, opaque, treeOf } from "./build.ts";

/** The events of a path as `layer kind` words. */
function historyOf(tree: PackedTree, path: string): string {
  return tree
    .history(tree.root, splitPath(path))
    .map(({ layer, kind }) => `${layer} ${kind}`)
    .join(", ");
}

interface Case {
  readonly what: string;
  readonly layers: readonly (readonly Draft[])[];
  /** The events of each path. */
  readonly paths: Readonly<Record<string, string>>;
}

const SUBTREE = [dir("a"), dir("a/b"), file("a/b/c"), file("a/d")];

const CASES: readonly Case[] = [
  {
    what: "what one layer put needs no record",
    layers: [[dir("a"), file("a/b")], [file("c")]],
    paths: {
      "/a": "0 put",
      "/a/b": "0 put",
      "/c": "1 put",
      "/nothing": "",
      "/a/nothing": "",
      "/c/below": "",
    },
  },
  {
    what: "each layer that puts a name is told",
    layers: [[file("a")], [file("a")], [file("b")], [dir("a")]],
    paths: { "/a": "0 put, 1 put, 3 put", "/b": "2 put" },
  },
  {
    what: "implied parents and hardlinks",
    layers: [[file("a/b/c")], [hard("d/e", "a/b/c")], [dir("a")]],
    paths: {
      "/a": "0 implied, 2 put",
      "/a/b": "0 implied",
      "/a/b/c": "0 put",
      "/d": "1 implied",
      "/d/e": "1 linked",
    },
  },
  {
    what: "a whited-out subtree answers for every path in it",
    layers: [SUBTREE, [file("x")], [gone("a")]],
    paths: {
      "/a": "0 put, 2 whiteout",
      "/a/b": "0 put, 2 ancestor",
      "/a/b/c": "0 put, 2 ancestor",
      "/a/d": "0 put, 2 ancestor",
      "/a/e": "",
    },
  },
  {
    what: "an opaque mark hides the names in its directory, and through them what is below",
    layers: [SUBTREE, [opaque("a")]],
    paths: {
      "/a": "0 put",
      "/a/b": "0 put, 1 opaque",
      "/a/b/c": "0 put, 1 ancestor",
      "/a/d": "0 put, 1 opaque",
    },
  },
  {
    what: "an opaque root",
    layers: [SUBTREE, [opaque(""), file("a/d")]],
    paths: {
      "/a": "0 put, 1 opaque, 1 implied",
      "/a/d": "0 put, 1 ancestor, 1 put",
      "/a/b/c": "0 put, 1 ancestor",
    },
  },
  {
    what: "a file over a directory hides what was in it",
    layers: [SUBTREE, [file("a")]],
    paths: { "/a": "0 put, 1 put", "/a/b": "0 put, 1 ancestor", "/a/b/c": "0 put, 1 ancestor" },
  },
  {
    what: "a path that comes back shows all of its past, also removed twice",
    layers: [SUBTREE, [gone("a/b")], [file("a/b/c")], [gone("a")], [dir("a"), file("a/d")]],
    paths: {
      "/a": "0 put, 3 whiteout, 4 put",
      "/a/b": "0 put, 1 whiteout, 2 implied, 3 ancestor",
      "/a/b/c": "0 put, 1 ancestor, 2 put, 3 ancestor",
      "/a/d": "0 put, 3 ancestor, 4 put",
    },
  },
  {
    what: "hiding and putting in one layer, in either order",
    layers: [SUBTREE, [gone("a"), file("a/d")], [file("a/d"), gone("a/d"), dir("a"), gone("a")]],
    paths: {
      "/a": "0 put, 1 whiteout, 1 implied, 2 whiteout, 2 put",
      "/a/d": "0 put, 1 ancestor, 1 put, 2 whiteout, 2 put",
    },
  },
  {
    what: "a directory that stays as the way to an entry was not hidden, what was in it was",
    layers: [SUBTREE, [file("a/b/new"), gone("a")]],
    paths: {
      "/a": "0 put",
      "/a/b": "0 put",
      "/a/b/new": "1 put",
      "/a/b/c": "0 put, 1 ancestor",
      "/a/d": "0 put, 1 ancestor",
    },
  },
  {
    what: "of duplicates in a layer only the last is told, and what it removed again never was",
    layers: [
      [file("a/x"), file("a")],
      [dir("a"), file("a/y"), link("a", "b"), file("a")],
    ],
    paths: { "/a": "0 put, 1 put", "/a/x": "", "/a/y": "" },
  },
  {
    what: "what does nothing is not told",
    layers: [SUBTREE, [gone("a/none"), gone("none"), opaque("none")], [gone("a")], [gone("a"), gone("a/b")]],
    paths: { "/a": "0 put, 2 whiteout", "/a/none": "", "/none": "", "/a/b": "0 put, 2 ancestor" },
  },
  {
    what: "the resolved name is told, not the name in the archive (rules 6, 24)",
    layers: [
      [dir("usr/lib"), file("usr/lib/x"), link("lib", "usr/lib")],
      [file("lib/y"), gone("lib/x")],
    ],
    paths: {
      "/usr/lib/y": "1 put",
      "/usr/lib/x": "0 put, 1 whiteout",
      "/lib": "0 put",
      "/lib/y": "",
      "/lib/x": "",
    },
  },
  {
    what: "AUFS's own names have no history",
    layers: [[file(".wh..wh.plnk/1"), hard("a", ".wh..wh.plnk/1")]],
    paths: { "/a": "0 linked", "/.wh..wh.plnk": "", "/.wh..wh.plnk/1": "" },
  },
  {
    what: "names are bytes here too",
    layers: [[file("\udcff/é/\u{1f600}")], [gone("\udcff")]],
    paths: { "/\udcff/é/\u{1f600}": "0 put, 1 ancestor", "/\udcff": "0 implied, 1 whiteout" },
  },
];

describe.each([
  ["applied at once", (layers: Case["layers"]) => treeOf(...layers)],
  [
    "applied one at a time",
    (layers: Case["layers"]) =>
      layers.reduce((tree, drafts) => applyLayer(tree, layer(...drafts)), EMPTY_TREE),
  ],
])("%s", (_, build) => {
  test.each(CASES)("$what", ({ layers, paths }) => {
    const tree = build(layers);
    const told = Object.fromEntries(Object.keys(paths).map((path) => [path, historyOf(tree, path)]));
    expect(told).toEqual(paths);
  });
});

test("history is asked below any directory, and without names of the directory itself", () => {
  const tree = treeOf([dir("./"), ...SUBTREE], [gone("a/b"), dir("a")]);
  const a = nodeAt(tree, "/a");
  const events = [
    { layer: 0, kind: "put" },
    { layer: 1, kind: "ancestor" },
  ];
  expect(tree.history(a, ["b", "c"])).toEqual(events);
  expect(tree.history(a, [])).toEqual([
    { layer: 0, kind: "put" },
    { layer: 1, kind: "put" },
  ]);
  expect(tree.history(tree.root, [])).toEqual([{ layer: 0, kind: "put" }]);
});

test("a whited-out subtree costs tens of bytes an entry, an untouched tree nothing", () => {
  const count = 10_000;
  const files = Array.from({ length: count }, (_, i) => file(`d/${i % 100}/file-${i}.txt`));
  const before = treeOf(files);
  const after = treeOf(files, [gone("d")]);
  expect(before.sections.counts.words).toBe(101);
  expect(after.nodeCount).toBe(1);
  expect(after.sections.bytes.length / count).toBeLessThan(40);
  expect(historyOf(after, "/d/7/file-707.txt")).toBe("0 put, 1 ancestor");
});
