/**
 * A mount: a lower tree and a writable upper, answering the calls of a Linux filesystem
 * (`system-calls.ts`), and what only a union can do: snapshots, forks, changes, provenance.
 *
 * What may change is what the caller may change: `as()` gives a view of the same mount for another
 * caller.
 */
import { platform } from "#platform";
import { type Caller, makeCaller } from "../posix/caller.ts";
import { check, errno } from "../posix/errno.ts";
import type { Nanoseconds } from "../posix/time.ts";
import type { ChangeSet } from "../tree/change.ts";
import type { DiffOptions } from "../tree/diff.ts";
import { emptyTree } from "../tree/empty.ts";
import type { Inode } from "../tree/inode.ts";
import type { Tree } from "../tree/tree.ts";
import { attach, copyAttachments, detach, rootAttachment, type Source } from "./attach.ts";
import { FileTable } from "./file-table.ts";
import { Snapshot } from "./snapshot.ts";
import { fail, type Shared, SystemCalls } from "./system-calls.ts";
import { type MountEvent, O_APPEND, O_CREAT, O_RDONLY, O_TRUNC, O_WRONLY } from "./types.ts";
import { type Limits, Union } from "./union.ts";
import { UnionFilesystem } from "./union-filesystem.ts";
import { View } from "./view.ts";
import { type Whence, whence } from "./whence.ts";
import { putInode, readInode } from "./whole-inode.ts";

export interface MountOptions {
  /** Answers EROFS to whatever would change something. */
  readonly readOnly?: boolean;
  /** What the upper may hold; beyond it is ENOSPC. */
  readonly limits?: Limits;
  /** Where times come from; the platform's clock unless given. */
  readonly clock?: () => Nanoseconds;
  /** Fields in which the caller differs from root at `/` with umask 022. */
  readonly caller?: Partial<Caller>;
}

/** Mounts a tree, or goes on from a snapshot, with an upper of its own. */
export function createMount(lower: Tree | Snapshot, options: MountOptions = {}): Mount {
  const clock = options.clock ?? platform.now;
  const union =
    lower instanceof Snapshot
      ? new Union(lower.view.copy(), clock, options.limits ?? {}, lower.usage)
      : new Union(new View(lower), clock, options.limits ?? {});
  return mountOf(union, options.readOnly ?? false, makeCaller(options.caller ?? {}));
}

/** @internal A mount of a union that someone else keeps. */
export function mountOf(union: Union, readOnly: boolean, caller: Caller): Mount {
  const filesystem = new UnionFilesystem(union, readOnly);
  const view = { attachment: rootAttachment(filesystem, readOnly), id: filesystem.root };
  return new Mount({ filesystem, view, files: new FileTable() }, caller, undefined);
}

/** An empty filesystem in memory, to be attached. */
export function tmpfs(options: Omit<MountOptions, "caller"> & { readonly mode?: number } = {}): Source {
  const root = {
    kind: "directory",
    mode: options.mode ?? 0o1777,
    uid: 0,
    gid: 0,
    mtime: 0n,
    xattrs: new Map(),
  } as const;
  const union = new Union(new View(emptyTree(root)), options.clock ?? platform.now, options.limits ?? {});
  return { filesystem: new UnionFilesystem(union, options.readOnly ?? false) };
}

export class Mount extends SystemCalls {
  readonly #shared: Shared;
  readonly #origin: unknown;

  /** Use {@link createMount}. */
  constructor(shared: Shared, caller: Caller, origin: unknown) {
    super(shared, caller, origin);
    this.#shared = shared;
    this.#origin = origin;
  }

  /** The lower tree. */
  get tree(): Tree {
    return this.#shared.filesystem.union.view.tree;
  }

