/**
 * `tar`: `-c`, `-x`, `-t`, through the codec of the layers, so that owners, times, hardlinks, devices, xattrs and
 * every byte of a name survive. Reads plain, gzip and zstd archives whatever the letter says; writes
 * plain and gzip ones.
 */

import { kindOf, modeString, PERMISSION_BITS } from "../../posix/mode.ts";
import { gzip } from "../../tar/compress.ts";
import { decompress } from "../../tar/decompress.ts";
import type { Entry } from "../../tar/entry.ts";
import { TarReader } from "../../tar/reader.ts";
import { type ArchiveRecord, ComposedArchive } from "../../tar/write.ts";
import { BufferContent } from "../../tree/content.ts";
import { NO_XATTRS, type Xattrs } from "../../tree/inode.ts";
import type { Mount } from "../../union/mount.ts";
import type { Stat } from "../../union/types.ts";
import { removeTree } from "../node-fs/remove.ts";
import { makeParents } from "../shell/filesystem.ts";
import { CommandError, type Process } from "../shell/process.ts";
import { reasonOf } from "../shell/strerror.ts";
import { fullTime } from "./dates.ts";
import { globExpression } from "./glob-words.ts";
import { type Options, parseOptions } from "./options.ts";
import { absolute } from "./relative.ts";
import { isDirectory, maybeLstat, walkTree } from "./walk.ts";

const LETTERS = "cxtf:zjJaC:vpkmOPhX:T:=:!:?+:@%^;~";
const LONG = {
  create: "c",
  extract: "x",
  get: "x",
  list: "t",
  file: "f",
  gzip: "z",
  gunzip: "z",
  bzip2: "j",
  xz: "J",
  "auto-compress": "a",
  directory: "C",
  verbose: "v",
  "preserve-permissions": "p",
  "same-permissions": "p",
  "keep-old-files": "k",
  touch: "m",
  "to-stdout": "O",
  "absolute-names": "P",
  "files-from": "T",
  "exclude-from": "X",
  "strip-components": "=",
  exclude: "!",
  "no-same-owner": "?",
  owner: "+",
  "numeric-owner": "@",
  xattrs: "%",
  "same-owner": "^",
  "no-same-permissions": ";",
  zstd: "~",
};

export async function tar(process: Process): Promise<number> {
  const [first = "", ...rest] = process.args;
  // The old style: letters without a dash, their values after them.
  const old = /^[a-zA-Z]+$/.test(first) && /[cxt]/.test(first);
  const options = parseOptions(old ? oldStyle(first, rest) : process.args, LETTERS, LONG);
  if (options.has("j") || options.has("J"))
    throw new CommandError("bzip2 and xz need real processes; gzip and zstd are read", 2);
  const modes = ["c", "x", "t"].filter(options.has);
  if (modes.length !== 1) throw new CommandError("You must specify one of the '-ctx' options", 2);
  if (modes[0] === "c") return create(process, options);
  const archive = await read(process, options);
  return modes[0] === "t" ? list(process, options, archive) : extract(process, options, archive);
}

function oldStyle(letters: string, rest: readonly string[]): string[] {
  const words = [...rest];
  const given: string[] = [];
  for (const letter of letters) {
    given.push(`-${letter}`);
    if (LETTERS[LETTERS.indexOf(letter) + 1] === ":") given.push(words.shift() ?? "");
  }
  return [...given, ...words];
}

interface Archive {
  readonly bytes: Uint8Array;
  readonly entries: readonly Entry[];
}

async function collect(stream: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of stream) {
    parts.push(chunk.slice());
    length += chunk.length;
  }
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

async function read(process: Process, options: Options): Promise<Archive> {
  const file = options.value("f") ?? "-";
  let stored: Uint8Array;
  try {
    stored = file === "-" ? process.stdin() : process.readFile(file);
  } catch (error) {
    throw new CommandError(`${file}: Cannot open: ${reasonOf(error)}`, 2);
  }
  const entries: Entry[] = [];
  const reader = new TarReader((entry) => entries.push(entry));
  try {
    const { stream } = await decompress(one(stored));
    const bytes = await collect(stream);
    reader.push(bytes);
    reader.end();
    return { bytes, entries };
  } catch (error) {
    throw new CommandError(error instanceof Error ? error.message : String(error), 2);
  }
}

