/**
 * What a mount does beside the calls that the kernel oracle judges: attachments, limits, read-only
 * mounts, events, snapshots' descriptors, provenance – on any machine, without root.
 */
import { describe, expect, test } from "vitest";
import { createMount, tmpfs } from "../../src/union/mount.ts";
import {
  type MountEvent,
  O_CREAT,
  O_EXCL,
  O_RDONLY,
  O_RDWR,
  O_TMPFILE,
  O_WRONLY,
  RENAME_EXCHANGE,
  RENAME_NOREPLACE,
} from "../../src/union/types.ts";
import { dir, file, gone, hard, link, treeOf } from "../layer/build.ts";

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const code = (value: string) => expect.objectContaining({ code: value });
const paths = (changes: Iterable<{ kind: string; path: string }>) =>
  [...changes].map(({ kind, path }) => `${kind} ${path}`);

function image() {
  return treeOf(
    [
      dir("etc"),
      file("etc/passwd", "root"),
      hard("etc/also", "etc/passwd"),
      dir("usr"),
      dir("usr/lib"),
      file("usr/lib/a", "a"),
      link("lib", "usr/lib"),
      dir("tmp", { mode: 0o1777 }),
    ],
    [file("etc/motd", "hi"), file("old", "1")],
    [gone("old")],
  );
}

describe("attachments", () => {
  test("a tmpfs hides what is beneath, has its own st_dev, and is not among the changes", () => {
    const mount = createMount(image());
    mount.attach("/etc", tmpfs());
    mount.writeFile("/etc/new", "x");
    expect(mount.readdir("/etc").map(({ name }) => name)).toEqual(["new"]);
    expect(mount.stat("/etc/new").dev).not.toBe(mount.stat("/usr").dev);
    expect(() => mount.rename("/etc/new", "/usr/new")).toThrow(code("EXDEV"));
    expect(() => mount.link("/etc/new", "/usr/new")).toThrow(code("EXDEV"));
    expect(() => mount.rmdir("/etc")).toThrow(code("EBUSY"));
    expect(() => mount.rename("/etc", "/cfg")).toThrow(code("EBUSY"));
    expect(mount.stat("/etc/..").ino).toBe(mount.stat("/").ino);
    expect([...mount.changes()]).toEqual([]);
    mount.detach("/etc");
    expect(text(mount.readFile("/etc/passwd"))).toBe("root");
  });

  test("a part of another mount is shared with it, at a name that need not exist", () => {
    const other = createMount(image());
    const mount = createMount(image());
    mount.attach("/shared", other.subtree("/usr/lib"));
    mount.writeFile("/shared/b", "from here");
    expect(text(other.readFile("/usr/lib/b"))).toBe("from here");
    expect(mount.readdir("/").map(({ name }) => name)).toContain("shared");
    expect(mount.exists("/usr/lib/b")).toBe(false);
    expect(() => mount.attach("/none/x", tmpfs())).toThrow(code("ENOENT"));
  });

  test("read-only, nested, and busy while a file is open", () => {
    const mount = createMount(image());
    mount.attach("/tmp", tmpfs(), { readOnly: true });
    expect(() => mount.writeFile("/tmp/x", "")).toThrow(code("EROFS"));
    mount.detach("/tmp");
    mount.attach("/tmp", tmpfs());
    const fd = mount.open("/tmp/x", O_CREAT | O_RDWR);
    expect(() => mount.detach("/tmp")).toThrow(code("EBUSY"));
    mount.close(fd);
    mount.detach("/tmp");
  });
});

