/**
 * Archives through everything that a layer goes through: read, indexed, applied, cached, mounted, written
 * again. Each stage refuses with an error of its type, or agrees with the others.
 */
import fc from "fast-check";
import { applyLayer, applyLayers } from "../../../src/layer/apply.ts";
import type { Layer } from "../../../src/layer/layer.ts";
import { layerFromBytes } from "../../../src/layer/read.ts";
import { squash } from "../../../src/layer/squash.ts";
import { writeLayer } from "../../../src/layer/write.ts";
import { diffTrees } from "../../../src/tree/diff.ts";
import { openTree, type PackedTree, packTree } from "../../../src/tree/packed.ts";
import type { Tree } from "../../../src/tree/tree.ts";
import { createMount } from "../../../src/union/mount.ts";
import { dir, file, hard, layer, link } from "../../layer/build.ts";
import { recordedTree } from "../../property/recorded.ts";
import { concat, END, entriesOf, member, pax } from "../../tar/hand.ts";
import { archives, paxText } from "../archives.ts";
import { attempt, attemptLater, Fault, same, sameOutcome, type Target } from "../target.ts";

/** What archives are applied to: something of everything that they may hit. */
const BASE = layer(
  dir("a"),
  file("a/a", "below"),
  file("a/b", "below too", { mode: 0o4755, xattrs: { "user.a": "1" } }),
  hard("a/c", "a/b"),
  dir("b"),
  dir("b/a"),
  file("b/a/d", "x"),
  link("c", "b/a"),
  link("d", "/a/../b"),
);
const BASE_TREE = applyLayers([BASE]);

/** Above this the bytes of files are not read: a sparse file of an exabyte is a file. */
const READABLE = 2 ** 22;

function isReadable(tree: Tree): boolean {
  let bytes = 0;
  for (let node = 0; node < tree.nodeCount; node++) {
    const inode = tree.inode(node);
    if (inode.kind === "file") bytes += inode.content.size;
  }
  return bytes <= READABLE;
}

async function feedArchive(bytes: Uint8Array): Promise<void> {
  const whole = attempt(() => entriesOf(bytes));
  const pieces = attempt(() => entriesOf(bytes, 1 + (bytes.length % 769)));
  sameOutcome("entries, whatever the chunks", whole, pieces);
  const read = await attemptLater(() => layerFromBytes(bytes));
  if ("error" in read) return;
  if ("error" in whole) throw new Fault(`read as a layer, though ${whole.error.message}`);
  same("entries of the index", [...read.value.entries()], whole.value);
  feedLayer(read.value);
}

function feedLayer(layer: Layer): void {
  const applied = attempt(() => applyLayer(BASE_TREE, layer));
  if ("error" in applied) return;
  const tree = applied.value;
  checkCached(tree);
  if (!isReadable(tree)) return;
  const shown = recordedTree(tree);
  const mount = createMount(tree);
  same("changes of a mount without any", [...mount.changes()], []);

  const written = attempt(() => writeLayer(diffTrees(BASE_TREE, tree)));
  if ("error" in written) return;
  const onTop = written.value === undefined ? BASE_TREE : applyLayer(BASE_TREE, written.value);
  same("the difference on top of the base", recordedTree(onTop), shown);

  const squashed = attempt(() => squash([layer]));
  if ("value" in squashed) {
    same("the squash on top of the base", recordedTree(applyLayer(BASE_TREE, squashed.value)), shown);
  }
}

/** The tree as it is kept between processes. */
function checkCached(tree: PackedTree): void {
  const opened = openTree(packTree(tree).slice(), { chainID: tree.chainID, archives: tree.archive });
  if (opened === undefined) throw new Fault("a tree that was just packed cannot be opened");
  for (let node = 0; node < tree.nodeCount; node++) {
    const { content: _, ...attributes } = { content: undefined, ...tree.inode(node) };
    const { content: __, ...again } = { content: undefined, ...opened.inode(node) };
    same("an inode of the cached tree", again, attributes);
    for (const { name, node: child } of tree.list(node)) {
      same("a lookup in the cached tree", opened.lookup(node, name), child);
    }
  }
}

export const archive: Target = {
  name: "archive",
  what: "archives of every dialect, made by hand or by real tools and damaged, through all that a layer goes through",
  share: 1,
  cases: archives,
  feed: feedArchive,
};

export const paxRecords: Target = {
  name: "pax",
  what: "the text of an extended header, before a file",
  share: 1,
  cases: fc.oneof(
    paxText.map((text) => new Uint8Array(Buffer.from(text, "latin1"))),
    fc.uint8Array({ maxLength: 64 }),
  ),
  feed: (text) =>
    feedArchive(concat(pax(Buffer.from(text).toString("latin1")), member({ name: "f" }, "text"), END)),
};
