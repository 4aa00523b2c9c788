/**
 * Copies between containers and the host by the rules of `docker cp`, and what `export` writes.
 */
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import { layerFromDirectory } from "../../src/layer/from-directory.ts";
import { digestOf } from "../../src/oci/digest.ts";
import type { RandomAccess } from "../../src/platform/types.ts";
import type { Container } from "../../src/runtime/container.ts";
import { archiveOf } from "../../src/runtime/mount-archive.ts";
import { Store } from "../../src/runtime/store.ts";
import type { Entry } from "../../src/tar/entry.ts";
import { strata } from "../cli/strata.ts";
import { imagePath, needs } from "../requirements.ts";
import { layoutOf, makeImage, tarOf } from "../store/images.ts";
import { scratch } from "../store/scratch.ts";

let root: string;
let host: string;
let container: Container;

beforeEach(async () => {
  root = scratch();
  host = scratch();
  const archive = await tarOf([
    { name: "dir/", type: "directory", mode: 0o750, uid: 5, gid: 6 },
    { name: "dir/a", content: "a", mode: 0o640, uid: 5, gid: 6, mtime: new Date("2024-02-03T04:05:06Z") },
    { name: "dir/sub/b", content: "b" },
    { name: "dir/hard", type: "link", linkname: "dir/a" },
    { name: "file", content: "file" },
    { name: "to-dir", type: "symlink", linkname: "dir" },
    { name: "to-file", type: "symlink", linkname: "/file" },
    { name: "dangling", type: "symlink", linkname: "nowhere" },
  ]);
  const store = await Store.open(root, { env: {} });
  const made = await makeImage([], { archives: [archive] });
  const [image] = await store.load(layoutOf(scratch(), made), { name: "x:1" });
  container = await store.containers.create(image!, { name: "cc" });
  mkdirSync(join(host, "dir/sub"), { recursive: true });
  writeFileSync(join(host, "dir/a"), "host a");
  linkSync(join(host, "dir/a"), join(host, "dir/hard"));
  writeFileSync(join(host, "dir/sub/b"), "host b");
  writeFileSync(join(host, "file"), "host file");
  symlinkSync("dir", join(host, "to-dir"));
  symlinkSync("file", join(host, "to-file"));
  mkdirSync(join(host, "empty"));
});

const cp = (...args: string[]) => strata(["cp", ...args.map((arg) => arg.replace("HOST", host))], { root });

/** What the container holds at some paths: a file's text, a directory's names, a link's target. */
async function inside(...paths: string[]): Promise<unknown[]> {
  const { mount, close } = await container.read();
  try {
    return paths.map((path) => {
      if (!mount.exists(path)) return undefined;
      const { mode } = mount.lstat(path);
      if ((mode & 0o170000) === 0o120000) return `-> ${mount.readlink(path)}`;
      if ((mode & 0o170000) === 0o040000)
        return mount
          .readdir(path)
          .map(({ name }) => name)
          .sort();
      return new TextDecoder().decode(mount.readFile(path));
    });
  } finally {
    close();
  }
}

function outside(path: string): unknown {
  const at = join(host, path);
  const stat = lstatSync(at, { throwIfNoEntry: false });
  if (stat === undefined) return undefined;
  if (stat.isSymbolicLink()) return `-> ${readlinkSync(at)}`;
  return stat.isDirectory()
    ? execFileSync("ls", [at], { encoding: "utf8" }).split("\n").slice(0, -1)
    : readFileSync(at, "utf8");
}

