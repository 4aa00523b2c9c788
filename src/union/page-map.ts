/**
 * The bytes of a file in the upper layer: what was written since copy-up, and everything else still
 * pointing at the content below.
 *
 * A radix tree over pages of 4 KiB. A slot on any level is one of
 *   - `undefined`: a hole,
 *   - a *run*: this whole range comes from some content, unmoved, starting at `at`,
 *   - a *page* (lowest level): bytes of this file's own,
 *   - a *branch*: 64 slots, one level down.
 * Copy-up is one run over the lower file; truncating, punching holes and sharing ranges with another
 * file are edits of slots. Writing one byte anywhere costs one page and one branch a level,
 * whatever the size of the file. Branches and pages carry the epoch that made them (see `table.ts`):
 * what an older epoch made is cloned at its first write, so a copy of the map is O(1).
 *
 * Bytes past `size` inside the last page are zero, so that growing a file needs no write. Reading is in
 * `page-extents.ts`; here is what changes a map.
 */
import { errno } from "../posix/errno.ts";
import { type Content, sameRange } from "../tree/content.ts";
import { NO_NODE, type NodeId } from "../tree/tree.ts";
import {
  bytesInUse,
  type Extent,
  extentAt,
  nextDataIn,
  nextHoleIn,
  prepareSlots,
  readSlots,
} from "./page-extents.ts";
import { PageSlab } from "./page-slab.ts";
import {
  clear,
  countPages,
  isOwn,
  type Move,
  PAGE_SIZE,
  type Page,
  place,
  type Run,
  type Slot,
  sameExtent,
  settle,
  span,
  WIDTH,
} from "./page-slots.ts";
import type { Epoch } from "./table.ts";

/** The largest file, as on ext4 with 4 KiB blocks. */
export const MAX_FILE_SIZE = 2 ** 44;

/** Maps written by `write` and their page count are kept by the caller: every edit returns the pages it added. */
export class PageMap implements Content {
  #root: Slot | undefined;
  /** The level that the root slot covers. */
  #level = 0;
  #size: number;
  /** Pages of this map's own, shared ones and those moved out of memory included. */
  #pages = 0;
  /** Those of them that are in memory. */
  #resident = 0;
  /** What {@link blocks} found, until the next edit. */
  #blocks: number | undefined;
  /** Where new pages are; a map that is only read needs none. */
  #slab: PageSlab | undefined;

  private constructor(size: number) {
    this.#size = size;
  }

  static empty(): PageMap {
    return new PageMap(0);
  }

