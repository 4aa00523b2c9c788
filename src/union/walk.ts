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

const SLASH = 0x2f;
const DOT = 0x2e;

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

function failed(error: number, attachment: Attachment): Walk {
  return {
    error,
    attachment,
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
  if (path.length === 0) return failed(-errno.ENOENT, view.attachment);
  if (path.length * 3 >= PATH_MAX && nameLength(path) >= PATH_MAX)
    return failed(-errno.ENAMETOOLONG, view.attachment);
  if (path.includes("\0")) return failed(-errno.ENOENT, view.attachment);
  if (caller.root === "/" && (caller.cwd === "/" || path.charCodeAt(0) === SLASH)) {
    return follow(view, view, path, last, caller);
  }
  const from = start(view, caller);
  if (typeof from === "number") return failed(from, view.attachment);
  return follow(from.root, from.cwd, path, last, caller);
}

/**
 * The walk proper. Without a caller nothing is forbidden.
 *
 * Where it is at is kept in two variables, and made a {@link Place} only for who asks: a walk makes one
 * object for its answer and one for the directory, whatever the length of the path.
 */
function follow(root: Place, cwd: Place, path: string, last: Last, caller: Caller | undefined): Walk {
  // Whoever may override may search any directory: nothing need be asked on the way.
  const restricted =
    caller !== undefined && !caller.capabilities.has("CAP_DAC_OVERRIDE") ? caller : undefined;
  let links = 0;
  let text = path;
  let { attachment, id } = text.charCodeAt(0) === SLASH ? root : cwd;
  let isDirectory = attachment.filesystem.kind(id) === "directory";
  let index = 0;
  /** The directory that was asked for the last name. */
  let holder: Attachment | undefined;
  let holderId = -1;
  let name = "";
  let lastKind: LastKind = "root";
  for (;;) {
    while (text.charCodeAt(index) === SLASH) index += 1;
    if (index >= text.length) break;
    let end = text.indexOf("/", index);
    if (end < 0) end = text.length;
    const part = text.slice(index, end);
    let next = end;
    while (text.charCodeAt(next) === SLASH) next += 1;
    const isLast = next >= text.length;
    const slash = next > end;

    if (!isDirectory) {
      const blocked = failed(-errno.ENOTDIR, attachment);
      if (holder !== undefined) {
        const names = [name, ...splitPath(text.slice(index))];
        blocked.stopped = { at: { attachment: holder, id: holderId }, names };
      }
      return blocked;
    }
    const { filesystem } = attachment;
    if (restricted !== undefined) {
      const denied = permit(restricted, filesystem.access(id), X_OK);
      if (denied < 0) return failed(denied, attachment);
    }
    if (text.charCodeAt(index) === DOT && (part === "." || part === "..")) {
      if (part === ".." && !(id === root.id && attachment === root.attachment)) {
        ({ attachment, id } = above({ attachment, id }));
      }
      index = next;
      lastKind = part === "." ? "dot" : "dotdot";
      if (isLast) return found(attachment, id, holder, holderId, part, lastKind, slash);
      continue;
    }
    if (isLast && slash && last === "create") return failed(-errno.EISDIR, attachment);
    if (part.length * 3 > NAME_MAX && nameLength(part) > NAME_MAX) {
      const tooLong = failed(-errno.ENAMETOOLONG, attachment);
      if (isLast) {
        tooLong.directory = { attachment, id };
        tooLong.slash = slash;
      }
      return tooLong;
    }
    const { inner } = attachment;
    const attached = inner.size === 0 ? undefined : inner.get(id)?.get(part);
    const child = attached === undefined ? filesystem.lookup(id, part) : attached.root;
    if (child < 0) {
      const missing = failed(child, attachment);
      const at = { attachment, id };
      missing.stopped = { at, names: isLast ? [part] : [part, ...splitPath(text.slice(next))] };
      if (!isLast || child !== -errno.ENOENT) return missing;
      missing.directory = at;
      missing.name = part;
      missing.slash = slash;
      return missing;
    }
    holder = attachment;
    holderId = id;
    name = part;
    lastKind = "normal";
    const kind = (attached ?? attachment).filesystem.kind(child);
    if (
      kind === "symlink" &&
      attached === undefined &&
      (!isLast || last === "follow" || last === "create" || (last === "nofollow" && slash))
    ) {
      links += 1;
      if (links > SYMLINK_MAX) return failed(-errno.ELOOP, attachment);
      const target = filesystem.readlink(child);
      if (target.length === 0) return failed(-errno.ENOENT, attachment);
      text = target + text.slice(end);
      index = 0;
      if (target.charCodeAt(0) === SLASH) {
        ({ attachment, id } = root);
        isDirectory = attachment.filesystem.kind(id) === "directory";
      }
      lastKind = "root";
      continue;
    }
    if (attached !== undefined) attachment = attached;
    id = child;
    isDirectory = kind === "directory";
    index = next;
    if (isLast) return found(attachment, id, holder, holderId, name, lastKind, slash);
  }
  return found(attachment, id, holder, holderId, name, lastKind, false);
}

function found(
  attachment: Attachment,
  id: InodeId,
  holder: Attachment | undefined,
  holderId: InodeId,
  name: string,
  lastKind: LastKind,
  slash: boolean,
): Walk {
  const directory = holder === undefined ? undefined : { attachment: holder, id: holderId };
  return { error: 0, attachment, id, directory, name, lastKind, slash };
}
