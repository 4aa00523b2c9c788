/**
 * The differences between two trees: rules 49 to 53 and M7 to M16 for trees that share nothing but
 * their look.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { applyLayer, applyLayers } from "../../src/layer/apply.ts";
import { fromSeconds } from "../../src/posix/time.ts";
import type { Change } from "../../src/tree/change.ts";
import { diffTrees } from "../../src/tree/diff.ts";
import { emptyTree } from "../../src/tree/empty.ts";
import type { PackedTree } from "../../src/tree/packed.ts";
import type { Draft } from "../layer/build.ts";
import { char, dir, fifo, file, gone, hard, layer, link, sparse, treeOf } from "../layer/build.ts";
import { draftsOf } from "../property/drafts.ts";
import { layers as anyLayers } from "../property/layers.ts";
import { recordedTree } from "../property/recorded.ts";

/** A change as one word: `+` added, `~` modified, `-` deleted, and the first name where it is a later one. */
function word(change: Change): string {
  if (change.kind === "deleted") return `-${change.path}`;
  const to = change.linkTo === undefined ? "" : ` = ${change.linkTo}`;
  return `${change.kind === "added" ? "+" : "~"}${change.path}${to}`;
}

const words = (before: PackedTree, after: PackedTree, options = {}) =>
  [...diffTrees(before, after, options)].map(word);

describe("what is a change", () => {
  test.each<[string, before: Draft[], after: Draft[], changes: string[]]>([
    ["nothing differs", [dir("d"), file("d/f", "x")], [dir("d"), file("d/f", "x")], []],
    ["added", [], [file("f")], ["+/f"]],
    ["the mode", [file("f")], [file("f", "", { mode: 0o600 })], ["~/f"]],
    ["setuid", [file("f")], [file("f", "", { mode: 0o4644 })], ["~/f"]],
    ["the owner", [file("f")], [file("f", "", { uid: 1 })], ["~/f"]],
    ["the group", [file("f")], [file("f", "", { gid: 1 })], ["~/f"]],
    ["the size", [file("f", "x")], [file("f", "xx")], ["~/f"]],
    ["rule 53: the bytes", [file("f", "a")], [file("f", "b")], ["~/f"]],
    ["a link's target", [link("l", "a")], [link("l", "b")], ["~/l"]],
    ["a device", [char("c", 1, 3)], [char("c", 1, 5)], ["~/c"]],
    ["the type", [fifo("p", { mode: 0o644 })], [file("p")], ["~/p"]],
    [
      "an xattr's value",
      [file("f", "", { xattrs: { "user.a": "1" } })],
      [file("f", "", { xattrs: { "user.a": "2" } })],
      ["~/f"],
    ],
    ["an xattr more", [file("f")], [file("f", "", { xattrs: { "user.a": "" } })], ["~/f"]],
    [
      "an xattr of the same length, by another name",
      [file("f", "", { xattrs: { "user.a": "" } })],
      [file("f", "", { xattrs: { "user.b": "" } })],
      ["~/f"],
    ],
    [
      "a directory's attributes, without its content",
      [dir("d"), file("d/f")],
      [dir("d", { gid: 3 }), file("d/f")],
      ["~/d"],
    ],
    ["holes are bytes", [sparse("f", 3, [{ offset: 2, length: 1 }], "x")], [file("f", "\0\0x")], []],
    [
      "M16: times within a second are one",
      [file("f", "", { mtime: fromSeconds(1, 1) })],
      [file("f", "", { mtime: fromSeconds(1, 2) })],
      [],
    ],
    ["M16: before 1970, too", [file("f", "", { mtime: -1n })], [file("f", "", { mtime: -999_999_999n })], []],
    [
      "M16: the next second is another",
      [file("f", "", { mtime: -1n })],
      [file("f", "", { mtime: 0n })],
      ["~/f"],
    ],
    ["rule 53: a directory's time counts", [dir("d")], [dir("d", { mtime: fromSeconds(1) })], ["~/d"]],
    ["the root's mode, owner and xattrs count", [dir("./")], [dir("./", { mode: 0o700 })], ["~/"]],
    ["the root's time does not", [dir("./")], [dir("./", { mtime: fromSeconds(9) })], []],
    ["rule 50: a deleted directory is one", [dir("d"), dir("d/e"), file("d/e/f")], [], ["-/d"]],
    ["M14: file over directory is the file", [dir("d"), file("d/f")], [file("d")], ["~/d"]],
    [
      "M14: directory over file is the directory and what it holds",
      [file("d")],
      [dir("d"), file("d/f")],
      ["~/d", "+/d/f"],
    ],
    [
      "M14: directory over symlink",
      [link("d", "e"), dir("e"), file("e/f")],
      [dir("d"), file("d/f"), dir("e"), file("e/f")],
      ["~/d", "+/d/f"],
    ],
    [
      "rule 52: of a directory made anew, each vanished child",
      [dir("d"), file("d/a"), dir("d/b"), file("d/b/c")],
      [dir("d"), file("d/z")],
      ["-/d/a", "-/d/b", "+/d/z"],
    ],
    [
      "rule 49: in path order, / lowest, by bytes",
      [file("a-b"), file("\u{1f600}")],
      [dir("a"), file("a/z"), file("a.b"), file("\uff5e"), file("\udcff")],
      ["+/a", "+/a/z", "-/a-b", "+/a.b", "+/\uff5e", "-/\u{1f600}", "+/\udcff"],
    ],
  ])("%s", (_, before, after, changes) => {
    expect(words(treeOf(before), treeOf(after))).toEqual(changes);
  });

  test("without times, the same bytes at another time are none", () => {
    const before = treeOf([dir("d"), file("d/f", "x"), file("g", "x")]);
    const late = { mtime: fromSeconds(5) };
    const after = treeOf([dir("d", late), file("d/f", "x", late), file("g", "y", late)]);
    expect(words(before, after)).toEqual(["~/d", "~/d/f", "~/g"]);
    expect(words(before, after, { ignoreTimes: true })).toEqual(["~/g"]);
  });

  test("a directory above a change, as the new tree has it", () => {
    const set = diffTrees(
      treeOf([]),
      treeOf([dir("a", { mode: 0o700 }), dir("a/b", { uid: 4 }), file("a/b/c")]),
    );
    expect(set.ancestor("/")).toMatchObject({ kind: "directory", mode: 0o755 });
    expect(set.ancestor("/a")).toMatchObject({ kind: "directory", mode: 0o700 });
    expect(set.ancestor("/a/b")).toMatchObject({ kind: "directory", uid: 4 });
  });

  test("changes may be asked for again", () => {
    const set = diffTrees(treeOf([]), treeOf([file("a"), file("b")]));
    expect([...set]).toEqual([...set]);
  });
});

