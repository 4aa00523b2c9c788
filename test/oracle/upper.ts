/**
 * A kernel's upper directory over our lower tree, read by the rules of overlayfs alone: whiteouts
 * (character device 0:0), `trusted.overlay.opaque`, `trusted.overlay.redirect`, and the index of
 * hardlinked lower files. What it shows is what our layer must show on the same lowers.
 */
import { S_IFCHR, S_IFDIR } from "../../src/posix/mode.ts";
import { compareNames, nameFromBytes } from "../../src/posix/names.ts";
import { baseName, joinPath, parentPath, splitPath } from "../../src/posix/path.ts";
import { NO_NODE, type NodeId, type Tree } from "../../src/tree/tree.ts";
import { isDevice, type LooseName, looseNode, type RecordedName, record, recordedTime } from "./recorded.ts";
import type { IndexLine, UpperLine } from "./scenario.ts";

const OVERLAY = "trusted.overlay.";

interface UpperNode {
  readonly line: UpperLine;
  readonly children: Map<string, UpperNode>;
}

/** The merged view of an upper directory and a lower tree. */
export function readUpper(
  lower: Tree,
  upper: readonly UpperLine[],
  index: readonly IndexLine[],
): RecordedName[] {
  const reading = new Reading(lower, index);
  reading.directory(nest(upper), lower.root, "/");
  return record(reading.out);
}

/** The lines of a walk as a tree. */
function nest(lines: readonly UpperLine[]): UpperNode {
  const nodes = new Map<string, UpperNode>();
  for (const line of lines) {
    const node = { line, children: new Map() };
    nodes.set(line.path, node);
    if (line.path !== "/") nodes.get(parentPath(line.path))!.children.set(baseName(line.path), node);
  }
  return nodes.get("/")!;
}

class Reading {
  readonly out: LooseName[] = [];
  readonly #lower: Tree;
  /** Index entries by lower node. */
  readonly #copied = new Map<NodeId, IndexLine>();

  constructor(lower: Tree, index: readonly IndexLine[]) {
    this.#lower = lower;
    for (const line of index) {
      if (isWhiteout(line)) continue;
      for (const path of line.lower) this.#copied.set(this.#resolve(path), line);
    }
  }

  #resolve(path: string): NodeId {
    return splitPath(path).reduce<NodeId>(
      (node, name) => (node === NO_NODE ? node : this.#lower.lookup(node, name)),
      this.#lower.root,
    );
  }

  /** @param beneath the lower directory that shows through, or NO_NODE */
  directory(node: UpperNode, beneath: NodeId, path: string): void {
    this.#upper(node.line, path);
    const lowerNames = beneath === NO_NODE ? [] : this.#lower.list(beneath).map((entry) => entry.name);
    const names = new Set([...lowerNames, ...node.children.keys()]);
    for (const name of [...names].sort(compareNames)) {
      const below = joinPath(path, name);
      const child = node.children.get(name);
      const under = beneath === NO_NODE ? NO_NODE : this.#lower.lookup(beneath, name);
      if (child === undefined) this.#unchanged(under, below);
      else if (child.line.type === S_IFDIR)
        this.directory(child, this.#beneath(child.line, beneath, under), below);
      else if (!isWhiteout(child.line)) this.#upper(child.line, below);
    }
  }

  /** The lower directory of an upper one. */
  #beneath(line: UpperLine, parent: NodeId, under: NodeId): NodeId {
    // An opaque directory stops the lookup before a redirect is asked for.
    if (line.xattrs[`${OVERLAY}opaque`] === "y") return NO_NODE;
    const redirect = line.xattrs[`${OVERLAY}redirect`];
    let found = under;
    if (redirect !== undefined) {
      const name = nameFromBytes(Buffer.from(redirect, "latin1"));
      if (name.startsWith("/")) found = this.#resolve(name);
      else found = parent === NO_NODE ? NO_NODE : this.#lower.lookup(parent, name);
    }
    return found !== NO_NODE && this.#lower.kind(found) === "directory" ? found : NO_NODE;
  }

  #upper(line: UpperLine, path: string): void {
    const { type, mode, uid, gid, rdev, detail, mtime, ino } = line;
    const own = Object.entries(line.xattrs).filter(([name]) => !name.startsWith(OVERLAY));
    this.out.push({
      path,
      type,
      mode,
      uid,
      gid,
      rdev: isDevice(type) ? rdev : 0,
      detail,
      mtime: recordedTime(BigInt(mtime)),
      xattrs: Object.fromEntries(own),
      inode: `upper ${ino}`,
    });
  }

  /** What a lower has, and no upper directory was made for. */
  #unchanged(node: NodeId, path: string): void {
    const copied = this.#copied.get(node);
    if (copied !== undefined) {
      this.#upper(copied, path);
      return;
    }
    this.out.push(looseNode(this.#lower, node, path));
    for (const entry of this.#lower.list(node)) this.#unchanged(entry.node, joinPath(path, entry.name));
  }
}

function isWhiteout(line: UpperLine): boolean {
  return line.type === S_IFCHR && line.rdev === 0;
}

/**
 * Whether the kernel's upper directory says anything of a path: itself, by a directory above it that was
 * moved or hides what is below, or by the index.
 */
export function isTouched(upper: readonly UpperLine[], index: readonly IndexLine[], path: string): boolean {
  if (index.some((line) => line.lower.includes(path))) return true;
  return upper.some(({ path: above, xattrs }) => {
    if (above === path) return true;
    const tellsAll = xattrs[`${OVERLAY}redirect`] !== undefined || xattrs[`${OVERLAY}opaque`] === "y";
    return tellsAll && path.startsWith(`${above}/`);
  });
}
