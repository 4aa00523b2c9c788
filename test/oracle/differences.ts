/**
 * Where our mount differs from kernel overlayfs on purpose. Everything else that differs is a fault.
 * `differences.test.ts` asserts each by itself: that the kernel does what is said here, and what ours
 * does instead. What is kept out of random sequences is said where they are made: names that other
 * layers hide in a hardlink group and stray whiteouts (`lowers.ts`), the insides of pipes
 * (`kernel/calls.py`), reserved xattrs and those of `system.` (`operations.ts`).
 */
import { SEEK_DATA, SEEK_HOLE } from "../../src/union/types.ts";
import type { Session } from "./execute.ts";
import type { MountKind } from "./kernel.ts";
import type { Call, Operation, Result } from "./scenario.ts";

/** One call that the kernel has answered. */
interface Moment {
  readonly mount: MountKind;
  readonly operation: Operation;
  readonly kernel: Result;
  readonly session: Session;
  readonly protectedHardlinks: boolean;
}

interface Difference {
  readonly reason: string;
  /** Whether the kernel refused, for this reason, a call that ours would do; it is then left out on ours. */
  refuses?(moment: Moment): boolean;
  /** Whether the kernel's mount is spoilt from here on, so that nothing after this call can be compared. */
  spoils?(moment: Moment): boolean;
  /** Makes the call on ours in another way than by itself, where that is needed; gives its result. */
  settles?(moment: Moment): Result | undefined;
  /** Whether the two results may differ so. Brings ours to where the kernel is, if that is needed. */
  allows?(moment: Moment, ours: Result): boolean;
}

/** Calls that change the inode behind a descriptor. */
const CHANGES: ReadonlySet<Call> = new Set<Call>([
  "write",
  "ftruncate",
  "fchmod",
  "fchown",
  "futimens",
  "fallocate",
  "setxattr",
  "removexattr",
  "copyRange",
]);

/** Every deliberate difference, by name. */
export const DIFFERENCES = {
  "directory rename": {
    reason:
      "Without redirect_dir, overlayfs gives EXDEV for renaming or exchanging a directory that a lower has. Ours renames every directory.",
    refuses: ({ mount, operation, kernel, session }: Moment) => {
      if (mount !== "default" || operation.call !== "rename" || kernel !== "EXDEV") return false;
      // Overlayfs refuses before it looks whether the target is empty.
      const trial = session.trial(operation);
      return trial === 0 || trial === "ENOTEMPTY";
    },
  },
  "unlinked lower inode": {
    reason:
      "Overlayfs copies up by name, so what a lower has cannot be changed once it lost its name, though it is open: EEXIST, for a directory ENOTDIR, or ENOTEMPTY where another one has its name. Ours copies up by inode.",
    refuses: ({ mount, operation, kernel, session }: Moment) =>
      mount !== "plain" &&
      (kernel === "EEXIST" || kernel === "ENOTDIR" || kernel === "ENOTEMPTY") &&
      "slot" in operation &&
      CHANGES.has(operation.call) &&
      session.isUnlinked(operation.slot),
  },
  "unlinked lower directory": {
    reason:
      "Where another directory has its name now, of which the upper holds nothing yet, overlayfs copies the unlinked one up over it, and what was there is gone.",
    spoils: ({ mount, operation, kernel, session }: Moment) =>
      mount !== "plain" &&
      typeof kernel !== "string" &&
      "slot" in operation &&
      CHANGES.has(operation.call) &&
      session.isUnlinked(operation.slot, "directory"),
  },
  "link count of an unlinked lower inode": {
    reason: "Overlayfs shows the count of the lower inode, which no unlink above it can change. Ours is 0.",
    allows: ({ mount, operation, kernel, session }: Moment, ours: Result) =>
      mount !== "plain" &&
      operation.call === "fstat" &&
      session.isUnlinked(operation.slot) &&
      sameBut(NLINK, kernel, ours),
  },
  "time of a removed directory": {
    reason:
      "Overlayfs removes the whiteouts in a directory before the directory, which sets its time. Ours leaves the time of what is gone alone.",
    allows: ({ mount, operation, kernel, session }: Moment, ours: Result) =>
      mount !== "plain" &&
      operation.call === "fstat" &&
      session.isUnlinked(operation.slot, "directory") &&
      sameBut(MTIME, kernel, ours),
  },
  holes: {
    reason:
      "Overlayfs looks for holes in steps of 1 MiB at copy-up, so that files up to that size lose them; a filesystem may call any zeros data. Ours keeps holes.",
    allows: ({ operation, kernel, session }: Moment, ours: Result) => {
      if (operation.call !== "lseek") return false;
      const { slot, at, whence } = operation;
      if (whence !== SEEK_DATA && whence !== SEEK_HOLE) return false;
      const isAnswer = (result: Result) => typeof result === "number" || result === "ENXIO";
      if (!isAnswer(kernel) || !isAnswer(ours)) return false;
      if (!session.isTrueSeek(slot, at, whence, ours)) return false;
      session.seekBack(slot, typeof kernel === "number" ? kernel : undefined);
      return true;
    },
  },
  "truncation of a hole": {
    reason:
      "tmpfs leaves the times alone when truncate(2), not ftruncate(2), gives a file that has no page the size that it has. Ours sets them, as for a file that has one.",
    settles: ({ operation, kernel, session }: Moment) =>
      operation.call === "truncate" && kernel === 0 ? session.truncateKeepingTime(operation) : undefined,
  },
  "protected hardlinks": {
    reason:
      "fs.protected_hardlinks, a setting of the machine and of no filesystem, refuses users a link to a file that they neither own nor may write.",
    refuses: ({ operation, kernel, protectedHardlinks }: Moment) =>
      protectedHardlinks &&
      operation.call === "link" &&
      kernel === "EPERM" &&
      operation.as !== undefined &&
      operation.as[0] !== 0,
  },
} satisfies { readonly [name: string]: Difference };

export type DifferenceName = keyof typeof DIFFERENCES;

const ENTRIES = Object.entries(DIFFERENCES) as [DifferenceName, Difference][];

/** The difference for which the kernel refused a call that ours would do. */
export function refusal(moment: Moment): DifferenceName | undefined {
  return ENTRIES.find(([, difference]) => difference.refuses?.(moment))?.[0];
}

/** The difference by which the kernel's mount is spoilt after a call. */
export function spoiling(moment: Moment): DifferenceName | undefined {
  return ENTRIES.find(([, difference]) => difference.spoils?.(moment))?.[0];
}

/** Makes a call on ours as a difference demands; undefined where none does. */
export function settlement(moment: Moment): { name: DifferenceName; result: Result } | undefined {
  for (const [name, difference] of ENTRIES) {
    const result = difference.settles?.(moment);
    if (result !== undefined) return { name, result };
  }
  return undefined;
}

/** The difference for which two unequal results are as they should be. */
export function allowance(moment: Moment, ours: Result): DifferenceName | undefined {
  return ENTRIES.find(([, difference]) => difference.allows?.(moment, ours))?.[0];
}

const NLINK = 2;
const MTIME = 7;

/** Whether two results of stat are equal but for one field. */
function sameBut(differing: number, a: Result, b: Result): boolean {
  if (!Array.isArray(a) || !Array.isArray(b)) return false;
  return a.every((field, i) => i === differing || field === b[i]);
}
