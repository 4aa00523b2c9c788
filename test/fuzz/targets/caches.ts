/**
 * What is kept between processes, damaged: packed trees and indexes of layers. Damage is seen, and then
 * they are made again from what they were made of; they never say something else.
 */
import fc from "fast-check";
import { applyLayers } from "../../../src/layer/apply.ts";
import { decodeIndex, encodeIndex } from "../../../src/layer/index-file.ts";
import { openTree, packTree } from "../../../src/tree/packed.ts";
import { char, dir, fifo, file, gone, hard, layer, link, sparse } from "../../layer/build.ts";
import { mutated } from "../mutations.ts";
import { Fault, type Target } from "../target.ts";

const ENTRIES = [
  dir("a"),
  file("a/file", "text", { xattrs: { "user.a": "1" }, mtime: 1_700_000_000_123_456_789n }),
  hard("a/again", "a/file"),
  link("a/link", "../b"),
  sparse("a/sparse", 5000, [{ offset: 4096, length: 2 }], "ab"),
  char("device", 1, 3),
  fifo("fifo"),
  ...Array.from({ length: 40 }, (_, i) => file(`b/${i}`, `${i}`)),
];
const LOWER = layer(...ENTRIES);
const UPPER = layer(gone("b/7"), file("a/file", "other"), dir("c"));

const TREE = applyLayers([LOWER, UPPER]);
const TREE_BYTES = packTree(TREE).slice();
const INDEX_BYTES = encodeIndex(LOWER.entries(), LOWER.diffID, LOWER.archive.size);

function checkSeen(opened: unknown, given: Uint8Array, sound: Uint8Array): void {
  if (opened !== undefined && Buffer.compare(given, sound) !== 0) throw new Fault("damage was not seen");
}

export const treeCache: Target = {
  name: "tree-cache",
  what: "the file of a packed tree, damaged",
  share: 2,
  cases: mutated(fc.constant(TREE_BYTES), 6),
  feed(bytes) {
    const opened = openTree(bytes.slice(), { chainID: TREE.chainID, archives: TREE.archive });
    checkSeen(opened, bytes, TREE_BYTES);
  },
};

export const layerIndex: Target = {
  name: "layer-index",
  what: "the index of a layer, damaged",
  share: 2,
  cases: mutated(fc.constant(INDEX_BYTES), 6),
  feed(bytes) {
    checkSeen(decodeIndex(bytes), bytes, INDEX_BYTES);
  },
};
