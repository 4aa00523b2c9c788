/**
 * Squashing: the one layer is what the several were, on one tree beneath or on any.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { applyLayer, applyLayers } from "../../src/layer/apply.ts";
import type { Layer } from "../../src/layer/layer.ts";
import { layerFromBytes } from "../../src/layer/read.ts";
import { type SquashOptions, squash } from "../../src/layer/squash.ts";
import { fromSeconds } from "../../src/posix/time.ts";
import { ArchiveError } from "../../src/tar/entry.ts";
import { EMPTY_TREE, type PackedTree } from "../../src/tree/packed.ts";
import { layers as anyLayers } from "../property/layers.ts";
import { recordedTree } from "../property/recorded.ts";
import { describeTree } from "../tree/describe.ts";
import { type Draft, dir, fifo, file, gone, hard, layer, link, opaque, treeOf } from "./build.ts";

const built = (layers: readonly (readonly Draft[])[]): Layer[] => layers.map((drafts) => layer(...drafts));

function onTop(base: PackedTree, layers: readonly Layer[]): PackedTree {
  return layers.reduce((tree, layer) => applyLayer(tree, layer), base);
}

const names = (layer: Layer) => [...layer.entries()].map(({ name }) => name);

/** What may lie beneath: nothing, and every kind of thing at the names that the layers use. */
const BASES: readonly PackedTree[] = [
  EMPTY_TREE,
  treeOf([
    dir("./", { mode: 0o700 }),
    dir("a", { uid: 3 }),
    file("a/old", "base"),
    dir("a/d", { gid: 4 }),
    file("a/d/old", "base"),
    file("f", "base"),
    hard("g", "f"),
    dir("x"),
    file("x/y", "base"),
  ]),
  treeOf([file("a", "base"), dir("f"), file("f/deep", "base"), link("x", "f")]),
  treeOf([link("a", "b"), dir("b"), file("b/old", "base"), dir("b/d"), file("b/f", "base"), fifo("x")]),
  treeOf([link("a", "."), file("old", "base"), link("f", "nowhere"), dir("d"), file("d/old", "base")]),
];

