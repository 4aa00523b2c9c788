/**
 * The work that is done twice, in a browser and on Node, with nothing but the browser entry: load layers,
 * mount them, write through `mount.fs`, take the changes, make a layer of them, and read it again.
 * Everything it returns is compared; times come from a fixed clock.
 */
import type * as browserEntry from "../../src/browser.ts";

export type Engine = typeof browserEntry;

const FIXED = 1_700_000_000_123_456_789n;

export async function work(engine: Engine, blobs: readonly Uint8Array[]) {
  const { applyLayer, applyLayers, createFs, createMount, gzip, layerFromBytes, writeLayer } = engine;
  const layers = [];
  for (const blob of blobs) layers.push(await layerFromBytes(blob));
  const tree = applyLayers(layers);
  const mount = createMount(tree, { clock: () => FIXED });
  const fs = createFs(mount);

  const before = fs.readdirSync("/").sort();
  const readFiles = hashOf(mount);
  const told = [...synchronous(fs), ...(await asynchronous(fs)), ...refused(fs)];

  const layer = writeLayer(mount.changes())!;
  const archive = concatenated([...layer.chunks()]);
  const compressed: Uint8Array[] = [];
  for await (const chunk of gzip(layer.stream())) compressed.push(chunk);
  const again = await layerFromBytes(concatenated(compressed));
  const committed = createMount(applyLayer(tree, again), { clock: () => FIXED });
  return {
    lower: layers.map(({ diffID }) => diffID),
    before,
    readFiles,
    told,
    changes: [...mount.changes()].map(({ kind, path }) => `${kind} ${path}`),
    diffID: layer.diffID,
    readAgain: again.diffID,
    size: archive.length,
    merged: hashOf(mount) === hashOf(committed),
  };
}

type Fs = ReturnType<Engine["createFs"]>;
type Mount = ReturnType<Engine["createMount"]>;

/** FNV-1a over all names and bytes of regular files. */
function hashOf(mount: Mount): number {
  let hash = 0x811c9dc5;
  const take = (bytes: Uint8Array) => {
    for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  };
  const visit = (path: string) => {
    const entries = mount.readdir(path === "" ? "/" : path);
    for (const { name, kind } of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const inner = `${path}/${name}`;
      take(new TextEncoder().encode(inner));
      if (kind === "file") take(mount.readFile(inner));
      if (kind === "directory") visit(inner);
    }
  };
  visit("");
  return hash;
}

function synchronous(fs: Fs): unknown[] {
  fs.mkdirSync("/work/a/b", { recursive: true });
  fs.writeFileSync("/work/a/größe.txt", "größe\n");
  fs.appendFileSync("/work/a/größe.txt", "and more\n");
  fs.writeFileSync(
    "/work/binary",
    Uint8Array.from({ length: 100_000 }, (_, i) => (i * i) % 251),
  );
  fs.writeFileSync("/work/base64", "aGVsbG8=", { encoding: "base64" });
  fs.symlinkSync("a/größe.txt", "/work/link");
  fs.linkSync("/work/binary", "/work/a/other-name");
  fs.renameSync("/work/a/b", "/work/c");
  fs.chmodSync("/work/binary", 0o4755);
  fs.chownSync("/work/base64", 33, 34);
  fs.utimesSync("/work/base64", 1000, 2000);
  fs.cpSync("/work/a", "/work/copy", { recursive: true });
  const fd = fs.openSync("/work/log", "w+");
  fs.writeSync(fd, "one two three");
  fs.ftruncateSync(fd, 7);
  const part = new Uint8Array(3);
  const count = fs.readSync(fd, part, 0, 3, 4);
  fs.closeSync(fd);
  const stats = fs.statSync("/work/binary");
  return [
    fs.readFileSync("/work/link", "utf8"),
    fs.readFileSync("/work/log").toString("hex"),
    fs.readFileSync("/work/a/größe.txt").toString("base64"),
    fs.readFileSync("/work/base64", "latin1"),
    count,
    Array.from(part),
    [stats.size, stats.mode, stats.nlink, stats.mtimeMs, stats.isFile()],
    fs.statSync("/work/a", { bigint: true }).mtimeNs.toString(),
    fs.readdirSync("/work", { withFileTypes: true }).map((entry) => [entry.name, entry.isDirectory()]),
    fs.readdirSync("/work", { recursive: true }),
    fs.globSync("**/*.txt", { cwd: "/work" }).sort(),
    fs.realpathSync("/work/link"),
    fs.existsSync("/work/nothing"),
    fs.readlinkSync("/work/link", { encoding: "buffer" }).toString("hex"),
  ];
}

async function asynchronous(fs: Fs): Promise<unknown[]> {
  const { promises } = fs;
  await promises.writeFile("/work/promised", "promised\n");
  const handle = await promises.open("/work/promised", "a+");
  await handle.write("by a handle\n");
  const { size } = await handle.stat();
  await handle.close();
  await promises.rm("/work/c", { recursive: true });
  const copied = new Promise((resolve, reject) => {
    fs.copyFile("/work/promised", "/work/called-back", (error) =>
      error ? reject(error) : resolve("copied"),
    );
  });
  const names: string[] = [];
  for await (const entry of await promises.opendir("/work")) names.push(entry.name);
  const missing = await promises.readFile("/work/missing").catch(describe);
  return [size, await copied, names.sort(), await promises.readFile("/work/promised", "utf8"), missing];
}

function refused(fs: Fs): unknown[] {
  const calls = [
    () => fs.rmdirSync("/work"),
    () => fs.mkdirSync("/work"),
    () => fs.readlinkSync("/work/log"),
    () => fs.readFileSync("/work"),
    () => fs.openSync("/work/log/x", "r"),
  ];
  return calls.map((call) => {
    try {
      return call();
    } catch (error) {
      return describe(error);
    }
  });
}

function describe(error: unknown): unknown {
  const { code, errno, syscall, path, message } = error as NodeJS.ErrnoException;
  return { code, errno, syscall, path, message };
}

function concatenated(chunks: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(chunks.reduce((size, { length }) => size + length, 0));
  let at = 0;
  for (const chunk of chunks) {
    all.set(chunk, at);
    at += chunk.length;
  }
  return all;
}
