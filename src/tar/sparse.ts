/**
 * Sparse files in all the forms GNU tar has written (rule 40): the old GNU map in the header and its
 * extension blocks, PAX 0.0 and 0.1 with the map in records, PAX 1.0 with the map at the start of the
 * stored bytes. All end as extents: checked, ascending, without empty ones.
 */
import type { Extent } from "../tree/content.ts";
import { BLOCK, parseNumber } from "./header.ts";
import type { MakeError, PaxSparse } from "./pax.ts";

/** Most bytes of an archive that one sparse map may take: Go's bound for the same. */
export const MAX_SPARSE_MAP = 1024 * 1024;

/**
 * Collects the pairs of an old GNU map: four in the header at 386, 21 in each extension block. A pair
 * whose offset field starts with NUL ends the block, as for GNU tar and bsdtar.
 */
export class OldGnuMap {
  readonly numbers: number[] = [];
  readonly realSize: number;
  /** Whether an extension block follows. */
  extended: boolean;
  #bytes = 0;

  constructor(header: Uint8Array, at: number, error: MakeError) {
    this.realSize = parseNumber(header, at + 483, 12);
    if (!(this.realSize >= 0)) throw error("corrupt", "malformed size of a sparse file (rule 40)");
    if (this.realSize > Number.MAX_SAFE_INTEGER) throw error("range", "size is above 2^53 (rule 40)");
    this.#pairs(header, at + 386, 4, error);
    this.extended = header[at + 482] !== 0;
  }

  /** Reads an extension block. */
  extend(block: Uint8Array, at: number, error: MakeError): void {
    this.#bytes += BLOCK;
    if (this.#bytes > MAX_SPARSE_MAP) throw error("limit", "sparse map above 1 MiB (rule 40)");
    this.#pairs(block, at, 21, error);
    this.extended = block[at + 504] !== 0;
  }

  #pairs(block: Uint8Array, at: number, count: number, error: MakeError): void {
    for (let i = at; i < at + count * 24 && block[i] !== 0; i += 24) {
      const offset = parseNumber(block, i, 12);
      const length = parseNumber(block, i + 12, 12);
      if (!(offset >= 0 && length >= 0)) throw error("corrupt", "malformed sparse map (rule 40)");
      this.numbers.push(offset, length);
    }
  }
}

/**
 * Reads the map of PAX format 1.0: decimal numbers, each on a line, the count of pairs first; zeros
 * up to the end of the block. Takes whole blocks.
 */
export class StoredMap {
  readonly numbers: number[] = [];
  /** How many bytes of blocks it has taken. */
  bytes = 0;
  /** Numbers still to come; the count itself first. */
  #due = 1;
  #counted = false;
  #value = 0;
  #digits = 0;

  /** Reads a block; true when it holds the end of the map. */
  take(block: Uint8Array, at: number, error: MakeError): boolean {
    this.bytes += BLOCK;
    if (this.bytes > MAX_SPARSE_MAP) throw error("limit", "sparse map above 1 MiB (rule 40)");
    for (let i = at; i < at + BLOCK; i++) {
      const byte = block[i]!;
      if (byte === 0x0a && this.#digits > 0) {
        if (this.#line(error)) return true;
        continue;
      }
      const digit = byte - 0x30;
      if (digit < 0 || digit > 9 || ++this.#digits > 16)
        throw error("corrupt", "malformed sparse map (rule 40)");
      this.#value = this.#value * 10 + digit;
    }
    return false;
  }

  #line(error: MakeError): boolean {
    const value = this.#value;
    this.#value = 0;
    this.#digits = 0;
    this.#due -= 1;
    if (this.#counted) {
      this.numbers.push(value);
    } else {
      this.#counted = true;
      if (value > MAX_SPARSE_MAP / 4) throw error("limit", "sparse map above 1 MiB (rule 40)");
      this.#due = value * 2;
    }
    return this.#due === 0;
  }
}

/** Which PAX format the records state: `map` has it in the records, `stored` in the bytes. */
export function paxSparseForm(sparse: PaxSparse): "map" | "stored" | undefined {
  const { major = "", minor = "" } = sparse;
  if (major === "0" && (minor === "0" || minor === "1")) return "map";
  if (major === "1" && minor === "0") return "stored";
  // 0.0 and 0.1 did not always state a version; another version is none that anyone has defined.
  return major === "" && minor === "" && sparse.map !== undefined ? "map" : undefined;
}

/** The pairs of format 0.0 or 0.1, whose count must be the stated one. */
export function recordedMap(sparse: PaxSparse, error: MakeError): readonly number[] {
  const map = sparse.map ?? [];
  if (sparse.blockCount === undefined || map.length !== sparse.blockCount * 2) {
    throw error("corrupt", "sparse map is not as long as stated (rule 40)");
  }
  return map;
}

/**
 * Extents from offsets and lengths in turn.
 * @param size of the file
 * @param stored how many bytes the archive has for it, which the extents must account for
 */
export function checkedExtents(
  numbers: readonly number[],
  size: number,
  stored: number,
  error: MakeError,
): readonly Extent[] {
  const extents: Extent[] = [];
  let end = 0;
  let sum = 0;
  for (let i = 0; i < numbers.length; i += 2) {
    const offset = numbers[i]!;
    const length = numbers[i + 1]!;
    if (offset < end) throw error("corrupt", "sparse map is not in order (rule 40)");
    end = offset + length;
    if (end > size) throw error("corrupt", "sparse map reaches past the end of its file (rule 40)");
    sum += length;
    if (length > 0) extents.push({ offset, length });
  }
  if (sum !== stored) throw error("corrupt", `sparse map covers ${sum} of ${stored} stored bytes (rule 40)`);
  return extents;
}
