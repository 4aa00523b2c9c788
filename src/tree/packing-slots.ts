/**
 * The names of a growing tree on their way into a packed one: which nodes have any, and the slots of
 * every directory in order, with what follows from them: groups of hardlinks, counts of directories,
 * and the index.
 */
import { S_IFDIR, S_IFMT } from "../posix/mode.ts";
import { compareNames, nameLength, nameToBytes } from "../posix/names.ts";
import { type GrowingTree, ROOT_SLOT, type SlotId } from "./growing.ts";
import { buildIndex } from "./name-index.ts";
import { GROUP_FLAG, NO_SLOT, type Sections } from "./sections.ts";
import { SLOT_DIRECTORY, SLOT_NODE, SLOT_WORDS } from "./slot-words.ts";

const UNTOUCHED = -1;

/** Which nodes have a name, and where a touched directory's names are. */
export interface Reach {
  /** How many names each node has; the root counts as having one. */
  readonly names: Uint32Array;
  /** The slot of each directory whose names were touched, else {@link UNTOUCHED}. */
  readonly slot: Int32Array;
  readonly slots: number;
  readonly nameBytes: number;
}

/** Walks the tree from the root. */
export function findReachable(tree: GrowingTree): Reach {
  const { nodes, base } = tree;
  const { dirStart, slots: baseSlots, place } = base.sections;
  const names = new Uint32Array(nodes.length);
  const slot = new Int32Array(nodes.length).fill(UNTOUCHED);
  let slots = 0;
  let nameBytes = 0;
  names[base.root] = 1;
  slot[base.root] = tree.liveNames(ROOT_SLOT) === undefined ? UNTOUCHED : ROOT_SLOT;
  const walk = [base.root];
  for (let directory = walk.pop(); directory !== undefined; directory = walk.pop()) {
    const touched = slot[directory]!;
    if (touched !== UNTOUCHED) {
      for (const [name, child] of tree.liveNames(touched)!) {
        const node = tree.nodeOf(child);
        slots += 1;
        nameBytes += nameLength(name);
        names[node]! += 1;
        if ((nodes.mode[node]! & S_IFMT) !== S_IFDIR) continue;
        if (tree.liveNames(child) !== undefined) slot[node] = child;
        walk.push(node);
      }
    } else if (directory < base.nodeCount) {
      const row = place[directory]!;
      const start = dirStart[row]!;
      const end = dirStart[row + 1]!;
      slots += end - start;
      nameBytes += baseSlots[end * SLOT_WORDS]! - baseSlots[start * SLOT_WORDS]!;
      for (let i = start; i < end; i++) {
        const node = baseSlots[i * SLOT_WORDS + SLOT_NODE]!;
        names[node]! += 1;
        if ((nodes.mode[node]! & S_IFMT) === S_IFDIR) walk.push(node);
      }
    }
  }
  return { names, slot, slots, nameBytes };
}

/** Writes directories and slots, and from the slots each node's own. */
export function writeSlots(
  tree: GrowingTree,
  reach: Reach,
  rank: Int32Array,
  alive: Uint32Array,
  sections: Sections,
): void {
  const { base, nodes } = tree;
  const from = base.sections;
  const writer = new SlotWriter(sections, reach, alive);
  for (let i = 0; i < alive.length; i++) {
    const directory = alive[i]!;
    if ((nodes.mode[directory]! & S_IFMT) !== S_IFDIR) continue;
    writer.beginDirectory(i);
    const touched = reach.slot[directory]!;
    if (touched !== UNTOUCHED) {
      const names = tree.liveNames(touched)!;
      for (const name of sortedNames(names)) {
        const node = tree.nodeOf(names.get(name)!);
        writer.addName(name);
        writer.addNode(rank[node]!);
      }
    } else if (directory < base.nodeCount) {
      const row = from.place[directory]!;
      const start = from.dirStart[row]!;
      const end = from.dirStart[row + 1]!;
      for (let j = start; j < end; j++) {
        const at = j * SLOT_WORDS;
        writer.addNameBytes(from.names, from.slots[at]!, from.slots[at + SLOT_WORDS]!);
        writer.addNode(rank[from.slots[at + SLOT_NODE]!]!);
      }
    }
  }
  writer.end();
  buildIndex(sections.nameIndex, sections.slots, sections.names);
}

class SlotWriter {
  readonly #sections: Sections;
  readonly #filled: Uint32Array;
  #row = -1;
  #directory = 0;
  #slot = 0;
  #byte = 0;

  constructor(sections: Sections, reach: Reach, alive: Uint32Array) {
    const { nodeSlot, groupStart } = sections;
    let group = 0;
    let at = 0;
    alive.forEach((node, i) => {
      const names = reach.names[node]!;
      nodeSlot[i] = NO_SLOT;
      if (names < 2) return;
      nodeSlot[i] = GROUP_FLAG | group;
      groupStart[group++] = at;
      at += names;
    });
    groupStart[group] = at;
    this.#sections = sections;
    this.#filled = new Uint32Array(group);
  }

  beginDirectory(node: number): void {
    this.#row += 1;
    this.#directory = node;
    this.#sections.dirStart[this.#row] = this.#slot;
  }

  addName(name: string): void {
    const { names } = this.#sections;
    const start = this.#byte;
    for (let i = 0; i < name.length; i++) {
      const unit = name.charCodeAt(i);
      if (unit > 0x7f) {
        const bytes = nameToBytes(name);
        this.addNameBytes(bytes, 0, bytes.length);
        return;
      }
      names[start + i] = unit;
    }
    this.#sections.slots[this.#slot * SLOT_WORDS] = start;
    this.#byte = start + name.length;
  }

  addNameBytes(bytes: Uint8Array, start: number, end: number): void {
    const { names, slots } = this.#sections;
    slots[this.#slot * SLOT_WORDS] = this.#byte;
    for (let i = start; i < end; i++) names[this.#byte++] = bytes[i]!;
  }

  addNode(node: number): void {
    const { nodeSlot, slots, groupStart, groupSlot, dirSubdirectories, mode } = this.#sections;
    const slot = this.#slot++;
    slots[slot * SLOT_WORDS + SLOT_DIRECTORY] = this.#directory;
    slots[slot * SLOT_WORDS + SLOT_NODE] = node;
    const own = nodeSlot[node]!;
    if (own === NO_SLOT) {
      nodeSlot[node] = slot;
    } else {
      const group = own & ~GROUP_FLAG;
      groupSlot[groupStart[group]! + this.#filled[group]!] = slot;
      this.#filled[group]! += 1;
    }
    if ((mode[node]! & S_IFMT) === S_IFDIR) dirSubdirectories[this.#row]! += 1;
  }

  end(): void {
    this.#sections.dirStart[this.#row + 1] = this.#slot;
    this.#sections.slots[this.#slot * SLOT_WORDS] = this.#byte;
  }
}

/** The names of a map in byte order. Names arrive sorted more often than not. */
function sortedNames(names: ReadonlyMap<string, SlotId>): string[] {
  const list = [...names.keys()];
  for (let i = 1; i < list.length; i++) {
    if (compareNames(list[i - 1]!, list[i]!) > 0) return list.sort(compareNames);
  }
  return list;
}