describe("without the tree beneath: right on any", () => {
  test.each<[string, layers: Draft[][], names: string[]]>([
    ["what the later layer says wins", [[file("f", "1")], [file("f", "2")]], ["f"]],
    ["a whiteout of what only the base can have is kept", [[gone("f")], [file("g")]], [".wh.f", "g"]],
    ["put, then gone: gone from the base, too", [[file("f")], [gone("f")]], [".wh.f"]],
    ["gone, then put: the file replaces whatever was there", [[gone("f")], [file("f", "new")]], ["f"]],
    [
      "rule 12: gone, then a directory: opaque",
      [[gone("a")], [dir("a"), file("a/f")]],
      ["a/", "a/.wh..wh..opq", "a/f"],
    ],
    [
      "a directory over a file over a directory: opaque",
      [[file("a")], [dir("a"), file("a/f")]],
      ["a/", "a/.wh..wh..opq", "a/f"],
    ],
    [
      "a directory twice: the later attributes, both contents",
      [
        [dir("a"), file("a/1")],
        [dir("a", { uid: 9 }), file("a/2")],
      ],
      ["a/", "a/1", "a/2"],
    ],
    [
      "rule 13: opaque hides the lower layers and the base",
      [
        [dir("a"), file("a/1")],
        [dir("a"), opaque("a"), file("a/2")],
      ],
      ["a/", "a/.wh..wh..opq", "a/2"],
    ],
    [
      "rule 13: not what a later layer adds",
      [
        [dir("a"), opaque("a")],
        [dir("a"), file("a/1")],
      ],
      ["a/", "a/.wh..wh..opq", "a/1"],
    ],
    [
      "rule 15: opaque at the root",
      [
        [file("f"), gone("g")],
        [opaque(""), file("n")],
      ],
      [".wh..wh..opq", "n"],
    ],
    [
      "a whiteout in an opaque directory is not needed",
      [
        [dir("a"), opaque("a")],
        [dir("a"), gone("a/x")],
      ],
      ["a/", "a/.wh..wh..opq"],
    ],
    [
      "of a directory below an opaque one, no mark",
      [
        [dir("a"), opaque("a")],
        [dir("a"), gone("a/d")],
        [dir("a"), dir("a/d"), file("a/d/n")],
      ],
      ["a/", "a/.wh..wh..opq", "a/d/", "a/d/n"],
    ],
    [
      "rule 11: a whiteout spares what its own layer put",
      [
        [dir("a"), file("a/1")],
        [dir("a"), file("a/2"), gone("a")],
      ],
      ["a/", "a/.wh..wh..opq", "a/2"],
    ],
    [
      "rule 11a: and directories on the way to it",
      [
        [dir("a"), dir("a/d", { uid: 5 }), file("a/d/1")],
        [dir("a"), file("a/d/2"), gone("a")],
      ],
      ["a/", "a/.wh..wh..opq", "a/d/", "a/d/2"],
    ],
    [
      "rule 5: a parent that a layer removed is implied anew",
      [[gone("a")], [file("a/d/f")]],
      ["a/", "a/.wh..wh..opq", "a/d/", "a/d/f"],
    ],
    [
      "rule 6: a parent that a layer made a file becomes a directory",
      [[file("a")], [file("a/f")]],
      ["a/", "a/.wh..wh..opq", "a/f"],
    ],
    [
      "rule 5: nothing of the base is in what an opaque directory holds",
      [[dir("a"), opaque("a")], [dir("a"), dir("a/d")], [file("a/d/e/f")]],
      ["a/", "a/.wh..wh..opq", "a/d/", "a/d/e/", "a/d/e/f"],
    ],
    ["rule 6: through a link of the layers", [[dir("b"), link("a", "b")], [file("a/f")]], ["a", "b/", "b/f"]],
    [
      "rule 24: a whiteout through a link of the layers",
      [[dir("b"), file("b/x"), link("a", "/b")], [gone("a/x")]],
      ["a", "b/", "b/.wh.x"],
    ],
    [
      "rule 6: a link of the layers to nothing becomes a directory",
      [[gone("n"), link("a", "n")], [file("a/f")]],
      [".wh.n", "a/", "a/.wh..wh..opq", "a/f"],
    ],
    ["rule 18: a whiteout in what the layers removed", [[gone("a")], [gone("a/x")]], [".wh.a"]],
    ["rule 19: and in the same layer", [[gone("a"), gone("a/x")]], [".wh.a"]],
    [
      "rule 57: a group is the names it has left",
      [[file("f", "x"), hard("g", "f"), hard("h", "f")], [gone("f")]],
      [".wh.f", "g", "h"],
    ],
    ["rule 28: a link to a lower layer of the several", [[file("f", "x")], [hard("e", "f")]], ["e", "f"]],
    [
      "rule 32: a name replaced leaves its group",
      [[file("f", "x"), hard("g", "f")], [file("f", "y")]],
      ["f", "g"],
    ],
    ["the root's attributes", [[dir("./", { mode: 0o711 })], [file("f")]], ["./", "f"]],
    ["rule 59: whole seconds", [[file("f", "", { mtime: fromSeconds(5, 7) })]], ["f"]],
    ["nothing", [], []],
  ])("%s", (_, drafts, expected) => {
    const layers = built(drafts);
    const one = squash(layers);
    expect(names(one)).toEqual(expected);
    for (const base of BASES) {
      expect(recordedTree(applyLayer(base, one))).toEqual(recordedTree(onTop(base, layers)));
    }
  });

  test.each<[string, layers: Draft[][], entry: string]>([
    ["rule 6: a parent that no layer names", [[dir("a")], [file("b/f")]], "b/f"],
    ["rule 6: one below one that a layer names", [[dir("a")], [file("a/b/f")]], "a/b/f"],
    ["rule 18: of a whiteout", [[dir("a")], [gone("b/f")]], "b/.wh.f"],
    ["of an opaque mark", [[dir("a")], [opaque("b")]], "b/.wh..wh..opq"],
    ["what a link of the layers leads to", [[link("a", "b")], [file("a/f")]], "a/f"],
    ["rule 28: a hardlink to the base", [[dir("a")], [hard("a/f", "g")]], "a/f"],
  ])("what depends on it is refused: %s", (_, drafts, entry) => {
    expect(() => squash(built(drafts))).toThrowError(
      expect.objectContaining({
        code: "unrepresentable",
        entry,
        message: expect.stringContaining("squash with"),
      }),
    );
    const base = treeOf([dir("b"), file("g", "x")]);
    const one = squash(built(drafts), { base });
    expect(recordedTree(applyLayer(base, one))).toEqual(recordedTree(onTop(base, built(drafts))));
  });
});