describe("hardlinks: a group is whole or absent", () => {
  test.each<[string, before: Draft[], after: Draft[], changes: string[]]>([
    ["unchanged", [file("a", "x"), hard("b", "a")], [file("a", "x"), hard("b", "a")], []],
    ["built the other way round", [file("a", "x"), hard("b", "a")], [file("b", "x"), hard("a", "b")], []],
    [
      "M7: changed, with names anywhere",
      [dir("d"), file("d/f", "x"), dir("e"), hard("e/f", "d/f")],
      [dir("d"), file("d/f", "y"), dir("e"), hard("e/f", "d/f")],
      ["~/d/f", "~/e/f = /d/f"],
    ],
    [
      "M7: a name more",
      [file("b", "x"), hard("c", "b")],
      [file("b", "x"), hard("c", "b"), hard("a", "b")],
      ["+/a", "~/b = /a", "~/c = /a"],
    ],
    [
      "M7: a moved name",
      [dir("d"), file("d/f", "x"), hard("g", "d/f")],
      [dir("n"), file("n/f", "x"), hard("g", "n/f")],
      ["-/d", "~/g", "+/n", "+/n/f = /g"],
    ],
    ["M9: a name less", [file("a", "x"), hard("b", "a")], [file("b", "x")], ["-/a"]],
    [
      "M9: split, one keeps the inode",
      [file("a", "x"), hard("b", "a")],
      [file("a", "x"), file("b", "x")],
      ["~/b"],
    ],
    [
      "M9: split, and one of them changed",
      [file("a", "x"), hard("b", "a")],
      [file("a", "y"), file("b", "x")],
      ["~/a"],
    ],
    [
      "M9: three split in two and one: the first in path order keeps it",
      [file("a", "x"), hard("b", "a"), hard("c", "a")],
      [file("a", "x"), file("b", "x"), hard("c", "b")],
      ["~/b", "~/c = /b"],
    ],
    [
      "merged, though equal before",
      [file("a", "x"), file("b", "x")],
      [file("a", "x"), hard("b", "a")],
      ["~/a", "~/b = /a"],
    ],
    [
      "crosswise",
      [file("a", "x"), hard("b", "a"), file("c", "x"), hard("d", "c")],
      [file("a", "x"), hard("c", "a"), file("b", "x"), hard("d", "b")],
      ["~/a", "~/b", "~/c = /a", "~/d = /b"],
    ],
    ["links to symlinks are links", [link("a", "x")], [link("a", "x"), hard("b", "a")], ["~/a", "+/b = /a"]],
    [
      "a name where a directory was",
      [dir("a"), file("b", "x")],
      [file("a", "x"), hard("b", "a")],
      ["~/a", "~/b = /a"],
    ],
  ])("%s", (_, before, after, changes) => {
    expect(words(treeOf(before), treeOf(after))).toEqual(changes);
  });

  test("M9: the group that is the inode keeps it, even where another comes first", () => {
    const base = treeOf([file("a", "x"), hard("b", "a")]);
    // `rm a`, then `a` anew and identical: `b` is still what it was.
    const top = applyLayer(base, layer(file("a", "x")));
    expect(words(base, top)).toEqual(["~/a"]);
  });
});

