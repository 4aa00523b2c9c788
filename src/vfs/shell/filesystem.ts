/**
 * A mount as the `IFileSystem` of just-bash: the part that the interpreter and its commands share.
 *
 * It has no synchronous methods, or just-bash would write stubs of its commands into the tree. Paths are
 * shell text, content crosses as {@link Coding} says. Errors are the engine's, whose messages begin with
 * the code, which is what just-bash's commands look for.
 */
import type { FsStat, IFileSystem } from "just-bash";
import { check, errno } from "../../posix/errno.ts";
import { kindOf, makeDevice, S_IFCHR } from "../../posix/mode.ts";
import { toMilliseconds } from "../../posix/time.ts";
import type { Mount } from "../../union/mount.ts";
import type { Stat } from "../../union/types.ts";
import { nativeRealpath } from "../node-fs/realpath.ts";
import { removeTree } from "../node-fs/remove.ts";
import { copyFile } from "./copy.ts";
import { deviceAt, type Streams } from "./devices.ts";
import {
  bytesFromLatin1,
  bytesFromPipe,
  bytesFromText,
  latin1FromBytes,
  nameFromText,
  pipeFromBytes,
  textFromBytes,
  textFromName,
} from "./text.ts";

/**
 * What a reader of this filesystem takes content for: `text` is shell text, in which every byte has a
 * character of its own; `bytes` are the bytes themselves, for commands that count or transform them.
 */
export type Coding = "text" | "bytes";

export interface View {
  /** As the process that asks: its caller, directory and umask now. */
  readonly mount: () => Mount;
  readonly coding: Coding;
  readonly streams: Streams;
}

type Content = string | Uint8Array;
type Encoding = Parameters<IFileSystem["writeFile"]>[2];

/** A path that may be relative, in a directory; `..` is left to the filesystem, which knows of links. */
export function joinTo(base: string, path: string): string {
  if (path.startsWith("/")) return path;
  if (path === "" || path === ".") return base;
  return base === "/" ? `/${path}` : `${base}/${path}`;
}

/** What `stat` tells just-bash of a file. */
export function statOf(stat: Stat, mode = stat.mode): FsStat {
  const kind = kindOf(stat.mode);
  return {
    isFile: kind === "file",
    isDirectory: kind === "directory",
    isSymbolicLink: kind === "symlink",
    mode: mode & 0o7777,
    size: stat.size,
    mtime: new Date(toMilliseconds(stat.mtime)),
    dev: stat.dev,
    ino: stat.ino,
  };
}

function deviceStat(number: readonly [number, number] | undefined): FsStat {
  const mode = S_IFCHR | 0o666;
  const ino = number === undefined ? 0 : makeDevice(...number);
  return {
    isFile: false,
    isDirectory: false,
    isSymbolicLink: false,
    mode: mode & 0o7777,
    size: 0,
    mtime: new Date(0),
    dev: 0,
    ino,
  };
}

