/**
 * A mount together with its face as `node:fs`.
 */
import type { Mount } from "../union/mount.ts";
import { createFs, type NodeFs } from "../vfs/node-fs.ts";

export type MountWithFs = Mount & {
  /** As the mount's caller. For another caller, or a fork, use `createFs`. */
  readonly fs: NodeFs;
};

/** The mount itself; the face is made when it is first asked for. */
export function withFs(mount: Mount): MountWithFs {
  let face: NodeFs | undefined;
  return Object.defineProperty(mount, "fs", { get: () => (face ??= createFs(mount)) }) as MountWithFs;
}
