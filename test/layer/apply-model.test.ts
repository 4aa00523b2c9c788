import fc from "fast-check";
import { expect, test } from "vitest";
import { applyLayer } from "../../src/layer/apply.ts";
import { splitPath } from "../../src/posix/path.ts";
import { EMPTY_TREE, type PackedTree } from "../../src/tree/packed.ts";
import { layers } from "../property/layers.ts";
import { nodeAt, walk } from "../tree/describe.ts";
import { layer } from "./build.ts";
import { Model, type ModelInode } from "./model.ts";

/** What a tree must say of a path, in words that the model knows too. */
function seen(tree: PackedTree): Record<string, unknown> {
  const lines: Record<string, unknown> = {};
  for (const [path, node] of walk(tree)) {
    const { kind, mode, uid, gid, mtime, xattrs } = tree.inode(node);
    lines[path.slice(1)] = { kind, mode, uid, gid, mtime, xattrs: [...xattrs.keys()].sort() };
  }
  return lines;
}

function expected(model: Model): Record<string, unknown> {
  const lines: Record<string, unknown> = {};
  for (const [path, { inode }] of model.names) {
    const { mode, uid, gid, mtime, xattrs } = inode.entry ?? {
      mode: 0o755,
      uid: 0,
      gid: 0,
      mtime: 0n,
      xattrs: new Map<string, Uint8Array>(),
    };
    lines[path] = { kind: inode.type, mode, uid, gid, mtime, xattrs: [...xattrs.keys()].sort() };
  }
  return lines;
}

test("rules 1 to 32: any layers give the tree, the identities and the history of the naive model", () => {
  fc.assert(
    fc.property(layers, (drafts) => {
      const model = new Model();
      const numbers = new Map<ModelInode, number>();
      let tree = EMPTY_TREE;
      for (const entries of drafts) {
        tree = applyLayer(tree, layer(...entries));
        model.apply(entries);
        expect(seen(tree)).toEqual(expected(model));
        for (const [path, { inode }] of model.names) {
          const number = tree.number(nodeAt(tree, path));
          expect(numbers.get(inode) ?? number, path).toBe(number);
          numbers.set(inode, number);
        }
        for (const [path, events] of model.history) {
          expect(tree.history(tree.root, splitPath(path)), path).toEqual(events);
        }
      }
      expect(new Set(numbers.values()).size).toBe(numbers.size);
    }),
    { numRuns: 1500 },
  );
});
