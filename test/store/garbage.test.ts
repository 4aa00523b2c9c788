/**
 * What is removed, what stays, and what fsck says of it; other tools beside it.
 */
import { execFileSync, spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statfsSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { type Digest, digestHex, digestOf } from "../../src/oci/digest.ts";
import { Store } from "../../src/runtime/store.ts";
import { processIdentity } from "../../src/store/process.ts";
import { strata } from "../cli/strata.ts";
import { needs } from "../requirements.ts";
import { layoutOf, makeImage } from "./images.ts";
import { scratch } from "./scratch.ts";

const FILES = [{ "d/a": "1" }, { b: "22" }];
const DAY = 24 * 3600;

const blobPath = (root: string, digest: Digest) => join(root, "blobs/sha256", digestHex(digest));

async function withImage(files = FILES, name = "x:1") {
  const root = scratch();
  const made = await makeImage(files);
  const store = await Store.open(root, { env: {} });
  const [image] = await store.load(layoutOf(scratch(), made, name));
  return { root, made, store, image: image! };
}

/** Puts a blob there as another tool does. */
function foreignBlob(root: string, content: string, secondsAgo: number): Digest {
  const digest = digestOf(Buffer.from(content));
  writeFileSync(blobPath(root, digest), content);
  const time = Date.now() / 1000 - secondsAgo;
  utimesSync(blobPath(root, digest), time, time);
  return digest;
}

describe("garbage collection", () => {
  test("an image's blobs and caches go with its last name, those it shares stay", async () => {
    const { root, store } = await withImage();
    await store.load(layoutOf(scratch(), await makeImage([FILES[0]!, { c: "3" }]), "y:1"));
    const before = readdirSync(join(root, "blobs/sha256")).length;
    await store.remove("x:1");
    expect(readdirSync(join(root, "blobs/sha256")).length).toBe(before - 3);
    expect(readdirSync(join(root, "stratafs/layers-1/sha256")).length).toBe(6);
    expect(readdirSync(join(root, "stratafs/trees-1/sha256")).length).toBe(1);
    expect((await store.check()).problems).toEqual([]);
    await store.close();
  });

  test("what another tool wrote is kept for a day without a name", async () => {
    const { root, store } = await withImage();
    const fresh = foreignBlob(root, "fresh", 23 * 3600);
    const old = foreignBlob(root, "old", DAY + 60);
    const removed = await store.collectGarbage();
    expect(removed.blobs).toEqual([old]);
    expect(existsSync(blobPath(root, fresh))).toBe(true);
    await store.close();
  });

  test("what a killed process of ours had written is not kept", async () => {
    const { root, store } = await withImage();
    const left = foreignBlob(root, "left behind", 10);
    const found = foreignBlob(root, "found there", 3600);
    const gone = `${2 ** 22 - 1}:1:${processIdentity().split(":")[2]}`;
    const { processNamespace } = await import("../../src/store/process.ts");
    (await store.core.arbiter()).setLease("dead", {
      holder: gone,
      namespace: processNamespace(),
      since: Date.now() - 60_000,
      digests: [left, found],
    });
    expect((await store.collectGarbage()).blobs).toEqual([left]);
    expect((await store.core.arbiter()).leases().size).toBe(0);
    await store.close();
  });

  test("a mounted image can be removed: its files are read on, and go when it is unmounted", async () => {
    const { root, made, store, image } = await withImage();
    const mount = await image.mount();
    const [removal] = await store.remove("x:1");
    expect(removal).toEqual({ untagged: "x:1" });
    for (const digest of made.blobs.keys()) expect(existsSync(blobPath(root, digest))).toBe(true);
    expect(Buffer.from(mount.readFile("/b")).toString()).toBe("22");
    const next = await image.commit(mount, { name: "kept" });
    expect((await store.check()).problems).toEqual([]);
    mount.unmount();
    await store.remove(next.tags[0]!);
    expect(readdirSync(join(root, "blobs/sha256"))).toEqual([]);
    await store.close();
  });

  test("what a container needs stays, whatever is forced", async () => {
    const { root, made, store, image } = await withImage();
    const container = await store.containers.create(image);
    await store.remove("x:1", { force: true });
    await store.pruneImages({ all: true });
    for (const digest of made.blobs.keys()) expect(existsSync(blobPath(root, digest))).toBe(true);
    await container.remove();
    await store.pruneImages();
    expect(readdirSync(join(root, "blobs/sha256"))).toEqual([]);
    await store.close();
  });

  test("nothing is removed while a manifest is damaged, since it is not known what belongs to it", async () => {
    const { root, made, store } = await withImage();
    writeFileSync(blobPath(root, made.descriptor.digest), "{}");
    foreignBlob(root, "old", DAY + 60);
    const removed = await store.collectGarbage();
    expect([removed.blobs, removed.blocked]).toEqual([[], expect.stringContaining(made.descriptor.digest)]);
    await store.close();
  });

  test("temporary files of processes that are gone go, those of living ones stay", async () => {
    const { root, store } = await withImage();
    const [own] = [await store.core.files.create()];
    await own!.write(Buffer.from("at work"));
    writeFileSync(join(root, "stratafs/tmp/4194303-1-1-stray"), "stray");
    utimesSync(join(root, "stratafs/tmp/4194303-1-1-stray"), 1, 1);
    const report = await store.check();
    expect(report.strays.map(({ path }) => path)).toEqual([join(root, "stratafs/tmp/4194303-1-1-stray")]);
    expect(report.problems).toEqual([]);
    await store.collectGarbage();
    expect(existsSync(own!.path)).toBe(true);
    expect(readdirSync(join(root, "stratafs/tmp")).length).toBe(1);
    await own!.close();
    await store.close();
  });
});

describe("fsck", () => {
  const first = <T>(values: Iterable<T>) => [...values][0]!;

  test.each<[string, (root: string, made: Awaited<ReturnType<typeof makeImage>>) => void, RegExp, number]>([
    [
      "a layer that rotted",
      (root, { layers }) => {
        const path = blobPath(root, layers[0]!.digest);
        const bytes = readFileSync(path);
        bytes[20]! ^= 1;
        writeFileSync(path, bytes);
      },
      /^repaired: damaged-blob: the blob sha256:[0-9a-f]{64} has the content of/m,
      1,
    ],
    [
      "a layer that is missing",
      (root, { layers }) => rmSync(blobPath(root, layers[1]!.digest)),
      /^problem: missing-blob: docker\.io\/library\/x:1: the blob sha256:[0-9a-f]{64} is missing; load or pull it again$/m,
      1,
    ],
    [
      "a manifest that is missing",
      (root, { descriptor }) => rmSync(blobPath(root, descriptor.digest)),
      /^repaired: broken-name: docker\.io\/library\/x:1/m,
      0,
    ],
    [
      "a cached archive that was written to",
      (root) => {
        const folder = join(root, "stratafs/layers-1/sha256");
        const name = readdirSync(folder).find((file) => file.endsWith(".tar"))!;
        writeFileSync(join(folder, name), "x".repeat(2048));
      },
      /^repaired: damaged-cache: .*\.tar is damaged$/m,
      0,
    ],
    [
      "a cached tree that was cut",
      (root) => {
        const folder = join(root, "stratafs/trees-1/sha256");
        truncateSync(join(folder, first(readdirSync(folder))), 100);
      },
      /^repaired: damaged-cache/m,
      0,
    ],
  ])("%s is found, and mended as far as it can be", async (_name, harm, expected, left) => {
    const { root, made, store } = await withImage();
    await store.close();
    harm(root, made);
    const looked = await strata(["system", "fsck"], { root });
    expect([looked.code, looked.stdout]).toEqual([1, expect.stringMatching(/^problem: /)]);
    const mended = await strata(["system", "fsck", "--repair"], { root });
    expect(mended.stdout).toMatch(expected);
    const again = await strata(["system", "fsck"], { root });
    expect(again.code).toBe(left);
    // Loading the image again mends the rest.
    expect((await strata(["load", "-i", layoutOf(scratch(), made, "x:1")], { root })).code).toBe(0);
    expect((await strata(["system", "fsck"], { root })).code).toBe(0);
    expect((await strata(["cat", "x:1", "/b"], { root })).stdout).toBe("22");
  });

  test("a container's image without an entry in the index gets one", async () => {
    const { root, store, image } = await withImage();
    await store.containers.create(image);
    writeFileSync(join(root, "index.json"), '{"schemaVersion":2,"manifests":[]}');
    expect((await store.check()).problems).toMatchObject([{ kind: "damaged-index", repaired: false }]);
    await store.check({ repair: true });
    expect((await store.check()).problems).toEqual([]);
    await store.close();
  });
});

test("a cached archive that was written to is made again when it is next opened", async () => {
  const { root, store } = await withImage();
  await store.close();
  const folder = join(root, "stratafs/layers-1/sha256");
  for (const name of readdirSync(folder).filter((file) => file.endsWith(".tar"))) {
    const bytes = readFileSync(join(folder, name));
    writeFileSync(join(folder, name), bytes.fill("?"));
  }
  expect((await strata(["cat", "x:1", "/b", "/d/a"], { root })).stdout).toBe("221");
});

describe("other tools", () => {
  test.skipIf(needs.tool("umoci", "umoci"))(
    "umoci gc beside a container, a dangling image and a mount removes nothing of theirs",
    async () => {
      const { root, store, image } = await withImage();
      const container = await store.containers.create(image);
      const other = await makeImage([{ loose: "1" }]);
      const [loose] = await store.load(layoutOf(scratch(), other, undefined));
      const mount = await image.mount();
      await store.remove("x:1", { force: true });
      execFileSync("umoci", ["gc", "--layout", root], { stdio: "ignore" });
      const report = await store.check();
      expect(report.problems).toEqual([]);
      expect((await store.image(loose!.id)).id).toBe(other.id);
      expect(Buffer.from(mount.readFile("/b")).toString()).toBe("22");
      expect((await container.image()).id).toBe(image.id);
      await store.close();
    },
  );

  test.skipIf(needs.tool("skopeo", "skopeo"))(
    "skopeo copies into the store between loads, commits and prunes, and nothing is lost",
    async () => {
      const { root, store, image } = await withImage();
      const others = await Promise.all(
        [0, 1, 2, 3].map(async (i) => layoutOf(scratch(), await makeImage([{ own: `${i}` }]), "t")),
      );
      for (const [i, layout] of others.entries()) {
        const args = ["--insecure-policy", "copy", `oci:${layout}:t`, `oci:${root}:docker.io/library/s:${i}`];
        expect(spawnSync("skopeo", args)).toMatchObject({ status: 0 });
        const mount = await image.mount();
        mount.writeFile("/n", String(i));
        await image.commit(mount, { name: `c:${i}` });
        await store.pruneImages();
        mount.unmount();
      }
      const tags = (await store.images()).flatMap(({ image: { tags: own } }) => own).sort();
      expect(tags).toEqual(["c:0", "c:1", "c:2", "c:3", "s:0", "s:1", "s:2", "s:3", "x:1"]);
      expect((await store.check()).problems).toEqual([]);
      await store.close();
    },
  );
});

describe("a store that cannot be written to", () => {
  test.skipIf(needs.root())("full: one sentence, and nothing is lost", async (context) => {
    const disk = scratch();
    if (spawnSync("mount", ["-t", "tmpfs", "-o", "size=6m", "tmpfs", disk]).status !== 0)
      return context.skip();
    onTestFinished(() => void spawnSync("umount", ["-l", disk]));
    const root = join(disk, "store");
    const small = layoutOf(scratch(), await makeImage([{ a: "1" }]), "small:1");
    expect((await strata(["load", "-i", small], { root })).code).toBe(0);
    const random = Buffer.from(Array.from({ length: 2_000_000 }, (_, i) => (i * 2_654_435_761) >>> 13));
    const large = layoutOf(scratch(), await makeImage([{ b: random }]), "large:1");
    const { bfree, bsize } = statfsSync(disk);
    writeFileSync(join(disk, "ballast"), Buffer.alloc(Math.max(0, bfree * bsize - 1_000_000)));
    const refused = await strata(["load", "-i", large], { root });
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(/^[^\n]*no space left on device\n$/i);
    expect(readdirSync(join(root, "stratafs/tmp"))).toEqual([]);
    expect((await strata(["cat", "small:1", "/a"], { root })).stdout).toBe("1");
    expect((await strata(["system", "fsck"], { root })).code).toBe(0);
    // Room can be made also where there is none: what nothing leads to goes without writing anything.
    const { bavail } = statfsSync(disk);
    writeFileSync(join(disk, "rest"), Buffer.alloc(bavail * bsize));
    expect((await strata(["cat", "small:1", "/a"], { root })).stdout).toBe("1");
    foreignBlob(root, "", DAY + 60);
    const pruned = await strata(["image", "prune", "-af"], { root });
    expect([pruned.code, existsSync(blobPath(root, digestOf(Buffer.from(""))))]).toEqual([
      expect.any(Number),
      false,
    ]);
    rmSync(join(disk, "rest"));
    rmSync(join(disk, "ballast"));
    expect((await strata(["load", "-i", large], { root })).code).toBe(0);
  });

  test.skipIf(needs.root() ?? needs.tool("setpriv", "util-linux"))(
    "not permitted: reading works, writing is one sentence",
    async () => {
      const { bundleProgram } = await import("../cli/bundle.ts");
      const bundled = join(scratch(), "p");
      mkdirSync(bundled);
      const main = await bundleProgram(bundled);
      const { root, store } = await withImage();
      await store.close();
      expect((await strata(["create", "--name", "work", "x:1", "true"], { root })).code).toBe(0);
      for (const path of [root, bundled, join(bundled, "..")])
        execFileSync("chmod", ["-R", "a+rX,go-w", path]);
      const nobody = (...args: string[]) =>
        spawnSync(
          "setpriv",
          ["--reuid=65534", "--regid=65534", "--clear-groups", process.execPath, main, ...args],
          { encoding: "utf8", env: { PATH: process.env.PATH, STRATAFS_ROOT: root } },
        );
      expect(nobody("images", "-q")).toMatchObject({ status: 0, stderr: "" });
      expect(nobody("cat", "x:1", "/b")).toMatchObject({ status: 0, stdout: "22", stderr: "" });
      expect(nobody("system", "fsck")).toMatchObject({ status: 0, stderr: "" });
      const refusedTag = nobody("tag", "x:1", "y");
      expect([refusedTag.status, refusedTag.stderr]).toEqual([
        1,
        expect.stringMatching(/^Error response from daemon: the store \S+ cannot be written to: [^\n]*\n$/),
      ]);
      expect(nobody("diff", "work").stderr).toMatch(
        /^Error response from daemon: open \S+\/upper\.mdb: permission denied\n$/,
      );
      const refusedRemoval = nobody("rmi", "x:1");
      expect([refusedRemoval.status, refusedRemoval.stderr.split("\n").length]).toEqual([1, 2]);
      expect(nobody("images", "--format", "{{.Tag}}")).toMatchObject({ stdout: "1\n" });
    },
  );
});
