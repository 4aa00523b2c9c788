/**
 * What lint finds, rule by rule, and what differs between two images.
 */
import { describe, expect, test } from "vitest";
import { diffImages } from "../../src/runtime/image-diff.ts";
import { lintImage } from "../../src/runtime/image-lint.ts";
import { Store } from "../../src/runtime/store.ts";
import { strata } from "../cli/strata.ts";
import { layoutOf, makeImage, tarOf } from "../store/images.ts";
import { scratch } from "../store/scratch.ts";

type Entries = Parameters<typeof tarOf>[0];

async function imageOf(...layers: Entries[]) {
  const store = await Store.memory({ env: {} });
  const archives = await Promise.all(layers.map(tarOf));
  const [image] = await store.load(layoutOf(scratch(), await makeImage([], { archives }), "x:1"));
  return { store, image: image! };
}

const file = (name: string, content = "x", more: object = {}) => ({ name, content, mode: 0o644, ...more });
const directory = (name: string, mode = 0o755) => ({ name, type: "directory" as const, mode });

describe("lint", () => {
  test.each<[string, Entries[], string[]]>([
    ["nothing", [[directory("d"), file("d/a")], [file("b")]], []],
    ["duplicate: a name twice", [[file("a", "1"), file("./a", "22")]], ["1 duplicate /a 1"]],
    ["a directory twice is none", [[directory("d"), directory("d/")]], []],
    ["whiteout of nothing", [[file(".wh.gone", "")]], ["1 whiteout /.wh.gone 0"]],
    [
      "whiteout of what its own layer adds",
      [[file("a", "1")], [file(".wh.a", ""), file("a", "2")]],
      ["1 hidden /a 1", "2 whiteout /a 0"],
    ],
    ["hidden by a whiteout", [[file("a", "123")], [file(".wh.a", "")]], ["1 hidden /a 3"]],
    ["hidden by a newer one", [[file("a", "123")], [file("a", "4")]], ["1 hidden /a 3"]],
    [
      "hidden with its directory, and by an opaque mark",
      [
        [directory("d"), file("d/a", "12"), directory("e"), file("e/b", "345")],
        [file(".wh.d", ""), file("e/.wh..wh..opq", "")],
      ],
      ["1 hidden /d/a 2", "1 hidden /e/b 3"],
    ],
    [
      "an opaque mark hides nothing of its own layer",
      [[directory("e"), file("e/.wh..wh..opq", ""), file("e/b", "1")]],
      [],
    ],
    [
      "a 0:0 device",
      [[{ name: "dev", type: "character-device", devmajor: 0, devminor: 0 }]],
      ["1 device-0-0 /dev 0"],
    ],
    ["another device is none", [[{ name: "n", type: "character-device", devmajor: 1, devminor: 3 }]], []],
    [
      "attributes of overlayfs",
      [[file("a", "x", { pax: { "SCHILY.xattr.trusted.overlay.opaque": "y" } })]],
      ["1 overlay-xattr /a 0"],
    ],
    ["setuid", [[file("su", "x", { mode: 0o4755 })]], ["1 setuid /su 0"]],
    [
      "world-writable files and directories, but not sticky ones",
      [[file("w", "x", { mode: 0o666 }), directory("open", 0o777), directory("tmp", 0o1777)]],
      ["1 world-writable /open 0", "1 world-writable /w 0"],
    ],
  ])("%s", async (_name, layers, expected) => {
    const { store, image } = await imageOf(...layers);
    const found = await lintImage(image);
    expect(
      found.map(({ layer, rule, path, wasted }) => `${layer + 1} ${rule} ${path} ${wasted}`).sort(),
    ).toEqual(expected);
    await store.close();
  });

  test("the command sums up by layer, and its exit code tells whether there is anything", async () => {
    const root = scratch();
    const archives = await Promise.all([
      tarOf([file("a", "123"), file("b", "45")]),
      tarOf([file("a", "1"), file(".wh.b", "")]),
    ]);
    const store = await Store.open(root, { env: {} });
    await store.load(layoutOf(scratch(), await makeImage([], { archives }), "x:1"));
    await store.load(layoutOf(scratch(), await makeImage([{ a: "1" }]), "clean:1"));
    await store.close();
    const bad = await strata(["image", "lint", "x:1"], { root });
    expect([bad.code, bad.stdout]).toEqual([
      1,
      expect.stringMatching(/^LAYER +DIFF ID[\s\S]*\nlayer 1 wastes 5B\n$/),
    ]);
    expect(await strata(["image", "lint", "clean:1"], { root })).toMatchObject({ code: 0, stdout: "" });
  });
});

describe("diff", () => {
  test("tells path, kind, size, content and the layer that brought or took it", async () => {
    const store = await Store.memory({ env: {} });
    const first = await tarOf([file("same"), file("changed", "1"), file("gone", "123"), directory("d")]);
    const second = await tarOf([file("changed", "22"), file(".wh.gone", ""), file("d/new", "n")]);
    const [a] = await store.load(layoutOf(scratch(), await makeImage([], { archives: [first] }), "a:1"));
    const [b] = await store.load(
      layoutOf(scratch(), await makeImage([], { archives: [first, second] }), "b:1"),
    );
    const found = [];
    for await (const change of diffImages(a!, b!)) found.push(change);
    const top = b!.layers[1]!.diffID;
    expect(found.map(({ kind, path, type, size, layer }) => [kind, path, type, size, layer])).toEqual([
      ["modified", "/changed", "file", 2, top],
      ["added", "/d/new", "file", 1, top],
      ["deleted", "/gone", "file", 3, top],
    ]);
    expect(found[0]!.content).toMatch(
      /^sha256:785f3ec7eb32f30b90cd0fcf3657d388b5ff4297f2f9716ff66e9b69c05ddd09$/,
    );
    const same = [];
    for await (const change of diffImages(b!, b!)) same.push(change);
    expect(same).toEqual([]);
    await store.close();
  });

  test("unrelated images are compared as a whole, by the command too", async () => {
    const root = scratch();
    const store = await Store.open(root, { env: {} });
    await store.load(layoutOf(scratch(), await makeImage([{ a: "1", b: "2" }]), "a:1"));
    await store.load(layoutOf(scratch(), await makeImage([{ b: "2" }, { c: "3" }]), "b:1"));
    await store.close();
    const ran = await strata(["image", "diff", "a:1", "b:1", "--format", "{{.Change}} {{.Path}} {{.Size}}"], {
      root,
    });
    expect([ran.code, ran.stdout]).toEqual([1, "D /a 1\nA /c 1\n"]);
    expect(await strata(["image", "diff", "a:1", "a:1"], { root })).toMatchObject({ code: 0, stdout: "" });
  });
});