describe("into a container: source and target, and what is there then", () => {
  test.each<[string, string, string, string, unknown]>([
    ["a file to a name that is free", "HOST/file", "/new", "/new", "host file"],
    ["a file over a file", "HOST/file", "/file", "/file", "host file"],
    ["a file into a directory", "HOST/file", "/dir", "/dir/file", "host file"],
    ["a file into a directory with a slash", "HOST/file", "/dir/", "/dir/file", "host file"],
    ["a file through a link to a file", "HOST/file", "/to-file", "/file", "host file"],
    ["a file through a link to a directory", "HOST/file", "/to-dir", "/dir/file", "host file"],
    ["a file through a link that leads nowhere", "HOST/file", "/dangling", "/nowhere", "host file"],
    ["a directory to a name that is free", "HOST/dir", "/new", "/new", ["a", "hard", "sub"]],
    ["a directory with a slash to a name that is free", "HOST/dir/", "/new/", "/new", ["a", "hard", "sub"]],
    ["a directory into a directory", "HOST/dir", "/dir", "/dir", ["a", "dir", "hard", "sub"]],
    ["a directory with a slash into a directory", "HOST/dir/", "/dir", "/dir", ["a", "dir", "hard", "sub"]],
    ["what a directory holds into a directory", "HOST/dir/.", "/dir", "/dir/a", "host a"],
    ["what a directory holds to a name that is free", "HOST/dir/.", "/new", "/new", ["a", "hard", "sub"]],
    ["what an empty directory holds", "HOST/empty/.", "/dir", "/dir", ["a", "hard", "sub"]],
    ["a link as a link", "HOST/to-file", "/new", "/new", "-> file"],
    ["a link to a directory, followed by its slash", "HOST/to-dir/", "/new", "/new", ["a", "hard", "sub"]],
    ["a path without a slash begins at the root", "HOST/file", "new", "/new", "host file"],
  ])("%s", async (_, from, to, path, expected) => {
    expect(await cp(from, `cc:${to}`)).toMatchObject({ stdout: "", stderr: "", code: 0 });
    expect(await inside(path)).toEqual([expected]);
  });

  test("-L follows the source itself", async () => {
    expect(await cp("-L", "HOST/to-file", "cc:/new")).toMatchObject({ code: 0 });
    expect(await inside("/new")).toEqual(["host file"]);
  });

  test.each([
    ["HOST/dir", "/file", "cannot copy directory"],
    ["HOST/file", "/nope/", "no such directory"],
    ["HOST/file/", "/new", "not a directory"],
    ["HOST/file", "/file/", "not a directory"],
    ["HOST/file", "/nope/new", "Error: No such container:path: cc:/nope/new"],
    ["HOST/nope", "/new", "lstat HOST/nope: no such file or directory"],
    [
      "HOST/dir/.",
      "/conflict",
      'Error response from daemon: cannot overwrite non-directory "/conflict/sub" with directory',
    ],
  ])("%s to %s is refused", async (from, to, message) => {
    await container.exec(({ mount }) => {
      mount.mkdir("/conflict");
      mount.writeFile("/conflict/sub", "");
    });
    expect(await cp(from, `cc:${to}`)).toMatchObject({
      stderr: `${message.replace("HOST", host)}\n`,
      code: 1,
    });
  });

  test.skipIf(needs.root())(
    "what comes is root's, with its mode, times and links; -a keeps the owner",
    async () => {
      chmodSync(join(host, "dir/a"), 0o604);
      utimesSync(join(host, "dir/a"), 1_700_000_000, 1_700_000_000);
      execFileSync("chown", ["-R", "12:34", join(host, "dir")]);
      await cp("HOST/dir", "cc:/plain");
      await cp("-a", "HOST/dir", "cc:/kept");
      const { mount, close } = await container.read();
      for (const [path, uid, gid] of [
        ["/plain", 0, 0],
        ["/kept", 12, 34],
      ] as const) {
        expect(mount.stat(`${path}/a`)).toMatchObject({
          mode: 0o100604,
          nlink: 2,
          uid,
          gid,
          mtime: 1_700_000_000_000_000_000n,
        });
        expect(mount.stat(`${path}/a`).ino).toBe(mount.stat(`${path}/hard`).ino);
        expect(mount.stat(path)).toMatchObject({ uid, gid });
      }
      close();
    },
  );
});

describe("out of a container", () => {
  test.each<[string, string, string, string, unknown]>([
    ["a file to a name that is free", "/file", "HOST/new", "new", "file"],
    ["a file over a file", "/file", "HOST/file", "file", "file"],
    ["a file into a directory", "/file", "HOST/empty", "empty", ["file"]],
    ["a file through a link to a directory", "/file", "HOST/to-dir", "dir/file", "file"],
    ["a directory to a name that is free", "/dir", "HOST/new", "new", ["a", "hard", "sub"]],
    ["a directory into a directory", "/dir", "HOST/empty", "empty", ["dir"]],
    ["what a directory holds", "/dir/.", "HOST/empty", "empty", ["a", "hard", "sub"]],
    ["a link as a link", "/to-file", "HOST/new", "new", "-> /file"],
    ["a link followed by its slash", "/to-dir/", "HOST/empty", "empty", ["to-dir"]],
    ["the whole root", "/dir/sub/..", "HOST/empty", "empty", ["dir"]],
  ])("%s", async (_, from, to, path, expected) => {
    expect(await cp(`cc:${from}`, to)).toMatchObject({ stdout: "", stderr: "", code: 0 });
    expect(outside(path)).toEqual(expected);
  });

  test("-L follows the source inside the container", async () => {
    await cp("-L", "cc:/to-file", "HOST/new");
    expect(outside("new")).toBe("file");
  });

  test.each([
    ["/nope", "HOST/new", "Error: No such container:path: cc:/nope"],
    ["/file/", "HOST/new", "not a directory"],
    ["/dir", "HOST/file", "cannot copy directory"],
    ["/file", "HOST/new/", "no such directory"],
    ["/file", "HOST/nope/new", 'invalid output path: directory "HOST/nope" does not exist'],
  ])("%s to %s is refused", async (from, to, message) => {
    expect(await cp(`cc:${from}`, to)).toMatchObject({
      stderr: `${message.replace("HOST", host)}\n`,
      code: 1,
    });
  });

  test.skipIf(needs.root())(
    "what comes out is the user's, -a keeps owners; modes, times and links stay",
    async () => {
      await cp("cc:/dir", "HOST/plain");
      await cp("-a", "cc:/dir", "HOST/kept");
      expect(lstatSync(join(host, "plain/a"))).toMatchObject({
        uid: 0,
        gid: 0,
        mode: 0o100640,
        nlink: 2,
        mtimeMs: Date.parse("2024-02-03T04:05:06Z"),
      });
      expect(lstatSync(join(host, "kept/a"))).toMatchObject({ uid: 5, gid: 6, mode: 0o100640, nlink: 2 });
      expect(lstatSync(join(host, "kept"))).toMatchObject({ uid: 5, gid: 6, mode: 0o40750 });
    },
  );
});