describe("with the tree beneath: exact, and no more than the difference", () => {
  test.each<[string, layers: Draft[][], names: string[]]>([
    ["what was undone is not there", [[file("n")], [gone("n")]], []],
    ["what is as it was is not there", [[gone("f")], [file("f", "base")]], []],
    [
      "explicit whiteouts, not opaque marks",
      [[dir("d"), opaque("d"), file("d/new")]],
      ["d/", "d/.wh.old", "d/new"],
    ],
    ["a link of the base is followed", [[file("link/new")]], ["d/", "d/new"]],
    ["rule 28: a hardlink to the base is its whole group", [[hard("h", "f")]], ["f", "h"]],
  ])("%s", (_, drafts, expected) => {
    const base = treeOf([dir("d"), file("d/old", "base"), link("link", "d"), file("f", "base")]);
    const one = squash(built(drafts), { base });
    expect(names(one)).toEqual(expected);
    expect(recordedTree(applyLayer(base, one))).toEqual(recordedTree(onTop(base, built(drafts))));
  });

  test("all layers of an image become its one layer", () => {
    const layers = built([
      [dir("a"), file("a/1"), file("f")],
      [gone("f"), dir("a"), gone("a/1"), file("a/2")],
    ]);
    expect(names(squash(layers, { base: EMPTY_TREE }))).toEqual(["a/", "a/2"]);
  });
});

test("rule 63: layers that change nothing become one without entries", () => {
  const one = squash(built([[file("n")], [gone("n")]]), { base: EMPTY_TREE });
  expect(one.archive.size).toBe(1024);
  expect(one.diffID).toBe("sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef");
  expect(squash([]).diffID).toBe(one.diffID);
});

test("contents come from the archives of the layers", async () => {
  const layers = built([
    [file("a", "one"), file("b", "two")],
    [file("b", "three"), hard("c", "a")],
  ]);
  const read = await layerFromBytes(Buffer.concat([...squash(layers).chunks()]));
  expect(describeTree(applyLayers([read]))).toEqual({
    "/a": 'file 644 "one"',
    "/b": 'file 644 "three"',
    "/c": 'file 644 "one"',
  });
});

