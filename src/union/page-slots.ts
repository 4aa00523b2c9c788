/**
 * The radix tree under a page map: its slots, and edits of them as pure functions over immutable or
 * same-epoch branches. `page-map.ts` says what a slot means.
 */
import { errno } from "../posix/errno.ts";
import { type Content, SliceContent } from "../tree/content.ts";
import type { NodeId } from "../tree/tree.ts";
import type { Epoch } from "./table.ts";

export const PAGE_SIZE = 4096;
const BITS = 6;
export const WIDTH = 1 << BITS;

/** Origin of bytes that are a file's own and were moved out of memory: they count as its pages do. */
export const OWN_DATA = -2;

export interface Run {
  readonly type: "run";
  readonly content: Content;
  /** The lower file whose content it is, {@link OWN_DATA}, or `NO_NODE` for content that is in no tree. */
  readonly origin: NodeId;
  /** Position in the content that the slot's first byte has. */
  readonly at: number;
}

export interface Page {
  readonly type: "page";
  readonly epoch: Epoch;
  readonly buffer: Uint8Array;
  /** Where the page starts in the buffer. */
  readonly offset: number;
}

export interface Branch {
  readonly type: "branch";
  readonly epoch: Epoch;
  readonly slots: (Slot | undefined)[];
}

export type Slot = Run | Page | Branch;

/** Size in bytes of what a slot of a level covers; level 0 is a page. */
export function span(level: number): number {
  return PAGE_SIZE * 2 ** (BITS * level);
}

/** Whether two contents are the same stretch of the same source. */
function samePlace(a: Content, b: Content): boolean {
  if (a === b) return true;
  return (
    a instanceof SliceContent &&
    b instanceof SliceContent &&
    a.source === b.source &&
    a.start === b.start &&
    a.size === b.size
  );
}

/** Whether a slot is a page of the file's own, in memory or not. */
export function isOwn(slot: Slot | undefined): boolean {
  return slot?.type === "page" || (slot?.type === "run" && slot.origin === OWN_DATA);
}

interface Extent {
  readonly slot: Run | Page | undefined;
  readonly start: number;
}

/** Whether two extents hold the same bytes at every position because they are the same bytes. */
export function sameExtent(a: Extent, b: Extent): boolean {
  if (a.slot === undefined || b.slot === undefined) return a.slot === b.slot;
  if (a.slot.type === "page" || b.slot.type === "page") {
    return (
      a.slot.type === "page" &&
      b.slot.type === "page" &&
      a.slot.buffer === b.slot.buffer &&
      a.slot.offset === b.slot.offset
    );
  }
  return a.slot.at - a.start === b.slot.at - b.start && samePlace(a.slot.content, b.slot.content);
}

/** Whether `next` goes on where `slot`, `length` bytes long so far, ends. Pages stand alone. */
export function continues(slot: Run | Page | undefined, next: Slot | undefined, length: number): boolean {
  if (slot === undefined) return next === undefined;
  return (
    slot.type === "run" &&
    next?.type === "run" &&
    next.content === slot.content &&
    next.at === slot.at + length
  );
}

/** Reads from a run, zeros past the end of its content. */
export function readRun(
  run: Run,
  position: number,
  target: Uint8Array,
  offset: number,
  length: number,
): number {
  const at = run.at + position;
  const available = Math.max(0, Math.min(length, run.content.size - at));
  if (available > 0) {
    const read = run.content.read(target, offset, available, at);
    if (read < 0) return read;
    if (read < available) return -errno.EIO;
  }
  target.fill(0, offset + available, offset + length);
  return length;
}

/** A branch that shows what `slot` showed, writable in `epoch`; `level` is the slot's. */
function split(slot: Slot | undefined, level: number, epoch: Epoch): Branch {
  if (slot === undefined)
    return { type: "branch", epoch, slots: new Array<Slot | undefined>(WIDTH).fill(undefined) };
  if (slot.type === "branch")
    return slot.epoch === epoch ? slot : { ...slot, epoch, slots: slot.slots.slice() };
  if (slot.type === "page") throw new RangeError("a page has no parts");
  const width = span(level - 1);
  const slots: (Slot | undefined)[] = [];
  for (let i = 0; i < WIDTH; i++) {
    const at = slot.at + i * width;
    slots.push(at < slot.content.size ? { ...slot, at } : undefined);
  }
  return { type: "branch", epoch, slots };
}

/** The tree under `slot` with `value` put at `start` on `target` level. */
export function place(
  slot: Slot | undefined,
  level: number,
  base: number,
  start: number,
  target: number,
  value: Slot | undefined,
  epoch: Epoch,
): Slot | undefined {
  if (level === target) return value;
  const branch = split(slot, level, epoch);
  const width = span(level - 1);
  const index = Math.floor((start - base) / width);
  branch.slots[index] = place(
    branch.slots[index],
    level - 1,
    base + index * width,
    start,
    target,
    value,
    epoch,
  );
  return branch;
}

/** The tree under `slot` with holes from `start` up to `end`; counts the pages that went. */
export function clear(
  slot: Slot | undefined,
  level: number,
  base: number,
  start: number,
  end: number,
  epoch: Epoch,
  removed: PageCount,
): Slot | undefined {
  if (slot === undefined) return undefined;
  const width = span(level);
  if (start <= base && end >= base + width) {
    countPages(slot, level, removed);
    return undefined;
  }
  const branch = split(slot, level, epoch);
  const below = span(level - 1);
  const first = Math.max(0, Math.floor((start - base) / below));
  const last = Math.min(WIDTH, Math.ceil((end - base) / below));
  for (let i = first; i < last; i++) {
    branch.slots[i] = clear(branch.slots[i], level - 1, base + i * below, start, end, epoch, removed);
  }
  return branch;
}

/** How many pages of a file's own there are, and how many of them in memory. */
export interface PageCount {
  own: number;
  resident: number;
}

/** Adds the pages under a slot of a level. */
export function countPages(slot: Slot, level: number, into: PageCount): void {
  if (slot.type === "page") {
    into.own += 1;
    into.resident += 1;
  } else if (slot.type === "run") {
    if (slot.origin === OWN_DATA) into.own += span(level) / PAGE_SIZE;
  } else {
    for (const below of slot.slots) if (below !== undefined) countPages(below, level - 1, into);
  }
}

/** Where a page or a run of `length` bytes shall be from now on; the same slot where it stays. */
export type Move = (slot: Run | Page, length: number) => Run | Page;

/**
 * The tree under `slot` with everything where `move` wants it, in the order of the file. Nothing is
 * changed in place. What is also in `before`, at the same place of the same level, is where it shall be.
 */
export function settle(
  slot: Slot | undefined,
  before: Slot | undefined,
  level: number,
  epoch: Epoch,
  move: Move,
): Slot | undefined {
  if (slot === undefined || slot === before) return slot;
  if (slot.type !== "branch") return move(slot, span(level));
  const known = before?.type === "branch" ? before.slots : undefined;
  const slots = slot.slots.map((below, i) => settle(below, known?.[i], level - 1, epoch, move));
  if (slots.every((below, i) => below === slot.slots[i])) return slot;
  return joined(slots, span(level - 1)) ?? { type: "branch", epoch, slots };
}

/** The one run that slots of `width` bytes each are, if they are: a file written in order takes no slot a page. */
function joined(slots: readonly (Slot | undefined)[], width: number): Run | undefined {
  const first = slots[0];
  if (first?.type !== "run" || first.origin !== OWN_DATA) return undefined;
  for (let i = 1; i < slots.length; i++) if (!continues(first, slots[i], i * width)) return undefined;
  return first;
}
