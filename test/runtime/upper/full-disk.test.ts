/**
 * An upper on a filesystem that is full: a tmpfs of a few MiB, where this process may mount one.
 */
import { spawnSync } from "node:child_process";
import { rmSync, statfsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { PosixError } from "../../../src/posix/errno.ts";
import { diskUppers } from "../../../src/runtime/upper/disk.ts";
import { O_RDWR } from "../../../src/union/types.ts";
import { show, temporaryFolder } from "./stores.ts";
import { smallTree } from "./trees.ts";

const MIB = 2 ** 20;

/** Mounts a small tmpfs; undefined where that is not allowed. */
function smallDisk(bytes: number): string | undefined {
  const folder = temporaryFolder();
  const done = spawnSync("mount", ["-t", "tmpfs", "-o", `size=${bytes}`, "tmpfs", folder]);
  if (done.status !== 0) return undefined;
  onTestFinished(() => {
    spawnSync("umount", ["-l", folder]);
  });
  return folder;
}

function codeOf(run: () => unknown): string | undefined {
  try {
    run();
  } catch (error) {
    if (error instanceof PosixError) return error.code;
    throw error;
  }
  return undefined;
}

test("a full disk fails a commit point and a spill with ENOSPC, changes neither, and is got over", (context) => {
  const disk = smallDisk(4 * MIB);
  if (disk === undefined) return context.skip("mounting a tmpfs needs root");
  const tree = smallTree();
  const at = join(disk, "upper");
  diskUppers.create(at, tree);
  const upper = diskUppers.open(at, tree, { residentBytes: 2 * MIB });
  const { mount } = upper;
  mount.writeFile("/kept", new Uint8Array(MIB).fill(1));
  upper.commit();
  const committed = show(mount);
  const ballast = join(disk, "ballast");
  writeFileSync(ballast, new Uint8Array(statfsSync(disk).bfree * statfsSync(disk).bsize - 256 * 1024));

  mount.writeFile("/more", new Uint8Array(MIB).fill(2));
  const before = show(mount);
  const fd = mount.open("/more", O_RDWR);
  expect(codeOf(() => mount.fsync(fd))).toBe("ENOSPC");
  expect(show(mount)).toEqual(before);
  const large = new Uint8Array(2 * MIB).fill(3);
  expect(codeOf(() => mount.write(fd, large, 0, large.length, 0))).toBe("ENOSPC");
  expect(show(mount)).toEqual(before);
  mount.close(fd);
  const reader = diskUppers.read(at, tree);
  expect(show(reader.mount)).toEqual(committed);
  reader.close();

  rmSync(ballast);
  upper.close();
  const again = diskUppers.open(at, tree);
  expect(show(again.mount)).toEqual(before);
  again.close();
});
