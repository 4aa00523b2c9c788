/**
 * Attaching what a step sees and no layer keeps, at places that need not exist: directories on the way are
 * attached too, so that nothing is made in the files of the stage.
 */
import { joinPath, parentPath, splitPath } from "../posix/path.ts";
import { BufferContent } from "../tree/content.ts";
import { emptyTree } from "../tree/empty.ts";
import type { Source } from "../union/attach.ts";
import { createMount, type Mount, tmpfs } from "../union/mount.ts";
import { resolveIn } from "./resolve-path.ts";

const DIRECTORY_MODE = 0o755;

/**
 * Attaches a source at a path whose links are followed.
 * @param path absolute
 */
export function attachAt(view: Mount, path: string, source: Source, readOnly = false): void {
  const target = resolveIn(view, path);
  let at = "/";
  for (const name of splitPath(parentPath(target))) {
    at = joinPath(at, name);
    if (!view.exists(at)) view.attach(at, tmpfs({ mode: DIRECTORY_MODE }));
  }
  view.attach(target, source, { readOnly });
}

export interface SingleFile {
  readonly bytes: Uint8Array;
  /** Permission bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

/** A file in memory, to be attached. */
export function singleFile({ bytes, ...attributes }: SingleFile): Source {
  const mount = createMount(emptyTree());
  const content = new BufferContent(bytes);
  mount.put("/file", { kind: "file", ...attributes, mtime: 0n, xattrs: new Map(), content });
  return mount.subtree("/file");
}
