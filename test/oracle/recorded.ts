/**
 * `recorded`: what of a tree a layer can record. Sockets are left out, times are whole seconds (times
 * of the run itself are "now"), the root's time does not count. Hardlink groups are told by their first
 * name.
 */
import { crc32 } from "node:zlib";
import { S_IFBLK, S_IFCHR, S_IFDIR, S_IFSOCK, typeBits } from "../../src/posix/mode.ts";
import { joinPath } from "../../src/posix/path.ts";
import { readAll } from "../../src/tree/content.ts";
import type { NodeId, Tree } from "../../src/tree/tree.ts";
import type { TreeLine } from "./scenario.ts";

const SECOND = 1_000_000_000n;
/** Times from here on are called "now". */
export const NOW_FROM = 1_600_000_000n * SECOND;

/** One name of a tree. */
export interface RecordedName {
  readonly path: string;
  /** Type bits of `st_mode`. */
  readonly type: number;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Whole seconds, or "now"; null for the root. */
  readonly mtime: string | null;
  /** For a device. */
  readonly rdev: number;
  /** A file's checksum, a symlink's target. */
  readonly detail: number | string | null;
  readonly xattrs: { readonly [name: string]: string };
  /** The first name of the same inode, in this order. */
  readonly first: string;
}

/** A name before its group is known: `inode` is any key that two names of one inode share. */
export type LooseName = Omit<RecordedName, "first"> & { readonly inode: unknown };

/** Names in the order of a walk; see above for what is dropped. */
export function record(names: readonly LooseName[]): RecordedName[] {
  const firsts = new Map<unknown, string>();
  const out: RecordedName[] = [];
  for (const { inode, path, type, mode, uid, gid, mtime, rdev, detail, xattrs } of names) {
    if (type === S_IFSOCK) continue;
    const first = type === S_IFDIR ? path : (firsts.get(inode) ?? path);
    firsts.set(inode, first);
    // The fields are put in one order, so that equal names are equal as JSON.
    out.push({ path, type, mode, uid, gid, mtime: path === "/" ? null : mtime, rdev, detail, xattrs, first });
  }
  return out;
}

/** A time as `record` wants it. */
export function recordedTime(nanoseconds: bigint): string {
  if (nanoseconds >= NOW_FROM) return "now";
  const whole = nanoseconds / SECOND;
  return String(nanoseconds < 0n && whole * SECOND !== nanoseconds ? whole - 1n : whole);
}

/** What a layer would record of a merged view that `stat` and its kin showed. */
export function recordView(lines: readonly TreeLine[]): RecordedName[] {
  return record(
    lines.map(([path, [type, mode, , uid, gid, rdev, , mtime, ino], detail, xattrs]) => ({
      path,
      type,
      mode,
      uid,
      gid,
      rdev,
      mtime: mtime === "now" ? mtime : recordedTime(BigInt(mtime)),
      detail,
      xattrs,
      inode: ino,
    })),
  );
}

/** One node of a tree as {@link record} takes it. */
export function looseNode(tree: Tree, node: NodeId, path: string): LooseName {
  const inode = tree.inode(node);
  return {
    path,
    type: typeBits(inode.kind),
    mode: inode.mode,
    uid: inode.uid,
    gid: inode.gid,
    rdev: inode.kind === "char" || inode.kind === "block" ? inode.rdev : 0,
    mtime: recordedTime(inode.mtime),
    detail:
      inode.kind === "file" ? crc32(readAll(inode.content)) : inode.kind === "symlink" ? inode.target : null,
    xattrs: latin1Xattrs(inode.xattrs),
    inode: `lower ${node}`,
  };
}

function latin1Xattrs(xattrs: ReadonlyMap<string, Uint8Array>): Record<string, string> {
  const names = [...xattrs.keys()].sort();
  return Object.fromEntries(names.map((name) => [name, Buffer.from(xattrs.get(name)!).toString("latin1")]));
}

/** What a layer would record of a tree. */
export function recordTree(tree: Tree): RecordedName[] {
  const out: LooseName[] = [];
  const walk = (node: NodeId, path: string) => {
    out.push(looseNode(tree, node, path));
    for (const entry of tree.list(node)) walk(entry.node, joinPath(path, entry.name));
  };
  walk(tree.root, "/");
  return record(out);
}

/** Whether type bits are those of a device. */
export function isDevice(type: number): boolean {
  return type === S_IFCHR || type === S_IFBLK;
}
