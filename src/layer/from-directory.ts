/**
 * A layer from a directory of the machine: everything in it, as it is there.
 *
 * - All kinds come along, devices and fifos too; sockets are left out and named in the result (rule 58).
 * - Names of one inode within the directory are hardlinks; names of it elsewhere are not recorded
 *   (layer.md, "Hardlinks").
 * - No link is followed, nowhere. What is mounted below belongs to it.
 * - The directory's own attributes become the root's, as an entry `./`, if they differ from those that
 *   an image's root has anyway (rule 54).
 * - Of extended attributes, those that belong to the machine and not to the file are dropped: of its
 *   security modules, of NFS, and `trusted.*` (rules 37 and 60). File capabilities that name a user
 *   namespace's root become plain ones (rule 37).
 * - Where extended attributes cannot be read the result says so.
 *
 * All metadata is read at once, the bytes of files when the layer is. What can be known to go wrong goes
 * wrong at once: a file that may not be read is an error that names it. A file that is changed
 * afterwards, or while it is read – another inode, size or modification time – is an error too, never a
 * mixture of two files or a padded one. The tree must not be changed by others meanwhile: directories
 * are found again by path.
 */
import { platform } from "#platform";
import type { HostDirectory, HostStat, HostXattrs } from "../platform/host-types.ts";
import { kindOf, PERMISSION_BITS } from "../posix/mode.ts";
import { ArchiveError } from "../tar/entry.ts";
import { type Content, EMPTY_CONTENT, SliceContent } from "../tree/content.ts";
import { type Inode, NO_XATTRS, type Xattrs } from "../tree/inode.ts";
import { changesOf, type Source } from "./from-source.ts";
import { type WriteLayerOptions, type WrittenLayer, writeLayer } from "./write.ts";

export interface FromDirectoryOptions extends WriteLayerOptions {
  /** The owner of everything, in place of those on disk. */
  readonly uid?: number | undefined;
  /** The group of everything, in place of those on disk. */
  readonly gid?: number | undefined;
}

export interface DirectoryLayer {
  /** Undefined where there is nothing to record (rule 63). Closing its archive closes what it reads. */
  readonly layer: WrittenLayer | undefined;
  /** Why extended attributes were not read, or undefined where they were. */
  readonly withoutXattrs: string | undefined;
  /** Paths, within the directory, of the sockets that were left out. */
  readonly sockets: readonly string[];
}

/** Attributes of the machine, not of the file (rules 37 and 60). */
const MACHINE_XATTR = /^(security\.(selinux|ima|evm)$|system\.nfs4_acl$|trusted\.)/;

const CAPABILITY = "security.capability";
const VERSION_2 = 0x02;
const VERSION_3 = 0x03;
const VERSION_2_LENGTH = 20;
const VERSION_3_LENGTH = 24;

/** File capabilities as an image has them: version 3 less its root id is version 2 (capabilities(7)). */
function exportedCapability(value: Uint8Array): Uint8Array {
  if (value.length !== VERSION_3_LENGTH || value[3] !== VERSION_3) return value;
  const plain = value.slice(0, VERSION_2_LENGTH);
  plain[3] = VERSION_2;
  return plain;
}

function exportedXattrs(found: Xattrs | undefined): Xattrs {
  const kept = new Map<string, Uint8Array>();
  for (const [name, value] of found ?? NO_XATTRS) {
    if (MACHINE_XATTR.test(name)) continue;
    kept.set(name, name === CAPABILITY ? exportedCapability(value) : value);
  }
  return kept.size === 0 ? NO_XATTRS : kept;
}

/** A directory of the machine as a source. */
class HostSource implements Source<HostStat> {
  readonly #host: HostDirectory;
  readonly #root: string;
  readonly #options: FromDirectoryOptions;
  readonly #xattrs: HostXattrs;

  constructor(host: HostDirectory, root: string, xattrs: HostXattrs, options: FromDirectoryOptions) {
    this.#host = host;
    this.#root = root;
    this.#xattrs = xattrs;
    this.#options = options;
  }

  stat(path: string): HostStat {
    return this.#try(path, (hostPath) => this.#host.stat(hostPath));
  }

  identity({ mode, links, identity }: HostStat): string | undefined {
    return links > 1 && kindOf(mode) !== "directory" ? identity : undefined;
  }

  list(path: string): string[] {
    return this.#try(path, (hostPath) => this.#host.list(hostPath));
  }

  inode(path: string, stat: HostStat): Inode {
    const kind = kindOf(stat.mode);
    const attributes = {
      mode: stat.mode & PERMISSION_BITS,
      uid: this.#options.uid ?? stat.uid,
      gid: this.#options.gid ?? stat.gid,
      mtime: stat.mtime,
      xattrs: exportedXattrs(this.#xattrs.get(path === "/" ? "." : path.slice(1))),
    };
    switch (kind) {
      case "file":
        return { ...attributes, kind, content: this.#try(path, (hostPath) => this.#content(hostPath, stat)) };
      case "symlink":
        return { ...attributes, kind, target: this.#try(path, (hostPath) => this.#host.target(hostPath)) };
      case "char":
      case "block":
        return { ...attributes, kind, rdev: stat.rdev };
      case undefined:
        throw new ArchiveError("unsupported", "a type of file that Linux does not have", { entry: path });
      default:
        return { ...attributes, kind };
    }
  }

  #content(hostPath: string, stat: HostStat): Content {
    this.#host.checkReadable(hostPath);
    return stat.size === 0 ? EMPTY_CONTENT : new SliceContent(this.#host.open(hostPath, stat), 0, stat.size);
  }

  #try<T>(path: string, read: (hostPath: string) => T): T {
    try {
      return read(path === "/" ? this.#root : this.#root + path.slice(1));
    } catch (cause) {
      throw unreadable(path === "/" ? this.#root : path, cause);
    }
  }
}

function unreadable(path: string, cause: unknown): ArchiveError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new ArchiveError("source", `cannot be read: ${reason}`, { entry: path, cause });
}

/**
 * The layer that holds a directory's content.
 * @param path of the directory; if it is a symbolic link, what it points to
 * @throws ArchiveError `source` for what cannot be read, `unsupported` where there are no directories;
 *   and as {@link writeLayer} for what a layer cannot represent. Reading the layer gives `source`, too
 */
export function layerFromDirectory(path: string, options: FromDirectoryOptions = {}): DirectoryLayer {
  if (platform.hostDirectory === undefined) {
    throw new ArchiveError("unsupported", "this platform has no directories to read", { entry: path });
  }
  // With a slash at its end a link to a directory is the directory, and a file is none.
  const root = path === "" || path.endsWith("/") ? path : `${path}/`;
  const host = platform.hostDirectory(root);
  const xattrs = readXattrs(host, path);
  const withoutXattrs = "unavailable" in xattrs ? xattrs.unavailable : undefined;
  const source = new HostSource(host, root, "unavailable" in xattrs ? new Map() : xattrs, options);
  const { changes, sockets } = changesOf(source);
  return { layer: writeLayer(changes, options, () => host.close()), withoutXattrs, sockets };
}

function readXattrs(host: HostDirectory, path: string): ReturnType<HostDirectory["xattrs"]> {
  try {
    return host.xattrs();
  } catch (cause) {
    throw unreadable(path, cause);
  }
}
