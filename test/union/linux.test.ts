/**
 * What a mount does where Linux would ask a kernel, and where it follows another filesystem than overlayfs:
 * the differences of docs/semantics.md that no comparison with overlayfs shows.
 */
import { expect, test } from "vitest";
import { makeDevice } from "../../src/posix/mode.ts";
import { createMount } from "../../src/union/mount.ts";
import {
  FALLOC_FL_COLLAPSE_RANGE,
  FALLOC_FL_INSERT_RANGE,
  O_RDONLY,
  O_RDWR,
  O_WRONLY,
  RENAME_NOREPLACE,
  RENAME_WHITEOUT,
} from "../../src/union/types.ts";
import { char, dir, fifo, file, link, treeOf } from "../layer/build.ts";

/** The code that a call fails with. */
function code(call: () => void): string | undefined {
  try {
    call();
    return undefined;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code;
  }
}

test("what has a kernel behind it cannot be opened", () => {
  const mount = createMount(treeOf([char("null", 1, 3), fifo("fifo")]));
  mount.mknod("/socket", "socket");
  mount.mknod("/new", "fifo");
  for (const path of ["/null", "/fifo", "/socket", "/new"]) {
    expect([path, code(() => mount.open(path, O_RDONLY))]).toEqual([path, "ENXIO"]);
    expect([path, code(() => mount.open(path, O_RDWR))]).toEqual([path, "ENXIO"]);
  }
  mount.rename("/fifo", "/moved");
  mount.link("/null", "/also");
  expect(mount.lstat("/also").nlink).toBe(2);
});

test("RENAME_WHITEOUT is EINVAL, after everything else that is wrong", () => {
  const mount = createMount(treeOf([file("a"), file("b"), dir("d")]));
  const rename = (from: string, to: string, flags = RENAME_WHITEOUT) =>
    code(() => mount.rename(from, to, flags));
  expect(rename("/a", "/c")).toBe("EINVAL");
  expect(rename("/nothing", "/c")).toBe("ENOENT");
  expect(rename("/a", "/d")).toBe("EISDIR");
  expect(rename("/a", "/b", RENAME_WHITEOUT | RENAME_NOREPLACE)).toBe("EEXIST");
  expect(rename("/a", "/a")).toBeUndefined();
  expect([...mount.changes()]).toEqual([]);
});

test("reading changes no access time", () => {
  const mount = createMount(treeOf([file("f", "text"), dir("d"), link("l", "f")]));
  const times = () => ["/f", "/d", "/l"].map((path) => mount.lstat(path).atime);
  const before = times();
  mount.readFile("/l");
  mount.readdir("/d");
  mount.readlink("/l");
  expect(times()).toEqual(before);
});

test("fallocate reserves nothing; ranges are neither collapsed nor inserted", () => {
  const mount = createMount(treeOf([]), { limits: { bytes: 8192 } });
  mount.writeFile("/f", "");
  const fd = mount.open("/f", O_WRONLY);
  mount.fallocate(fd, 0, 0, 1 << 20);
  expect(mount.fstat(fd)).toMatchObject({ size: 1 << 20, blocks: 0 });
  for (const mode of [FALLOC_FL_COLLAPSE_RANGE, FALLOC_FL_INSERT_RANGE]) {
    expect(code(() => mount.fallocate(fd, mode, 0, 4096))).toBe("EOPNOTSUPP");
  }
  mount.close(fd);
});

test("attributes of users are on files and directories, and nowhere else", () => {
  const mount = createMount(treeOf([file("f"), dir("d"), link("l", "f"), char("c", 1, 3)]));
  const set = (path: string) => code(() => mount.lsetxattr(path, "user.a", Uint8Array.of(1)));
  expect([set("/f"), set("/d")]).toEqual([undefined, undefined]);
  expect([set("/l"), set("/c")]).toEqual(["EPERM", "EPERM"]);
});

test("the device 0:0 cannot be made", () => {
  const mount = createMount(treeOf([]));
  expect(code(() => mount.mknod("/w", "char", 0o600, makeDevice(0, 0)))).toBe("EPERM");
});

test("a link in a sticky directory is followed, whoever owns it", () => {
  const mount = createMount(
    treeOf([dir("tmp", { mode: 0o1777 }), file("f", "text"), link("tmp/l", "/f", { uid: 1000 })]),
  );
  expect(Buffer.from(mount.as({ uid: 2000 }).readFile("/tmp/l")).toString()).toBe("text");
});

test("more layers than overlayfs mounts", () => {
  const mount = createMount(treeOf(...Array.from({ length: 600 }, (_, i) => [file(`f${i}`)])));
  expect(mount.readdir("/")).toHaveLength(600);
  mount.unlink("/f0");
  expect([...mount.changes()]).toHaveLength(1);
});
