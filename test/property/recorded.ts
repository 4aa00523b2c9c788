/**
 * `recorded(T)` of the law: what a layer can say of a tree. Sockets are left out, times are whole
 * seconds, the root's time does not count.
 */
import { createHash } from "node:crypto";
import { joinPath } from "../../src/posix/path.ts";
import { seconds } from "../../src/posix/time.ts";
import { readChunks } from "../../src/tree/content.ts";
import type { Inode } from "../../src/tree/inode.ts";
import type { Tree } from "../../src/tree/tree.ts";
import type { Snapshot } from "../../src/union/snapshot.ts";

/** One line a path: everything of it but its name, and the first name of its inode. */
export type Recorded = Map<string, string>;

interface Walked {
  readonly root: number;
  list(directory: number): Iterable<{ readonly name: string; readonly id: number }>;
  inode(id: number): Inode;
}

export function recordedTree(tree: Tree): Recorded {
  return record({
    root: tree.root,
    list: (directory) => tree.list(directory).map(({ name, node }) => ({ name, id: node })),
    inode: (node) => tree.inode(node),
  });
}

export function recordedSnapshot(snapshot: Snapshot): Recorded {
  const { view } = snapshot;
  return record({ root: view.root, list: (id) => view.list(id), inode: (id) => view.inode(id) });
}

function record(tree: Walked): Recorded {
  const paths: [string, number][] = [];
  const firstName = new Map<number, string>();
  const pending: [string, number][] = [["/", tree.root]];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const [path, id] = next;
    const inode = tree.inode(id);
    if (inode.kind === "socket") continue;
    paths.push(next);
    const first = firstName.get(id);
    if (first === undefined || path < first) firstName.set(id, path);
    if (inode.kind !== "directory") continue;
    for (const entry of tree.list(id)) pending.push([joinPath(path, entry.name), entry.id]);
  }
  paths.sort(([a], [b]) => (a < b ? -1 : 1));
  return new Map(
    paths.map(([path, id]) => {
      const inode = tree.inode(id);
      const time = path === "/" ? "" : `@${seconds(inode.mtime)}`;
      const group = inode.kind === "directory" ? "" : `=${firstName.get(id)}`;
      return [path, `${describe(inode)} ${time} ${group}`];
    }),
  );
}

export function describe(inode: Inode): string {
  const xattrs = [...inode.xattrs]
    .map(([name, value]) => `${name}:${Buffer.from(value).toString("hex")}`)
    .sort()
    .join(",");
  return `${inode.kind} ${inode.mode.toString(8)} ${inode.uid}:${inode.gid} ${body(inode)} {${xattrs}}`;
}

function body(inode: Inode): string {
  if (inode.kind === "symlink") return inode.target;
  if (inode.kind === "char" || inode.kind === "block") return String(inode.rdev);
  if (inode.kind !== "file") return "";
  const hash = createHash("sha256");
  for (const chunk of readChunks(inode.content)) hash.update(chunk);
  return `${inode.content.size}:${hash.digest("hex").slice(0, 16)}`;
}
