/**
 * Unpacking a tar archive into a directory of a mount, as `docker cp -` does.
 *
 * The archive is written aside whole and read first; so one that is cut or is none changes nothing.
 * Names stay below the directory: what climbs out of it is refused, and links lead within the mount.
 */
import { rmSync, writeSync } from "node:fs";
import { open } from "node:fs/promises";
import { readLayer } from "../layer/read.ts";
import { openFile } from "../platform/node.ts";
import type { ByteStream, RandomAccess } from "../platform/types.ts";
import { joinPath, parentPath, splitPath } from "../posix/path.ts";
import { ArchiveError, type Entry } from "../tar/entry.ts";
import { type Content, EMPTY_CONTENT, SliceContent, SparseContent } from "../tree/content.ts";
import type { Inode } from "../tree/inode.ts";
import { setAttributes } from "../union/whole-inode.ts";
import { type Located, makeRoom } from "./copy-tree.ts";

/** An entry's path below the directory; empty for the directory itself. */
function pathOf(directory: string, name: string): string {
  const parts = splitPath(name);
  if (parts.includes("..")) {
    throw new ArchiveError("name", "a name that climbs with ..", { entry: name });
  }
  return parts.reduce(joinPath, directory);
}

function contentOf(archive: RandomAccess, entry: Entry & { readonly type: "file" }): Content {
  if (entry.size === 0) return EMPTY_CONTENT;
  return entry.extents === undefined
    ? new SliceContent(archive, entry.start, entry.size)
    : new SparseContent(archive, entry.start, entry.size, entry.extents);
}

function inodeOf(archive: RandomAccess, entry: Exclude<Entry, { readonly type: "hardlink" }>): Inode {
  const { mode, uid, gid, mtime, xattrs } = entry;
  const attributes = { mode, uid, gid, mtime, xattrs };
  switch (entry.type) {
    case "file":
      return { ...attributes, kind: "file", content: contentOf(archive, entry) };
    case "symlink":
      return { ...attributes, kind: "symlink", target: entry.target };
    case "char":
    case "block":
      return { ...attributes, kind: entry.type, rdev: entry.rdev };
    default:
      return { ...attributes, kind: entry.type };
  }
}

function ensureParent({ mount, path }: Located): void {
  const parent = parentPath(path);
  if (mount.exists(parent)) return;
  ensureParent({ mount, path: parent });
  mount.mkdir(parent, 0o755);
}

function unpack(entries: readonly Entry[], archive: RandomAccess, { mount, path: directory }: Located): void {
  const directories = new Map<string, Inode>();
  for (const entry of entries) {
    const path = pathOf(directory, entry.name);
    // The directory itself stays as it is (moby, Unpack: `.`).
    if (path === directory) continue;
    ensureParent({ mount, path });
    if (entry.type === "hardlink") {
      makeRoom({ mount, path }, { ...entry, kind: "fifo" });
      mount.link(pathOf(directory, entry.target), path);
      continue;
    }
    const inode = inodeOf(archive, entry);
    if (!makeRoom({ mount, path }, inode)) mount.put(path, inode);
    if (inode.kind === "directory") directories.set(path, inode);
  }
  // Last, because what was made in them moved their times.
  for (const [path, inode] of directories) setAttributes(mount, path, inode);
}

/**
 * @param temporary a path for the archive while it is read; nothing is there afterwards
 * @throws ArchiveError, with nothing changed; PosixError and StoreError (`invalid`) as {@link makeRoom},
 *   with what was unpacked until then
 */
export async function unpackArchive(bytes: ByteStream, temporary: string, to: Located): Promise<void> {
  const entries: Entry[] = [];
  const handle = await open(temporary, "wx");
  try {
    const write = (chunk: Uint8Array) => {
      for (let at = 0; at < chunk.length; ) at += writeSync(handle.fd, chunk, at);
    };
    await readLayer(bytes, { write }, { onEntry: (entry) => entries.push(entry) });
    const archive = openFile(temporary);
    try {
      unpack(entries, archive, to);
    } finally {
      archive.close();
    }
  } finally {
    await handle.close();
    rmSync(temporary, { force: true });
  }
}
