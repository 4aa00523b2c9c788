/**
 * What of a view a commit point keeps: inodes that a name leads to.
 */
import { FIRST_NEW_ID, type InodeId, type UpperInode } from "../../union/inodes.ts";
import { newEpoch, Table } from "../../union/table.ts";
import type { Usage } from "../../union/union.ts";
import { View } from "../../union/view.ts";

/** Whether a commit point keeps an inode. The root has no name and needs none. */
export function isKept(view: View, id: InodeId, inode: UpperInode | undefined): inode is UpperInode {
  return inode !== undefined && (inode.names > 0 || id === view.root);
}

export type Visit = (id: InodeId, before: UpperInode | undefined, after: UpperInode | undefined) => void;

/** Calls `visit` with every inode that is not the same object in two views of one tree. */
export function eachDifference(before: View, after: View, visit: Visit): void {
  Table.differences(before.copied, after.copied, visit);
  Table.differences(before.created, after.created, (index, a, b) => visit(FIRST_NEW_ID + index, a, b));
}

/** Calls `visit` with every inode of an upper. */
export function eachInode(view: View, visit: (id: InodeId, inode: UpperInode) => void): void {
  eachDifference(new View(view.tree), view, (id, _, inode) => {
    if (inode !== undefined) visit(id, inode);
  });
}

/** A view of its own without the inodes that are not kept. */
export function namedPart(view: View): View {
  const part = view.copy();
  const epoch = newEpoch();
  eachInode(view, (id, inode) => {
    if (isKept(view, id, inode)) return;
    if (id < FIRST_NEW_ID) part.copied.delete(id, epoch);
    else part.created.delete(id - FIRST_NEW_ID, epoch);
  });
  return part;
}

export function usageOf(view: View): Usage {
  const usage = { pages: 0, inodes: 0, resident: 0 };
  eachInode(view, (id, inode) => {
    if (id >= FIRST_NEW_ID) usage.inodes += 1;
    if (inode.kind !== "file") return;
    usage.pages += inode.content.pages;
    usage.resident += inode.content.resident;
  });
  return usage;
}
