/**
 * Both kinds of store, for tests that are meant for either, and the lowers and clocks they work with.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { diskUppers } from "../../../src/runtime/upper/disk.ts";
import { memoryUppers } from "../../../src/runtime/upper/memory.ts";
import type { UpperStore } from "../../../src/runtime/upper/upper.ts";
import type { Tree } from "../../../src/tree/tree.ts";
import type { Mount } from "../../../src/union/mount.ts";
import { dir, file, hard, link, treeOf } from "../../layer/build.ts";
import { type Recorded, recordedSnapshot } from "../../property/recorded.ts";

export interface Uppers {
  readonly store: UpperStore;
  /** A place where an upper can be. */
  place(name: string): string;
}

/** A folder that goes when the test ends. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "upper-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export function inFolders(): Uppers {
  const folder = temporaryFolder();
  return { store: diskUppers, place: (name) => join(folder, name) };
}

export function inMemory(): Uppers {
  return { store: memoryUppers(), place: (name) => name };
}

/** A little of everything. */
export function smallTree(): Tree {
  return treeOf([
    dir("etc"),
    file("etc/motd", "hello\n"),
    file("etc/big", "0123456789abcdef".repeat(1000)),
    dir("usr"),
    dir("usr/bin"),
    file("usr/bin/tool", "tool", { mode: 0o755 }),
    hard("usr/bin/alias", "usr/bin/tool"),
    link("bin", "usr/bin"),
  ]);
}

export function show(mount: Mount): Recorded {
  return recordedSnapshot(mount.snapshot());
}
