/**
 * Puts an upper together from its metadata: inodes, names and page maps, no file data. Costs what the
 * upper holds, whatever the image holds.
 *
 * All pairs are read in one go, so what is put together is one commit point. Lower inodes are found by
 * their references (M22). Names lead to numbers, so the order in which inodes come does not matter;
 * that each leads to an inode which is there is checked at the end (M23).
 */
import { Input } from "../../layer/fields.ts";
import { nameFromBytes } from "../../posix/names.ts";
import { type Content, EMPTY_CONTENT } from "../../tree/content.ts";
import { FIRST_NEW_NUMBER, NO_NODE, type NodeId, type Tree } from "../../tree/tree.ts";
import { FIRST_NEW_ID, type InodeId, isLower, WHITEOUT } from "../../union/inodes.ts";
import { OWN_DATA } from "../../union/page-slots.ts";
import { View } from "../../union/view.ts";
import { type Key, parseKey } from "./keys.ts";
import { findLower } from "./lower-paths.ts";
import type { Pair } from "./metadata.ts";
import { eachInode } from "./named-part.ts";
import { type Belongings, type Header, type Inward, readHeader, readInode } from "./records.ts";
import { SegmentContent } from "./segment.ts";
import { slotChanges } from "./slot-changes.ts";
import { mismatchError, UpperError } from "./upper.ts";
import { WHITEOUT_NUMBER } from "./write-changes.ts";

/** What is known before the first inode is read: how to open the segments. */
export interface Preamble {
  readonly header: Header;
  /** Lengths of segments by id. */
  readonly segments: ReadonlyMap<number, number>;
}

/** Where the runs of an upper's own data lie. */
export type SegmentSource = (id: number) => Content | undefined;

export interface Loaded {
  readonly header: Header;
  readonly view: View;
  /** Numbers of lower inodes that have a reference. */
  readonly references: ReadonlySet<number>;
  /** How many bytes of each segment files refer to. */
  readonly live: ReadonlyMap<number, number>;
}

/**
 * @param at the upper's place, for errors
 * @param openSegments is called once
 * @throws UpperError (`missing`, `mismatch`, `format`, `damaged`); what `openSegments` throws
 */
export function load(
  at: string,
  pairs: Iterable<Pair>,
  tree: Tree,
  openSegments: (preamble: Preamble) => SegmentSource,
): Loaded {
  const loader = new Loader(at, tree, openSegments);
  for (const { key, value } of pairs) loader.add(parseKey(key), value);
  return loader.finish();
}

/** An inode and what belongs to it, as far as read. */
class Group implements Belongings {
  readonly number: number;
  readonly record: Uint8Array;
  #branches: Map<number, Uint8Array> | undefined;
  #entries: Map<string, InodeId> | undefined;

  constructor(number: number, record: Uint8Array) {
    this.number = number;
    this.record = record;
  }

  get entries(): Map<string, InodeId> {
    this.#entries ??= new Map();
    return this.#entries;
  }

  addBranch(level: number, index: number, record: Uint8Array): void {
    this.#branches ??= new Map();
    this.#branches.set(branchPlace(level, index), record);
  }

  branch(level: number, index: number): Uint8Array {
    const record = this.#branches?.get(branchPlace(level, index));
    if (record === undefined) throw new RangeError(`branch ${index} of level ${level} is missing`);
    return record;
  }
}

/** One number for a branch's level and index. */
function branchPlace(level: number, index: number): number {
  return level * 2 ** 32 + index;
}

class Loader {
  readonly #at: string;
  readonly #tree: Tree;
  readonly #openSegments: (preamble: Preamble) => SegmentSource;
  readonly #nodes = new Map<number, NodeId>();
  readonly #segments = new Map<number, number>();
  readonly #contents = new Map<NodeId, Content>();
  #header: Header | undefined;
  #view: View;
  #source: SegmentSource | undefined;
  #group: Group | undefined;