  /** The same mount for another caller. `origin` is told in the events of what it changes. */
  as(caller: Partial<Caller>, origin: unknown = this.#origin): Mount {
    return new Mount(this.#shared, makeCaller(caller, this.caller), origin);
  }

  /**
   * The same files in a view of their own, as a mount namespace is: descriptors are its own, what is
   * attached here is not attached there, nor the other way round. Not to be used on across a `restore`.
   * @param readOnly whether nothing can be changed through it, but in what is attached
   */
  unshare(options: { readonly readOnly?: boolean } = {}): Mount {
    const { filesystem } = this.#shared;
    const view = {
      attachment: rootAttachment(filesystem, options.readOnly ?? filesystem.readOnly),
      id: filesystem.root,
    };
    return new Mount({ filesystem, view, files: new FileTable() }, this.caller, this.#origin);
  }

  /** Closes every descriptor, as the end of a process does. */
  closeAll(): void {
    const { files } = this.#shared;
    for (const fd of [...files.descriptors()]) this.close(fd);
  }

  // Whole files

  readFile(path: string): Uint8Array {
    const fd = this.open(path, O_RDONLY);
    try {
      const bytes = new Uint8Array(this.fstat(fd).size);
      for (let at = 0; at < bytes.length; ) {
        const count = this.read(fd, bytes, at, bytes.length - at, at);
        if (count === 0) return bytes.slice(0, at);
        at += count;
      }
      return bytes;
    } finally {
      this.close(fd);
    }
  }

  /** Replaces a file's content, making it where it is missing. Strings are written as UTF-8. */
  writeFile(path: string, content: Uint8Array | string, mode = 0o666): void {
    this.#writeWhole(path, content, O_TRUNC, mode);
  }

  appendFile(path: string, content: Uint8Array | string, mode = 0o666): void {
    this.#writeWhole(path, content, O_APPEND, mode);
  }

  #writeWhole(path: string, content: Uint8Array | string, flags: number, mode: number): void {
    const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
    const fd = this.open(path, O_WRONLY | O_CREAT | flags, mode);
    try {
      for (let at = 0; at < bytes.length; ) at += this.write(fd, bytes, at);
    } finally {
      this.close(fd);
    }
  }

  /**
   * What is at a path, whole; a link at the end is not followed. Later changes do not reach it, unless it
   * is a file of an attached host directory.
   */
  inode(path: string): Inode {
    return readInode(this, path);
  }

  /**
   * Makes a file of any kind that is as `inode` says, sharing its content. What a directory holds is not
   * copied.
   * @throws PosixError EEXIST where something is at the path
   */
  put(path: string, inode: Inode): void {
    putInode(this, path, inode);
  }

  // The mount itself

  /** Shows a filesystem, or a part of one, at a path. */
  attach(path: string, source: Source, options: { readonly readOnly?: boolean } = {}): void {
    check(attach(this.context, path, source, options.readOnly ?? false), "mount", path);
  }

  detach(path: string): void {
    check(detach(this.context, path), "umount", path);
  }

  /** A file or directory of this mount, to be attached elsewhere. */
  subtree(path: string): Source {
    const { attachment, id } = this.placeOf(path, "follow", "open");
    return { filesystem: attachment.filesystem, root: id };
  }

  /** Calls `listener` after each change. @returns what ends that */
  subscribe(listener: (event: MountEvent) => void): () => void {
    return this.#shared.filesystem.union.events.subscribe(listener);
  }

  /** This moment, in O(1). */
  snapshot(): Snapshot {
    const { union } = this.#shared.filesystem;
    return new Snapshot(union.freeze(), union.usage);
  }

  /**
   * Goes back to a snapshot of the same lower, in O(1). Descriptors opened before are stale.
   * @throws PosixError EINVAL for a snapshot of another lower
   */
  restore(snapshot: Snapshot): void {
    const { filesystem, files } = this.#shared;
    if (snapshot.tree !== this.tree) fail(-errno.EINVAL, "restore", undefined);
    filesystem.restore(snapshot.view, snapshot.usage);
    files.generation += 1;
  }

  /** Another mount that starts as this one is now, in O(1). What is attached here is attached there. */
  fork(): Mount {
    const { filesystem, view } = this.#shared;
    const { union } = filesystem;
    const twin = mountOf(
      new Union(union.freeze(), union.clock, union.limits, union.usage),
      filesystem.readOnly,
      this.caller,
    );
    copyAttachments(view.attachment, twin.context.view.attachment);
    return twin;
  }

  /** What differs from the lower; what is attached is not looked at. The result does not change with the mount. */
  changes(options: DiffOptions = {}): ChangeSet {
    return this.snapshot().changes(options);
  }

  /** Which layers hold a path, which hid it, and which one wins. Answers for paths that are gone. */
  whence(path: string): Whence {
    const found = whence(this.context, this.#shared.filesystem.union.view, path);
    return typeof found === "number" ? fail(found, "whence", path) : found;
  }
}
