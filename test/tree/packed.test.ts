import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { applyLayer, applyLayers } from "../../src/layer/apply.ts";
import { ArchiveError } from "../../src/tar/entry.ts";
import { EMPTY_TREE, openTree, PackedTree, packTree } from "../../src/tree/packed.ts";
import { FORMAT_VERSION } from "../../src/tree/sections.ts";
import { NO_NODE } from "../../src/tree/tree.ts";
import { dir, file, layer, link, treeOf } from "../layer/build.ts";
import { anyLayers, layers } from "../property/layers.ts";
import { describeTree, everything, nodeAt } from "./describe.ts";

const SAMPLE = treeOf(
  [dir("d"), file("d/é", "x", { mtime: 5n, xattrs: { "user.a": "1" } }), link("l", "d")],
  [file("d/b", "y")],
);

function open(bytes: Uint8Array, chainID = SAMPLE.chainID) {
  return openTree(bytes, { chainID, archives: SAMPLE.archive });
}

describe("packing", () => {
  test("applying layers one at a time makes the same bytes as applying the chain at once", () => {
    fc.assert(
      fc.property(layers, (drafts) => {
        const chain = drafts.map((entries) => layer(...entries));
        const atOnce = applyLayers(chain);
        const stepwise = chain.reduce((tree, layer) => applyLayer(tree, layer), EMPTY_TREE);
        expect(everything(stepwise)).toEqual(everything(atOnce));
        expect(stepwise.chainID).toBe(atOnce.chainID);
        expect(Buffer.compare(packTree(stepwise), packTree(atOnce))).toBe(0);
      }),
      { numRuns: 400 },
    );
  });

  test("a packed tree opens as the tree that was packed", () => {
    fc.assert(
      fc.property(layers, (drafts) => {
        const tree = treeOf(...drafts);
        const opened = openTree(packTree(tree).slice(), { chainID: tree.chainID, archives: tree.archive });
        expect(everything(opened!)).toEqual(everything(tree));
      }),
      { numRuns: 200 },
    );
  });

  test("invariant 3: applying a layer, also one that fails, changes no byte of the tree below", () => {
    fc.assert(
      fc.property(anyLayers, (drafts) => {
        let tree = EMPTY_TREE;
        for (const entries of drafts) {
          const before = packTree(tree).slice();
          const below = tree;
          try {
            tree = applyLayer(tree, layer(...entries));
          } catch (error) {
            if (!(error instanceof ArchiveError)) throw error;
            expect(error.entry).toBe(entries[error.offset! / 1024]!.name);
          }
          expect(Buffer.compare(packTree(below), before)).toBe(0);
        }
      }),
      { numRuns: 500 },
    );
  });

  test("nodes are in ascending order of number, and every number leads back to its node", () => {
    fc.assert(
      fc.property(layers, (drafts) => {
        const tree = treeOf(...drafts);
        for (let node = 1; node < tree.nodeCount; node++) {
          expect(tree.number(node)).toBeGreaterThan(tree.number(node - 1));
          expect(tree.nodeByNumber(tree.number(node))).toBe(node);
        }
      }),
      { numRuns: 100 },
    );
  });
});

describe("opening", () => {
  test("bytes at any alignment", () => {
    const bytes = packTree(SAMPLE);
    for (const shift of [0, 1, 3, 8]) {
      const larger = new Uint8Array(bytes.length + 16);
      larger.set(bytes, shift);
      const opened = open(larger.subarray(shift, shift + bytes.length));
      expect(everything(opened!)).toEqual(everything(SAMPLE));
    }
  });

  test("any flipped bit is noticed", () => {
    const bytes = packTree(SAMPLE);
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const damaged = bytes.slice();
      damaged[bit >> 3]! ^= 1 << (bit & 7);
      expect(open(damaged), `bit ${bit}`).toBeUndefined();
    }
  });

  test("a torn or cut file is noticed", () => {
    const bytes = packTree(SAMPLE);
    for (let length = 0; length < bytes.length; length++) {
      expect(open(bytes.slice(0, length))).toBeUndefined();
      const torn = bytes.slice();
      torn.fill(0, length);
      if (Buffer.compare(torn, bytes) !== 0) expect(open(torn)).toBeUndefined();
    }
    expect(open(new Uint8Array(bytes.length))).toBeUndefined();
    expect(open(new Uint8Array([...bytes, ...new Uint8Array(8)]))).toBeUndefined();
  });

  test("another version or another chain is no such tree", () => {
    const other = packTree(SAMPLE).slice();
    new Uint32Array(other.buffer)[1] = FORMAT_VERSION + 1;
    expect(open(other)).toBeUndefined();
    expect(open(packTree(SAMPLE), `sha256:${"0".repeat(64)}`)).toBeUndefined();
    expect(openTree(packTree(SAMPLE), { chainID: undefined, archives: SAMPLE.archive })).toBeUndefined();
  });

  test("archives are asked for when a file of their layer is, once for each", () => {
    const asked: number[] = [];
    const tree = openTree(packTree(SAMPLE), {
      chainID: SAMPLE.chainID,
      archives(position) {
        asked.push(position);
        return SAMPLE.archive(position);
      },
    })!;
    expect(tree.list(tree.root).length).toBe(2);
    tree.inode(nodeAt(tree, "/l"));
    expect(asked).toEqual([]);
    tree.inode(nodeAt(tree, "/d/b"));
    tree.inode(nodeAt(tree, "/d/b"));
    tree.inode(nodeAt(tree, "/d/é"));
    expect(asked).toEqual([1, 0]);
  });

  test("a tree of no layers opens too", () => {
    const opened = openTree(packTree(EMPTY_TREE).slice(), { chainID: undefined, archives: SAMPLE.archive });
    expect(everything(opened!)).toEqual(everything(EMPTY_TREE));
  });
});

