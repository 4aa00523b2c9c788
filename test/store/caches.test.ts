/**
 * What lies beside the blobs can be deleted or damaged, and comes back; one tree for each chain.
 */
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { digestHex } from "../../src/oci/digest.ts";
import { Store } from "../../src/runtime/store.ts";
import { layoutOf, makeImage, writeLayout } from "./images.ts";
import { scratch } from "./scratch.ts";

const FILES = [{ "d/a": "1" }, { b: "22" }];
const open = (root: string) => Store.open(root, { env: {} });

async function loaded() {
  const root = scratch();
  const image = await makeImage(FILES);
  const store = await open(root);
  await store.load(layoutOf(scratch(), image, "x:1"));
  await store.close();
  return { root, image };
}

async function content(root: string) {
  const store = await open(root);
  const image = await store.image("x:1");
  const mount = await image.mount();
  const found = [
    Buffer.from(mount.readFile("/d/a")).toString(),
    Buffer.from(mount.readFile("/b")).toString(),
  ];
  const size = await image.size();
  await store.close();
  return [...found, size];
}

const EXPECTED = ["1", "22", 3];

describe("the store reads the same after", () => {
  const folder = (root: string, name: string) => join(root, "stratafs", name, "sha256");
  const each = (directory: string, suffix: string, change: (path: string) => void) => {
    for (const name of readdirSync(directory)) if (name.endsWith(suffix)) change(join(directory, name));
  };
  const flip = (path: string) => {
    const bytes = readFileSync(path);
    bytes[bytes.length >> 1]! ^= 0x10;
    writeFileSync(path, bytes);
  };

  test.each<[string, (root: string) => void]>([
    ["nothing happened", () => {}],
    ["the trees were deleted", (root) => rmSync(join(root, "stratafs/trees-1"), { recursive: true })],
    ["the layers were deleted", (root) => rmSync(join(root, "stratafs/layers-1"), { recursive: true })],
    ["all of ours was deleted", (root) => rmSync(join(root, "stratafs"), { recursive: true })],
    ["the archives were deleted", (root) => each(folder(root, "layers-1"), ".tar", rmSync)],
    [
      "indexes and trees were deleted",
      (root) => {
        each(folder(root, "layers-1"), ".index", rmSync);
        rmSync(join(root, "stratafs/trees-1"), { recursive: true });
      },
    ],
    ["the sizes were deleted", (root) => each(folder(root, "layers-1"), ".json", rmSync)],
    [
      "the sizes were cut",
      (root) => each(folder(root, "layers-1"), ".json", (path) => truncateSync(path, 5)),
    ],
    ["a bit of the trees flipped", (root) => each(folder(root, "trees-1"), "", flip)],
    ["the trees were cut", (root) => each(folder(root, "trees-1"), "", (path) => truncateSync(path, 100))],
    ["the trees were emptied", (root) => each(folder(root, "trees-1"), "", (path) => truncateSync(path, 0))],
    [
      "a bit of the indexes flipped, and the trees are gone",
      (root) => {
        each(folder(root, "layers-1"), ".index", flip);
        rmSync(join(root, "stratafs/trees-1"), { recursive: true });
      },
    ],
    [
      "an archive was cut, and the trees are gone",
      (root) => {
        each(folder(root, "layers-1"), ".tar", (path) => truncateSync(path, 512));
        rmSync(join(root, "stratafs/trees-1"), { recursive: true });
      },
    ],
  ])("%s", async (_name, change) => {
    const { root } = await loaded();
    change(root);
    expect(await content(root)).toEqual(EXPECTED);
    expect(await content(root)).toEqual(EXPECTED);
    expect(readdirSync(join(root, "stratafs/tmp"))).toEqual([]);
  });
});

test("a layout that another tool wrote becomes a store when it is opened", async () => {
  const image = await makeImage(FILES);
  const root = layoutOf(scratch(), image, "x:1");
  expect(await content(root)).toEqual(EXPECTED);
  expect(existsSync(join(root, "stratafs/trees-1"))).toBe(true);
});

