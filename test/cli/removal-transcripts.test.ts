/**
 * Docker's transcripts of `tag`, `rmi` and `image prune` ("Exact texts"), line by line, with identifiers of
 * ours replaced by those that the transcript has.
 */
import { rmSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { chainIDs } from "../../src/oci/chain.ts";
import { type Digest, shortDigest } from "../../src/oci/digest.ts";
import { parseReference, withDigest } from "../../src/oci/reference.ts";
import type { Image } from "../../src/runtime/image.ts";
import { Store } from "../../src/runtime/store.ts";
import { withName } from "../../src/store/index-file.ts";
import { layoutOf, makeImage } from "../store/images.ts";
import { scratch } from "../store/scratch.ts";
import { strata } from "./strata.ts";

const made: string[] = [];
const newRoot = () => {
  const root = scratch(true);
  made.push(root);
  return root;
};
afterAll(() => made.map((root) => rmSync(root, { recursive: true, force: true })));

const chainsOf = (image: Image) => chainIDs(image.layers.map(({ diffID }) => diffID));

/** Words of a command line; what is in braces or quotes is one. */
const words = (command: string) =>
  [...command.matchAll(/"([^"]*)"|\{\{.*?\}\}(?: \{\{.*?\}\})*|\S+/g)].map(
    ([word, quoted]) => quoted ?? word,
  );

interface Scene {
  readonly root: string;
  /** Ours to the transcript's. */
  readonly ids: Map<string, string>;
}

/** Runs each command of a transcript and compares output, errors and exit code with it. */
async function follows({ root, ids }: Scene, transcript: string): Promise<void> {
  const back = new Map([...ids].map(([ours, theirs]) => [theirs, ours]));
  const replaceAll = (text: string, by: ReadonlyMap<string, string>) =>
    [...by].reduce((replaced, [from, to]) => replaced.replaceAll(from, to), text);
  for (const part of transcript.split("$ docker ").slice(1)) {
    const [, command = "", output = "", code] = /^(.*)\n([\s\S]*)\[rc=(\d+)\]/.exec(part) ?? [];
    const ran = await strata(words(replaceAll(command, back)), { root });
    const shown = replaceAll(ran.stdout + ran.stderr, ids);
    expect(`$ docker ${command}\n${shown}[rc=${ran.code}]`).toBe(
      `$ docker ${command}\n${output}[rc=${code}]`,
    );
  }
}

function identify(scene: Scene, ours: string, theirs: string): void {
  scene.ids.set(ours, theirs);
  if (ours.startsWith("sha256:")) scene.ids.set(shortDigest(ours as Digest), theirs.slice(7, 19));
}

const IDS = {
  base: "sha256:480e6119556ffe5ee375161f85e30ecd46171e99e07a52b55e7369f0d6ef340b",
  A: "sha256:e3f858e7dff32b04b79a6852badb413e668aa25ee1181528121627171c7ba628",
  B: "sha256:14fad501604e45374bcbe6634ae77e8c7b0326915caa6a4e96c130925ac22ca5",
};

