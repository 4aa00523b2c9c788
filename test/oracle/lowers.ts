/**
 * Random lowers: one to five layers that use everything a layer can say.
 *
 * A layer is drawn as a list of edits against what the layers below show, and built so that it is
 * valid by construction: an edit that makes no sense is left out. So there are no stray whiteouts
 * (the kernel lists those as phantoms), and a list that fast-check has shortened is still valid.
 */
import fc from "fast-check";
import { makeDevice } from "../../src/posix/mode.ts";
import type { DataRun, LayerDirectory, LayerNode, Layers, NodeAttributes } from "./scenario.ts";

/** Few names, so that calls meet what is there; some odd ones. The last is no UTF-8. */
export const NAMES = ["a", "b", "c", "d", "ü x", "\udcff"] as const;

/** Most often one of two, so that calls meet what is there and each other. */
export const name: fc.Arbitrary<string> = fc.oneof(
  { weight: 16, arbitrary: fc.constantFrom("a", "b") },
  { weight: 4, arbitrary: fc.constant("c") },
  { weight: 1, arbitrary: fc.constantFrom(...NAMES.slice(3)) },
);

/** So many names. */
export function names(count: number): fc.Arbitrary<string[]> {
  return fc.array(name, { minLength: count, maxLength: count });
}

/** One to three names below the root. */
export const namePath: fc.Arbitrary<readonly string[]> = fc.oneof(
  { weight: 4, arbitrary: names(1) },
  { weight: 4, arbitrary: names(2) },
  { weight: 2, arbitrary: names(3) },
);

/** Link targets: relative and absolute, into and out of places, up past the root, to nothing, to itself. */
// biome-ignore format: a table
export const linkTarget: fc.Arbitrary<string> = fc.constantFrom(
  "a", "b", "c", "a/b", "b/a", "/a", "/b/c", "../a", "../../b", "../../../../c", ".", "..", "/", "a/../b",
  "nowhere", "/nowhere/else", "b/", "./a/.",
);

// biome-ignore format: a table
export const permissions: fc.Arbitrary<number> = fc.constantFrom(
  0o644, 0o755, 0o600, 0o777, 0o700, 0o444, 0o000, 0o4755, 0o2755, 0o2750, 0o1777, 0o6777, 0o4711, 0o2644,
);

export const userId: fc.Arbitrary<number> = fc.constantFrom(0, 0, 1000, 1000, 1001, 100, 4294967294);

/** Long before any clock here: a time that is still there at the end was kept, not made. */
// biome-ignore format: a table
export const pastTime: fc.Arbitrary<string> = fc.constantFrom(
  "0", "1000000000000000000", "1234567890123456789", "1500000000000000000", "999999999", "-1500000000",
);

/** A device number that no driver has, so that opening the device gives ENXIO. */
export const device: fc.Arbitrary<number> = fc.constantFrom(makeDevice(241, 7), makeDevice(3000, 300000));

const PAGE = 4096;

/** Sizes and data runs that touch, cross and miss page boundaries; holes are whole pages, as tmpfs keeps them. */
export const fileData: fc.Arbitrary<{ size: number; extents: DataRun[] }> = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 0, max: 40 }).map((size) => dense(size)) },
  { weight: 2, arbitrary: fc.constantFrom(PAGE - 1, PAGE, PAGE + 1, 5000, 3 * PAGE, 70_000).map(dense) },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      { size: 3 * PAGE, extents: [] },
      { size: 4 * PAGE, extents: [[2 * PAGE, 0x58, PAGE] as const] },
      { size: 40 * PAGE, extents: [[0, 0x59, PAGE] as const, [20 * PAGE, 0x5a, 2 * PAGE] as const] },
    ),
  },
) as fc.Arbitrary<{ size: number; extents: DataRun[] }>;

function dense(size: number): { size: number; extents: DataRun[] } {
  return { size, extents: size > 0 ? [[0, 0x41 + (size % 26), size]] : [] };
}

