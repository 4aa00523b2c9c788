/**
 * Archives as `docker save` of every age, podman and skopeo make them.
 */
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { digestHex, digestOf } from "../../src/oci/digest.ts";
import { OCI_LAYER, OCI_LAYER_GZIP } from "../../src/oci/media-types.ts";
import { Store } from "../../src/runtime/store.ts";
import { imagePath, needs } from "../requirements.ts";
import { layoutOf, type MadeImage, makeImage, named, tarOf, tarOfFiles } from "./images.ts";
import { scratch } from "./scratch.ts";

const open = () => Store.open(scratch(), { env: {} });
const json = (value: unknown) => JSON.stringify(value);
type Entry = Parameters<typeof tarOf>[0][number];

function archiveFile(bytes: Uint8Array): string {
  const path = join(scratch(), "archive.tar");
  writeFileSync(path, bytes);
  return path;
}

/** Entries of a docker-archive for an image whose layers are named by `layerName`. */
function dockerEntries(image: MadeImage, layers: readonly string[], tags: readonly string[] | null): Entry[] {
  const config = `${digestHex(image.id)}.json`;
  return [
    { name: config, content: image.config },
    { name: "manifest.json", content: json([{ Config: config, RepoTags: tags, Layers: layers }]) },
  ];
}

const FILES = [{ "etc/a": "1" }, { b: "2" }];

describe("the forms of a docker-archive", () => {
  test("layers in directories, as Docker 1.10 to 24 wrote them: stored as they are", async () => {
    const image = await makeImage(FILES, { compressed: false });
    const names = ["one/layer.tar", "two/layer.tar"];
    const layers = names.map((name, i) => ({ name, content: image.archives[i]! }));
    const store = await open();
    const path = archiveFile(await tarOf([...layers, ...dockerEntries(image, names, ["me/x:1", "me/x:2"])]));
    const [loaded] = await store.load(path);
    expect(loaded?.id).toBe(image.id);
    expect(loaded?.tags).toEqual(["me/x:1", "me/x:2"]);
    expect(loaded?.manifest.layers).toEqual(image.layers);
    expect(loaded?.manifest.layers[0]?.mediaType).toBe(OCI_LAYER);
    const mount = await loaded!.mount();
    expect(Buffer.from(mount.readFile("/etc/a")).toString()).toBe("1");
    const cached = readdirSync(join(store.directory!, "stratafs/layers-1/sha256"));
    expect(cached.filter((file) => file.endsWith(".tar"))).toEqual([]);
    await store.close();
  });

  test("the same archive loaded twice, from a pipe, with the tables first: the same manifest", async () => {
    const image = await makeImage(FILES, { compressed: false });
    const names = ["a.tar", "b.tar"];
    const layers = names.map((name, i) => ({ name: `./${name}`, content: image.archives[i]! }));
    const bytes = await tarOf([...dockerEntries(image, names, ["x:1"]), ...layers]);
    const store = await open();
    const [first] = await store.load(archiveFile(bytes));
    async function* pipe() {
      for (let at = 0; at < bytes.length; at += 1000) yield bytes.subarray(at, at + 1000);
    }
    const [second] = await store.load(pipe());
    expect(second?.descriptor).toEqual(first?.descriptor);
    await store.close();
  });

  test("compressed layers, and the archive compressed as a whole", async () => {
    const image = await makeImage(FILES);
    const names = ["a.tar.gz", "b.tar.gz"];
    const layers = names.map((name, i) => ({ name, content: image.blobs.get(image.layers[i]!.digest)! }));
    const bytes = await tarOf([...layers, ...dockerEntries(image, names, ["x:1"])]);
    const store = await open();
    const [loaded] = await store.load(archiveFile(gzipSync(bytes)));
    expect(loaded?.manifest.layers.map(({ mediaType }) => mediaType)).toEqual([
      OCI_LAYER_GZIP,
      OCI_LAYER_GZIP,
    ]);
    expect(loaded?.manifest.layers).toEqual(image.layers);
    await store.close();
  });

  test.each([
    ["symlink", "../one/layer.tar"],
    ["symlink", ".././one//layer.tar"],
    ["link", "one/layer.tar"],
  ] as const)("a layer that is a %s to another: %s", async (type, linkname) => {
    const image = await makeImage([{ a: "1" }, { b: "2" }, { a: "1" }], { compressed: false });
    const names = ["one/layer.tar", "two/layer.tar", "three/layer.tar"];
    const store = await open();
    const bytes = await tarOf([
      { name: names[2]!, type, linkname },
      { name: names[0]!, content: image.archives[0]! },
      { name: names[1]!, content: image.archives[1]! },
      ...dockerEntries(image, names, null),
    ]);
    const [loaded] = await store.load(archiveFile(bytes));
    expect(loaded?.id).toBe(image.id);
    expect(loaded?.tags).toEqual([]);
    await store.close();
  });

  test("an archive that is both: the layout's manifest, and names from manifest.json where it has none", async () => {
    const image = await makeImage(FILES);
    const blobs = [...image.blobs].map(([digest, content]) => ({
      name: `blobs/sha256/${digestHex(digest)}`,
      content,
    }));
    const blob = (digest: string) => `blobs/sha256/${digest.slice(7)}`;
    const both = (annotation: string | undefined) =>
      tarOf([
        ...blobs,
        { name: "oci-layout", content: '{"imageLayoutVersion":"1.0.0"}' },
        {
          name: "index.json",
          content: json({
            schemaVersion: 2,
            manifests: [named(image.descriptor, annotation, "io.containerd.image.name")],
          }),
        },
        {
          name: "manifest.json",
          content: json([
            {
              Config: blob(image.id),
              RepoTags: ["docker:1"],
              Layers: image.layers.map(({ digest }) => blob(digest)),
            },
          ]),
        },
      ]);
    const store = await open();
    const [fromLayout] = await store.load(archiveFile(await both("docker.io/me/layout:1")));
    const [fromManifest] = await store.load(archiveFile(await both(undefined)));
    expect([fromLayout?.tags, fromManifest?.tags]).toEqual([["me/layout:1"], ["docker:1"]]);
    expect(fromLayout?.descriptor.digest).toBe(image.descriptor.digest);
    await store.close();
  });

  test("an OCI archive", async () => {
    const directory = layoutOf(scratch(), await makeImage(FILES), "x:1");
    const path = join(scratch(), "oci.tar");
    execFileSync("tar", ["-cf", path, "-C", directory, "."]);
    const store = await open();
    expect((await store.load(path))[0]?.tags).toEqual(["x:1"]);
    await store.close();
  });
});

