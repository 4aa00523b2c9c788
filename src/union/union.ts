/**
 * The union: a lower tree that is never written, and an upper that takes every change.
 *
 * Ownership. The union owns its view; inodes and table pages in it may be changed in place only when
 * they carry the union's epoch. `snapshot()` gives the view away and begins a new epoch, so what was
 * given away never changes: forks, snapshots and the changes being read are independent of what the
 * union does next.
 *
 * Copy-up is an entry in the table of the inode's id. Directories above it are not touched: the
 * lower directory's name leads to the id, and the id to the copy.
 */
import { errno } from "../posix/errno.ts";
import type { Nanoseconds } from "../posix/time.ts";
import { NO_XATTRS } from "../tree/inode.ts";
import { Events } from "./events.ts";
import type { NewInode } from "./filesystem.ts";
import {
  cloneInode,
  copyUp,
  FIRST_NEW_ID,
  type InodeId,
  isLower,
  type UpperDirectory,
  type UpperFile,
  type UpperInode,
  WHITEOUT,
} from "./inodes.ts";
import { PageMap } from "./page-map.ts";
import { PAGE_SIZE } from "./page-slots.ts";
import { type Epoch, newEpoch } from "./table.ts";
import { NO_INODE, type View } from "./view.ts";

/** What an upper may hold at most. */
export interface Limits {
  /** Bytes of file data, in whole pages of 4 KiB. */
  readonly bytes?: number;
  /** Inodes made since the mount; copied-up ones do not count. */
  readonly inodes?: number;
}

/** What an upper holds. */
export interface Usage {
  /** Pages of file data. */
  readonly pages: number;
  /** Inodes made since the mount. */
  readonly inodes: number;
  /** Pages that are in memory; shared ones count for each file. */
  readonly resident: number;
}

const NO_USAGE: Usage = { pages: 0, inodes: 0, resident: 0 };

/**
 * Where an upper is kept besides memory. It may put other page maps with the same bytes into the
 * union's files at any call; ids and attributes stay.
 */
export interface Backing {
  /** How many pages may be in memory before some have to be moved out. */
  readonly residentPages: number;
  /** Moves all pages out of memory: 0, or a negated error number with nothing changed. */
  spill(): number;
  /**
   * Makes what was done so far last.
   * @throws PosixError with nothing changed
   */
  sync(): void;
}

/** The most names an inode can have, as on ext4. */
export const LINK_MAX = 65_000;

export class Union {
  view: View;
  epoch: Epoch = newEpoch();
  readonly clock: () => Nanoseconds;
  readonly limits: Limits;
  usage: { -readonly [key in keyof Usage]: Usage[key] };
  /** Absent where the upper is in memory alone. */
  backing: Backing | undefined;
  readonly events = new Events();
  /** How often each inode is open. */
  readonly #open = new Map<InodeId, number>();

  constructor(view: View, clock: () => Nanoseconds, limits: Limits, usage: Usage = NO_USAGE) {
    this.view = view;
    this.clock = clock;
    this.limits = limits;
    this.usage = { ...usage };
  }

  /** The view as it is now, never to change again. */
  freeze(): View {
    this.beginEpoch();
    return this.view.copy();
  }

  /** From now on nothing that exists is changed in place. */
  beginEpoch(): void {
    this.epoch = newEpoch();
  }

  /** Goes on from another moment of the same tree. Open references to inodes that it does not have go stale. */
  restore(view: View, usage: Usage): void {
    this.view = view.copy();
    this.epoch = newEpoch();
    this.usage = { ...usage };
    this.#open.clear();
  }

  /** How many more pages may be held. */
  budget(): number {
    const { bytes } = this.limits;
    return bytes === undefined ? Number.POSITIVE_INFINITY : Math.floor(bytes / PAGE_SIZE) - this.usage.pages;
  }

  /** Sees to it that `pages` more have room in memory: 0, or a negated error number with nothing changed. */
  makeRoom(pages: number): number {
    const { backing } = this;
    const { resident } = this.usage;
    if (backing === undefined || resident === 0 || resident + pages <= backing.residentPages) return 0;
    return backing.spill();
  }

  /** Puts a map with the same bytes into a file. */
  replaceContent(id: InodeId, file: UpperFile, content: PageMap): void {
    this.usage.resident += content.resident - file.content.resident;
    this.#put(id, { ...file, epoch: this.epoch, content });
  }

  /** Whether another inode may be made: 0 or `-ENOSPC`. */
  inodeBudget(): number {
    return this.limits.inodes !== undefined && this.usage.inodes >= this.limits.inodes ? -errno.ENOSPC : 0;
  }

