/**
 * Yarn's file system library over a mount: `NodeFS` around `mount.fs`, and the layers of it that Yarn
 * puts on top (a jail, a file system at another directory, copying from one to another, atomic writes).
 */
import { join } from "node:path";
import { CwdFS, JailFS, NodeFS, normalizeLineEndings, type PortablePath, ppath } from "@yarnpkg/fslib";
import { describe, expect, it } from "vitest";
import { type Files, inTurn, type Side, treeOf } from "./sides.ts";

const PROJECT: Files = {
  "package.json": '{\r\n  "name": "workspace"\r\n}\r\n',
  "packages/a/package.json": '{ "name": "a" }',
  "packages/a/bin/run": "#!/bin/sh\n",
  "packages/b/index.js": "module.exports = 'b';\n",
  "packages/b/current": { link: "index.js" },
};

const relative = (path: string) => path as PortablePath;

async function work(side: Side) {
  const { fs, root } = side;
  const told: unknown[] = [];
  const nodeFs = new NodeFS(fs);
  const project = new CwdFS(relative(root), { baseFs: nodeFs });

  told.push(
    await project.readJsonPromise(relative("package.json")),
    await project.existsPromise(relative("x")),
  );
  await project.writeJsonPromise(relative("package.json"), { name: "changed", private: true });
  await project.changeFilePromise(relative("yarn.lock"), "# lock\n", { automaticNewlines: true });
  await project.changeFilePromise(relative("yarn.lock"), "# lock\n");
  told.push(normalizeLineEndings("\r\n", project.readFileSync(relative("yarn.lock"), "utf8")));

  await project.mkdirpPromise(relative("cache/deep/er"));
  await project.mkdirpPromise(relative("cache/deep/er"));
  await project.copyPromise(relative("cache/b"), relative("packages/b"));
  await project.copyFilePromise(relative("packages/a/bin/run"), relative("cache/run"));
  await project.chmodPromise(relative("cache/run"), 0o755);
  await project.movePromise(relative("packages/a"), relative("packages/moved"));
  await project.symlinkPromise(relative("../moved"), relative("cache/to-moved"));
  await project.linkPromise(relative("cache/run"), relative("cache/again"));
  await project.utimesPromise(relative("cache/run"), 1000, 2000);
  told.push((await project.statPromise(relative("cache/again"))).mtimeMs);
  told.push((await project.statPromise(relative("cache/again"), { bigint: true })).mtimeNs);
  told.push(await project.readdirPromise(relative("packages"), { recursive: true }));
  told.push(
    (await project.readdirPromise(relative("cache"), { withFileTypes: true })).map((entry) => [
      entry.name,
      entry.isSymbolicLink(),
      entry.isDirectory(),
    ]),
  );

  const jail = new JailFS(relative(join(root, "packages")), { baseFs: nodeFs });
  told.push(jail.readdirSync(ppath.join(relative("/"), relative("moved"))));
  told.push(codeOf(() => jail.readFileSync(relative("../package.json"))));
  told.push(codeOf(() => nodeFs.rmdirSync(relative(join(root, "cache")))));
  told.push(codeOf(() => nodeFs.readlinkSync(relative(join(root, "package.json")))));

  const handle = await project.openPromise(relative("cache/log"), "a+");
  const fd = project.openSync(relative("cache/log"), "r+");
  project.writeSync(fd, "one\ntwo\n");
  const buffer = Buffer.alloc(3);
  told.push(project.readSync(fd, buffer, 0, 3, 4), buffer.toString());
  project.ftruncateSync(fd, 4);
  project.closeSync(fd);
  await project.closePromise(handle);
  const stream = project.createReadStream(relative("cache/log"), { encoding: "utf8" });
  for await (const chunk of stream) told.push(chunk);

  await project.rmPromise(relative("cache/deep"), { recursive: true });
  await project.removePromise(relative("packages/b"));
  const temporary = await nodeFs.opendirPromise(relative(root));
  const names: string[] = [];
  for (let entry = await temporary.read(); entry !== null; entry = await temporary.read()) {
    names.push(entry.name);
  }
  await temporary.close();
  told.push(names.sort(), treeOf(side));
  return told;
}

function codeOf(call: () => unknown): unknown {
  try {
    return call();
  } catch (error) {
    const { code, syscall, message } = error as NodeJS.ErrnoException;
    return { code, syscall, message };
  }
}

describe("@yarnpkg/fslib", () => {
  it("does with NodeFS(mount.fs) what it does with NodeFS(node:fs)", async () => {
    const { onDisk, onMount } = await inTurn(PROJECT, work);
    expect(onDisk.length).toBeGreaterThan(12);
    expect(onMount).toEqual(onDisk);
  });
});
