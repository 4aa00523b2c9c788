/**
 * A tree while layers are applied to it: the one mutable form, dropped once it is packed.
 *
 * It starts as a packed tree, of which a directory's names are read into maps only when something in
 * it is touched. Its unit is the **slot**: a path that is, or once was, in the tree. A slot keeps its
 * place and its words (`provenance.ts`) when its node goes, so that the history of a path survives
 * its inode; since a directory has one name, a slot is also what children hang on.
 *
 * Invariants:
 * - A slot is in its parent's `live` map exactly while it has a node, else in `dead`, or nowhere
 *   when no layer but the current one ever named it.
 * - `stamp` is the position of the layer that set a slot's node or a directory's attributes (rule 11a);
 *   a slot of the base has stamp 0, lower than any layer.
 * - Nothing below a slot that is no live directory is live.
 * - A child's slot number is higher than its parent's.
 */
import { S_IFDIR, S_IFLNK, S_IFMT } from "../posix/mode.ts";
import { nameFromBytes } from "../posix/names.ts";
import { type NodeAttributes, NodeTable, widen } from "./node-table.ts";
import type { PackedTree } from "./packed.ts";
import { IMPLIED, KEPT, LINKED, makeWord, OPAQUE, PRESENT, PUT, WHITEOUT, WIPED } from "./provenance.ts";
import { findRecord, NO_RECORD, ROOT_RECORD, recordWords } from "./records.ts";
import { SLOT_NODE, SLOT_WORDS } from "./slot-words.ts";
import { WordTable } from "./word-table.ts";

/** A slot: an index, meaningful in one growing tree. */
export type SlotId = number;

export const ROOT_SLOT: SlotId = 0;
export const NO_SLOT_ID: SlotId = -1;
const NO_NODE = -1;

type Names = Map<string, SlotId>;

export class GrowingTree {
  readonly base: PackedTree;
  readonly nodes: NodeTable;
  /** Position of the current layer, from 1. */
  layer: number;
  slotCount = 0;
  /**
   * Counts directories and symlinks that went away or were replaced: while it stands, a path that
   * led to a directory still leads to it (M19).
   */
  turns = 0;

  /** The node of each slot, or -1. */
  #node: Int32Array = new Int32Array(64);
  #parent: Uint32Array = new Uint32Array(64);
  /** The record of each slot in the base, or -1. */
  #record: Int32Array = new Int32Array(64);
  #stamp: Uint32Array = new Uint32Array(64);
  /** The layer in which everything lower below a directory was last hidden. */
  #cleared: Uint32Array = new Uint32Array(64);
  readonly #words: WordTable = new WordTable();
  readonly #live: (Names | undefined)[] = [];
  readonly #dead: (Names | undefined)[] = [];

  constructor(base: PackedTree) {
    this.base = base;
    this.nodes = new NodeTable(base);
    this.layer = base.layerCount;
    this.#addSlot(ROOT_SLOT, base.root, ROOT_RECORD);
  }

  beginLayer(): void {
    this.layer += 1;
    this.nodes.beginLayer();
  }

  /** The slot of a name that is there, or {@link NO_SLOT_ID}. */
  child(directory: SlotId, name: string): SlotId {
    return this.#names(directory).get(name) ?? NO_SLOT_ID;
  }

  isDirectory(slot: SlotId): boolean {
    return this.#hasType(slot, S_IFDIR);
  }

  isSymlink(slot: SlotId): boolean {
    return this.#hasType(slot, S_IFLNK);
  }

  /** The node of a slot, or -1 where the name is gone. */
  nodeOf(slot: SlotId): number {
    return this.#node[slot]!;
  }

  /** The slot of the directory that a slot is in; the root holds itself. */
  parentOf(slot: SlotId): SlotId {
    return this.#parent[slot]!;
  }

  /** Whether a slot lies below another. */
  isBelow(slot: SlotId, ancestor: SlotId): boolean {
    // A child's number is higher than its parent's.
    let at = slot;
    while (at > ancestor && at !== ROOT_SLOT) {
      at = this.#parent[at]!;
      if (at === ancestor) return true;
    }
    return false;
  }