test.each([
  [["cc:/a", "cc:/b"], "copying between containers is not supported"],
  [["a", "b"], "must specify at least one container source"],
  [["./cc:/a", "b"], "must specify at least one container source"],
  [["nosuch:/a", "b"], "Error: No such container:path: nosuch:/a"],
  [["", "cc:/a"], "source can not be empty"],
])("cp %j is refused", async (args, message) => {
  expect(await cp(...args)).toMatchObject({ stderr: `${message}\n`, code: 1 });
});

describe("archives", () => {
  const names = (bytes: Buffer) =>
    execFileSync("tar", ["-t"], { input: bytes, encoding: "utf8" }).split("\n").slice(0, -1);

  test("out: under the name of the path", async () => {
    expect(names((await cp("cc:/dir", "-")).bytes)).toEqual([
      "dir/",
      "dir/a",
      "dir/hard",
      "dir/sub/",
      "dir/sub/b",
    ]);
    expect(names((await cp("cc:/file", "-")).bytes)).toEqual(["file"]);
  });

  test("in: into a directory, with owners", async () => {
    const archive = await tarOf([
      { name: "./", type: "directory", mode: 0o700 },
      { name: "./new/deep/x", content: "x", uid: 3, gid: 4, mode: 0o604 },
      { name: "./new/link", type: "symlink", linkname: "deep" },
      { name: "./new/hard", type: "link", linkname: "./new/deep/x" },
      { name: "./sub/b", content: "replaced" },
    ]);
    const ran = await strata(["cp", "-", "cc:/dir"], { root, stdin: archive });
    expect(ran).toMatchObject({ stderr: "", code: 0 });
    expect(await inside("/dir/new/deep/x", "/dir/new/link", "/dir/sub/b")).toEqual([
      "x",
      "-> deep",
      "replaced",
    ]);
    const { mount, close } = await container.read();
    expect(mount.stat("/dir/new/deep/x")).toMatchObject({ uid: 3, gid: 4, mode: 0o100604, nlink: 2 });
    expect(mount.stat("/dir").mode).toBe(0o40750);
    close();
  });

  test.each([
    ["/file", 'destination "cc:/file" must be a directory'],
    ["/nope", "Error: No such container:path: cc:/nope"],
  ])("in: not into %s", async (path, message) => {
    const stdin = await tarOf([{ name: "a", content: "a" }]);
    expect(await strata(["cp", "-", `cc:${path}`], { root, stdin })).toMatchObject({
      stderr: `${message}\n`,
      code: 1,
    });
  });

  test("in: what is no archive, what is cut and what climbs changes nothing", async () => {
    const whole = await tarOf([{ name: "a", content: "a".repeat(2000) }]);
    for (const stdin of [
      Buffer.from("garbage"),
      whole.subarray(0, 1500),
      await tarOf([{ name: "../a", content: "" }]),
    ]) {
      const ran = await strata(["cp", "-", "cc:/dir"], { root, stdin });
      expect(ran.code).toBe(1);
      expect(ran.stderr).toMatch(/^Error response from daemon: /);
    }
    expect(await container.diff()).toEqual([]);
  });

  test("a link in the container never leads out of it", async () => {
    await container.exec(({ mount }) => mount.symlink(host, "/out"));
    expect((await cp("HOST/file", "cc:/out/x")).code).toBe(1);
    expect(existsSync(join(host, "x"))).toBe(false);
  });
});

