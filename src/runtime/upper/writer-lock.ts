/**
 * Who writes an upper: a symbolic link in its folder, whose target names the process, so that taking the
 * lock and saying who has it is one step. A process that is gone holds nothing, also when its number was
 * given to another one: its start time and the boot tell them apart.
 *
 * A link whose holder is gone is replaced while lmdb's write lock is held, which the kernel frees when its
 * holder is killed; nothing is written for it. Works between processes that see the same process numbers.
 */
import { readlinkSync, symlinkSync, unlinkSync } from "node:fs";
import { isGone, processIdentity } from "../../store/process.ts";
import type { Metadata } from "./metadata.ts";
import { busyError, type Holder } from "./upper.ts";

const IDENTITY_FIELDS = 3;

function holderOf(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

function parseHolder(target: string): Holder {
  const fields = target.split(":");
  return { pid: Number(fields[0]), since: Number(fields[IDENTITY_FIELDS]) };
}

/**
 * Takes the lock at `path` of the upper at `at`.
 * @returns what releases it
 * @throws UpperError (`busy`)
 */
export function lockWriter(at: string, path: string, metadata: Metadata): () => void {
  refuse(at, holderOf(path));
  const self = `${processIdentity()}:${Date.now()}`;
  metadata.exclusively(() => {
    const holder = holderOf(path);
    refuse(at, holder);
    if (holder !== undefined) unlinkSync(path);
    symlinkSync(self, path);
  });
  return () => {
    if (holderOf(path) === self) unlinkSync(path);
  };
}

/** Who has the lock at `path`; undefined where nobody living does. */
export function livingHolder(path: string): Holder | undefined {
  const holder = holderOf(path);
  return holder === undefined || isGone(holder) ? undefined : parseHolder(holder);
}

function refuse(at: string, holder: string | undefined): void {
  if (holder !== undefined && !isGone(holder)) throw busyError(at, parseHolder(holder));
}
