/**
 * From a path to an inode, across attachments (path_resolution(7)).
 *
 * A {@link Attachment} is a filesystem, or a part of one, placed over a name of a directory, as a
 * kernel's mount is; the root of the view is one too. The name need not exist beneath: an attachment
 * adds no entry to the directory below, so what is attached never shows among changes. A walk carries
 * the attachment it is in, so that `..` leads back where it came from when one filesystem is attached
 * twice.
 */
import type { Caller } from "../posix/caller.ts";
import { errno } from "../posix/errno.ts";
import { nameLength } from "../posix/names.ts";
import { NAME_MAX, PATH_MAX, SYMLINK_MAX, splitPath } from "../posix/path.ts";
import type { Filesystem } from "./filesystem.ts";
import type { InodeId } from "./inodes.ts";
import { permit } from "./permission.ts";
import { X_OK } from "./types.ts";

export interface Attachment {
  readonly filesystem: Filesystem;
  /** The inode shown at the point: the filesystem's root, a directory in it, or a single file. */
  readonly root: InodeId;
  readonly readOnly: boolean;
  /** The directory that has the point, and its name there. Undefined for the root of the view. */
  readonly point: { readonly place: Place; readonly name: string } | undefined;
  /** What is attached within, by directory and name. */
  readonly inner: Map<InodeId, Map<string, Attachment>>;
}

/** An inode, and through which attachment it was reached. */
export interface Place {
  readonly attachment: Attachment;
  readonly id: InodeId;
}

/** How a walk treats the last component. */
export type Last =
  /** A symlink there is followed. */
  | "follow"
  /** It is not, unless the path ends with a slash. */
  | "nofollow"
  /** It is followed, and must not end with a slash: a file is to be made there. */
  | "create"
  /** It never is: the name itself is wanted, to be made or removed. */
  | "name";

/** What the last component was. Only a `normal` one is a name that can be made or removed. */
export type LastKind = "normal" | "dot" | "dotdot" | "root";

export interface Walk {
  /** Negated error number, or 0. With a `directory`, only the last name is at fault: missing, or too long. */
  error: number;
  /** The inode found; `-1` on error. */
  attachment: Attachment;
  id: InodeId;
  /** The directory that was asked for the last name, and the name. */
  directory: Place | undefined;
  name: string;
  lastKind: LastKind;
  /** The path ended with a slash, so the last name must be a directory's. */
  slash: boolean;
  /** Where the walk ended for want of a directory: the last one reached, and the names below it that were left. */
  stopped?: { readonly at: Place; readonly names: readonly string[] };
}

/** The attachment at a name of a directory. */
export function attachmentAt(place: Place, name: string): Attachment | undefined {
  const { inner } = place.attachment;
  return inner.size === 0 ? undefined : inner.get(place.id)?.get(name);
}

/** The directory above, crossing from an attachment's root to the directory that has its point. */
export function above(place: Place): Place {
  const { attachment, id } = place;
  if (id === attachment.root) return attachment.point?.place ?? place;
  return { attachment, id: attachment.filesystem.parent(id) };
}

function failed(error: number, at: Place): Walk {
  return {
    error,
    attachment: at.attachment,
    id: -1,
    directory: undefined,
    name: "",
    lastKind: "normal",
    slash: false,
  };
}

/** Where the caller's relative paths start, or a negated error number. */
function start(view: Place, caller: Caller): { root: Place; cwd: Place } | number {
  let root = view;
  if (caller.root !== "/") {
    const found = follow(view, view, caller.root, "follow", undefined);
    if (found.error < 0) return found.error;
    root = { attachment: found.attachment, id: found.id };
  }
  if (caller.cwd === "/") return { root, cwd: root };
  const found = follow(root, root, caller.cwd, "follow", undefined);
  return found.error < 0 ? found.error : { root, cwd: { attachment: found.attachment, id: found.id } };
}

