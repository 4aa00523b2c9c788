/**
 * Real images as layers, and trees in the words of `../shared/tools/treedump.py`, which tells what
 * another tool has unpacked.
 */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Layer } from "../../src/layer/layer.ts";
import { layerFromBytes } from "../../src/layer/read.ts";
import { deviceMajor, deviceMinor, type Kind } from "../../src/posix/mode.ts";
import { compareBytes, compareNames, nameToBytes } from "../../src/posix/names.ts";
import { seconds, subsecond } from "../../src/posix/time.ts";
import { readAll } from "../../src/tree/content.ts";
import type { Inode } from "../../src/tree/inode.ts";
import type { Tree } from "../../src/tree/tree.ts";
import { imagePath } from "../requirements.ts";
import { walk } from "../tree/describe.ts";

interface Manifest {
  readonly manifests?: readonly { readonly digest: string }[];
  readonly layers?: readonly { readonly digest: string; readonly size: number }[];
}

/** The layers of the first image in an OCI layout, in memory. */
export async function imageLayers(name: string): Promise<Layer[]> {
  const blob = (digest: string) => readFile(join(imagePath(name), "blobs", ...digest.split(":")));
  const index = JSON.parse(await readFile(join(imagePath(name), "index.json"), "utf8")) as Manifest;
  const manifest = JSON.parse((await blob(index.manifests![0]!.digest)).toString()) as Manifest;
  const layers: Layer[] = [];
  for (const { digest, size } of manifest.layers!) {
    layers.push(await layerFromBytes(await blob(digest), { expected: { digest, size } }));
  }
  return layers;
}

const LETTERS: { readonly [kind in Kind]: string } = {
  file: "-",
  directory: "d",
  symlink: "l",
  char: "c",
  block: "b",
  fifo: "p",
  socket: "s",
};

/** A tree in the words of treedump.py: a line for each path, then one for each group of hardlinks. */
export function treeDump(tree: Tree): string[] {
  const lines: string[] = [];
  const groups = new Map<number, Uint8Array[]>();
  for (const [path, node] of walk(tree)) {
    const inode = tree.inode(node);
    const bytes = nameToBytes(path === "/" ? "" : path);
    lines.push(`${repr(bytes)} ${describe(inode)}`);
    if (tree.linkCount(node) > 1) groups.set(node, [...(groups.get(node) ?? []), bytes]);
  }
  const links = [...groups.values()].sort((a, b) => compareBytes(a[0]!, b[0]!));
  for (const group of links) lines.push(`HL [${group.map(repr).join(", ")}]`);
  return lines;
}

function describe(inode: Inode): string {
  const mode = inode.mode.toString(8).padStart(6, "0");
  const size = inode.kind === "file" ? inode.content.size : 0;
  const nanoseconds = String(subsecond(inode.mtime)).padStart(9, "0");
  const xattrs = [...inode.xattrs]
    .sort(([a], [b]) => compareNames(a, b))
    .map(([name, value]) => `${name}=${Buffer.from(value).toString("hex")}`);
  return [
    LETTERS[inode.kind],
    mode,
    `${inode.uid}:${inode.gid}`,
    `sz=${size}`,
    `mt=${seconds(inode.mtime)}.${nanoseconds}`,
    `ex=${repr(substance(inode))}`,
    `xa=${xattrs.join(",")}`,
  ].join(" ");
}

function substance(inode: Inode): Uint8Array {
  switch (inode.kind) {
    case "file":
      return Buffer.from(createHash("sha256").update(readAll(inode.content)).digest("hex").slice(0, 16));
    case "symlink":
      return nameToBytes(inode.target);
    case "char":
    case "block":
      return Buffer.from(`${deviceMajor(inode.rdev)}:${deviceMinor(inode.rdev)}`);
    default:
      return new Uint8Array(0);
  }
}

/** Python's repr of a byte string. */
function repr(bytes: Uint8Array): string {
  const quote = bytes.includes(0x27) && !bytes.includes(0x22) ? '"' : "'";
  let text = "";
  for (const byte of bytes) {
    const char = String.fromCharCode(byte);
    if (char === "\t") text += "\\t";
    else if (char === "\n") text += "\\n";
    else if (char === "\r") text += "\\r";
    else if (char === "\\" || char === quote) text += `\\${char}`;
    else if (byte < 0x20 || byte > 0x7e) text += `\\x${byte.toString(16).padStart(2, "0")}`;
    else text += char;
  }
  return `b${quote}${text}${quote}`;
}
