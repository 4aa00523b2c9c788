/**
 * Random calls: every call of the mount, with paths that meet what the lowers have, flags in odd
 * combinations, callers of several kinds, and two handles that live from call to call.
 */
import fc from "fast-check";
import { S_IFBLK, S_IFCHR, S_IFDIR, S_IFIFO, S_IFREG, S_IFSOCK } from "../../src/posix/mode.ts";
import {
  FALLOC_FL_KEEP_SIZE,
  FALLOC_FL_PUNCH_HOLE,
  O_APPEND,
  O_CREAT,
  O_DIRECTORY,
  O_EXCL,
  O_NOATIME,
  O_NOFOLLOW,
  O_PATH,
  O_RDONLY,
  O_RDWR,
  O_TMPFILE,
  O_TRUNC,
  O_WRONLY,
  RENAME_EXCHANGE,
  RENAME_NOREPLACE,
  RENAME_WHITEOUT,
  SEEK_CUR,
  SEEK_DATA,
  SEEK_END,
  SEEK_HOLE,
  SEEK_SET,
  XATTR_CREATE,
  XATTR_REPLACE,
} from "../../src/union/types.ts";
import {
  CAPABILITY,
  device,
  linkTarget,
  NAMES,
  name,
  names,
  pastTime,
  permissions,
  userId,
} from "./lowers.ts";
import type { CallerSpec, DataSpec, Operation, TimeSpec } from "./scenario.ts";

const LONG_NAME = "n".repeat(256);
/** One byte more than a path may have. */
const LONG_PATH = `/a${"/.".repeat(2047)}`;

/** One to three names, most often one, so that calls meet. */
const callPath: fc.Arbitrary<readonly string[]> = fc.oneof(
  { weight: 6, arbitrary: names(1) },
  { weight: 4, arbitrary: names(2) },
  { weight: 2, arbitrary: names(3) },
);

const oddPath: fc.Arbitrary<string> = fc.oneof(
  { weight: 4, arbitrary: callPath.map((parts) => `/${parts.join("/")}/`) },
  { weight: 6, arbitrary: callPath.map((parts) => parts.join("/")) },
  { weight: 1, arbitrary: callPath.map((parts) => `../${parts.join("/")}`) },
  { weight: 2, arbitrary: fc.tuple(callPath, name).map(([parts, last]) => `/${parts.join("/")}/../${last}`) },
  { weight: 1, arbitrary: callPath.map((parts) => `/./${parts.join("//")}/.`) },
  { weight: 1, arbitrary: callPath.map((parts) => `/${parts.join("/")}/..`) },
  {
    weight: 1,
    arbitrary: fc.constantFrom("/", "", ".", "..", "/..", `/${LONG_NAME}`, `/a/${LONG_NAME}`, LONG_PATH),
  },
);

/** Mostly a clean absolute path; else with `.`, `..`, a slash at its end, from the cwd, too long, or empty. */
export const path: fc.Arbitrary<string> = fc.oneof(
  { weight: 20, arbitrary: callPath.map((parts) => `/${parts.join("/")}`) },
  { weight: 3, arbitrary: oddPath },
);

/** A path whose last name is most often free. */
const newPath: fc.Arbitrary<string> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .tuple(
        fc.oneof({ weight: 3, arbitrary: fc.constant([]) }, { weight: 2, arbitrary: callPath }),
        fc.constantFrom(...NAMES.slice(2)),
      )
      .map(([parts, last]) => `/${[...parts, last].join("/")}`),
  },
  { weight: 4, arbitrary: path },
);

const CALLERS: readonly CallerSpec[] = [
  [1000, 1000, [], 0o022],
  [1000, 100, [1000], 0o002],
  [1001, 1001, [100], 0o077],
  [0, 0, [], 0],
  [0, 0, [], 0o022, "/a"],
  [1000, 1000, [], 0o022, "/b/a"],
  [0, 0, [], 0o022, "/", "/a"],
  [1000, 100, [1000], 0o022, "/a", "/b"],
];

const caller: fc.Arbitrary<CallerSpec | undefined> = fc.oneof(
  { weight: 5, arbitrary: fc.constant(undefined) },
  { weight: 1, arbitrary: fc.constantFrom(...CALLERS) },
);

/** One is used most, so that its calls meet. */
const slot = fc.constantFrom(0, 0, 0, 1);
const PAGE = 4096;

const offset: fc.Arbitrary<number> = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: 0, max: 50 }) },
  {
    weight: 2,
    arbitrary: fc.constantFrom(PAGE - 1, PAGE, PAGE + 1, 2 * PAGE, 3 * PAGE, 16 * PAGE, 17 * PAGE + 5),
  },
  { weight: 1, arbitrary: fc.constantFrom(-1, -5) },
);

