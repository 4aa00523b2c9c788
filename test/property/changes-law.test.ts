/**
 * The law of the engine, for changes themselves: putting the changes of a mount on top of its lower
 * gives the merged view again, and none of them can be left out. The entries are made here, in the
 * plainest way, so that neither the layer writer nor the tar format takes part.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import { applyLayers } from "../../src/layer/apply.ts";
import { parentPath, splitPath } from "../../src/posix/path.ts";
import { floorToSecond } from "../../src/posix/time.ts";
import type { Change, ChangeSet } from "../../src/tree/change.ts";
import { readAll } from "../../src/tree/content.ts";
import type { Inode } from "../../src/tree/inode.ts";
import { createMount } from "../../src/union/mount.ts";
import { type Draft, dir, gone, hard, layer } from "../layer/build.ts";
import { layers as anyLowers } from "./layers.ts";
import { anyOperation, runAll, tickingClock } from "./operations.ts";
import { recordedSnapshot, recordedTree } from "./recorded.ts";

function draftOf(path: string, inode: Inode): Draft | undefined {
  const base = {
    name: path === "/" ? "./" : path.slice(1),
    offset: 0,
    mode: inode.mode,
    uid: inode.uid,
    gid: inode.gid,
    mtime: floorToSecond(inode.mtime),
    xattrs: inode.xattrs,
  };
  switch (inode.kind) {
    case "file": {
      const bytes = readAll(inode.content);
      return { ...base, type: "file", size: bytes.length, start: 0, bytes };
    }
    case "symlink":
      return { ...base, type: "symlink", target: inode.target };
    case "char":
    case "block":
      return { ...base, type: inode.kind, rdev: inode.rdev };
    case "socket":
      return undefined;
    default:
      return { ...base, type: inode.kind };
  }
}

function draftsOf(changes: readonly Change[], set: ChangeSet): Draft[] {
  const drafts: Draft[] = [];
  const ancestors = new Map<string, Draft>();
  const own = new Set(changes.filter(({ kind }) => kind !== "deleted").map(({ path }) => path));
  const needAncestors = (path: string) => {
    for (let at = parentPath(path); at !== "/"; at = parentPath(at)) {
      const draft = draftOf(at, set.ancestor(at));
      if (!own.has(at) && draft !== undefined) ancestors.set(at, draft);
    }
  };
  for (const change of changes) {
    if (change.kind === "deleted") {
      drafts.push(gone(change.path.slice(1)));
    } else if (change.linkTo !== undefined && change.inode.kind !== "socket") {
      drafts.push(hard(change.path.slice(1), change.linkTo.slice(1)));
    } else {
      const draft = draftOf(change.path, change.inode);
      // A socket leaves no record, but what it replaced is gone.
      if (draft !== undefined) drafts.push(draft);
      else if (change.kind === "modified") drafts.push(gone(change.path.slice(1)));
    }
    needAncestors(change.path);
  }
  const depth = (draft: Draft) => splitPath(draft.name).length;
  const links = drafts.filter(({ type }) => type === "hardlink");
  const rest = [...ancestors.values(), ...drafts.filter(({ type }) => type !== "hardlink")];
  return [...rest.sort((a, b) => depth(a) - depth(b)), ...links];
}

const operations = fc.array(anyOperation, { maxLength: 30 });
const RUNS = Number(process.env.STRATAFS_LAW_RUNS ?? 400);

test("the law: lower + changes = merged, and every change is needed", () => {
  fc.assert(
    fc.property(anyLowers, operations, fc.nat(), fc.boolean(), (lowers, operations, pick, useOpaque) => {
      const layers = lowers.map((drafts) => layer(...drafts));
      const mount = createMount(applyLayers(layers), { clock: tickingClock() });
      runAll(mount, operations);
      const merged = recordedSnapshot(mount.snapshot());
      const set = mount.changes({ opaque: useOpaque });
      const changes = [...set];
      const onTop = (list: readonly Change[]) => {
        const drafts = draftsOf(list, set);
        for (const change of list) {
          if (change.kind !== "deleted" && change.opaque) drafts.push(dirMark(change.path));
        }
        return recordedTree(applyLayers([...layers, layer(...drafts)]));
      };
      expect(onTop(changes)).toEqual(merged);

      if (useOpaque || changes.length === 0) return;
      const left = changes[pick % changes.length]!;
      // A directory is an ancestor of what is in it; a group is whole; a socket leaves no record.
      const isAncestor = changes.some(({ path }) => path !== left.path && path.startsWith(`${left.path}/`));
      const isGroup = changes.some((change) => change.kind !== "deleted" && change.linkTo === left.path);
      const isSocket = left.kind !== "deleted" && left.inode.kind === "socket";
      if (isAncestor || isGroup || isSocket || left.path === "/") return;
      if (left.kind !== "deleted" && left.linkTo !== undefined) return;
      expect(onTop(changes.filter((change) => change !== left))).not.toEqual(merged);
    }),
    { numRuns: RUNS },
  );
});

function dirMark(path: string): Draft {
  return { ...dir(`${path.slice(1)}/.wh..wh..opq`), type: "file", size: 0, start: 0 };
}
