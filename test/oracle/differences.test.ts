/**
 * Each deliberate difference from kernel overlayfs, asserted: what the kernel does, and what ours does.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { writeLayer } from "../../src/layer/write.ts";
import { createMount } from "../../src/union/mount.ts";
import { O_RDONLY, O_RDWR, SEEK_HOLE } from "../../src/union/types.ts";
import { needs } from "../requirements.ts";
import { DIFFERENCES } from "./differences.ts";
import { Session } from "./execute.ts";
import { Kernel, type MountKind } from "./kernel.ts";
import { lowerTree } from "./layers.ts";
import type { CallerSpec, LayerDirectory, LayerNode, Operation, Result } from "./scenario.ts";

const OWNED = { uid: 0, gid: 0, mtime: "1000000000000000000", xattrs: {} };
const USER: CallerSpec = [1000, 1000, [], 0o022];

function directory(name: string, ...children: LayerNode[]): LayerNode & LayerDirectory {
  return { kind: "directory", name, mode: 0o755, ...OWNED, opaque: false, children };
}

function layer(...children: LayerNode[]): LayerDirectory {
  return { kind: "directory", mode: 0o777, ...OWNED, opaque: false, children };
}

function file(name: string, size = 5): LayerNode {
  return { kind: "file", name, mode: 0o644, ...OWNED, size, extents: [[0, 0x41, Math.min(size, 4096)]] };
}

function holes(name: string, size: number): LayerNode {
  return { kind: "file", name, mode: 0o644, ...OWNED, size, extents: [] };
}

function hardlink(name: string, target: string): LayerNode {
  return { kind: "hardlink", name, target };
}

function whiteout(name: string): LayerNode {
  return { kind: "whiteout", name };
}

function open(path: string, flags = O_RDONLY): Operation {
  return { call: "open", slot: 0, path, flags, mode: 0 };
}

/** The field of a stat that a case is about. */
const NLINK = 2;
const MODE = 1;
const MTIME = 7;

interface Case {
  /** The entry of the table, or what is kept out of the random sequences. */
  readonly name: string;
  readonly mount: MountKind;
  readonly layers: readonly LayerDirectory[];
  /** The last is the one that differs. */
  readonly calls: readonly Operation[];
  readonly field?: number;
  readonly kernel: Result;
  readonly ours: Result;
}

const IN_TABLE: readonly (Case & { readonly name: keyof typeof DIFFERENCES })[] = [
  {
    name: "directory rename",
    mount: "default",
    layers: [layer(directory("d"))],
    calls: [{ call: "rename", from: "/d", path: "/e", flags: 0 }],
    kernel: "EXDEV",
    ours: 0,
  },
  {
    name: "unlinked lower inode",
    mount: "index",
    layers: [layer(file("f"))],
    calls: [open("/f"), { call: "unlink", path: "/f" }, { call: "fchmod", slot: 0, mode: 0o600 }],
    kernel: "EEXIST",
    ours: 0,
  },
  {
    name: "unlinked lower inode",
    mount: "default",
    layers: [layer(directory("d"))],
    calls: [open("/d"), { call: "rmdir", path: "/d" }, { call: "fchmod", slot: 0, mode: 0o700 }],
    kernel: "ENOTDIR",
    ours: 0,
  },
  {
    name: "unlinked lower inode",
    mount: "index",
    layers: [layer(directory("old"), directory("new", file("f")))],
    calls: [
      { call: "chmod", path: "/new/f", mode: 0o600 },
      open("/old"),
      { call: "rename", from: "/new", path: "/old", flags: 0 },
      { call: "fchmod", slot: 0, mode: 0o700 },
    ],
    kernel: "ENOTEMPTY",
    ours: 0,
  },
  {
    name: "unlinked lower directory",
    mount: "index",
    layers: [layer(directory("old"), directory("new", file("f")))],
    calls: [
      open("/old"),
      { call: "rename", from: "/new", path: "/old", flags: 0 },
      { call: "fchmod", slot: 0, mode: 0o700 },
      { call: "readdir", path: "/old" },
    ],
    kernel: [],
    ours: [["f", false, false, 0]],
  },
  {
    name: "link count of an unlinked lower inode",
    mount: "index",
    layers: [layer(file("f"))],
    calls: [open("/f"), { call: "unlink", path: "/f" }, { call: "fstat", slot: 0 }],
    field: NLINK,
    kernel: 1,
    ours: 0,
  },
  {
    name: "time of a removed directory",
    mount: "index",
    layers: [layer(directory("d", file("f")))],
    calls: [
      { call: "unlink", path: "/d/f" },
      open("/d"),
      { call: "futimens", slot: 0, atime: "0", mtime: "0" },
      { call: "rmdir", path: "/d" },
      { call: "fstat", slot: 0 },
    ],
    field: MTIME,
    kernel: "now",
    ours: "0",
  },
  {
    name: "holes",
    mount: "index",
    layers: [layer(file("f", 40 * 4096))],
    calls: [open("/f", O_RDWR), { call: "lseek", slot: 0, at: 0, whence: SEEK_HOLE }],
    kernel: 40 * 4096,
    ours: 4096,
  },
  {
    name: "truncation of a hole",
    mount: "index",
    layers: [layer(holes("f", 8192))],
    calls: [
      { call: "truncate", path: "/f", size: 8192 },
      { call: "lstat", path: "/f" },
    ],
    field: MTIME,
    kernel: OWNED.mtime,
    ours: "now",
  },
];

