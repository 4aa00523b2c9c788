/**
 * Digests of files that are kept between builds: what was left alone is not read again, and whatever changed is.
 */
import { statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { ContentDigests } from "../../src/build/context/digest.ts";
import { digestMemory } from "../../src/build/context/digest-memory.ts";
import { directoryContext } from "../../src/build/context/directory.ts";
import type { FileView } from "../../src/build/context/view.ts";
import { StepCache } from "../../src/store/step-cache.ts";
import type { Content } from "../../src/tree/content.ts";
import { contextOf, memoryStore } from "./harness.ts";

/** The digests of a directory as a build finds them, and which files it read for them. */
function look(cache: StepCache, directory: string) {
  const context = directoryContext(directory);
  const read: string[] = [];
  const view: FileView = {
    ...context,
    entry(path) {
      const entry = context.entry(path);
      if (entry?.inode.kind !== "file") return entry;
      const { content } = entry.inode;
      const watched: Content = {
        size: content.size,
        nextData: (position) => content.nextData(position),
        nextHole: (position) => content.nextHole(position),
        read: (...args) => {
          if (!read.includes(path)) read.push(path);
          return content.read(...args);
        },
      };
      return { ...entry, inode: { ...entry.inode, content: watched } };
    },
  };
  const digests = new ContentDigests(view, digestMemory(cache, directory));
  const found = Object.fromEntries(digests.of("/", "", false, new Map()));
  digests.keep();
  context.close();
  return { read, found };
}

test("files that were left alone are read once, changed ones again, fresh ones each time", async () => {
  const directory = contextOf({ a: "1", b: "2", c: "3" });
  const cache = new StepCache((await memoryStore()).core);
  const fresh = look(cache, directory);
  expect(fresh.read).toEqual(["/a", "/b", "/c"]);
  expect(look(cache, directory).read).toEqual(["/a", "/b", "/c"]);

  await sleep(3000);
  const settled = look(cache, directory);
  expect(settled).toEqual(fresh);
  expect(look(cache, directory)).toEqual({ read: [], found: fresh.found });

  // The same size, and the times put back: only the change time tells.
  const { atime, mtime } = statSync(join(directory, "b"));
  writeFileSync(join(directory, "b"), "X");
  utimesSync(join(directory, "b"), atime, mtime);
  utimesSync(join(directory, "c"), 5, 5);
  const changed = look(cache, directory);
  expect(changed.read).toEqual(["/b", "/c"]);
  expect(changed.found).toEqual({ ...fresh.found, "/b": changed.found["/b"] });
  expect(changed.found["/b"]).not.toBe(fresh.found["/b"]);
});