  /** A map that takes all its bytes from `content`, which is that of a lower file, if `origin` is given. */
  static over(content: Content, origin: NodeId = NO_NODE): PageMap {
    const map = new PageMap(content.size);
    while (span(map.#level) < content.size) map.#level += 1;
    if (content.size > 0) map.#root = { type: "run", content, origin, at: 0 };
    return map;
  }

  /** A map of slots that were put together elsewhere; `level` is the root's. */
  static of(size: number, root: Slot | undefined, level: number): PageMap {
    const map = new PageMap(size);
    map.#root = root;
    map.#level = level;
    const count = { own: 0, resident: 0 };
    if (root !== undefined) countPages(root, level, count);
    map.#pages = count.own;
    map.#resident = count.resident;
    return map;
  }

  /** A copy that shares everything. Both sides must write in new epochs from now on. */
  copy(): PageMap {
    const map = new PageMap(this.#size);
    map.#root = this.#root;
    map.#level = this.#level;
    map.#pages = this.#pages;
    map.#resident = this.#resident;
    return map;
  }

  /** The slots, not to be changed. */
  get slots(): { readonly root: Slot | undefined; readonly level: number } {
    return { root: this.#root, level: this.#level };
  }

  /**
   * The same bytes with pages and runs where `move` wants them. What `before` shares with this map is
   * not looked at; it must be where it shall be.
   */
  settled(before: PageMap | undefined, epoch: Epoch, move: Move): PageMap {
    const known = before !== undefined && before.#level === this.#level ? before.#root : undefined;
    const root = settle(this.#root, known, this.#level, epoch, move);
    const map = this.copy();
    map.#root = root;
    // What moves it leaves nothing of in memory, and the same pages.
    map.#resident = 0;
    return map;
  }

  get size(): number {
    return this.#size;
  }

  /** Pages that the map holds itself, in units of {@link PAGE_SIZE}. */
  get pages(): number {
    return this.#pages;
  }

  /** Those of them that are in memory. */
  get resident(): number {
    return this.#resident;
  }

  read(target: Uint8Array, offset: number, length: number, position: number): number {
    return readSlots(this.#root, this.#level, this.#size, target, offset, length, position);
  }

  #extentAt(position: number, limit: number): Extent {
    return extentAt(this.#root, this.#level, position, limit);
  }

  nextData(position: number): number {
    return nextDataIn(this.#root, this.#level, this.#size, position);
  }

  nextHole(position: number): number {
    return nextHoleIn(this.#root, this.#level, this.#size, position);
  }

  /**
   * Writes `length` bytes of `source` from `offset` on at `position`.
   * @param budget how many pages may be added at most
   * @returns how many bytes were written, less than `length` when the budget ran out; or a negated
   *   error number when the content below could not be read, with nothing after that point changed
   */
  write(
    source: Uint8Array,
    offset: number,
    length: number,
    position: number,
    epoch: Epoch,
    budget: number,
  ): number {
    const limit = this.#pages + budget;
    this.#blocks = undefined;
    let done = 0;
    while (done < length) {
      const at = position + done;
      const inPage = at & (PAGE_SIZE - 1);
      const count = Math.min(PAGE_SIZE - inPage, length - done);
      const page = this.#ownPage(at - inPage, count === PAGE_SIZE, epoch, limit);
      if (typeof page === "number") {
        if (done === 0) return page;
        break;
      }
      const from = page.offset + inPage;
      page.buffer.set(source.subarray(offset + done, offset + done + count), from);
      done += count;
    }
    if (done > 0 && position + done > this.#size) this.#size = position + done;
    return done;
  }

  /** The page at `start`, writable; its old bytes are kept unless it is about to be `overwritten` whole. */
  #ownPage(start: number, overwritten: boolean, epoch: Epoch, limit: number): Page | number {
    this.#grow(start + PAGE_SIZE);
    const { slot } = this.#extentAt(start, start + PAGE_SIZE);
    if (slot !== undefined && slot.type === "page" && slot.epoch === epoch) return slot;
    const fresh = !isOwn(slot);
    if (fresh && this.#pages >= limit) return -errno.ENOSPC;
    this.#slab ??= new PageSlab();
    const page = this.#slab.page(start / PAGE_SIZE, epoch);
    if (!overwritten && slot !== undefined) {
      const kept = Math.min(PAGE_SIZE, this.#size - start);
      if (kept > 0) {
        const read = this.read(page.buffer, page.offset, kept, start);
        if (read < 0) return read;
      }
    }
    this.#put(start, 0, page, epoch);
    if (fresh) this.#pages += 1;
    if (slot?.type !== "page") this.#resident += 1;
    return page;
  }

  /** Raises the root until it covers `end`. */
  #grow(end: number): void {
    while (span(this.#level) < end) {
      if (this.#root !== undefined) {
        const slots = new Array<Slot | undefined>(WIDTH).fill(undefined);
        slots[0] = this.#root;
        // A run ends with its content: what lies past the file's end in it must not appear now.
        this.#root = { type: "branch", epoch: 0, slots };
      }
      this.#level += 1;
    }
  }

  /** Puts a slot of a level at `start`, splitting runs above it. */
  #put(start: number, level: number, value: Slot | undefined, epoch: Epoch): void {
    this.#grow(start + span(level));
    this.#root = place(this.#root, this.#level, 0, start, level, value, epoch);
  }

  /**
   * Sets the size. Shrinking forgets what lay behind; growing adds a hole.
   * @returns 0, or a negated error number with nothing changed
   */
  truncate(size: number, epoch: Epoch, budget: number): number {
    this.#blocks = undefined;
    if (size < this.#size) {
      const inPage = size & (PAGE_SIZE - 1);
      const start = size - inPage;
      if (inPage > 0) {
        const cut = this.#zeroRange(size, start + PAGE_SIZE, epoch, budget);
        if (cut < 0) return cut;
      }
      this.#clear(inPage > 0 ? start + PAGE_SIZE : start, span(this.#level), epoch);
    }
    this.#size = size;
    return 0;
  }

  /** Turns whole pages from `start` up to `end` into holes. Both are multiples of the page size. */
  #clear(start: number, end: number, epoch: Epoch): void {
    const stop = Math.min(end, span(this.#level));
    if (start >= stop) return;
    const removed = { own: 0, resident: 0 };
    this.#root = clear(this.#root, this.#level, 0, start, stop, epoch, removed);
    this.#pages -= removed.own;
    this.#resident -= removed.resident;
  }

  /**
   * Makes a range read as zeros without storing them (fallocate(2), FALLOC_FL_PUNCH_HOLE).
   * The size stays.
   */
  punch(start: number, end: number, epoch: Epoch, budget: number): number {
    const stop = Math.min(end, this.#size);
    if (start >= stop) return 0;
    this.#blocks = undefined;
    const firstWhole = Math.ceil(start / PAGE_SIZE) * PAGE_SIZE;
    const lastWhole =
      stop === this.#size
        ? Math.ceil(stop / PAGE_SIZE) * PAGE_SIZE
        : Math.floor(stop / PAGE_SIZE) * PAGE_SIZE;
    if (start < firstWhole) {
      const failed = this.#zeroRange(start, Math.min(firstWhole, stop), epoch, budget);
      if (failed < 0) return failed;
    }
    if (lastWhole > firstWhole) this.#clear(firstWhole, lastWhole, epoch);
    if (lastWhole < stop && lastWhole >= firstWhole) return this.#zeroRange(lastWhole, stop, epoch, budget);
    return 0;
  }

  /** Zeroes part of one page; a hole needs nothing. */
  #zeroRange(start: number, end: number, epoch: Epoch, budget: number): number {
    const inPage = start & (PAGE_SIZE - 1);
    const page = start - inPage;
    if (this.#extentAt(page, page + PAGE_SIZE).slot === undefined) return 0;
    const own = this.#ownPage(page, false, epoch, this.#pages + budget);
    if (typeof own === "number") return own;
    own.buffer.fill(0, own.offset + inPage, own.offset + inPage + end - start);
    return 0;
  }

  /**
   * Makes a range of this file the same bytes as a range of another map, moving no data where both
   * positions are page aligned: runs and pages are shared, and cloned when either side writes.
   * The caller begins a new epoch for the source first, since its pages become shared.
   * @returns the number of bytes shared, or a negated error number
   */
  share(source: PageMap, from: number, to: number, length: number, epoch: Epoch, budget: number): number {
    const limit = this.#pages + budget;
    this.#blocks = undefined;
    let done = 0;
    while (done < length) {
      const here = to + done;
      const there = from + done;
      const aligned = here % PAGE_SIZE === 0 && there % PAGE_SIZE === 0;
      const whole = length - done >= PAGE_SIZE || there + PAGE_SIZE >= source.#size;
      const step = aligned && whole ? this.#sharePages(source, there, here, length - done, epoch, limit) : -1;
      const copied = step > 0 ? step : this.#copyBytes(source, there, here, length - done, epoch, limit);
      if (copied <= 0) return done > 0 ? done : copied;
      done += copied;
    }
    return done;
  }

  /** Shares as much as one extent of the source allows; 0 when not even a page fits. */
  #sharePages(
    source: PageMap,
    there: number,
    here: number,
    length: number,
    epoch: Epoch,
    limit: number,
  ): number {
    const sourceEnd = Math.ceil(source.#size / PAGE_SIZE) * PAGE_SIZE;
    const reach = there + length >= source.#size ? sourceEnd - there : length;
    // A last page that the copy ends in is only shared when it also ends the destination.
    if (reach > length && here + length < this.#size) return 0;
    const extent = source.#extentAt(there, there + Math.floor(reach / PAGE_SIZE) * PAGE_SIZE);
    let end = extent.end;
    if (extent.slot !== undefined && extent.slot.type === "page") end = Math.min(end, there + PAGE_SIZE);
    let shared = Math.floor((end - there) / PAGE_SIZE) * PAGE_SIZE;
    if (shared <= 0) return 0;
    const { slot } = extent;
    const own = isOwn(slot);
    if (own && limit - this.#pages < shared / PAGE_SIZE) {
      // Near the limit page by page: what is a page of this map's already costs nothing.
      shared = PAGE_SIZE;
      if (this.#pages >= limit && !isOwn(this.#extentAt(here, here + PAGE_SIZE).slot)) return 0;
    }
    this.#clear(here, here + shared, epoch);
    if (slot?.type === "page") {
      this.#put(here, 0, { ...slot, epoch: 0 }, epoch);
      this.#pages += 1;
      this.#resident += 1;
    } else if (slot?.type === "run") {
      this.#putRun(here, shared, { ...slot, at: slot.at + there - extent.start }, epoch);
      if (own) this.#pages += shared / PAGE_SIZE;
    }
    const count = Math.min(shared, length);
    if (here + count > this.#size) this.#size = here + count;
    return count;
  }

  /** Lays a run over whole pages with as few slots as alignment allows. */
  #putRun(start: number, length: number, run: Run, epoch: Epoch): void {
    let done = 0;
    while (done < length) {
      let level = 0;
      while (level < 6 && (start + done) % span(level + 1) === 0 && length - done >= span(level + 1)) {
        level += 1;
      }
      this.#put(start + done, level, { ...run, at: run.at + done }, epoch);
      done += span(level);
    }
  }

  /** Copies bytes up to the next page boundary of the destination, or `length`. */
  #copyBytes(
    source: PageMap,
    there: number,
    here: number,
    length: number,
    epoch: Epoch,
    limit: number,
  ): number {
    const buffer = new Uint8Array(Math.min(length, PAGE_SIZE - (here & (PAGE_SIZE - 1))));
    const read = source.read(buffer, 0, buffer.length, there);
    if (read <= 0) return read;
    return this.write(buffer, 0, read, here, epoch, limit - this.#pages);
  }

  /** 512-byte blocks in use: own pages, and the data of what is still below. */
  blocks(): number {
    this.#blocks ??= bytesInUse(this) / 512;
    return this.#blocks;
  }

  /** Whether the bytes are those of `other`; what the map still takes from it is not read. */
  equals(other: Content): boolean {
    if (this.#size !== other.size) return false;
    if (other instanceof PageMap && other.#root === this.#root && other.#level === this.#level) return true;
    for (let at = 0; at < this.#size; ) {
      const own = this.#extentAt(at, this.#size);
      const theirs =
        other instanceof PageMap
          ? other.#extentAt(at, own.end)
          : {
              slot: { type: "run", content: other, origin: NO_NODE, at: 0 } as const,
              start: 0,
              end: own.end,
            };
      const end = Math.min(own.end, theirs.end);
      if (!sameExtent(own, theirs) && !sameRange(this, other, at, end)) return false;
      at = end;
    }
    return true;
  }

  async prepare(start: number, end: number): Promise<void> {
    await prepareSlots(this.#root, this.#level, start, Math.min(end, this.#size));
  }
}
