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
import type { Mount } from "../../../src/union/mount.ts";
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

export function show(mount: Mount): Recorded {
  return recordedSnapshot(mount.snapshot());
}
