/**
 * The segments of an upper that is open for writing: pages are appended to the *active* one; the others
 * are sealed. A segment is sealed when it is large, and when the upper is forked.
 *
 * Appended pages wait in a buffer and can be read after `flush()`; they last after `sync()`. A segment
 * that no file refers to at a commit point is *dropped*: its name goes. What still refers to it in
 * memory – a snapshot, an unlinked file – reads on through the descriptor, which is closed when nothing
 * does any more.
 */
import {
  closeSync,
  fdatasyncSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readdirSync,
  unlinkSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { PosixError } from "../../posix/errno.ts";
import type { Content } from "../../tree/content.ts";
import { OWN_DATA, type Run } from "../../union/page-slots.ts";
import { Descriptor, openSegment, readFully, SegmentContent, segmentID, segmentName } from "./segment.ts";

/** A segment as large as this is sealed. */
const LARGE = 2 ** 28;
const BUFFER_SIZE = 2 ** 20;

/** Bytes referred to, by segment. */
export type References = ReadonlyMap<number, number>;

/** Makes a file or the names of a directory survive a crash. */
export function syncFile(path: string): void {
  const fd = openSync(path, "r");
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

export class Segments {
  readonly #folder: string;
  readonly #kept = new Map<number, SegmentContent>();
  /** Bytes of each that files refer to; a range that several share counts for each. */
  readonly #live = new Map<number, number>();
  #active: SegmentContent | undefined;
  #next: number;
  readonly #condemned = new Set<SegmentContent>();
  readonly #buffer = new Uint8Array(BUFFER_SIZE);
  #pending = 0;
  readonly #unsynced = new Set<SegmentContent>();
  #folderUnsynced = false;
  /** After a failed sync nothing is known of what reached the disk. */
  #failed = false;
  /** Descriptors of dropped segments that may still be read. */
  readonly #dropped = new Set<Descriptor>();
  readonly #unused = new FinalizationRegistry<Descriptor>((descriptor) => {
    descriptor.close();
    this.#dropped.delete(descriptor);
  });

  /**
   * Opens the segments that a commit point knows, with their lengths, and removes what it does not know:
   * files, and the active segment's bytes behind its length (M23).
   */
  constructor(folder: string, known: ReadonlyMap<number, number>, active: number, next: number) {
    this.#folder = folder;
    this.#next = next;
    try {
      for (const [id, size] of known) {
        const content = openSegment(this.#path(id), id, size, id === active ? "r+" : "r");
        this.#kept.set(id, content);
        if (id === active) this.#active = content;
      }
      if (this.#active !== undefined) ftruncateSync(this.#active.descriptor.fd, this.#active.size);
      for (const name of readdirSync(folder)) {
        const id = segmentID(name);
        if (id !== undefined && !known.has(id)) unlinkSync(join(folder, name));
      }
    } catch (error) {
      this.close();
      throw error;
    }
  }

  #path(id: number): string {
    return join(this.#folder, segmentName(id));
  }

  /** The segment that is appended to, or 0. */
  get active(): number {
    return this.#active?.id ?? 0;
  }

  get next(): number {
    return this.#next;
  }

  get all(): Iterable<SegmentContent> {
    return this.#kept.values();
  }

  get(id: number): SegmentContent | undefined {
    return this.#kept.get(id);
  }

  /** Whether a run over this content may stay as it is. */
  keeps(content: Content): boolean {
    return (
      content instanceof SegmentContent &&
      this.#kept.get(content.id) === content &&
      !this.#condemned.has(content)
    );
  }

  /** From now on nothing may stay in these segments, until {@link pardon}. */
  condemn(segments: Iterable<SegmentContent>): void {
    for (const segment of segments) {
      this.#condemned.add(segment);
      if (segment === this.#active) this.seal();
    }
  }

  pardon(): void {
    this.#condemned.clear();
  }

  /** Appends bytes, a whole number of pages, in one piece. They can be read after {@link flush}. */
  append(bytes: Uint8Array, offset: number, length: number): Run {
    const segment = this.#room();
    const run: Run = { type: "run", content: segment, origin: OWN_DATA, at: segment.size + this.#pending };
    this.#put(bytes, offset, length);
    return run;
  }

  /** Appends what a run shows. */
  relocate(run: Run, length: number): Run {
    const segment = this.#room();
    const moved: Run = { type: "run", content: segment, origin: OWN_DATA, at: segment.size + this.#pending };
    const chunk = new Uint8Array(Math.min(length, BUFFER_SIZE));
    for (let done = 0; done < length; done += chunk.length) {
      const count = Math.min(chunk.length, length - done);
      readFully(run.content, chunk, count, run.at + done);
      this.#put(chunk, 0, count);
    }
    return moved;
  }

  /** The active segment, a new one where there is none or it is large. */
  #room(): SegmentContent {
    if (this.#active !== undefined && this.#active.size + this.#pending >= LARGE) {
      this.flush();
      this.seal();
    }
    if (this.#active === undefined) {
      const id = this.#next;
      const fd = openSync(this.#path(id), "wx+");
      this.#next += 1;
      this.#active = new SegmentContent(id, new Descriptor(fd), 0);
      this.#kept.set(id, this.#active);
      this.#folderUnsynced = true;
    }
    return this.#active;
  }

  #put(bytes: Uint8Array, offset: number, length: number): void {
    for (let done = 0; done < length; ) {
      if (this.#pending === BUFFER_SIZE) this.flush();
      const count = Math.min(length - done, BUFFER_SIZE - this.#pending);
      this.#buffer.set(bytes.subarray(offset + done, offset + done + count), this.#pending);
      this.#pending += count;
      done += count;
    }
  }

  /** Writes what was appended. Where that fails, what was not written is as never appended. */
  flush(): void {
    const segment = this.#active;
    const count = this.#pending;
    this.#pending = 0;
    if (segment === undefined || count === 0) return;
    this.#unsynced.add(segment);
    for (let done = 0; done < count; ) {
      done += writeSync(segment.descriptor.fd, this.#buffer, done, count - done, segment.size + done);
    }
    segment.size += count;
  }

  /** Forgets what was appended and not flushed. */
  abandon(): void {
    this.#pending = 0;
  }

  /** Nothing more is appended to the active segment. */
  seal(): void {
    this.#active = undefined;
  }

  /** Makes all that was flushed survive a crash. */
  sync(): void {
    if (this.#failed) throw new PosixError("EIO", { syscall: "fdatasync" });
    try {
      for (const segment of this.#unsynced) fdatasyncSync(segment.descriptor.fd);
      if (this.#folderUnsynced) syncFile(this.#folder);
    } catch (error) {
      this.#failed = true;
      throw error;
    }
    this.#unsynced.clear();
    this.#folderUnsynced = false;
  }

  /** How many bytes of a segment files of the last commit point refer to. */
  live({ id }: SegmentContent): number {
    return this.#live.get(id) ?? 0;
  }

  /** Changes that number for several segments. */
  count(more: References): void {
    for (const [id, bytes] of more) this.#live.set(id, (this.#live.get(id) ?? 0) + bytes);
  }

  /** Whether no other upper has a link to a segment, so that removing it frees its space. */
  isAlone({ descriptor }: SegmentContent): boolean {
    return fstatSync(descriptor.fd).nlink <= 1;
  }

  /** Removes a segment that no commit point knows any more. */
  drop(segment: SegmentContent): void {
    if (segment === this.#active) this.seal();
    this.#kept.delete(segment.id);
    this.#live.delete(segment.id);
    this.#unsynced.delete(segment);
    this.#condemned.delete(segment);
    this.#dropped.add(segment.descriptor);
    this.#unused.register(segment, segment.descriptor);
    try {
      unlinkSync(this.#path(segment.id));
    } catch {
      // What stays goes when the upper is opened again.
    }
  }

  close(): void {
    for (const { descriptor } of this.#kept.values()) descriptor.close();
    for (const descriptor of this.#dropped) descriptor.close();
    this.#dropped.clear();
  }
}
