/**
 * Directories that vanish with the test that made them.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";

/** A new empty directory. Call it inside a test, or in a hook with `keep` and remove it there. */
export function scratch(keep = false): string {
  const directory = mkdtempSync(join(tmpdir(), "strata-test-"));
  if (!keep) onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}