/** Walks `path` as the caller sees it. */
export function walk(view: Place, caller: Caller, path: string, last: Last): Walk {
  if (path.length === 0) return failed(-errno.ENOENT, view);
  if (path.length * 3 >= PATH_MAX && nameLength(path) >= PATH_MAX) return failed(-errno.ENAMETOOLONG, view);
  if (path.includes("\0")) return failed(-errno.ENOENT, view);
  if (caller.root === "/" && (caller.cwd === "/" || path.charCodeAt(0) === 0x2f)) {
    return follow(view, view, path, last, caller);
  }
  const from = start(view, caller);
  if (typeof from === "number") return failed(from, view);
  return follow(from.root, from.cwd, path, last, caller);
}

/** The walk proper. Without a caller nothing is forbidden. */
function follow(root: Place, cwd: Place, path: string, last: Last, caller: Caller | undefined): Walk {
  // Whoever may override may search any directory: nothing need be asked on the way.
  const restricted =
    caller !== undefined && !caller.capabilities.has("CAP_DAC_OVERRIDE") ? caller : undefined;
  let links = 0;
  let text = path;
  let at = text.charCodeAt(0) === 0x2f ? root : cwd;
  let isDirectory = at.attachment.filesystem.kind(at.id) === "directory";
  let index = 0;
  let directory: Place | undefined;
  let name = "";
  let lastKind: LastKind = "root";
  for (;;) {
    while (text.charCodeAt(index) === 0x2f) index += 1;
    if (index >= text.length) break;
    let end = text.indexOf("/", index);
    if (end < 0) end = text.length;
    const part = text.slice(index, end);
    let next = end;
    while (text.charCodeAt(next) === 0x2f) next += 1;
    const isLast = next >= text.length;
    const slash = next > end;

    if (!isDirectory) {
      const blocked = failed(-errno.ENOTDIR, at);
      if (directory !== undefined)
        blocked.stopped = { at: directory, names: [name, ...splitPath(text.slice(index))] };
      return blocked;
    }
    const { filesystem } = at.attachment;
    if (restricted !== undefined) {
      const denied = permit(restricted, filesystem.access(at.id), X_OK);
      if (denied < 0) return failed(denied, at);
    }
    if (part === "." || part === "..") {
      if (part === "..") at = at.id === root.id && at.attachment === root.attachment ? at : above(at);
      index = next;
      lastKind = part === "." ? "dot" : "dotdot";
      if (isLast) return found(at, directory, part, lastKind, slash);
      continue;
    }
    if (isLast && slash && last === "create") return failed(-errno.EISDIR, at);
    if (part.length * 3 > NAME_MAX && nameLength(part) > NAME_MAX) {
      const tooLong = failed(-errno.ENAMETOOLONG, at);
      if (isLast) {
        tooLong.directory = at;
        tooLong.slash = slash;
      }
      return tooLong;
    }
    const attached = attachmentAt(at, part);
    const id = attached === undefined ? filesystem.lookup(at.id, part) : attached.root;
    if (id < 0) {
      const missing = failed(id, at);
      missing.stopped = { at, names: [part, ...splitPath(text.slice(next))] };
      if (!isLast || id !== -errno.ENOENT) return missing;
      missing.directory = at;
      missing.name = part;
      missing.slash = slash;
      return missing;
    }
    directory = at;
    name = part;
    lastKind = "normal";
    const attachment = attached ?? at.attachment;
    const kind = attachment.filesystem.kind(id);
    if (
      kind === "symlink" &&
      attached === undefined &&
      (!isLast || last === "follow" || last === "create" || (last === "nofollow" && slash))
    ) {
      links += 1;
      if (links > SYMLINK_MAX) return failed(-errno.ELOOP, at);
      const target = filesystem.readlink(id);
      if (target.length === 0) return failed(-errno.ENOENT, at);
      text = target + text.slice(end);
      index = 0;
      if (target.charCodeAt(0) === 0x2f) {
        at = root;
        isDirectory = root.attachment.filesystem.kind(root.id) === "directory";
      }
      lastKind = "root";
      continue;
    }
    at = { attachment, id };
    isDirectory = kind === "directory";
    index = next;
    if (isLast) return found(at, directory, name, lastKind, slash);
  }
  return found(at, directory, name, lastKind, false);
}

function found(
  at: Place,
  directory: Place | undefined,
  name: string,
  lastKind: LastKind,
  slash: boolean,
): Walk {
  return { error: 0, attachment: at.attachment, id: at.id, directory, name, lastKind, slash };
}
