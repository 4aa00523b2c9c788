/**
 * The records of an upper's inodes as bytes, and of the branches of their page maps.
 *
 * Inodes are named by their numbers, which depend on the stack of layers alone (M22): {@link Outward}
 * turns ids into numbers, {@link Inward} numbers into ids. A directory's names and a page map's branches
 * have records of their own, so that one more name in a large directory, or one more page in a large
 * file, costs a record of that size. The root branch of a map is part of its inode's record: a small
 * file has no other.
 */
import { Input, type Output } from "../../layer/fields.ts";
import { kindOf, typeBits } from "../../posix/mode.ts";
import { nameToBytes } from "../../posix/names.ts";
import type { Content } from "../../tree/content.ts";
import type { NodeId } from "../../tree/tree.ts";
import type { InodeId, UpperDirectory, UpperInode } from "../../union/inodes.ts";
import { PageMap } from "../../union/page-map.ts";
import {
  type Branch,
  continues,
  OWN_DATA,
  PAGE_SIZE,
  type Run,
  type Slot,
  span,
  WIDTH,
} from "../../union/page-slots.ts";

export interface Outward {
  /** The number of an inode that a record refers to. */
  number(id: InodeId): number;
  /** The segment that holds a run of a file's own data. */
  segment(content: Content): number;
}

export interface Inward {
  id(number: number): InodeId;
  /** The content of a lower file. */
  lowerContent(node: NodeId): Content;
  segment(id: number): Content;
}

/** What belongs to an inode beside its record. */
export interface Belongings {
  readonly entries: Map<string, InodeId>;
  /** The record of a branch. */
  branch(level: number, index: number): Uint8Array;
}

export function writeInode(out: Output, inode: UpperInode, to: Outward): void {
  out.varint(typeBits(inode.kind) | inode.mode);
  out.varint(inode.uid);
  out.varint(inode.gid);
  out.varint(inode.names);
  writeTimes(out, inode);
  out.xattrs(inode.xattrs);
  switch (inode.kind) {
    case "file": {
      const { root, level } = inode.content.slots;
      out.varint(inode.content.size);
      out.byte(level);
      out.byte(root?.type === "branch" ? 1 : 0);
      if (root?.type === "branch") writeSlots(out, root.slots, span(level - 1), to);
      else writeSlots(out, [root], span(level), to);
      break;
    }
    case "directory":
      out.varint(to.number(inode.parent));
      out.block(nameToBytes(inode.name));
      out.varint(inode.subdirectories);
      break;
    case "symlink":
      out.block(nameToBytes(inode.target));
      break;
    case "char":
    case "block":
      out.varint(inode.rdev);
      break;
  }
}

export function readInode(bytes: Uint8Array, from: Inward, belongings: Belongings): UpperInode {
  const input = new Input(bytes, 0);
  const type = input.varint();
  const kind = kindOf(type);
  if (kind === undefined) throw new RangeError(`an inode of type ${type}`);
  const uid = input.varint();
  const gid = input.varint();
  const names = input.varint();
  const times = readTimes(input);
  const xattrs = input.xattrs();
  const mode = type & 0o7777;
  const base = { epoch: 0, mode, uid, gid, ...times, xattrs, names };
  switch (kind) {
    case "file":
      return { ...base, kind, content: readPageMap(input, from, belongings) };
    case "directory": {
      const { entries } = belongings;
      const place = { parent: from.id(input.varint()), name: input.text(), subdirectories: input.varint() };
      return { ...base, kind, entries, ...place } satisfies UpperDirectory;
    }
    case "symlink":
      return { ...base, kind, target: input.text() };
    case "char":
    case "block":
      return { ...base, kind, rdev: input.varint() };
    default:
      return { ...base, kind };
  }
}

/** Which times are written of their own; most files have two or fewer. */
const OWN_ATIME = 1;
const OWN_CTIME = 2;
const OWN_BIRTHTIME = 4;

function writeTimes(out: Output, { mtime, atime, ctime, birthtime }: UpperInode): void {
  const own =
    (atime === mtime ? 0 : OWN_ATIME) |
    (ctime === mtime ? 0 : OWN_CTIME) |
    (birthtime === atime ? 0 : OWN_BIRTHTIME);
  out.byte(own);
  out.time(mtime, 0n);
  if (own & OWN_ATIME) out.time(atime, mtime);
  if (own & OWN_CTIME) out.time(ctime, mtime);
  if (own & OWN_BIRTHTIME) out.time(birthtime, mtime);
}

function readTimes(input: Input): Pick<UpperInode, "mtime" | "atime" | "ctime" | "birthtime"> {
  const own = input.byte();
  const mtime = input.time(0n);
  const atime = own & OWN_ATIME ? input.time(mtime) : mtime;
  const ctime = own & OWN_CTIME ? input.time(mtime) : mtime;
  return { mtime, atime, ctime, birthtime: own & OWN_BIRTHTIME ? input.time(mtime) : atime };
}

