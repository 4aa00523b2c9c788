/**
 * Copying content between files of a mount without reading it where the filesystem can share it.
 */
import type { Mount } from "../../union/mount.ts";
import { O_CREAT, O_EXCL, O_RDONLY, O_TRUNC, O_WRONLY } from "../../union/types.ts";

const CHUNK = 1 << 20;

/**
 * Replaces a file's content by another's. A file that is made gets `mode` less the umask.
 * @param exclusive fails where the target exists
 */
export function copyFile(mount: Mount, from: string, to: string, mode = 0o666, exclusive = false): void {
  const source = mount.open(from, O_RDONLY);
  try {
    const target = mount.open(to, O_WRONLY | O_CREAT | (exclusive ? O_EXCL : O_TRUNC), mode);
    try {
      copyContent(mount, source, target);
    } finally {
      mount.close(target);
    }
  } finally {
    mount.close(source);
  }
}

/** Everything from where the source stands to its end, appended where the target stands. */
function copyContent(mount: Mount, source: number, target: number): void {
  if (mount.fstat(source).dev === mount.fstat(target).dev) {
    while (mount.copyRange(source, null, target, null, CHUNK * 1024) > 0);
    return;
  }
  const buffer = new Uint8Array(CHUNK);
  for (;;) {
    const count = mount.read(source, buffer);
    if (count === 0) return;
    for (let at = 0; at < count; ) at += mount.write(target, buffer, at, count - at);
  }
}
