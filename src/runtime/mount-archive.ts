/**
 * A part of a mount as a plain tar archive, as `export` and `cp` write it: everything in it, in byte order,
 * directories before what they hold.
 *
 * It is an archive of files and no layer: names that begin with `.wh.` are names. Sockets are left out,
 * since an archive has no type for them.
 */
import { S_IFDIR, S_IFMT, S_IFSOCK } from "../posix/mode.ts";
import { compareNames } from "../posix/names.ts";
import { joinPath } from "../posix/path.ts";
import type { Header } from "../tar/encode.ts";
import { type ArchiveRecord, ComposedArchive } from "../tar/write.ts";
import { type Inode, NO_XATTRS } from "../tree/inode.ts";
import type { Mount } from "../union/mount.ts";

/** Attributes of a root that need not be told: what every reader assumes. */
const PLAIN_ROOT_MODE = 0o755;

function header(name: string, inode: Inode): Header {
  const { kind, mode, uid, gid, mtime, xattrs } = inode;
  const attributes = { mode, uid, gid, mtime, xattrs, size: 0 };
  switch (kind) {
    case "file":
      return { ...attributes, type: kind, name, size: inode.content.size };
    case "directory":
      return { ...attributes, type: kind, name: `${name}/` };
    case "symlink":
      return { ...attributes, type: kind, name, target: inode.target };
    case "char":
    case "block":
      return { ...attributes, type: kind, name, rdev: inode.rdev };
    default:
      return { ...attributes, type: "fifo", name };
  }
}

function isPlainRoot({ mode, uid, gid, xattrs }: Inode): boolean {
  return mode === PLAIN_ROOT_MODE && uid === 0 && gid === 0 && xattrs.size === 0;
}

/**
 * An archive of what is at a path.
 * @param path absolute; a link at its end is not followed
 * @param name what it is called in the archive, without a slash at its end. Empty: what the directory holds
 *   is at the top, and itself is there as `./` only if it is not root's with mode 0755
 * @param omits what is left out, with what is below it
 * @throws PosixError where it cannot be read; ArchiveError for what no archive can hold
 */
export function archiveOf(
  mount: Mount,
  path: string,
  name: string,
  omits: (path: string) => boolean = () => false,
): ComposedArchive {
  const records: ArchiveRecord[] = [];
  const first = new Map<string, string>();
  const add = (at: string, as: string) => {
    const { mode, dev, ino, nlink } = mount.lstat(at);
    const type = mode & S_IFMT;
    if (type === S_IFSOCK) return;
    const identity = nlink > 1 && type !== S_IFDIR ? `${dev}:${ino}` : undefined;
    const target = identity === undefined ? undefined : first.get(identity);
    const inode = mount.inode(at);
    if (target !== undefined) {
      const { xattrs: _, ...link } = header(as, inode);
      records.push({ header: { ...link, xattrs: NO_XATTRS, type: "hardlink", size: 0, target } });
      return;
    }
    if (identity !== undefined) first.set(identity, as);
    if (as !== "") records.push({ header: header(as, inode), ...contentOf(inode) });
    else if (!isPlainRoot(inode)) records.push({ header: header(".", inode) });
  };
  /** What is yet to be added, the next one last. */
  const pending: (readonly [at: string, as: string])[] = [[path, name]];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const [at, as] = next;
    add(at, as);
    if ((mount.lstat(at).mode & S_IFMT) !== S_IFDIR) continue;
    const names = mount.readdir(at).map((entry) => entry.name);
    for (const child of names.sort((a, b) => compareNames(b, a))) {
      if (omits(joinPath(at, child))) continue;
      pending.push([joinPath(at, child), as === "" ? child : `${as}/${child}`]);
    }
  }
  return new ComposedArchive(records);
}

function contentOf(inode: Inode): Pick<ArchiveRecord, "content"> {
  return inode.kind === "file" && inode.content.size > 0 ? { content: inode.content } : {};
}