  /** Target of the symlink in a slot. */
  target(slot: SlotId): string {
    return this.nodes.target(this.#node[slot]!);
  }

  // What a layer does. Each takes a live directory and a name in it.

  /** A directory entry: replaces the attributes of a directory, and anything else as a whole (rules 8, 9). */
  putDirectory(directory: SlotId, name: string, attributes: NodeAttributes): SlotId {
    const slot = this.child(directory, name);
    if (slot !== NO_SLOT_ID && this.isDirectory(slot)) {
      this.putAttributes(slot, attributes);
      return slot;
    }
    return this.#set(directory, name, this.nodes.add("directory", attributes), PUT);
  }

  /** The attributes of a directory that stays (rules 1, 8). */
  putAttributes(slot: SlotId, attributes: NodeAttributes): void {
    this.nodes.setAttributes(this.#node[slot]!, attributes);
    this.#stamp[slot] = this.layer;
    this.#remark(slot, PUT);
  }

  /** An entry of any kind but a directory and a hardlink; its node is already in `nodes`. */
  put(directory: SlotId, name: string, node: number): SlotId {
    return this.#set(directory, name, node, PUT);
  }

  /** A parent directory that no entry describes (rules 5, 6). */
  imply(directory: SlotId, name: string, attributes: NodeAttributes): SlotId {
    return this.#set(directory, name, this.nodes.add("directory", attributes), IMPLIED);
  }

  /** One more name for an inode. */
  link(directory: SlotId, name: string, node: number): SlotId {
    return this.#set(directory, name, node, LINKED);
  }

  /** Removes what lower layers have of a name, if anything (rules 11, 11a). */
  whiteout(directory: SlotId, name: string): void {
    const slot = this.child(directory, name);
    if (slot === NO_SLOT_ID) return;
    if (this.#hasEarlierWords(slot)) this.#mark(slot, WHITEOUT);
    if (this.isDirectory(slot)) {
      this.#clear(slot);
      this.#settle(slot, directory, name);
    } else if (this.#stamp[slot]! < this.layer) {
      this.#kill(slot, directory, name);
    }
  }

  /** Removes what lower layers have in a directory (rules 13, 15). */
  opaque(slot: SlotId): void {
    if (slot === ROOT_SLOT || this.#hasEarlierWords(slot)) this.#mark(slot, OPAQUE);
    this.#clear(slot);
  }

  // What a packer reads.

  /** The record of a slot in the base, or NO_RECORD. */
  recordOf(slot: SlotId): number {
    return this.#record[slot]!;
  }

  /** Names that are there, or undefined for a directory of the base that nothing touched. */
  liveNames(slot: SlotId): ReadonlyMap<string, SlotId> | undefined {
    return this.#live[slot];
  }

  /** Names that were there, or undefined for none, or where nothing touched them since the base. */
  deadNames(slot: SlotId): ReadonlyMap<string, SlotId> | undefined {
    return this.#dead[slot];
  }

  /** The words of a slot, in ascending order of layer. */
  words(slot: SlotId): readonly number[] {
    return this.#words.all(slot);
  }

  /** Whether a slot's words follow from its node: see `provenance.ts`. */
  isDefault(slot: SlotId): boolean {
    const node = this.#node[slot]!;
    return node !== NO_NODE && this.#words.isOnly(slot, makeWord(this.nodes.layerOf(node) - 1, PUT));
  }

  #hasType(slot: SlotId, type: number): boolean {
    const node = this.#node[slot]!;
    return node !== NO_NODE && (this.nodes.mode[node]! & S_IFMT) === type;
  }

  #addSlot(parent: SlotId, node: number, record: number): SlotId {
    const slot = this.slotCount++;
    if (slot === this.#node.length) this.#grow();
    this.#node[slot] = node;
    this.#parent[slot] = parent;
    this.#record[slot] = record;
    const words = recordWords(this.base.sections, record);
    const isDefault = words.length === 0 && node !== NO_NODE && slot !== ROOT_SLOT;
    this.#words.set(slot, isDefault ? [this.base.defaultWord(node)] : words);
    return slot;
  }

  #grow(): void {
    const capacity = this.#node.length * 2;
    this.#node = widen(this.#node, new Int32Array(capacity));
    this.#parent = widen(this.#parent, new Uint32Array(capacity));
    this.#record = widen(this.#record, new Int32Array(capacity));
    this.#stamp = widen(this.#stamp, new Uint32Array(capacity));
    this.#cleared = widen(this.#cleared, new Uint32Array(capacity));
  }

  /** The live names of a directory, read from the base at the first touch, its dead ones with them. */
  #names(slot: SlotId): Names {
    return this.#live[slot] ?? this.#thaw(slot);
  }

  #thaw(slot: SlotId): Names {
    const names: Names = new Map();
    this.#live[slot] = names;
    const node = this.#node[slot]!;
    const { sections } = this.base;
    const record = this.#record[slot]!;
    if (this.isDirectory(slot) && node < this.base.nodeCount) {
      const row = sections.place[node]!;
      for (let i = sections.dirStart[row]!; i < sections.dirStart[row + 1]!; i++) {
        const name = this.base.nameAt(i);
        const child = sections.slots[i * SLOT_WORDS + SLOT_NODE]!;
        names.set(name, this.#addSlot(slot, child, findRecord(sections, record, name)));
      }
    }
    if (record !== NO_RECORD) this.#thawDead(slot, record, names);
    return names;
  }

  #thawDead(slot: SlotId, record: number, live: Names): void {
    const { recordChild, recordName, recordNames } = this.base.sections;
    for (let i = recordChild[record]!; i < recordChild[record + 1]!; i++) {
      const name = nameFromBytes(recordNames, recordName[i]!, recordName[i + 1]!);
      if (!live.has(name)) this.#deadNames(slot).set(name, this.#addSlot(slot, NO_NODE, i));
    }
  }