describe("tag and rmi", () => {
  const scene: Scene = { root: newRoot(), ids: new Map() };

  beforeAll(async () => {
    const store = await Store.open(scene.root, { env: {} });
    const [base] = await store.load(layoutOf(newRoot(), await makeImage([{ sh: "x" }]), undefined), {
      name: "base:1",
    });
    const mount = await base!.mount();
    mount.writeFile("/a", "a");
    const a = await base!.commit(mount, { name: "lay:A" });
    const next = await a.mount();
    next.writeFile("/b", "b");
    const b = await a.commit(next, { name: "lay:B" });
    for (const name of ["lay:short", "lay:B2", "other/repo:x"]) await store.tag(b, name);
    identify(scene, base!.id, IDS.base);
    identify(scene, a.id, IDS.A);
    identify(scene, b.id, IDS.B);
    const top = chainsOf(b).at(-1)!;
    identify(scene, top, "sha256:667cbd8c8e1886766ae7924491c812e381caf149e236ab7d0534764f7ad0b233");
    const ofA = await store.containers.create(a);
    const ofBase = await store.containers.create(base!);
    scene.ids.set(ofA.id.slice(0, 12), "f8e5fb0b3b25");
    scene.ids.set(ofBase.id.slice(0, 12), "02fce6432dad");
    await store.close();
  });

  test("as in the transcript", async () => {
    await follows(
      scene,
      `$ docker tag nosuch:img foo:bar
Error response from daemon: No such image: nosuch:img
[rc=1]
$ docker tag lay:B Foo:bar
Error parsing reference: "Foo:bar" is not a valid repository/tag: invalid reference format: repository name must be lowercase
[rc=1]
$ docker tag lay:B "foo:bad tag"
Error parsing reference: "foo:bad tag" is not a valid repository/tag: invalid reference format
[rc=1]
$ docker rmi lay:short
Untagged: lay:short
[rc=0]
$ docker rmi 14fad501604e
Error response from daemon: conflict: unable to delete 14fad501604e (must be forced) - image is referenced in multiple repositories
[rc=1]
$ docker rmi other/repo:x lay:B2
Untagged: other/repo:x
Untagged: lay:B2
[rc=0]
$ docker rmi lay:B
Untagged: lay:B
Deleted: sha256:14fad501604e45374bcbe6634ae77e8c7b0326915caa6a4e96c130925ac22ca5
Deleted: sha256:667cbd8c8e1886766ae7924491c812e381caf149e236ab7d0534764f7ad0b233
[rc=0]
$ docker rmi lay:A
Error response from daemon: conflict: unable to remove repository reference "lay:A" (must force) - container f8e5fb0b3b25 is using its referenced image e3f858e7dff3
[rc=1]
$ docker rmi base:1
Error response from daemon: conflict: unable to remove repository reference "base:1" (must force) - container 02fce6432dad is using its referenced image 480e6119556f
[rc=1]
$ docker rmi nosuch
Error: No such image: nosuch
[rc=1]
$ docker rmi -f nosuch
Error: No such image: nosuch
[rc=0]
$ docker rmi deadbeef
Error: No such image: deadbeef
[rc=1]
$ docker rmi ""
Error: No such image: 
[rc=1]
$ docker rmi UPPER
Error response from daemon: invalid reference format: repository name must be lowercase
[rc=1]
$ docker rmi sha256:14fad50160
Error: No such image: sha256:14fad50160
[rc=1]
`,
    );
  });

  test("by ID, a stopped container is named; what a container needs loses its names only, and stays", async () => {
    await follows(
      scene,
      `$ docker rmi e3f858e7dff3
Error response from daemon: conflict: unable to delete e3f858e7dff3 (must be forced) - image is being used by stopped container f8e5fb0b3b25
[rc=1]
$ docker rmi -f lay:A
Untagged: lay:A
[rc=0]
$ docker rmi -f e3f858e7dff3
Error response from daemon: conflict: unable to delete e3f858e7dff3 (cannot be forced) - image is being used by stopped container f8e5fb0b3b25
[rc=1]
`,
    );
    const { stdout, code } = await strata(["system", "fsck"], { root: scene.root });
    expect([code, stdout]).toEqual([0, expect.stringMatching(/2 containers checked: no problem\n$/)]);
  });
});

