/**
 * Contexts (rules 5.4, 5.5) and where COPY puts what it finds in them (5.3), on real directories and archives.
 */
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { type ArchiveContext, archiveContext } from "../../src/build/context/archive.ts";
import { ContentDigests } from "../../src/build/context/digest.ts";
import { directoryContext } from "../../src/build/context/directory.ts";
import { type FileView, ignoring, matchSources, resolvePath } from "../../src/build/context/view.ts";
import {
  parentsPivot,
  parseDestination,
  placeSources,
  sourcePath,
} from "../../src/build/files/destination.ts";
import { parseDockerignore } from "../../src/build/files/dockerignore.ts";
import { MemoryAccess } from "../../src/platform/memory.ts";
import { readAll } from "../../src/tree/content.ts";
import { needs } from "../requirements.ts";

const scratch = mkdtempSync(join(tmpdir(), "context-"));
afterAll(() => rmSync(scratch, { recursive: true }));
let root = "";
let count = 0;
beforeEach(() => {
  root = join(scratch, String(count++));
  mkdirSync(root);
});

function put(path: string, content = path): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), content);
}

/** Every path of a view, directories with a slash. */
function paths(view: FileView, directory = "/"): readonly string[] {
  return view.list(directory).flatMap((name) => {
    const path = directory === "/" ? `/${name}` : `${directory}/${name}`;
    const isDirectory = view.entry(path)?.inode.kind === "directory";
    return isDirectory ? [`${path}/`, ...paths(view, path)] : [path];
  });
}

function text(view: FileView, path: string): string {
  const inode = view.entry(path)?.inode;
  if (inode?.kind !== "file") throw new Error(`${path} is no file`);
  return Buffer.from(readAll(inode.content)).toString();
}

/** A view that notes what it is asked about. */
function watched(view: FileView): { readonly view: FileView; readonly asked: Set<string> } {
  const asked = new Set<string>();
  return {
    asked,
    view: {
      entry: (path) => {
        asked.add(path);
        return view.entry(path);
      },
      list: (path) => {
        asked.add(`${path}/`);
        return view.list(path);
      },
    },
  };
}

describe("what is ignored", () => {
  const FILES = [
    "a",
    "b.log",
    "dir/keep",
    "dir/x",
    "dir/deep/keep",
    "dir/deep/y",
    "node_modules/m/i.js",
    "src/b.log",
  ];
  test.each<[patterns: string, left: readonly string[]]>([
    [
      "",
      [
        "/a",
        "/b.log",
        "/dir/",
        "/dir/deep/",
        "/dir/deep/keep",
        "/dir/deep/y",
        "/dir/keep",
        "/dir/x",
        "/node_modules/",
        "/node_modules/m/",
        "/node_modules/m/i.js",
        "/src/",
        "/src/b.log",
      ],
    ],
    ["node_modules\ndir", ["/a", "/b.log", "/src/", "/src/b.log"]],
    ["*.log\nnode_modules\ndir", ["/a", "/src/", "/src/b.log"]],
    ["**/*.log\nnode_modules\ndir", ["/a", "/src/"]],
    ["*\n!dir/keep", ["/dir/", "/dir/keep"]],
    ["*\n!**/keep", ["/dir/", "/dir/deep/", "/dir/deep/keep", "/dir/keep"]],
    ["*\n!dir\ndir/deep", ["/dir/", "/dir/keep", "/dir/x"]],
    ["*", []],
  ])("%j leaves %j", (patterns, left) => {
    FILES.forEach((path) => void put(path));
    const context = directoryContext(root);
    expect(paths(ignoring(context, parseDockerignore(patterns)))).toEqual(left);
    context.close();
  });

  test("what is ignored is never asked about, unless something in it may be taken back", () => {
    FILES.forEach((path) => void put(path));
    const context = directoryContext(root);
    const { view, asked } = watched(context);
    const seen = ignoring(view, parseDockerignore("node_modules\ndir\n!dir/keep\nb.log"));
    paths(seen);
    expect(seen.entry("/node_modules/m/i.js")).toBeUndefined();
    expect(seen.entry("/b.log")).toBeUndefined();
    expect(
      [...asked].filter((path) => /node_modules|deep|b\.log|dir\/x/.test(path) && !path.startsWith("/src")),
    ).toEqual([]);
    expect([...asked]).toContain("/dir/keep");
    context.close();
  });

  test("an unreadable directory that is ignored does no harm; one that is not is named", () => {
    put("a");
    const context = directoryContext(root);
    rmSync(root, { recursive: true });
    expect(() => context.list("/")).toThrow(/cannot read the build context: ENOENT/);
    mkdirSync(root);
    expect(() => directoryContext(join(root, "none"))).toThrow(/cannot read the build context: ENOENT/);
    put("file");
    expect(() => directoryContext(join(root, "file"))).toThrow(/ENOTDIR|is not a directory/);
  });
});

