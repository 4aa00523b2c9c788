/**
 * One lock for one short piece of work, between processes: the re-read, change and rename of
 * `index.json`. Never held during a transfer.
 *
 * The lock is a symbolic link whose target tells its holder, so that making it and naming the holder
 * is one step that fails where it exists. A holder that was killed is told apart from a living one by
 * process, start time and boot. Breaking its lock takes a lock of its own (`lock.break`): only the
 * holder of that one may remove a dead lock, and it looks again before it does, so that no fresh lock
 * is ever removed by a process that saw a dead one in its place.
 *
 * Works between processes that see the same process numbers; not between machines.
 */
import { readFileSync } from "node:fs";
import { mkdir, readlink, symlink, unlink } from "node:fs/promises";
import { dirname } from "node:path";
import { isMissing, StoreError } from "./errors.ts";

const FIRST_WAIT = 2;
const LONGEST_WAIT = 100;
const PATIENCE = 60_000;

function bootID(): string {
  try {
    return readFileSync("/proc/sys/kernel/random/boot_id", "latin1").trim();
  } catch {
    return "unknown";
  }
}

/** When a process started, in the kernel's ticks; undefined where it does not run any more or cannot be seen. */
function startTime(pid: number): string | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "latin1");
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" ? undefined : fields[19];
  } catch {
    return undefined;
  }
}

/** The process that asks, as a lock names it. */
export function processIdentity(): string {
  return `${process.pid}:${startTime(process.pid) ?? "unknown"}:${bootID()}`;
}

/** Whether the process that a lock names is certainly gone. */
export function isGone(holder: string): boolean {
  const [pid, started, boot] = holder.split(":");
  if (boot !== bootID()) return true;
  if (started !== "unknown") return startTime(Number(pid)) !== started;
  try {
    process.kill(Number(pid), 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ESRCH";
  }
}

async function holderOf(path: string): Promise<string | undefined> {
  try {
    return await readlink(path);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** Removes a lock whose holder is gone, unless someone else already did. */
async function breakDead(path: string, deadline: number): Promise<void> {
  const breaking = `${path}.break`;
  await acquire(breaking, deadline);
  try {
    const holder = await holderOf(path);
    if (holder !== undefined && isGone(holder)) await unlink(path);
  } finally {
    await unlink(breaking);
  }
}

async function acquire(path: string, deadline: number): Promise<void> {
  for (let wait = FIRST_WAIT; ; wait = Math.min(wait * 2, LONGEST_WAIT)) {
    try {
      await symlink(processIdentity(), path);
      return;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === "ENOENT") await mkdir(dirname(path), { recursive: true });
      else if (code !== "EEXIST") throw error;
    }
    const holder = await holderOf(path);
    if (holder === undefined) continue;
    if (isGone(holder)) {
      await breakDead(path, deadline);
      continue;
    }
    if (Date.now() > deadline) {
      throw new StoreError(
        "busy",
        `${path} is held by process ${holder.split(":")[0]}, which does not let go`,
      );
    }
    await new Promise((resolve) => setTimeout(resolve, wait * (0.5 + Math.random() / 2)));
  }
}

/**
 * Does something while holding a lock.
 * @throws StoreError (`busy`) where a living process holds it for a minute
 */
export async function withLock<T>(path: string, work: () => Promise<T>): Promise<T> {
  await acquire(path, Date.now() + PATIENCE);
  try {
    return await work();
  } finally {
    await unlink(path);
  }
}