describe("what cannot be applied cannot be squashed", () => {
  test.each<[string, Draft[][], code: string, options?: SquashOptions]>([
    ["rule 1: a root that is a file", [[file("/.")]], "name"],
    ["rule 2: a name above the root", [[file("../f")]], "name"],
    ["rule 20: a whiteout of nothing", [[file(".wh.")]], "whiteout"],
    ["rule 27: a link above the root", [[hard("f", "../g")]], "link"],
    ["rule 29: a link to what a layer removed", [[gone("f")], [hard("g", "f")]], "link"],
    ["rule 29: a link into what it replaces", [[dir("a"), file("a/f"), hard("a", "a/f")]], "link"],
    ["rule 30: a link to a directory", [[dir("a"), hard("f", "a")]], "link"],
    ["rule 30: a link to the root", [[hard("f", "/")]], "link"],
    ["rule 30: a link to itself", [[file("f"), hard("f", "f")]], "link"],
    ["rule 3: links without end", [[link("a", "b"), link("b", "a"), file("a/f")]], "limit"],
    ["a name of 256 bytes", [[file("n".repeat(256))]], "name"],
  ])("%s", (_, drafts, code) => {
    expect(() => squash(built(drafts))).toThrowError(ArchiveError);
    expect(() => squash(built(drafts))).toThrowError(expect.objectContaining({ code }));
    expect(() => squash(built(drafts), { base: EMPTY_TREE })).toThrowError(expect.objectContaining({ code }));
  });

  test("rule 2: unless names are clamped", () => {
    expect(names(squash(built([[file("../f"), hard("g", "../../f")]]), { clampParents: true }))).toEqual([
      "f",
      "g",
    ]);
  });

  test("rule 23: what AUFS kept for itself is no entry, but links lead to it", () => {
    const drafts = [
      [dir(".wh..wh.plnk"), file(".wh..wh.plnk/1", "x"), hard("f", ".wh..wh.plnk/1")],
      [hard("g", "f")],
    ];
    const one = squash(built(drafts));
    expect([...one.entries()]).toMatchObject([
      { name: "f", type: "file", size: 1 },
      { name: "g", type: "hardlink", target: "f" },
    ]);
  });

  test("rule 23: within their own layer only", () => {
    const layers = built([[dir(".wh..wh.plnk"), file(".wh..wh.plnk/1", "x")], [hard("f", ".wh..wh.plnk/1")]]);
    expect(() => squash(layers)).toThrowError(ArchiveError);
    expect(() => squash(layers, { base: EMPTY_TREE })).toThrowError(ArchiveError);
  });

  test("rule 26: marks of overlayfs are no data", () => {
    const xattrs = { "trusted.overlay.opaque": "y", "user.a": "b" };
    const one = squash(built([[dir("d", { xattrs }), file("f", "", { xattrs })]]));
    for (const entry of one.entries()) expect([...entry.xattrs.keys()]).toEqual(["user.a"]);
  });
});

const RUNS = Number(process.env.STRATAFS_LAW_RUNS ?? 300);

test("the law with a base: applying one by one is applying the squash", () => {
  fc.assert(
    fc.property(anyLayers, fc.nat(), (drafts, cut) => {
      const layers = built(drafts);
      const at = cut % layers.length;
      const base = applyLayers(layers.slice(0, at));
      const rest = layers.slice(at);
      const one = squash(rest, { base });
      expect(recordedTree(applyLayer(base, one))).toEqual(recordedTree(onTop(base, rest)));
    }),
    { numRuns: RUNS },
  );
});

/** The directories above an entry, as entries of their own. */
function parents({ name }: Draft): Draft[] {
  const components = name.split("/").filter((part) => part !== "" && part !== ".");
  return components.slice(0, -1).map((_, i) => dir(components.slice(0, i + 1).join("/"), { mode: 0o750 }));
}

test("the law without a base: the squash is right on every base, or is refused", () => {
  let squashed = 0;
  fc.assert(
    fc.property(
      anyLayers,
      anyLayers,
      fc.infiniteStream(fc.constantFrom(true, true, true, true, false)),
      (drafts, below, explicit) => {
        const layers = built(
          drafts.map((layer) =>
            layer.flatMap((draft) => (explicit.next().value ? [...parents(draft), draft] : [draft])),
          ),
        );
        let one: Layer;
        try {
          one = squash(layers);
        } catch (error) {
          // Its own refusal, or an entry that the added directories left without its target.
          expect(error).toBeInstanceOf(ArchiveError);
          return;
        }
        squashed += 1;
        for (const base of [EMPTY_TREE, applyLayers(built(below)), ...BASES]) {
          expect(recordedTree(applyLayer(base, one))).toEqual(recordedTree(onTop(base, layers)));
        }
      },
    ),
    { numRuns: RUNS * 3 },
  );
  expect(squashed).toBeGreaterThan(RUNS / 2);
});