  /** The upper inode of an id, changeable now: copied up or cloned where it has to be. */
  writable(id: InodeId): UpperInode {
    const present = this.view.upper(id);
    if (present !== undefined && present.epoch === this.epoch) return present;
    const inode =
      present !== undefined
        ? cloneInode(present, this.epoch)
        : copyUp(this.view.tree.inode(id), this.epoch, this.view.tree.linkCount(id), id, this.#place(id));
    this.#put(id, inode);
    return inode;
  }

  #place(id: InodeId): { parent: InodeId; name: string; subdirectories: number } {
    if (this.view.tree.kind(id) !== "directory") return { parent: id, name: "", subdirectories: 0 };
    return {
      parent: this.view.parent(id),
      name: this.view.nameOf(id),
      subdirectories: this.view.tree.subdirectoryCount(id),
    };
  }

  #put(id: InodeId, inode: UpperInode): void {
    if (isLower(id)) this.view.copied.set(id, inode, this.epoch);
    else this.view.created.set(id - FIRST_NEW_ID, inode, this.epoch);
  }

  writableDirectory(id: InodeId): UpperDirectory {
    const inode = this.writable(id);
    if (inode.kind !== "directory") throw new TypeError(`inode ${id} is no directory`);
    return inode;
  }

  writableFile(id: InodeId): UpperFile {
    const inode = this.writable(id);
    if (inode.kind !== "file") throw new TypeError(`inode ${id} is no regular file`);
    return inode;
  }

  /** A new inode without a name. */
  create(spec: NewInode): InodeId {
    const now = this.clock();
    const base = {
      epoch: this.epoch,
      mode: spec.mode,
      uid: spec.uid,
      gid: spec.gid,
      atime: now,
      mtime: now,
      ctime: now,
      birthtime: now,
      xattrs: NO_XATTRS,
      names: 0,
    };
    const id = FIRST_NEW_ID + this.view.createdCount;
    this.view.createdCount += 1;
    this.usage.inodes += 1;
    this.#put(id, newInode(spec, base));
    return id;
  }

  /** Points a name of a directory at an inode; the entry goes where the name leads there below. */
  bind(directory: UpperDirectory, directoryId: InodeId, name: string, id: InodeId): void {
    if (this.view.lowerLookup(directoryId, name) === id) directory.entries.delete(name);
    else directory.entries.set(name, id);
  }

  /** Takes a name away; a whiteout stays where the name exists below (M1). */
  unbind(directory: UpperDirectory, directoryId: InodeId, name: string): void {
    if (this.view.lowerLookup(directoryId, name) === NO_INODE) directory.entries.delete(name);
    else directory.entries.set(name, WHITEOUT);
  }

  /** One name less for an inode that is no directory; without a name or an open reference it goes. */
  dropName(id: InodeId, now: Nanoseconds): void {
    const names = this.view.names(id) - 1;
    if (names > 0 || this.#open.has(id)) {
      const inode = this.writable(id);
      inode.names = names;
      inode.ctime = now;
    } else {
      this.forget(id);
    }
  }

  /** Frees an inode that nothing leads to. */
  forget(id: InodeId): void {
    const upper = this.view.upper(id);
    if (upper === undefined) return;
    if (upper.kind === "file") {
      this.usage.pages -= upper.content.pages;
      this.usage.resident -= upper.content.resident;
    }
    if (isLower(id)) {
      this.view.copied.delete(id, this.epoch);
    } else {
      this.view.created.delete(id - FIRST_NEW_ID, this.epoch);
      this.usage.inodes -= 1;
    }
  }

  retain(id: InodeId): void {
    this.#open.set(id, (this.#open.get(id) ?? 0) + 1);
  }

  isOpen(id: InodeId): boolean {
    return this.#open.has(id);
  }

  release(id: InodeId): void {
    const count = (this.#open.get(id) ?? 0) - 1;
    if (count > 0) {
      this.#open.set(id, count);
    } else if (this.#open.delete(id)) {
      const upper = this.view.upper(id);
      if (upper !== undefined && upper.names === 0) this.forget(id);
    }
  }

  /** Sets a directory's times after a name in it changed. */
  touch(directory: UpperDirectory, now: Nanoseconds): void {
    directory.mtime = now;
    directory.ctime = now;
  }
}

type Base = Omit<Extract<UpperInode, { kind: "fifo" | "socket" }>, "kind">;

function newInode(spec: NewInode, base: Base): UpperInode {
  switch (spec.kind) {
    case "file":
      return { ...base, kind: "file", content: PageMap.empty() };
    case "directory":
      return {
        ...base,
        kind: "directory",
        entries: new Map(),
        parent: NO_INODE,
        name: "",
        subdirectories: 0,
      };
    case "symlink":
      return { ...base, kind: "symlink", target: spec.target ?? "" };
    case "char":
    case "block":
      return { ...base, kind: spec.kind, rdev: spec.rdev ?? 0 };
    default:
      return { ...base, kind: spec.kind };
  }
}
