/**
 * Changes as entries, made without the layer writer or the tar format, to judge both.
 */
import { parentPath, splitPath } from "../../src/posix/path.ts";
import { floorToSecond } from "../../src/posix/time.ts";
import type { Change, ChangeSet } from "../../src/tree/change.ts";
import { readAll } from "../../src/tree/content.ts";
import type { Inode } from "../../src/tree/inode.ts";
import { type Draft, gone, hard, opaque } from "../layer/build.ts";

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

/** The entries of a layer with these changes, in the plainest way. */
export function draftsOf(changes: readonly Change[], set: ChangeSet): Draft[] {
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
      if (change.opaque) drafts.push(opaque(change.path.slice(1)));
    }
    needAncestors(change.path);
  }
  const depth = (draft: Draft) => splitPath(draft.name).length;
  const links = drafts.filter(({ type }) => type === "hardlink");
  const rest = [...ancestors.values(), ...drafts.filter(({ type }) => type !== "hardlink")];
  return [...rest.sort((a, b) => depth(a) - depth(b)), ...links];
}
