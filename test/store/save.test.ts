/**
 * Saving: a docker-archive and an OCI layout in one, the same bytes each time, layers as they are stored.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { digestHex, digestOf } from "../../src/oci/digest.ts";
import { OCI_INDEX, OCI_MANIFEST } from "../../src/oci/media-types.ts";
import { Store } from "../../src/runtime/store.ts";
import { imagePath, needs } from "../requirements.ts";
import { layoutOf, makeImage, named, writeLayout } from "./images.ts";
import { scratch } from "./scratch.ts";

const open = () => Store.open(scratch(), { env: {} });

async function saved(store: Store, names: readonly string[]): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of await store.save(names)) chunks.push(chunk);
  const path = join(scratch(), "saved.tar");
  writeFileSync(path, Buffer.concat(chunks));
  return path;
}

const tar = (...args: string[]) => execFileSync("tar", args, { encoding: "utf8" });
const member = (path: string, name: string) => JSON.parse(tar("-xOf", path, name));

async function storeOfTwo() {
  const one = await makeImage([{ a: "1" }, { b: "2" }]);
  const two = await makeImage([{ a: "1" }, { c: "3" }], { compressed: false });
  const store = await open();
  await store.load(
    writeLayout(
      scratch(),
      [named(one.descriptor, "me/x:1"), named(one.descriptor, "me/x:2"), named(two.descriptor, "y:1")],
      [...one.blobs, ...two.blobs],
    ),
  );
  return { store, one, two };
}

test("the archive: sorted entries without owner and time, blobs byte for byte", async () => {
  const { store, one } = await storeOfTwo();
  const path = await saved(store, ["me/x:1"]);
  const blobs = [...one.blobs.keys()].map((digest) => `blobs/sha256/${digestHex(digest)}`).sort();
  const expected = ["blobs/", "blobs/sha256/", ...blobs, "index.json", "manifest.json", "oci-layout"];
  expect(tar("-tf", path).trim().split("\n")).toEqual(expected);
  expect(
    new Set(tar("-tvf", path, "--full-time", "--utc").match(/\d\/\d .*1970-01-01 00:00:00/g))?.size,
  ).toBeGreaterThan(0);
  for (const [digest] of one.blobs) {
    const bytes = execFileSync("tar", ["-xOf", path, `blobs/sha256/${digestHex(digest)}`]);
    expect(digestOf(bytes)).toBe(digest);
  }
  await store.close();
});

test("its tables: names for Docker and for containerd", async () => {
  const { store, one, two } = await storeOfTwo();
  const blob = (digest: string) => `blobs/sha256/${digest.slice(7)}`;
  const path = await saved(store, ["me/x:1", "y:1", "me/x:2", "me/x:1"]);
  expect(member(path, "manifest.json")).toEqual([
    {
      Config: blob(one.id),
      RepoTags: ["me/x:1", "me/x:2"],
      Layers: one.layers.map(({ digest }) => blob(digest)),
    },
    { Config: blob(two.id), RepoTags: ["y:1"], Layers: two.layers.map(({ digest }) => blob(digest)) },
  ]);
  const { manifests } = member(path, "index.json");
  expect(manifests.map((entry: { annotations: object }) => Object.values(entry.annotations))).toEqual([
    ["docker.io/me/x:1", "1"],
    ["docker.io/me/x:2", "2"],
    ["docker.io/library/y:1", "1"],
  ]);
  expect(member(path, "oci-layout")).toEqual({ imageLayoutVersion: "1.0.0" });
  await store.close();
});

test("an image asked for by ID has no name in the archive", async () => {
  const { store, one } = await storeOfTwo();
  for (const text of [one.id, digestHex(one.id).slice(0, 12)]) {
    const path = await saved(store, [text]);
    expect(member(path, "manifest.json")[0].RepoTags).toBeNull();
    expect(member(path, "index.json").manifests[0].annotations).toBeUndefined();
  }
  await store.close();
});

test("the same images give the same bytes, also out of the store they are loaded into", async () => {
  const { store } = await storeOfTwo();
  const first = await saved(store, ["me/x:1", "y:1"]);
  const again = await saved(store, ["me/x:1", "y:1"]);
  const other = await open();
  await other.load(first);
  const second = await saved(other, ["me/x:1", "y:1"]);
  const sum = (path: string) => execFileSync("sha256sum", [path], { encoding: "utf8" }).slice(0, 64);
  expect([sum(again), sum(second)]).toEqual([sum(first), sum(first)]);
  await store.close();
  await other.close();
});

describe("what cannot be saved", () => {
  test("an unknown image", async () => {
    const { store } = await storeOfTwo();
    await expect(store.save(["nosuch"])).rejects.toThrow("No such image: nosuch");
    await store.close();
  });

  test("an image with a lost layer, which is named", async () => {
    const image = await makeImage([{ a: "1" }]);
    const store = await open();
    await store.load(layoutOf(scratch(), image, "x:1"));
    rmSync(join(store.directory!, "blobs/sha256", digestHex(image.layers[0]!.digest)));
    await expect(saved(store, ["x:1"])).rejects.toThrow(
      `the blob ${image.layers[0]!.digest} is not in the store`,
    );
    await store.close();
  });
});

test("an index of several platforms is saved whole with its attestations, which are never the image", async () => {
  const amd = await makeImage([{ a: "amd" }]);
  const arm = await makeImage([{ a: "arm" }], { config: { architecture: "arm64" } });
  const statement = Buffer.from('{"_type":"https://in-toto.io/Statement/v0.1"}');
  const empty = Buffer.from("{}");
  const blob = (mediaType: string, bytes: Buffer) => ({
    mediaType,
    digest: digestOf(bytes),
    size: bytes.length,
  });
  const attestation = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: OCI_MANIFEST,
      config: blob("application/vnd.oci.empty.v1+json", empty),
      layers: [blob("application/vnd.in-toto+json", statement)],
    }),
  );
  const platform = (architecture: string, os = "linux") => ({ platform: { architecture, os } });
  const index = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: OCI_INDEX,
      manifests: [
        { ...blob(OCI_MANIFEST, attestation), ...platform("unknown", "unknown") },
        { ...arm.descriptor, ...platform("arm64") },
        { ...amd.descriptor, ...platform("amd64") },
      ],
    }),
  );
  const own = [statement, empty, attestation, index].map((bytes) => [digestOf(bytes), bytes] as const);
  const layout = writeLayout(
    scratch(),
    [named(blob(OCI_INDEX, index), "multi:1")],
    [...amd.blobs, ...arm.blobs, ...own],
  );
  const store = await Store.open(scratch(), { env: {}, platform: { os: "linux", architecture: "amd64" } });
  await store.load(layout);
  expect((await store.image("multi:1")).id).toBe(amd.id);
  const path = await saved(store, ["multi:1"]);
  const stored = tar("-tf", path).split("\n");
  for (const digest of [...amd.blobs.keys(), ...arm.blobs.keys(), ...own.map(([digest]) => digest)])
    expect(stored).toContain(`blobs/sha256/${digestHex(digest)}`);
  expect(member(path, "index.json").manifests).toMatchObject([{ digest: digestOf(index) }]);
  const other = await Store.open(scratch(), { env: {}, platform: { os: "linux", architecture: "arm64" } });
  await other.load(path);
  expect((await other.image("multi:1")).id).toBe(arm.id);
  expect((await other.check()).problems).toEqual([]);
  await other.remove("multi:1");
  expect((await other.check()).blobs).toBe(0);
  await store.close();
  await other.close();
});

test("a reader that goes away ends the writer", async () => {
  const image = await makeImage([{ a: Buffer.alloc(4_000_000, 1) }], { compressed: false });
  const store = await open();
  await store.load(layoutOf(scratch(), image, "x:1"));
  for await (const _ of await store.save(["x:1"])) break;
  await store.close();
});

test.skipIf(needs.image("multiarch"))("an index is saved whole", async () => {
  const store = await open();
  await store.load(imagePath("multiarch"), { name: "multi" });
  const path = await saved(store, ["multi"]);
  const { manifests } = member(path, "index.json");
  expect(manifests[0].mediaType).toBe("application/vnd.oci.image.index.v1+json");
  expect(
    tar("-tf", path)
      .split("\n")
      .filter((name) => /^blobs\/sha256\/./.test(name)),
  ).toHaveLength(7);
  await store.close();
});

test.skipIf(needs.tool("skopeo", "skopeo") ?? needs.image("torture-bb"))(
  "skopeo reads it as a docker-archive and as an OCI archive",
  async () => {
    const store = await open();
    const [image] = await store.load(imagePath("torture-bb"), { name: "t" });
    const path = await saved(store, ["t"]);
    const directory = join(scratch(), "dir");
    mkdirSync(directory);
    execFileSync("skopeo", ["copy", "-q", `docker-archive:${path}:t:latest`, `dir:${directory}`]);
    const inspect = (source: string) =>
      JSON.parse(execFileSync("skopeo", ["inspect", "--raw", source], { encoding: "utf8" }));
    expect(inspect(`dir:${directory}`).config.digest).toBe(image!.id);
    const raw = execFileSync("skopeo", ["inspect", "--raw", `oci-archive:${path}:latest`]);
    expect(digestOf(raw)).toBe(image!.descriptor.digest);
    await store.close();
  },
);