async function* one(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

/** Whether a member is asked for: itself, or something above it. */
function wanted(options: Options): (name: string) => boolean {
  const members = options.operands.map((name) => name.replace(/\/+$/, ""));
  const excluded = options.values("!").map((pattern) => globExpression(pattern, false, true));
  return (name) => {
    const clean = name.replace(/\/+$/, "");
    const parts = clean.split("/");
    if (
      excluded.some(
        (expression) =>
          expression.test(clean) ||
          parts.some((part, i) => expression.test(parts.slice(i).join("/")) || expression.test(part)),
      )
    )
      return false;
    return (
      members.length === 0 || members.some((member) => clean === member || clean.startsWith(`${member}/`))
    );
  };
}

function list(process: Process, options: Options, { entries }: Archive): number {
  const takes = wanted(options);
  for (const entry of entries) {
    if (!takes(entry.name)) continue;
    if (!options.has("v")) process.write(`${entry.name}\n`);
    else {
      const size = entry.type === "file" ? entry.size : 0;
      const owner = `${entry.uid}/${entry.gid}`;
      process.write(
        `${modeString(typeBitsOf(entry) | entry.mode)} ${owner} ${String(size).padStart(10)} ${fullTime(entry.mtime).slice(0, 16)} ${entry.name}\n`,
      );
    }
  }
  return 0;
}

const TYPE_BITS = {
  file: 0o100000,
  hardlink: 0o100000,
  directory: 0o040000,
  symlink: 0o120000,
  char: 0o020000,
  block: 0o060000,
  fifo: 0o010000,
} as const;

function typeBitsOf(entry: Entry): number {
  return TYPE_BITS[entry.type];
}

/** Where a member goes, or undefined where it is left out. Nothing leads out of the directory. */
function target(name: string, strip: number): string | undefined {
  const parts = name.split("/").filter((part) => part !== "" && part !== ".");
  if (parts.includes("..")) return undefined;
  const kept = parts.slice(strip);
  return kept.length === 0 ? undefined : kept.join("/");
}

function extract(process: Process, options: Options, { bytes, entries }: Archive): number {
  const directory = options.value("C");
  const mount =
    directory === undefined ? process.mount : process.mount.as({ cwd: absolute(process.cwd, directory) });
  if (directory !== undefined) process.mount.stat(directory);
  const takes = wanted(options);
  const strip = Number(options.value("=") ?? 0);
  const root = mount.caller.uid === 0;
  const owners = root && !options.has("?");
  const exact = root || options.has("p");
  const directories: [string, Entry][] = [];
  let status = 0;
  for (const entry of entries) {
    const path = target(entry.name, strip);
    if (!takes(entry.name) || path === undefined) continue;
    if (options.has("v")) process.write(`${entry.name}\n`);
    if (options.has("O")) {
      if (entry.type === "file") process.write(contentOf(entry, bytes));
      continue;
    }
    try {
      if (options.has("k") && maybeLstat(mount, path) !== undefined && entry.type !== "directory") continue;
      make(mount, path, entry, bytes, strip);
      if (entry.type === "directory") directories.push([path, entry]);
      else if (entry.type !== "hardlink") dress(mount, path, entry, owners, exact, !options.has("m"));
    } catch (error) {
      process.complain(
        `${entry.name}: ${error instanceof CommandError ? error.message : `Cannot open: ${reasonOf(error)}`}`,
      );
      status = 2;
    }
  }
  // Directories last: what is put into them changes their times, and may not be allowed by their modes.
  for (const [path, entry] of directories.reverse())
    dress(mount, path, entry, owners, exact, !options.has("m"));
  return status;
}

function contentOf(entry: Entry & { readonly type: "file" }, bytes: Uint8Array): Uint8Array {
  if (entry.extents === undefined) return bytes.subarray(entry.start, entry.start + entry.size);
  const whole = new Uint8Array(entry.size);
  let from = entry.start;
  for (const { offset, length } of entry.extents) {
    whole.set(bytes.subarray(from, from + length), offset);
    from += length;
  }
  return whole;
}

function make(mount: Mount, path: string, entry: Entry, bytes: Uint8Array, strip: number): void {
  const slash = path.lastIndexOf("/");
  if (slash > 0) makeParents(mount, path.slice(0, slash));
  const existing = maybeLstat(mount, path);
  if (entry.type === "directory") {
    if (existing !== undefined && !isDirectory(existing)) mount.unlink(path);
    if (existing === undefined || !isDirectory(existing)) mount.mkdir(path, 0o700);
    return;
  }
  if (existing !== undefined) isDirectory(existing) ? removeTree(mount, path) : mount.unlink(path);
  switch (entry.type) {
    case "file":
      mount.writeFile(path, contentOf(entry, bytes), 0o600);
      break;
    case "symlink":
      mount.symlink(entry.target, path);
      break;
    case "hardlink": {
      const to = target(entry.target, strip);
      if (to === undefined) throw new CommandError(`Cannot hard link to '${entry.target}'`);
      mount.link(to, path);
      break;
    }
    default:
      mount.mknod(path, entry.type, 0o600, entry.type === "fifo" ? 0 : entry.rdev);
  }
}

function dress(
  mount: Mount,
  path: string,
  entry: Entry,
  owners: boolean,
  exact: boolean,
  times: boolean,
): void {
  if (owners) mount.lchown(path, entry.uid, entry.gid);
  if (entry.type !== "symlink")
    mount.chmod(path, exact ? entry.mode : entry.mode & 0o777 & ~mount.caller.umask);
  if (owners) for (const [name, value] of entry.xattrs) mount.lsetxattr(path, name, value);
  if (times) mount.lutimens(path, "now", entry.mtime);
}

async function create(process: Process, options: Options): Promise<number> {
  const directory = options.value("C");
  const mount =
    directory === undefined ? process.mount : process.mount.as({ cwd: absolute(process.cwd, directory) });
  const listed = options.values("T").flatMap((path) =>
    new TextDecoder()
      .decode(path === "-" ? process.stdin() : process.readFile(path))
      .split("\n")
      .filter((line) => line !== ""),
  );
  const operands = [...options.operands, ...listed];
  if (operands.length === 0) throw new CommandError("Cowardly refusing to create an empty archive", 2);
  const file = options.value("f") ?? "-";
  const output = file === "-" ? undefined : maybeLstat(process.mount, file);
  const excluded = wanted({ ...options, operands: [] });
  const records: ArchiveRecord[] = [];
  const linked = new Map<string, string>();
  let status = 0;
  let stripped = false;
  for (const operand of operands) {
    try {
      walkTree(mount, operand, (path, stat) => {
        if (
          !excluded(path) ||
          kindOf(stat.mode) === "socket" ||
          (stat.ino === output?.ino && stat.dev === output.dev)
        )
          return;
        const name = options.has("P") ? path : path.replace(/^\/+/, "");
        if (name !== path) stripped = true;
        if (name !== "") records.push(recordOf(mount, path, name, stat, linked, options.has("%")));
      });
    } catch (error) {
      process.complain(`${operand}: Cannot stat: ${reasonOf(error)}`);
      status = 2;
    }
  }
  if (stripped) process.writeError("tar: Removing leading `/' from member names\n");
  if (options.has("v"))
    for (const { header } of records) process[file === "-" ? "writeError" : "write"](`${header.name}\n`);
  const archive = new ComposedArchive(records);
  const compressed = options.has("z") || (options.has("a") && /\.t?gz$/.test(file));
  const bytes = await collect(compressed ? gzip(archive.stream()) : archive.stream());
  if (file === "-") process.write(bytes);
  else process.mount.writeFile(file, bytes);
  return status;
}

function recordOf(
  mount: Mount,
  path: string,
  name: string,
  stat: Stat,
  linked: Map<string, string>,
  withXattrs: boolean,
): ArchiveRecord {
  const kind = kindOf(stat.mode)!;
  const xattrs: Xattrs = withXattrs
    ? new Map(mount.llistxattr(path).map((key) => [key, mount.lgetxattr(path, key)]))
    : NO_XATTRS;
  const common = {
    mode: stat.mode & PERMISSION_BITS,
    uid: stat.uid,
    gid: stat.gid,
    mtime: stat.mtime,
    xattrs,
  };
  const id = `${stat.dev}:${stat.ino}`;
  const first = kind === "directory" || stat.nlink < 2 ? undefined : linked.get(id);
  if (first !== undefined) return { header: { ...common, name, type: "hardlink", size: 0, target: first } };
  linked.set(id, name);
  if (kind === "directory")
    return {
      header: { ...common, name: name.endsWith("/") ? name : `${name}/`, type: "directory", size: 0 },
    };
  if (kind === "symlink")
    return { header: { ...common, name, type: "symlink", size: 0, target: mount.readlink(path) } };
  if (kind === "file") {
    const bytes = mount.readFile(path);
    return {
      header: { ...common, name, type: "file", size: bytes.length },
      content: new BufferContent(bytes),
    };
  }
  if (kind === "fifo") return { header: { ...common, name, type: "fifo", size: 0 } };
  return { header: { ...common, name, type: kind as "char" | "block", size: 0, rdev: stat.rdev } };
}