test("a tag that looks like an ID prefix is removed before the image of that ID", async () => {
  const scene: Scene = { root: newRoot(), ids: new Map() };
  const store = await Store.open(scene.root, { env: {} });
  const [five] = await store.load(layoutOf(newRoot(), await makeImage([{ a: "5" }]), "amb:5"));
  const [seven] = await store.load(layoutOf(newRoot(), await makeImage([{ a: "7" }]), "amb:7"));
  await store.tag(seven!, shortDigest(five!.id));
  identify(scene, five!.id, "sha256:a2f22f918c175c0d037c2abd75d2356049e14d02e22ccf70953de2910f87ebaf");
  identify(scene, seven!.id, "sha256:9f6e0d19fe08856208e8ba55e3ee8369dfbacb2623fac00d3ac1a6599568c871");
  await store.close();
  const sorted = [`${"a2f22f918c17"}:latest`, "amb:7"].sort();
  const real = [`${shortDigest(five!.id)}:latest`, "amb:7"].sort();
  const tags = (real[0] === "amb:7" ? [...sorted].reverse() : sorted).join(" ");
  await follows(
    scene,
    `$ docker inspect -f "{{.Id}} {{.RepoTags}}" a2f22f918c17
sha256:9f6e0d19fe08856208e8ba55e3ee8369dfbacb2623fac00d3ac1a6599568c871 [${tags}]
[rc=0]
$ docker rmi a2f22f918c17
Untagged: a2f22f918c17:latest
[rc=0]
$ docker inspect -f "{{.Id}} {{.RepoTags}}" a2f22f918c17
sha256:a2f22f918c175c0d037c2abd75d2356049e14d02e22ccf70953de2910f87ebaf [amb:5]
[rc=0]
`,
  );
});

describe("digests of repositories", () => {
  const DIGEST = "sha256:ea964b2c72fca9bfb191c0d4fb0ff8766708de65d0a8e43ed690709d41d66fa0";

  /** As after the pushes of the transcript, or after a pull by digest. */
  async function pushed(names: readonly string[], withBase: boolean): Promise<Scene> {
    const scene: Scene = { root: newRoot(), ids: new Map() };
    const store = await Store.open(scene.root, { env: {} });
    const [image] = await store.load(layoutOf(newRoot(), await makeImage([{ a: "1" }]), "base:1"));
    for (const name of names) {
      const reference = parseReference(name);
      if (reference.tag !== undefined) await store.tag(image!, name);
      const digest = withDigest(reference, image!.target.digest);
      await store.core.index.update((entries) => withName(entries, image!.target, digest));
    }
    if (!withBase) await store.remove("base:1");
    identify(scene, image!.id, "sha256:62d741d3e574b79ee7606c94bbf91983853b7ca27f5aad28634ac01110d2bf4b");
    identify(
      scene,
      chainsOf(image!)[0]!,
      "sha256:66570b15dbcb0c6897ff90d9b70cd6b4ebc7823d307b183442fb5e5c0842f9ef",
    );
    identify(scene, image!.target.digest, DIGEST);
    await store.close();
    return scene;
  }

  test("go with the last tag of their repository", async () => {
    const scene = await pushed(["127.0.0.1:5000/t/other:2", "127.0.0.1:5000/t/base:1"], true);
    await follows(
      scene,
      `$ docker rmi base:1
Untagged: base:1
[rc=0]
$ docker rmi 127.0.0.1:5000/t/other:2
Untagged: 127.0.0.1:5000/t/other:2
Untagged: 127.0.0.1:5000/t/other@${DIGEST}
[rc=0]
$ docker rmi 127.0.0.1:5000/t/base:1
Untagged: 127.0.0.1:5000/t/base:1
Untagged: 127.0.0.1:5000/t/base@${DIGEST}
Deleted: sha256:62d741d3e574b79ee7606c94bbf91983853b7ca27f5aad28634ac01110d2bf4b
Deleted: sha256:66570b15dbcb0c6897ff90d9b70cd6b4ebc7823d307b183442fb5e5c0842f9ef
[rc=0]
`,
    );
  });

  test("are shown by --digests, and removed by name", async () => {
    const scene = await pushed(["127.0.0.1:5000/t/base"], false);
    const { stdout } = await strata(["images"], { root: scene.root });
    expect(stdout).toMatch(/^127\.0\.0\.1:5000\/t\/base {3}<none> /m);
    const digests = await strata(
      ["images", "--digests", "--format", "{{.Repository}} {{.Tag}} {{.Digest}}"],
      scene,
    );
    expect(digests.stdout).toMatch(/^127\.0\.0\.1:5000\/t\/base <none> sha256:[0-9a-f]{64}\n$/);
    await follows(
      scene,
      `$ docker rmi 127.0.0.1:5000/t/base@${DIGEST}
Untagged: 127.0.0.1:5000/t/base@${DIGEST}
Deleted: sha256:62d741d3e574b79ee7606c94bbf91983853b7ca27f5aad28634ac01110d2bf4b
Deleted: sha256:66570b15dbcb0c6897ff90d9b70cd6b4ebc7823d307b183442fb5e5c0842f9ef
[rc=0]
`,
    );
  });
});