test.skipIf(needs.image("docker-save.tar"))("what docker save of 20.10 wrote", async () => {
  const store = await open();
  const [image] = await store.load(imagePath("docker-save.tar"));
  expect(image?.tags).toEqual(["dbuild:latest"]);
  expect(image?.id).toBe("sha256:73de46f71567f5021b0ff4e6e24a6346e195a55f35bcbc3b768bae6570b6c984");
  expect((await image!.history()).map(({ size }) => size)).toEqual([1_982_296, 39, 80]);
  await store.close();
});

describe("archives from before Docker 1.10, with repositories only", () => {
  const [bottom, top] = ["1".repeat(64), "2".repeat(64)] as const;
  const image = (id: string, members: object) => ({
    name: `${id}/json`,
    content: json({
      id,
      created: "2014-01-01T00:00:00Z",
      os: "linux",
      architecture: "amd64",
      Size: 5,
      ...members,
    }),
  });

  async function legacy(change: (entries: Entry[]) => Entry[] = (entries) => entries) {
    const entries: Entry[] = [
      image(bottom, { container_config: { Cmd: ["/bin/sh", "-c", "#(nop) ADD"] } }),
      { name: `${bottom}/layer.tar`, content: await tarOfFiles({ a: "1", gone: "x" }) },
      image(top, {
        parent: bottom,
        author: "me",
        comment: "top",
        config: { Cmd: ["/bin/sh"] },
        throwaway: true,
      }),
      { name: `${top}/layer.tar`, content: await tarOfFiles({ ".wh.gone": "", b: "2" }) },
      { name: "repositories", content: json({ old: { "1": top, "2": top } }) },
    ];
    return archiveFile(await tarOf(change(entries)));
  }

  test("become one config with what the chain tells", async () => {
    const store = await open();
    const [loaded] = await store.load(await legacy());
    expect(loaded?.tags).toEqual(["old:1", "old:2"]);
    const { rootfs, history, ...rest } = loaded!.config;
    expect(rest).toEqual({
      architecture: "amd64",
      author: "me",
      comment: "top",
      config: { Cmd: ["/bin/sh"] },
      created: "2014-01-01T00:00:00Z",
      os: "linux",
    });
    expect(rootfs.diff_ids).toEqual([
      digestOf(await tarOfFiles({ a: "1", gone: "x" })),
      digestOf(await tarOfFiles({ ".wh.gone": "", b: "2" })),
    ]);
    expect(history).toEqual([
      { created: "2014-01-01T00:00:00Z", created_by: "/bin/sh -c #(nop) ADD" },
      { created: "2014-01-01T00:00:00Z", author: "me", comment: "top" },
    ]);
    expect((await loaded!.mount()).readdir("/").map((entry) => entry.name)).toEqual(["a", "b"]);
    await store.close();
  });

  test.each<[string, (entries: Entry[]) => Entry[], string]>([
    ["a missing parent", (entries) => entries.slice(1), "is not complete"],
    [
      "CVE-2014-9358: an ID that is a path",
      (entries) => [
        ...entries.slice(0, 4),
        { name: "repositories", content: json({ x: { y: "../../etc" } }) },
      ],
      "is no image ID",
    ],
    [
      "a parent that is its own child",
      (entries) => [image(bottom, { parent: top }), ...entries.slice(1)],
      "has endless parents",
    ],
  ])("refused: %s", async (_name, change, message) => {
    const store = await open();
    await expect(store.load(await legacy(change))).rejects.toThrow(message);
    await store.close();
  });
});

