/**
 * An upper on disk that is open for writing.
 *
 * The union's view is in memory; file data is in memory until a commit point, or until there is more
 * than the limit. Moving it out appends pages to the active segment and puts runs over it into the page
 * maps, so memory is bounded by metadata (invariant 8).
 *
 * A commit point, in this order: pages are appended; the segments are synced; one transaction writes
 * what differs from the last commit point, and the segments' lengths. Killed before the transaction, an
 * upper is at the last commit point, and its active segment is cut when it is opened again (M23).
 *
 * Invariant: `#committed` holds what the metadata says, and none of its kept inodes has pages in memory
 * or runs over segments that are not kept. So what a view shares with it need not be looked at.
 */
import { platform } from "#platform";
import { Output } from "../../layer/fields.ts";
import { makeCaller } from "../../posix/caller.ts";
import type { InodeId, UpperFile } from "../../union/inodes.ts";
import { type Mount, mountOf } from "../../union/mount.ts";
import type { PageMap } from "../../union/page-map.ts";
import { type Move, OWN_DATA, PAGE_SIZE } from "../../union/page-slots.ts";
import { type Backing, Union } from "../../union/union.ts";
import type { View } from "../../union/view.ts";
import { CLOSED } from "./closed.ts";
import { commitError, hostError } from "./host-error.ts";
import { headerKey, segmentKey } from "./keys.ts";
import type { Loaded } from "./load.ts";
import type { Metadata } from "./metadata.ts";
import { eachDifference, eachInode, isKept, usageOf } from "./named-part.ts";
import { type Header, writeHeader } from "./records.ts";
import type { SegmentContent } from "./segment.ts";
import type { Segments } from "./segments.ts";
import type { Upper, UpperOptions } from "./upper.ts";
import { ChangeWriter, changesBetween } from "./write-changes.ts";

const RESIDENT_BYTES = 2 ** 26;
/** An active segment without live data that is as large as this is removed rather than gone on with. */
const WORTH_REMOVING = 2 ** 20;
/** Dead bytes below this are not worth rewriting live ones for. */
const WORTH_REWRITING = 2 ** 25;

/** What a {@link DiskUpper} takes over when it is opened, and ends when it is closed. */
export interface Parts {
  readonly metadata: Metadata;
  readonly segments: Segments;
  readonly loaded: Loaded;
  readonly release: () => void;
}

export interface DiskOptions extends UpperOptions {
  /** Dead bytes that make a commit point rewrite live ones where they are fewer; 32 MiB unless given. */
  readonly worthRewriting?: number;
}

export class DiskUpper implements Upper, Backing {
  readonly mount: Mount;
  readonly residentPages: number;
  readonly #worthRewriting: number;
  readonly #union: Union;
  readonly #metadata: Metadata;
  readonly #segments: Segments;
  readonly #release: () => void;
  readonly #references: Set<number>;
  /** Lengths of segments as the metadata has them. */
  #lengths: ReadonlyMap<number, number>;
  #header: Header;
  #committed: View;
  /** The view when pages were last moved out of memory. */
  #settled: View;

