/**
 * Reading through the slots of a page map: which hole, page or run covers a position, and what follows
 * from that. Everything here looks at slots and changes none; `page-map.ts` says what a slot means.
 *
 * A map is given as its root slot and the level that slot covers, with the file's size where bytes are
 * asked for.
 */
import type { Content } from "../tree/content.ts";
import {
  type Branch,
  continues,
  PAGE_SIZE,
  type Page,
  type Run,
  readRun,
  type Slot,
  span,
  WIDTH,
} from "./page-slots.ts";

/** A stretch of a file that is one hole, one page, or one run. */
export interface Extent {
  readonly slot: Run | Page | undefined;
  /** Position of the slot's first byte, which may lie before the position that was asked for. */
  readonly start: number;
  readonly end: number;
}

/** The extent that covers a position, up to `limit` at most; neighbours that continue it are joined. */
export function extentAt(root: Slot | undefined, level: number, position: number, limit: number): Extent {
  if (position >= span(level)) return { slot: undefined, start: span(level), end: limit };
  let slot = root;
  let width = span(level);
  let start = 0;
  let parent: Branch | undefined;
  let index = 0;
  while (slot !== undefined && slot.type === "branch") {
    width /= WIDTH;
    parent = slot;
    index = Math.floor((position - start) / width);
    start += index * width;
    slot = slot.slots[index];
  }
  let end = start + width;
  if (parent !== undefined) {
    for (let next = index + 1; next < WIDTH && end < limit; next++) {
      if (!continues(slot, parent.slots[next], end - start)) break;
      end += width;
    }
  }
  return { slot, start, end: Math.min(end, limit) };
}

/** Reads as {@link Content} does. */
export function readSlots(
  root: Slot | undefined,
  level: number,
  size: number,
  target: Uint8Array,
  offset: number,
  length: number,
  position: number,
): number {
  const end = Math.min(position + length, size);
  let at = position;
  while (at < end) {
    const extent = extentAt(root, level, at, end);
    const to = offset + at - position;
    const count = extent.end - at;
    const { slot } = extent;
    if (slot === undefined) {
      target.fill(0, to, to + count);
    } else if (slot.type === "page") {
      const from = slot.offset + (at & (PAGE_SIZE - 1));
      target.set(slot.buffer.subarray(from, from + count), to);
    } else {
      const read = readRun(slot, at - extent.start, target, to, count);
      if (read < 0) return read;
    }
    at = extent.end;
  }
  return Math.max(0, at - position);
}

export function nextDataIn(root: Slot | undefined, level: number, size: number, position: number): number {
  for (let at = position; at < size; ) {
    const { slot, start, end } = extentAt(root, level, at, size);
    if (slot !== undefined && slot.type === "page") return at;
    if (slot !== undefined) {
      const found = slot.content.nextData(slot.at + at - start);
      const data = start + found - slot.at;
      if (found < slot.content.size && data < end) return Math.max(at, data);
    }
    at = end;
  }
  return size;
}

export function nextHoleIn(root: Slot | undefined, level: number, size: number, position: number): number {
  for (let at = position; at < size; ) {
    const { slot, start, end } = extentAt(root, level, at, size);
    if (slot === undefined) return at;
    if (slot.type === "run") {
      const hole = start + slot.content.nextHole(slot.at + at - start) - slot.at;
      if (hole < end) return Math.max(at, hole);
    }
    at = end;
  }
  return size;
}

/** Bytes of the whole pages that have data, in memory or below. */
export function bytesInUse(content: Content): number {
  let bytes = 0;
  for (let at = content.nextData(0); at < content.size; ) {
    const hole = content.nextHole(at);
    bytes += Math.ceil(hole / PAGE_SIZE) * PAGE_SIZE - Math.floor(at / PAGE_SIZE) * PAGE_SIZE;
    at = content.nextData(hole);
  }
  return bytes;
}

/** Makes a range of what lies below readable. */
export async function prepareSlots(
  root: Slot | undefined,
  level: number,
  start: number,
  end: number,
): Promise<void> {
  for (let at = start; at < end; ) {
    const extent = extentAt(root, level, at, end);
    if (extent.slot?.type === "run") {
      const shift = extent.slot.at - extent.start;
      await extent.slot.content.prepare?.(at + shift, extent.end + shift);
    }
    at = extent.end;
  }
}