function readPageMap(input: Input, from: Inward, belongings: Belongings): PageMap {
  const size = input.varint();
  const level = input.byte();
  if (input.byte() === 0) {
    return PageMap.of(size, readSlots(input, 1, level, 0, from, belongings)[0], level);
  }
  const slots = readSlots(input, WIDTH, level - 1, 0, from, belongings);
  return PageMap.of(size, { type: "branch", epoch: 0, slots }, level);
}

const HOLE = 0;
const BRANCH = 1;
const OWN = 2;
const LOWER = 3;

export function writeBranch(out: Output, branch: Branch, level: number, to: Outward): void {
  writeSlots(out, branch.slots, span(level - 1), to);
}

/** Slots of `width` bytes each, those that go on in the same place as one. */
function writeSlots(out: Output, slots: readonly (Slot | undefined)[], width: number, to: Outward): void {
  for (let i = 0; i < slots.length; ) {
    const slot = slots[i];
    let next = i + 1;
    while (next < slots.length && goesOn(slot, slots[next], (next - i) * width)) next += 1;
    writeSlot(out, slot, next - i, to);
    i = next;
  }
}

function goesOn(slot: Slot | undefined, next: Slot | undefined, length: number): boolean {
  return slot?.type === "branch" ? next?.type === "branch" : continues(slot, next, length);
}

function writeSlot(out: Output, slot: Slot | undefined, count: number, to: Outward): void {
  if (slot === undefined) {
    out.varint(count * 4 + HOLE);
  } else if (slot.type === "branch") {
    out.varint(count * 4 + BRANCH);
  } else if (slot.type === "page") {
    throw new RangeError("a page in memory has no place on disk yet");
  } else if (slot.origin === OWN_DATA) {
    out.varint(count * 4 + OWN);
    out.varint(to.segment(slot.content));
    out.varint(slot.at / PAGE_SIZE);
  } else {
    out.varint(count * 4 + LOWER);
    out.varint(to.number(slot.origin));
    out.varint(slot.at / PAGE_SIZE);
  }
}

function readSlots(
  input: Input,
  total: number,
  level: number,
  firstIndex: number,
  from: Inward,
  belongings: Belongings,
): (Slot | undefined)[] {
  const slots: (Slot | undefined)[] = [];
  while (slots.length < total) {
    const head = input.varint();
    const count = Math.floor(head / 4);
    if (!(count >= 1 && slots.length + count <= total)) throw new RangeError("slots that do not add up");
    const kind = head % 4;
    const run = kind === OWN || kind === LOWER ? readRun(input, kind, count * span(level), from) : undefined;
    for (let i = 0; i < count; i++) {
      if (kind === BRANCH) slots.push(readBranch(level, firstIndex + slots.length, from, belongings));
      else slots.push(run === undefined ? undefined : { ...run, at: run.at + i * span(level) });
    }
  }
  return slots;
}

function readRun(input: Input, kind: number, length: number, from: Inward): Run {
  if (kind === OWN) {
    const content = from.segment(input.varint());
    const at = input.varint() * PAGE_SIZE;
    if (at + length > content.size) throw new RangeError("data behind the end of its segment");
    return { type: "run", content, origin: OWN_DATA, at };
  }
  const origin = from.id(input.varint());
  return { type: "run", content: from.lowerContent(origin), origin, at: input.varint() * PAGE_SIZE };
}

function readBranch(level: number, index: number, from: Inward, belongings: Belongings): Branch {
  const input = new Input(belongings.branch(level, index), 0);
  const slots = readSlots(input, WIDTH, level - 1, index * WIDTH, from, belongings);
  return { type: "branch", epoch: 0, slots };
}

/** What the upper says of itself. */
export interface Header {
  /** The tree it stands on; empty for one that no chain of layers names. */
  readonly chainID: string;
  /** How many inodes were ever made. */
  readonly createdCount: number;
  /** The segment that is appended to, or 0. */
  readonly active: number;
  /** No segment had this id or a higher one. */
  readonly nextSegment: number;
}

/** Of all records here together. */
const FORMAT = 1;

export function writeHeader(out: Output, header: Header): void {
  out.varint(FORMAT);
  out.block(nameToBytes(header.chainID));
  out.varint(header.createdCount);
  out.varint(header.active);
  out.varint(header.nextSegment);
}

/** The header, or the number of a format that is not known here. */
export function readHeader(bytes: Uint8Array): Header | number {
  const input = new Input(bytes, 0);
  const format = input.varint();
  if (format !== FORMAT) return format;
  const chainID = input.text();
  const createdCount = input.varint();
  const active = input.varint();
  return { chainID, createdCount, active, nextSegment: input.varint() };
}
