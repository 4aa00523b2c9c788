/**
 * Packs the records of a growing tree: every path with words that do not follow from its node, and
 * the directories on the way to one. Breadth first, so that the children of a record are contiguous.
 */
import { compareNames, nameToBytes } from "../posix/names.ts";
import { type GrowingTree, ROOT_SLOT, type SlotId } from "./growing.ts";
import { NO_RECORD, recordWords } from "./records.ts";
import type { Sections } from "./sections.ts";

export interface PackedRecords {
  readonly count: number;
  readonly nameBytes: number;
  readonly words: readonly number[];
  write(sections: Sections): void;
}

/** A slot, or `~record` of the base where no slot was made for it. */
type Source = number;

export function packRecords(tree: GrowingTree): PackedRecords {
  const needed = findNeeded(tree);
  const queue: Source[] = [ROOT_SLOT];
  const names: Uint8Array[] = [new Uint8Array(0)];
  const children: number[] = [];
  const starts: number[] = [];
  const words: number[] = [];
  let nameBytes = 0;
  for (let at = 0; at < queue.length; at++) {
    const source = queue[at]!;
    starts.push(words.length);
    for (const word of wordsOf(tree, source)) words.push(word);
    children.push(queue.length);
    for (const { name, source: child } of childrenOf(tree, source, needed)) {
      queue.push(child);
      names.push(name);
      nameBytes += name.length;
    }
  }
  return {
    count: queue.length,
    nameBytes,
    words,
    write(sections) {
      let byte = 0;
      names.forEach((name, i) => {
        sections.recordName[i] = byte;
        sections.recordNames.set(name, byte);
        byte += name.length;
      });
      sections.recordName[names.length] = byte;
      sections.recordChild.set(children);
      sections.recordChild[queue.length] = queue.length;
      sections.recordWord.set(starts);
      sections.recordWord[queue.length] = words.length;
      sections.words.set(words);
    },
  };
}

/** For each slot, whether it needs a record. A child's slot is higher than its parent's, so one pass from the end does. */
function findNeeded(tree: GrowingTree): Uint8Array {
  const needed = new Uint8Array(tree.slotCount);
  for (let slot = tree.slotCount - 1; slot > ROOT_SLOT; slot--) {
    if (
      tree.recordOf(slot) !== NO_RECORD ||
      (tree.nodeOf(slot) < 0 ? tree.words(slot).length > 0 : !tree.isDefault(slot))
    ) {
      needed[slot] = 1;
    }
    if (needed[slot] === 1) needed[tree.parentOf(slot)] = 1;
  }
  return needed;
}

function wordsOf(tree: GrowingTree, source: Source): readonly number[] {
  if (source < 0) return recordWords(tree.base.sections, ~source);
  return tree.isDefault(source) ? [] : tree.words(source);
}

function childrenOf(
  tree: GrowingTree,
  source: Source,
  needed: Uint8Array,
): { name: Uint8Array; source: Source }[] {
  const live = source < 0 ? undefined : tree.liveNames(source);
  if (live === undefined) return baseChildren(tree, source < 0 ? ~source : tree.recordOf(source));
  const found: { name: string; slot: SlotId }[] = [];
  for (const [name, slot] of live) if (needed[slot] === 1) found.push({ name, slot });
  for (const [name, slot] of tree.deadNames(source) ?? []) {
    if (needed[slot] === 1) found.push({ name, slot });
  }
  return found
    .sort((a, b) => compareNames(a.name, b.name))
    .map(({ name, slot }) => ({ name: nameToBytes(name), source: slot }));
}

function baseChildren(tree: GrowingTree, record: number): { name: Uint8Array; source: Source }[] {
  if (record === NO_RECORD) return [];
  const { recordChild, recordName, recordNames } = tree.base.sections;
  const children: { name: Uint8Array; source: Source }[] = [];
  for (let i = recordChild[record]!; i < recordChild[record + 1]!; i++) {
    children.push({ name: recordNames.subarray(recordName[i]!, recordName[i + 1]!), source: ~i });
  }
  return children;
}
