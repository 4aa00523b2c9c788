/**
 * One record of a layer archive, as the archive has it: nothing is interpreted yet but the tar
 * format itself. What a whiteout or an opaque mark means is decided where layers are applied.
 */
import type { Nanoseconds } from "../posix/time.ts";
import type { Extent } from "../tree/content.ts";
import type { Xattrs } from "../tree/inode.ts";

interface EntryBase {
  /** The name as the archive has it: neither cleaned nor made relative, bytes by `posix/names`. */
  readonly name: string;
  /** Where the entry starts in the uncompressed archive, its extension headers included; in bytes. */
  readonly offset: number;
  /** 0 to 0o7777. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtime: Nanoseconds;
  /** Only where the archive has one. */
  readonly atime?: Nanoseconds;
  readonly xattrs: Xattrs;
}

export interface FileEntry extends EntryBase {
  readonly type: "file";
  /** Size of the file, holes included. */
  readonly size: number;
  /** Where the stored bytes start in the uncompressed archive. */
  readonly start: number;
  /** For a sparse file: the extents that are stored, one after the other from `start`. */
  readonly extents?: readonly Extent[];
}

export interface DirectoryEntry extends EntryBase {
  readonly type: "directory";
}

export interface SymlinkEntry extends EntryBase {
  readonly type: "symlink";
  readonly target: string;
}

export interface HardlinkEntry extends EntryBase {
  readonly type: "hardlink";
  /** The name it links to, as the archive has it. */
  readonly target: string;
}

export interface DeviceEntry extends EntryBase {
  readonly type: "char" | "block";
  readonly rdev: number;
}

export interface FifoEntry extends EntryBase {
  readonly type: "fifo";
}

export type Entry = FileEntry | DirectoryEntry | SymlinkEntry | HardlinkEntry | DeviceEntry | FifoEntry;

/** A name for a message; one that Linux could not have is not shown whole. */
function shortened(name: string): string {
  return name.length <= 4096 ? name : `${name.slice(0, 256)}…`;
}

/**
 * An archive that cannot be read or a layer that cannot be applied or written. The message names the
 * entry, its offset and the rule.
 */
export class ArchiveError extends Error {
  /** Stable, for programs: which check failed. */
  readonly code: ArchiveErrorCode;
  /** The entry's name, where one is known. */
  readonly entry?: string;
  /** Where the entry starts in the uncompressed archive, in bytes. */
  readonly offset?: number;

  constructor(
    code: ArchiveErrorCode,
    message: string,
    at: { entry?: string | undefined; offset?: number | undefined; cause?: unknown } = {},
  ) {
    const where = [
      at.entry === undefined ? undefined : `entry ${JSON.stringify(shortened(at.entry))}`,
      at.offset === undefined ? undefined : `offset ${at.offset}`,
    ].filter((part) => part !== undefined);
    super(
      where.length > 0 ? `${message} (${where.join(", ")})` : message,
      at.cause === undefined ? {} : { cause: at.cause },
    );
    this.name = "ArchiveError";
    this.code = code;
    if (at.entry !== undefined) this.entry = at.entry;
    if (at.offset !== undefined) this.offset = at.offset;
  }
}

export type ArchiveErrorCode =
  /** The bytes are no tar archive, or a header's checksum or number is wrong. */
  | "corrupt"
  /** The archive ends inside an entry. */
  | "truncated"
  /** The compressed stream is damaged or of a kind that cannot be read here. */
  | "compression"
  /** A digest or size is not the one that was promised. */
  | "digest"
  /** A value outside what Linux can hold. */
  | "range"
  /** More than a limit allows: name, records, size. */
  | "limit"
  /** A type of entry that nothing defines. */
  | "unsupported"
  /** A name that leads out of the tree, or is no name. */
  | "name"
  /** A whiteout of nothing: `.wh.`, `.wh..`, `.wh...` (rule 20). */
  | "whiteout"
  /** A hardlink without a usable target (rules 27 to 30). */
  | "link"
  /** Something that a layer cannot represent (rules 22, 26, 61). */
  | "unrepresentable"
  /** What a layer is made from cannot be read, or changed while it was. */
  | "source";