describe("what is not looked at", () => {
  const unreadable = (drafts: readonly Draft[]) => {
    const built = layer(...drafts);
    return {
      ...built,
      archive: {
        ...built.archive,
        size: built.archive.size,
        close: () => {},
        read: (): number => {
          throw new Error("read");
        },
      },
    };
  };

  test("contents that lie at one place in one layer", () => {
    const shared = unreadable([dir("d"), file("d/f", "x"), file("g", "y")]);
    const base = applyLayers([shared]);
    const top = applyLayers([shared, layer(file("new"), gone("g"))]);
    expect(words(base, top)).toEqual(["-/g", "+/new"]);
  });

  test("a tree against itself", () => {
    const tree = applyLayers([unreadable([file("f", "x")])]);
    expect(words(tree, tree)).toEqual([]);
  });
});

test("any tree interface will do", () => {
  const top = treeOf([file("f"), dir("./", { mode: 0o700 })]);
  expect([...diffTrees(emptyTree(), top)].map(word)).toEqual(["~/", "+/f"]);
  expect([...diffTrees(top, emptyTree())].map(word)).toEqual(["~/", "-/f"]);
});

test("as deep as a path can be", () => {
  const deep = (depth: number): Draft[] => {
    const path = [...Array(depth)].map(() => "d").join("/");
    return [dir(path), file(`${path}/f`)];
  };
  const changes = words(treeOf([]), treeOf(deep(2000)));
  expect(changes.length).toBe(2001);
  expect(words(treeOf(deep(2000)), treeOf([]))).toEqual(["-/d"]);
});

test("M15, the law's second half: no change but an ancestor can be left out", () => {
  fc.assert(
    fc.property(anyLayers, anyLayers, fc.nat(), (left, right, pick) => {
      const below = left.map((drafts) => layer(...drafts));
      const base = applyLayers(below);
      const top = applyLayers(right.map((drafts) => layer(...drafts)));
      const set = diffTrees(base, top);
      const changes = [...set];
      const droppable = changes.filter(
        (change) =>
          change.path !== "/" &&
          !changes.some(({ path }) => path.startsWith(`${change.path}/`)) &&
          !changes.some((other) => other.kind !== "deleted" && other.linkTo === change.path) &&
          (change.kind === "deleted" || change.linkTo === undefined),
      );
      if (droppable.length === 0) return;
      const dropped = droppable[pick % droppable.length];
      const rest = changes.filter((change) => change !== dropped);
      const onTop = applyLayers([...below, layer(...draftsOf(rest, set))]);
      expect(recordedTree(onTop)).not.toEqual(recordedTree(top));
    }),
    { numRuns: Number(process.env.STRATAFS_LAW_RUNS ?? 400) },
  );
});