test("attributes of a directory's files: owner 0:0, modes, links, hardlinks", () => {
  put("f", "hello");
  chmodSync(join(root, "f"), 0o4751);
  linkSync(join(root, "f"), join(root, "g"));
  symlinkSync("f", join(root, "l"));
  const context = directoryContext(root);
  expect(context.entry("/f")?.inode).toMatchObject({ kind: "file", mode: 0o4751, uid: 0, gid: 0 });
  expect(context.entry("/f")?.identity).toBe(context.entry("/g")?.identity);
  expect(context.entry("/l")?.inode).toMatchObject({ kind: "symlink", target: "f" });
  expect(context.entry("/none")).toBeUndefined();
  expect(context.entry("/f/x")).toBeUndefined();
  expect(text(context, "/f")).toBe("hello");
  context.close();
});

async function openArchive(bytes: Uint8Array): Promise<ArchiveContext> {
  const chunks: Uint8Array[] = [];
  async function* stream() {
    for (let at = 0; at < bytes.length; at += 1000) yield bytes.subarray(at, at + 1000);
  }
  const storage = {
    write: (chunk: Uint8Array) => void chunks.push(chunk.slice()),
    open: () => new MemoryAccess(Buffer.concat(chunks)),
  };
  return await archiveContext(stream(), storage, "the context");
}

function tar(...args: string[]): Uint8Array {
  return execFileSync("tar", ["-C", root, ...args]);
}

describe("an archive as a context", () => {
  const zstd = needs.tool("zstd", "zstd") === undefined ? [[["-c", "--zstd"]]] : [];
  test.each([[["-c"]], [["-c", "--gzip"]], [["-c", "--format=pax"]], ...zstd])("tar %j", async (options) => {
    put("a", "1");
    put("dir/.wh.b", "2");
    linkSync(join(root, "a"), join(root, "z"));
    symlinkSync("../a", join(root, "dir/l"));
    const context = await openArchive(tar(...options, "."));
    expect(paths(context)).toEqual(["/a", "/dir/", "/dir/.wh.b", "/dir/l", "/z"]);
    expect(text(context, "/dir/.wh.b")).toBe("2");
    expect(text(context, "/z")).toBe("1");
    expect(context.entry("/z")?.identity).toBe(context.entry("/a")?.identity);
    expect(context.entry("/a")?.inode).toMatchObject({ uid: 0, gid: 0 });
    context.close();
  });

  test("names stay inside, directories are implied, the last entry of a name counts", async () => {
    put("x/y", "1");
    const first = tar("-c", "-P", "--transform=s,^x,../../x,", "x/y");
    expect(paths(await openArchive(first))).toEqual(["/x/", "/x/y"]);
    writeFileSync(join(root, "twice.tar"), tar("-c", "x"));
    put("x/y", "2");
    tar("-rf", join(root, "twice.tar"), "x/y");
    const context = await openArchive(readFileSync(join(root, "twice.tar")));
    expect(text(context, "/x/y")).toBe("2");
  });

  test.each<[what: string, bytes: () => Uint8Array, message: RegExp]>([
    [
      "text",
      () => Buffer.from("hello ".repeat(200)),
      /^the context is no context that can be read: it is neither a tar archive/,
    ],
    ["xz", () => Uint8Array.of(0xfd, 0x37, 0x7a, 0x58, 0x5a, 0), /compressed with xz/],
    [
      "half an archive",
      () => {
        put("f", "x".repeat(5_000));
        return tar("-c", ".").subarray(0, 2_000);
      },
      /inside an entry/,
    ],
  ])("%s is refused", async (_what, bytes, message) => {
    await expect(openArchive(bytes())).rejects.toThrow(message);
  });
});

