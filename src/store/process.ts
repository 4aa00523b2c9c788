/**
 * Who a process is, so that one that is gone is told from a living one also when its number was given to
 * another: by its start time and the boot. Works between processes that see the same process numbers.
 */
import { readFileSync, readlinkSync } from "node:fs";

const UNKNOWN = "unknown";

function readOr(path: string, read: (path: string) => string): string {
  try {
    return read(path);
  } catch {
    return UNKNOWN;
  }
}

function bootID(): string {
  return readOr("/proc/sys/kernel/random/boot_id", (path) => readFileSync(path, "latin1").trim());
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

let own: string | undefined;

/** The process that asks: its number, its start time and the boot, with colons between. */
export function processIdentity(): string {
  own ??= `${process.pid}:${startTime(process.pid) ?? UNKNOWN}:${bootID()}`;
  return own;
}

/** Whether the process of an identity is certainly gone, for one who sees the same process numbers. */
export function isGone(identity: string): boolean {
  const [pid, started, boot] = identity.split(":");
  if (boot !== bootID()) return true;
  if (started !== UNKNOWN) return startTime(Number(pid)) !== started;
  try {
    process.kill(Number(pid), 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ESRCH";
  }
}

/** Names the processes whose numbers this one sees: in a container they are other ones. */
export function processNamespace(): string {
  return readOr("/proc/self/ns/pid", readlinkSync).replace(/\D/g, "") || UNKNOWN;
}

/** The process that asks, as the beginning of a file's name: of what it left behind one can tell that it is gone. */
export function processTag(): string {
  return `${process.pid}-${startTime(process.pid) ?? UNKNOWN}-${processNamespace()}`;
}

/** How long a file counts whose process cannot be seen from here, in milliseconds. */
const UNSEEN_FILE = 24 * 3_600_000;

/**
 * Whether a name that begins as `processTag` has it was left behind by a process that is gone.
 * @param modified when the file was written, in milliseconds since the epoch
 */
export function isStray(name: string, modified: number, now: number): boolean {
  const [pid, started, namespace] = name.split("-");
  const seen = namespace === processNamespace() && started !== UNKNOWN;
  return seen ? startTime(Number(pid)) !== started : now - modified > UNSEEN_FILE;
}
