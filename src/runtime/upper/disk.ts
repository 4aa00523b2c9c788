/**
 * Uppers on disk: a folder each, which nothing else uses.
 *
 * ```
 * upper.mdb        metadata (lmdb), and its lock file
 * 00000001.segment pages of file data, appended to, never changed below a committed length
 * writer           who has it open for writing (a symbolic link)
 * ```
 *
 * Forks share segments by hard links: the filesystem counts who refers to one, frees it with the last
 * link, and needs no scan for it; removing a container is removing its folder. A fork takes from a
 * segment the part that the commit point knows, and appends to segments of its own, so the writer it was
 * forked from need not stop or even know. Where links cannot be made, the segment is copied.
 *
 * A reader reads all metadata and opens all segments at once and then holds no lock: what it reads is
 * below committed lengths, and a segment that the writer removes stays readable through its descriptor.
 */
import { constants, copyFileSync, linkSync, mkdirSync, readdirSync, rmSync, unlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { Output } from "../../layer/fields.ts";
import { errorCode, PosixError } from "../../posix/errno.ts";
import type { Tree } from "../../tree/tree.ts";
import { createMount } from "../../union/mount.ts";
import { Snapshot } from "../../union/snapshot.ts";
import { type DiskOptions, DiskUpper } from "./disk-upper.ts";
import { hostError } from "./host-error.ts";
import { headerKey, parseKey } from "./keys.ts";
import { type Loaded, load, type Preamble } from "./load.ts";
import { Metadata, type Pair } from "./metadata.ts";
import { usageOf } from "./named-part.ts";
import { type Header, readHeader, writeHeader } from "./records.ts";
import { openSegment, type SegmentContent, segmentID, segmentName } from "./segment.ts";
import { Segments, syncFile } from "./segments.ts";
import { UpperError, type UpperReader, type UpperStore } from "./upper.ts";
import { lockWriter } from "./writer-lock.ts";

const METADATA = "upper.mdb";
const WRITER = "writer";

/** How often a reader begins again because the writer removed a segment under it. */
const ATTEMPTS = 20;

export interface DiskUppers extends UpperStore {
  open(at: string, tree: Tree, options?: DiskOptions): DiskUpper;
}

/** Uppers in folders; `at` is a folder's path. */
export const diskUppers: DiskUppers = { create, open, read, fork, remove };

/** Opens a folder's metadata, passes it to `work` and closes it. */
function withMetadata<T>(at: string, work: (metadata: Metadata) => T): T {
  const metadata = openMetadata(at);
  try {
    return work(metadata);
  } finally {
    metadata.close();
  }
}

function openMetadata(at: string): Metadata {
  let metadata: Metadata | undefined;
  try {
    metadata = Metadata.open(join(at, METADATA));
  } catch (error) {
    // lmdb keeps a table of readers, so that even who only reads needs to write.
    const code = errorCode(-hostError(error));
    if (["EACCES", "EPERM", "EROFS"].includes(code)) {
      throw new PosixError(code, { syscall: "open", path: join(at, METADATA) });
    }
    throw new UpperError("damaged", `container at ${at} is damaged: its metadata cannot be opened`, {
      cause: error,
    });
  }
  if (metadata === undefined) throw new UpperError("missing", `no container at ${at}`);
  return metadata;
}

function encodeHeader(header: Header): Uint8Array {
  const out = new Output();
  writeHeader(out, header);
  return out.written();
}

function create(at: string, tree: Tree): void {
  const header = { chainID: tree.chainID ?? "", createdCount: 0, active: 0, nextSegment: 1 };
  make(at, () => [{ key: headerKey, value: encodeHeader(header) }]);
}

/**
 * Makes an upper of pairs, which `begin` gives when the folder is there. Until the one transaction that
 * writes them is done there is none, and what an attempt that was killed left is removed by the next.
 */
function make(at: string, begin: () => readonly Pair[]): void {
  const exists = () => {
    throw new UpperError("exists", `there is a container at ${at} already`);
  };
  mkdirSync(at, { recursive: true });
  const metadata = Metadata.open(join(at, METADATA), true);
  if (metadata === undefined) return;
  try {
    metadata.transaction(() => {
      if (metadata.get(headerKey) !== undefined) exists();
      for (const name of readdirSync(at)) if (segmentID(name) !== undefined) unlinkSync(join(at, name));
      for (const { key, value } of begin()) metadata.put(key, value);
      syncFile(at);
      syncFile(dirname(at));
    });
  } finally {
    metadata.close();
  }
}

function open(at: string, tree: Tree, options: DiskOptions = {}): DiskUpper {
  const metadata = openMetadata(at);
  let release: (() => void) | undefined;
  let segments: Segments | undefined;
  try {
    release = lockWriter(at, join(at, WRITER), metadata);
    const loaded = load(at, metadata.range(), tree, ({ header, segments: lengths }) => {
      const opened = openAll(at, () => new Segments(at, lengths, header.active, header.nextSegment));
      segments = opened;
      return (id) => opened.get(id);
    });
    if (segments === undefined) throw new UpperError("missing", `no container at ${at}`);
    return new DiskUpper({ metadata, segments, loaded, release }, options);
  } catch (error) {
    segments?.close();
    release?.();
    metadata.close();
    throw error;
  }
}

/** Opens segments that must be there. */
function openAll<T>(at: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    throw new UpperError("damaged", `container at ${at} is damaged: a segment is missing`, { cause: error });
  }
}

