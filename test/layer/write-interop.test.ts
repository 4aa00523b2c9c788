/**
 * What other tools make of a written layer: GNU tar and libarchive unpack it, Python lists it, and umoci
 * and skopeo take it as part of an image. Each unpacked tree is compared with ours, attribute by
 * attribute.
 */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { applyLayers } from "../../src/layer/apply.ts";
import type { WrittenLayer } from "../../src/layer/write.ts";
import { writeLayer } from "../../src/layer/write.ts";
import { deviceMajor, deviceMinor } from "../../src/posix/mode.ts";
import { fromSeconds, seconds } from "../../src/posix/time.ts";
import { gzip } from "../../src/tar/compress.ts";
import { diffTrees } from "../../src/tree/diff.ts";
import { recordedTree } from "../property/recorded.ts";
import { needs } from "../requirements.ts";
import { block, char, type Draft, dir, fifo, file, hard, link, treeOf } from "./build.ts";

/** Of version 2, for any user: cap_net_bind_service, effective. */
const CAPABILITY = "\x01\0\0\x02\0\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0";

/** Every kind of entry, and every reason for a PAX header. */
const BELOW: Draft[] = [
  dir("./", { mode: 0o755, mtime: fromSeconds(1) }),
  dir("etc", { mtime: fromSeconds(1_600_000_000) }),
  file("etc/passwd", "root:x:0:0\n"),
  file("etc/gone", "x"),
  dir("opt"),
  dir("opt/old"),
  file("opt/old/a", "a"),
  file("opt/old/b", "b"),
  dir("var", { mode: 0o2775, gid: 8 }),
  file("var/file-to-be-directory", "x"),
  dir("directory-to-be-file"),
  file("directory-to-be-file/x", "x"),
];
const ABOVE: Draft[] = [
  dir("./", { mode: 0o711, mtime: fromSeconds(1) }),
  dir("etc", { mtime: fromSeconds(1_600_000_000) }),
  file("etc/passwd", "root:x:0:0\nme:x:1:1\n", { mtime: fromSeconds(1_700_000_000, 500) }),
  file("etc/shadow", "secret", { mode: 0o640, uid: 0, gid: 42 }),
  dir("opt", { uid: 2 ** 21, gid: 2 ** 31 }),
  dir("opt/old"),
  file("opt/old/b", "b"),
  file("opt/old/n", "n", { uid: 2 ** 32 - 2, gid: 2 ** 32 - 2 }),
  dir("var", { mode: 0o2775, gid: 8 }),
  dir("var/file-to-be-directory", { mode: 0o1777 }),
  file("directory-to-be-file", "now a file", { mode: 0o4755 }),
  link("directory-to-be-file/../link", "/etc/passwd"),
  link("long-link", `/${"t".repeat(250)}`, { uid: 5 }),
  file(`n${"n".repeat(254)}`, "255 bytes"),
  dir(`deep-${"d".repeat(95)}`),
  dir(`deep-${"d".repeat(95)}/${"e".repeat(100)}`),
  file(`deep-${"d".repeat(95)}/${"e".repeat(100)}/${"f".repeat(55)}`, "257 bytes"),
  file("caf\u00e9 \u{1f600}", "UTF-8"),
  file(`\u00e9${"\u00e9".repeat(60)}`, "long UTF-8"),
  file("latin1-\udce9", "no UTF-8"),
  file("new\nline", "x"),
  file("back\\slash", "x"),
  file("old-time", "", { mtime: fromSeconds(-12345) }),
  file("attributes", "x", {
    mode: 0o755,
    xattrs: { "user.b": "\0=\n\udcff", "user.a": "text", "security.capability": CAPABILITY },
  }),
  dir("attributes.d", { xattrs: { "user.of-directory": "1" } }),
  file("links-1", "shared", { mode: 0o600, uid: 7, xattrs: { "user.x": "y" } }),
  hard("links-2", "links-1"),
  dir("z"),
  hard("z/links-3", "links-1"),
  hard("z/link-of-link", "link"),
  char("null", 1, 3),
  block("disk", 259, 1048575),
  fifo("pipe"),
];