const length: fc.Arbitrary<number> = fc.oneof(
  { weight: 3, arbitrary: fc.integer({ min: 0, max: 50 }) },
  { weight: 2, arbitrary: fc.constantFrom(PAGE - 1, PAGE, PAGE + 1, 2 * PAGE, 20 * PAGE) },
);

/** Whole pages, which a range copy shares. */
const pageOffset = fc.integer({ min: 0, max: 5 }).map((pages) => pages * PAGE);
const pageLength = fc.constantFrom(PAGE, 2 * PAGE, 3 * PAGE, 20 * PAGE);

const positionOrNull = fc.oneof(
  { weight: 1, arbitrary: fc.constant(null) },
  { weight: 1, arbitrary: offset },
);

const data: fc.Arbitrary<DataSpec> = fc.tuple(fc.constantFrom(0, 0x61, 0x62, 0xff), length);

const openFlags: fc.Arbitrary<number> = fc
  .tuple(
    fc.constantFrom(O_RDONLY, O_RDONLY, O_WRONLY, O_RDWR, O_RDWR, O_RDWR, O_RDWR),
    fc.oneof(
      { weight: 6, arbitrary: fc.constant([]) },
      { weight: 8, arbitrary: fc.constant([O_CREAT]) },
      { weight: 3, arbitrary: fc.constantFrom([O_CREAT, O_TRUNC], [O_CREAT, O_EXCL], [O_CREAT, O_APPEND]) },
      { weight: 1, arbitrary: fc.constantFrom([O_PATH], [O_PATH, O_NOFOLLOW], [O_PATH, O_DIRECTORY]) },
      { weight: 1, arbitrary: fc.constant([O_TMPFILE]) },
      {
        weight: 3,
        arbitrary: fc.subarray([O_CREAT, O_EXCL, O_TRUNC, O_APPEND, O_NOFOLLOW, O_DIRECTORY, O_NOATIME], {
          minLength: 1,
        }),
      },
    ),
  )
  .map(([mode, more]) => more.reduce((flags, flag) => flags | flag, mode));

const time: fc.Arbitrary<TimeSpec> = fc.oneof(
  { weight: 2, arbitrary: pastTime },
  { weight: 1, arbitrary: fc.constantFrom("now", "omit") },
);

const newOwner = fc.oneof({ weight: 4, arbitrary: userId }, { weight: 1, arbitrary: fc.constant(-1) });

const renameFlags = fc.oneof(
  { weight: 12, arbitrary: fc.constant(0) },
  {
    weight: 4,
    arbitrary: fc.constantFrom(RENAME_NOREPLACE, RENAME_EXCHANGE, RENAME_EXCHANGE, RENAME_EXCHANGE),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      RENAME_NOREPLACE | RENAME_EXCHANGE,
      RENAME_WHITEOUT | RENAME_EXCHANGE,
      RENAME_NOREPLACE | 64,
    ),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(RENAME_WHITEOUT, RENAME_WHITEOUT | RENAME_NOREPLACE),
  },
);

const xattrName: fc.Arbitrary<string> = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom("user.a", "user.b") },
  { weight: 2, arbitrary: fc.constantFrom("trusted.t", "security.other") },
  {
    weight: 1,
    arbitrary: fc.constantFrom("", "user.", "nope", "odd.name", `user.${LONG_NAME}`),
  },
);

const xattrValue: fc.Arbitrary<string> = fc.oneof(
  { weight: 40, arbitrary: fc.constantFrom("", "1", "\0\x80\xff=\n", "x".repeat(300)) },
  // More than an xattr may have.
  { weight: 1, arbitrary: fc.constant("v".repeat(65537)) },
);

const anyXattrName = fc.oneof(
  { weight: 6, arbitrary: xattrName },
  { weight: 1, arbitrary: fc.constant("security.capability") },
);

/** An empty `security.capability` is left out: Linux lets it be set and then gives EINVAL to every reader. */
const xattrNameAndValue: fc.Arbitrary<{ name: string; value: string }> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ name: xattrName, value: xattrValue }) },
  {
    weight: 1,
    arbitrary: fc.record({
      name: fc.constant("security.capability"),
      value: fc.constantFrom(CAPABILITY, CAPABILITY, "1"),
    }),
  },
);

const xattrTarget = fc.oneof(
  { weight: 3, arbitrary: fc.record({ path, follow: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ slot }) },
);

type Fields = { readonly [field: string]: fc.Arbitrary<unknown> };

function call(kind: Operation["call"], fields: Fields = {}): fc.Arbitrary<object> {
  return fc.record({ call: fc.constant(kind), ...fields });
}

function xattr(kind: Operation["call"], fields: Fields = {}): fc.Arbitrary<object> {
  return fc.tuple(call(kind, fields), xattrTarget).map(([one, target]) => ({ ...one, ...target }));
}

const atAndLength = { at: offset, length };

