/**
 * A vitest reporter that ends a run with one line that a person or a script finds at once:
 * `N passed, N failed`, alone, after everything else. A file that cannot be collected counts as a
 * failure, and so does an error outside any test.
 */
import type { Reporter, SerializedError, TestModule } from "vitest/node";

export const closingLines: Reporter = {
  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly SerializedError[]) {
    let passed = 0;
    let failed = unhandled.length;
    let skipped = 0;
    for (const module of modules) {
      if (module.errors().length > 0) failed += 1;
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        if (state === "passed") passed += 1;
        else if (state === "failed") failed += 1;
        else skipped += 1;
      }
    }
    const lines = `${skipped > 0 ? `${skipped} skipped\n` : ""}${passed} passed, ${failed} failed\n`;
    process.stdout.write(lines);
  },
};