export function shellFilesystem(view: View): IFileSystem {
  const { coding, streams } = view;

  function read(path: string): Uint8Array {
    const name = nameFromText(path);
    const device = deviceAt(name);
    return device === undefined ? view.mount().readFile(name) : device.read(streams);
  }

  function bytesOf(content: Content, options: Encoding): Uint8Array {
    const encoding = typeof options === "string" ? options : options?.encoding;
    if (typeof content !== "string")
      return coding === "bytes" ? content : bytesFromPipe(latin1FromBytes(content));
    if (encoding !== "binary" && encoding !== "latin1") return bytesFromText(content);
    // What goes as bytes is single characters, or text that the interpreter did not need to encode.
    for (let i = 0; i < content.length; i++) if (content.charCodeAt(i) > 0xff) return bytesFromText(content);
    return coding === "bytes" ? bytesFromLatin1(content) : bytesFromPipe(content);
  }

  function write(path: string, content: Content, options: Encoding, append: boolean): void {
    const name = nameFromText(path);
    const bytes = bytesOf(content, options);
    const device = deviceAt(name);
    if (device !== undefined) device.write(bytes, streams);
    else if (append) view.mount().appendFile(name, bytes);
    else view.mount().writeFile(name, bytes);
  }

  const stat = (path: string, follow: boolean): FsStat => {
    const name = nameFromText(path);
    const device = deviceAt(name);
    const mount = view.mount();
    if (device !== undefined && !mount.exists(name)) return deviceStat(device.number);
    return statOf(follow ? mount.stat(name) : mount.lstat(name));
  };

  return {
    readFile: async (path, options) => {
      const bytes = read(path);
      const encoding = typeof options === "string" ? options : options?.encoding;
      return encoding === "binary" || encoding === "latin1" ? latin1FromBytes(bytes) : textFromBytes(bytes);
    },
    readFileBytes: async (path) => {
      const bytes = read(path);
      const piped = coding === "bytes" ? latin1FromBytes(bytes) : pipeFromBytes(bytes);
      return piped as unknown as Awaited<ReturnType<NonNullable<IFileSystem["readFileBytes"]>>>;
    },
    readFileBuffer: async (path) => {
      const bytes = read(path);
      return coding === "bytes" ? bytes : bytesFromLatin1(pipeFromBytes(bytes));
    },
    writeFile: async (path, content, options) => write(path, content, options, false),
    appendFile: async (path, content, options) => write(path, content, options, true),
    exists: async (path) => {
      const name = nameFromText(path);
      return deviceAt(name) !== undefined || view.mount().exists(name);
    },
    stat: async (path) => stat(path, true),
    lstat: async (path) => stat(path, false),
    mkdir: async (path, options) => {
      const name = nameFromText(path);
      if (options?.recursive !== true) return view.mount().mkdir(name);
      makeParents(view.mount(), name);
    },
    readdir: async (path) =>
      view
        .mount()
        .readdir(nameFromText(path))
        .map((entry) => textFromName(entry.name))
        .sort(),
    readdirWithFileTypes: async (path) =>
      view
        .mount()
        .readdir(nameFromText(path))
        .map(({ name, kind }) => ({
          name: textFromName(name),
          isFile: kind === "file",
          isDirectory: kind === "directory",
          isSymbolicLink: kind === "symlink",
        })),
    rm: async (path, options) => {
      const name = nameFromText(path);
      // The interpreter takes away what it put there.
      if (deviceAt(name) !== undefined && !view.mount().exists(name)) return;
      const mount = view.mount();
      try {
        const isDirectory = kindOf(mount.lstat(name).mode) === "directory";
        if (!isDirectory) mount.unlink(name);
        else if (options?.recursive === true) removeTree(mount, name);
        else mount.rmdir(name);
      } catch (error) {
        if (options?.force !== true || !isMissing(error)) throw error;
      }
    },
    cp: async (from, to) => copyFile(view.mount(), nameFromText(from), nameFromText(to)),
    mv: async (from, to) => view.mount().rename(nameFromText(from), nameFromText(to)),
    resolvePath: (base, path) => joinTo(base, path),
    getAllPaths: () => [],
    chmod: async (path, mode) => view.mount().chmod(nameFromText(path), mode),
    symlink: async (target, path) => view.mount().symlink(nameFromText(target), nameFromText(path)),
    link: async (from, to) => view.mount().link(nameFromText(from), nameFromText(to)),
    readlink: async (path) => textFromName(view.mount().readlink(nameFromText(path))),
    realpath: async (path) => textFromName(nativeRealpath(view.mount(), nameFromText(path))),
    utimes: async (path, atime, mtime) =>
      view
        .mount()
        .utimens(
          nameFromText(path),
          BigInt(atime.getTime()) * 1_000_000n,
          BigInt(mtime.getTime()) * 1_000_000n,
        ),
  };
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}

/** mkdir -p. @throws PosixError where something on the way is no directory */
export function makeParents(mount: Mount, path: string, made: (path: string) => void = () => {}): void {
  let end = 0;
  do {
    end = path.indexOf("/", end + 1);
    const part = end < 0 ? path : path.slice(0, end);
    if (part === "" || part === "/") continue;
    try {
      mount.mkdir(part);
      made(part);
    } catch (error) {
      if (!mount.exists(part)) throw error;
      if (kindOf(mount.stat(part).mode) !== "directory")
        check(end < 0 ? -errno.EEXIST : -errno.ENOTDIR, "mkdir", path);
    }
  } while (end >= 0);
}
