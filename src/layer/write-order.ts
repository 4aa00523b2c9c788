/**
 * The order of a layer's entries, and the one place that names them: whiteouts, opaque marks, links.
 *
 * A layer to be is a tree of directories, each with what it hides and what it holds, both in byte
 * order. Its entries are, directory by directory: the directory, its opaque mark, its whiteouts, then
 * its children, each followed by all below it (rules 49 and 56). The first name of a group of
 * hardlinks is the inode, every later one a link to it (rule 57).
 *
 * What a layer cannot say is refused here, so before anything is written (rules 22, 26, 61).
 */
import { NAME_MAX, PATH_MAX } from "../posix/path.ts";
import { floorToSecond, fromSeconds, type Nanoseconds } from "../posix/time.ts";
import type { Header } from "../tar/encode.ts";
import { ArchiveError } from "../tar/entry.ts";
import { isOverlayXattr } from "../tar/pax.ts";
import type { ArchiveRecord } from "../tar/write.ts";
import { type Inode, type InodeOf, NO_XATTRS } from "../tree/inode.ts";
import { fitsLinux, OPAQUE_MARK, WHITEOUT_PREFIX } from "./entry-name.ts";

/** What lies in a directory of a layer to be. Arrays are in byte order of names. */
export interface PlannedDirectory {
  /** Absolute and clean. */
  readonly path: string;
  /** Its attributes; undefined for one that gets no entry of its own. */
  readonly inode: InodeOf<"directory"> | undefined;
  /** Whether all that layers below have in it is hidden. */
  readonly opaque: boolean;
  /** Names that layers below have in it and that are gone. */
  readonly whiteouts: readonly string[];
  readonly children: readonly Planned[];
}

/** What an archive has a type for, beside directories: everything but a socket (rule 58). */
export type RecordableInode = Inode & { readonly kind: "file" | "symlink" | "char" | "block" | "fifo" };

export function isRecordable(inode: Inode): inode is RecordableInode {
  return inode.kind !== "directory" && inode.kind !== "socket";
}

/** Anything but a directory. */
export interface PlannedLeaf {
  /** Absolute and clean. */
  readonly path: string;
  readonly inode: RecordableInode;
  /** The path, planned before this one, of the same inode. */
  readonly linkTo?: string | undefined;
}

export type Planned = PlannedDirectory | PlannedLeaf;

export interface WriteLayerOptions {
  /** In whole seconds: a later modification time is set back to it, an earlier one stays (rule 59). */
  readonly sourceDateEpoch?: number | undefined;
}

/** Short enough that neither a component nor the whole can be too long, whatever its bytes. */
const SHORT_PATH = Math.floor(NAME_MAX / 3);

function refuse(message: string, path: string): never {
  throw new ArchiveError("unrepresentable", message, { entry: path });
}

/** A path as an archive has it: relative to the root (rule 1). */
function archiveName(path: string): string {
  return path.slice(1);
}

function checkPath(path: string): void {
  if (path.startsWith(WHITEOUT_PREFIX, path.lastIndexOf("/") + 1)) {
    refuse(`a name that begins with ${WHITEOUT_PREFIX} would be read as a whiteout (rules 22 and 61)`, path);
  }
  if (path.length > SHORT_PATH && !fitsLinux(archiveName(path).split("/"))) {
    throw new ArchiveError(
      "name",
      `a name longer than ${NAME_MAX} bytes or a path longer than ${PATH_MAX - 1}`,
      { entry: path },
    );
  }
}

function checkInode(inode: Inode, path: string): void {
  if (inode.kind === "char" && inode.rdev === 0) {
    refuse("a character device 0:0 would be taken for a whiteout (rule 26)", path);
  }
  for (const name of inode.xattrs.keys()) {
    if (isOverlayXattr(name)) refuse(`its xattr ${name} is a mark of overlayfs (rule 26)`, path);
  }
}

/** Where `date -d @0` is: the time of every whiteout and opaque mark (rule 55). */
const EPOCH: Nanoseconds = 0n;

