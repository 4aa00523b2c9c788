/**
 * Records: paths whose words (`provenance.ts`) are stored, as a tree beside the tree. Record 0 is the
 * root. A record without words only leads to records below it.
 */
import { nameToBytes } from "../posix/names.ts";
import { findName } from "./name-search.ts";
import type { Sections } from "./sections.ts";

export const ROOT_RECORD = 0;
export const NO_RECORD = -1;

/** The record of a name below a record, or {@link NO_RECORD}. */
export function findRecord(sections: Sections, record: number, name: string): number {
  if (record === NO_RECORD) return NO_RECORD;
  const { recordName, recordChild, recordNames } = sections;
  const [low, high] = [recordChild[record]!, recordChild[record + 1]!];
  return low === high ? NO_RECORD : findName(recordNames, recordName, 1, low, high, nameToBytes(name));
}

/** The words of a record in ascending order of layer; none for {@link NO_RECORD}. */
export function recordWords(sections: Sections, record: number): readonly number[] {
  if (record === NO_RECORD) return [];
  const { recordWord, words } = sections;
  return Array.from(words.subarray(recordWord[record]!, recordWord[record + 1]!));
}