function read(at: string, tree: Tree, options: Pick<DiskOptions, "caller"> = {}): UpperReader {
  let segments: SegmentContent[] = [];
  const close = () => {
    for (const { descriptor } of segments) descriptor.close();
    segments = [];
  };
  const openSegments = ({ segments: lengths }: Preamble) => {
    const byID = new Map<number, SegmentContent>();
    for (const [id, size] of lengths) {
      const segment = openSegment(join(at, segmentName(id)), id, size, "r");
      segments.push(segment);
      byID.set(id, segment);
    }
    return (id: number) => byID.get(id);
  };
  try {
    const { view } = besideWriter<Loaded>(at, (metadata) => {
      close();
      return load(at, metadata.range(), tree, openSegments);
    });
    const mount = createMount(new Snapshot(view, usageOf(view)), { ...options, readOnly: true });
    return { mount, close };
  } catch (error) {
    close();
    throw error;
  }
}

/** Does `work` on the last commit point; again where a segment went meanwhile. */
function besideWriter<T>(at: string, work: (metadata: Metadata) => T): T {
  return openAll(at, () => {
    for (let left = ATTEMPTS; ; left--) {
      try {
        return withMetadata(at, work);
      } catch (error) {
        if (left === 0 || (error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
      }
    }
  });
}

function fork(at: string, to: string): void {
  // Looked at before the folder is made: what is not there leaves nothing.
  withMetadata(at, (metadata) => sealedHeader(at, metadata.get(headerKey)));
  make(to, () =>
    besideWriter(at, (metadata) => {
      const pairs: Pair[] = [];
      for (const pair of metadata.range()) pairs.push(forkedPair(at, to, pair));
      return pairs;
    }),
  );
}

/** What a fork has for a pair; for a segment it takes a link. */
function forkedPair(at: string, to: string, { key, value }: Pair): Pair {
  const parsed = parseKey(key);
  if (parsed?.is === "header") return { key, value: sealedHeader(at, value) };
  if (parsed?.is === "segment") {
    const name = segmentName(parsed.id);
    linkSegment(join(at, name), join(to, name));
  }
  return { key, value };
}

/** The header of an upper whose segments are all sealed. */
function sealedHeader(at: string, value: Uint8Array | undefined): Uint8Array {
  const header = value === undefined ? undefined : readHeader(value);
  if (header === undefined) throw new UpperError("missing", `no container at ${at}`);
  if (typeof header === "number") {
    throw new UpperError("format", `container at ${at} has format ${header}, which is newer than 1`);
  }
  return encodeHeader({ ...header, active: 0 });
}

function linkSegment(from: string, to: string): void {
  try {
    linkSync(from, to);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EEXIST") return;
    // Another filesystem, one without links, or a file with as many as it can have.
    if (code !== "EXDEV" && code !== "EPERM" && code !== "EMLINK" && code !== "ENOTSUP") throw error;
    copyFileSync(from, to, constants.COPYFILE_FICLONE);
    syncFile(to);
  }
}

function remove(at: string): void {
  const metadata = openMetadata(at);
  let release: (() => void) | undefined;
  try {
    release = lockWriter(at, join(at, WRITER), metadata);
    // Without metadata there is no container, so a removal that is killed here leaves none.
    unlinkSync(join(at, METADATA));
    rmSync(at, { recursive: true });
  } finally {
    release?.();
    metadata.close();
  }
}
