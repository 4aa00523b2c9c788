/**
 * What backs the mount of an upper that was closed: nothing done in it lasts, and whoever asks is told.
 */
import { errno, PosixError } from "../../posix/errno.ts";
import type { Backing } from "../../union/union.ts";

export const CLOSED: Backing = {
  residentPages: 0,
  spill: () => -errno.EBADF,
  sync() {
    throw new PosixError("EBADF", { syscall: "fsync" });
  },
};
