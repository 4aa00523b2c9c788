/**
 * Loading an OCI layout: what comes in, and that nothing comes in under a digest it does not have.
 */
import { existsSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { type Digest, digestHex, digestOf } from "../../src/oci/digest.ts";
import { OCI_INDEX, OCI_MANIFEST } from "../../src/oci/media-types.ts";
import { parsePlatform } from "../../src/oci/platform.ts";
import { Store } from "../../src/runtime/store.ts";
import { imagePath, needs } from "../requirements.ts";
import { layoutOf, makeImage, named, tarOf, writeLayout } from "./images.ts";
import { scratch } from "./scratch.ts";

const env = {};
const open = (directory: string, platform = "linux/amd64") =>
  Store.open(directory, { env, platform: parsePlatform(platform) });

/** Everything in a store that a reader could find: blobs, references, caches; and temporary files. */
function visible(root: string): string[] {
  const listed = readdirSync(root, { recursive: true, withFileTypes: true });
  const files = listed
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name));
  const index = readFileSync(join(root, "index.json"), "utf8");
  return [...files.map((path) => path.slice(root.length)).sort(), index];
}

describe.each([
  ["busybox"],
  ["debian-base"],
  ["deep125"],
  ["multiarch"],
  ["torture-bb"],
  ["torture-bb-zstd"],
])("the image %s", (name) => {
  test.skipIf(needs.image(name))("loads, mounts, and keeps its digests", async () => {
    const root = scratch();
    const store = await open(root);
    const [image] = await store.load(imagePath(name), { name });
    const { manifests } = JSON.parse(readFileSync(join(imagePath(name), "index.json"), "utf8"));
    expect(image?.tags).toEqual([`${name}:latest`]);
    expect(image?.target.digest).toBe(manifests[0].digest);
    for (const { digest, size } of [image!.descriptor, image!.manifest.config, ...image!.manifest.layers]) {
      const bytes = readFileSync(join(root, "blobs/sha256", digestHex(digest)));
      expect([digestOf(bytes), bytes.length]).toEqual([digest, size]);
    }
    const mount = await image!.mount();
    expect(mount.readdir("/").map((entry) => entry.name)).toContain("etc");
    await store.close();
  });
});

test.skipIf(needs.image("torture-bb") ?? needs.image("torture-bb-zstd"))(
  "rule 44: the zstd and gzip forms of an image give one chain and one cached tree",
  async () => {
    const store = await open(scratch());
    const [gzip] = await store.load(imagePath("torture-bb"), { name: "a" });
    const [zstd] = await store.load(imagePath("torture-bb-zstd"), { name: "b" });
    expect(gzip!.descriptor.digest).not.toBe(zstd!.descriptor.digest);
    expect(await gzip!.tree()).toBe(await zstd!.tree());
    await store.close();
  },
);

test("loading again changes nothing but the order of names", async () => {
  const root = scratch();
  const layout = layoutOf(scratch(), await makeImage([{ a: "1" }, { b: "2" }]), "x:1");
  const store = await open(root);
  await store.load(layout);
  const before = visible(root);
  await store.load(layout);
  expect(visible(root)).toEqual(before);
  await store.close();
});

test("a layer that two images share exists once; so does one that an image has twice", async () => {
  const root = scratch();
  const empty = await makeImage([{ a: "1" }, {}, { b: "2" }, {}]);
  const other = await makeImage([{ a: "1" }, { c: "3" }]);
  const layout = writeLayout(
    scratch(),
    [named(empty.descriptor, "x:1"), named(other.descriptor, "x:2")],
    [...empty.blobs, ...other.blobs],
  );
  const store = await open(root);
  const images = await store.load(layout);
  expect(images.flatMap((image) => image.tags)).toEqual(["x:1", "x:2"]);
  expect(
    readdirSync(join(root, "stratafs/layers-1/sha256")).filter((file) => file.endsWith(".tar")),
  ).toHaveLength(4);
  expect((await images[0]!.mount()).readdir("/").map((entry) => entry.name)).toEqual(["a", "b"]);
  await store.close();
});