function mark(name: string, mode: number): ArchiveRecord {
  const header: Header = {
    name,
    type: "file",
    mode,
    uid: 0,
    gid: 0,
    mtime: EPOCH,
    size: 0,
    xattrs: NO_XATTRS,
  };
  return { header };
}

/** Makes the records of a plan, in the order they are written. */
class Recorder {
  readonly records: ArchiveRecord[] = [];
  readonly #latest: Nanoseconds | undefined;
  readonly #written = new Set<string>();

  constructor({ sourceDateEpoch }: WriteLayerOptions) {
    if (sourceDateEpoch !== undefined && !Number.isSafeInteger(sourceDateEpoch)) {
      throw new ArchiveError("range", `SOURCE_DATE_EPOCH ${sourceDateEpoch} is no whole number of seconds`);
    }
    this.#latest = sourceDateEpoch === undefined ? undefined : fromSeconds(sourceDateEpoch);
  }

  /** One entry, and for a directory its opaque mark and its whiteouts. */
  add(planned: Planned): void {
    if ("children" in planned) this.#directory(planned);
    else this.#leaf(planned);
  }

  #directory({ path, inode, opaque, whiteouts }: PlannedDirectory): void {
    const name = path === "/" ? "" : `${archiveName(path)}/`;
    if (path !== "/") checkPath(path);
    if (inode !== undefined) {
      checkInode(inode, path);
      this.records.push({ header: { ...this.#attributes(inode), type: "directory", name: name || "./" } });
    }
    if (opaque) this.records.push(mark(name + OPAQUE_MARK, 0o755));
    for (const hidden of whiteouts) {
      checkPath(`/${name}${hidden}`);
      this.records.push(mark(`${name}${WHITEOUT_PREFIX}${hidden}`, 0o600));
    }
  }

  #leaf({ path, inode, linkTo }: PlannedLeaf): void {
    checkPath(path);
    checkInode(inode, path);
    const name = archiveName(path);
    const attributes = this.#attributes(inode);
    if (linkTo !== undefined) {
      if (!this.#written.has(linkTo)) {
        throw new ArchiveError(
          "link",
          `its first name ${JSON.stringify(linkTo)} is not in the layer (rule 57)`,
          {
            entry: path,
          },
        );
      }
      // Readers take the inode's attributes from its first name (rule 31); those that apply a link's
      // own find the same owner and mode here.
      const header: Header = {
        ...attributes,
        xattrs: NO_XATTRS,
        type: "hardlink",
        name,
        target: archiveName(linkTo),
      };
      this.records.push({ header });
      return;
    }
    this.#written.add(path);
    switch (inode.kind) {
      case "file": {
        const { content } = inode;
        this.records.push({ header: { ...attributes, type: "file", name, size: content.size }, content });
        break;
      }
      case "symlink":
        this.records.push({ header: { ...attributes, type: "symlink", name, target: inode.target } });
        break;
      case "fifo":
        this.records.push({ header: { ...attributes, type: "fifo", name } });
        break;
      default:
        this.records.push({ header: { ...attributes, type: inode.kind, name, rdev: inode.rdev } });
    }
  }

  #attributes({ mode, uid, gid, mtime, xattrs }: Inode) {
    const time = floorToSecond(mtime);
    const late = this.#latest !== undefined && time > this.#latest;
    return { mode, uid, gid, mtime: late ? this.#latest! : time, size: 0, xattrs };
  }
}

/**
 * The archive records of a planned layer, in order.
 * @throws ArchiveError `unrepresentable`, `name`, `link` or `range`, naming the path
 */
export function recordsOf(root: PlannedDirectory, options: WriteLayerOptions): ArchiveRecord[] {
  const recorder = new Recorder(options);
  const pending: Planned[] = [root];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    recorder.add(next);
    if (!("children" in next)) continue;
    for (let i = next.children.length - 1; i >= 0; i--) pending.push(next.children[i]!);
  }
  return recorder.records;
}
