/**
 * Random calls on a mount: names are few, so that calls meet what the lowers have.
 */
import fc from "fast-check";
import { PosixError } from "../../src/posix/errno.ts";
import { makeDevice } from "../../src/posix/mode.ts";
import { joinPath } from "../../src/posix/path.ts";
import type { Mount } from "../../src/union/mount.ts";
import { O_CREAT, O_RDONLY, O_RDWR, RENAME_EXCHANGE, RENAME_NOREPLACE } from "../../src/union/types.ts";

const name = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom("a", "b", "c", "d") },
  { weight: 1, arbitrary: fc.constantFrom("bb", "é", "\u{1f600}", "\udcff") },
);
const anyPath = fc.array(name, { minLength: 1, maxLength: 4 }).map((names) => `/${names.join("/")}`);

/** A path that is chosen when the call is made: what is there by its place in the listing, or a name in a directory. */
type Where = string | { readonly nth: number } | { readonly inside: number; readonly name: string };

const there: fc.Arbitrary<Where> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ nth: fc.nat(50) }) },
  { weight: 1, arbitrary: anyPath },
);
const fresh: fc.Arbitrary<Where> = fc.record({ inside: fc.nat(50), name });
const path: fc.Arbitrary<Where> = fc.oneof(there, fresh);

function listPaths(mount: Mount, directory: string, directoriesOnly: boolean, into: string[]): string[] {
  for (const entry of mount.readdir(directory)) {
    const path = joinPath(directory, entry.name);
    if (entry.kind === "directory" || !directoriesOnly) into.push(path);
    if (entry.kind === "directory") listPaths(mount, path, directoriesOnly, into);
  }
  return into;
}

function locate(mount: Mount, where: Where): string {
  if (typeof where === "string") return where;
  if ("nth" in where) {
    const paths = listPaths(mount, "/", false, []);
    return paths[where.nth % Math.max(1, paths.length)] ?? "/a";
  }
  const directories = listPaths(mount, "/", true, ["/"]);
  return joinPath(directories[where.inside % directories.length]!, where.name);
}

const text = fc.constantFrom("", "x", "text", "other text", "\u0000".repeat(5000));
const time = fc.constantFrom(0n, 1_700_000_000_123_456_789n, 5_000_000_000n, -1n);
const owner = fc.constantFrom(0, 5, 1000);
const mode = fc.constantFrom(0o644, 0o755, 0o4755, 0o2755, 0o1777, 0);

/** A call; it may fail, as any call may. */
export type Operation = { readonly say: string; readonly run: (mount: Mount) => void };

/** What a call is made with: places become paths. */
type Located<T extends unknown[]> = { [K in keyof T]: T[K] extends Where ? string : T[K] };

function isWhere(value: unknown): value is Where {
  return typeof value === "object" && value !== null && ("nth" in value || "inside" in value);
}

function operation<T extends unknown[]>(
  say: string,
  args: { [K in keyof T]: fc.Arbitrary<T[K]> },
  run: (mount: Mount, ...args: Located<T>) => void,
): fc.Arbitrary<Operation> {
  return fc.tuple<T>(...args).map((values) => ({
    say: `${say}(${values.map((value) => (typeof value === "bigint" ? `${value}n` : JSON.stringify(value))).join(", ")})`,
    run: (mount) => {
      const located = values.map((value) => (isWhere(value) ? locate(mount, value) : value));
      run(mount, ...(located as Located<T>));
    },
  }));
}

function overwrite(mount: Mount, path: string, content: string, position: number): void {
  const fd = mount.open(path, O_RDWR);
  try {
    mount.write(fd, Buffer.from(content), 0, Buffer.byteLength(content), position);
  } finally {
    mount.close(fd);
  }
}

/** Opens, removes the name, writes on and links nothing: what an unlinked file must not leave. */
function writeUnlinked(mount: Mount, path: string, content: string): void {
  const fd = mount.open(path, O_RDWR | O_CREAT);
  try {
    mount.unlink(path);
    mount.write(fd, Buffer.from(content), 0, Buffer.byteLength(content), 0);
  } finally {
    mount.close(fd);
  }
}

function copyInto(mount: Mount, from: string, to: string): void {
  const source = mount.open(from, O_RDONLY);
  try {
    const target = mount.open(to, O_RDWR | O_CREAT);
    try {
      mount.copyRange(source, 0, target, 0, 100_000);
    } finally {
      mount.close(target);
    }
  } finally {
    mount.close(source);
  }
}

/** Rewrites a file as it was, times included: no change. */
function rewriteSame(mount: Mount, path: string): void {
  const before = mount.stat(path);
  mount.writeFile(path, mount.readFile(path));
  mount.utimens(path, before.atime, before.mtime);
}

