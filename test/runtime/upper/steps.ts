/**
 * Work that can be done again: step `n` makes the same calls wherever it runs, and ends by saying in
 * `/step` that it was done. So what an upper holds after it was killed is compared with the whole state
 * of a mount that did as many steps.
 */
import { PosixError } from "../../../src/posix/errno.ts";
import type { Mount } from "../../../src/union/mount.ts";
import { O_CREAT, O_RDWR } from "../../../src/union/types.ts";

/** Numbers that look random and follow from a seed (mulberry32). */
function numbers(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

/** A clock whose times depend on the step alone. */
export class StepClock {
  #now = 0n;

  begin(step: number): void {
    this.#now = 1_700_000_000_000_000_000n + BigInt(step) * 1_000_000_000_000n;
  }

  readonly now = (): bigint => {
    this.#now += 1_000_000_000n;
    return this.#now;
  };
}

const NAMES = [
  "/a",
  "/b",
  "/c",
  "/etc/motd",
  "/etc/big",
  "/d/a",
  "/d/b",
  "/d/e/f",
  "/usr/bin/tool",
  "/usr/bin/new",
];
const DIRECTORIES = ["/d", "/d/e", "/usr/bin", "/usr/moved", "/etc"];

export function runStep(mount: Mount, clock: StepClock, step: number): void {
  clock.begin(step);
  const next = numbers(step);
  const name = () => NAMES[next(NAMES.length)]!;
  const directory = () => DIRECTORIES[next(DIRECTORIES.length)]!;
  const calls: (() => void)[] = [
    () => writeAt(mount, name(), next(60_000), next(40_000), step),
    () => writeAt(mount, name(), next(2_000_000), next(5_000), step),
    () => mount.writeFile(name(), `step ${step}`),
    () => mount.truncate(name(), next(30_000)),
    () => mount.unlink(name()),
    () => mount.rename(name(), name()),
    () => mount.rename(directory(), directory()),
    () => mount.link(name(), name()),
    () => mount.mkdir(directory()),
    () => mount.rmdir(directory()),
    () => mount.symlink(`to ${step}`, name()),
    () => mount.chmod(name(), next(0o1000)),
    () => mount.setxattr(name(), "user.step", new Uint8Array([next(256), next(256)])),
    () => copy(mount, name(), name()),
  ];
  for (let left = 4 + next(12); left > 0; left--) {
    try {
      calls[next(calls.length)]!();
    } catch (error) {
      if (!(error instanceof PosixError)) throw error;
    }
  }
  mount.writeFile("/step", String(step));
}

function writeAt(mount: Mount, path: string, position: number, length: number, step: number): void {
  const fd = mount.open(path, O_RDWR | O_CREAT);
  try {
    const bytes = new Uint8Array(length).fill(1 + (step % 255));
    mount.write(fd, bytes, 0, length, position);
  } finally {
    mount.close(fd);
  }
}

function copy(mount: Mount, from: string, to: string): void {
  const source = mount.open(from, O_RDWR);
  try {
    const target = mount.open(to, O_RDWR | O_CREAT);
    try {
      mount.copyRange(source, 0, target, 4096, 50_000);
    } finally {
      mount.close(target);
    }
  } finally {
    mount.close(source);
  }
}

/** How many steps were done. */
export function stepsDone(mount: Mount): number {
  return mount.exists("/step") ? Number(new TextDecoder().decode(mount.readFile("/step"))) : 0;
}

export const STEP_OPTIONS = { residentBytes: 2 ** 16, worthRewriting: 2 ** 20 };
