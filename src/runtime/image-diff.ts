/**
 * What shows differently in two images, whatever their layers are.
 */
import type { Digest } from "../oci/digest.ts";
import type { Kind } from "../posix/mode.ts";
import { kindOf } from "../posix/mode.ts";
import { createMount, type Mount } from "../union/mount.ts";
import { changesBetween } from "../union/snapshot.ts";
import { contentDigest } from "./content-digest.ts";
import type { Image } from "./image.ts";

export interface ImageDifference {
  readonly kind: "added" | "modified" | "deleted";
  readonly path: string;
  /** What is there in the second image, or, where that is nothing, was in the first. */
  readonly type: Kind;
  /** In bytes. */
  readonly size: number;
  /** Of a file's bytes: `sha256:` and hex; undefined for other kinds. */
  readonly content: string | undefined;
  /**
   * The layer that brought it, by its diffID: of the second image, or, for what is gone, the layer of the
   * second image that removed it, else the one of the first that had it.
   */
  readonly layer: Digest | undefined;
}

/** The layer whose version of a path is seen, or which removed it last. */
function layerOf(mount: Mount, image: Image, path: string): Digest | undefined {
  const { winner, events } = mount.whence(path);
  const last = winner ?? events.at(-1)?.layer;
  return typeof last === "number" ? image.layers[last]?.diffID : undefined;
}

/**
 * Compares two images path by path, in path order: kind, mode, owner, time in seconds, size, bytes, link
 * target, device, xattrs, hard links.
 */
export async function* diffImages(first: Image, second: Image): AsyncGenerator<ImageDifference> {
  const [a, b] = [await first.pin(), await second.pin()];
  try {
    const [before, after] = [a, b].map(({ tree }) => createMount(tree, { readOnly: true })) as [Mount, Mount];
    for (const { kind, path } of changesBetween(a.tree, b.tree)) {
      const mount = kind === "deleted" ? before : after;
      const stat = mount.lstat(path);
      const type = kindOf(stat.mode) ?? "file";
      const removed = kind === "deleted" ? layerOf(after, second, path) : undefined;
      yield {
        kind,
        path,
        type,
        size: stat.size,
        content: type === "file" ? `sha256:${contentDigest(mount, path)}` : undefined,
        layer: removed ?? layerOf(mount, kind === "deleted" ? first : second, path),
      };
    }
  } finally {
    a.release();
    b.release();
  }
}
