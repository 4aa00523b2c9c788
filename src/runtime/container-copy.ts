/**
 * Copying between a container and the host, by the rules of `docker cp`.
 */
import type { ByteStream } from "../platform/types.ts";
import { StoreError } from "../store/errors.ts";
import type { Mount } from "../union/mount.ts";
import { assertsDirectory, meansContents, resolveTarget, sourceIn, targetIn } from "./copy-paths.ts";
import { type CopyTreeOptions, copyTree } from "./copy-tree.ts";
import { sourceOnHost, targetOnHost } from "./host-paths.ts";
import { archiveOf } from "./mount-archive.ts";

export interface CopyOptions {
  /** Keep owners. Otherwise what comes into a container is root's, and what comes out is the user's. */
  readonly archive?: boolean;
  /** Follow a link that is the source itself. */
  readonly followLink?: boolean;
}

/** Paths in a container begin at its root. */
function fromRoot(path: string): string {
  return path.startsWith("/") ? path : `/${path}`;
}

/** Whom copies on the host belong to. Only root can give files away. */
function hostOwner(archive: boolean): Pick<CopyTreeOptions, "owner"> {
  const uid = process.getuid?.() ?? 0;
  const gid = process.getgid?.() ?? 0;
  return archive && uid === 0 ? {} : { owner: { uid, gid } };
}

/** Copies a path of the host into a container. */
export function copyIn(mount: Mount, hostPath: string, path: string, options: CopyOptions): void {
  const source = sourceOnHost(hostPath, options.followLink ?? false);
  const target = targetIn(mount, fromRoot(path));
  const to = { mount, path: resolveTarget(source, target) };
  const { contentsOnly } = source;
  // What a directory holds comes into one that is there; where nothing is, the directory itself becomes it.
  copyTree(source, to, {
    contentsOnly: contentsOnly && target.is === "directory",
    ...(options.archive ? {} : { owner: { uid: 0, gid: 0 } }),
  });
}

/** Copies a path of a container to the host. */
export function copyOut(mount: Mount, path: string, hostPath: string, options: CopyOptions): void {
  const source = sourceIn(mount, fromRoot(path), options.followLink ?? false);
  const target = targetOnHost(hostPath);
  const to = { mount: target.mount, path: resolveTarget(source, target) };
  copyTree(source, to, {
    contentsOnly: source.contentsOnly && target.is === "directory",
    withoutXattrs: true,
    ...hostOwner(options.archive ?? false),
  });
}

/** The bytes of an archive of a path, in which it has its own name. */
export function archiveOut(mount: Mount, path: string, options: CopyOptions): ByteStream {
  const given = fromRoot(path);
  const { path: real, name } = sourceIn(mount, given, options.followLink ?? false);
  return archiveOf(mount, real, meansContents(given) ? "" : name).stream();
}

/** The directory of a container that an archive is to be unpacked in. */
export function archiveTarget(mount: Mount, path: string): string {
  const target = targetIn(mount, fromRoot(path));
  if (target.is === "directory") return target.path;
  if (target.is === undefined && !assertsDirectory(path)) mount.lstat(fromRoot(path));
  throw new StoreError("invalid", `destination ${JSON.stringify(path)} must be a directory`);
}