describe("hostile and broken archives", () => {
  const image = () => makeImage([{ a: "1" }], { compressed: false });
  const withLayer = async (name: string, ...entries: Entry[]) =>
    tarOf([...entries, ...dockerEntries(await image(), [name], ["x:1"])]);

  test.each<[string, () => Promise<Uint8Array>, string]>([
    [
      "CVE-2014-9358: a layer that is a path of the host",
      () => withLayer("/etc/passwd"),
      '"/etc/passwd" is not in the archive',
    ],
    [
      "CVE-2014-9356: a layer that is a link out of the archive",
      () => withLayer("l", { name: "l", type: "symlink", linkname: "../../../../etc/passwd" }),
      '"l" is not in the archive',
    ],
    [
      "CVE-2014-9356: a layer that is a link to a path of the host",
      () =>
        withLayer(
          "l",
          { name: "etc/passwd", content: "x" },
          { name: "l", type: "symlink", linkname: "/etc/passwd" },
        ),
      '"l" is not in the archive',
    ],
    [
      "links that lead to each other",
      () =>
        withLayer(
          "a",
          { name: "a", type: "symlink", linkname: "b" },
          { name: "b", type: "symlink", linkname: "a" },
        ),
      '"a" is not in the archive',
    ],
    [
      "a layer of a name above the root",
      () => withLayer("../l", { name: "../l", content: "x" }),
      "is not in the archive",
    ],
    [
      "CVE-2014-8178: a config under a digest it does not have",
      async () => {
        const { config, archives } = await image();
        const name = `${"0".repeat(64)}.json`;
        return tarOf([
          { name, content: config },
          { name: "l", content: archives[0]! },
          { name: "manifest.json", content: json([{ Config: name, RepoTags: [], Layers: ["l"] }]) },
        ]);
      },
      "has the content of",
    ],
    [
      "another layer than the config's diffID",
      async () => withLayer("l", { name: "l", content: await tarOfFiles({ b: "2" }) }),
      "diffID of the layer is",
    ],
    [
      "fewer layers than diffIDs",
      async () => {
        const { config } = await image();
        return tarOf([
          { name: "c.json", content: config },
          { name: "manifest.json", content: json([{ Config: "c.json", RepoTags: null, Layers: null }]) },
        ]);
      },
      "names 1 diffIDs for 0 layers",
    ],
    [
      "a manifest.json that is no list",
      () => tarOf([{ name: "manifest.json", content: "{}" }]),
      "manifest.json of",
    ],
    ["a layer alone", () => tarOfFiles({ "etc/passwd": "root" }), "is no image archive"],
    ["no archive", async () => Buffer.from("hello".repeat(500)), "is neither a tar archive nor compressed"],
    [
      "an archive compressed with xz",
      async () => Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0, 0, 0]),
      "is compressed with xz",
    ],
    ["nothing", async () => new Uint8Array(), "is no image archive"],
    [
      "half an archive",
      async () => (await withLayer("l", { name: "l", content: "x".repeat(5000) })).subarray(0, 2000),
      "cannot be read",
    ],
  ])("refused: %s", async (_name, make, message) => {
    const store = await open();
    await expect(store.load(archiveFile(await make()))).rejects.toThrow(message);
    expect(readdirSync(join(store.directory!, "blobs/sha256"))).toEqual([]);
    expect(readdirSync(join(store.directory!, "stratafs/tmp"))).toEqual([]);
    expect(JSON.parse(readFileSync(join(store.directory!, "index.json"), "utf8")).manifests).toEqual([]);
    await store.close();
  });

  test("an archive of countless files is refused", async () => {
    const entries = Array.from({ length: 100_001 }, (_, i) => ({ name: `${i}` }));
    const store = await open();
    await expect(store.load(archiveFile(await tarOf(entries)))).rejects.toThrow("more than 100000 files");
    await store.close();
  });

  test("a source that fails fails the load with its own words", async () => {
    async function* failing() {
      yield await tarOfFiles({ a: "1" });
      throw new Error("the pipe burst");
    }
    const store = await open();
    await expect(store.load(failing())).rejects.toThrow("the pipe burst");
    await store.close();
  });
});
