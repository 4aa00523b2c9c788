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

const CAPABILITY = "security.capability";

/** Sizes of file capabilities by their revision (uapi/linux/capability.h, vfs_cap_data). */
const CAPABILITY_SIZES = new Map([
  [0x02, 20],
  [0x03, 24],
]);

/** Whether a value can be `security.capability`: a known revision, its flag bit aside, of its size. */
function isCapability(value: Uint8Array): boolean {
  if (value.length < 4 || (value[0]! & ~1) !== 0 || value[1] !== 0 || value[2] !== 0) return false;
  return CAPABILITY_SIZES.get(value[3]!) === value.length;
}

const NAMESPACES = ["user.", "trusted.", "security.", "system."];

/** The length of a name is checked before anything else. */
function checkLength(name: string): number {
  const length = nameLength(name);
  return length === 0 || length > NAME_MAX ? -errno.ERANGE : 0;
}

/** The namespace is asked for last. */
function checkNamespace(name: string): number {
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
    const needed = name === CAPABILITY ? "CAP_SETFCAP" : "CAP_SYS_ADMIN";
    return caller.capabilities.has(needed) ? 0 : -errno.EPERM;
  }
  if (name.startsWith("system.")) return !writes || owns(caller, inode) ? 0 : -errno.EPERM;
  if (!name.startsWith("user.")) return permit(caller, inode, wanted);
  if (inode.kind !== "file" && inode.kind !== "directory") return writes ? -errno.EPERM : -errno.ENODATA;
  if (inode.kind === "directory" && (inode.mode & S_ISVTX) !== 0 && writes && !owns(caller, inode)) {
    return -errno.EPERM;
  }
  return permit(caller, inode, wanted);
}

/** getxattr(2): the value, or a negated error number. */
export function getXattr(context: Context, target: Target, name: string, last: Last): Uint8Array | number {
  const tooLong = checkLength(name);
  if (tooLong < 0) return tooLong;
  const place = placeOf(context, target, last);
  if (typeof place === "number") return place;
  const { filesystem } = place.attachment;
  const refused = permitXattr(context, name, filesystem.access(place.id), R_OK);
  if (refused < 0) return refused;
  const unknown = checkNamespace(name);
  if (unknown < 0) return unknown;
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
  const tooLong = checkLength(name);
  if (tooLong < 0) return tooLong;
  if (value.length > SIZE_MAX) return -errno.E2BIG;
  const place = placeOf(context, target, last);
  if (typeof place === "number") return place;
  if (isReadOnly(place.attachment)) return -errno.EROFS;
  if (name === CAPABILITY && value.length > 0 && !isCapability(value)) return -errno.EINVAL;
  const { filesystem } = place.attachment;
  const refused = permitXattr(context, name, filesystem.access(place.id), W_OK);
  if (refused < 0) return refused;
  const unknown = checkNamespace(name);
  if (unknown < 0) return unknown;
  const exists = filesystem.getXattr(place.id, name) !== undefined;
  if ((flags & XATTR_CREATE) !== 0 && exists) return -errno.EEXIST;
  if ((flags & XATTR_REPLACE) !== 0 && !exists) return -errno.ENODATA;
  return filesystem.setXattr(place.id, name, value);
}

/** removexattr(2) */
export function removeXattr(context: Context, target: Target, name: string, last: Last): number {
  const tooLong = checkLength(name);
  if (tooLong < 0) return tooLong;
  const place = placeOf(context, target, last);
  if (typeof place === "number") return place;
  if (isReadOnly(place.attachment)) return -errno.EROFS;
  const { filesystem } = place.attachment;
  const refused = permitXattr(context, name, filesystem.access(place.id), W_OK);
  if (refused < 0) return refused;
  const unknown = checkNamespace(name);
  return unknown < 0 ? unknown : filesystem.removeXattr(place.id, name);
}
