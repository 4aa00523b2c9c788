/**
 * The commands: their output, their errors and exit codes, on an image with something of everything.
 */
import { execFileSync } from "node:child_process";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Image } from "../../src/runtime/image.ts";
import { Store } from "../../src/runtime/store.ts";
import { imagePath, needs } from "../requirements.ts";
import { layoutOf, makeImage, tarOf } from "../store/images.ts";
import { scratch } from "../store/scratch.ts";
import { strata } from "./strata.ts";

let root: string;
let work: string;
let image: Image;

const date = new Date("2024-02-03T04:05:06Z");
const FILE = { mtime: date, uid: 7, gid: 8 };

beforeAll(async () => {
  root = scratch(true);
  work = scratch(true);
  const first = await tarOf([
    { ...FILE, name: "etc/", type: "directory", mode: 0o755 },
    { ...FILE, name: "etc/motd", content: "hello\n", mode: 0o644 },
    { ...FILE, name: "etc/.hidden", content: "", mode: 0o600 },
    { ...FILE, name: "etc/gone", content: "x" },
    { ...FILE, name: "bin/tool", content: "#!", mode: 0o4755 },
    { ...FILE, name: "bin/alias", type: "link", linkname: "bin/tool" },
    { ...FILE, name: "bin/sh", type: "symlink", linkname: "tool" },
    { ...FILE, name: "etc/link", type: "symlink", linkname: "/bin" },
    { ...FILE, name: "etc/loop", type: "symlink", linkname: "loop" },
    { ...FILE, name: "dev/null", type: "character-device", devmajor: 1, devminor: 3, mode: 0o666 },
    { ...FILE, name: "dev/pipe", type: "fifo" },
    { ...FILE, name: "tmp/", type: "directory", mode: 0o1777 },
  ]);
  const second = await tarOf([
    { ...FILE, name: "etc/.wh.gone" },
    { ...FILE, name: "etc/motd", content: "bye\n", mode: 0o644 },
    { ...FILE, name: "lib/a/x.so", content: "1" },
    { ...FILE, name: "lib/a/b/y.so.1", content: "2" },
    { ...FILE, name: "lib/odd\u001bname", content: "3" },
  ]);
  const made = await makeImage([], {
    archives: [first, second],
    config: {
      created: "2024-02-03T04:05:06Z",
      config: { Labels: { one: "1" } },
      history: [{ created_by: "first" }, { created_by: "second", comment: "words" }],
    },
  });
  const layout = layoutOf(join(work, "layout"), made, "latest");
  const store = await Store.open(root, { env: {} });
  [image] = (await store.load(layout, { name: "x:1" })) as [Image];
  await store.close();
});

afterAll(() => {
  for (const directory of [root, work]) rmSync(directory, { recursive: true, force: true });
});

const run = (...args: string[]) => strata(args, { root });

