/**
 * Committing a mount: layer, config, history, names; the same twice; refused where it makes no sense.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { type Digest, digestHex, digestOf } from "../../src/oci/digest.ts";
import { DOCKER_LAYER_GZIP, DOCKER_MANIFEST, OCI_LAYER_GZIP } from "../../src/oci/media-types.ts";
import type { Image } from "../../src/runtime/image.ts";
import { Store } from "../../src/runtime/store.ts";
import { layoutOf, type MadeImage, makeImage, named, writeLayout } from "../store/images.ts";
import { scratch } from "../store/scratch.ts";

const EPOCH = { SOURCE_DATE_EPOCH: "1700000000" };
let made: MadeImage;

beforeAll(async () => {
  made = await makeImage([{ "etc/motd": "hello\n", "etc/gone": "x" }], {
    config: {
      created: "2020-01-01T00:00:00Z",
      config: { Env: ["A=1"], Future: true },
      history: [{ created_by: "base" }],
      unknown: { kept: [1] },
    },
  });
});

async function base(env: Record<string, string> = EPOCH): Promise<{ store: Store; image: Image }> {
  const store = await Store.open(scratch(), { env });
  const [image] = await store.load(layoutOf(scratch(), made, "base:1"));
  return { store, image: image! };
}

async function changed(image: Image) {
  const mount = await image.mount();
  mount.writeFile("/etc/motd", "bye\n");
  mount.unlink("/etc/gone");
  mount.mkdir("/srv", 0o750);
  mount.writeFile("/srv/new", "new");
  return mount;
}

test("a new layer over the old ones, in every document", async () => {
  const { store, image } = await base();
  const next = await image.commit(await changed(image), {
    name: "me/next",
    message: "a message",
    author: "me",
    createdBy: "/bin/sh -c work",
    changes: ["ENV B=2", "CMD x"],
  });
  expect(next.tags).toEqual(["me/next:latest"]);
  expect(next.manifest.layers).toHaveLength(2);
  expect(next.manifest.layers[0]).toEqual(made.layers[0]);
  expect(next.manifest.layers[1]?.mediaType).toBe(OCI_LAYER_GZIP);
  const [first, second] = next.config.rootfs.diff_ids;
  expect(first).toBe(digestOf(made.archives[0]!));
  expect(second).not.toBe(first);
  expect(next.config).toMatchObject({
    created: "2023-11-14T22:13:20Z",
    author: "me",
    config: { Env: ["A=1", "B=2"], Cmd: ["/bin/sh", "-c", "x"], Future: true },
    unknown: { kept: [1] },
    history: [
      { created_by: "base" },
      { created: "2023-11-14T22:13:20Z", created_by: "/bin/sh -c work", author: "me", comment: "a message" },
    ],
  });
  const mount = await next.mount();
  expect(Buffer.from(mount.readFile("/etc/motd")).toString()).toBe("bye\n");
  expect(mount.exists("/etc/gone")).toBe(false);
  expect(mount.stat("/srv").mode & 0o7777).toBe(0o750);
  expect((await next.history()).map(({ size }) => size)).toEqual([7, 7]);
  await store.close();
});

test("what was stored is what the descriptors promise, and the cache is the blob's", async () => {
  const { store, image } = await base();
  const next = await image.commit(await changed(image), { name: "next" });
  for (const { digest, size } of [next.descriptor, next.manifest.config, ...next.manifest.layers]) {
    const bytes = readFileSync(join(store.directory!, "blobs/sha256", digestHex(digest)));
    expect([digestOf(bytes), bytes.length]).toEqual([digest, size]);
  }
  const diffID = next.config.rootfs.diff_ids[1]!;
  const archive = readFileSync(
    join(store.directory!, "stratafs/layers-1/sha256", `${digestHex(diffID)}.tar`),
  );
  expect(digestOf(archive)).toBe(diffID);
  expect(readdirSync(join(store.directory!, "stratafs/tmp"))).toEqual([]);
  await store.close();
});

test("the same commit twice, in two stores: the same digests", async () => {
  const digests: Digest[] = [];
  for (let i = 0; i < 2; i++) {
    const { store, image } = await base();
    const mount = await changed(image);
    mount.utimens("/etc", 1n, 1n);
    for (const path of ["/etc/motd", "/srv/new", "/srv"]) mount.utimens(path, 5_000_000_000n, 5_000_000_000n);
    const next = await image.commit(mount, { name: "next", message: "m" });
    digests.push(next.descriptor.digest, next.id, next.config.rootfs.diff_ids[1]!);
    await store.close();
  }
  expect(digests.slice(3)).toEqual(digests.slice(0, 3));
});

test("rule 59: times after SOURCE_DATE_EPOCH are set back to it", async () => {
  const { store, image } = await base();
  const next = await image.commit(await changed(image));
  expect((await next.mount()).stat("/srv/new").mtime).toBe(1_700_000_000_000_000_000n);
  await store.close();
});

test("rule 63: an empty diff adds no layer, one line of history", async () => {
  const { store, image } = await base();
  const mount = await image.mount();
  mount.chmod("/etc/motd", 0o600);
  mount.chmod("/etc/motd", mount.stat("/etc/gone").mode & 0o7777);
  const next = await image.commit(mount, { message: "nothing", changes: ["USER me"] });
  expect(next.manifest.layers).toEqual(made.layers);
  expect(next.config.history?.at(-1)).toEqual({
    created: "2023-11-14T22:13:20Z",
    comment: "nothing",
    empty_layer: true,
  });
  expect(next.config.config?.User).toBe("me");
  expect(await next.tree()).toBe(await image.tree());
  await store.close();
});

test("an image without a name is kept, and found by its ID", async () => {
  const { store, image } = await base();
  const next = await image.commit(await changed(image));
  expect(next.tags).toEqual([]);
  expect((await store.image(digestHex(next.id).slice(0, 12))).id).toBe(next.id);
  expect((await store.images()).map((stored) => stored.image.tags)).toEqual([["base:1"], []]);
  await store.close();
});

test("a commit of a commit builds on it", async () => {
  const { store, image } = await base();
  const next = await image.commit(await changed(image), { name: "next" });
  const mount = await next.mount();
  mount.rename("/srv", "/opt");
  const last = await next.commit(mount, { name: "next" });
  expect((await last.mount()).readdir("/opt").map((entry) => entry.name)).toEqual(["new"]);
  expect((await store.images()).map((stored) => stored.image.tags)).toEqual([
    ["base:1"],
    [],
    ["next:latest"],
  ]);
  await store.close();
});

test("created: asked for, else now", async () => {
  const { store, image } = await base({});
  const asked = await image.commit(await image.mount(), { created: 1_500_000_000_000_000_000n });
  expect(asked.config.created).toBe("2017-07-14T02:40:00Z");
  const now = await image.commit(await image.mount());
  expect(Date.parse(now.config.created!)).toBeGreaterThan(Date.now() - 10_000);
  await store.close();
});

test("a base whose history tells of fewer layers keeps steps and layers together", async () => {
  const silent = await makeImage([{ a: "1" }, { b: "22" }], { config: { history: [{ created_by: "one" }] } });
  const store = await Store.open(scratch(), { env: EPOCH });
  const [image] = await store.load(layoutOf(scratch(), silent, "silent:1"));
  const mount = await image!.mount();
  mount.writeFile("/c", "333");
  const next = await image!.commit(mount, { createdBy: "three" });
  const rows = (await next.history()).map(({ entry, size }) => [entry.created_by, size]);
  expect(rows).toEqual([
    ["one", 1],
    [undefined, 2],
    ["three", 3],
  ]);
  await store.close();
});

test("a Docker image stays one", async () => {
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: DOCKER_MANIFEST,
      config: {
        mediaType: "application/vnd.docker.container.image.v1+json",
        digest: made.id,
        size: made.config.length,
      },
      layers: [{ ...made.layers[0]!, mediaType: DOCKER_LAYER_GZIP }],
    }),
  );
  const descriptor = { mediaType: DOCKER_MANIFEST, digest: digestOf(manifest), size: manifest.length };
  const layout = writeLayout(
    scratch(),
    [named(descriptor, "d:1")],
    [...made.blobs, [descriptor.digest, manifest]],
  );
  const store = await Store.open(scratch(), { env: EPOCH });
  const [image] = await store.load(layout);
  const next = await image!.commit(await changed(image!), { name: "d:2" });
  expect(next.descriptor.mediaType).toBe(DOCKER_MANIFEST);
  expect(next.manifest.layers.map(({ mediaType }) => mediaType)).toEqual([
    DOCKER_LAYER_GZIP,
    DOCKER_LAYER_GZIP,
  ]);
  expect(next.manifest.config.mediaType).toBe("application/vnd.docker.container.image.v1+json");
  await store.close();
});

describe("refused, and nothing is stored", () => {
  test.each<[string, (image: Image) => Promise<Image>, string]>([
    [
      "a name that is none",
      async (image) => image.commit(await changed(image), { name: "X" }),
      "must be lowercase",
    ],
    [
      "a digest for a name",
      async (image) => image.commit(await changed(image), { name: `x@${made.id}` }),
      "digest reference",
    ],
    [
      "an instruction that is none",
      async (image) => image.commit(await changed(image), { changes: ["RUN x"] }),
      "RUN is not",
    ],
    [
      "rule 61: a name that no layer can hold",
      async (image) => {
        const mount = await image.mount();
        mount.writeFile("/.wh.x", "");
        return image.commit(mount);
      },
      ".wh.",
    ],
  ])("%s", async (_name, commit, message) => {
    const { store, image } = await base();
    const before = readdirSync(store.directory!, { recursive: true });
    await expect(commit(image)).rejects.toThrow(message);
    expect(readdirSync(store.directory!, { recursive: true })).toEqual(before);
    await store.close();
  });

  test("a mount of another image", async () => {
    const { store, image } = await base();
    const other = await makeImage([{ other: "1" }]);
    const [loaded] = await store.load(layoutOf(scratch(), other, "other:1"));
    await expect(image.commit(await loaded!.mount())).rejects.toThrow("the mount is not one of the image");
    await store.close();
  });
});

describe("names", () => {
  test("a tag is given and taken", async () => {
    const { store, image } = await base();
    const next = await image.commit(await changed(image), { name: "next" });
    await store.tag(image, "next:latest");
    expect((await store.image("next")).id).toBe(image.id);
    expect((await store.image(next.id)).tags).toEqual([]);
    await expect(store.tag(image, "Foo:bar")).rejects.toThrow("repository name must be lowercase");
    await expect(store.tag(image, `x@${image.id}`)).rejects.toThrow("refusing to create a tag with a digest");
    await store.close();
  });

  test("missing and ambiguous images", async () => {
    const { store } = await base();
    await expect(store.image("nosuch")).rejects.toMatchObject({
      code: "no-such-image",
      message: "No such image: nosuch",
    });
    await store.close();
  });

  test("two processes' worth of names at once: none is lost", async () => {
    const { store, image } = await base();
    await Promise.all(Array.from({ length: 10 }, (_, i) => store.tag(image, `many:${i}`)));
    expect((await store.images())[0]?.image.tags).toHaveLength(11);
    await store.close();
  });
});
