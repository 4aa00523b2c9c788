/**
 * The names that layer entries have, before any tree is looked at: rules 1, 2, 20, 22, 23, 27.
 */
import { nameLength } from "../posix/names.ts";
import { NAME_MAX, PATH_MAX } from "../posix/path.ts";

/** Begins the last component of a whiteout's name. */
export const WHITEOUT_PREFIX = ".wh.";
/** The last component of an opaque mark's name. */
export const OPAQUE_MARK = ".wh..wh..opq";

/** What AUFS kept at the root of a branch: not part of the tree (rule 23). */
const AUFS_METADATA: ReadonlySet<string> = new Set([".wh..wh.aufs", ".wh..wh.orph", ".wh..wh.plnk"]);

/** What is wrong with a name. */
export type NameFault = "empty" | "nul" | "above";

/**
 * The components of a name relative to the root: cleaned as text, as every tool does, before links
 * are followed (rule 1). None for the root itself.
 * @param clamp takes `..` above the root as the root instead of refusing it (rule 2)
 */
export function cleanName(name: string, clamp: boolean): string[] | NameFault {
  if (name.length === 0) return "empty";
  if (name.includes("\0")) return "nul";
  const components: string[] = [];
  for (const component of name.split("/")) {
    if (component === "" || component === ".") continue;
    if (component === "..") {
      if (components.length > 0) components.pop();
      else if (!clamp) return "above";
    } else {
      components.push(component);
    }
  }
  return components;
}

/** Whether Linux can reach a file of this name: each component at most NAME_MAX bytes, and all at most PATH_MAX. */
export function fitsLinux(components: readonly string[]): boolean {
  let length = 0;
  for (const component of components) {
    const size = nameLength(component);
    if (size > NAME_MAX) return false;
    length += size + 1;
  }
  // One byte too many: the slash that the last component does not have stands for the final NUL.
  return length <= PATH_MAX;
}

/** Whether a name lies in what AUFS kept for itself (rule 23). */
export function isAufsMetadata(components: readonly string[]): boolean {
  return components.length > 0 && AUFS_METADATA.has(components[0]!);
}

/** What the last component of a name says. */
export type Meaning =
  | { readonly kind: "plain" }
  | { readonly kind: "opaque" }
  | { readonly kind: "whiteout"; readonly name: string }
  /** A whiteout of nothing: `.wh.`, `.wh..`, `.wh...` (rule 20). */
  | { readonly kind: "invalid" };

const PLAIN: Meaning = { kind: "plain" };
const OPAQUE: Meaning = { kind: "opaque" };
const INVALID: Meaning = { kind: "invalid" };

export function meaningOf(name: string): Meaning {
  if (!name.startsWith(WHITEOUT_PREFIX)) return PLAIN;
  if (name === OPAQUE_MARK) return OPAQUE;
  const hidden = name.slice(WHITEOUT_PREFIX.length);
  if (hidden === "" || hidden === "." || hidden === "..") return INVALID;
  return { kind: "whiteout", name: hidden };
}