describe("ls", () => {
  test.each([
    [[], "bin\ndev\netc\nlib\ntmp\n"],
    [["/etc"], ".hidden\nlink\nloop\nmotd\n"],
    [["etc/"], ".hidden\nlink\nloop\nmotd\n"],
    [["/etc/motd"], "/etc/motd\n"],
    [["/etc/link"], "alias\nsh\ntool\n"],
    [["/etc/link/../etc/motd"], "/etc/link/../etc/motd\n"],
    [["/bin", "/etc/motd"], "/etc/motd\n\n/bin:\nalias\nsh\ntool\n"],
    [["-R", "/lib"], "/lib:\na\nodd\u001bname\n\n/lib/a:\nb\nx.so\n\n/lib/a/b:\ny.so.1\n"],
    [["**/*.so*"], "lib/a/b/y.so.1\nlib/a/x.so\n"],
    [["/etc/{motd,.h*}"], "/etc/.hidden\n/etc/motd\n"],
    [["/*/t*"], "/bin/tool\n"],
  ])("%j", async (args, expected) => {
    expect(await run("ls", "x:1", ...args)).toMatchObject({ stdout: expected, stderr: "", code: 0 });
  });

  test("-l: type, mode, links, owner, size or device, time, target", async () => {
    const { stdout } = await run("ls", "-l", "x:1", "/bin", "/dev", "/etc/link", "/etc/motd");
    expect(stdout).toBe(
      [
        "-rw-r--r-- 1 7 8 4 2024-02-03 04:05:06 /etc/motd",
        "",
        "/bin:",
        "-rwsr-xr-x 2 7 8 2 2024-02-03 04:05:06 alias",
        "lrwxr-xr-x 1 7 8 4 2024-02-03 04:05:06 sh -> tool",
        "-rwsr-xr-x 2 7 8 2 2024-02-03 04:05:06 tool",
        "",
        "/dev:",
        "crw-rw-rw- 1 7 8 1, 3 2024-02-03 04:05:06 null",
        "prw-r--r-- 1 7 8    0 2024-02-03 04:05:06 pipe",
        "",
        "/etc/link:",
        "-rwsr-xr-x 2 7 8 2 2024-02-03 04:05:06 alias",
        "lrwxr-xr-x 1 7 8 4 2024-02-03 04:05:06 sh -> tool",
        "-rwsr-xr-x 2 7 8 2 2024-02-03 04:05:06 tool",
        "",
      ]
        .join("\n")
        .replaceAll("lrwxr-xr-x", "lrw-r--r--"),
    );
  });

  test("what is missing is told, the rest is listed, and the exit code is 2", async () => {
    const ran = await run("ls", "x:1", "/nope", "/etc/motd", "*.nope", "/etc/motd/x");
    expect(ran.stdout).toBe("/etc/motd\n");
    expect(ran.stderr).toBe(
      [
        "ls: cannot access '/nope': No such file or directory\n",
        "ls: cannot access '*.nope': No such file or directory\n",
        "ls: cannot access '/etc/motd/x': Not a directory\n",
      ].join(""),
    );
    expect(ran.code).toBe(2);
  });

  test("a name cannot steer a terminal", async () => {
    const { stdout } = await strata(["ls", "x:1", "/lib"], { root, terminal: true });
    expect(stdout).toBe("a\nodd?name\n");
  });
});

describe("cat", () => {
  test.each([
    [["/etc/motd"], "bye\n"],
    [["etc/motd", "/etc/link/tool"], "bye\n#!"],
    [["/etc/.hidden"], ""],
  ])("%j", async (args, expected) => {
    expect(await run("cat", "x:1", ...args)).toMatchObject({ stdout: expected, stderr: "", code: 0 });
  });

  test.each([
    ["/etc", "Is a directory"],
    ["/etc/gone", "No such file or directory"],
    ["/etc/loop", "Too many levels of symbolic links"],
    ["/dev/pipe", "Not a regular file but a fifo"],
  ])("%s: %s", async (path, message) => {
    const ran = await run("cat", "x:1", path, "/etc/motd");
    expect(ran).toMatchObject({ stdout: "bye\n", stderr: `cat: ${path}: ${message}\n`, code: 1 });
  });

  test("bytes are not touched", async () => {
    const binary = Buffer.from(Array.from({ length: 600_000 }, (_, i) => (i * 7) & 0xff));
    const made = await makeImage([{ binary }]);
    const other = scratch();
    await strata(["load", "-i", layoutOf(scratch(), made, "b:1")], { root: other });
    expect((await strata(["cat", "b:1", "binary"], { root: other })).bytes.equals(binary)).toBe(true);
  });
});

describe("whence", () => {
  test("every layer that touched a path, and the one that is seen", async () => {
    const { stdout, code } = await run("whence", "x:1", "/etc/motd", "/etc/gone", "/etc/link/tool");
    const [first, second] = image.layers.map(({ diffID }) => diffID.slice(7, 19));
    expect(stdout).toBe(
      `/etc/motd
LAYER     DIFF ID        CHANGE    CREATED BY
1         ${first}   put       first
2 *       ${second}   put       second

/etc/gone (gone)
LAYER     DIFF ID        CHANGE     CREATED BY
1         ${first}   put        first
2         ${second}   whiteout   second

/bin/tool
LAYER     DIFF ID        CHANGE    CREATED BY
1 *       ${first}   put       first
`,
    );
    expect(code).toBe(0);
  });

  test("a path that no layer had", async () => {
    const ran = await run("whence", "x:1", "/never");
    expect(ran).toMatchObject({ stdout: "", stderr: "whence: /never: No layer ever had it\n", code: 1 });
  });
});

