/**
 * A layer from a memfs volume: directories, files, symlinks and hardlinks with their modes, owners and
 * times as the volume has them.
 *
 * A volume changes in place and a layer does not, so files' bytes are copied when the layer is made.
 * memfs gives what it makes the owner that the process has, and the time of the clock; for a layer that
 * is the same everywhere, give `uid`, `gid` and `sourceDateEpoch`. A symlink's mode is 0777, as on
 * Linux, where memfs says 0666.
 */
import type { Volume } from "memfs";
import { kindOf, PERMISSION_BITS } from "../posix/mode.ts";
import { joinPath } from "../posix/path.ts";
import { ArchiveError } from "../tar/entry.ts";
import { BufferContent } from "../tree/content.ts";
import { type Inode, NO_XATTRS } from "../tree/inode.ts";
import { changesOf, type Source } from "./from-source.ts";
import { type WriteLayerOptions, type WrittenLayer, writeLayer } from "./write.ts";

/** What is asked of a volume. */
export type MemfsVolume = Pick<Volume, "lstatSync" | "readdirSync" | "readFileSync" | "readlinkSync">;

export interface FromMemfsOptions extends WriteLayerOptions {
  /** Absolute path of the directory that becomes the layer's root. Default `/`. */
  readonly directory?: string | undefined;
  /** The owner of everything, in place of those in the volume. */
  readonly uid?: number | undefined;
  /** The group of everything, in place of those in the volume. */
  readonly gid?: number | undefined;
}

interface MemfsStat {
  readonly mode: bigint;
  readonly uid: bigint;
  readonly gid: bigint;
  readonly ino: bigint;
  readonly nlink: bigint;
  readonly mtimeNs: bigint;
}

const LINK_MODE = 0o777;

function volumeSource(volume: MemfsVolume, top: string, options: FromMemfsOptions): Source<MemfsStat> {
  const within = <T>(path: string, read: (path: string) => T): T => {
    try {
      return read(path === "/" ? top : joinPath(top, path.slice(1)));
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new ArchiveError("source", `cannot be read: ${reason}`, { entry: path, cause });
    }
  };
  return {
    stat: (path) => within(path, (path) => volume.lstatSync(path, { bigint: true }) as MemfsStat),
    identity: ({ mode, nlink, ino }) =>
      nlink > 1n && kindOf(Number(mode)) !== "directory" ? String(ino) : undefined,
    list: (path) => within(path, (path) => volume.readdirSync(path) as string[]),
    inode(path, stat): Inode {
      const kind = kindOf(Number(stat.mode));
      const attributes = {
        mode: Number(stat.mode) & PERMISSION_BITS,
        uid: options.uid ?? Number(stat.uid),
        gid: options.gid ?? Number(stat.gid),
        mtime: stat.mtimeNs,
        xattrs: NO_XATTRS,
      };
      switch (kind) {
        case "directory":
          return { ...attributes, kind };
        case "file": {
          // memfs hands out a copy.
          const bytes = within(path, (path) => volume.readFileSync(path) as Uint8Array);
          return { ...attributes, kind, content: new BufferContent(bytes) };
        }
        case "symlink": {
          const target = within(path, (path) => volume.readlinkSync(path) as string);
          return { ...attributes, kind, mode: LINK_MODE, target };
        }
        default:
          throw new ArchiveError("unsupported", `a volume has no ${kind ?? "such type"}`, { entry: path });
      }
    },
  };
}

/**
 * The layer that holds a volume's content, or undefined for an empty one (rule 63).
 * @throws ArchiveError `source` for what cannot be read; and as {@link writeLayer} for what a layer
 *   cannot represent
 */
export function layerFromMemfs(
  volume: MemfsVolume,
  options: FromMemfsOptions = {},
): WrittenLayer | undefined {
  return writeLayer(changesOf(volumeSource(volume, options.directory ?? "/", options)).changes, options);
}