const attributes: fc.Arbitrary<Omit<NodeAttributes, "xattrs">> = fc.record({
  mode: permissions,
  uid: userId,
  gid: userId,
  mtime: pastTime,
});

/** File capabilities as the kernel stores them (vfs_cap_data, version 2). */
export const CAPABILITY = "\x01\0\0\x02\0\x20\0\0\0\0\0\0\0\0\0\0\0\0\0\0";

/** For files and directories; other kinds may not have `user.*`. */
const xattrs: fc.Arbitrary<Record<string, string>> = fc.oneof(
  { weight: 5, arbitrary: fc.constant({}) },
  {
    weight: 2,
    arbitrary: fc.constantFrom<Record<string, string>[]>(
      { "user.a": "1" },
      { "user.a": "\0\x80\xff", "user.b": "" },
      { "security.other": "s", "trusted.t": "t" },
    ),
  },
);

type Edit = { readonly path: readonly string[] } & (
  | { readonly edit: "put"; readonly node: LayerNode }
  | { readonly edit: "hardlink"; readonly to: readonly string[] }
  | { readonly edit: "remove" | "opaque" | "many" }
);

function put(node: fc.Arbitrary<object>): fc.Arbitrary<Edit> {
  return fc.record({ path: namePath, edit: fc.constant("put"), node }) as fc.Arbitrary<Edit>;
}

function withAttributes(own: fc.Arbitrary<object>, extended: fc.Arbitrary<object>): fc.Arbitrary<object> {
  return fc
    .tuple(own, attributes, extended)
    .map(([node, common, values]) => ({ ...node, ...common, xattrs: values }));
}

const PLAIN_XATTRS = fc.constant({});

const edit: fc.Arbitrary<Edit> = fc.oneof(
  {
    weight: 5,
    arbitrary: put(withAttributes(fc.constant({ kind: "directory", opaque: false, children: [] }), xattrs)),
  },
  {
    weight: 10,
    arbitrary: put(
      withAttributes(
        fileData.map((data) => ({ kind: "file", ...data })),
        fc.oneof(
          { weight: 6, arbitrary: xattrs },
          { weight: 1, arbitrary: fc.constant({ "security.capability": CAPABILITY }) },
        ),
      ),
    ),
  },
  {
    weight: 2,
    arbitrary: put(
      withAttributes(
        linkTarget.map((target) => ({ kind: "symlink", target })),
        PLAIN_XATTRS,
      ).map((node) => ({ ...node, mode: 0o777 })),
    ),
  },
  {
    weight: 1,
    arbitrary: put(
      withAttributes(
        fc.oneof(
          fc.constant({ kind: "fifo" }),
          fc.record({ kind: fc.constantFrom("char", "block"), rdev: device }),
        ),
        PLAIN_XATTRS,
      ),
    ),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      path: namePath,
      edit: fc.constant("hardlink"),
      to: namePath,
    }) as fc.Arbitrary<Edit>,
  },
  {
    weight: 3,
    arbitrary: fc.record({ path: namePath, edit: fc.constant("remove") }) as fc.Arbitrary<Edit>,
  },
  {
    weight: 1,
    arbitrary: fc.record({ path: namePath, edit: fc.constant("opaque") }) as fc.Arbitrary<Edit>,
  },
);

/** A directory while a layer is being built, or while layers are being merged. */
interface Draft {
  attributes: NodeAttributes;
  opaque: boolean;
  readonly children: Map<string, Draft | LayerNode>;
}

function isDraft(node: Draft | LayerNode | undefined): node is Draft {
  return node !== undefined && "attributes" in node;
}

const IMPLIED: NodeAttributes = { mode: 0o755, uid: 0, gid: 0, mtime: "1000000000000000000", xattrs: {} };

function newDraft(from: NodeAttributes = IMPLIED): Draft {
  const { mode, uid, gid, mtime, xattrs } = from;
  return { attributes: { mode, uid, gid, mtime, xattrs }, opaque: false, children: new Map() };
}

