/**
 * Edits of file data in the union. Nothing below is copied but the pages that are written.
 */
import { errno } from "../posix/errno.ts";
import type { Content } from "../tree/content.ts";
import type { Xattrs } from "../tree/inode.ts";
import type { InodeId, UpperFile } from "./inodes.ts";
import { MAX_FILE_SIZE, PageMap } from "./page-map.ts";
import { PAGE_SIZE } from "./page-slots.ts";
import type { Union } from "./union.ts";

const CAPABILITY = "security.capability";

/** What an edit that makes pages does before it looks for room in memory again, in bytes. */
const PIECE = 2 ** 22;

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
  const count = Math.min(length, MAX_FILE_SIZE - position);
  const piece = union.backing === undefined ? count : PIECE;
  return inPieces(union, id, count, piece, dropped, ({ content }, done, length) =>
    content.write(source, offset + done, length, position + done, union.epoch, union.budget()),
  );
}

/** Edits a file in pieces of up to `most` bytes until one comes out short. */
function inPieces(
  union: Union,
  id: InodeId,
  length: number,
  most: number,
  dropped: number,
  run: (file: UpperFile, done: number, piece: number) => number,
): number {
  let done = 0;
  let result = 0;
  while (done < length) {
    const piece = Math.min(length - done, most);
    result = union.makeRoom(Math.min(piece, PIECE) / PAGE_SIZE + 1);
    if (result < 0) break;
    const file = union.writableFile(id);
    result = edit(union, file, () => run(file, done, piece));
    if (result > 0) done += result;
    if (result < piece) break;
  }
  if (done === 0) return result;
  contentChanged(union, union.writableFile(id), dropped);
  return done;
}

/**
 * Makes a content the bytes of an empty file: shared where the upper is in memory, written where it
 * keeps what it holds elsewhere, since what the content lies in may be gone by then.
 */
export function adopt(union: Union, id: InodeId, content: Content): number {
  if (content.size > MAX_FILE_SIZE) return -errno.EFBIG;
  if (content.size === 0) return 0;
  const source = PageMap.over(content);
  if (union.backing === undefined) {
    return inPieces(union, id, content.size, content.size, 0, (file) =>
      file.content.share(source, 0, 0, content.size, union.epoch, union.budget()),
    );
  }
  const buffer = new Uint8Array(Math.min(content.size, PIECE));
  for (let at = 0; at < content.size; ) {
    const read = content.read(buffer, 0, buffer.length, at);
    if (read <= 0) return read === 0 ? -errno.EIO : read;
    const written = write(union, id, buffer, 0, read, at, 0);
    if (written < read) return written < 0 ? written : -errno.ENOSPC;
    at += read;
  }
  return content.size;
}

/** Sets a file's size. */
export function truncate(union: Union, id: InodeId, size: number, dropped: number): number {
  if (size > MAX_FILE_SIZE) return -errno.EFBIG;
  const full = union.makeRoom(1);
  if (full < 0) return full;
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
  const full = union.makeRoom(2);
  if (full < 0) return full;
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
  // Where the pages of both lie alike they are shared, and take no room.
  const shared = (toPosition - fromPosition) % PAGE_SIZE === 0;
  const piece = union.backing === undefined || shared ? count : PIECE;
  return inPieces(union, to, count, piece, dropped, ({ content }, done, length) =>
    content.share(source, fromPosition + done, toPosition + done, length, union.epoch, union.budget()),
  );
}

function sourceContent(union: Union, id: InodeId): PageMap {
  const upper = union.view.upper(id);
  if (upper?.kind === "file") return upper.content;
  const lower = union.view.tree.inode(id);
  return lower.kind === "file" ? PageMap.over(lower.content, id) : PageMap.empty();
}

/** Runs an edit of a file's pages and accounts for what it added or freed. */
function edit(union: Union, file: UpperFile, run: () => number): number {
  const { pages, resident } = file.content;
  const result = run();
  union.usage.pages += file.content.pages - pages;
  union.usage.resident += file.content.resident - resident;
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