describe("load", () => {
  test.each([
    [["-i"], "Loaded image: y:2\n"],
    [["-q", "-i"], ""],
  ])("%j with a name", async (args, expected) => {
    const ran = await strata(["load", ...args, join(work, "layout"), "-t", "y:2"], { root: scratch() });
    expect(ran).toMatchObject({ stdout: expected, stderr: "", code: 0 });
  });

  test("without a name: the ID, and a dangling image", async () => {
    const other = scratch();
    const ran = await strata(["load", "-i", join(work, "layout")], { root: other });
    expect(ran.stdout).toBe(`Loaded image ID: ${image.id}\n`);
    expect((await strata(["images", "--filter", "dangling=true", "-q"], { root: other })).stdout).toBe(
      `${image.id.slice(7, 19)}\n`,
    );
    expect((await strata(["images", "--format", "{{.Repository}}:{{.Tag}}"], { root: other })).stdout).toBe(
      "<none>:<none>\n",
    );
  });

  test("from standard input, with - and without", async () => {
    const saved = (await run("save", "x:1")).bytes;
    for (const args of [["load"], ["load", "-i", "-"], ["load", "--input=-"]]) {
      const ran = await strata(args, { root: scratch(), stdin: saved });
      expect(ran).toMatchObject({ stdout: "Loaded image: x:1\n", code: 0 });
    }
  });

  test.each<[string, string[], string, number]>([
    ["a missing file", ["-i", "/nope/nope.tar"], "open /nope/nope.tar: no such file or directory\n", 1],
    ["nothing on a terminal", [], "requested load from stdin, but stdin is empty\n", 1],
    [
      "a name that is none",
      ["-i", "LAYOUT", "-t", "X"],
      'invalid argument "X" for "-t, --tag" flag: invalid reference format: repository name must be lowercase\n',
      125,
    ],
    [
      "an argument",
      ["x"],
      "\"strata load\" accepts no arguments.\nSee 'strata load --help'.\n\nUsage:  strata load [OPTIONS]\n\nLoad images from an archive or a directory\n",
      1,
    ],
  ])("refused: %s", async (_name, args, message, code) => {
    const given = args.map((arg) => arg.replace("LAYOUT", join(work, "layout")));
    const ran = await strata(["load", ...given], { root: scratch(), terminal: true });
    expect(ran).toMatchObject({ stdout: "", stderr: message, code });
  });

  test("what is no image archive leaves nothing, and says so in one sentence", async () => {
    const other = scratch();
    writeFileSync(join(work, "junk"), "junk ".repeat(400));
    const ran = await strata(["load", "-i", join(work, "junk")], { root: other });
    expect(ran.stderr).toMatch(/^Error response from daemon: .*junk is neither a tar archive.*\n$/);
    expect(readdirSync(join(other, "blobs/sha256"))).toEqual([]);
  });
});

describe("save", () => {
  test("to a file, whole or not at all", async () => {
    const directory = scratch();
    const path = join(directory, "x.tar");
    expect(await run("save", "-o", path, "x:1")).toMatchObject({ stdout: "", stderr: "", code: 0 });
    expect(readFileSync(path).equals((await run("save", "x:1")).bytes)).toBe(true);
    const missing = await run("save", "-o", join(directory, "y.tar"), "nosuch");
    expect(missing).toMatchObject({
      stderr: "Error response from daemon: No such image: nosuch:latest\n",
      code: 1,
    });
    expect(readdirSync(directory)).toEqual(["x.tar"]);
    const nowhere = await run("save", "-o", join(directory, "no/x.tar"), "x:1");
    expect(nowhere.stderr).toBe(`open ${join(directory, "no/x.tar")}: no such file or directory\n`);
  });

  test("through a link to its file, and into what is no file", async () => {
    const directory = scratch();
    writeFileSync(join(directory, "real.tar"), "old");
    symlinkSync("real.tar", join(directory, "link.tar"));
    await run("save", "-o", join(directory, "link.tar"), "x:1");
    expect(lstatSync(join(directory, "link.tar")).isSymbolicLink()).toBe(true);
    expect(readFileSync(join(directory, "real.tar")).equals((await run("save", "x:1")).bytes)).toBe(true);
    execFileSync("mkfifo", [join(directory, "pipe")]);
    const reader = readFile(join(directory, "pipe"));
    expect(await run("save", "-o", join(directory, "pipe"), "x:1")).toMatchObject({ stderr: "", code: 0 });
    expect((await reader).equals(readFileSync(join(directory, "real.tar")))).toBe(true);
    expect(await run("save", "-o", directory, "x:1")).toMatchObject({ code: 1 });
    expect(readdirSync(directory).sort()).toEqual(["link.tar", "pipe", "real.tar"]);
  });

  test("not to a terminal", async () => {
    const ran = await strata(["save", "x:1"], { root, terminal: true });
    expect(ran).toMatchObject({
      stderr: "cowardly refusing to save to a terminal. Use the -o flag or redirect\n",
      code: 1,
    });
  });
});

