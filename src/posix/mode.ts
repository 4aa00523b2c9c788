/**
 * File types and mode bits as `stat(2)` has them (inode(7)).
 */

/** What an inode is. */
export type Kind = "file" | "directory" | "symlink" | "char" | "block" | "fifo" | "socket";

export const S_IFMT = 0o170000;
export const S_IFSOCK = 0o140000;
export const S_IFLNK = 0o120000;
export const S_IFREG = 0o100000;
export const S_IFBLK = 0o060000;
export const S_IFDIR = 0o040000;
export const S_IFCHR = 0o020000;
export const S_IFIFO = 0o010000;

export const S_ISUID = 0o4000;
export const S_ISGID = 0o2000;
export const S_ISVTX = 0o1000;
export const S_IXGRP = 0o0010;
/** Every bit that `chmod(2)` can set. */
export const PERMISSION_BITS = 0o7777;

const TYPE_BITS: { readonly [kind in Kind]: number } = {
  file: S_IFREG,
  directory: S_IFDIR,
  symlink: S_IFLNK,
  char: S_IFCHR,
  block: S_IFBLK,
  fifo: S_IFIFO,
  socket: S_IFSOCK,
};

const KINDS = new Map<number, Kind>(Object.entries(TYPE_BITS).map(([kind, bits]) => [bits, kind as Kind]));

/** The file type bits of `st_mode` for a kind. */
export function typeBits(kind: Kind): number {
  return TYPE_BITS[kind];
}

/** The kind that `st_mode` tells, or undefined where its type bits are none of Linux's. */
export function kindOf(mode: number): Kind | undefined {
  return KINDS.get(mode & S_IFMT);
}

/** Highest major number that Linux encodes (12 bits). Rule 36. */
export const MAX_MAJOR = 0xfff;
/** Highest minor number that Linux encodes (20 bits). Rule 36. */
export const MAX_MINOR = 0xfffff;

/** The device number of a major and a minor, in glibc's 64-bit layout (makedev(3)) as far as Linux uses it. */
export function makeDevice(major: number, minor: number): number {
  return ((minor & 0xff) | ((major & 0xfff) << 8)) + (minor & ~0xff) * 4096;
}

export function deviceMajor(device: number): number {
  return (device >>> 8) & 0xfff;
}

export function deviceMinor(device: number): number {
  return (device & 0xff) | ((device >>> 12) & 0xfff00);
}

const LETTERS: { readonly [kind in Kind]: string } = {
  file: "-",
  directory: "d",
  symlink: "l",
  char: "c",
  block: "b",
  fifo: "p",
  socket: "s",
};

function triad(bits: number, special: boolean, letter: string): string {
  const execute = (bits & 1) !== 0;
  const last = special ? (execute ? letter : letter.toUpperCase()) : execute ? "x" : "-";
  return `${bits & 4 ? "r" : "-"}${bits & 2 ? "w" : "-"}${last}`;
}

/** Type and permissions as `ls -l` prints them: `-rwsr-xr-t`. */
export function modeString(mode: number): string {
  const kind = kindOf(mode);
  return [
    kind === undefined ? "?" : LETTERS[kind],
    triad((mode >> 6) & 7, (mode & 0o4000) !== 0, "s"),
    triad((mode >> 3) & 7, (mode & 0o2000) !== 0, "s"),
    triad(mode & 7, (mode & 0o1000) !== 0, "t"),
  ].join("");
}
