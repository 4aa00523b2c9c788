/**
 * Digests of a directory's files that are kept between builds, so that a file which did not change is looked
 * at and not read.
 *
 * A file is taken for unchanged while its inode, size, modification and change time are: nothing can write
 * to a file and leave the change time. A clock ticks some milliseconds, though, within which a file can
 * change twice; so a digest is kept only of files that have been left alone for a while.
 */
import { platform } from "#platform";
import type { StepCache } from "../../store/step-cache.ts";
import type { DigestMemory } from "./digest.ts";

/** How long a file must have been left alone, in nanoseconds: more than any filesystem's tick. */
const SETTLED = 2_500_000_000n;
/** How many digests of files that were not asked for are kept beside those that were. */
const UNUSED = 20_000;

const DIGEST_LENGTH = "sha256:".length + 64;

/**
 * Opens the digests of a directory.
 * @param root its path; two directories that share one only share a file of digests
 */
export function digestMemory(cache: StepCache, root: string): DigestMemory {
  const kept = new Map<string, string>();
  for (const line of cache.contextDigests(root).split("\n")) {
    if (line.startsWith("sha256:")) kept.set(line.slice(DIGEST_LENGTH + 1), line.slice(0, DIGEST_LENGTH));
  }
  const used = new Map<string, string>();
  let learnt = false;
  return {
    find(stamp) {
      const digest = kept.get(stamp);
      if (digest !== undefined) used.set(stamp, digest);
      return digest;
    },
    learn(stamp, changed, digest) {
      if (changed > platform.now() - SETTLED) return;
      used.set(stamp, digest);
      learnt = true;
    },
    keep() {
      if (!learnt) return;
      learnt = false;
      const unused = [...kept].filter(([stamp]) => !used.has(stamp)).slice(-UNUSED);
      const lines = [...unused, ...used].map(([stamp, digest]) => `${digest} ${stamp}\n`);
      cache.keepContextDigests(root, lines.join(""));
    },
  };
}