describe("images and history: formats", () => {
  test.each([
    [["images", "--format", "{{.Repository}}:{{.Tag}} {{.Size}}"], "x:1 16B\n"],
    [
      ["images", "--format", "table {{.ID}}\\t{{.Size}}"],
      () => `IMAGE ID       SIZE\n${image.id.slice(7, 19)}   16B\n`,
    ],
    [["images", "--format", "{{json .Tag}}"], '"1"\n'],
    [["images", "--no-trunc", "-q"], () => `${image.id}\n`],
    [["images", "--filter", "label=one"], /x +1/],
    [["images", "--filter", "label=one=2"], /^REPOSITORY.*SIZE\n$/],
    [["images", "--filter", "label=one", "--filter", "reference=y*"], /^REPOSITORY.*SIZE\n$/],
    [["images", "--filter", "reference=y*", "--filter", "reference=x*"], /x +1/],
    [["images", "--filter", "until=24h"], /x +1/],
    [["images", "x:2"], /^REPOSITORY.*SIZE\n$/],
    [["history", "--format", "{{.CreatedBy}}|{{.Comment}}|{{.Size}}", "x:1"], "second|words|7B\nfirst||9B\n"],
    [["history", "-H=false", "--format", "{{.Size}}", "x:1"], "7\n9\n"],
    [["history", "--no-trunc", "-q", "x:1"], () => `${image.id}\n<missing>\n`],
  ])("%j", async (args, expected) => {
    const ran = await run(...args);
    expect(ran.stderr).toBe("");
    if (expected instanceof RegExp) expect(ran.stdout).toMatch(expected);
    else expect(ran.stdout).toBe(typeof expected === "function" ? expected() : expected);
  });

  test("json: one document a line, with Docker's keys", async () => {
    const row = JSON.parse((await run("images", "--format", "json")).stdout);
    expect(Object.keys(row)).toEqual([
      "Containers",
      "CreatedAt",
      "CreatedSince",
      "Digest",
      "ID",
      "Repository",
      "SharedSize",
      "Size",
      "Tag",
      "UniqueSize",
      "VirtualSize",
    ]);
  });

  test.each([
    [["images", "--format", "{{.Nope}}"], 'template parsing error: map has no entry for key "Nope"\n', 1],
    [["images", "--format", "{{"], "template parsing error: template: :1: unclosed action\n", 1],
    [
      ["images", "--filter", "x"],
      'invalid argument "x" for "-f, --filter" flag: bad format of filter (expected name=value)\n',
      125,
    ],
    [
      ["images", "--filter", "dangling=maybe"],
      "Error response from daemon: invalid filter 'dangling=[maybe]'\n",
      1,
    ],
    [
      ["images", "--filter", "before=nosuch"],
      "Error response from daemon: No such image: nosuch:latest\n",
      1,
    ],
    [["inspect", "-f", "{{", "x:1"], "Template parsing error: template: :1: unclosed action\n", 64],
  ])("refused: %j", async (args, message, code) => {
    expect(await run(...args)).toMatchObject({ stdout: "", stderr: message, code });
  });
});

describe("inspect", () => {
  test("an array of documents, four blanks deep; some missing, the rest printed", async () => {
    const { stdout, stderr, code } = await run("inspect", "x:1", "nosuch");
    expect(stdout.startsWith('[\n    {\n        "Id": "sha256:')).toBe(true);
    const [document] = JSON.parse(stdout);
    expect(document).toMatchObject({
      Id: image.id,
      RepoTags: ["x:1"],
      Size: 16,
      Config: { Labels: { one: "1" }, Cmd: null },
    });
    expect(document.GraphDriver.Data.LowerLayers.split(":").every(existsSync)).toBe(true);
    expect([stderr, code]).toEqual(["Error: No such object: nosuch\n", 1]);
  });

  test("nil members print as Go prints them", async () => {
    const { stdout } = await run(
      "inspect",
      "-f",
      "{{.Config.Cmd}} {{.Config.Volumes}} {{json .Config.Cmd}}",
      "x:1",
    );
    expect(stdout).toBe("[] map[] null\n");
  });
});