/** The directory of a layer in which an edit's last name stands, made on the way; undefined where it cannot be. */
function walk(
  layer: Draft,
  below: Draft | undefined,
  path: readonly string[],
): { directory: Draft; below: Draft | undefined } | undefined {
  let directory = layer;
  let under = below;
  for (const part of path) {
    const child = directory.children.get(part);
    const merged = under?.children.get(part);
    if (child === undefined) {
      const made = newDraft(isDraft(merged) ? merged.attributes : IMPLIED);
      directory.children.set(part, made);
      directory = made;
    } else if (isDraft(child)) {
      directory = child;
    } else {
      return undefined;
    }
    under = !directory.opaque && isDraft(merged) ? merged : undefined;
  }
  return { directory, below: under };
}

function find(layer: Draft, path: readonly string[]): Draft | LayerNode | undefined {
  let node: Draft | LayerNode | undefined = layer;
  for (const part of path) node = isDraft(node) ? node.children.get(part) : undefined;
  return node;
}

function applyEdit(layer: Draft, below: Draft | undefined, edit: Edit): void {
  const parents = edit.path.slice(0, -1);
  const last = edit.path.at(-1)!;
  if (edit.edit === "hardlink") {
    const target = find(layer, edit.to);
    if (target === undefined || isDraft(target) || target.kind === "whiteout") return;
    const place = walk(layer, below, parents);
    if (place === undefined || place.directory.children.has(last)) return;
    const first = target.kind === "hardlink" ? target.target : `/${edit.to.join("/")}`;
    place.directory.children.set(last, { kind: "hardlink", name: last, target: first });
    return;
  }
  if (edit.edit === "remove") {
    // A parent that shows nothing below has nothing to hide: do not make one for it.
    let under: Draft | LayerNode | undefined = below;
    for (const part of parents) under = isDraft(under) ? under.children.get(part) : undefined;
    if (!isDraft(under) || !under.children.has(last)) return;
    const place = walk(layer, below, parents);
    if (place?.below === undefined || place.directory.children.has(last)) return;
    if (place.below.children.has(last)) place.directory.children.set(last, { kind: "whiteout", name: last });
    return;
  }
  const place = walk(layer, below, parents);
  if (place === undefined) return;
  const { children } = place.directory;
  const there = children.get(last);
  if (edit.edit === "opaque") {
    if (there !== undefined && !isDraft(there)) return;
    const merged = place.below?.children.get(last);
    const made = there ?? newDraft(isDraft(merged) ? merged.attributes : IMPLIED);
    if (made.children.size > 0) return;
    made.opaque = true;
    children.set(last, made);
    return;
  }
  if (edit.edit === "many") {
    if (there === undefined) children.set(last, crowd());
    return;
  }
  const { node } = edit as Extract<Edit, { edit: "put" }>;
  if (node.kind !== "directory") {
    if (there === undefined) children.set(last, { ...node, name: last });
    return;
  }
  if (there === undefined) children.set(last, newDraft(node));
  else if (isDraft(there)) there.attributes = newDraft(node).attributes;
  else if (there.kind === "whiteout") children.set(last, { ...newDraft(node), opaque: true });
}

/** A directory of more files than fit in one table of the engine, so that inode numbers grow. */
function crowd(): Draft {
  const directory = newDraft();
  for (let i = 0; i < 40; i++) {
    const name = `${i}`;
    directory.children.set(name, { kind: "file", name, ...IMPLIED, mode: 0o644, size: 0, extents: [] });
  }
  return directory;
}

/** What one sees when a layer lies on what is below it. */
function merge(below: Draft | undefined, layer: Draft): Draft {
  const merged = newDraft(layer.attributes);
  if (below !== undefined && !layer.opaque) {
    for (const [key, node] of below.children) merged.children.set(key, node);
  }
  for (const [key, node] of layer.children) {
    if (isDraft(node)) {
      const under = merged.children.get(key);
      merged.children.set(key, merge(isDraft(under) ? under : undefined, node));
    } else if (node.kind === "whiteout") {
      merged.children.delete(key);
    } else {
      merged.children.set(key, node);
    }
  }
  return merged;
}