const KEPT_OUT: readonly Case[] = [
  {
    name: "link counts of directories: overlayfs says 1 for a merged one, ours 2 and its subdirectories",
    mount: "index",
    layers: [layer(directory("d", directory("a"))), layer(directory("d", directory("b")))],
    calls: [{ call: "directoryLinks", path: "/d" }],
    kernel: 1,
    ours: 4,
  },
  {
    name: "link counts of files: overlayfs counts names that another layer hides",
    mount: "index",
    layers: [layer(file("a"), hardlink("b", "/a")), layer(whiteout("b"))],
    calls: [{ call: "lstat", path: "/a" }],
    field: NLINK,
    kernel: 2,
    ours: 1,
  },
  {
    name: "stray whiteouts: overlayfs lists them in a directory that it need not merge",
    mount: "index",
    layers: [layer(directory("d", whiteout("x")))],
    calls: [{ call: "readdir", path: "/d" }],
    kernel: [["x", false, false, 0]],
    ours: [],
  },
  {
    name: "broken hardlinks: without index=on a change goes to one name only",
    mount: "default",
    layers: [layer(file("a"), hardlink("b", "/a"))],
    calls: [
      { call: "chmod", path: "/a", mode: 0o600 },
      { call: "lstat", path: "/b" },
    ],
    field: MODE,
    kernel: 0o644,
    ours: 0o600,
  },
  {
    name: "broken hardlinks: with index=on overlayfs does as ours does",
    mount: "index",
    layers: [layer(file("a"), hardlink("b", "/a"))],
    calls: [
      { call: "chmod", path: "/a", mode: 0o600 },
      { call: "lstat", path: "/b" },
    ],
    field: MODE,
    kernel: 0o600,
    ours: 0o600,
  },
  {
    name: "broken hardlinks: without index=on a rename over another name of the file loses the old name",
    mount: "default",
    layers: [layer(file("a"), hardlink("b", "/a"))],
    calls: [
      { call: "rename", from: "/a", path: "/b", flags: 0 },
      { call: "access", path: "/a", mode: 0 },
    ],
    kernel: "ENOENT",
    ours: 0,
  },
  {
    name: "system xattrs: a filesystem of Linux knows its own, ours keeps any that a layer may hold",
    mount: "index",
    layers: [layer(file("f"))],
    calls: [{ call: "setxattr", path: "/f", follow: true, name: "system.nope", value: "1", flags: 0 }],
    kernel: "EOPNOTSUPP",
    ours: 0,
  },
  {
    name: "pipes: ours has nothing behind the inode of a fifo",
    mount: "index",
    layers: [layer({ kind: "fifo", name: "p", mode: 0o644, ...OWNED })],
    calls: [{ call: "open", slot: 0, path: "/p", flags: O_RDWR, mode: 0, pipe: true }],
    kernel: 0,
    ours: "ENXIO",
  },
];

describe.skipIf(needs.kernelOverlay())("deliberate differences from kernel overlayfs", () => {
  let kernel: Kernel;
  beforeAll(async () => {
    kernel = await Kernel.start();
  });
  afterAll(() => kernel.close());

  async function results({ mount, layers, calls, field }: Case) {
    const linux = (await kernel.run(mount, { layers, operations: calls })).results.at(-1);
    const session = new Session(createMount(lowerTree(layers)));
    const ours = calls.map((call) => session.run(call)).at(-1);
    const pick = (result: unknown) => (field !== undefined && Array.isArray(result) ? result[field] : result);
    return { kernel: pick(linux), ours: pick(ours) };
  }

  it.each([...IN_TABLE, ...KEPT_OUT])("$name ($mount)", async (one) => {
    expect(await results(one)).toEqual({ kernel: one.kernel, ours: one.ours });
  });

  it("protected hardlinks: a setting of the machine", async () => {
    const found = await results({
      name: "protected hardlinks",
      mount: "index",
      layers: [layer(file("f"))],
      calls: [{ call: "link", from: "/f", path: "/g", follow: false, as: USER }],
      kernel: 0,
      ours: 0,
    });
    expect(found).toEqual({ kernel: kernel.protectedHardlinks ? "EPERM" : 0, ours: 0 });
  });

  it("reserved xattrs: the kernel escapes them on disk, ours keeps them and refuses to write them in a layer", async () => {
    const layers = [layer(directory("d"))];
    const name = "trusted.overlay.opaque";
    const calls: Operation[] = [
      { call: "setxattr", path: "/d", follow: true, name, value: "y", flags: 0 },
      { call: "getxattr", path: "/d", follow: true, name },
    ];
    const { results, upper } = await kernel.run("index", { layers, operations: calls });
    expect(results).toEqual([0, ["y"]]);
    expect(upper?.find((line) => line.path === "/d")?.xattrs).toHaveProperty(
      "trusted.overlay.overlay.opaque",
      "y",
    );
    const session = new Session(createMount(lowerTree(layers)));
    expect(calls.map((call) => session.run(call))).toEqual([0, ["y"]]);
    expect(() => writeLayer(session.mount.changes())).toThrow("rule 26");
  });

  it("every entry of the table is asserted here", () => {
    const asserted = new Set([...IN_TABLE.map(({ name }) => name), "protected hardlinks"]);
    expect([...asserted].sort()).toEqual(Object.keys(DIFFERENCES).sort());
  });
});
