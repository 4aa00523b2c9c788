/**
 * Two filesystems that begin alike: a temporary directory, and a mount that has the same directory at
 * the same path, made for a caller with the process's own ids. So a call has the same arguments in
 * both, and its result, its error and the tree afterwards can be compared as they are.
 */
import * as nodeFs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { emptyTree } from "../../src/tree/empty.ts";
import { createMount, type Mount } from "../../src/union/mount.ts";
import { createFs, type NodeFs } from "../../src/vfs/node-fs.ts";

export type Fs = typeof nodeFs;

/** A directory to act in, on one of the two filesystems. */
export interface Ground {
  readonly fs: Fs;
  readonly root: string;
  /** The path of a name in it. */
  at(name: string): string;
  /** An open descriptor, closed when the ground is left. */
  fd(name: string, flags?: string | number): number;
  /** Closes what was opened. */
  leave(): void;
}

export function newMount(): Mount {
  const root = { kind: "directory", mode: 0o755, uid: 0, gid: 0, mtime: 0n, xattrs: new Map() } as const;
  return createMount(emptyTree(root));
}

/** An empty mount's face, for root. */
export function newFs(): NodeFs {
  return createFs(newMount());
}

function groundOn(fs: Fs, root: string, fds: number[]): Ground {
  return {
    fs,
    root,
    at: (name) => join(root, name),
    fd(name, flags = "r") {
      const fd = fs.openSync(join(root, name), flags);
      fds.push(fd);
      return fd;
    },
    leave() {
      for (const fd of fds.splice(0)) {
        try {
          fs.closeSync(fd);
        } catch {
          // What was tested may have closed it.
        }
      }
    },
  };
}

/** The caller that this process is. */
export function ownCaller() {
  return {
    uid: process.getuid!(),
    gid: process.getgid!(),
    groups: process.getgroups!(),
    umask: process.umask(),
    cwd: process.cwd(),
  };
}

let serial = 0;

/** The two grounds, with the same entries made by the same calls. */
export function grounds(fill: (ground: Ground) => void): { real: Ground; ours: Ground; end(): void } {
  serial += 1;
  const root = join(tmpdir(), `stratafs-${process.pid}-${serial}`);
  nodeFs.mkdirSync(root);
  const mount = newMount();
  const fs = createFs(mount);
  fs.mkdirSync(root, { recursive: true });
  fs.chownSync(root, process.getuid!(), process.getgid!());
  fs.mkdirSync(process.cwd(), { recursive: true });
  const real = groundOn(nodeFs, root, []);
  const ours = groundOn(createFs(mount.as(ownCaller())), root, []);
  fill(real);
  fill(ours);
  return {
    real,
    ours,
    end() {
      real.leave();
      ours.leave();
      unlock(root);
      nodeFs.rmSync(root, { recursive: true, force: true });
    },
  };
}

/** Lets everything below be removed, whatever mode it was given. */
function unlock(path: string): void {
  if (nodeFs.lstatSync(path, { throwIfNoEntry: false })?.isDirectory() !== true) return;
  nodeFs.chmodSync(path, 0o700);
  for (const name of nodeFs.readdirSync(path)) unlock(join(path, name));
}

const LONG_AGO = 1_000_000_000;

/** The tree that most calls are tried on: every kind of thing that they treat differently. */
export function fill({ fs, at, root }: Ground): void {
  fs.mkdirSync(at("d/e"), { recursive: true });
  fs.mkdirSync(at("void"));
  fs.writeFileSync(at("f"), "hello world\n");
  fs.writeFileSync(at("empty"), "");
  fs.writeFileSync(at("x"), "#!/bin/sh\n", { mode: 0o755 });
  fs.writeFileSync(at("d/f"), "inner");
  fs.writeFileSync(at("d/e/g"), "deep");
  fs.writeFileSync(at("ü ñ"), "unicode ✓ \u{1f600}");
  fs.linkSync(at("f"), at("hard"));
  fs.symlinkSync("f", at("l"));
  fs.symlinkSync("d", at("ld"));
  fs.symlinkSync("nowhere", at("dangling"));
  fs.symlinkSync("loop", at("loop"));
  fs.symlinkSync(at("d/e"), at("absolute"));
  fs.chmodSync(at("d"), 0o750);
  for (const name of ["f", "empty", "x", "d/f", "d/e/g", "d/e", "d", "void"])
    fs.utimesSync(at(name), LONG_AGO, LONG_AGO);
  fs.lutimesSync(at("l"), LONG_AGO, LONG_AGO);
  fs.utimesSync(root, LONG_AGO, LONG_AGO);
}