/** Hardlinks last in a layer's order need their target to come first: sort by what they are, then by name. */
function finish(draft: Draft): LayerDirectory {
  const children = [...draft.children].map(([key, node]): LayerNode => {
    return isDraft(node) ? { ...finish(node), name: key } : node;
  });
  return { kind: "directory", ...draft.attributes, opaque: draft.opaque, children };
}

function build(drawn: readonly { root: NodeAttributes; edits: readonly Edit[] }[]): Layers {
  let below: Draft | undefined;
  return drawn.map(({ root, edits }) => {
    const layer = newDraft(root);
    for (const one of edits) applyEdit(layer, below, one);
    below = merge(below, layer);
    return finish(layer);
  });
}

const root: fc.Arbitrary<NodeAttributes> = fc.record({
  mode: fc.constantFrom(0o755, 0o755, 0o777, 0o1777, 0o2775),
  uid: fc.constantFrom(0, 0, 1000),
  gid: fc.constantFrom(0, 0, 100),
  mtime: pastTime,
  xattrs: fc.constant({}),
});

/** One to five layers. */
export const layers: fc.Arbitrary<Layers> = fc
  .array(fc.record({ root, edits: fc.array(edit, { maxLength: 24, size: "max" }) }), {
    minLength: 1,
    maxLength: 5,
    size: "max",
  })
  .map((drawn) => withWholeGroups(build(drawn)));

/** Every name of a layer by its path. */
function namesOf(layer: LayerDirectory): Map<string, LayerNode> {
  const found = new Map<string, LayerNode>();
  const collect = (directory: LayerDirectory, path: string) => {
    for (const child of directory.children) {
      found.set(`${path}/${child.name}`, child);
      if (child.kind === "directory") collect(child, `${path}/${child.name}`);
    }
  };
  collect(layer, "");
  return found;
}

/** The layer with a file of its own for each hardlink whose target fails the test. */
function breakLinks(layer: LayerDirectory, keep: (target: string) => boolean): LayerDirectory {
  const names = namesOf(layer);
  const copy = <D extends LayerDirectory>(directory: D): D => ({
    ...directory,
    children: directory.children.map((child) => {
      if (child.kind === "directory") return copy(child);
      if (child.kind !== "hardlink" || keep(child.target)) return child;
      return { ...names.get(child.target)!, name: child.name };
    }),
  });
  return copy(layer);
}

/**
 * The same layers with a file of its own for each name of a hardlink: for a mount that breaks links
 * at copy-up (`index=off`), where what follows a broken link could not be compared.
 */
export function withoutHardlinks(layers: Layers): Layers {
  return layers.map((layer) => breakLinks(layer, () => false));
}

/**
 * The same layers in which every hardlink group shows all its names in the merged view. The kernel
 * counts the names that other layers hide (see `differences.ts`), which would blur every comparison of
 * link counts.
 */
function withWholeGroups(layers: Layers): Layers {
  const above: LayerDirectory[] = [];
  const out: LayerDirectory[] = [];
  for (const layer of layers.toReversed()) {
    const partial = new Set<string>();
    for (const [path, node] of namesOf(layer)) {
      if (node.kind === "hardlink" && !(isShown(above, path) && isShown(above, node.target))) {
        partial.add(node.target);
      }
    }
    out.unshift(breakLinks(layer, (target) => !partial.has(target)));
    above.push(layer);
  }
  return out;
}

/** Whether a name of a layer shows through the layers above it. */
function isShown(above: readonly LayerDirectory[], path: string): boolean {
  const parts = path.slice(1).split("/");
  return above.every((layer) => {
    let directory = layer;
    for (const [index, part] of parts.entries()) {
      const child = directory.children.find((one) => one.name === part);
      if (child === undefined) return true;
      if (child.kind !== "directory" || index === parts.length - 1) return false;
      if (child.opaque) return false;
      directory = child;
    }
    return true;
  });
}