  #deadNames(slot: SlotId): Names {
    return (this.#dead[slot] ??= new Map());
  }

  #set(directory: SlotId, name: string, node: number, flag: number): SlotId {
    const names = this.#names(directory);
    let slot = names.get(name);
    if (slot === undefined) {
      slot = this.#dead[directory]?.get(name);
      if (slot === undefined) slot = this.#addSlot(directory, NO_NODE, NO_RECORD);
      else this.#dead[directory]!.delete(name);
      names.set(name, slot);
    } else if (this.isDirectory(slot)) {
      this.#wipe(slot);
      this.turns += 1;
    } else if (this.isSymlink(slot)) {
      this.turns += 1;
    }
    this.#node[slot] = node;
    this.#stamp[slot] = this.layer;
    this.#remark(slot, flag);
    return slot;
  }

  /** Removes everything below a directory, entries of the current layer included: the last one wins (rules 9, 10). */
  #wipe(top: SlotId): void {
    if (this.#hasEarlierWords(top)) this.#mark(top, WIPED);
    const directories = [top];
    for (let directory = directories.pop(); directory !== undefined; directory = directories.pop()) {
      const names = this.#names(directory);
      for (const [name, slot] of names) {
        if (this.isDirectory(slot)) {
          this.#names(slot);
          directories.push(slot);
        }
        this.#retire(slot, directory, name);
      }
      names.clear();
    }
  }

  /**
   * Removes everything lower below a directory, except directories on the way to a slot of this layer.
   * Each directory is walked once in a layer, since nothing lower can come back within it.
   */
  #clear(top: SlotId): void {
    const found: { slot: SlotId; parent: SlotId; name: string }[] = [];
    const walk = [top];
    for (let directory = walk.pop(); directory !== undefined; directory = walk.pop()) {
      if (this.#cleared[directory] === this.layer) continue;
      const names = this.#names(directory);
      this.#cleared[directory] = this.layer;
      for (const [name, slot] of names) {
        if (this.isDirectory(slot)) {
          walk.push(slot);
          found.push({ slot, parent: directory, name });
        } else if (this.#stamp[slot]! < this.layer) {
          this.#kill(slot, directory, name);
        }
      }
    }
    // A directory is found after the one that holds it: from the last, whatever lies below is settled.
    for (let i = found.length - 1; i >= 0; i--) {
      const { slot, parent, name } = found[i]!;
      this.#settle(slot, parent, name);
    }
  }

  /** Decides on a lower directory whose lower content is gone. */
  #settle(slot: SlotId, parent: SlotId, name: string): void {
    if (this.#stamp[slot]! >= this.layer) return;
    if (this.#names(slot).size === 0) this.#kill(slot, parent, name);
    else this.#mark(slot, KEPT);
  }

  #kill(slot: SlotId, parent: SlotId, name: string): void {
    if (this.isDirectory(slot) || this.isSymlink(slot)) this.turns += 1;
    this.#names(parent).delete(name);
    this.#retire(slot, parent, name);
  }

  /** Takes the node out of a slot; the slot stays for its history, if it has one besides this layer's. */
  #retire(slot: SlotId, parent: SlotId, name: string): void {
    this.#node[slot] = NO_NODE;
    this.#words.unmark(slot, this.layer - 1, PRESENT | KEPT);
    if (!this.#words.isEmpty(slot)) this.#deadNames(parent).set(name, slot);
  }

  #hasEarlierWords(slot: SlotId): boolean {
    return this.#words.hasBefore(slot, this.layer - 1);
  }

  /** The name is there by this layer's `flag`, whatever it was in it before. */
  #remark(slot: SlotId, flag: number): void {
    this.#words.unmark(slot, this.layer - 1, PRESENT | KEPT);
    this.#mark(slot, flag);
  }

  #mark(slot: SlotId, flags: number): void {
    this.#words.mark(slot, this.layer - 1, flags);
  }
}
