/**
 * Writes what changed between two commit points of an upper into its metadata.
 *
 * An inode that differs has its record written again; of its names and branches only those that differ
 * have. An inode that was not kept before is written whole, one that is not kept any more goes with all
 * that belongs to it. A lower inode that a record refers to has a reference, written once.
 */
import { Output } from "../../layer/fields.ts";
import { compareBytes, nameToBytes } from "../../posix/names.ts";
import type { Content } from "../../tree/content.ts";
import { type InodeId, isLower, newInodeNumber, type UpperInode } from "../../union/inodes.ts";
import type { PageMap } from "../../union/page-map.ts";
import { type Branch, OWN_DATA } from "../../union/page-slots.ts";
import type { View } from "../../union/view.ts";
import { branchKey, entryKey, inodeKey, inodeRange, referenceKey } from "./keys.ts";
import { LowerPaths } from "./lower-paths.ts";
import type { Metadata } from "./metadata.ts";
import { eachDifference, isKept } from "./named-part.ts";
import { type Outward, writeBranch, writeInode } from "./records.ts";
import { SegmentContent } from "./segment.ts";
import { slotChanges } from "./slot-changes.ts";

/** What stands for a whiteout among an upper directory's names; no inode has this number. */
export const WHITEOUT_NUMBER = 0;

/** An inode that is not at a commit point as it was at the one before. */
export interface InodeChange {
  readonly id: InodeId;
  readonly before: UpperInode | undefined;
  readonly after: UpperInode | undefined;
}

/** What differs between two commit points. Inodes that neither keeps are not among it. */
export function changesBetween(before: View, after: View): InodeChange[] {
  const changes: InodeChange[] = [];
  eachDifference(before, after, (id, a, b) => {
    const old = isKept(before, id, a) ? a : undefined;
    const now = isKept(after, id, b) ? b : undefined;
    if (old !== undefined || now !== undefined) changes.push({ id, before: old, after: now });
  });
  return changes;
}

export class ChangeWriter {
  readonly #metadata: Metadata;
  readonly #view: View;
  /** Numbers of lower inodes that have a reference. */
  readonly #known: ReadonlySet<number>;
  readonly #paths: LowerPaths;
  readonly #out = new Output();
  readonly #compared = new Output();
  /** Numbers that got a reference. */
  readonly referred = new Set<number>();
  /** By how many bytes more or less each segment is referred to. */
  readonly references = new Map<number, number>();

  readonly #outward: Outward = {
    number: (id) => this.#number(id),
    segment: (content) => segmentOf(content),
  };

  constructor(metadata: Metadata, view: View, known: ReadonlySet<number>) {
    this.#metadata = metadata;
    this.#view = view;
    this.#known = known;
    this.#paths = new LowerPaths(view.tree);
  }

  #number(id: InodeId): number {
    if (!isLower(id)) return newInodeNumber(id);
    const number = this.#view.tree.number(id);
    if (!this.#known.has(number) && !this.referred.has(number)) {
      this.#metadata.put(referenceKey(number), nameToBytes(this.#paths.of(id)));
      this.referred.add(number);
    }
    return number;
  }

  write({ id, before, after }: InodeChange): void {
    const number = this.#number(id);
    if (after === undefined || (before !== undefined && before.kind !== after.kind)) {
      const { start, end } = inodeRange(number);
      this.#metadata.removeRange(start, end);
    }
    const old = before?.kind === after?.kind ? before : undefined;
    if (before !== old && before?.kind === "file") this.#countOnly(before.content);
    if (after === undefined) return;
    this.#put(inodeKey(number), (out) => writeInode(out, after, this.#outward));
    if (after.kind === "file") {
      this.#writeBranches(number, old?.kind === "file" ? old.content : undefined, after.content);
    } else if (after.kind === "directory") {
      this.#writeEntries(number, old?.kind === "directory" ? old.entries : new Map(), after.entries);
    }
  }

  #put(key: Uint8Array, write: (out: Output) => void): void {
    this.#out.length = 0;
    write(this.#out);
    this.#metadata.put(key, this.#out.written());
  }

  /** Takes the references of a map away whose records are gone already. */
  #countOnly(content: PageMap): void {
    slotChanges(content, undefined, {
      run: (run, length, sign) => this.#count(run.origin, run.content, length * sign),
      branch: () => {},
    });
  }

  #count(origin: number, content: Content, bytes: number): void {
    if (origin !== OWN_DATA) return;
    const id = segmentOf(content);
    this.references.set(id, (this.references.get(id) ?? 0) + bytes);
  }

  #writeBranches(number: number, before: PageMap | undefined, after: PageMap): void {
    slotChanges(before, after, {
      run: (run, length, sign) => this.#count(run.origin, run.content, length * sign),
      branch: (level, index, old, now) => {
        const key = branchKey(number, level, index);
        if (now === undefined) this.#metadata.remove(key);
        else if (old === undefined || this.#differ(old, now, level)) {
          this.#put(key, (out) => writeBranch(out, now, level, this.#outward));
        }
      },
    });
  }

  /** Whether two branches have different records: one whose branches alone changed has not. */
  #differ(before: Branch, after: Branch, level: number): boolean {
    this.#out.length = 0;
    this.#compared.length = 0;
    writeBranch(this.#out, before, level, this.#outward);
    writeBranch(this.#compared, after, level, this.#outward);
    return compareBytes(this.#out.written(), this.#compared.written()) !== 0;
  }

  #writeEntries(
    number: number,
    before: ReadonlyMap<string, InodeId>,
    after: ReadonlyMap<string, InodeId>,
  ): void {
    for (const name of before.keys()) {
      if (!after.has(name)) this.#metadata.remove(entryKey(number, name));
    }
    for (const [name, id] of after) {
      if (before.get(name) === id) continue;
      const target = id < 0 ? WHITEOUT_NUMBER : this.#number(id);
      this.#put(entryKey(number, name), (out) => out.varint(target));
    }
  }
}

function segmentOf(content: Content): number {
  if (content instanceof SegmentContent) return content.id;
  throw new RangeError("data of an upper's own that lies in no segment");
}
