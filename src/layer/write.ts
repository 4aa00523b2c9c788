/**
 * Writing a layer: the changes of a mount, or between two trees, as a standard archive.
 *
 * The same changes give the same bytes, always. Everything is checked before the first byte can be
 * read: what a layer cannot represent is an error that names the path, and then there is no layer.
 *
 * To the changes the writer adds the directories above them, once each, with the attributes they have
 * in the merged view (rule 54), so that a reader that makes missing parents itself has nothing to make
 * up. The root is written only if it is a change itself. Sockets are left out (rule 58); one that took
 * the place of something else hides it.
 *
 * No change to record gives no layer (rule 63), told by `undefined`: the image then gets an
 * `empty_layer` line of history and nothing else.
 */
import { platform } from "#platform";
import { type Digest, parseDigest } from "../oci/digest.ts";
import type { ByteStream, Hasher } from "../platform/types.ts";
import { joinPath, parentPath } from "../posix/path.ts";
import { ArchiveError } from "../tar/entry.ts";
import { type ArchiveRecord, ComposedArchive } from "../tar/write.ts";
import type { Change, ChangeSet } from "../tree/change.ts";
import type { InodeOf } from "../tree/inode.ts";
import type { Layer } from "./layer.ts";
import {
  isRecordable,
  type Planned,
  type PlannedDirectory,
  recordsOf,
  type WriteLayerOptions,
} from "./write-order.ts";

export type { WriteLayerOptions } from "./write-order.ts";

/**
 * A layer whose archive is made as it is read, out of contents that stay where they are. It is a layer
 * like any other – `applyLayer` takes it – as long as those contents can be read.
 */
export interface WrittenLayer extends Layer {
  /** Known when one pass over the bytes has ended, of {@link stream} or {@link chunks}; asking before makes one. */
  readonly diffID: Digest;
  /** Its `size` is known before anything is read. */
  readonly archive: ComposedArchive;
  /**
   * The uncompressed bytes in order, each chunk in a buffer of its own.
   * @throws ArchiveError `source`, naming the entry, where a content cannot be read
   */
  stream(): ByteStream;
  /** The same where all contents are local. */
  chunks(): Iterable<Uint8Array>;
}

class ComposedLayer implements WrittenLayer {
  readonly archive: ComposedArchive;
  #diffID: Digest | undefined;

  constructor(records: readonly ArchiveRecord[], release?: () => void) {
    this.archive = new ComposedArchive(records, release);
  }

  get diffID(): Digest {
    if (this.#diffID === undefined) for (const _ of this.chunks());
    return this.#diffID!;
  }

  entries() {
    return this.archive.entries();
  }

  async *stream(): ByteStream {
    const hash = platform.createHash("sha256");
    for await (const chunk of this.archive.stream()) {
      hash.update(chunk);
      yield chunk;
    }
    this.#finish(hash);
  }

  *chunks(): Generator<Uint8Array> {
    const hash = platform.createHash("sha256");
    for (const chunk of this.archive.chunks()) {
      hash.update(chunk);
      yield chunk;
    }
    this.#finish(hash);
  }

  #finish(hash: Hasher): void {
    this.#diffID = parseDigest(`sha256:${hash.hex()}`);
  }
}

/**
 * The layer of a plan.
 * @param release frees what the contents hold, when the layer's archive is closed
 * @throws ArchiveError for what a layer cannot represent, naming the path
 */
export function layerOfPlan(
  root: PlannedDirectory,
  options: WriteLayerOptions,
  release?: () => void,
): WrittenLayer {
  return new ComposedLayer(recordsOf(root, options), release);
}

/** A planned directory while its content is collected. */
interface OpenDirectory extends PlannedDirectory {
  readonly whiteouts: string[];
  readonly children: Planned[];
}

function openDirectory(path: string, inode: InodeOf<"directory"> | undefined, opaque = false): OpenDirectory {
  return { path, inode, opaque, whiteouts: [], children: [] };
}

/** A layer without entries: two blocks of zeros, as every tool writes it (rule 42). */
export function emptyLayer(): WrittenLayer {
  return layerOfPlan(openDirectory("/", undefined), {});
}

/** Puts changes, which come in path order, into the directories they lie in. */
class Arrangement {
  readonly #changes: ChangeSet;
  /** The way to the directory that was come to last, the root first. */
  readonly #way: OpenDirectory[] = [openDirectory("/", undefined)];

  constructor(changes: ChangeSet) {
    this.#changes = changes;
  }

  run(): PlannedDirectory {
    for (const change of this.#changes) this.#add(change);
    return this.#way[0]!;
  }

  #add(change: Change): void {
    const { path } = change;
    if (change.kind === "deleted") {
      this.#parent(path).whiteouts.push(path.slice(path.lastIndexOf("/") + 1));
      return;
    }
    const { inode } = change;
    if (inode.kind === "directory") {
      const directory = openDirectory(path, inode, change.opaque);
      if (path === "/") {
        this.#way[0] = directory;
      } else {
        this.#parent(path).children.push(directory);
        this.#way.push(directory);
      }
    } else if (isRecordable(inode)) {
      this.#parent(path).children.push({ path, inode, linkTo: change.linkTo });
    } else if (change.kind === "modified") {
      this.#parent(path).whiteouts.push(path.slice(path.lastIndexOf("/") + 1));
    }
  }

  /** The directory that holds a path, with those above it added where they are no changes (rule 54). */
  #parent(path: string): OpenDirectory {
    const parent = parentPath(path);
    for (;;) {
      const { path: last } = this.#way[this.#way.length - 1]!;
      if (last === "/" || parent === last || parent.startsWith(`${last}/`)) break;
      this.#way.pop();
    }
    let directory = this.#way[this.#way.length - 1]!;
    while (directory.path !== parent) {
      const from = directory.path === "/" ? 1 : directory.path.length + 1;
      const slash = parent.indexOf("/", from);
      const name = parent.slice(from, slash < 0 ? parent.length : slash);
      const ancestor = this.#ancestor(joinPath(directory.path, name));
      directory.children.push(ancestor);
      this.#way.push(ancestor);
      directory = ancestor;
    }
    return directory;
  }

  #ancestor(path: string): OpenDirectory {
    const inode = this.#changes.ancestor(path);
    if (inode.kind !== "directory") {
      throw new ArchiveError("unrepresentable", `a ${inode.kind} has changes below it`, { entry: path });
    }
    return openDirectory(path, inode);
  }
}

function isEmpty(root: PlannedDirectory): boolean {
  return (
    root.inode === undefined && !root.opaque && root.whiteouts.length === 0 && root.children.length === 0
  );
}

/**
 * The layer that changes make, or undefined where there is nothing to record (rule 63).
 * @param changes in path order; their contents are read when the layer is
 * @param release frees what the contents hold, when the layer's archive is closed
 * @throws ArchiveError naming the path: `unrepresentable` for a name that begins with `.wh.`, a
 *   character device 0:0 or an xattr of overlayfs (rules 22, 26, 61); `name`, `range` or `limit` for
 *   what no archive or no Linux can hold; `link` for a hardlink to nothing in the layer
 */
export function writeLayer(
  changes: ChangeSet,
  options: WriteLayerOptions = {},
  release?: () => void,
): WrittenLayer | undefined {
  const root = new Arrangement(changes).run();
  return isEmpty(root) ? undefined : layerOfPlan(root, options, release);
}
