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
import { type Files, inTurn, type Side, treeOf } from "./sides.ts";

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
  tar.entry({ name: "package/bin/alias", type: "link", linkname: "package/bin/tool", mode: 0o755, mtime });
  tar.entry({ name: "package/current", type: "symlink", linkname: "lib", mtime });
  tar.entry({ name: "package/lib/", type: "directory", mode: 0o700, mtime });
  tar.entry({ name: "package/lib/read-only.js", mode: 0o444, mtime }, "x".repeat(100_000));
  tar.entry({ name: "package/index.html", mode: 0o600, mtime }, "in place of another\n");
  tar.finalize();
  return buffer(tar);
}

describe("tar-fs", () => {
  it.each(Object.entries(packings))("packs %s", async (_name, make) => {
    const { onDisk, onMount } = await inTurn(SITE, (side) => buffer(make(side)));
    expect(onDisk.length).toBeGreaterThan(10_000);
    expect(onMount.equals(onDisk)).toBe(true);
  });

  it("extracts an archive", async () => {
    const bytes = await release();
    const { onDisk, onMount } = await inTurn(SITE, async (side) => {
      const { fs, root } = side;
      await pipeline([bytes], extract(root, { fs }));
      await pipeline([bytes], extract(join(root, "stripped"), { fs, strip: 1 }));
      const names = ["package", "package/lib", "package/bin/tool", "stripped/lib/read-only.js"];
      const stats = names.map((name) => {
        const { mtimeMs, nlink, uid, gid } = fs.statSync(join(root, name));
        return { name, mtimeMs, nlink, uid, gid };
      });
      return { tree: treeOf(side), stats };
    });
    expect(onDisk.tree["package/bin/alias"]).toBe("755 #!/bin/sh\n");
    expect(onMount).toEqual(onDisk);
  });

  it("refuses an archive whose link leads out of the directory", async () => {
    const tar = archive();
    tar.entry({ name: "out", type: "symlink", linkname: "/etc" });
    tar.finalize();
    const bytes = await buffer(tar);
    const { onDisk, onMount } = await inTurn(SITE, async (side) => {
      const refused = pipeline([bytes], extract(side.root, { fs: side.fs }));
      await expect(refused).rejects.toThrow("out is not a valid symlink");
      return treeOf(side);
    });
    expect(onMount).toEqual(onDisk);
  });
});
