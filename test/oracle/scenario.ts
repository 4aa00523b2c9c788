/**
 * What one run of the oracle is made of: lowers and a sequence of calls, as data. The same description
 * is built and run on kernel mounts (`kernel/main.py`) and on ours, and printed as a script; so nothing in
 * it may mean two things. Names are strings as `posix/names.ts` has them, values of xattrs Latin-1.
 */
export interface NodeAttributes {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Nanoseconds, in decimal. */
  readonly mtime: string;
  readonly xattrs: { readonly [name: string]: string };
}

/** `length` times one byte at `offset`. */
export type DataRun = readonly [offset: number, byte: number, length: number];

interface Named {
  readonly name: string;
}

/** A directory of one layer. `opaque` hides what lower layers have in it. */
export interface LayerDirectory extends NodeAttributes {
  readonly kind: "directory";
  readonly opaque: boolean;
  readonly children: readonly LayerNode[];
}

/** One name in one layer, as in a directory that overlayfs takes as a lower. */
export type LayerNode =
  | (Named & LayerDirectory)
  | (Named &
      NodeAttributes & { readonly kind: "file"; readonly size: number; readonly extents: readonly DataRun[] })
  | (Named & NodeAttributes & { readonly kind: "symlink"; readonly target: string })
  | (Named & NodeAttributes & { readonly kind: "char" | "block"; readonly rdev: number })
  | (Named & NodeAttributes & { readonly kind: "fifo" })
  /** `target` is the path, from the root of the same layer, of a name that comes before. */
  | (Named & { readonly kind: "hardlink"; readonly target: string })
  /** Only where lower layers show something of that name. */
  | (Named & { readonly kind: "whiteout" });

/** The root directories of the lowers, lowest first; at least one. */
export type Layers = readonly LayerDirectory[];

/** Who calls, and from where; what is left out of `cwd` and `root` is `/`. */
export type CallerSpec = readonly [
  uid: number,
  gid: number,
  groups: readonly number[],
  umask: number,
  /** Path from which relative paths start, seen from `root`. */
  cwd?: string,
  /** Path in the mount that the caller sees as `/`. */
  root?: string,
];

export const ROOT_SPEC: CallerSpec = [0, 0, [], 0o022];

/** The result of a call whose caller's `root` or `cwd` is not there: such a process cannot be. */
export const NO_SUCH_CALLER = "no such caller";

/** Nanoseconds in decimal, or what utimensat(2) has names for. */
export type TimeSpec = "now" | "omit" | string;

/** `length` times one byte. */
export type DataSpec = readonly [byte: number, length: number];

type PathCall<C extends string, A = unknown> = { readonly call: C; readonly path: string } & A;
/** A call on what is open under a number; `slot` is chosen by the sequence, not by the system. */
type SlotCall<C extends string, A = unknown> = { readonly call: C; readonly slot: number } & A;
/** By a path, whose last link is followed or not, or by a descriptor. */
type XattrCall<C extends string, A = unknown> = { readonly call: C } & A &
  ({ readonly path: string; readonly follow: boolean } | { readonly slot: number });

export type Operation = {
  readonly as?: CallerSpec;
} /** `pipe`: a fifo too, which is otherwise refused with ENXIO, as ours does. */ & (
  | SlotCall<
      "open",
      { readonly path: string; readonly flags: number; readonly mode: number; readonly pipe?: true }
    >
  | SlotCall<"close">
  | SlotCall<"read", { readonly length: number; readonly at: number | null }>
  | SlotCall<"write", { readonly data: DataSpec; readonly at: number | null }>
  | SlotCall<"lseek", { readonly at: number; readonly whence: number }>
  | SlotCall<"fstat">
  | SlotCall<"ftruncate", { readonly size: number }>
  | SlotCall<"fchmod", { readonly mode: number }>
  | SlotCall<"fchown", { readonly uid: number; readonly gid: number }>
  | SlotCall<"futimens", { readonly atime: TimeSpec; readonly mtime: TimeSpec }>
  | SlotCall<"fallocate", { readonly mode: number; readonly at: number; readonly length: number }>
  | SlotCall<
      "copyRange",
      {
        readonly from: number;
        readonly fromAt: number | null;
        readonly at: number | null;
        readonly length: number;
      }
    >
  | SlotCall<"fsync" | "fdreaddir">
  | SlotCall<"linkfd", { readonly path: string }>
  | PathCall<"stat" | "lstat" | "readlink" | "readdir" | "rmdir" | "unlink">
  /** The link count of a directory, which no other call gives. */
  | PathCall<"directoryLinks">
  | PathCall<"access", { readonly mode: number }>
  | PathCall<"mkdir" | "chmod", { readonly mode: number }>
  | PathCall<"rename", { readonly from: string; readonly flags: number }>
  | PathCall<"link", { readonly from: string; readonly follow: boolean }>
  | PathCall<"symlink", { readonly target: string }>
  | PathCall<"mknod", { readonly mode: number; readonly rdev: number }>
  | PathCall<"chown" | "lchown", { readonly uid: number; readonly gid: number }>
  | PathCall<"truncate", { readonly size: number }>
  | PathCall<"utimens", { readonly atime: TimeSpec; readonly mtime: TimeSpec; readonly follow: boolean }>
  | XattrCall<"getxattr" | "removexattr", { readonly name: string }>
  | XattrCall<"listxattr">
  | XattrCall<"setxattr", { readonly name: string; readonly value: string; readonly flags: number }>
);

export type Call = Operation["call"];

export interface Scenario {
  readonly layers: Layers;
  readonly operations: readonly Operation[];
}

/** What a call gave: the name of an error, or anything that is no string. */
export type Result = string | number | null | readonly unknown[];

/** type bits, mode, link count, uid, gid, device, size, mtime, inode token; see `kernel/main.py`. */
export type StatResult = readonly [
  type: number,
  mode: number,
  nlink: number | null,
  uid: number,
  gid: number,
  rdev: number,
  size: number | null,
  mtime: string,
  ino: number,
];

/** One name of the merged view: its path, what stat tells, checksum or target, and xattrs. */
export type TreeLine = readonly [
  path: string,
  stat: StatResult,
  detail: number | string | null,
  xattrs: { readonly [name: string]: string },
];

/** One name of a kernel's upper directory, as it is on disk. */
export interface UpperLine {
  readonly path: string;
  /** Type bits of `st_mode`. */
  readonly type: number;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly rdev: number;
  readonly size: number;
  readonly mtime: string;
  readonly ino: number;
  /** A file's checksum, a symlink's target. */
  readonly detail: number | string | null;
  readonly xattrs: { readonly [name: string]: string };
}

/** A hardlinked lower file that was copied up, as `index=on` keeps it. */
export interface IndexLine extends UpperLine {
  /** Its names in its layer. */
  readonly lower: readonly string[];
}

/** What came of a scenario on one kind of mount. */
export interface Outcome {
  readonly results: readonly Result[];
  readonly tree: readonly TreeLine[];
  /** For an overlay: its upper directory, and the index of its work directory. */
  readonly upper?: readonly UpperLine[];
  readonly index?: readonly IndexLine[];
}