  constructor({ metadata, segments, loaded, release }: Parts, options: DiskOptions) {
    const { view, header } = loaded;
    this.#metadata = metadata;
    this.#segments = segments;
    this.#release = release;
    this.#header = header;
    this.#references = new Set(loaded.references);
    this.#lengths = new Map([...segments.all].map(({ id, size }) => [id, size]));
    this.#committed = view;
    this.#settled = view;
    segments.count(loaded.live);
    this.residentPages = Math.ceil((options.residentBytes ?? RESIDENT_BYTES) / PAGE_SIZE);
    this.#worthRewriting = options.worthRewriting ?? WORTH_REWRITING;
    const clock = options.clock ?? platform.now;
    this.#union = new Union(view.copy(), clock, options.limits ?? {}, usageOf(view));
    this.#union.backing = this;
    this.mount = mountOf(this.#union, false, makeCaller(options.caller ?? {}));
  }

  commit(): void {
    this.#union.backing?.sync();
  }

  close(): void {
    if (this.#union.backing !== this) return;
    this.sync();
    this.discard();
  }

  discard(): void {
    if (this.#union.backing !== this) return;
    this.#union.backing = CLOSED;
    this.#segments.close();
    this.#release();
    this.#metadata.close();
  }

  spill(): number {
    try {
      this.#settle();
      return 0;
    } catch (error) {
      return hostError(error);
    }
  }

  sync(): void {
    try {
      this.#settle();
      this.#writeChanges();
    } catch (error) {
      throw commitError(error);
    }
    try {
      this.#rewrite();
    } catch {
      // The commit point stands, and the next one tries again: a full disk is told by what needs room.
    }
  }

  // Moving data out of memory

  readonly #move: Move = (slot, length) => {
    if (slot.type === "page") return this.#segments.append(slot.buffer, slot.offset, length);
    const stays = slot.origin !== OWN_DATA || this.#segments.keeps(slot.content);
    return stays ? slot : this.#segments.relocate(slot, length);
  };

  /** Moves out whatever changed since the last time. */
  #settle(): void {
    const now = this.#union.freeze();
    this.#moveAll((visit) => {
      eachDifference(this.#settled, now, (id, before, after) => {
        if (after?.kind !== "file") return;
        // What no commit point kept may lie in a segment that is gone.
        const known = before?.kind === "file" && isKept(now, id, before) ? before.content : undefined;
        visit(id, after, known);
      });
    });
  }

  /** All or nothing: maps are replaced when all pages are written. */
  #moveAll(
    eachFile: (visit: (id: InodeId, file: UpperFile, known: PageMap | undefined) => void) => void,
  ): void {
    const { epoch } = this.#union;
    const moved: { id: InodeId; file: UpperFile; content: PageMap }[] = [];
    try {
      eachFile((id, file, known) => {
        const content = file.content.settled(known, epoch, this.#move);
        if (content.slots.root !== file.content.slots.root) moved.push({ id, file, content });
      });
      this.#segments.flush();
    } catch (error) {
      this.#segments.abandon();
      throw error;
    }
    for (const { id, file, content } of moved) this.#union.replaceContent(id, file, content);
    this.#settled = this.#union.freeze();
  }

  // Commit points

  #writeChanges(): void {
    const now = this.#settled;
    const changes = changesBetween(this.#committed, now);
    if (changes.length === 0) return;
    const segments = this.#segments;
    segments.sync();
    const writer = new ChangeWriter(this.#metadata, now, this.#references);
    const lengths = new Map<number, number>();
    let dead: readonly SegmentContent[] = [];
    let header = this.#header;
    this.#metadata.transaction(() => {
      for (const change of changes) writer.write(change);
      dead = this.#deadSegments(writer.references);
      for (const segment of segments.all) {
        if (!dead.includes(segment)) lengths.set(segment.id, segment.size);
      }
      this.#writeLengths(lengths);
      const active = lengths.has(segments.active) ? segments.active : 0;
      const { createdCount } = now;
      header = { chainID: header.chainID, createdCount, active, nextSegment: segments.next };
      this.#put(headerKey, (out) => writeHeader(out, header));
    });
    this.#header = header;
    this.#committed = now;
    this.#lengths = lengths;
    for (const number of writer.referred) this.#references.add(number);
    segments.count(writer.references);
    for (const segment of dead) segments.drop(segment);
  }

  #writeLengths(lengths: ReadonlyMap<number, number>): void {
    for (const id of this.#lengths.keys()) if (!lengths.has(id)) this.#metadata.remove(segmentKey(id));
    for (const [id, size] of lengths) {
      if (this.#lengths.get(id) !== size) this.#put(segmentKey(id), (out) => out.varint(size));
    }
  }

  #put(key: Uint8Array, write: (out: Output) => void): void {
    const out = new Output();
    write(out);
    this.#metadata.put(key, out.written());
  }

  /** Segments that no kept file refers to, given what changes of that. */
  #deadSegments(more: ReadonlyMap<number, number>): SegmentContent[] {
    const segments = this.#segments;
    return [...segments.all].filter((segment) => {
      const { id, size } = segment;
      if (segments.live(segment) + (more.get(id) ?? 0) > 0) return false;
      return id !== segments.active || size >= WORTH_REMOVING;
    });
  }

  // Space

  /**
   * Writes the live bytes of segments that are mostly dead into the active one, which leaves them
   * without any. The commit point before stands whatever happens here.
   */
  #rewrite(): void {
    const segments = this.#segments;
    const wasteful = [...segments.all].filter((segment) => segment.size > 2 * segments.live(segment));
    const dead = wasteful.reduce((sum, segment) => sum + segment.size - segments.live(segment), 0);
    if (dead < this.#worthRewriting) return;
    // What others have a link to would stay on disk, and be there twice.
    const alone = wasteful.filter((segment) => segments.isAlone(segment));
    if (alone.length === 0) return;
    segments.condemn(alone);
    try {
      const now = this.#settled;
      this.#moveAll((visit) => {
        eachInode(now, (id, inode) => {
          if (inode.kind === "file" && isKept(now, id, inode)) visit(id, inode, undefined);
        });
      });
      this.#writeChanges();
    } finally {
      segments.pardon();
    }
  }
}