test("a blob that rotted is noticed when it is needed, and named", async () => {
  const { root, image } = await loaded();
  rmSync(join(root, "stratafs"), { recursive: true });
  const path = join(root, "blobs/sha256", digestHex(image.layers[1]!.digest));
  writeFileSync(path, Buffer.concat([readFileSync(path).subarray(0, -1), Buffer.from("!")]));
  await expect(content(root)).rejects.toThrow(image.layers[1]!.digest);
  const store = await open(root);
  await store.load(layoutOf(scratch(), image, "x:1"));
  await store.close();
  expect(await content(root)).toEqual(EXPECTED);
});

test("a rotten config is passed over in lists, with a word", async () => {
  const { root, image } = await loaded();
  const other = await makeImage([{ c: "3" }]);
  const warnings: string[] = [];
  const store = await Store.open(root, { env: {}, warn: (message) => warnings.push(message) });
  await store.load(layoutOf(scratch(), other, "y:1"));
  writeFileSync(join(root, "blobs/sha256", digestHex(image.id)), "{}");
  expect((await store.images()).map(({ image: { tags } }) => tags)).toEqual([["y:1"]]);
  expect(warnings).toEqual([expect.stringContaining(image.id)]);
  await expect(store.image("x:1")).rejects.toThrow(image.id);
  await store.close();
});

test("one tree for each chain and process, whoever asks", async () => {
  const { root } = await loaded();
  const [first, second] = [await open(root), await open(root)];
  const trees = await Promise.all(
    [first, second, first].map(async (store) => (await store.image("x:1")).tree()),
  );
  expect(new Set(trees).size).toBe(1);
  await first.close();
  await first.close();
  const mount = await (await second.image("x:1")).mount();
  expect(Buffer.from(mount.readFile("/b")).toString()).toBe("22");
  await second.close();
  expect(() => mount.readFile("/b")).toThrow("EBADF");
});

test("a mount reads on when the caches are deleted", async () => {
  const { root } = await loaded();
  const store = await open(root);
  const mount = await (await store.image("x:1")).mount();
  rmSync(join(root, "stratafs"), { recursive: true });
  expect(Buffer.from(mount.readFile("/b")).toString()).toBe("22");
  await store.close();
});

test("an image without layers has an empty root", async () => {
  const image = await makeImage([]);
  const store = await open(scratch());
  const [empty] = await store.load(layoutOf(scratch(), image, "scratch:1"));
  expect((await empty!.mount()).readdir("/")).toEqual([]);
  expect(await empty!.size()).toBe(0);
  await store.close();
});

test.each([
  [
    "a store of a newer format",
    (root: string) => writeFileSync(join(root, "stratafs/version"), "2\n"),
    "has format 2",
  ],
  [
    "a layout of another version",
    (root: string) => writeFileSync(join(root, "oci-layout"), '{"imageLayoutVersion":"2.0.0"}'),
    "version 2.0.0",
  ],
])("refused in one sentence: %s", async (_name, change, message) => {
  const { root } = await loaded();
  change(root);
  await expect(open(root)).rejects.toThrow(message);
});

test("a new store is an empty image layout", async () => {
  const root = join(scratch(), "deep/store");
  await (await open(root)).close();
  expect(JSON.parse(readFileSync(join(root, "oci-layout"), "utf8"))).toEqual({ imageLayoutVersion: "1.0.0" });
  expect(JSON.parse(readFileSync(join(root, "index.json"), "utf8"))).toEqual({
    schemaVersion: 2,
    manifests: [],
  });
  expect(existsSync(join(root, "blobs/sha256"))).toBe(true);
});

test("members of index.json that this version does not know stay", async () => {
  const image = await makeImage(FILES);
  const root = writeLayout(scratch(), [], []);
  mkdirSync(join(root, "other"));
  const foreign = { mediaType: "a/b", digest: image.id, size: 1, x: 1 };
  writeFileSync(
    join(root, "index.json"),
    JSON.stringify({ schemaVersion: 2, manifests: [foreign], future: [1] }),
  );
  const store = await open(root);
  await store.load(layoutOf(scratch(), image, "x:1"));
  const index = JSON.parse(readFileSync(join(root, "index.json"), "utf8"));
  expect([index.future, index.manifests[0], index.manifests.length]).toEqual([[1], foreign, 2]);
  await store.close();
});