/** Removes a name and makes the same thing again, with the same attributes. */
function recreate(mount: Mount, path: string): void {
  const before = mount.lstat(path);
  const content = mount.readFile(path);
  mount.unlink(path);
  mount.writeFile(path, content);
  mount.chmod(path, before.mode & 0o7777);
  mount.chown(path, before.uid, before.gid);
  mount.utimens(path, before.atime, before.mtime);
}

function removeTree(mount: Mount, path: string): void {
  for (const entry of mount.readdir(path)) {
    if (entry.kind === "directory") removeTree(mount, `${path}/${entry.name}`);
    else mount.unlink(`${path}/${entry.name}`);
  }
  mount.rmdir(path);
}

export const anyOperation: fc.Arbitrary<Operation> = fc.oneof(
  {
    weight: 6,
    arbitrary: operation<[Where, string]>("writeFile", [path, text], (m, p, t) => m.writeFile(p, t)),
  },
  {
    weight: 3,
    arbitrary: operation<[Where, string, number]>("overwrite", [there, text, fc.nat(6000)], overwrite),
  },
  {
    weight: 2,
    arbitrary: operation<[Where, number]>("truncate", [there, fc.nat(6000)], (m, p, n) => m.truncate(p, n)),
  },
  { weight: 5, arbitrary: operation<[Where]>("mkdir", [fresh], (m, p) => m.mkdir(p)) },
  { weight: 5, arbitrary: operation<[Where]>("unlink", [there], (m, p) => m.unlink(p)) },
  { weight: 3, arbitrary: operation<[Where]>("rmdir", [there], (m, p) => m.rmdir(p)) },
  { weight: 3, arbitrary: operation<[Where]>("removeTree", [there], removeTree) },
  { weight: 8, arbitrary: operation<[Where, Where]>("rename", [there, path], (m, a, b) => m.rename(a, b)) },
  {
    weight: 2,
    arbitrary: operation<[Where, Where]>("exchange", [there, there], (m, a, b) =>
      m.rename(a, b, RENAME_EXCHANGE),
    ),
  },
  {
    weight: 1,
    arbitrary: operation<[Where, Where]>("noreplace", [there, fresh], (m, a, b) =>
      m.rename(a, b, RENAME_NOREPLACE),
    ),
  },
  { weight: 5, arbitrary: operation<[Where, Where]>("link", [there, fresh], (m, a, b) => m.link(a, b)) },
  {
    weight: 3,
    arbitrary: operation<[string, Where]>("symlink", [anyPath, fresh], (m, a, b) => m.symlink(a, b)),
  },
  {
    weight: 1,
    arbitrary: operation<[Where, number]>("mknod char", [fresh, fc.constantFrom(1, 3)], (m, p, n) =>
      m.mknod(p, "char", 0o600, makeDevice(1, n)),
    ),
  },
  { weight: 1, arbitrary: operation<[Where]>("mkfifo", [fresh], (m, p) => m.mknod(p, "fifo")) },
  { weight: 1, arbitrary: operation<[Where]>("socket", [fresh], (m, p) => m.mknod(p, "socket")) },
  { weight: 3, arbitrary: operation<[Where, number]>("chmod", [there, mode], (m, p, n) => m.chmod(p, n)) },
  {
    weight: 2,
    arbitrary: operation<[Where, number, number]>("lchown", [there, owner, owner], (m, p, u, g) =>
      m.lchown(p, u, g),
    ),
  },
  {
    weight: 3,
    arbitrary: operation<[Where, bigint]>("lutimens", [there, time], (m, p, t) => m.lutimens(p, "omit", t)),
  },
  {
    weight: 2,
    arbitrary: operation<[Where, string]>("setxattr", [there, text], (m, p, t) =>
      m.setxattr(p, "user.x", Buffer.from(t)),
    ),
  },
  { weight: 1, arbitrary: operation<[Where]>("removexattr", [there], (m, p) => m.removexattr(p, "user.a")) },
  { weight: 1, arbitrary: operation<[number]>("chmod /", [mode], (m, n) => m.chmod("/", n)) },
  { weight: 2, arbitrary: operation<[Where, string]>("writeUnlinked", [path, text], writeUnlinked) },
  { weight: 2, arbitrary: operation<[Where, Where]>("copyInto", [there, path], copyInto) },
  { weight: 2, arbitrary: operation<[Where]>("rewriteSame", [there], rewriteSame) },
  { weight: 2, arbitrary: operation<[Where]>("recreate", [there], recreate) },
);

/** Runs calls; one that fails with a `PosixError` is as good as one that does not. */
export function runAll(mount: Mount, operations: readonly Operation[]): void {
  for (const { run } of operations) {
    try {
      run(mount);
    } catch (error) {
      if (!(error instanceof PosixError)) throw error;
    }
  }
}

/** A clock that goes on by a little more than a second at each look, so that times tell calls apart. */
export function tickingClock(): () => bigint {
  let now = 1_800_000_000_000_000_000n;
  return () => {
    now += 1_100_000_000n;
    return now;
  };
}
