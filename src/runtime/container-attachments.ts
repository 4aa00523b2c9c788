/**
 * What a user attaches to a container: directories and files of the host, and filesystems in memory.
 */
import { realpathSync } from "node:fs";
import { parentPath } from "../posix/path.ts";
import type { ContainerAttachment } from "../store/container-records.ts";
import { StoreError } from "../store/errors.ts";
import type { Source } from "../union/attach.ts";
import { type Mount, tmpfs } from "../union/mount.ts";
import { hostSource } from "./host-filesystem.ts";
import { makeWorkingDirectory } from "./process.ts";

function sourceOf({ type, source = "", readOnly, size, mode }: ContainerAttachment): Source {
  if (type === "tmpfs") {
    return tmpfs({
      ...(size === undefined ? {} : { limits: { bytes: size } }),
      ...(mode === undefined ? {} : { mode }),
    });
  }
  let path: string;
  try {
    path = realpathSync(source);
  } catch (cause) {
    throw new StoreError("invalid", `bind source path does not exist: ${source}`, { cause });
  }
  return hostSource(path, { readOnly });
}

/**
 * Attaches them to a process's own view, those above others first. Directories on the way to one are
 * made in the container's own files, as Docker does.
 * @param files the container's files, writable
 * @throws StoreError (`invalid`); PosixError for a target that cannot be
 */
export function attachAll(files: Mount, view: Mount, attachments: readonly ContainerAttachment[]): void {
  const ordered = attachments.toSorted((a, b) => a.target.split("/").length - b.target.split("/").length);
  for (const attachment of ordered) {
    const source = sourceOf(attachment);
    const directory = parentPath(attachment.target.replace(/\/+$/, ""));
    if (!view.exists(directory)) makeWorkingDirectory(files, directory);
    view.attach(attachment.target, source, { readOnly: attachment.readOnly });
  }
}