describe("digests for cache keys (5.5)", () => {
  const digestsIn = (view: FileView, path: string) =>
    JSON.stringify(new ContentDigests(view).of(path, "", true, new Map()));
  const digest = (path: string) => {
    const context = directoryContext(root);
    try {
      return digestsIn(context, path);
    } finally {
      context.close();
    }
  };
  test.each<[what: string, change: () => void, changes: boolean]>([
    ["bytes", () => put("d/f", "other"), true],
    ["mode", () => chmodSync(join(root, "d/f"), 0o600), true],
    ["a directory's mode", () => chmodSync(join(root, "d/e"), 0o700), true],
    ["a name", () => put("d/new", ""), true],
    [
      "a link's target",
      () => {
        rmSync(join(root, "d/l"));
        symlinkSync("y", join(root, "d/l"));
      },
      true,
    ],
    ["mtime", () => utimesSync(join(root, "d/f"), 1, 1), false],
    ["a sibling", () => put("other", "x"), false],
  ])("%s", (_what, change, changes) => {
    put("d/f", "hello");
    chmodSync(join(root, "d/f"), 0o644);
    put("d/e/g", "x");
    symlinkSync("x", join(root, "d/l"));
    const before = digest("/d");
    change();
    expect(digest("/d") !== before).toBe(changes);
  });

  test("an archive and a directory of the same files have the same digest", async () => {
    put("d/f", "hello");
    symlinkSync("f", join(root, "d/l"));
    const context = await openArchive(tar("-c", "."));
    expect(digestsIn(context, "/d")).toBe(digest("/d"));
  });
});

describe("sources", () => {
  test.each<[source: string, found: readonly string[]]>([
    ["a.txt", ["/a.txt"]],
    ["/a.txt", ["/a.txt"]],
    ["../../a.txt", ["/a.txt"]],
    ["dir/../a.txt", ["/a.txt"]],
    ["none", []],
    ["*.txt", ["/a.txt", "/b.txt"]],
    ["?.txt", ["/a.txt", "/b.txt"]],
    ["[b-z].txt", ["/b.txt"]],
    ["*", ["/*", "/[x]", "/a.txt", "/b.txt", "/dir", "/dlnk", "/lnk"]],
    ["\\*", ["/*"]],
    ["\\[x]", ["/[x]"]],
    ["[[]x]", ["/[x]"]],
    ["d*/f*", ["/dir/f1", "/dir/f2", "/dlnk/f1", "/dlnk/f2"]],
    ["*/f1", ["/dir/f1", "/dlnk/f1"]],
    ["**/f1", ["/dir/f1", "/dlnk/f1"]],
    ["dlnk/f1", ["/dlnk/f1"]],
    ["none*", []],
    [".", ["/"]],
    ["/", ["/"]],
    ["", ["/"]],
    ["..", ["/"]],
  ])("%j", (source, found) => {
    ["a.txt", "b.txt", "*", "[x]", "dir/f1", "dir/f2"].forEach((path) => void put(path));
    symlinkSync("dir", join(root, "dlnk"));
    symlinkSync("/a.txt", join(root, "lnk"));
    const context = directoryContext(root);
    expect(matchSources(context, sourcePath(source))).toEqual(found);
    expect(resolvePath(context, "/lnk", true)).toBe("/a.txt");
    expect(resolvePath(context, "/lnk", false)).toBe("/lnk");
    expect(resolvePath(context, "/dlnk/../../..//dlnk/f1", true)).toBe("/dir/f1");
    context.close();
  });

  test("links in a circle", () => {
    symlinkSync("b", join(root, "a"));
    symlinkSync("a", join(root, "b"));
    const context = directoryContext(root);
    expect(() => resolvePath(context, "/a", true)).toThrow("too many levels of symbolic links: /a");
    context.close();
  });
});

