/**
 * The lowers of a scenario for our side: each as a layer archive's entries, applied in order. Whiteouts
 * and opaque directories become `.wh.` names, as a converter of overlay directories writes them.
 */
import { applyLayers } from "../../src/layer/apply.ts";
import type { Layer } from "../../src/layer/layer.ts";
import { MemoryAccess } from "../../src/platform/memory.ts";
import type { Entry } from "../../src/tar/entry.ts";
import type { PackedTree } from "../../src/tree/packed.ts";
import type { LayerDirectory, LayerNode, Layers, NodeAttributes } from "./scenario.ts";

/** The merged tree of the lowers. */
export function lowerTree(layers: Layers): PackedTree {
  return applyLayers(layers.map(toLayer));
}

function toLayer(root: LayerDirectory, index: number): Layer {
  const writer = new EntryWriter();
  writer.directory("./", root);
  writer.links();
  const archive = new MemoryAccess(Buffer.concat(writer.data));
  // No archive was made, so none has a digest: any name that tells the layers apart will do.
  return { diffID: `sha256:${String(index).padStart(64, "0")}`, archive, entries: () => writer.entries };
}

class EntryWriter {
  readonly entries: Entry[] = [];
  readonly data: Uint8Array[] = [];
  readonly #links: { name: string; target: string }[] = [];
  #size = 0;

  #common(name: string, node: NodeAttributes) {
    const { mode, uid, gid, mtime, xattrs } = node;
    const bytes = Object.entries(xattrs).map(([key, value]) => [key, Buffer.from(value, "latin1")] as const);
    return { name, offset: 0, mode, uid, gid, mtime: BigInt(mtime), xattrs: new Map(bytes) };
  }

  #marker(name: string): void {
    const base = this.#common(name, { mode: 0o600, uid: 0, gid: 0, mtime: "0", xattrs: {} });
    this.entries.push({ ...base, type: "file", size: 0, start: this.#size });
  }

  /** A directory and all it holds but hardlinks. `name` ends in a slash. */
  directory(name: string, node: LayerDirectory): void {
    this.entries.push({ ...this.#common(name, node), type: "directory" });
    if (node.opaque) this.#marker(`${name}.wh..wh..opq`);
    for (const child of node.children) this.#child(name, child);
  }

  #child(directory: string, node: LayerNode): void {
    const name = directory + node.name;
    switch (node.kind) {
      case "whiteout":
        this.#marker(`${directory}.wh.${node.name}`);
        break;
      case "hardlink":
        this.#links.push({ name, target: node.target });
        break;
      case "directory":
        this.directory(`${name}/`, node);
        break;
      case "file": {
        const start = this.#size;
        for (const [, byte, length] of node.extents) {
          this.data.push(new Uint8Array(length).fill(byte));
          this.#size += length;
        }
        const extents = node.extents.map(([offset, , length]) => ({ offset, length }));
        this.entries.push({ ...this.#common(name, node), type: "file", size: node.size, start, extents });
        break;
      }
      case "symlink":
        this.entries.push({ ...this.#common(name, node), type: "symlink", target: node.target });
        break;
      case "char":
      case "block":
        this.entries.push({ ...this.#common(name, node), type: node.kind, rdev: node.rdev });
        break;
      case "fifo":
        this.entries.push({ ...this.#common(name, node), type: "fifo" });
        break;
    }
  }

  /** Hardlinks come last, when every name they can link to is there. */
  links(): void {
    for (const { name, target } of this.#links) {
      const base = this.#common(name, { mode: 0o644, uid: 0, gid: 0, mtime: "0", xattrs: {} });
      this.entries.push({ ...base, type: "hardlink", target });
    }
  }
}
