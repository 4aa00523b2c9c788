/**
 * Layers from directories of the machine: what comes along, what is dropped and said, what is refused.
 */
import { execFileSync } from "node:child_process";
import {
  appendFileSync,
  chmodSync,
  chownSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { applyLayers } from "../../src/layer/apply.ts";
import { layerFromDirectory } from "../../src/layer/from-directory.ts";
import { layerFromBytes } from "../../src/layer/read.ts";
import { makeDevice } from "../../src/posix/mode.ts";
import { fromSeconds } from "../../src/posix/time.ts";
import { ArchiveError } from "../../src/tar/entry.ts";
import { recordedTree } from "../property/recorded.ts";
import { needs } from "../requirements.ts";
import { nodeAt } from "../tree/describe.ts";

let top: string;
/** The directory of one test. */
let root: string;
beforeAll(() => {
  top = mkdtempSync(join(tmpdir(), "strata-directory-"));
});
afterAll(() => rmSync(top, { recursive: true, force: true }));
beforeEach(() => {
  root = mkdtempSync(join(top, "t-"));
  chmodSync(root, 0o755);
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const at = (path: string) => join(root, path);
const names = (options = {}) =>
  [...(layerFromDirectory(root, options).layer?.entries() ?? [])].map(({ name }) => name);
const entries = (options = {}) =>
  new Map(
    [...(layerFromDirectory(root, options).layer?.entries() ?? [])].map((entry) => [entry.name, entry]),
  );
const bytesOf = () => Buffer.concat([...layerFromDirectory(root).layer!.chunks()]);

/** Owner and group as an image would have them: the tests run as anybody. */
const OWNED = { uid: 0, gid: 0 };

describe("what comes along", () => {
  test("files, directories and symlinks with mode, time and bytes, in path order", async () => {
    mkdirSync(at("d"));
    writeFileSync(at("d/f"), "text");
    chmodSync(at("d/f"), 0o4750);
    utimesSync(at("d/f"), 0, 1_700_000_000.5);
    writeFileSync(at("d-before"), "");
    symlinkSync("d/f", at("link"));
    execFileSync("touch", ["-h", "-d", "@-5", at("link")]);
    chmodSync(at("d"), 0o1777);
    utimesSync(at("d"), 0, 77);
    const { layer } = layerFromDirectory(root, OWNED);
    const found = [...layer!.entries()];
    expect(found.map(({ name }) => name)).toEqual(["d/", "d/f", "d-before", "link"]);
    expect(found[0]).toMatchObject({
      type: "directory",
      mode: 0o1777,
      mtime: fromSeconds(77),
      uid: 0,
      gid: 0,
    });
    expect(found[1]).toMatchObject({
      type: "file",
      mode: 0o4750,
      size: 4,
      mtime: fromSeconds(1_700_000_000),
    });
    expect(found[3]).toMatchObject({ type: "symlink", target: "d/f", mtime: fromSeconds(-5) });
    const read = await layerFromBytes(Buffer.concat([...layer!.chunks()]));
    const tree = applyLayers([read]);
    const inode = tree.inode(nodeAt(tree, "/d/f"));
    const content = Buffer.alloc(4);
    expect(inode.kind === "file" && inode.content.read(content, 0, 4, 0)).toBe(4);
    expect(content.toString()).toBe("text");
  });

  test("rule 47: names and targets that are no UTF-8", () => {
    const bytes = (text: string) => Buffer.from(text, "latin1");
    writeFileSync(Buffer.concat([bytes(`${root}/`), bytes("a\xff")]), "x");
    symlinkSync(bytes("\xe9"), Buffer.concat([bytes(`${root}/`), bytes("b\x80")]));
    expect([...entries().values()]).toMatchObject([
      { name: "a\udcff", type: "file" },
      { name: "b\udc80", type: "symlink", target: "\udce9" },
    ]);
    expect(bytesOf().includes(bytes("a\xff\0"))).toBe(true);
  });

  test("rule 49: in byte order, not that of UTF-16 units", () => {
    for (const name of ["\u{1f600}", "\uff5e", "a-b", "a"]) writeFileSync(at(name), "");
    mkdirSync(at("d"));
    writeFileSync(at("d/x"), "");
    writeFileSync(at("d-"), "");
    expect(names(OWNED)).toEqual(["a", "a-b", "d/", "d/x", "d-", "\uff5e", "\u{1f600}"]);
  });

  test("rule 57: names of one inode in it are links, names elsewhere are not", () => {
    const elsewhere = join(top, "elsewhere");
    writeFileSync(elsewhere, "x");
    linkSync(elsewhere, at("alone"));
    mkdirSync(at("d"));
    writeFileSync(at("d/one"), "shared");
    linkSync(at("d/one"), at("b"));
    linkSync(at("d/one"), at("d/two"));
    symlinkSync("x", at("s1"));
    linkSync(at("s1"), at("s2"));
    expect([...entries().values()]).toMatchObject([
      { name: "alone", type: "file" },
      { name: "b", type: "file", size: 6 },
      { name: "d/" },
      { name: "d/one", type: "hardlink", target: "b" },
      { name: "d/two", type: "hardlink", target: "b" },
      { name: "s1", type: "symlink" },
      { name: "s2", type: "hardlink", target: "s1" },
    ]);
  });

  test("rule 58: fifos come along, sockets are named and left out", async () => {
    execFileSync("mkfifo", [at("fifo")]);
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(at("socket"), resolve));
    try {
      const { layer, sockets } = layerFromDirectory(root);
      expect([...layer!.entries()]).toMatchObject([{ name: "fifo", type: "fifo" }]);
      expect(sockets).toEqual(["/socket"]);
    } finally {
      server.close();
    }
  });

  test.skipIf(needs.root())("rule 58: devices come along, with owners of any number", () => {
    execFileSync("mknod", [at("null"), "c", "1", "3"]);
    execFileSync("mknod", [at("disk"), "b", "259", "1048575"]);
    writeFileSync(at("f"), "");
    chownSync(at("f"), 2 ** 31, 2 ** 32 - 2);
    const found = entries();
    expect(found.get("null")).toMatchObject({ type: "char", rdev: makeDevice(1, 3) });
    expect(found.get("disk")).toMatchObject({ type: "block", rdev: makeDevice(259, 1048575) });
    expect(found.get("f")).toMatchObject({ uid: 2 ** 31, gid: 2 ** 32 - 2 });
  });

  test("no link is followed, and one to a directory is a link", () => {
    symlinkSync("/", at("root"));
    symlinkSync("loop", at("loop"));
    expect(names()).toEqual(["loop", "root"]);
  });

  test("the directory itself may be given by a link", () => {
    writeFileSync(at("f"), "x");
    const link = join(top, "link-to-directory");
    symlinkSync(root, link);
    expect([...layerFromDirectory(link, OWNED).layer!.entries()]).toMatchObject([{ name: "f" }]);
  });

  test("owner, group and time as asked for, links and devices too", () => {
    mkdirSync(at("d"));
    writeFileSync(at("d/f"), "x");
    linkSync(at("d/f"), at("g"));
    symlinkSync("x", at("l"));
    for (const entry of entries({ uid: 5, gid: 6, sourceDateEpoch: 1000 }).values()) {
      expect(entry).toMatchObject({ uid: 5, gid: 6, mtime: fromSeconds(1000) });
    }
  });

  test("the same directory gives the same bytes", () => {
    for (const name of ["z", "a", "m"]) writeFileSync(at(name), name);
    expect(bytesOf().equals(bytesOf())).toBe(true);
  });

  test("many files with bytes: none is left open", async () => {
    for (let i = 0; i < 300; i++) writeFileSync(at(`f${i}`), `content of ${i}`.repeat(i));
    const held = () =>
      readdirSync("/proc/self/fd").filter((fd) => {
        try {
          return readlinkSync(`/proc/self/fd/${fd}`).startsWith(root);
        } catch {
          return false;
        }
      });
    const { layer } = layerFromDirectory(root);
    const chunks: Uint8Array[] = [];
    for await (const chunk of layer!.stream()) chunks.push(chunk);
    expect(held()).toEqual([]);
    expect(Buffer.concat(chunks).includes("content of 299content of 299")).toBe(true);
    const f99 = [...layer!.entries()].find(({ name }) => name === "f99")!;
    expect(layer!.archive.read(new Uint8Array(700), 0, 700, f99.offset)).toBe(700);
    expect(held().length).toBe(1);
    layer!.archive.close();
    expect(held()).toEqual([]);
  });
});

describe("rule 54: the root", () => {
  test("a plain one is no entry", () => {
    writeFileSync(at("f"), "");
    expect(names(OWNED)).toEqual(["f"]);
  });

  test("its mode and owner are one", () => {
    chmodSync(root, 0o700);
    expect([...entries({ uid: 3, gid: 0 }).values()]).toMatchObject([{ name: "./", mode: 0o700, uid: 3 }]);
  });

  test("rule 63: nothing in a plain one is no layer", () => {
    expect(layerFromDirectory(root, OWNED).layer).toBeUndefined();
  });
});

describe("extended attributes", () => {
  const set = (path: string, name: string, hex: string, ...options: string[]) =>
    execFileSync("setfattr", [...options, "-n", name, "-v", `0x${hex}`, "--", path]);
  const NEEDS = needs.tool("getfattr", "attr");
  const AS_ROOT = NEEDS ?? needs.root();

  test.skipIf(NEEDS)("of files and directories, whatever bytes names and values have", () => {
    mkdirSync(at("d"));
    const strange = ["a b", "new\nline", "back\\slash", "x=y", "é", "\\012", "# file: q", "d/user.x=0x00"];
    for (const name of strange) {
      mkdirSync(join(at(name), ".."), { recursive: true });
      writeFileSync(at(name), "");
      set(at(name), "user.name", Buffer.from(name).toString("hex"));
    }
    const latin1 = Buffer.from(`${root}/\xff\xfe`, "latin1");
    writeFileSync(latin1, "");
    set(at("d"), "user.empty", "");
    set(at("d"), "user.binary", "000aff3d");
    set(at("d"), "user.a=b\u00e9", "31");
    set(root, "user.root", "72");
    const found = entries();
    for (const name of strange) {
      expect(found.get(name)?.xattrs).toEqual(new Map([["user.name", Uint8Array.from(Buffer.from(name))]]));
    }
    expect(found.get("\udcff\udcfe")?.xattrs.size).toBe(0);
    expect(Object.fromEntries(found.get("d/")!.xattrs)).toEqual({
      "user.empty": new Uint8Array(0),
      "user.binary": new Uint8Array([0, 10, 255, 61]),
      "user.a=b\u00e9": new Uint8Array([0x31]),
    });
    expect(Object.fromEntries(found.get("./")!.xattrs)).toEqual({ "user.root": new Uint8Array([0x72]) });
    expect(layerFromDirectory(root).withoutXattrs).toBeUndefined();
  });

  test.skipIf(AS_ROOT)("rules 37 and 60: those of the machine are dropped, capabilities stay", () => {
    writeFileSync(at("f"), "");
    symlinkSync("f", at("l"));
    set(at("f"), "trusted.x", "31");
    set(at("f"), "user.trusted.x", "32");
    set(at("f"), "security.capability", "0100000200040000000000000000000000000000");
    set(at("l"), "trusted.y", "33", "-h");
    const found = entries();
    expect([...found.get("f")!.xattrs.keys()]).toEqual(["security.capability", "user.trusted.x"]);
    expect(found.get("l")!.xattrs.size).toBe(0);
  });

  test.skipIf(AS_ROOT)("rule 37: a capability of version 3 becomes one of version 2", () => {
    writeFileSync(at("f"), "");
    set(at("f"), "security.capability", "010000030004000000000000000000000000000040420f00");
    expect(entries().get("f")!.xattrs.get("security.capability")).toEqual(
      new Uint8Array(Buffer.from("0100000200040000000000000000000000000000", "hex")),
    );
  });

  test.skipIf(NEEDS)("rule 26: those of overlayfs are refused", () => {
    writeFileSync(at("f"), "");
    set(at("f"), "user.overlay.opaque", "79");
    expect(() => layerFromDirectory(root)).toThrowError(
      expect.objectContaining({ code: "unrepresentable", entry: "/f" }),
    );
  });

  test("where they cannot be read, the result says so", () => {
    writeFileSync(at("f"), "");
    const path = process.env.PATH;
    process.env.PATH = "/nowhere";
    try {
      const { layer, withoutXattrs } = layerFromDirectory(root);
      expect([...layer!.entries()].map(({ name }) => name)).toContain("f");
      expect(withoutXattrs).toBe("getfattr is not installed (Debian: apt-get install attr)");
    } finally {
      process.env.PATH = path;
    }
  });
});

function writeTo(path: string): string {
  writeFileSync(path, "");
  return path;
}

describe("what cannot be read", () => {
  test.each<[string, () => string, RegExp]>([
    ["a missing directory", () => at("missing"), /missing.*ENOENT|ENOENT.*missing/],
    ["a file", () => writeTo(at("f")), /ENOTDIR/],
    ["no name", () => "", /ENOENT/],
  ])("%s", (_, path, message) => {
    const given = path();
    expect(() => layerFromDirectory(given)).toThrowError(ArchiveError);
    expect(() => layerFromDirectory(given)).toThrowError(message);
    expect(() => layerFromDirectory(given)).toThrowError(expect.objectContaining({ code: "source" }));
  });

  test.skipIf(needs.root())("a file that may not be read is named, before anything is", () => {
    mkdirSync(at("d"));
    writeFileSync(at("d/secret"), "x", { mode: 0o000 });
    chmodSync(top, 0o755);
    process.seteuid!(65534);
    try {
      expect(() => layerFromDirectory(root)).toThrowError(
        expect.objectContaining({
          code: "source",
          entry: "/d/secret",
          message: expect.stringContaining("EACCES"),
        }),
      );
    } finally {
      process.seteuid!(0);
    }
  });

  test("rule 61: a name that begins with .wh.", () => {
    writeFileSync(at(".wh.x"), "");
    expect(() => layerFromDirectory(root)).toThrowError(
      expect.objectContaining({ code: "unrepresentable", entry: "/.wh.x" }),
    );
  });

  test.skipIf(needs.root())("rule 26: a character device 0:0", () => {
    execFileSync("mknod", [at("gone"), "c", "0", "0"]);
    expect(() => layerFromDirectory(root)).toThrowError(
      expect.objectContaining({ code: "unrepresentable", entry: "/gone" }),
    );
  });

  const SIZE = 1_000_000;
  test.each<[string, change: (path: string) => void, reason: string]>([
    ["grew", (path) => appendFileSync(path, "x"), "ESTALE"],
    [
      "grew, with its time set back",
      (path) => {
        appendFileSync(path, "x");
        utimesSync(path, 1, 1);
      },
      "ESTALE",
    ],
    ["shrank", (path) => truncateSync(path, 10), "ESTALE"],
    ["was written in place", (path) => writeFileSync(path, Buffer.alloc(SIZE, 0x62)), "ESTALE"],
    [
      "was replaced by another of the same size and time",
      (path) => {
        writeFileSync(`${path}.new`, Buffer.alloc(SIZE, 0x62));
        utimesSync(`${path}.new`, 1, 1);
        renameSync(`${path}.new`, path);
      },
      "ESTALE",
    ],
    ["was removed", (path) => unlinkSync(path), "ENOENT"],
    [
      "became a link",
      (path) => {
        unlinkSync(path);
        symlinkSync("/etc/passwd", path);
      },
      "ELOOP",
    ],
    [
      "became a fifo",
      (path) => {
        unlinkSync(path);
        execFileSync("mkfifo", [path]);
      },
      "ESTALE",
    ],
  ])("a file that %s since: an error that names it", (_, change, reason) => {
    const expected = expect.objectContaining({
      code: "source",
      entry: "big",
      message: expect.stringContaining(reason),
    });
    const begin = () => {
      rmSync(at("big"), { force: true });
      writeFileSync(at("big"), Buffer.alloc(SIZE, 0x61));
      utimesSync(at("big"), 1, 1);
      return layerFromDirectory(root).layer!.chunks()[Symbol.iterator]();
    };
    const before = begin();
    change(at("big"));
    expect(() => before.next()).toThrowError(expected);

    if (["ENOENT", "ELOOP"].includes(reason) || _.includes("replaced") || _.includes("fifo")) return;
    // While it is read: the file is open, and its own bytes tell.
    const during = begin();
    during.next();
    change(at("big"));
    expect(() => {
      while (!during.next().done);
    }).toThrowError(expected);
  });
});

test.skipIf(needs.root() ?? needs.tool("umoci", "umoci") ?? needs.image("busybox"))(
  "a layer from what umoci unpacked is the tree that it unpacked",
  async () => {
    const { imagePath } = await import("../requirements.ts");
    const bundle = join(root, "bundle");
    execFileSync("umoci", ["unpack", "--image", imagePath("busybox"), bundle], { stdio: "pipe" });
    const { layer } = layerFromDirectory(join(bundle, "rootfs"));
    const again = join(root, "again");
    mkdirSync(again);
    execFileSync("tar", ["--numeric-owner", "-xpf", "-", "-C", again], {
      input: Buffer.concat([...layer!.chunks()]),
    });
    chmodSync(again, 0o755);
    const other = layerFromDirectory(again).layer;
    expect(recordedTree(applyLayers([other!]))).toEqual(recordedTree(applyLayers([layer!])));
    expect(recordedTree(applyLayers([layer!])).size).toBeGreaterThan(100);
  },
);