const CALLS: readonly [weight: number, call: fc.Arbitrary<object>][] = [
  [14, call("open", { slot, path: fc.oneof(path, newPath, newPath), flags: openFlags, mode: permissions })],
  [1, call("close", { slot })],
  [4, call("read", { slot, length, at: positionOrNull })],
  [8, call("write", { slot, data, at: positionOrNull })],
  [
    3,
    call("lseek", {
      slot,
      at: offset,
      whence: fc.constantFrom(SEEK_SET, SEEK_CUR, SEEK_END, SEEK_DATA, SEEK_HOLE, 9),
    }),
  ],
  [3, call("fstat", { slot })],
  [2, call("ftruncate", { slot, size: offset })],
  [1, call("fchmod", { slot, mode: permissions })],
  [1, call("fchown", { slot, uid: newOwner, gid: newOwner })],
  [1, call("futimens", { slot, atime: time, mtime: time })],
  [
    2,
    call("fallocate", {
      slot,
      ...atAndLength,
      mode: fc.constantFrom(
        0,
        FALLOC_FL_KEEP_SIZE,
        FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE,
        FALLOC_FL_PUNCH_HOLE,
      ),
    }),
  ],
  [2, call("copyRange", { slot, from: slot, fromAt: positionOrNull, at: positionOrNull, length })],
  [2, call("copyRange", { slot, from: slot, fromAt: pageOffset, at: pageOffset, length: pageLength })],
  [1, call("fsync", { slot })],
  [1, call("fdreaddir", { slot })],
  [1, call("linkfd", { slot, path: newPath })],
  [4, call("stat", { path })],
  [5, call("lstat", { path })],
  [2, call("access", { path, mode: fc.integer({ min: 0, max: 8 }) })],
  [2, call("readlink", { path })],
  [4, call("readdir", { path })],
  [8, call("mkdir", { path: newPath, mode: permissions })],
  [6, call("rmdir", { path })],
  [7, call("unlink", { path })],
  [16, call("rename", { from: path, path: newPath, flags: renameFlags })],
  [8, call("link", { from: path, path: newPath, follow: fc.boolean() })],
  [
    5,
    call("symlink", {
      path: newPath,
      target: fc.oneof(
        { weight: 12, arbitrary: linkTarget },
        { weight: 1, arbitrary: fc.constantFrom("", "x".repeat(4095), "x".repeat(4096)) },
      ),
    }),
  ],
  [
    3,
    call("mknod", {
      path: newPath,
      rdev: fc.oneof({ weight: 6, arbitrary: device }, { weight: 1, arbitrary: fc.constant(0) }),
      mode: fc
        .tuple(fc.constantFrom(0, S_IFREG, S_IFIFO, S_IFSOCK, S_IFCHR, S_IFBLK, S_IFDIR), permissions)
        .map(([kind, bits]) => kind | bits),
    }),
  ],
  [5, call("chmod", { path, mode: permissions })],
  [3, call("chown", { path, uid: newOwner, gid: newOwner })],
  [1, call("lchown", { path, uid: newOwner, gid: newOwner })],
  [3, call("truncate", { path, size: offset })],
  [3, call("utimens", { path, atime: time, mtime: time, follow: fc.boolean() })],
  [2, xattr("getxattr", { name: anyXattrName })],
  [1, xattr("listxattr")],
  [
    4,
    fc
      .tuple(
        xattr("setxattr", { flags: fc.constantFrom(0, 0, XATTR_CREATE, XATTR_REPLACE, 3, 4) }),
        xattrNameAndValue,
      )
      .map(([one, attribute]) => ({ ...one, ...attribute })),
  ],
  [2, xattr("removexattr", { name: anyXattrName })],
];

export const operation: fc.Arbitrary<Operation> = fc
  .tuple(fc.oneof(...CALLS.map(([weight, arbitrary]) => ({ weight, arbitrary }))), caller)
  .map(([one, as]) => (as === undefined ? one : { ...one, as }) as Operation);

/** Opens a file of the root or makes it, mostly: what most other calls on a slot need. */
const plainOpen: fc.Arbitrary<Operation> = fc.record({
  call: fc.constant("open"),
  slot,
  path: fc.oneof(name, fc.constantFrom(...NAMES.slice(2))).map((one) => `/${one}`),
  flags: fc.constantFrom(O_RDWR | O_CREAT, O_RDWR | O_CREAT, O_RDWR | O_CREAT | O_APPEND, O_RDONLY),
  mode: permissions,
}) as fc.Arbitrary<Operation>;

/** Up to so many calls. */
export function operations(most: number): fc.Arbitrary<Operation[]> {
  const frequent = fc.oneof({ weight: 9, arbitrary: operation }, { weight: 1, arbitrary: plainOpen });
  return fc
    .tuple(fc.array(plainOpen, { maxLength: 2 }), fc.array(frequent, { maxLength: most - 2, size: "max" }))
    .map(([first, rest]) => [...first, ...rest]);
}
