import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { hostSource } from "../../src/runtime/host-filesystem.ts";
import { createMount } from "../../src/union/mount.ts";
import { O_RDWR } from "../../src/union/types.ts";
import { dir, file, treeOf } from "../layer/build.ts";

let host: string;

beforeEach(() => {
  host = fs.mkdtempSync(join(tmpdir(), "stratafs-host-"));
  fs.mkdirSync(join(host, "sub"));
  fs.writeFileSync(join(host, "sub/file"), "on the host");
  fs.symlinkSync("/etc/passwd", join(host, "out"));
});

afterEach(() => fs.rmSync(host, { recursive: true }));

function mounted(readOnly = false) {
  const mount = createMount(treeOf([dir("etc"), file("etc/passwd", "in the image"), dir("work")]));
  mount.attach("/work", hostSource(host), { readOnly });
  return mount;
}

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

describe("a host directory attached to a mount", () => {
  test("is read and written in place, and leaves nothing among the changes", () => {
    const mount = mounted();
    expect(text(mount.readFile("/work/sub/file"))).toBe("on the host");
    mount.writeFile("/work/new", "from the mount");
    mount.mkdir("/work/made", 0o700);
    mount.rename("/work/sub/file", "/work/made/moved");
    mount.appendFile("/work/made/moved", "!");
    mount.symlink("new", "/work/link");
    mount.utimens("/work/new", 1_000_000_000_000_000_000n, 1_500_000_000_000_000_000n);
    expect(fs.readFileSync(join(host, "made/moved"), "utf8")).toBe("on the host!");
    expect(fs.readlinkSync(join(host, "link"))).toBe("new");
    expect(fs.statSync(join(host, "new")).mtimeMs).toBe(1_500_000_000_000);
    expect(fs.statSync(join(host, "made")).mode & 0o777).toBe(0o700);
    expect([...mount.changes()]).toEqual([]);
  });

  test("a link in it leads within the mount, not out on the host", () => {
    expect(text(mounted().readFile("/work/out"))).toBe("in the image");
  });

  test("read-only answers EROFS and writes nothing", () => {
    const mount = mounted(true);
    expect(() => mount.writeFile("/work/sub/file", "x")).toThrow(expect.objectContaining({ code: "EROFS" }));
    expect(() => mount.unlink("/work/out")).toThrow(expect.objectContaining({ code: "EROFS" }));
    expect(fs.readFileSync(join(host, "sub/file"), "utf8")).toBe("on the host");
  });

  test("a removed file can be written through its descriptor", () => {
    const mount = mounted();
    const fd = mount.open("/work/sub/file", O_RDWR);
    mount.unlink("/work/sub/file");
    mount.write(fd, new TextEncoder().encode("still"), 0, 5, 0);
    const bytes = new Uint8Array(5);
    mount.read(fd, bytes, 0, 5, 0);
    expect(text(bytes)).toBe("still");
    mount.close(fd);
    expect(mount.exists("/work/sub/file")).toBe(false);
  });

  test("what Node cannot do is said, not pretended", () => {
    const mount = mounted();
    expect(() => mount.mknod("/work/fifo", "fifo")).toThrow(expect.objectContaining({ code: "EOPNOTSUPP" }));
    expect(() => mount.rename("/etc/passwd", "/work/x")).toThrow(expect.objectContaining({ code: "EXDEV" }));
  });

  test("one file of the host, where the image has none", () => {
    const mount = createMount(treeOf([dir("etc")]));
    mount.attach("/etc/resolv.conf", hostSource(join(host, "sub/file")), { readOnly: true });
    expect(text(mount.readFile("/etc/resolv.conf"))).toBe("on the host");
    expect(mount.readdir("/etc").map(({ name }) => name)).toEqual(["resolv.conf"]);
    expect([...mount.changes()]).toEqual([]);
  });
});
