/**
 * A directory of the machine as a build's context. Nothing is read before it is asked for.
 *
 * Everything belongs to 0:0, as Docker's clients send it. Extended attributes are not read: Node can do so
 * only for whole trees at once, ignored files included. A file that changes after it was looked at cannot
 * be read any more: its content fails with ESTALE.
 */
import { platform } from "#platform";
import type { HostDirectory, HostStat } from "../../platform/host-types.ts";
import { kindOf, PERMISSION_BITS } from "../../posix/mode.ts";
import { EMPTY_CONTENT, SliceContent } from "../../tree/content.ts";
import { type Inode, NO_XATTRS } from "../../tree/inode.ts";
import { ContextError } from "./errors.ts";
import { type FileView, inByteOrder, type ViewEntry } from "./view.ts";

export interface DirectoryContext extends FileView {
  /** Closes the file that is open. */
  close(): void;
}

function isMissing(error: unknown): boolean {
  const { code } = error as { code?: string };
  return code === "ENOENT" || code === "ENOTDIR";
}

function inodeOf(host: HostDirectory, path: string, stat: HostStat): Inode {
  const kind = kindOf(stat.mode);
  const attributes = {
    mode: stat.mode & PERMISSION_BITS,
    uid: 0,
    gid: 0,
    mtime: stat.mtime,
    xattrs: NO_XATTRS,
  };
  switch (kind) {
    case "file": {
      const content = stat.size === 0 ? EMPTY_CONTENT : new SliceContent(host.open(path, stat), 0, stat.size);
      return { ...attributes, kind, content };
    }
    case "symlink":
      return { ...attributes, kind, target: host.target(path) };
    case "char":
    case "block":
      return { ...attributes, kind, rdev: stat.rdev };
    case undefined:
      throw new ContextError(`${path} is of a type that Linux does not have`);
    default:
      return { ...attributes, kind };
  }
}

/**
 * Opens a directory as a context.
 * @throws ContextError where it is none, or cannot be read; also from the view
 */
export function directoryContext(directory: string): DirectoryContext {
  if (platform.hostDirectory === undefined)
    throw new ContextError("this platform has no directories to read");
  const root = directory.endsWith("/") ? directory : `${directory}/`;
  const host = platform.hostDirectory(root);
  const entries = new Map<string, ViewEntry | undefined>();
  const attempt = <T>(path: string, read: (hostPath: string) => T): T | undefined => {
    try {
      return read(root + path.slice(1));
    } catch (error) {
      if (error instanceof ContextError) throw error;
      if (path !== "/" && isMissing(error)) return undefined;
      const reason = error instanceof Error ? error.message : String(error);
      throw new ContextError(`cannot read the build context: ${reason}`, error);
    }
  };
  const look = (path: string): ViewEntry | undefined =>
    attempt(path, (hostPath) => {
      const stat = host.stat(hostPath);
      const inode = inodeOf(host, hostPath, stat);
      const shared = stat.links > 1 && inode.kind !== "directory";
      const { identity, size, mtime, ctime, mode } = stat;
      const stamp =
        inode.kind === "file"
          ? { stamp: { text: `${identity} ${size} ${mtime} ${ctime} ${mode}`, changed: ctime } }
          : {};
      return { inode, ...(shared ? { identity } : {}), ...stamp };
    });
  const view: DirectoryContext = {
    root: directory,
    entry: (path) => {
      if (!entries.has(path)) entries.set(path, look(path));
      return entries.get(path);
    },
    list: (path) => {
      if (view.entry(path)?.inode.kind !== "directory") return [];
      return inByteOrder(attempt(path, (hostPath) => host.list(hostPath)) ?? []);
    },
    close: () => host.close(),
  };
  if (view.entry("/")?.inode.kind !== "directory") throw new ContextError(`${directory} is not a directory`);
  return view;
}