describe("image prune", () => {
  test("as in the transcript", async () => {
    const scene: Scene = { root: newRoot(), ids: new Map() };
    const store = await Store.open(scene.root, { env: {} });
    const archive = await makeImage([{ a: "1" }, { b: "2" }, { c: "3" }, { d: "4" }]);
    const [app] = await store.load(layoutOf(newRoot(), archive, undefined), { name: "app" });
    await store.close();
    identify(scene, app!.id, "sha256:f3bf167a9870f064468c7dc33156494a250c930188b5bcceb5773d3a081ce4ac");
    const theirs = [
      "sha256:69562ec462f37a23449d5f7e08f6e4ce87963458e644c5eadd83363668a1c334",
      "sha256:c6fb465e79a6face9f943be4d96eea6681499e72034dd5fbc21a4707dda7c925",
      "sha256:3996ba68d78e24f2361996e6ddf7f95dc3f4f3149250cce962511d021db8f993",
      "sha256:d079f6d0d891d691ddfddd8b03067cfdf100b647f93ef66c1adda38e07d3a31b",
    ];
    for (const [i, chain] of chainsOf(app!).entries()) identify(scene, chain, theirs[i]!);
    await follows(
      scene,
      `$ docker image prune -f
Total reclaimed space: 0B
[rc=0]
$ docker image prune -a -f
Deleted Images:
untagged: app:latest
deleted: sha256:f3bf167a9870f064468c7dc33156494a250c930188b5bcceb5773d3a081ce4ac
deleted: sha256:d079f6d0d891d691ddfddd8b03067cfdf100b647f93ef66c1adda38e07d3a31b
deleted: sha256:3996ba68d78e24f2361996e6ddf7f95dc3f4f3149250cce962511d021db8f993
deleted: sha256:c6fb465e79a6face9f943be4d96eea6681499e72034dd5fbc21a4707dda7c925
deleted: sha256:69562ec462f37a23449d5f7e08f6e4ce87963458e644c5eadd83363668a1c334

Total reclaimed space: 4B
[rc=0]
`,
    );
  });

  async function three() {
    const root = newRoot();
    const store = await Store.open(root, { env: {} });
    const old = { created: "2020-01-01T00:00:00Z", config: { Labels: { keep: "1" } } };
    await store.load(layoutOf(newRoot(), await makeImage([{ a: "1" }], { config: old }), "old:1"));
    await store.load(
      layoutOf(
        newRoot(),
        await makeImage([{ a: "2" }], { config: { created: "2026-01-01T00:00:00Z" } }),
        "new:1",
      ),
    );
    const [used] = await store.load(layoutOf(newRoot(), await makeImage([{ a: "3" }]), "used:1"));
    await store.containers.create(used!);
    const loose = await makeImage([{ a: "4" }], { config: { config: { Labels: { keep: "2" } } } });
    await store.load(layoutOf(newRoot(), loose, undefined));
    await store.close();
    return root;
  }
  const tagsIn = async (root: string) =>
    (await strata(["images", "--format", "{{.Repository}}"], { root })).stdout
      .split("\n")
      .filter(Boolean)
      .sort();

  test.each<[string, readonly string[], readonly string[]]>([
    ["dangling images alone", [], ["new", "old", "used"]],
    ["all that no container uses", ["-a"], ["used"]],
    ["dangling=false is all", ["--filter", "dangling=false"], ["used"]],
    ["made before a time", ["-a", "--filter", "until=2021-01-01"], ["new", "used"]],
    ["with a label", ["-a", "--filter", "label=keep"], ["new", "used"]],
    ["with a label of a value", ["-a", "--filter", "label=keep=1"], ["<none>", "new", "used"]],
    ["without a label", ["-a", "--filter", "label!=keep"], ["<none>", "old", "used"]],
  ])("%s", async (_name, args, left) => {
    const root = await three();
    expect((await strata(["image", "prune", "-f", ...args], { root })).code).toBe(0);
    expect(await tagsIn(root)).toEqual([...left].sort());
    expect((await strata(["system", "fsck"], { root })).code).toBe(0);
  });

  test("asks, and takes only a yes", async () => {
    const root = await three();
    const question =
      "WARNING! This will remove all dangling images.\nAre you sure you want to continue? [y/N] ";
    for (const stdin of ["", "\n", "no\n"]) {
      const ran = await strata(["image", "prune"], { root, stdin: Buffer.from(stdin) });
      expect(ran.stdout).toBe(`${question}Total reclaimed space: 0B\n`);
    }
    expect(await tagsIn(root)).toContain("<none>");
    const ran = await strata(["image", "prune"], { root, stdin: Buffer.from("y\n") });
    expect(ran.stdout).toMatch(/Deleted Images:\ndeleted: sha256:/);
    expect(await tagsIn(root)).not.toContain("<none>");
  });

  test("a filter that does not exist is refused", async () => {
    const ran = await strata(["image", "prune", "-f", "--filter", "foo=bar"], { root: newRoot() });
    expect([ran.code, ran.stderr]).toEqual([1, "Error response from daemon: Invalid filter 'foo'\n"]);
  });

  test("system prune removes containers, images and garbage", async () => {
    const root = await three();
    const ran = await strata(["system", "prune", "-af"], { root });
    expect(ran.stdout).toMatch(
      /^Deleted Containers:\n[0-9a-f]{64}\n\nDeleted Images:\n[\s\S]*Total reclaimed space: /,
    );
    expect(await tagsIn(root)).toEqual([]);
    const fsck = await strata(["system", "fsck"], { root });
    expect(fsck.stdout).toBe("0 names, 0 blobs, 0 cache files, 0 containers checked: no problem\n");
  });
});