describe("export", () => {
  /** Unpacks an archive as root with GNU tar and tells everything of what is there. */
  function unpacked(archive: Uint8Array): ReturnType<typeof recordsOfDirectory> {
    const directory = scratch();
    // An archive tells of its root only where that is not what everyone assumes.
    chmodSync(directory, 0o755);
    execFileSync("tar", ["-x", "--xattrs", "--xattrs-include=*", "--numeric-owner", "-p", "-C", directory], {
      input: archive,
      maxBuffer: 2 ** 30,
    });
    return recordsOfDirectory(directory);
  }

  function recordsOfDirectory(directory: string): readonly string[] {
    // The same function that makes a layer of a directory tells what is in it.
    const { layer } = layerFromDirectory(directory);
    try {
      return layer === undefined ? [] : described(layer.archive, layer.entries());
    } finally {
      layer?.archive.close();
    }
  }

  /** Everything of each entry, bytes too. Archives have whole seconds, and Linux no modes of links. */
  function described(archive: RandomAccess, entries: Iterable<Entry>): readonly string[] {
    return [...entries].map((entry) => {
      const { offset: _, atime: __, mtime, xattrs, ...rest } = entry;
      const values = [...xattrs].map(([name, value]) => [name, Buffer.from(value).toString("hex")]).sort();
      const bytes = new Uint8Array(entry.type === "file" ? entry.size : 0);
      if (entry.type === "file") archive.read(bytes, 0, bytes.length, entry.start);
      const mode = entry.type === "symlink" ? undefined : entry.mode;
      const time = String(mtime / 1_000_000_000n);
      return JSON.stringify({ ...rest, start: undefined, mode, time, values, bytes: digestOf(bytes) });
    });
  }

  async function bytesOf(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
    const chunks: Uint8Array[] = [];
    for await (const chunk of stream) chunks.push(chunk);
    return Buffer.concat(chunks);
  }

  test.skipIf(needs.root() ?? needs.tool("tar", "tar"))(
    "unpacked by GNU tar it is the merged view",
    async () => {
      await container.exec(
        ({ mount }) => {
          mount.rename("/dir/sub", "/moved");
          mount.unlink("/to-file");
          mount.setxattr("/file", "user.bytes", Uint8Array.from([0, 1, 0x80, 0xff, 0x3d, 0x0a]));
          mount.mknod("/pipe", "fifo", 0o600);
          mount.writeFile(`/${"long".repeat(60)}`, "x");
          mount.chmod("/file", 0o6755);
        },
        { privileged: true },
      );
      const exported = await bytesOf(container.export());
      const { mount, close } = await container.read();
      const whole = archiveOf(mount, "/", "");
      const merged = described(whole, whole.entries());
      close();
      expect(unpacked(exported)).toEqual(merged);
      expect(merged.some((entry) => entry.includes("user.bytes"))).toBe(true);
    },
  );

  test.skipIf(needs.root() ?? needs.image("torture-bb"))(
    "a real image with everything that tar can say",
    async () => {
      const store = await Store.open(scratch(), { env: {} });
      const [image] = await store.load(imagePath("torture-bb"), { name: "t:1" });
      const real = await store.containers.create(image!, {});
      await real.exec(({ mount }) => mount.writeFile("/added", "x"));
      const exported = await bytesOf(real.export());
      const { mount, close } = await real.read();
      const whole = archiveOf(mount, "/", "");
      const merged = described(whole, whole.entries());
      close();
      const judged = unpacked(exported);
      expect(judged.length).toBe(merged.length);
      expect(judged).toEqual(merged);
      await store.close();
    },
  );

  test("a name that no layer could have is in it", async () => {
    await container.exec(({ mount }) => mount.writeFile("/.wh.name", "a name"));
    const archive = await bytesOf(container.export());
    expect(execFileSync("tar", ["-xO", ".wh.name"], { input: archive, encoding: "utf8" })).toBe("a name");
  });

  test("imported again, an export is the same tree", async () => {
    const archive = await bytesOf(container.export());
    const imported = await strata(["import", "-c", 'CMD ["x"]', "-m", "words", "-", "imp:1"], {
      root,
      stdin: archive,
    });
    expect(imported).toMatchObject({
      stderr: "",
      code: 0,
      stdout: expect.stringMatching(/^sha256:[0-9a-f]{64}\n$/),
    });
    expect((await strata(["mtree", "imp:1"], { root })).stdout).toBe(
      (await strata(["mtree", "x:1"], { root })).stdout,
    );
    const shown = await strata(["inspect", "-f", "{{json .Config.Cmd}} {{.Comment}} {{.Os}}", "imp:1"], {
      root,
    });
    expect(shown.stdout).toBe('["x"] words linux\n');
  });
});
