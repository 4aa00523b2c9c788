/**
 * memfs has the file system interface of browsers for any `fs`: directories and files as handles. Over
 * `mount.fs` it does what it does over `node:fs`.
 */
import { nodeToFsa } from "memfs/lib/node-to-fsa/index.js";
import { describe, expect, it } from "vitest";
import { type Files, inTurn, type Side, treeOf } from "./sides.ts";

const PROJECT: Files = {
  "a.txt": "hello",
  "docs/größe.md": "# größe\n",
  "docs/deep/b.bin": Uint8Array.from({ length: 70_000 }, (_, i) => i % 256),
};

async function work(side: Side): Promise<unknown[]> {
  const told: unknown[] = [];
  const directory = nodeToFsa(side.fs as unknown as Parameters<typeof nodeToFsa>[0], side.root, {
    mode: "readwrite",
  });
  const names: string[] = [];
  for await (const [name, handle] of directory.entries()) names.push(`${name} ${handle.kind}`);
  told.push(names.sort());

  const docs = await directory.getDirectoryHandle("docs");
  const file = await (await docs.getFileHandle("größe.md")).getFile();
  told.push(file.name, file.size, await file.text());
  const made = await (await docs.getDirectoryHandle("new", { create: true })).getFileHandle("c.txt", {
    create: true,
  });
  const writable = await made.createWritable();
  await writable.write("one two");
  await writable.seek(4);
  await writable.write(new TextEncoder().encode("TWO and more"));
  await writable.truncate(11);
  await writable.close();
  const kept = await (await directory.getFileHandle("a.txt")).createWritable({ keepExistingData: true });
  await kept.write({ type: "write", position: 1, data: "E" });
  await kept.close();
  await docs.removeEntry("deep", { recursive: true });
  for (const call of [
    () => directory.getFileHandle("nothing"),
    () => directory.getDirectoryHandle("a.txt"),
    () => directory.removeEntry("docs"),
  ]) {
    told.push(await call().then(String, (error: Error) => `${error.name}: ${error.message}`));
  }
  return [...told, treeOf(side)];
}

describe("memfs's handles", () => {
  it("over a mount as on disk", async () => {
    const { onDisk, onMount } = await inTurn(PROJECT, work);
    expect(onDisk.at(-1)).toMatchObject({ "docs/new/c.txt": "644 one TWO and" });
    expect(onMount).toEqual(onDisk);
  });
});
