/**
 * What every store of uppers must do (`upper.ts`), by both of them.
 */
import { describe, expect, test } from "vitest";
import { PosixError } from "../../../src/posix/errno.ts";
import { makeDevice } from "../../../src/posix/mode.ts";
import { UpperError, type UpperErrorCode, type UpperStore } from "../../../src/runtime/upper/upper.ts";
import { O_CREAT, O_RDWR, O_TMPFILE } from "../../../src/union/types.ts";
import { dir, file, treeOf } from "../../layer/build.ts";
import { tickingClock } from "../../property/operations.ts";
import { inFolders, inMemory, show } from "./stores.ts";
import { smallTree } from "./trees.ts";

function codeOf(run: () => unknown): UpperErrorCode | undefined {
  try {
    run();
  } catch (error) {
    if (error instanceof UpperError) return error.code;
    throw error;
  }
  return undefined;
}

describe.each([
  ["in memory", inMemory],
  ["on disk", inFolders],
])("an upper %s", (_, uppers) => {
  function begin(tree = smallTree()) {
    const { store, place } = uppers();
    const at = place("one");
    store.create(at, tree);
    return { store, place, at, tree, open: () => store.open(at, tree, { clock: tickingClock() }) };
  }

  /** What another process would see. */
  function seen(store: UpperStore, at: string, tree: ReturnType<typeof smallTree>) {
    const reader = store.read(at, tree);
    try {
      return show(reader.mount);
    } finally {
      reader.close();
    }
  }

  test("starts as its lower", () => {
    const { open, store, at, tree } = begin();
    const upper = open();
    expect([...upper.mount.changes()]).toEqual([]);
    expect(upper.mount.readFile("/etc/motd")).toEqual(new TextEncoder().encode("hello\n"));
    upper.close();
    expect([...store.read(at, tree).mount.changes()]).toEqual([]);
  });

  test("keeps every kind of inode, name and attribute over closing", () => {
    const { open } = begin();
    const first = open();
    const { mount } = first;
    mount.writeFile("/etc/new", "new");
    mount.writeFile("/etc/motd", "changed");
    mount.mkdir("/dir", 0o1777);
    mount.mkdir("/dir/below");
    mount.symlink("target \udcff", "/dir/below/link\udcfe");
    mount.mknod("/dir/fifo", "fifo");
    mount.mknod("/dir/char", "char", 0o600, makeDevice(259, 70_000));
    mount.mknod("/dir/block", "block", 0o600, makeDevice(8, 1));
    mount.link("/etc/new", "/dir/again");
    mount.link("/usr/bin/tool", "/dir/tool");
    mount.rename("/usr/bin", "/dir/bin");
    mount.unlink("/dir/bin/alias");
    mount.unlink("/bin");
    mount.chmod("/", 0o711);
    mount.chmod("/dir/tool", 0o4755);
    mount.chown("/etc", 1000, 4_000_000_000);
    mount.lsetxattr("/dir/tool", "user.\udc80", new Uint8Array([0, 255]));
    mount.utimens("/etc/new", -1n, 2n ** 80n);
    mount.utimens("/dir", 5n, -(2n ** 70n) - 1n);
    mount.truncate("/etc/big", 5000);
    const before = show(mount);
    const stats = ["/", "/etc", "/etc/new", "/dir", "/dir/char", "/dir/block", "/dir/tool", "/dir/bin"].map(
      (path) => ({ ...mount.lstat(path), dev: 0 }),
    );
    first.close();
    const again = open();
    expect(show(again.mount)).toEqual(before);
    expect(
      ["/", "/etc", "/etc/new", "/dir", "/dir/char", "/dir/block", "/dir/tool", "/dir/bin"].map((path) => ({
        ...again.mount.lstat(path),
        dev: 0,
      })),
    ).toEqual(stats);
    expect(again.mount.readlink("/dir/below/link\udcfe")).toBe("target \udcff");
    expect(again.mount.getxattr("/dir/tool", "user.\udc80")).toEqual(new Uint8Array([0, 255]));
    again.close();
  });

  test("goes on from where it was: what is below, what was removed, what is new", () => {
    const { open } = begin();
    const first = open();
    first.mount.mkdir("/a");
    first.mount.writeFile("/a/file", "x".repeat(10_000));
    first.mount.unlink("/etc/motd");
    first.close();
    const second = open();
    second.mount.appendFile("/a/file", "y".repeat(10_000));
    second.mount.rename("/a", "/b");
    second.mount.writeFile("/etc/motd", "again");
    second.close();
    const third = open();
    expect(new TextDecoder().decode(third.mount.readFile("/b/file"))).toBe(
      "x".repeat(10_000) + "y".repeat(10_000),
    );
    expect(
      third.mount
        .readdir("/etc")
        .map(({ name }) => name)
        .sort(),
    ).toEqual(["big", "motd"]);
    third.mount.unlink("/b/file");
    third.mount.rmdir("/b");
    third.mount.unlink("/etc/motd");
    third.close();
    const last = open();
    expect([...last.mount.changes()].map(({ kind, path }) => `${kind} ${path}`)).toEqual([
      "modified /etc",
      "deleted /etc/motd",
    ]);
    last.close();
  });

  test.each<[string, (upper: ReturnType<UpperStore["open"]>) => void]>([
    ["commit()", (upper) => upper.commit()],
    ["sync() of the mount", (upper) => upper.mount.sync()],
    [
      "fsync(2) of any file",
      ({ mount }) => {
        const fd = mount.open("/etc/motd", O_RDWR);
        mount.fsync(fd);
        mount.close(fd);
      },
    ],
  ])("%s is a commit point; what came after it is gone when it was not committed", (_, commit) => {
    const { open, store, at, tree } = begin();
    const upper = open();
    upper.mount.writeFile("/kept", "kept");
    commit(upper);
    const committed = show(upper.mount);
    upper.mount.writeFile("/lost", "lost");
    upper.mount.writeFile("/kept", "overwritten");
    expect(seen(store, at, tree)).toEqual(committed);
    upper.discard();
    expect(seen(store, at, tree)).toEqual(committed);
    const again = open();
    expect(show(again.mount)).toEqual(committed);
    again.close();
  });

  test("a second writer is refused and told who the first is; one that ended is no obstacle", () => {
    const { open, store, at } = begin();
    const before = Date.now();
    const upper = open();
    expect(codeOf(open)).toBe("busy");
    expect(codeOf(() => store.remove(at))).toBe("busy");
    try {
      open();
    } catch (error) {
      expect(error).toBeInstanceOf(UpperError);
      const { holder, message } = error as UpperError;
      expect(holder?.pid).toBe(process.pid);
      expect(holder?.since).toBeGreaterThanOrEqual(before);
      expect(message).toContain(String(process.pid));
      expect(message).toContain(at);
    }
    upper.close();
    upper.close();
    upper.discard();
    open().discard();
    open().close();
  });

  test("readers look on beside a writer, each at the commit point when it opened, and change nothing", () => {
    const { open, store, at, tree } = begin();
    const upper = open();
    upper.mount.writeFile("/file", "one");
    upper.commit();
    const one = store.read(at, tree);
    upper.mount.writeFile("/file", "two");
    upper.commit();
    const two = store.read(at, tree);
    upper.mount.unlink("/file");
    upper.commit();
    expect(new TextDecoder().decode(one.mount.readFile("/file"))).toBe("one");
    expect(new TextDecoder().decode(two.mount.readFile("/file"))).toBe("two");
    expect(() => two.mount.writeFile("/file", "three")).toThrow(
      expect.objectContaining({ code: "EROFS" }) as Error,
    );
    expect(store.read(at, tree).mount.exists("/file")).toBe(false);
    one.close();
    two.close();
    upper.close();
  });

  test("what no name leads to is not kept, and the writer goes on with it", () => {
    const { open, store, at, tree } = begin();
    const upper = open();
    const { mount } = upper;
    const unlinked = mount.open("/etc/motd", O_RDWR);
    mount.unlink("/etc/motd");
    const fresh = mount.open("/gone", O_RDWR | O_CREAT);
    mount.unlink("/gone");
    mount.write(fresh, new TextEncoder().encode("still here"), 0, 10, 0);
    const anonymous = mount.open("/", O_RDWR | O_TMPFILE);
    mount.write(anonymous, new TextEncoder().encode("linked later"), 0, 12, 0);
    const held = show(mount);
    mount.fsync(fresh);
    expect(seen(store, at, tree)).toEqual(held);
    const buffer = new Uint8Array(10);
    expect(mount.read(fresh, buffer, 0, 10, 0)).toBe(10);
    expect(new TextDecoder().decode(buffer)).toBe("still here");
    mount.linkFile(anonymous, "/late");
    for (const fd of [unlinked, fresh, anonymous]) mount.close(fd);
    upper.close();
    const again = open();
    expect(new TextDecoder().decode(again.mount.readFile("/late"))).toBe("linked later");
    expect(again.mount.exists("/gone") || again.mount.exists("/etc/motd")).toBe(false);
    again.close();
  });

  test("a fork starts at the last commit point, and neither sees the other afterwards", () => {
    const { open, store, at, place, tree } = begin();
    const upper = open();
    upper.mount.writeFile("/shared", "s".repeat(100_000));
    upper.mount.writeFile("/etc/motd", "before");
    upper.commit();
    const committed = show(upper.mount);
    upper.mount.writeFile("/etc/motd", "not committed");
    const to = place("two");
    store.fork(at, to);
    expect(seen(store, to, tree)).toEqual(committed);
    const fork = store.open(to, tree);
    fork.mount.appendFile("/shared", "fork");
    fork.mount.writeFile("/fork", "fork");
    upper.mount.writeFile("/shared", "original");
    upper.close();
    fork.close();
    const original = open();
    expect(new TextDecoder().decode(original.mount.readFile("/shared"))).toBe("original");
    expect(original.mount.exists("/fork")).toBe(false);
    original.close();
    store.remove(at);
    const later = store.open(to, tree);
    expect(new TextDecoder().decode(later.mount.readFile("/shared"))).toBe(`${"s".repeat(100_000)}fork`);
    expect(new TextDecoder().decode(later.mount.readFile("/etc/motd"))).toBe("before");
    later.close();
  });

  test("a mount can be rolled back to a snapshot, and what is then committed is the snapshot", () => {
    const { open } = begin();
    const upper = open();
    upper.mount.writeFile("/a", "before");
    const resident = upper.mount.snapshot();
    upper.commit();
    const before = upper.mount.snapshot();
    const shown = show(upper.mount);
    upper.mount.unlink("/a");
    upper.mount.mkdir("/a");
    upper.mount.writeFile("/a/b", "after");
    upper.commit();
    upper.mount.restore(before);
    upper.commit();
    upper.close();
    const again = open();
    expect(show(again.mount)).toEqual(shown);
    again.close();
    const third = open();
    expect(resident.tree).toBe(third.mount.tree);
    third.mount.writeFile("/c", "c");
    third.mount.restore(resident);
    third.close();
    const last = open();
    expect(show(last.mount)).toEqual(shown);
    last.close();
  });

  test("an inode made after a roll-back takes nothing over from the one that had its number before", () => {
    const { open } = begin();
    const upper = open();
    const { mount } = upper;
    const empty = mount.snapshot();
    mount.mkdir("/one");
    mount.writeFile("/one/inside", "inside");
    upper.commit();
    const { ino } = mount.stat("/one");
    mount.restore(empty);
    mount.writeFile("/two", "t".repeat(2_000_000));
    expect(mount.stat("/two").ino).toBe(ino);
    upper.commit();
    mount.restore(empty);
    mount.mkdir("/three");
    expect(mount.stat("/three").ino).toBe(ino);
    upper.close();
    const again = open();
    expect(again.mount.readdir("/three")).toEqual([]);
    expect(again.mount.exists("/one") || again.mount.exists("/two")).toBe(false);
    again.close();
  });

  test("limits count what was kept as what was written", () => {
    const { store, at, tree } = begin();
    const limits = { bytes: 10 * 4096, inodes: 3 };
    const first = store.open(at, tree, { limits });
    first.mount.writeFile("/a", "a".repeat(6 * 4096));
    first.mount.writeFile("/b", "b");
    first.commit();
    expect(() => first.mount.writeFile("/a2", "a".repeat(4 * 4096))).toThrow(
      expect.objectContaining({ code: "ENOSPC" }) as Error,
    );
    first.mount.unlink("/a2");
    first.close();
    const second = store.open(at, tree, { limits });
    const totals = second.mount.statfs();
    expect([totals.freeBlocks, totals.freeFiles]).toEqual([3, 1]);
    second.mount.writeFile("/a", "a".repeat(9 * 4096));
    expect(() => second.mount.appendFile("/b", "b".repeat(4096))).toThrow(
      expect.objectContaining({ code: "ENOSPC" }) as Error,
    );
    second.close();
  });

  test("errors say what is missing, there already, or of another image", () => {
    const { open, store, at, place, tree } = begin();
    expect(codeOf(() => store.create(at, tree))).toBe("exists");
    expect(codeOf(() => store.fork(at, at))).toBe("exists");
    const none = place("none");
    expect(codeOf(() => store.open(none, tree))).toBe("missing");
    expect(codeOf(() => store.read(none, tree))).toBe("missing");
    expect(codeOf(() => store.fork(none, place("other")))).toBe("missing");
    expect(codeOf(() => store.remove(none))).toBe("missing");
    expect(codeOf(() => store.open(place("other"), tree))).toBe("missing");
    const other = treeOf([dir("other"), file("other/file", "x")]);
    expect(codeOf(() => store.open(at, other))).toBe("mismatch");
    expect(codeOf(() => store.read(at, other))).toBe("mismatch");
    open().close();
    store.remove(at);
    expect(codeOf(open)).toBe("missing");
    store.create(at, tree);
    open().close();
  });

  test("a mount whose upper was closed says so at its next commit point", () => {
    const { open } = begin();
    const upper = open();
    upper.close();
    upper.mount.writeFile("/late", "late");
    expect(() => upper.mount.sync()).toThrow(PosixError);
    const again = open();
    expect(again.mount.exists("/late")).toBe(false);
    again.close();
  });
});
