/**
 * What a store promises, wherever it is: every case runs on disk and in memory.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { digestHex } from "../../src/oci/digest.ts";
import { withDigest } from "../../src/oci/reference.ts";
import { Store, type StoreOptions } from "../../src/runtime/store.ts";
import { withName } from "../../src/store/index-file.ts";
import { heldDigests } from "../../src/store/leases.ts";
import { layoutOf, makeImage, named, writeLayout } from "../store/images.ts";
import { scratch } from "../store/scratch.ts";

const FILES = [{ "d/a": "1" }, { b: "22" }];
const env = { SOURCE_DATE_EPOCH: "1700000000" };

const STORES: readonly [string, (options?: StoreOptions) => Promise<Store>][] = [
  ["on disk", async (options) => await Store.open(scratch(), { env, ...options })],
  ["in memory", async (options) => await Store.memory({ env, ...options })],
];

const text = (bytes: Uint8Array) => Buffer.from(bytes).toString();

describe.each(STORES)("a store %s", (_name, open) => {
  async function withImage(name = "x:1") {
    const store = await open();
    const made = await makeImage(FILES);
    const [image] = await store.load(layoutOf(scratch(), made, name));
    return { store, made, image: image! };
  }

  test("begins empty, and knows no image", async () => {
    const store = await open();
    expect(await store.images()).toEqual([]);
    await expect(store.image("nosuch")).rejects.toMatchObject({ code: "no-such-image" });
    await store.close();
  });

  test("loads a layout, and finds the image by name, ID, prefix and digest", async () => {
    const { store, made } = await withImage();
    for (const name of ["x:1", made.id, digestHex(made.id).slice(0, 7), made.descriptor.digest])
      expect((await store.image(name)).id).toBe(made.id);
    const [stored] = await store.images();
    expect([stored!.image.tags, await stored!.image.size()]).toEqual([["x:1"], 3]);
    await store.close();
  });

  test("mounts, commits, and mounts what was committed", async () => {
    const { store, image } = await withImage();
    const mount = await image.mount();
    mount.writeFile("/b", "333");
    mount.unlink("/d/a");
    const next = await image.commit(mount, { name: "y", message: "m" });
    mount.unmount();
    const again = await (await store.image("y")).mount();
    expect([text(again.readFile("/b")), again.readdir("/d")]).toEqual(["333", []]);
    expect((await next.history()).map(({ size }) => size)).toEqual([1, 2, 3]);
    again.unmount();
    await store.close();
  });

  test("a commit has one digest, wherever it is made", async () => {
    const ids = await Promise.all(
      STORES.map(async ([, openOther]) => {
        const store = await openOther();
        const [image] = await store.load(layoutOf(scratch(), await makeImage(FILES), "x:1"));
        const mount = await image!.mount({ clock: () => 1_600_000_000_000_000_000n });
        mount.writeFile("/new", "n");
        const { descriptor } = await image!.commit(mount);
        await store.close();
        return descriptor.digest;
      }),
    );
    expect(new Set(ids).size).toBe(1);
  });

  test("saves what another store loads", async () => {
    const { store, made } = await withImage();
    const other = await open();
    const [loaded] = await other.load(await store.save(["x:1"]));
    expect([loaded!.id, loaded!.tags]).toEqual([made.id, ["x:1"]]);
    await store.close();
    await other.close();
  });

  test("a damaged image is refused and leaves nothing", async () => {
    const store = await open();
    const made = await makeImage(FILES);
    const blobs = new Map(made.blobs);
    blobs.set(made.layers[0]!.digest, Buffer.alloc(made.layers[0]!.size, 1));
    const layout = writeLayout(scratch(), [named(made.descriptor, "x:1")], blobs);
    await expect(store.load(layout)).rejects.toThrow(made.layers[0]!.digest);
    expect(await store.images()).toEqual([]);
    for (const digest of made.blobs.keys()) expect(await store.core.blobs.size(digest)).toBeUndefined();
    expect(store.core.files.listNow(store.core.layout.temporary)).toEqual([]);
    await store.close();
  });

  test("a name belongs to one image; the one that had it stays without a name", async () => {
    const { store, image } = await withImage();
    const other = await makeImage([{ c: "3" }]);
    await store.load(layoutOf(scratch(), other, "x:1"));
    expect((await store.image("x:1")).id).toBe(other.id);
    expect((await store.image(image.id)).tags).toEqual([]);
    await store.tag(image, "z");
    expect((await store.image("z")).id).toBe(image.id);
    await store.close();
  });

  test("a repository's digest is a name, and no tag", async () => {
    const { store, image } = await withImage("host:5000/r:1");
    const reference = withDigest(image.references[0]!, image.target.digest);
    await store.core.index.update((entries) => withName(entries, image.target, reference));
    const found = await store.image(`host:5000/r@${image.target.digest}`);
    expect([found.tags, found.repoDigests]).toEqual([
      ["host:5000/r:1"],
      [`host:5000/r@${image.target.digest}`],
    ]);
    await store.close();
  });

  test("a mount holds what it reads until it ends", async () => {
    const { store, image, made } = await withImage();
    const held = async () => heldDigests((await store.core.arbiter()).leases(), Date.now());
    const mount = await image.mount({ readOnly: true });
    for (const digest of made.blobs.keys()) expect(await held()).toContain(digest);
    mount.unmount();
    expect((await held()).size).toBe(0);
    await store.close();
  });

  test("caches that are removed are made again", async () => {
    const { store, image } = await withImage();
    const { files, layout } = store.core;
    files.removeNow(join(layout.layer(image.layers[0]!.diffID, "tar", 1), "../.."));
    expect(await image.size()).toBe(3);
    const mount = await image.mount();
    expect(text(mount.readFile("/d/a"))).toBe("1");
    await store.close();
  });
});

test("a store in memory writes nothing", async () => {
  const store = await Store.memory({ env });
  expect(store.directory).toBeUndefined();
  const [image] = await store.load(layoutOf(scratch(), await makeImage(FILES), "x:1"));
  expect(existsSync(store.core.blobs.path(image!.id))).toBe(false);
  await store.close();
});

test("a store on disk is an image layout", async () => {
  const store = await Store.open(scratch(), { env });
  const [image] = await store.load(layoutOf(scratch(), await makeImage(FILES), "x:1"));
  expect(readFileSync(join(store.directory!, "blobs/sha256", digestHex(image!.id))).length).toBeGreaterThan(
    0,
  );
  await store.close();
});