describe("limits", () => {
  test("ENOSPC for bytes and inodes; what is removed can be used again", () => {
    const mount = createMount(image(), { limits: { bytes: 8192, inodes: 2 } });
    mount.writeFile("/a", new Uint8Array(8192));
    expect(() => mount.writeFile("/b", "x")).toThrow(code("ENOSPC"));
    expect(mount.stat("/b").size).toBe(0);
    expect(() => mount.mkdir("/c")).toThrow(code("ENOSPC"));
    expect(mount.exists("/c")).toBe(false);
    mount.unlink("/a");
    mount.writeFile("/b", "x");
    expect(mount.statfs().freeBlocks).toBe(1);
  });

  test("a file that is open without a name still counts, until it is closed", () => {
    const mount = createMount(image(), { limits: { inodes: 1 } });
    const fd = mount.open("/a", O_CREAT | O_RDWR);
    mount.unlink("/a");
    expect(() => mount.mkdir("/b")).toThrow(code("ENOSPC"));
    mount.close(fd);
    mount.mkdir("/b");
  });
});

test("a read-only mount answers EROFS, but EEXIST where that comes first", () => {
  const mount = createMount(image(), { readOnly: true });
  for (const call of [
    () => mount.writeFile("/etc/motd", ""),
    () => mount.mkdir("/new"),
    () => mount.unlink("/etc/motd"),
    () => mount.chmod("/etc", 0),
    () => mount.rename("/etc", "/x"),
    () => mount.setxattr("/etc", "user.a", Uint8Array.of(1)),
    () => mount.lutimens("/lib", 0n, 0n),
  ]) {
    expect(call).toThrow(code("EROFS"));
  }
  expect(() => mount.mkdir("/etc")).toThrow(code("EEXIST"));
  expect(text(mount.readFile("/etc/motd"))).toBe("hi");
});

test("events: one for each completed change, with its origin, and none for what failed", () => {
  const mount = createMount(image());
  const events: MountEvent[] = [];
  const end = mount.subscribe((event) => events.push(event));
  mount.as({}, "a face").mkdir("/d");
  mount.rename("/d", "/e");
  expect(() => mount.mkdir("/e")).toThrow();
  mount.rmdir("/e");
  end();
  mount.mkdir("/f");
  expect(events.map(({ kind, name, origin }) => [kind, name, origin])).toEqual([
    ["create", "d", "a face"],
    ["rename", "e", undefined],
    ["remove", "e", undefined],
  ]);
});

describe("OVERLAY.md, hard links and renames", () => {
  test("rule 33: every name sees a copy-up; the inode number stays; link counts are exact", () => {
    const mount = createMount(image());
    const before = mount.stat("/etc/also");
    mount.appendFile("/etc/passwd", "!");
    expect(text(mount.readFile("/etc/also"))).toBe("root!");
    expect(mount.stat("/etc/also").ino).toBe(before.ino);
    mount.unlink("/etc/passwd");
    expect(mount.stat("/etc/also").nlink).toBe(before.nlink - 1);
  });

  test("a lower directory is renamed with all it holds; M21: flags", () => {
    const mount = createMount(image());
    mount.rename("/usr", "/srv");
    expect(text(mount.readFile("/srv/lib/a"))).toBe("a");
    expect(() => mount.rename("/srv", "/etc", RENAME_NOREPLACE)).toThrow(code("EEXIST"));
    mount.rename("/srv", "/etc", RENAME_EXCHANGE);
    expect(text(mount.readFile("/etc/lib/a"))).toBe("a");
    expect(() => mount.rename("/etc", "/etc/lib/in")).toThrow(code("EINVAL"));
    mount.rename("/srv", "/usr");
    expect(paths(mount.changes())).toEqual([
      "deleted /etc/also",
      "added /etc/lib",
      "added /etc/lib/a",
      "deleted /etc/motd",
      "deleted /etc/passwd",
      "added /usr/also",
      "deleted /usr/lib",
      "added /usr/motd",
      "added /usr/passwd",
    ]);
  });

  test("a directory made where one was removed shows nothing from below", () => {
    const mount = createMount(image());
    mount.unlink("/usr/lib/a");
    mount.rmdir("/usr/lib");
    mount.mkdir("/usr/lib");
    expect(mount.readdir("/usr/lib")).toEqual([]);
    expect(mount.stat("/usr").nlink).toBe(3);
  });
});