test.each<[destination: string, workdir: string | undefined, path: string, isDirectory: boolean]>([
  ["/x", undefined, "/x", false],
  ["/x/", undefined, "/x", true],
  ["/x/.", undefined, "/x", true],
  ["/", undefined, "/", true],
  ["x", undefined, "/x", false],
  ["x", "/w", "/w/x", false],
  ["x/", "/w", "/w/x", true],
  [".", "/w", "/w", true],
  ["./", "/w", "/w", true],
  ["", "/w", "/w", true],
  ["..", "/w/v", "/w", false],
  ["../../../x", "/w", "/x", false],
  ["/a/../../b", "/w", "/b", false],
  ["..", "/w", "/", true],
])("the destination %j in %s is %s", (destination, workdir, path, isDirectory) => {
  expect(parseDestination(destination, workdir)).toEqual({ path, isDirectory });
});

const file = (path: string) => ({ path, isDirectory: false });
const directory = (path: string) => ({ path, isDirectory: true });

describe("where a source goes", () => {
  test.each<
    [
      what: string,
      sources: Parameters<typeof placeSources>[1],
      to: string,
      existing: "directory" | "other" | "none",
      placed: readonly (readonly [string, boolean])[],
    ]
  >([
    ["a file becomes the destination", [file("/f")], "/x", "none", [["/x", false]]],
    ["a file replaces a file", [file("/f")], "/x", "other", [["/x", false]]],
    ["a file goes into a directory", [file("/d/f")], "/x", "directory", [["/x/f", false]]],
    ["a file goes into what ends with a slash", [file("/d/f")], "/x/", "none", [["/x/f", false]]],
    ["a file goes into the root", [file("/f")], "/", "directory", [["/f", false]]],
    ["a directory's content goes there", [directory("/d")], "/x", "none", [["/x", true]]],
    ["into one that exists, too", [directory("/d")], "/x", "directory", [["/x", true]]],
    ["and with a slash", [directory("/d")], "/x/", "none", [["/x", true]]],
    [
      "several",
      [file("/f"), directory("/d")],
      "/x/",
      "none",
      [
        ["/x/f", false],
        ["/x", true],
      ],
    ],
    ["none", [], "/x", "none", []],
    ["--parents", [{ ...file("/a/b/f"), pivot: 0 }], "/x/", "none", [["/x/a/b/f", false]]],
    ["--parents from a pivot on", [{ ...directory("/a/b/c"), pivot: 2 }], "/x/", "none", [["/x/b/c", true]]],
  ])("%s", (_what, sources, to, existing, placed) => {
    const placements = placeSources("COPY", sources, parseDestination(to, "/"), existing);
    expect(placements.map(({ target, contents }) => [target, contents])).toEqual(placed);
  });

  test.each<
    [
      what: string,
      sources: Parameters<typeof placeSources>[1],
      to: string,
      existing: "directory" | "other" | "none",
      message: string,
    ]
  >([
    [
      "several without a slash",
      [file("/a"), file("/b")],
      "/x",
      "none",
      "When using ADD with more than one source file, the destination must be a directory and end with a /",
    ],
    [
      "even where it is a directory",
      [file("/a"), file("/b")],
      "/x",
      "directory",
      "must be a directory and end with a /",
    ],
    ["a directory onto a file", [directory("/d")], "/x", "other", "cannot copy to non-directory: /x"],
    ["a file into a file", [file("/f")], "/x/", "other", "cannot copy to non-directory: /x"],
  ])("%s is refused", (_what, sources, to, existing, message) => {
    expect(() => placeSources("ADD", sources, parseDestination(to, "/"), existing)).toThrow(message);
  });

  test.each([
    ["a/b/f", { path: "/a/b/f", pivot: 0 }],
    ["a/./b/f", { path: "/a/b/f", pivot: 2 }],
    ["./a/f", { path: "/a/f", pivot: 0 }],
    ["/a/b/./c", { path: "/a/b/c", pivot: 4 }],
    ["../x/./y", { path: "/x/y", pivot: 2 }],
  ])("the pivot of %s", (source, expected) => {
    expect(parentsPivot(source)).toEqual(expected);
  });
});
