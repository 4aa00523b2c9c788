/**
 * tar-fs packs a directory of a mount into the archive that it makes of the same directory on disk, byte
 * for byte, and extracts an archive into a mount as onto disk.
 */
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { extract, pack } from "tar-fs";
import { pack as archive } from "tar-stream";
import { describe, expect, it } from "vitest";
import { bothSides, type Files, type Side, treeOf } from "./sides.ts";

const SITE: Files = {
  "index.html": "<h1>hello</h1>\n",
  "empty.txt": "",
  "img/logo.bin": Uint8Array.from({ length: 300_000 }, (_, i) => (i * 7) % 256),
  "img/current": { link: "logo.bin" },
  "css/deep/er/style.css": "h1 { color: teal }\n",
  "grüße/日本語.txt": "hello\n",
  [`long/${"directory/".repeat(20)}file.txt`]: "below a path that ustar cannot hold\n",
  "node_modules/left/index.js": "module.exports = 1;\n",
};

const packings: Readonly<Record<string, (side: Side) => ReturnType<typeof pack>>> = {
  "everything, in order": ({ fs, root }) => pack(root, { fs, sort: true }),
  "some entries": ({ fs, root }) => pack(root, { fs, entries: ["img", "index.html"] }),
  "through links": ({ fs, root }) => pack(root, { fs, sort: true, dereference: true }),
  "without what is ignored": ({ fs, root }) =>
    pack(root, { fs, sort: true, ignore: (path) => path.includes("node_modules") }),
  "renamed, for another owner": ({ fs, root }) =>
    pack(root, {
      fs,
      sort: true,
      map: (header) => ({ ...header, name: `www/${header.name}`, uid: 33, gid: 33 }),
    }),
};

/** An archive with what a package has: permissions, a hard link, a symlink, parents that are not listed. */
function release(): Promise<Buffer> {
  const tar = archive();
  const mtime = new Date("2023-01-02T03:04:05Z");
  tar.entry({ name: "package/", type: "directory", mode: 0o755, mtime });
  tar.entry({ name: "package/bin/tool", mode: 0o755, mtime }, "#!/bin/sh\n");
  tar.entry({ name: "package/bin/alias", type: "link", linkname: "package/bin/tool", mtime });
  tar.entry({ name: "package/current", type: "symlink", linkname: "lib", mtime });
  tar.entry({ name: "package/lib/", type: "directory", mode: 0o700, mtime });
  tar.entry({ name: "package/lib/read-only.js", mode: 0o444, mtime }, "x".repeat(100_000));
  tar.entry({ name: "package/index.html", mode: 0o600, mtime }, "in place of another\n");
  tar.finalize();
  return buffer(tar);
}

describe("tar-fs", () => {
  it.each(Object.entries(packings))("packs %s", async (_name, make) => {
    const { real, mounted } = await bothSides(SITE);
    const onDisk = await buffer(make(real));
    expect(onDisk.length).toBeGreaterThan(10_000);
    expect((await buffer(make(mounted))).equals(onDisk)).toBe(true);
  });

  it("extracts an archive", async () => {
    const { real, mounted } = await bothSides(SITE);
    const bytes = await release();
    for (const { fs, root } of [real, mounted]) {
      await pipeline([bytes], extract(root, { fs }));
      await pipeline([bytes], extract(join(root, "stripped"), { fs, strip: 1 }));
    }
    expect(treeOf(mounted)).toEqual(treeOf(real));
    for (const name of ["package", "package/lib", "package/bin/tool", "stripped/lib/read-only.js"]) {
      const of = ({ fs, root }: Side) => {
        const { mtimeMs, nlink, uid, gid } = fs.statSync(join(root, name));
        return { mtimeMs, nlink, uid, gid };
      };
      expect(of(mounted)).toEqual(of(real));
    }
  });

  it("refuses an archive whose link leads out of the directory, on both", async () => {
    const { real, mounted } = await bothSides(SITE);
    const tar = archive();
    tar.entry({ name: "out", type: "symlink", linkname: "/etc" });
    tar.finalize();
    const bytes = await buffer(tar);
    for (const { fs, root } of [real, mounted]) {
      await expect(pipeline([bytes], extract(root, { fs }))).rejects.toThrow("out is not a valid symlink");
    }
    expect(treeOf(mounted)).toEqual(treeOf(real));
  });
});