describe("mtree", () => {
  test("every attribute, names and targets as vis(3) writes them, hard links in comments", async () => {
    const { stdout, code } = await run("mtree", "x:1");
    const time = "time=1706933106.000000000";
    expect(code).toBe(0);
    expect(stdout).toBe(
      [
        "#mtree",
        ". type=dir mode=0755 uid=0 gid=0 time=0.000000000",
        "./bin type=dir mode=0755 uid=0 gid=0 time=0.000000000",
        `./bin/alias type=file mode=4755 uid=7 gid=8 size=2 ${time} sha256digest=d9da54f87ff5f57a5c7de05b3de35a4ddb16e5ba36da3c1b36f0cb5f2b0a8b9b nlink=2`,
        `./bin/sh type=link mode=0644 uid=7 gid=8 ${time} link=tool`,
      ]
        .join("\n")
        .replace(
          "d9da54f87ff5f57a5c7de05b3de35a4ddb16e5ba36da3c1b36f0cb5f2b0a8b9b",
          /sha256digest=(\w+)/.exec(stdout)![1]!,
        )
        .concat(stdout.slice(stdout.indexOf("\n./bin/tool"))),
    );
    expect(stdout).toContain(`\n./dev/null type=char mode=0666 uid=7 gid=8 ${time} device=native,1,3\n`);
    expect(stdout).toContain(`\n./dev/pipe type=fifo mode=0644 uid=7 gid=8 ${time}\n`);
    expect(stdout).toContain("\n./lib/odd\\033name type=file ");
    expect(stdout.trimEnd().split("\n").at(-1)).toBe("# hard links: ./bin/alias ./bin/tool");
    const digest = execFileSync("sha256sum", { input: "#!", encoding: "utf8" }).slice(0, 64);
    expect(stdout.match(new RegExp(digest, "g"))).toHaveLength(2);
  });

  test.skipIf(needs.tool("bsdtar", "libarchive-tools"))("bsdtar lists the same names", async () => {
    const path = join(scratch(), "x.mtree");
    const { stdout } = await run("mtree", "x:1");
    writeFileSync(path, stdout);
    const listed = execFileSync("bsdtar", ["-tf", path], { encoding: "utf8" }).trim().split("\n");
    const lines = stdout.split("\n").filter((line) => /^\./.test(line));
    expect(listed.map((name) => name.replace(/\/$/, ""))).toEqual(lines.map((line) => line.split(" ")[0]));
  });

  test.skipIf(
    needs.tool("mtree", "mtree-netbsd") ??
      needs.tool("umoci", "umoci") ??
      needs.root() ??
      needs.image("torture-bb"),
  )("the mtree command finds what umoci unpacked of torture-bb as it says", async () => {
    const other = scratch();
    await strata(["load", "-i", imagePath("torture-bb"), "-t", "t"], { root: other });
    const { stdout } = await strata(["mtree", "t"], { root: other });
    const bundle = join(scratch(), "bundle");
    execFileSync("umoci", ["unpack", "--image", `${imagePath("torture-bb")}:latest`, bundle], {
      stdio: "ignore",
    });
    // It knows no xattrs, and no times after 2038.
    const known = stdout.replace(/ xattr\.\S*/g, "").replace(/time=\d{11,}\.\d+/g, "optional");
    const path = join(scratch(), "t.mtree");
    writeFileSync(path, known);
    expect(execFileSync("mtree", ["-p", join(bundle, "rootfs"), "-f", path], { encoding: "utf8" })).toBe("");
  });
});

