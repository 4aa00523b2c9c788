/**
 * Where a path comes from: every layer that put, hid, whited out or replaced it, and which one wins.
 *
 * Parents are followed in the merged view, the last component is not. What the layers did is asked of
 * the tree at the directory where the walk arrived, by the names that are left, so a path that is
 * gone, or whose parents are, is answered too.
 */
import { joinPath, splitPath } from "../posix/path.ts";
import { sameXattrs } from "../tree/inode.ts";
import { NO_NODE, type ProvenanceKind } from "../tree/tree.ts";
import type { Context } from "./context.ts";
import { isLower, WHITEOUT } from "./inodes.ts";
import { NO_INODE, type View } from "./view.ts";
import { type Place, type Walk, walk } from "./walk.ts";

/** Something that a layer, or the container's own layer, did to a path. */
export interface WhenceEvent {
  /** Position of the layer in the image, from 0; `upper` is the container's. */
  readonly layer: number | "upper";
  /** For the upper also `copied-up`: the inode was changed, its name was not. */
  readonly kind: ProvenanceKind | "copied-up";
}

export interface Whence {
  /** The path with its parents resolved. */
  readonly path: string;
  readonly exists: boolean;
  /** Whose version is seen; undefined where nothing is, and for what is attached. */
  readonly winner: number | "upper" | undefined;
  /** What happened, in order, the oldest first. */
  readonly events: readonly WhenceEvent[];
}

/** A directory of the union, and the names below it that lead to what was asked for; none for the root. */
interface Spot {
  readonly place: Place;
  readonly names: readonly string[];
}

function spotOf(found: Walk): Spot | undefined {
  if (found.stopped !== undefined) return { place: found.stopped.at, names: found.stopped.names };
  if (found.error < 0) return undefined;
  if (found.lastKind === "normal" && found.directory !== undefined) {
    return { place: found.directory, names: [found.name] };
  }
  return { place: { attachment: found.attachment, id: found.id }, names: [] };
}

/** Answers for the view of the attachment at the root; what is attached elsewhere has no layers. */
export function whence(context: Context, view: View, path: string): Whence | number {
  const found = walk(context.view, context.caller, path, "name");
  const spot = spotOf(found);
  if (spot === undefined) return found.error;
  const { place, names } = spot;
  const exists = found.error === 0;
  if (place.attachment !== context.view.attachment || found.attachment !== context.view.attachment) {
    return { path, exists, winner: undefined, events: [] };
  }
  const directory = view.pathOf(place.id) ?? "/";
  const resolved = names.reduce((at, name) => joinPath(at, name), directory);
  const target = names.length === 0 ? ownSlot(view, place.id) : { directory: place.id, names };
  const layers = layerHistory(view, target.directory, target.names, resolved);
  const upper = upperHistory(view, target.directory, target.names, layers.length > 0);
  const events: WhenceEvent[] = [...layers, ...upper];
  return { path: resolved, exists, winner: exists ? events.at(-1)?.layer : undefined, events };
}

/** A directory by its name in its parent, since that is what layers speak of. */
function ownSlot(view: View, directory: number): { directory: number; names: readonly string[] } {
  if (directory === view.root) return { directory, names: [] };
  return { directory: view.parent(directory), names: [view.nameOf(directory)] };
}

function layerHistory(
  view: View,
  directory: number,
  names: readonly string[],
  path: string,
): readonly WhenceEvent[] {
  const { tree } = view;
  if (names.length === 0) return tree.history(tree.root, []);
  if (isLower(directory)) return tree.history(directory, names);
  // A new directory hides whatever the layers have at its path.
  const parts = splitPath(path);
  let at = tree.root;
  for (let i = 0; i < parts.length - 1; i++) {
    const next = tree.lookup(at, parts[i] as string);
    if (next === NO_NODE || tree.kind(next) !== "directory") return tree.history(at, parts.slice(i));
    at = next;
  }
  return tree.history(at, parts.slice(-1));
}

function upperHistory(
  view: View,
  directory: number,
  names: readonly string[],
  known: boolean,
): WhenceEvent[] {
  const [name] = names;
  const entry = name === undefined ? undefined : view.upperDirectory(directory)?.entries.get(name);
  if (names.length > 1) return known && entry !== undefined ? [{ layer: "upper", kind: "ancestor" }] : [];
  if (entry === WHITEOUT) return [{ layer: "upper", kind: "whiteout" }];
  const id = name === undefined ? directory : view.lookup(directory, name);
  if (id === NO_INODE) return known && !isLower(directory) ? [{ layer: "upper", kind: "ancestor" }] : [];
  if (entry !== undefined) return [{ layer: "upper", kind: "put" }];
  return view.upper(id) !== undefined && attributesDiffer(view, id)
    ? [{ layer: "upper", kind: "copied-up" }]
    : [];
}

/** Whether a copied-up directory is more than a place for names that changed. */
function attributesDiffer(view: View, id: number): boolean {
  const upper = view.upper(id);
  if (upper === undefined || upper.kind !== "directory") return upper !== undefined;
  const lower = view.tree.inode(id);
  return (
    upper.mode !== lower.mode ||
    upper.uid !== lower.uid ||
    upper.gid !== lower.gid ||
    !sameXattrs(upper.xattrs, lower.xattrs)
  );
}