/** Prints what `recordedTree` gives, of a directory on disk. */
const DUMP = `
import hashlib, json, os, stat, sys
root = os.fsencode(sys.argv[1])
first, paths = {}, []
key = lambda path: path.encode("utf-16-be", "surrogatepass")
def walk(path, shown):
    st = os.lstat(path)
    paths.append((path, shown, st))
    inode = (st.st_dev, st.st_ino)
    if inode not in first or key(shown) < key(first[inode]): first[inode] = shown
    if stat.S_ISDIR(st.st_mode):
        for name in os.listdir(path):
            walk(path + b"/" + name, shown.rstrip("/") + "/" + os.fsdecode(name))
walk(root, "/")
kinds = {stat.S_IFREG: "file", stat.S_IFDIR: "directory", stat.S_IFLNK: "symlink", stat.S_IFCHR: "char",
         stat.S_IFBLK: "block", stat.S_IFIFO: "fifo"}
out = {}
for path, shown, st in paths:
    kind, body = kinds[stat.S_IFMT(st.st_mode)], ""
    if kind == "symlink": body = os.fsdecode(os.readlink(path))
    elif kind == "file": body = "%d:%s" % (st.st_size, hashlib.sha256(open(path, "rb").read()).hexdigest()[:16])
    elif kind in ("char", "block"): body = str(st.st_rdev)
    xattrs = ",".join(sorted(name + ":" + os.getxattr(path, name, follow_symlinks=False).hex()
        for name in os.listxattr(path, follow_symlinks=False)))
    time = "" if shown == "/" else "@%d" % (st.st_mtime_ns // 10**9)
    group = "" if kind == "directory" else "=" + first[(st.st_dev, st.st_ino)]
    out[shown] = "%s %o %d:%d %s {%s} %s %s" % (
        kind, stat.S_IMODE(st.st_mode), st.st_uid, st.st_gid, body, xattrs, time, group)
json.dump(out, sys.stdout)
`;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "strata-interop-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function made(name: string): string {
  const path = join(folder, name);
  mkdirSync(path);
  return path;
}

function dump(path: string): Map<string, string> {
  const json = execFileSync("python3", ["-c", DUMP, path], {
    maxBuffer: 1e8,
    env: { ...process.env, LC_ALL: "C.UTF-8" },
  });
  return new Map(Object.entries(JSON.parse(json.toString()) as Record<string, string>));
}

const sorted = (recorded: ReadonlyMap<string, string>) => Object.fromEntries([...recorded].sort());

const empty = treeOf([]);
const above = treeOf(ABOVE);
/** A layer without whiteouts, which a plain tar reader takes for what it is. */
const plain = writeLayer(diffTrees(empty, above))!;
const lower = writeLayer(diffTrees(empty, treeOf(BELOW)))!;
const upper = writeLayer(diffTrees(treeOf(BELOW), above))!;
const bytes = (layer: WrittenLayer) => Buffer.concat([...layer.chunks()]);

test("the layers below hold what they are to prove", () => {
  expect(sorted(recordedTree(applyLayers([plain])))).toEqual(sorted(recordedTree(above)));
  expect(sorted(recordedTree(applyLayers([lower, upper])))).toEqual(sorted(recordedTree(above)));
});

const NEEDS = needs.root() ?? needs.tool("python3", "python3");

describe.each(["C", "C.UTF-8"])("unpacking in the locale %s", (locale) => {
  test.skipIf(NEEDS ?? needs.tool("tar", "tar"))("GNU tar", () => {
    const target = made(`gnu-${locale}`);
    execFileSync("tar", ["--xattrs", "--xattrs-include=*", "--numeric-owner", "-xpf", "-", "-C", target], {
      input: bytes(plain),
      env: { ...process.env, LC_ALL: locale },
      stdio: "pipe",
    });
    expect(sorted(dump(target))).toEqual(sorted(recordedTree(above)));
  });

  test.skipIf(NEEDS ?? needs.tool("bsdtar", "libarchive-tools"))("libarchive", () => {
    const target = made(`bsd-${locale}`);
    execFileSync("bsdtar", ["--numeric-owner", "-xpf", "-", "-C", target], {
      // Where the locale has no UTF-8, libarchive cannot say the one name that needs a record and is not ASCII.
      input: bytes(
        locale === "C" ? writeLayer(diffTrees(empty, treeOf(ABOVE.filter(isShortOrAscii))))! : plain,
      ),
      env: { ...process.env, LC_ALL: locale },
    });
    const expected = locale === "C" ? treeOf(ABOVE.filter(isShortOrAscii)) : above;
    expect(sorted(dump(target))).toEqual(sorted(recordedTree(expected)));
  });
});

function isShortOrAscii({ name }: Draft): boolean {
  return Buffer.byteLength(name) <= 100 || /^[\x20-\x7e]*$/.test(name);
}

test.skipIf(NEEDS ?? needs.tool("bsdtar", "libarchive-tools"))(
  "rule 37: libarchive reads the xattr whose name has = in it",
  () => {
    const target = made("bsd-equals");
    const tree = treeOf([file("f", "x", { xattrs: { "user.a=b%\u00e9": "\0\udcff=" } })]);
    execFileSync("bsdtar", ["-xpf", "-", "-C", target], {
      input: bytes(writeLayer(diffTrees(empty, tree))!),
    });
    expect(dump(target).get("/f")).toBe(recordedTree(tree).get("/f"));
  },
);