/** Whether the filesystem below counts the subdirectories of a directory as its links: not all do. */
const COUNTS_DIRECTORIES = nodeFs.statSync(tmpdir()).nlink >= 2;

/** A tree as a list of lines, sorted by name. Times only where they were set. */
export function treeOf(fs: Fs, root: string): string[] {
  const lines: string[] = [];
  const visit = (path: string, name: string) => {
    try {
      look(path, name);
    } catch (error) {
      // What the caller may not look into, or took away.
      lines.push(`${name} ${(error as NodeJS.ErrnoException).code}`);
    }
  };
  const look = (path: string, name: string) => {
    const stat = fs.lstatSync(path);
    const mode = stat.mode.toString(8);
    const when = stat.mtimeMs < 1.7e12 ? ` @${stat.mtimeMs}` : "";
    if (stat.isSymbolicLink()) lines.push(`${name} ${mode} -> ${fs.readlinkSync(path)}${when}`);
    else if (stat.isDirectory()) {
      lines.push(`${name}/ ${mode} ${COUNTS_DIRECTORIES ? stat.nlink : "-"}${when}`);
      for (const inner of fs.readdirSync(path).sort()) visit(join(path, inner), `${name}/${inner}`);
    } else {
      const owner = `${stat.uid}:${stat.gid}`;
      lines.push(
        `${name} ${mode} ${stat.nlink} ${owner} ${JSON.stringify(fs.readFileSync(path, "latin1"))}${when}`,
      );
    }
  };
  visit(root, "");
  return lines;
}

const KINDS = [
  "isFile",
  "isDirectory",
  "isSymbolicLink",
  "isFIFO",
  "isSocket",
  "isBlockDevice",
  "isCharacterDevice",
] as const;

type Kinds = { readonly [method in (typeof KINDS)[number]]: () => boolean };

function isKinds(value: object): value is Kinds {
  return "isSymbolicLink" in value;
}

/** A result with what no two filesystems share taken out: inode numbers, sizes of directories, the clock. */
export function comparable(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(comparable);
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value === "function") return `function ${value.name}`;
  if (typeof value !== "object" || value === null) return value;
  if (ArrayBuffer.isView(value)) {
    const { buffer, byteOffset, byteLength } = value;
    return `${value.constructor.name} ${Buffer.from(buffer, byteOffset, byteLength).toString("latin1")}`;
  }
  if (value instanceof Error) return comparableError(value);
  if (isKinds(value)) {
    const kind = KINDS.filter((method) => value[method]());
    return "nlink" in value ? comparableStats(value as unknown as nodeFs.Stats, kind) : { ...value, kind };
  }
  if ("bfree" in value)
    return { statfs: Object.entries(value).map(([name, field]) => `${name} ${typeof field}`) };
  if (value.constructor !== Object && value.constructor !== undefined) return value.constructor.name;
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, comparable(field)]));
}

function comparableStats(stats: nodeFs.Stats, kind: readonly string[]) {
  const { mode, nlink, uid, gid, rdev, size } = stats;
  const isBig = typeof mode === "bigint";
  const isDirectory = kind[0] === "isDirectory";
  const fields = Object.entries(stats)
    .filter(
      ([name, field]) => name.includes("time") && Number(field) < (name.endsWith("Ns") ? 1.7e18 : 1.7e12),
    )
    .map(([name, field]) => `${name} ${typeof field === "object" ? (field as Date).getTime() : field}`)
    // Creation cannot be set and is not kept by every filesystem; reading moves the access time of some.
    .filter((field) => !/^(birth|a)time/.test(field));
  return {
    kind,
    names: Object.keys(stats),
    of: stats.constructor.name,
    isBig,
    common: [mode, isDirectory && !COUNTS_DIRECTORIES ? "-" : nlink, uid, gid, rdev].map(String),
    size: isDirectory ? "any" : String(size),
    fields,
  };
}

export interface ComparableError {
  readonly name: string;
  readonly code: unknown;
  readonly errno: unknown;
  readonly syscall: unknown;
  readonly path: unknown;
  readonly dest: unknown;
  readonly message: string;
}

function comparableError(error: Error): ComparableError {
  const { code, errno, syscall, path, dest } = error as NodeJS.ErrnoException & { dest?: unknown };
  // The two give out descriptors of their own.
  const message = error.message.replace(/(Received type number) \(\d+\)$/, "$1");
  return { name: error.name, code, errno, syscall, path: comparable(path), dest, message };
}
