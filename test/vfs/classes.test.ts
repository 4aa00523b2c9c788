/**
 * `fs.Stats`, `fs.Dirent` and `fs.Dir`: what programs do with them beyond calling functions.
 */
import * as nodeFs from "node:fs";
import { describe, expect, test } from "vitest";
import { createFs } from "../../src/vfs/node-fs.ts";
import { type Fs, type Ground, newFs, newMount } from "./ground.ts";
import { failure, same } from "./same.ts";

const { UV_DIRENT_DIR } = nodeFs.constants as unknown as { readonly UV_DIRENT_DIR: number };

type Entry = nodeFs.Dirent & { readonly parentPath: string };

/** An entry as its own fields show it, with its type. */
function told(entry: nodeFs.Dirent): unknown {
  return [entry.name, entry.parentPath, entry.isFile(), entry.isDirectory(), entry.isSymbolicLink()];
}

function byName(a: unknown, b: unknown): number {
  return JSON.stringify(a) < JSON.stringify(b) ? -1 : 1;
}

async function all(directory: AsyncIterable<nodeFs.Dirent>): Promise<unknown[]> {
  const entries: unknown[] = [];
  for await (const entry of directory) entries.push(told(entry));
  return entries.sort(byName);
}

describe("Stats", () => {
  test("is the class of what stat gives, and is made with Node's arguments", () => {
    const fs = newFs();
    const stats = fs.statSync("/");
    expect(stats).toBeInstanceOf(fs.Stats);
    expect(Object.keys(stats)).toEqual(Object.keys(nodeFs.statSync("/")));
    const make = (each: Fs) =>
      Reflect.construct(each.Stats, [1, 0o100644, 3, 4, 5, 6, 7, 8, 9, 10, 1.5, -1.7, 3, 4]) as nodeFs.Stats;
    expect({ ...make(fs) }).toEqual({ ...make(nodeFs) });
    expect(make(fs).isFile()).toBe(true);
  });

  test("times are true to the nanosecond", () => {
    const mount = newMount();
    const fs = createFs(mount);
    fs.writeFileSync("/f", "");
    mount.utimens("/f", 1_234_567_890_123_456_789n, -1_500_000_001n);
    const { atimeNs, atimeMs, atime, mtimeNs, mtimeMs, mtime } = fs.statSync("/f", { bigint: true });
    expect([atimeNs, atimeMs, atime.getTime()]).toEqual([
      1_234_567_890_123_456_789n,
      1_234_567_890_123n,
      1_234_567_890_123,
    ]);
    expect([mtimeNs, mtimeMs, mtime.getTime()]).toEqual([-1_500_000_001n, -1500n, -1500]);
    expect(fs.statSync("/f").atimeMs).toBeCloseTo(1_234_567_890_123.4568, 3);
  });

  test("a copy of it still knows its kind", () => {
    const fs = newFs();
    const copy = Object.assign(Object.create(fs.Stats.prototype) as nodeFs.Stats, fs.statSync("/"));
    expect(copy.isDirectory()).toBe(true);
  });

  test("kinds that node:fs cannot make", () => {
    const mount = newMount();
    mount.mknod("/fifo", "fifo");
    mount.mknod("/socket", "socket");
    mount.mknod("/char", "char", 0o600, 0x103);
    mount.mknod("/block", "block", 0o600, 0x800);
    const fs = createFs(mount);
    const kinds = (entry: nodeFs.Stats | nodeFs.Dirent) => [
      entry.isFIFO(),
      entry.isSocket(),
      entry.isCharacterDevice(),
      entry.isBlockDevice(),
    ];
    const names = ["/block", "/char", "/fifo", "/socket"];
    const expected = [
      [false, false, false, true],
      [false, false, true, false],
      [true, false, false, false],
      [false, true, false, false],
    ];
    expect(names.map((name) => kinds(fs.statSync(name)))).toEqual(expected);
    expect(fs.readdirSync("/", { withFileTypes: true }).map(kinds)).toEqual(expected);
    expect(fs.statSync("/char").rdev).toBe(0x103);
    expect(() => fs.cpSync("/fifo", "/new")).toThrow(
      expect.objectContaining({ code: "ERR_FS_CP_FIFO_PIPE" }),
    );
    expect(() => fs.cpSync("/socket", "/new")).toThrow(expect.objectContaining({ code: "ERR_FS_CP_SOCKET" }));
    expect(() => fs.openSync("/fifo", "r")).toThrow(expect.objectContaining({ code: "ENXIO" }));
  });
});

