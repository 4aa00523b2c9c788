import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, test } from "vitest";
import { applyLayer } from "../../src/layer/apply.ts";
import { EMPTY_TREE, type PackedTree } from "../../src/tree/packed.ts";
import { nodeAt } from "../tree/describe.ts";
import { dir, file, gone, hard, layer, treeOf } from "./build.ts";

function numberAt(tree: PackedTree, path: string): number {
  return tree.number(nodeAt(tree, path));
}

describe("identity", () => {
  test("M22: numbers are the layer's position and the inode's ordinal in it, implied parents included", () => {
    const tree = treeOf([file("a/b/c"), file("d")], [dir("e"), hard("f", "d")]);
    const step = 2 ** 32;
    expect(["/", "/a", "/a/b", "/a/b/c", "/d", "/e", "/f"].map((path) => numberAt(tree, path))).toEqual([
      1,
      step + 1,
      step + 2,
      step + 3,
      step + 4,
      2 * step + 1,
      step + 4,
    ]);
  });

  test("a directory whose attributes a later layer replaces keeps its number", () => {
    const first = treeOf([dir("d"), file("d/x")]);
    const second = applyLayer(first, layer(dir("d", { mode: 0o700 })));
    expect(numberAt(second, "/d")).toBe(numberAt(first, "/d"));
  });

  test("what is removed and made again, or replaced, gets a new number", () => {
    const first = treeOf([dir("d"), file("f")]);
    const second = applyLayer(first, layer(gone("d"), dir("d"), file("f")));
    expect(numberAt(second, "/d")).not.toBe(numberAt(first, "/d"));
    expect(numberAt(second, "/f")).not.toBe(numberAt(first, "/f"));
  });

  test("M5: link counts belong to a tree: an older tree keeps its own", () => {
    const first = treeOf([file("a"), hard("b", "a")]);
    const second = applyLayer(first, layer(gone("b"), hard("c", "a"), hard("d", "a")));
    expect([first, second].map((tree) => tree.linkCount(nodeAt(tree, "/a")))).toEqual([2, 3]);
  });

  test("M20: a tree does not keep the tree it was made from", async () => {
    setFlagsFromString("--expose-gc");
    const collectGarbage = runInNewContext("gc") as () => void;
    const below = (() => new WeakRef(treeOf([file("a")])))();
    const above = (() => applyLayer(below.deref()!, layer(file("b"))))();
    await new Promise((resolve) => setTimeout(resolve, 0));
    collectGarbage();
    expect(below.deref()).toBeUndefined();
    expect(nodeAt(above, "/a")).toBeGreaterThan(0);
  });

  test("every number leads back to its node, and no other number does", () => {
    const tree = treeOf([file("a/b"), file("c")], [gone("a")], [file("d"), file("c")]);
    for (let node = 0; node < tree.nodeCount; node++) expect(tree.nodeByNumber(tree.number(node))).toBe(node);
    const step = 2 ** 32;
    for (const number of [
      0,
      2,
      step,
      step + 1,
      step + 2,
      step + 9,
      2 * step,
      2 * step + 1,
      3 * step + 3,
      9 * step,
      2 ** 48,
      -1,
      0.5,
      Number.NaN,
    ]) {
      expect(tree.nodeByNumber(number), `${number}`).toBe(-1);
    }
    expect(EMPTY_TREE.nodeByNumber(1)).toBe(0);
  });
});