test("M9: a name made again just as it was is a file of its own, not the other's link", () => {
  const mount = createMount(image());
  const { mode, mtime } = mount.stat("/etc/passwd");
  const etc = mount.stat("/etc").mtime;
  mount.unlink("/etc/passwd");
  mount.writeFile("/etc/passwd", "root", mode & 0o777);
  mount.utimens("/etc/passwd", mtime, mtime);
  mount.utimens("/etc", etc, etc);
  expect(paths(mount.changes())).toEqual(["modified /etc/passwd"]);
});

describe("open files", () => {
  test("O_TMPFILE has no name until it is linked; with O_EXCL it never has one", () => {
    const mount = createMount(image());
    const fd = mount.open("/tmp", O_TMPFILE | O_RDWR);
    mount.write(fd, Uint8Array.of(65));
    expect(mount.fstat(fd).nlink).toBe(0);
    expect(mount.readdir("/tmp")).toEqual([]);
    mount.linkFile(fd, "/tmp/named");
    expect(text(mount.readFile("/tmp/named"))).toBe("A");
    const excluded = mount.open("/tmp", O_TMPFILE | O_EXCL | O_WRONLY);
    expect(() => mount.linkFile(excluded, "/tmp/x")).toThrow(code("ENOENT"));
  });

  test("restoring a snapshot makes descriptors stale; forking leaves them to the original", () => {
    const mount = createMount(image());
    const snapshot = mount.snapshot();
    const fd = mount.open("/etc/motd", O_RDONLY);
    const twin = mount.fork();
    expect(() => twin.fstat(fd)).toThrow(code("EBADF"));
    expect(mount.fstat(fd).size).toBe(2);
    mount.restore(snapshot);
    expect(() => mount.fstat(fd)).toThrow(code("ESTALE"));
    mount.close(fd);
    expect(() => mount.restore(createMount(treeOf([dir("x")])).snapshot())).toThrow(code("EINVAL"));
  });

  test("only what is written is copied up: reading, listing and failing leave no trace", () => {
    const mount = createMount(image());
    mount.close(mount.open("/etc/passwd", O_RDONLY));
    mount.readdir("/usr");
    mount.lstat("/lib");
    expect(() => mount.mkdir("/etc")).toThrow(code("EEXIST"));
    const { view } = mount.snapshot();
    for (let node = 0; node < mount.tree.nodeCount; node++) expect(view.upper(node)).toBeUndefined();
    mount.chmod("/etc/motd", 0o600);
    expect(
      [...Array(mount.tree.nodeCount).keys()].filter((node) => mount.snapshot().view.upper(node)),
    ).toHaveLength(1);
  });
});

test("provenance: layers and the container's own, through links in parents, and for what is gone", () => {
  const mount = createMount(image());
  const told = (path: string) => {
    const { winner, events } = mount.whence(path);
    return [winner, ...events.map(({ layer, kind }) => `${layer} ${kind}`)];
  };
  expect(told("/etc/motd")).toEqual([1, "1 put"]);
  expect(told("/lib/a")).toEqual([0, "0 put"]);
  expect(told("/old")).toEqual([undefined, "1 put", "2 whiteout"]);
  expect(told("/never")).toEqual([undefined]);
  mount.appendFile("/etc/motd", "!");
  expect(told("/etc/motd")).toEqual(["upper", "1 put", "upper copied-up"]);
  mount.unlink("/etc/motd");
  expect(told("/etc/motd")).toEqual([undefined, "1 put", "upper whiteout"]);
  mount.writeFile("/etc/motd", "new");
  expect(told("/etc/motd")).toEqual(["upper", "1 put", "upper put"]);
});

test("exists() is what stat() would find: a slash at the end asks for a directory", () => {
  const mount = createMount(image());
  const paths = ["/etc", "/etc/", "/etc/passwd", "/etc/passwd/", "/etc/passwd/.", "/nope", "", "/"];
  expect(paths.map((path) => mount.exists(path))).toEqual([
    ...[true, true, true, false],
    ...[false, false, false, true],
  ]);
});