describe("rule 43: what is damaged leaves nothing", () => {
  type Damage = (path: string) => void;
  const flip: Damage = (path) => {
    const bytes = readFileSync(path);
    bytes[bytes.length >> 1]! ^= 1;
    writeFileSync(path, bytes);
  };
  const cut: Damage = (path) => truncateSync(path, Math.floor(readFileSync(path).length / 2));
  const grow: Damage = (path) => writeFileSync(path, Buffer.concat([readFileSync(path), Buffer.from("\n")]));
  const lose: Damage = (path) => rmSync(path);
  const parts = ["manifest", "config", "layer 1", "layer 3"] as const;

  test.each(
    parts.flatMap((part) =>
      [flip, cut, grow, lose].map(
        (damage, i) =>
          [["a bit flipped in", "half of", "a byte after", "without"][i]!, part, damage] as const,
      ),
    ),
  )("%s the %s", async (_how, part, damage) => {
    const root = scratch();
    const image = await makeImage([{ a: "1" }, { b: "x".repeat(5000) }, { c: "3" }]);
    const digests: Record<string, Digest> = {
      manifest: image.descriptor.digest,
      config: image.id,
      "layer 1": image.layers[0]!.digest,
      "layer 3": image.layers[2]!.digest,
    };
    const layout = layoutOf(scratch(), image, "x:1");
    damage(join(layout, "blobs/sha256", digestHex(digests[part]!)));
    const store = await open(root);
    const before = visible(root);
    await expect(store.load(layout)).rejects.toThrow(digests[part]);
    expect(visible(root)).toEqual(before);
    await store.close();
  });

  test("a diffID that the layer does not have", async () => {
    const root = scratch();
    const image = await makeImage([{ a: "1" }]);
    const other = await makeImage([{ a: "2" }]);
    const config = Buffer.from(other.config);
    const manifest = Buffer.from(
      JSON.stringify({
        schemaVersion: 2,
        config: {
          mediaType: "application/vnd.oci.image.config.v1+json",
          digest: digestOf(config),
          size: config.length,
        },
        layers: image.layers,
      }),
    );
    const descriptor = { mediaType: OCI_MANIFEST, digest: digestOf(manifest), size: manifest.length };
    const blobs = new Map([...image.blobs, ...other.blobs, [descriptor.digest, manifest] as const]);
    const layout = writeLayout(scratch(), [named(descriptor, "x:1")], blobs);
    const store = await open(root);
    const before = visible(root);
    await expect(store.load(layout)).rejects.toThrow("diffID of the layer is");
    expect(visible(root)).toEqual(before);
    await store.close();
  });

  test("rule 20: a layer that is whole but cannot be applied", async () => {
    const root = scratch();
    const image = await makeImage([], {
      archives: [await tarOf([{ name: "a" }]), await tarOf([{ name: ".wh." }])],
    });
    const store = await open(root);
    const before = visible(root);
    await expect(store.load(layoutOf(scratch(), image, "x:1"))).rejects.toThrow("rule 20");
    expect(visible(root)).toEqual(before);
    await store.close();
  });
});

