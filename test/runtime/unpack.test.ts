/**
 * Images in directories and back: as root everything as it is, as anyone else with owners recorded.
 */
import { execFileSync, spawnSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { repackDirectory } from "../../src/runtime/repack.ts";
import { Store } from "../../src/runtime/store.ts";
import { unpackImage } from "../../src/runtime/unpack.ts";
import { bundleProgram } from "../cli/bundle.ts";
import { imagePath, needs } from "../requirements.ts";
import { layoutOf, makeImage, tarOf } from "../store/images.ts";
import { scratch } from "../store/scratch.ts";

const env = { SOURCE_DATE_EPOCH: "1700000000" };

async function withImage() {
  const archive = await tarOf([
    { name: "d", type: "directory", mode: 0o750, uid: 7, gid: 8 },
    { name: "d/a", content: "a", mode: 0o4755, uid: 1000, gid: 1001 },
    { name: "d/b", type: "link", linkname: "d/a" },
    { name: "out", type: "symlink", linkname: "/etc" },
    { name: "secret", content: "s", mode: 0o040 },
    { name: "null", type: "character-device", devmajor: 1, devminor: 3, mode: 0o666 },
    { name: "pipe", type: "fifo", mode: 0o644 },
  ]);
  const store = await Store.open(scratch(), { env });
  const [image] = await store.load(layoutOf(scratch(), await makeImage([], { archives: [archive] }), "x:1"));
  return { store, image: image! };
}

describe.skipIf(needs.root())("as root", () => {
  test("owners, modes, links and devices are those of the image, and nothing changed is no layer", async () => {
    const { store, image } = await withImage();
    const directory = join(scratch(), "r");
    await unpackImage(image, directory);
    const a = lstatSync(join(directory, "d/a"));
    expect([a.mode & 0o7777, a.uid, a.gid, a.nlink, a.mtimeMs]).toEqual([0o4755, 1000, 1001, 2, 0]);
    expect(readlinkSync(join(directory, "out"))).toBe("/etc");
    expect([lstatSync(join(directory, "null")).rdev, lstatSync(join(directory, "pipe")).isFIFO()]).toEqual([
      0x103,
      true,
    ]);
    const again = await repackDirectory(store, directory, { name: "y" });
    expect(again.layers.length).toBe(1);
    await store.close();
  });

  test("what was changed is one layer, and no more", async () => {
    const { store, image } = await withImage();
    const directory = join(scratch(), "r");
    await unpackImage(image, directory);
    writeFileSync(join(directory, "new"), "n");
    chownSync(join(directory, "new"), 5, 6);
    unlinkSync(join(directory, "pipe"));
    unlinkSync(join(directory, "d/b"));
    writeFileSync(join(directory, "d/b"), "own");
    linkSync(join(directory, "new"), join(directory, "new2"));
    unlinkSync(join(directory, "out"));
    mkdirSync(join(directory, "out"));
    writeFileSync(join(directory, "out/passwd"), "not the host's");
    chmodSync(join(directory, "secret"), 0o640);
    const next = await repackDirectory(store, directory, { name: "y" });
    const mount = await next.mount();
    const text = (path: string) => Buffer.from(mount.readFile(path)).toString();
    expect(mount.exists("/pipe")).toBe(false);
    expect([text("/d/a"), text("/d/b"), text("/out/passwd"), text("/new2")]).toEqual([
      "a",
      "own",
      "not the host's",
      "n",
    ]);
    expect([mount.stat("/new").uid, mount.stat("/new").gid, mount.stat("/new").nlink]).toEqual([5, 6, 2]);
    expect([mount.stat("/secret").mode & 0o7777, mount.stat("/d/a").mode & 0o7777]).toEqual([0o640, 0o4755]);
    const base = await image.mount();
    const other = await next.mount();
    expect(base.lstat("/null").rdev).toBe(other.lstat("/null").rdev);
    expect(next.layers.length).toBe(2);
    await store.close();
  });

  test.skipIf(needs.image("torture-bb"))(
    "the torture image unpacked and packed again is the image",
    async () => {
      const store = await Store.open(scratch(), { env });
      const [image] = await store.load(imagePath("torture-bb"), { name: "t" });
      const directory = join(scratch(), "r");
      await unpackImage(image!, directory);
      const again = await repackDirectory(store, directory, { name: "y" });
      expect(again.layers.length).toBe(image!.layers.length);
      await store.close();
    },
  );

  test("a link in the directory leads packing nowhere", async () => {
    const { store, image } = await withImage();
    const [directory, outside] = [join(scratch(), "r"), scratch()];
    writeFileSync(join(outside, "secret"), "of the host");
    await unpackImage(image, directory);
    rmSync(join(directory, "d"), { recursive: true });
    symlinkSync(outside, join(directory, "d"));
    const next = await repackDirectory(store, directory, {});
    const mount = await next.mount();
    expect(mount.readlink("/d")).toBe(outside);
    await store.close();
  });
});

test("only an empty directory is unpacked into, and only an unpacked one packed", async () => {
  const { store, image } = await withImage();
  const directory = scratch();
  writeFileSync(join(directory, "x"), "");
  await expect(unpackImage(image, directory)).rejects.toThrow(`${directory} is not empty`);
  expect(readdirSync(directory)).toEqual(["x"]);
  await expect(repackDirectory(store, directory, {})).rejects.toThrow("was not unpacked from an image");
  await store.close();
});

describe.skipIf(needs.root() ?? needs.tool("setpriv", "util-linux"))("as somebody else", () => {
  test("files are his, can be read, and keep their owners in the image", async () => {
    const bundled = mkdtempSync(join(tmpdir(), "strata-unpack-"));
    onTestFinished(() => rmSync(bundled, { recursive: true, force: true }));
    const main = await bundleProgram(bundled);
    const { store, image } = await withImage();
    await store.close();
    const place = scratch();
    for (const path of [place, store.directory!, bundled]) {
      execFileSync("chown", ["-R", "65534:65534", path]);
      chmodSync(path, 0o755);
    }
    const strata = (...args: string[]) =>
      spawnSync(
        "setpriv",
        ["--reuid=65534", "--regid=65534", "--clear-groups", process.execPath, main, ...args],
        { encoding: "utf8", cwd: place, env: { PATH: process.env.PATH, STRATAFS_ROOT: store.directory } },
      );
    expect(strata("unpack", "x:1", "r")).toMatchObject({ status: 0, stderr: "" });
    const directory = join(place, "r");
    const stats = ["d/a", "secret"].map((name) => lstatSync(join(directory, name)));
    expect(stats.map(({ uid, mode }) => [uid, mode & 0o777])).toEqual([
      [65534, 0o755],
      [65534, 0o640],
    ]);
    expect(lstatSync(join(directory, "null")).isFile()).toBe(true);
    writeFileSync(join(directory, "secret"), "t");
    expect(strata("repack", "r", "y")).toMatchObject({ status: 0, stderr: "" });
    const again = await Store.open(store.directory, { env });
    const next = await again.image("y");
    expect(next.layers.length).toBe(image.layers.length + 1);
    const mount = await next.mount();
    expect(Buffer.from(mount.readFile("/secret")).toString()).toBe("t");
    expect([mount.stat("/secret").uid, mount.stat("/secret").mode & 0o7777]).toEqual([0, 0o040]);
    expect([mount.stat("/d/a").uid, mount.stat("/d").gid, mount.lstat("/null").rdev]).toEqual([
      1000, 8, 0x103,
    ]);
    expect(mount.changes !== undefined && existsSync(`${directory}.unpacked.json`)).toBe(true);
    await again.close();
    expect(readFileSync(join(directory, "secret"), "utf8")).toBe("t");
  });
});

describe.skipIf(needs.root() || needs.tool("umoci", "umoci") || needs.tool("getfattr", "attr"))(
  "xattrs",
  () => {
    test.skipIf(needs.image("torture-bb"))("are those that umoci unpacks", async () => {
      const folder = scratch();
      const store = await Store.open(join(folder, "store"), { env });
      const [image] = await store.load(imagePath("torture-bb"), { name: "t" });
      expect(await unpackImage(image!, join(folder, "ours"))).toBeUndefined();
      execFileSync(
        "umoci",
        ["unpack", "--image", `${imagePath("torture-bb")}:latest`, join(folder, "umoci")],
        {
          stdio: "ignore",
        },
      );
      const dump = (directory: string) =>
        execFileSync("sh", ["-c", "getfattr -Rhd -m - -e hex . 2>/dev/null | grep -v overlay"], {
          cwd: directory,
          encoding: "latin1",
          maxBuffer: 2 ** 26,
        });
      // Go's reader of archives drops one that is empty (rule 37).
      const sorted = (text: string) => text.replace("user.empty=0x\n", "").split("\n\n").sort();
      const ours = sorted(dump(join(folder, "ours")));
      expect(ours.length).toBeGreaterThan(3);
      expect(ours).toEqual(sorted(dump(join(folder, "umoci/rootfs"))));
      await store.close();
    });
  },
);
