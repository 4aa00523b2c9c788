/**
 * A union as a {@link Filesystem}. With an empty tree beneath it is a tmpfs.
 */
import { errno } from "../posix/errno.ts";
import { type Kind, typeBits } from "../posix/mode.ts";
import { nameLength } from "../posix/names.ts";
import { type Content, EMPTY_CONTENT } from "../tree/content.ts";
import type { Inode, Xattrs } from "../tree/inode.ts";
import { adopt, allocate, copyRange, truncate, write } from "./data.ts";
import type {
  Access,
  AttributeEdit,
  DirectoryEntry,
  Filesystem,
  NewInode,
  RenameMode,
  Totals,
} from "./filesystem.ts";
import type { InodeId, UpperInode } from "./inodes.ts";
import { link, make, rename, rmdir, unlink } from "./names.ts";
import { PageMap } from "./page-map.ts";
import { PAGE_SIZE } from "./page-slots.ts";
import type { Stat } from "./types.ts";
import type { Union, Usage } from "./union.ts";
import { NO_INODE, type View } from "./view.ts";

/** What a directory's `st_size` says, whatever it holds. */
const DIRECTORY_SIZE = 4096;
/** What `statfs` tells of a union without limits: the kernel's answer for an unlimited tmpfs is zero; programs that check for free space need more. */
const UNLIMITED = 2 ** 40;

let lastDevice = 0;

/** A number for `st_dev` that no other filesystem of this process has. */
export function newDevice(): number {
  lastDevice += 1;
  return lastDevice;
}

export class UnionFilesystem implements Filesystem {
  readonly device: number = newDevice();
  readonly readOnly: boolean;
  readonly union: Union;
  /** Content of lower files that are open, so that reading needs no new object a call. */
  readonly #contents = new Map<InodeId, Content>();

  constructor(union: Union, readOnly: boolean) {
    this.union = union;
    this.readOnly = readOnly;
  }

  get root(): InodeId {
    return this.union.view.root;
  }

  lookup(directory: InodeId, name: string): number {
    const id = this.union.view.lookup(directory, name);
    return id === NO_INODE ? -errno.ENOENT : id;
  }

  parent(directory: InodeId): InodeId {
    return this.union.view.parent(directory);
  }

  list(directory: InodeId): DirectoryEntry[] {
    const { view } = this.union;
    return view.list(directory).map(({ name, id }) => ({ name, id, kind: view.kind(id) }));
  }

  isEmpty(directory: InodeId): boolean {
    return this.union.view.isEmpty(directory);
  }

  isAttached(directory: InodeId): boolean {
    return this.union.view.names(directory) > 0 || directory === this.root;
  }

  kind(id: InodeId): Kind {
    return this.union.view.kind(id);
  }

  number(id: InodeId): number {
    return this.union.view.number(id);
  }

  access(id: InodeId): Access {
    return this.union.view.upper(id) ?? this.union.view.tree.permissions(id);
  }

  stat(id: InodeId): Stat {
    const { view } = this.union;
    const upper = view.upper(id);
    const inode = upper ?? view.tree.inode(id);
    const size = sizeOf(inode);
    return {
      dev: this.device,
      ino: view.number(id),
      mode: typeBits(inode.kind) | inode.mode,
      nlink: inode.kind === "directory" ? this.#directoryLinks(id) : view.names(id),
      uid: inode.uid,
      gid: inode.gid,
      rdev: inode.kind === "char" || inode.kind === "block" ? inode.rdev : 0,
      size,
      blksize: PAGE_SIZE,
      blocks: blocksOf(inode, size),
      atime: upper?.atime ?? inode.mtime,
      mtime: inode.mtime,
      ctime: upper?.ctime ?? inode.mtime,
      birthtime: upper?.birthtime ?? inode.mtime,
    };
  }