describe("looking up", () => {
  const names = [
    "a",
    "b",
    "ab",
    "aa",
    "é",
    "\u{1f600}",
    "\uff5e",
    "\udcff",
    "\udc80\udc80",
    "z".repeat(255),
    "__proto__",
  ];
  const tree = treeOf([dir("d"), ...names.map((name) => file(`d/${name}`)), file("plain")]);
  const d = nodeAt(tree, "/d");

  test("finds each name and no other, listed in the order of bytes (rule 49)", () => {
    expect(tree.list(d).map(({ name }) => name)).toEqual([
      "__proto__",
      "a",
      "aa",
      "ab",
      "b",
      "z".repeat(255),
      "\udc80\udc80",
      "é",
      "\uff5e",
      "\u{1f600}",
      "\udcff",
    ]);
    for (const { name, node } of tree.list(d)) expect(tree.lookup(d, name)).toBe(node);
    for (const name of ["", "c", "aaa", "é\0", "e", "\udcfe", "\ud83d", "constructor", ".", ".."]) {
      expect(tree.lookup(d, name), name).toBe(NO_NODE);
    }
  });

  test("finds a name in the directory that has it, not in one that hashes to its neighbourhood", () => {
    const count = 2000;
    const many = treeOf(
      Array.from({ length: count }, (_, i) => (i % 2 === 0 ? file(`${i}/x`) : dir(`${i}`))),
    );
    const found = Array.from({ length: count }, (_, i) => many.lookup(nodeAt(many, `/${i}`), "x"));
    found.forEach((node, i) => {
      expect(node === NO_NODE, `${i}`).toBe(i % 2 === 1);
      if (node !== NO_NODE) expect(many.slots(node)[0]!.directory).toBe(nodeAt(many, `/${i}`));
    });
  });

  test("in what is no directory, finds nothing", () => {
    const plain = nodeAt(tree, "/plain");
    expect(tree.lookup(plain, "a")).toBe(NO_NODE);
    expect(tree.lookup(NO_NODE, "a")).toBe(NO_NODE);
    expect([tree.list(plain), tree.subdirectoryCount(plain), tree.parent(plain)]).toEqual([[], 0, NO_NODE]);
  });

  test("searches where the index was given up: names chosen to collide cost no more", () => {
    const nameIndex = new Uint32Array(tree.sections.nameIndex.length).fill(1);
    const crowded = new PackedTree({ ...tree.sections, nameIndex }, tree.archive);
    expect(describeTree(crowded)).toEqual(describeTree(tree));
    for (const { name, node } of tree.list(d)) expect(crowded.lookup(d, name)).toBe(node);
    for (const name of ["", "c", "aaa", "\udcfe"]) expect(crowded.lookup(d, name)).toBe(NO_NODE);
    expect(crowded.lookup(nodeAt(tree, "/plain"), "a")).toBe(NO_NODE);
    expect(crowded.lookup(NO_NODE, "a")).toBe(NO_NODE);
  });
});

test("directories know their parents and how many directories they hold", () => {
  const tree = treeOf([dir("a/b/c"), dir("a/d"), file("a/e"), link("a/l", "d")]);
  const a = nodeAt(tree, "/a");
  expect(tree.subdirectoryCount(a)).toBe(2);
  expect(tree.subdirectoryCount(tree.root)).toBe(1);
  expect(tree.parent(nodeAt(tree, "/a/b/c"))).toBe(nodeAt(tree, "/a/b"));
  expect([tree.parent(a), tree.parent(tree.root)]).toEqual([tree.root, tree.root]);
  expect(tree.slots(tree.root)).toEqual([]);
  expect(tree.slots(a)).toEqual([{ directory: tree.root, name: "a" }]);
});
