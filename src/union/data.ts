/**
 * Edits of file data in the union. Nothing below is copied but the pages that are written.
 */
import { errno } from "../posix/errno.ts";
import type { Xattrs } from "../tree/inode.ts";
import type { InodeId, UpperFile } from "./inodes.ts";
import { MAX_FILE_SIZE, PageMap } from "./page-map.ts";
import type { Union } from "./union.ts";

const CAPABILITY = "security.capability";

/** Writes, as far as the limits go. */
export function write(
  union: Union,
  id: InodeId,
  source: Uint8Array,
  offset: number,
  length: number,
  position: number,
  dropped: number,
): number {
  if (length === 0) return 0;
  if (position >= MAX_FILE_SIZE) return -errno.EFBIG;
  const file = union.writableFile(id);
  const pages = file.content.pages;
  const count = Math.min(length, MAX_FILE_SIZE - position);
  const written = file.content.write(source, offset, count, position, union.epoch, union.budget());
  union.usage.pages += file.content.pages - pages;
  if (written > 0) contentChanged(union, file, dropped);
  return written;
}

/** Sets a file's size. */
export function truncate(union: Union, id: InodeId, size: number, dropped: number): number {
  if (size > MAX_FILE_SIZE) return -errno.EFBIG;
  const file = union.writableFile(id);
  const done = edit(union, file, () => file.content.truncate(size, union.epoch, union.budget()));
  if (done === 0) contentChanged(union, file, dropped);
  return done;
}

/** fallocate(2): reserving stores nothing here, since pages come into being when they are written. */
export function allocate(
  union: Union,
  id: InodeId,
  start: number,
  end: number,
  how: "reserve" | "punch" | "zero",
  keepSize: boolean,
  dropped: number,
): number {
  if (end > MAX_FILE_SIZE) return -errno.EFBIG;
  const file = union.writableFile(id);
  const { content } = file;
  const done = edit(union, file, () => {
    const punched = how === "reserve" ? 0 : content.punch(start, end, union.epoch, union.budget());
    if (punched < 0 || keepSize || end <= content.size) return punched;
    return content.truncate(end, union.epoch, union.budget());
  });
  if (done === 0) contentChanged(union, file, dropped);
  return done;
}

/** Copies between two files of one union, sharing pages and runs. */
export function copyRange(
  union: Union,
  from: InodeId,
  fromPosition: number,
  to: InodeId,
  toPosition: number,
  length: number,
  dropped: number,
): number {
  if (toPosition + length > MAX_FILE_SIZE) return -errno.EFBIG;
  const source = sourceContent(union, from);
  const count = Math.min(length, source.size - fromPosition);
  if (count <= 0) return 0;
  // What is shared must not be changed in place by the source afterwards.
  union.beginEpoch();
  const target = union.writableFile(to);
  const done = edit(union, target, () =>
    target.content.share(source, fromPosition, toPosition, count, union.epoch, union.budget()),
  );
  if (done > 0) contentChanged(union, target, dropped);
  return done;
}

function sourceContent(union: Union, id: InodeId): PageMap {
  const upper = union.view.upper(id);
  if (upper?.kind === "file") return upper.content;
  const lower = union.view.tree.inode(id);
  return lower.kind === "file" ? PageMap.over(lower.content) : PageMap.empty();
}

/** Runs an edit of a file's pages and accounts for what it added or freed. */
function edit(union: Union, file: UpperFile, run: () => number): number {
  const pages = file.content.pages;
  const result = run();
  union.usage.pages += file.content.pages - pages;
  return result;
}

/** Times after a change of content, and the mode bits and file capabilities that do not survive one. */
function contentChanged(union: Union, file: UpperFile, dropped: number): void {
  const now = union.clock();
  file.mtime = now;
  file.ctime = now;
  file.mode &= ~dropped;
  if (file.xattrs.size > 0) file.xattrs = withoutCapability(file.xattrs);
}

/** The xattrs without file capabilities. */
export function withoutCapability(xattrs: Xattrs): Xattrs {
  if (!xattrs.has(CAPABILITY)) return xattrs;
  const rest = new Map(xattrs);
  rest.delete(CAPABILITY);
  return rest;
}
