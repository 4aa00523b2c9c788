/**
 * The changes that make a whole tree out of nothing: what a directory of the machine and a memfs volume
 * have in common as sources of layers.
 *
 * Everything is an addition, in path order (rule 49). Names of one inode are a group of hardlinks, the
 * first in order the inode itself (rule 57). Sockets are left out (rule 58). The root is a change only
 * if it differs from what an image's root is where no layer says otherwise: 0755, 0:0 (rule 54).
 */
import { compareNames } from "../posix/names.ts";
import { joinPath } from "../posix/path.ts";
import { ArchiveError } from "../tar/entry.ts";
import type { Change, ChangeSet } from "../tree/change.ts";
import type { Inode } from "../tree/inode.ts";

/** A tree to be read. `Stat` is what one look at a path tells, so that it is looked at once. */
export interface Source<Stat> {
  stat(path: string): Stat;
  /** What names of one inode have in common, or undefined where it has but one. */
  identity(stat: Stat): string | undefined;
  /** The inode; called once for all its names. */
  inode(path: string, stat: Stat): Inode;
  /** The names in a directory, in any order. */
  list(path: string): readonly string[];
}

export interface SourceChanges {
  readonly changes: ChangeSet;
  /** Paths of the sockets that were left out, in order. */
  readonly sockets: readonly string[];
}

const PLAIN_ROOT_MODE = 0o755;

function isPlainRoot({ mode, uid, gid, xattrs }: Inode): boolean {
  return mode === PLAIN_ROOT_MODE && uid === 0 && gid === 0 && xattrs.size === 0;
}

/**
 * Reads a whole tree.
 * @throws ArchiveError `source` where its root is no directory; whatever the source throws
 */
export function changesOf<Stat>(source: Source<Stat>): SourceChanges {
  const changes: Change[] = [];
  const sockets: string[] = [];
  const groups = new Map<string, { readonly path: string; readonly inode: Inode }>();
  /** Paths yet to be looked at, the next one last. */
  const pending: string[] = [];
  const open = (directory: string) => {
    const names = [...source.list(directory)].sort((a, b) => compareNames(b, a));
    for (const name of names) pending.push(joinPath(directory, name));
  };

  const root = source.inode("/", source.stat("/"));
  if (root.kind !== "directory") throw new ArchiveError("source", `a ${root.kind} is no directory`);
  if (!isPlainRoot(root)) changes.push({ kind: "modified", path: "/", inode: root });
  open("/");
  for (let path = pending.pop(); path !== undefined; path = pending.pop()) {
    const stat = source.stat(path);
    const identity = source.identity(stat);
    const first = identity === undefined ? undefined : groups.get(identity);
    const inode = first?.inode ?? source.inode(path, stat);
    if (inode.kind === "socket") sockets.push(path);
    else if (first === undefined) changes.push({ kind: "added", path, inode });
    else changes.push({ kind: "added", path, inode, linkTo: first.path });
    if (inode.kind === "directory") open(path);
    else if (identity !== undefined && first === undefined) groups.set(identity, { path, inode });
  }

  return {
    changes: {
      [Symbol.iterator]: () => changes[Symbol.iterator](),
      // Every directory is among the changes; only the root may be none, and it has no entry then.
      ancestor: (path) => {
        throw new RangeError(`${path} is not above a change`);
      },
    },
    sockets,
  };
}
