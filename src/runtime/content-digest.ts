/**
 * The sha256 of a file in a mount.
 */
import { platform } from "#platform";
import type { Mount } from "../union/mount.ts";
import { O_NOFOLLOW, O_RDONLY } from "../union/types.ts";

const CHUNK = 256 * 1024;

/**
 * @param buffer is read into, for one who asks for many
 * @returns lower-case hex
 * @throws PosixError
 */
export function contentDigest(mount: Mount, path: string, buffer = new Uint8Array(CHUNK)): string {
  const hasher = platform.createHash("sha256");
  const fd = mount.open(path, O_RDONLY | O_NOFOLLOW);
  try {
    for (let position = 0; ; ) {
      const count = mount.read(fd, buffer, 0, buffer.length, position);
      if (count === 0) return hasher.hex();
      hasher.update(buffer.subarray(0, count));
      position += count;
    }
  } finally {
    mount.close(fd);
  }
}