  readonly #inward: Inward = {
    id: (number) => this.#id(number),
    lowerContent: (node) => this.#lowerContent(node),
    segment: (id) => this.#source?.(id) ?? this.#damaged(`segment ${id} is not there`),
  };

  constructor(at: string, tree: Tree, openSegments: (preamble: Preamble) => SegmentSource) {
    this.#at = at;
    this.#tree = tree;
    this.#openSegments = openSegments;
    this.#view = new View(tree);
  }

  #damaged(what: string, cause?: unknown): never {
    throw new UpperError("damaged", `container at ${this.#at} is damaged: ${what}`, { cause });
  }

  add(key: Key | undefined, value: Uint8Array): void {
    switch (key?.is) {
      case "header":
        this.#readHeader(value);
        break;
      case "reference":
        this.#refer(key.number, nameFromBytes(value));
        break;
      case "segment":
        this.#segments.set(key.id, new Input(value, 0).varint());
        break;
      case "inode":
        this.#endGroup();
        this.#source ??= this.#openSegments(this.#preamble());
        this.#group = new Group(key.number, value);
        break;
      case "branch":
        this.#groupOf(key.number).addBranch(key.level, key.index, value);
        break;
      case "entry": {
        const { entries } = this.#groupOf(key.number);
        const number = new Input(value, 0).varint();
        entries.set(key.name, number === WHITEOUT_NUMBER ? WHITEOUT : this.#id(number));
        break;
      }
      default:
        this.#damaged("its metadata has a key of no known kind");
    }
  }

  #readHeader(value: Uint8Array): void {
    const header = readHeader(value);
    if (typeof header === "number") {
      throw new UpperError("format", `container at ${this.#at} has format ${header}, which is newer than 1`);
    }
    const chainID = this.#tree.chainID ?? "";
    if (header.chainID !== chainID) throw mismatchError(this.#at, header.chainID, chainID);
    this.#header = header;
    this.#view = new View(this.#tree, undefined, undefined, header.createdCount);
  }

  #preamble(): Preamble {
    const header = this.#header;
    if (header === undefined) throw new UpperError("missing", `no container at ${this.#at}`);
    return { header, segments: this.#segments };
  }

  #refer(number: number, path: string): void {
    const node = findLower(this.#tree, path, number);
    if (node === NO_NODE) {
      throw new UpperError(
        "mismatch",
        `container at ${this.#at} was made on another image: ${path} is not inode ${number} in this one`,
      );
    }
    this.#nodes.set(number, node);
  }

  #id(number: number): InodeId {
    if (number >= FIRST_NEW_NUMBER) return FIRST_NEW_ID + number - FIRST_NEW_NUMBER;
    return this.#nodes.get(number) ?? this.#damaged(`lower inode ${number} has no reference`);
  }

  #lowerContent(node: NodeId): Content {
    const known = this.#contents.get(node);
    if (known !== undefined) return known;
    const inode = this.#tree.inode(node);
    const content = inode.kind === "file" ? inode.content : EMPTY_CONTENT;
    this.#contents.set(node, content);
    return content;
  }

  #groupOf(number: number): Group {
    const group = this.#group;
    return group?.number === number ? group : this.#damaged(`inode ${number} has no record`);
  }

  #endGroup(): void {
    const group = this.#group;
    if (group === undefined) return;
    this.#group = undefined;
    const id = this.#id(group.number);
    try {
      const inode = readInode(group.record, this.#inward, group);
      if (isLower(id)) this.#view.copied.set(id, inode, 0);
      else this.#view.created.set(id - FIRST_NEW_ID, inode, 0);
    } catch (error) {
      if (error instanceof UpperError) throw error;
      this.#damaged(`the record of inode ${group.number} cannot be read`, error);
    }
  }

  finish(): Loaded {
    this.#endGroup();
    const { header } = this.#preamble();
    this.#source ??= this.#openSegments(this.#preamble());
    const view = this.#view;
    const live = new Map<number, number>();
    eachInode(view, (_, inode) => {
      if (inode.kind === "directory") {
        for (const [name, id] of inode.entries) {
          if (id !== WHITEOUT && !view.exists(id)) this.#damaged(`${name} leads to no inode`);
        }
      } else if (inode.kind === "file") {
        slotChanges(undefined, inode.content, {
          run({ origin, content }, length) {
            if (origin !== OWN_DATA || !(content instanceof SegmentContent)) return;
            live.set(content.id, (live.get(content.id) ?? 0) + length);
          },
          branch() {},
        });
      }
    });
    return { header, view, references: new Set(this.#nodes.keys()), live };
  }
}
