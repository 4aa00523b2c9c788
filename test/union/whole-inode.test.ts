/**
 * Copies between mounts: equal in every attribute, sharing content, and independent afterwards.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { makeDevice } from "../../src/posix/mode.ts";
import { diskUppers } from "../../src/runtime/upper/disk.ts";
import { HoleContent } from "../../src/tree/content.ts";
import { EMPTY_TREE } from "../../src/tree/packed.ts";
import { createMount, type Mount } from "../../src/union/mount.ts";
import { O_RDWR } from "../../src/union/types.ts";
import { dir, file, treeOf } from "../layer/build.ts";

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const code = (value: string) => expect.objectContaining({ code: value });

function source(): Mount {
  const mount = createMount(treeOf([dir("d"), file("d/lower", "x".repeat(10_000), { mtime: 5n })]));
  mount.writeFile("/d/new", "new");
  mount.setxattr("/d/new", "user.a", new Uint8Array([0x80, 0]));
  mount.chown("/d/new", 7, 8);
  mount.chmod("/d/new", 0o4751);
  const capability = new Uint8Array(20).fill(1);
  capability.set([1, 0, 0, 2]);
  mount.setxattr("/d/new", "security.capability", capability);
  mount.symlink("nowhere", "/d/link");
  mount.mknod("/d/fifo", "fifo", 0o640);
  mount.mknod("/d/device", "char", 0o600, makeDevice(300, 70_000));
  mount.mkdir("/d/sub");
  mount.chmod("/d/sub", 0o3700);
  mount.utimens("/d/new", 0n, 1_234_567_890_123_456_789n);
  mount.lutimens("/d/link", 0n, -1n);
  return mount;
}

const NAMES = ["lower", "new", "link", "fifo", "device", "sub"];

/** What stat(2) and the xattr calls tell of a file, less what belongs to the mount. */
function described(mount: Mount, path: string) {
  const { mode, uid, gid, size, rdev, mtime } = mount.lstat(path);
  const xattrs = mount.llistxattr(path).map((name) => [name, [...mount.lgetxattr(path, name)]]);
  return { mode, uid, gid, size, rdev, mtime, xattrs };
}

describe("a copy of an inode", () => {
  test.each(NAMES)("has every attribute of %s", (name) => {
    const from = source();
    const to = createMount(EMPTY_TREE);
    to.put(`/${name}`, from.inode(`/d/${name}`));
    expect(described(to, `/${name}`)).toEqual(described(from, `/d/${name}`));
    if (name === "link") expect(to.readlink("/link")).toBe("nowhere");
    else if (name === "lower" || name === "new")
      expect(to.readFile(`/${name}`)).toEqual(from.readFile(`/d/${name}`));
  });

  test("neither side sees what the other writes afterwards", () => {
    const from = source();
    const to = createMount(EMPTY_TREE);
    to.put("/a", from.inode("/d/new"));
    to.put("/b", from.inode("/d/lower"));
    from.writeFile("/d/new", "else");
    from.appendFile("/d/lower", "y");
    const fd = to.open("/b", O_RDWR);
    to.write(fd, new TextEncoder().encode("z"), 0, 1, 5000);
    expect(text(to.readFile("/a"))).toBe("new");
    expect(to.stat("/b").size).toBe(10_000);
    expect(from.readFile("/d/lower")[5000]).toBe("x".charCodeAt(0));
  });

  test("shares its content: a huge one costs no pages", () => {
    const from = createMount(EMPTY_TREE);
    from.put("/huge", {
      kind: "file",
      mode: 0o644,
      uid: 0,
      gid: 0,
      mtime: 0n,
      xattrs: new Map(),
      content: new HoleContent(2 ** 40),
    });
    const to = createMount(EMPTY_TREE, { limits: { bytes: 4096 } });
    to.put("/huge", from.inode("/huge"));
    expect(to.stat("/huge").size).toBe(2 ** 40);
  });

  test("is refused where something is, and leaves that as it was", () => {
    const from = source();
    const to = createMount(EMPTY_TREE);
    to.writeFile("/a", "mine");
    for (const name of NAMES) expect(() => to.put("/a", from.inode(`/d/${name}`))).toThrow(code("EEXIST"));
    expect(text(to.readFile("/a"))).toBe("mine");
  });

  test("is whole in an upper on disk after its source is gone", () => {
    const folder = mkdtempSync(join(tmpdir(), "whole-"));
    try {
      diskUppers.create(join(folder, "u"), EMPTY_TREE);
      const upper = diskUppers.open(join(folder, "u"), EMPTY_TREE);
      const from = source();
      for (const name of NAMES) upper.mount.put(`/${name}`, from.inode(`/d/${name}`));
      upper.close();
      const again = diskUppers.open(join(folder, "u"), EMPTY_TREE);
      for (const name of NAMES)
        expect(described(again.mount, `/${name}`)).toEqual(described(from, `/d/${name}`));
      expect(again.mount.readFile("/lower")).toEqual(from.readFile("/d/lower"));
      again.close();
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