test.skipIf(needs.tool("python3", "python3"))("Python's tarfile lists what was written", () => {
  const script = `
import io, json, sys, tarfile
archive = tarfile.open(fileobj=io.BytesIO(sys.stdin.buffer.read()), mode="r:")
json.dump([[m.name, m.type.decode(), m.mode, m.uid, m.gid, m.size, m.mtime, m.linkname, m.devmajor, m.devminor,
  m.offset, m.uname, m.gname] for m in archive], sys.stdout)`;
  const listed = JSON.parse(
    execFileSync("python3", ["-c", script], {
      input: bytes(upper),
      env: { ...process.env, LC_ALL: "C.UTF-8" },
    }).toString(),
  ) as unknown[][];
  const flags = { file: "0", hardlink: "1", symlink: "2", char: "3", block: "4", directory: "5", fifo: "6" };
  const expected = [...upper.entries()].map((entry) => [
    entry.name === "./" ? "." : entry.name.replace(/\/$/, ""),
    flags[entry.type],
    entry.mode,
    entry.uid,
    entry.gid,
    entry.type === "file" ? entry.size : 0,
    Number(seconds(entry.mtime)),
    "target" in entry ? entry.target : "",
    "rdev" in entry ? deviceMajor(entry.rdev) : 0,
    "rdev" in entry ? deviceMinor(entry.rdev) : 0,
    entry.offset,
    "",
    "",
  ]);
  expect(listed).toEqual(expected);
});

describe("as the layers of an image", () => {
  let layout: string;
  const diffIDs = [lower.diffID, upper.diffID];

  beforeAll(async () => {
    layout = made("layout");
    mkdirSync(join(layout, "blobs/sha256"), { recursive: true });
    const put = (content: Uint8Array) => {
      const hex = createHash("sha256").update(content).digest("hex");
      writeFileSync(join(layout, "blobs/sha256", hex), content);
      return { digest: `sha256:${hex}`, size: content.length };
    };
    const layers = [];
    for (const layer of [lower, upper]) {
      const zipped: Uint8Array[] = [];
      for await (const chunk of gzip(layer.stream())) zipped.push(chunk);
      layers.push({
        mediaType: "application/vnd.oci.image.layer.v1.tar+gzip",
        ...put(Buffer.concat(zipped)),
      });
    }
    const json = (value: unknown) => Buffer.from(JSON.stringify(value));
    const config = json({
      architecture: "amd64",
      os: "linux",
      config: {},
      rootfs: { type: "layers", diff_ids: diffIDs },
      history: diffIDs.map(() => ({ created_by: "test" })),
    });
    const manifest = json({
      schemaVersion: 2,
      mediaType: "application/vnd.oci.image.manifest.v1+json",
      config: { mediaType: "application/vnd.oci.image.config.v1+json", ...put(config) },
      layers,
    });
    const index = {
      schemaVersion: 2,
      manifests: [
        {
          mediaType: "application/vnd.oci.image.manifest.v1+json",
          ...put(manifest),
          annotations: { "org.opencontainers.image.ref.name": "latest" },
        },
      ],
    };
    writeFileSync(join(layout, "index.json"), json(index));
    writeFileSync(join(layout, "oci-layout"), '{"imageLayoutVersion":"1.0.0"}');
  });

  test.skipIf(NEEDS ?? needs.tool("umoci", "umoci"))("umoci unpacks the merged tree", () => {
    const bundle = join(folder, "bundle");
    execFileSync("umoci", ["unpack", "--image", `${layout}:latest`, bundle], { stdio: "pipe" });
    expect(sorted(dump(join(bundle, "rootfs")))).toEqual(sorted(recordedTree(above)));
  });

  test.skipIf(needs.tool("skopeo", "skopeo") ?? needs.tool("tar", "tar"))(
    "skopeo copies it to a docker-archive, whose layers are the same bytes",
    () => {
      const archive = join(folder, "image.tar");
      execFileSync(
        "skopeo",
        ["--insecure-policy", "copy", `oci:${layout}:latest`, `docker-archive:${archive}`],
        {
          stdio: "pipe",
        },
      );
      const member = (name: string) => execFileSync("tar", ["-xOf", archive, name], { maxBuffer: 1e8 });
      const [manifest] = JSON.parse(member("manifest.json").toString()) as [{ Layers: string[] }];
      const digests = manifest.Layers.map((name) => {
        return `sha256:${createHash("sha256").update(member(name)).digest("hex")}`;
      });
      expect(digests).toEqual(diffIDs);
    },
  );
});