describe("Dirent", () => {
  test("is the class of what readdir, opendir and glob give, and is made with Node's arguments", () => {
    const fs = newFs();
    fs.mkdirSync("/d");
    const [entry] = fs.readdirSync("/", { withFileTypes: true });
    expect(entry).toBeInstanceOf(fs.Dirent);
    expect(fs.opendirSync("/").readSync()).toBeInstanceOf(fs.Dirent);
    expect(fs.globSync("*", { withFileTypes: true, cwd: "/" })[0]).toBeInstanceOf(fs.Dirent);
    const make = (each: Fs) => told(Reflect.construct(each.Dirent, ["n", UV_DIRENT_DIR, "/p"]) as Entry);
    expect(make(fs)).toEqual(make(nodeFs));
  });
});

const DIR: { readonly [name: string]: (ground: Ground) => unknown } = {
  "async iteration closes it": async ({ fs, at }) => {
    const dir = await fs.promises.opendir(at("."));
    return [await all(dir), await failure(() => dir.read())];
  },
  "iteration that is left early closes it": async ({ fs, at }) => {
    const dir = fs.opendirSync(at("."));
    for await (const _ of dir) break;
    return failure(() => dir.close());
  },
  "readSync to the end": ({ fs, at }) => {
    const dir = fs.opendirSync(at("d"), { bufferSize: 1 });
    const entries: unknown[] = [];
    for (let entry = dir.readSync(); entry !== null; entry = dir.readSync()) entries.push(told(entry));
    entries.sort(byName);
    return [dir.path, entries, dir.readSync(), dir.closeSync()];
  },
  "read and close by callbacks": async ({ fs, at }) => {
    const dir = await new Promise<nodeFs.Dir>((resolve, reject) =>
      fs.opendir(at("d/e"), (error, opened) => (error ? reject(error) : resolve(opened))),
    );
    const read = () =>
      new Promise((resolve) => dir.read((error, entry) => resolve([error, entry && told(entry)])));
    const close = () => new Promise((resolve) => dir.close((error) => resolve(error ?? "closed")));
    return [await read(), await read(), await close(), await close()];
  },
  "read by promises, in order": async ({ fs, at }) => {
    const dir = await fs.promises.opendir(at("d/e"));
    const entries = await Promise.all([dir.read(), dir.read()]);
    await dir.close();
    return entries.map((entry) => entry && told(entry));
  },
  "after close": async ({ fs, at }) => {
    const dir = fs.opendirSync(at("d"));
    dir.closeSync();
    return [
      await failure(() => dir.readSync()),
      await failure(() => dir.closeSync()),
      await failure(() => dir.read()),
      await failure(() => dir.close()),
      await failure(() => {
        dir.read(() => {});
      }),
    ];
  },
  "names as buffers": async ({ fs, at }) => {
    const dir = await fs.promises.opendir(at("d"), { encoding: "buffer" as never });
    return all(dir);
  },
  recursive: async ({ fs, at }) => all(await fs.promises.opendir(at("."), { recursive: true })),
  "a path with a slash at its end": async ({ fs, at }) => all(await fs.promises.opendir(`${at("d")}/`)),
  "wrong options": async ({ fs, at }) => [
    await failure(() => fs.opendirSync(at("d"), { bufferSize: 0 })),
    await failure(() => fs.opendirSync(at("d"), { bufferSize: "1" as never })),
  ],
  "what is removed while it is read is told of at most once": async ({ fs, at }) => {
    fs.mkdirSync(at("many"));
    for (let n = 0; n < 100; n++) fs.writeFileSync(at(`many/${n}`), "");
    const seen = new Set<string>();
    for await (const { name } of fs.opendirSync(at("many"))) {
      if (seen.has(name)) throw new Error(`twice: ${name}`);
      seen.add(name);
      fs.rmSync(at(`many/${name}`));
    }
    return seen.size;
  },
};

describe("Dir", () => {
  test.each(Object.entries(DIR))("%s", async (_name, scenario) => {
    await same(scenario);
  });

  test("is the class of what opendir gives", () => {
    const fs = newFs();
    expect(fs.opendirSync("/")).toBeInstanceOf(fs.Dir);
  });

  test("await using closes it: Symbol.asyncDispose and Symbol.dispose, as in later Nodes", async () => {
    const fs = newFs();
    const [one, other] = [fs.opendirSync("/"), fs.opendirSync("/")] as unknown as (AsyncDisposable &
      Disposable)[];
    await one![Symbol.asyncDispose]();
    other![Symbol.dispose]();
    await expect((one as unknown as nodeFs.Dir).close()).rejects.toThrow("closed");
    expect(() => (other as unknown as nodeFs.Dir).closeSync()).toThrow("closed");
  });
});