test("system df counts layers once, and what no container uses as reclaimable", async () => {
  const root = newRoot();
  const store = await Store.open(root, { env: {} });
  const [one] = await store.load(
    layoutOf(newRoot(), await makeImage([{ shared: "x".repeat(100) }, { a: "x".repeat(20) }]), "one:1"),
  );
  await store.load(
    layoutOf(newRoot(), await makeImage([{ shared: "x".repeat(100) }, { b: "x".repeat(30) }]), "two:1"),
  );
  await store.containers.create(one!);
  await store.close();
  const { stdout } = await strata(["system", "df"], { root });
  expect(stdout).toMatch(
    /^TYPE {10}TOTAL {5}ACTIVE {4}SIZE {6}RECLAIMABLE\nImages {8}2 {9}1 {9}150B {6}130B \(86%\)\n/,
  );
  const verbose = await strata(["system", "df", "-v"], { root });
  expect(verbose.stdout).toMatch(/^one +1 +\S+ +N\/A +120B +100B +20B +1$/m);
  const images = await strata(
    ["images", "--format", "{{.Repository}} {{.SharedSize}} {{.UniqueSize}} {{.Containers}}"],
    { root },
  );
  expect(images.stdout.split("\n").sort()).toEqual(["", "one 100B 20B 1", "two 100B 30B 0"]);
});
