/**
 * System calls on extended attributes, with the rules of the four namespaces (xattr(7), fs/xattr.c).
 *
 * `system.posix_acl_*` values are kept as bytes and not evaluated. Names under `trusted.overlay.` are
 * ordinary here, since an upper needs no markers; a layer cannot record them (rule 26).
 */
import { errno } from "../posix/errno.ts";
import { S_ISVTX } from "../posix/mode.ts";
import { nameLength } from "../posix/names.ts";
import { placeOf, type Target } from "./attribute-calls.ts";
import { type Context, isReadOnly } from "./context.ts";
import type { Access } from "./filesystem.ts";
import { owns, permit } from "./permission.ts";
import { R_OK, W_OK, XATTR_CREATE, XATTR_REPLACE } from "./types.ts";
import type { Last } from "./walk.ts";

/** Longest name in bytes (limits.h, XATTR_NAME_MAX). */
const NAME_MAX = 255;
/** Longest value in bytes (limits.h, XATTR_SIZE_MAX). */
const SIZE_MAX = 65_536;

const NAMESPACES = ["user.", "trusted.", "security.", "system."];

function checkName(name: string): number {
  const length = nameLength(name);
  if (length === 0 || length > NAME_MAX) return -errno.ERANGE;
  const space = NAMESPACES.find((prefix) => name.startsWith(prefix));
  if (space === undefined) return -errno.EOPNOTSUPP;
  return name.length === space.length ? -errno.EINVAL : 0;
}

/** Whether the namespace allows the access on this kind of inode to this caller. */
function permitXattr(context: Context, name: string, inode: Access, wanted: number): number {
  const { caller } = context;
  const writes = wanted === W_OK;
  if (name.startsWith("trusted.")) {
    if (caller.capabilities.has("CAP_SYS_ADMIN")) return 0;
    return writes ? -errno.EPERM : -errno.ENODATA;
  }
  if (name.startsWith("security.")) {
    if (!writes) return 0;
    const needed = name === "security.capability" ? "CAP_SETFCAP" : "CAP_SYS_ADMIN";
    return caller.capabilities.has(needed) ? 0 : -errno.EPERM;
  }
  if (name.startsWith("system.")) return !writes || owns(caller, inode) ? 0 : -errno.EPERM;
  if (inode.kind !== "file" && inode.kind !== "directory") return writes ? -errno.EPERM : -errno.ENODATA;
  if (inode.kind === "directory" && (inode.mode & S_ISVTX) !== 0 && writes && !owns(caller, inode)) {
    return -errno.EPERM;
  }
  return permit(caller, inode, wanted);
}

/** getxattr(2): the value, or a negated error number. */
export function getXattr(context: Context, target: Target, name: string, last: Last): Uint8Array | number {
  const place = placeOf(context, target, last);
  if (typeof place === "number") return place;
  const invalid = checkName(name);
  if (invalid < 0) return invalid;
  const { filesystem } = place.attachment;
  const refused = permitXattr(context, name, filesystem.access(place.id), R_OK);
  if (refused < 0) return refused;
  return filesystem.getXattr(place.id, name)?.slice() ?? -errno.ENODATA;
}

/** listxattr(2): names in byte order, without `trusted.` ones for callers that may not read them. */
export function listXattrs(context: Context, target: Target, last: Last): string[] | number {
  const place = placeOf(context, target, last);
  if (typeof place === "number") return place;
  const names = place.attachment.filesystem.listXattrs(place.id);
  const all = context.caller.capabilities.has("CAP_SYS_ADMIN");
  return all ? names : names.filter((name) => !name.startsWith("trusted."));
}

/** setxattr(2) with XATTR_CREATE or XATTR_REPLACE. */
export function setXattr(
  context: Context,
  target: Target,
  name: string,
  value: Uint8Array,
  flags: number,
  last: Last,
): number {
  if ((flags & ~(XATTR_CREATE | XATTR_REPLACE)) !== 0) return -errno.EINVAL;
  const length = nameLength(name);
  if (length === 0 || length > NAME_MAX) return -errno.ERANGE;
  if (value.length > SIZE_MAX) return -errno.E2BIG;
  const place = placeOf(context, target, last);
  if (typeof place === "number") return place;
  if (isReadOnly(place.attachment)) return -errno.EROFS;
  const { filesystem } = place.attachment;
  const refused = permitXattr(context, name, filesystem.access(place.id), W_OK);
  if (refused < 0) return refused;
  const invalid = checkName(name);
  if (invalid < 0) return invalid;
  const exists = filesystem.getXattr(place.id, name) !== undefined;
  if ((flags & XATTR_CREATE) !== 0 && exists) return -errno.EEXIST;
  if ((flags & XATTR_REPLACE) !== 0 && !exists) return -errno.ENODATA;
  return filesystem.setXattr(place.id, name, value);
}

/** removexattr(2) */
export function removeXattr(context: Context, target: Target, name: string, last: Last): number {
  const length = nameLength(name);
  if (length === 0 || length > NAME_MAX) return -errno.ERANGE;
  const place = placeOf(context, target, last);
  if (typeof place === "number") return place;
  if (isReadOnly(place.attachment)) return -errno.EROFS;
  const { filesystem } = place.attachment;
  const refused = permitXattr(context, name, filesystem.access(place.id), W_OK);
  if (refused < 0) return refused;
  const invalid = checkName(name);
  return invalid < 0 ? invalid : filesystem.removeXattr(place.id, name);
}