describe("arguments that make no sense", () => {
  test.each<[string[], string, number]>([
    [["nosuch"], "strata: 'nosuch' is not a strata command.\nSee 'strata --help'\n", 1],
    [["--nosuch"], "unknown flag: --nosuch\nSee 'strata --help'.\n", 125],
    [["images", "--nosuch"], "unknown flag: --nosuch\nSee 'strata images --help'.\n", 125],
    [["images", "-z"], "unknown shorthand flag: 'z' in -z\nSee 'strata images --help'.\n", 125],
    [["images", "--format"], "flag needs an argument: --format\nSee 'strata images --help'.\n", 125],
    [["--root"], "flag needs an argument: --root\nSee 'strata --help'.\n", 125],
    [
      ["history"],
      "\"strata history\" requires exactly 1 argument.\nSee 'strata history --help'.\n\nUsage:  strata history [OPTIONS] IMAGE\n\nShow the history of an image\n",
      1,
    ],
    [
      ["cat", "x:1"],
      "\"strata cat\" requires at least 2 arguments.\nSee 'strata cat --help'.\n\nUsage:  strata cat [OPTIONS] IMAGE PATH [PATH...]\n\nPrint files of an image\n",
      1,
    ],
    [
      ["images", "a", "b"],
      "\"strata images\" requires at most 1 argument.\nSee 'strata images --help'.\n\nUsage:  strata images [OPTIONS] [REPOSITORY[:TAG]]\n\nList images\n",
      1,
    ],
    [["ls", "nosuch"], "Error: No such image: nosuch\n", 1],
    [["cat", "nosuch", "/x"], "Error: No such image: nosuch\n", 1],
    [["mtree", "nosuch"], "Error: No such image: nosuch\n", 1],
    [["whence", "nosuch", "/x"], "Error: No such image: nosuch\n", 1],
  ])("%j", async (args, message, code) => {
    expect(await run(...args)).toMatchObject({ stdout: "", stderr: message, code });
  });
});

describe("help and the store's directory", () => {
  test.each([[[]], [["--help"]], [["help"]], [["--root", "/x"]]])("%j prints the commands", async (args) => {
    const { stdout, code } = await run(...args);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^\nUsage: {2}strata \[OPTIONS\] COMMAND\n/);
    for (const name of ["cat", "history", "images", "inspect", "load", "ls", "mtree", "save", "whence"]) {
      expect(stdout).toMatch(new RegExp(`^  ${name} {2,}[A-Z]`, "m"));
    }
  });

  test.each(["cat", "history", "images", "inspect", "load", "ls", "mtree", "save", "whence"])(
    "%s --help",
    async (name) => {
      for (const args of [
        [name, "--help"],
        ["help", name],
      ]) {
        const { stdout, stderr, code } = await run(...args);
        expect([stderr, code]).toEqual(["", 0]);
        expect(stdout).toContain(`\nUsage:  strata ${name} [OPTIONS]`);
        expect(stdout).not.toContain("--root");
      }
    },
  );

  test("--version", async () => {
    const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
    expect((await run("--version")).stdout).toBe(`strata version ${version}\n`);
    expect((await run("-v")).stdout).toBe(`strata version ${version}\n`);
  });

  test("--root before or after the command, over STRATAFS_ROOT, over the XDG data home", async () => {
    const [asked, data] = [scratch(), scratch()];
    for (const args of [
      ["--root", asked, "images"],
      ["images", "--root", asked],
      ["images", `--root=${asked}`],
    ]) {
      rmSync(asked, { recursive: true });
      expect((await strata(args, { root })).stdout).not.toContain("x ");
      expect(existsSync(join(asked, "oci-layout"))).toBe(true);
    }
    await strata(["images"], { root: "", env: { XDG_DATA_HOME: data } });
    expect(existsSync(join(data, "stratafs/oci-layout"))).toBe(true);
  });

  test("a directory that cannot be a store is told in one sentence", async () => {
    const file = join(work, "file");
    writeFileSync(file, "");
    const ran = await strata(["--root", join(file, "x"), "images"], { root });
    expect(ran.code).toBe(1);
    expect(ran.stderr).toMatch(/^mkdir .*: not a directory\n$/);
    mkdirSync(join(work, "newer/stratafs"), { recursive: true });
    writeFileSync(join(work, "newer/stratafs/version"), "9");
    const newer = await strata(["--root", join(work, "newer"), "images"], { root });
    expect(newer.stderr).toMatch(
      /^the store .* has format 9, which this version of strata does not know.*\n$/,
    );
  });
});