describe("indexes of several platforms", () => {
  const withArchitecture = (architecture: string) =>
    makeImage([{ common: "1" }, { [architecture]: "2" }], { config: { architecture } });
  const entryFor = (image: Awaited<ReturnType<typeof makeImage>>, architecture: string) => ({
    ...image.descriptor,
    platform: { os: "linux", architecture },
  });

  async function multi(present: readonly string[]) {
    const amd64 = await withArchitecture("amd64");
    const arm64 = await withArchitecture("arm64");
    const attestation = Buffer.from('{"_type":"statement"}');
    const attested = Buffer.from(
      JSON.stringify({
        schemaVersion: 2,
        config: {
          mediaType: "application/vnd.oci.image.config.v1+json",
          digest: amd64.id,
          size: amd64.config.length,
        },
        layers: [
          {
            mediaType: "application/vnd.in-toto+json",
            digest: digestOf(attestation),
            size: attestation.length,
          },
        ],
      }),
    );
    const unknown = { mediaType: OCI_MANIFEST, digest: digestOf(attested), size: attested.length };
    const index = Buffer.from(
      JSON.stringify({
        schemaVersion: 2,
        mediaType: OCI_INDEX,
        manifests: [
          { ...unknown, platform: { os: "unknown", architecture: "unknown" } },
          entryFor(arm64, "arm64"),
          entryFor(amd64, "amd64"),
        ],
      }),
    );
    const descriptor = { mediaType: OCI_INDEX, digest: digestOf(index), size: index.length };
    const blobs = new Map<Digest, Uint8Array>([[descriptor.digest, index]]);
    if (present.includes("amd64")) for (const blob of amd64.blobs) blobs.set(...blob);
    if (present.includes("arm64")) for (const blob of arm64.blobs) blobs.set(...blob);
    return { layout: writeLayout(scratch(), [named(descriptor, "x:1")], blobs), amd64, arm64, descriptor };
  }

  test("the image of the platform is unpacked, the others are verified and kept", async () => {
    const { layout, amd64, arm64, descriptor } = await multi(["amd64", "arm64"]);
    const root = scratch();
    const store = await open(root, "linux/arm64");
    const [image] = await store.load(layout);
    expect([image?.id, image?.target.digest]).toEqual([arm64.id, descriptor.digest]);
    for (const digest of [...amd64.blobs.keys(), ...arm64.blobs.keys(), descriptor.digest]) {
      expect(existsSync(join(root, "blobs/sha256", digestHex(digest)))).toBe(true);
    }
    const unpacked = readdirSync(join(root, "stratafs/layers-1/sha256")).filter((file) =>
      file.endsWith(".tar"),
    );
    expect(unpacked).toHaveLength(2);
    await store.close();
    const elsewhere = await open(root, "linux/amd64");
    const other = await elsewhere.image("x:1");
    expect(other.id).toBe(amd64.id);
    expect((await other.mount()).readdir("/").map((entry) => entry.name)).toEqual(["amd64", "common"]);
    await elsewhere.close();
  });

  test("a sparse index is enough, if the platform's image is there", async () => {
    const { layout, amd64 } = await multi(["amd64"]);
    const store = await open(scratch());
    expect((await store.load(layout))[0]?.id).toBe(amd64.id);
    await store.close();
  });

  test.each([
    ["the platform's image is missing", ["arm64"], "linux/amd64", "is missing"],
    ["none is for the platform", ["amd64", "arm64"], "linux/s390x", "no image for the platform linux/s390x"],
  ])("refused: %s", async (_name, present, platform, message) => {
    const { layout } = await multi(present);
    const root = scratch();
    const store = await open(root, platform);
    const before = visible(root);
    await expect(store.load(layout)).rejects.toThrow(message);
    expect(visible(root)).toEqual(before);
    await store.close();
  });
});

test.each<[string, (directory: string) => void, string]>([
  ["an empty directory", () => {}, "is not an OCI image layout"],
  [
    "an index and no marker",
    (path) => writeFileSync(join(path, "index.json"), "{}"),
    "is not an OCI image layout",
  ],
  [
    "another version",
    (path) => writeFileSync(join(path, "oci-layout"), '{"imageLayoutVersion":"9"}'),
    "version 9",
  ],
  ["no image", (path) => void writeLayout(path, [], []), "holds no image"],
  [
    "only artifacts of unknown types",
    (path) => void writeLayout(path, [{ mediaType: "a/b", digest: digestOf(Buffer.from("")), size: 0 }], []),
    "holds no image",
  ],
])("a directory that is no layout: %s", async (_name, prepare, message) => {
  const directory = scratch();
  prepare(directory);
  const store = await open(scratch());
  await expect(store.load(directory)).rejects.toThrow(message);
  await store.close();
});
