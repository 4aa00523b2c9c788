/**
 * Nothing is visible before all of it is, and nothing is left of what never was.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { diskFiles } from "../../src/store/disk-files.ts";
import { Staging, writeDurably } from "../../src/store/staging.ts";
import { scratch } from "./scratch.ts";

const bytes = (value: string) => new TextEncoder().encode(value);

test("files appear at commit, in directories that are made then", async () => {
  const root = scratch();
  const staging = new Staging(diskFiles(join(root, "tmp")));
  const file = await staging.create();
  await file.write(bytes("one "));
  await file.write(bytes("two"));
  expect(file.size).toBe(7);
  await staging.add(file, join(root, "a/b/c"));
  await staging.addBytes(bytes("x"), join(root, "a/d"));
  expect(existsSync(join(root, "a"))).toBe(false);
  await staging.commit();
  await staging.discard();
  expect(readFileSync(join(root, "a/b/c"), "utf8")).toBe("one two");
  expect(readFileSync(join(root, "a/d"), "utf8")).toBe("x");
  expect(readdirSync(join(root, "tmp"))).toEqual([]);
});

test("discarding leaves neither target nor temporary file, open or closed or owned", async () => {
  const root = scratch();
  mkdirSync(join(root, "tmp"));
  const owned = join(root, "tmp/owned");
  writeFileSync(owned, "x");
  const staging = new Staging(diskFiles(join(root, "tmp")));
  await (await staging.create()).write(bytes("open"));
  await staging.addBytes(bytes("closed"), join(root, "a"));
  await staging.add(owned, join(root, "b"));
  await staging.discard();
  expect(readdirSync(join(root, "tmp"))).toEqual([]);
  expect(readdirSync(root)).toEqual(["tmp"]);
});

test("a later file of the same name wins", async () => {
  const root = scratch();
  const staging = new Staging(diskFiles(join(root, "tmp")));
  await staging.addBytes(bytes("first"), join(root, "a"));
  await staging.addBytes(bytes("second"), join(root, "a"));
  await staging.commit();
  expect(readFileSync(join(root, "a"), "utf8")).toBe("second");
});

test("writing durably replaces in one step and leaves no temporary file when it cannot", async () => {
  const root = scratch();
  await writeDurably(diskFiles(join(root, "tmp")), join(root, "f"), bytes("old"));
  await writeDurably(diskFiles(join(root, "tmp")), join(root, "f"), bytes("new"));
  expect(readFileSync(join(root, "f"), "utf8")).toBe("new");
  mkdirSync(join(root, "full/inside"), { recursive: true });
  await expect(writeDurably(diskFiles(join(root, "tmp")), join(root, "full"), bytes("x"))).rejects.toThrow();
  expect(readdirSync(join(root, "tmp"))).toEqual([]);
});