  #directoryLinks(id: InodeId): number {
    return this.isAttached(id) ? 2 + this.union.view.subdirectories(id) : 0;
  }

  totals(): Totals {
    const { limits, usage } = this.union;
    const blocks = Math.floor((limits.bytes ?? UNLIMITED) / PAGE_SIZE);
    const files = limits.inodes ?? UNLIMITED / PAGE_SIZE;
    return {
      blockSize: PAGE_SIZE,
      blocks,
      freeBlocks: Math.max(0, blocks - usage.pages),
      files,
      freeFiles: Math.max(0, files - usage.inodes),
    };
  }

  readlink(id: InodeId): string {
    const inode = this.union.view.upper(id) ?? this.union.view.tree.inode(id);
    return inode.kind === "symlink" ? inode.target : "";
  }

  make(directory: InodeId, name: string, inode: NewInode): number {
    return this.#named("create", make(this.union, directory, name, inode), directory, name);
  }

  makeAnonymous(inode: NewInode): number {
    const full = this.union.inodeBudget();
    if (full < 0) return full;
    const id = this.union.create(inode);
    this.union.retain(id);
    return id;
  }

  link(id: InodeId, directory: InodeId, name: string): number {
    const done = link(this.union, id, directory, name);
    this.#named("link", done < 0 ? done : id, directory, name);
    return done;
  }

  unlink(directory: InodeId, name: string): number {
    return this.#removed(unlink, directory, name);
  }

  rmdir(directory: InodeId, name: string): number {
    return this.#removed(rmdir, directory, name);
  }

  rename(from: InodeId, name: string, to: InodeId, newName: string, mode: RenameMode): number {
    const done = rename(this.union, from, name, to, newName, mode);
    if (done === 0 && this.union.events.wanted) {
      const { view, events } = this.union;
      events.emit({
        kind: "rename",
        ino: view.number(view.lookup(to, newName)),
        directory: view.number(to),
        name: newName,
        fromDirectory: view.number(from),
        fromName: name,
      });
    }
    return done;
  }

  /** Tells of a name that now leads to `id`, which may be an error. */
  #named(kind: "create" | "link", id: number, directory: InodeId, name: string): number {
    if (id >= 0 && this.union.events.wanted) {
      const { view, events } = this.union;
      events.emit({ kind, ino: view.number(id), directory: view.number(directory), name });
    }
    return id;
  }

  #removed(remove: typeof unlink, directory: InodeId, name: string): number {
    const { view, events } = this.union;
    if (!events.wanted) return remove(this.union, directory, name);
    const id = view.lookup(directory, name);
    const done = remove(this.union, directory, name);
    if (done === 0)
      events.emit({ kind: "remove", ino: view.number(id), directory: view.number(directory), name });
    return done;
  }

  /** Tells of a change to an inode, where `done` is no error. */
  #changed(kind: "content" | "attributes", id: InodeId, done: number): number {
    if (done >= 0 && this.union.events.wanted)
      this.union.events.emit({ kind, ino: this.union.view.number(id) });
    return done;
  }

  setAttributes(id: InodeId, edit: AttributeEdit): number {
    const now = this.union.clock();
    const inode = this.union.writable(id);
    if (edit.mode !== undefined) inode.mode = edit.mode;
    if (edit.uid !== undefined) inode.uid = edit.uid;
    if (edit.gid !== undefined) inode.gid = edit.gid;
    if (edit.atime !== undefined) inode.atime = edit.atime;
    if (edit.mtime !== undefined) inode.mtime = edit.mtime;
    inode.ctime = now;
    return this.#changed("attributes", id, 0);
  }

  #xattrs(id: InodeId): Xattrs {
    return (this.union.view.upper(id) ?? this.union.view.tree.inode(id)).xattrs;
  }

  getXattr(id: InodeId, name: string): Uint8Array | undefined {
    return this.#xattrs(id).get(name);
  }

  listXattrs(id: InodeId): string[] {
    return [...this.#xattrs(id).keys()];
  }

  setXattr(id: InodeId, name: string, value: Uint8Array): number {
    const inode = this.union.writable(id);
    inode.xattrs = new Map(inode.xattrs).set(name, value.slice());
    inode.ctime = this.union.clock();
    return this.#changed("attributes", id, 0);
  }

  removeXattr(id: InodeId, name: string): number {
    if (!this.#xattrs(id).has(name)) return -errno.ENODATA;
    const inode = this.union.writable(id);
    const rest = new Map(inode.xattrs);
    rest.delete(name);
    inode.xattrs = rest;
    inode.ctime = this.union.clock();
    return this.#changed("attributes", id, 0);
  }

  open(id: InodeId, forWriting: boolean): number {
    if (forWriting) this.union.writable(id);
    this.union.retain(id);
    return 0;
  }

  close(id: InodeId): void {
    this.#contents.delete(id);
    this.union.release(id);
  }

  /** The bytes of a file as they are now. */
  content(id: InodeId): Content {
    const upper = this.union.view.upper(id);
    if (upper !== undefined) return upper.kind === "file" ? upper.content : EMPTY_CONTENT;
    const known = this.#contents.get(id);
    if (known !== undefined) return known;
    const lower = this.union.view.tree.inode(id);
    const content = lower.kind === "file" ? lower.content : EMPTY_CONTENT;
    if (this.union.isOpen(id)) this.#contents.set(id, content);
    return content;
  }

  size(id: InodeId): number {
    return this.content(id).size;
  }

  read(id: InodeId, target: Uint8Array, offset: number, length: number, position: number): number {
    return this.content(id).read(target, offset, length, position);
  }

  write(
    id: InodeId,
    source: Uint8Array,
    offset: number,
    length: number,
    position: number,
    dropped: number,
  ): number {
    return this.#changed("content", id, write(this.union, id, source, offset, length, position, dropped));
  }

  truncate(id: InodeId, size: number, dropped: number): number {
    return this.#changed("content", id, truncate(this.union, id, size, dropped));
  }

  allocate(
    id: InodeId,
    start: number,
    end: number,
    how: "reserve" | "punch" | "zero",
    keepSize: boolean,
    dropped: number,
  ): number {
    return this.#changed("content", id, allocate(this.union, id, start, end, how, keepSize, dropped));
  }

  copyRange(
    from: InodeId,
    fromPosition: number,
    to: InodeId,
    toPosition: number,
    length: number,
    dropped: number,
  ): number {
    const done = copyRange(this.union, from, fromPosition, to, toPosition, length, dropped);
    return this.#changed("content", to, done);
  }

  frozenContent(id: InodeId): Content {
    this.union.beginEpoch();
    return this.content(id);
  }

  adopt(id: InodeId, content: Content): number {
    return this.#changed("content", id, adopt(this.union, id, content));
  }

  seek(id: InodeId, position: number, whence: "data" | "hole"): number {
    const content = this.content(id);
    return whence === "data" ? content.nextData(position) : content.nextHole(position);
  }

  async prepare(id: InodeId, start: number, end: number): Promise<void> {
    await this.content(id).prepare?.(start, end);
  }

  /** Goes on from another moment of the same tree. */
  restore(view: View, usage: Usage): void {
    this.#contents.clear();
    this.union.restore(view, usage);
  }

  sync(): void {
    this.union.backing?.sync();
  }
}

function sizeOf(inode: Inode | UpperInode): number {
  switch (inode.kind) {
    case "file":
      return inode.content.size;
    case "directory":
      return DIRECTORY_SIZE;
    case "symlink":
      return nameLength(inode.target);
    default:
      return 0;
  }
}

function blocksOf(inode: Inode | UpperInode, size: number): number {
  if (inode.kind === "directory") return DIRECTORY_SIZE / 512;
  if (inode.kind !== "file") return 0;
  const { content } = inode;
  if (content instanceof PageMap) return content.blocks();
  let bytes = 0;
  for (let at = content.nextData(0); at < size; ) {
    const hole = content.nextHole(at);
    bytes += hole - at;
    at = content.nextData(hole);
  }
  return Math.ceil(bytes / 512);
}
