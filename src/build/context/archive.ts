/**
 * A tar archive as a build's context: plain, or compressed with gzip or zstd, told by its content.
 *
 * Names are relative to the context whatever they look like: a leading `/` does not count, and `..` leads
 * nowhere above. Of several entries of one name the last one counts, but a directory keeps what is in it.
 * Directories without an entry are 0755 of 0:0; everything is owned by 0:0, unless owners are to be kept. A whiteout's name is a file's name
 * here like any other.
 */
import { platform } from "#platform";
import type { ByteStream, RandomAccess } from "../../platform/types.ts";
import { joinPath, parentPath } from "../../posix/path.ts";
import { decompress } from "../../tar/decompress.ts";
import { ArchiveError, type Entry } from "../../tar/entry.ts";
import { TarReader } from "../../tar/reader.ts";
import { type Content, EMPTY_CONTENT, SliceContent, SparseContent } from "../../tree/content.ts";
import { type Inode, NO_XATTRS } from "../../tree/inode.ts";
import { absolutePath } from "../files/path.ts";
import { ContextError } from "./errors.ts";
import { type FileView, inByteOrder, type ViewEntry } from "./view.ts";

/** Takes the uncompressed archive, and gives it back to be read at any position. */
export interface ArchiveStorage {
  write(chunk: Uint8Array): void | Promise<void>;
  /** Called once, when all is written. */
  open(): RandomAccess | Promise<RandomAccess>;
}

export interface ArchiveContext extends FileView {
  /** sha256 of the uncompressed archive, in hex. */
  readonly digest: string;
  close(): void;
}

export interface ArchiveContextOptions {
  /** Whether files belong to whom the archive says, as they do for ADD. */
  readonly keepOwners?: boolean;
}

const IMPLIED = { kind: "directory", mode: 0o755, uid: 0, gid: 0, mtime: 0n, xattrs: NO_XATTRS } as const;

interface Node {
  entry: { inode: Inode; identity?: string; implied?: boolean };
  readonly children: Map<string, Node>;
}

class ArchiveTree implements FileView {
  readonly #root: Node = { entry: { inode: IMPLIED }, children: new Map() };
  readonly #archive: RandomAccess;
  readonly #keepOwners: boolean;

  constructor(archive: RandomAccess, keepOwners: boolean) {
    this.#archive = archive;
    this.#keepOwners = keepOwners;
  }

  entry(path: string): ViewEntry | undefined {
    return this.#find(path)?.entry;
  }

  list(path: string): readonly string[] {
    return inByteOrder(this.#find(path)?.children.keys() ?? []);
  }

  add(entry: Entry): void {
    const path = absolutePath(entry.name);
    if (entry.type === "hardlink") {
      this.#link(path, absolutePath(entry.target), entry);
      return;
    }
    const inode = this.#inode(entry);
    if (path === "/") {
      if (inode.kind === "directory") this.#root.entry = { inode };
      return;
    }
    this.#put(path, { inode });
  }

  #find(path: string): Node | undefined {
    let node: Node | undefined = this.#root;
    for (const name of path.split("/")) if (name !== "") node = node?.children.get(name);
    return node;
  }

  /** The directory of a path; what stands in its way is replaced. */
  #directory(path: string): Node {
    let node = this.#root;
    let at = "/";
    for (const name of path.split("/")) {
      if (name === "") continue;
      at = joinPath(at, name);
      let next = node.children.get(name);
      if (next?.entry.inode.kind !== "directory") {
        next = { entry: { inode: IMPLIED, implied: true }, children: new Map() };
        node.children.set(name, next);
      }
      node = next;
    }
    return node;
  }

  #put(path: string, entry: Node["entry"]): void {
    const { children } = this.#directory(parentPath(path));
    const name = path.slice(path.lastIndexOf("/") + 1);
    const before = children.get(name);
    const isDirectory = entry.inode.kind === "directory";
    children.set(name, { entry, children: (isDirectory && before?.children) || new Map() });
  }

  #link(path: string, target: string, entry: Entry): void {
    const found = this.#find(target);
    if (found === undefined || found.entry.inode.kind === "directory" || path === target) {
      throw new ArchiveError("link", `hardlink to ${target}, which is no file of the context`, {
        entry: entry.name,
        offset: entry.offset,
      });
    }
    found.entry.identity ??= target;
    this.#put(path, found.entry);
  }

  #inode(entry: Exclude<Entry, { type: "hardlink" }>): Inode {
    const { mode, mtime, xattrs } = entry;
    const { uid, gid } = this.#keepOwners ? entry : { uid: 0, gid: 0 };
    const attributes = { mode, uid, gid, mtime, xattrs };
    switch (entry.type) {
      case "file":
        return { ...attributes, kind: "file", content: this.#content(entry) };
      case "symlink":
        return { ...attributes, kind: "symlink", target: entry.target };
      case "char":
      case "block":
        return { ...attributes, kind: entry.type, rdev: entry.rdev };
      default:
        return { ...attributes, kind: entry.type };
    }
  }

  #content({ size, start, extents }: Extract<Entry, { type: "file" }>): Content {
    if (size === 0) return EMPTY_CONTENT;
    return extents === undefined
      ? new SliceContent(this.#archive, start, size)
      : new SparseContent(this.#archive, start, size, extents);
  }
}

/**
 * Reads an archive to its end as a context.
 * @param storage owns the bytes; it is the caller's to drop, also after an error
 * @throws ContextError that says what is wrong with the archive; what the stream and the storage throw
 */
export async function archiveContext(
  archive: ByteStream,
  storage: ArchiveStorage,
  what: string,
  options: ArchiveContextOptions = {},
): Promise<ArchiveContext> {
  const hasher = platform.createHash("sha256");
  const entries: Entry[] = [];
  const reader = new TarReader((entry) => entries.push(entry));
  try {
    for await (const chunk of (await decompress(archive)).stream) {
      hasher.update(chunk);
      reader.push(chunk);
      await storage.write(chunk);
    }
    reader.end();
    const access = await storage.open();
    const tree = new ArchiveTree(access, options.keepOwners ?? false);
    for (const entry of entries) tree.add(entry);
    return {
      digest: hasher.hex(),
      entry: (path) => tree.entry(path),
      list: (path) => tree.list(path),
      close: () => access.close(),
    };
  } catch (error) {
    if (!(error instanceof ArchiveError)) throw error;
    const reason = error.message.replace(/^layer is /, "it is ").replace(/ \(rule \d+\)/, "");
    throw new ContextError(`${what} is no context that can be read: ${reason}`, error);
  }
}
