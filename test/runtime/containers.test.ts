/**
 * Containers as a library has them: made, found, run in, looked at beside a writer, kept, forked, removed.
 */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import type { Container } from "../../src/runtime/container.ts";
import type { Image } from "../../src/runtime/image.ts";
import { Store } from "../../src/runtime/store.ts";
import { layoutOf, makeImage } from "../store/images.ts";
import { scratch } from "../store/scratch.ts";

let store: Store;
let image: Image;

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

beforeEach(async () => {
  const made = await makeImage(
    [
      {
        "etc/motd": "hello\n",
        "etc/passwd": "root:x:0:0:root:/root:/bin/sh\napp:x:7:8:App:/home/app:/bin/sh\n",
        "etc/group": "root:x:0:\napp:x:8:\nextra:x:9:app,other\n",
        "bin/sh": "#!",
      },
    ],
    { config: { config: { Env: ["PATH=/bin", "A=1"], Cmd: ["sh"], WorkingDir: "/work/here" } } },
  );
  store = await Store.open(scratch(), { env: {} });
  [image] = (await store.load(layoutOf(scratch(), made), { name: "x:1" })) as [Image];
});

async function reads(container: Container, path: string): Promise<string> {
  const { mount, close } = await container.read();
  try {
    return text(mount.readFile(path));
  } finally {
    close();
  }
}

describe("making and finding", () => {
  test("a container is found by ID, name, slash and name, and the beginning of its ID", async () => {
    const { containers } = store;
    const one = await containers.create(image, { name: "one" });
    const two = await containers.create(image);
    expect(two.name).toMatch(/^[a-z]+_[a-z]+$/);
    for (const name of [one.id, "one", "/one", one.id.slice(0, 12)]) {
      expect((await containers.get(name)).id).toBe(one.id);
    }
    expect((await containers.list()).map(({ name }) => name).sort()).toEqual(["one", two.name].sort());
    await expect(containers.get("nosuch")).rejects.toMatchObject({
      code: "no-such-container",
      message: "No such container: nosuch",
    });
    await expect(containers.get("")).rejects.toMatchObject({ code: "no-such-container" });
  });

  test("a name belongs to one container, and says what it may be", async () => {
    const { containers } = store;
    const one = await containers.create(image, { name: "one" });
    const taken = { code: "name-in-use", message: expect.stringContaining(`by container "${one.id}"`) };
    await expect(containers.create(image, { name: "one" })).rejects.toMatchObject(taken);
    await expect(containers.create(image, { name: "-x" })).rejects.toMatchObject({ code: "invalid" });
    const two = await containers.create(image, { name: "two" });
    await expect(two.rename("one")).rejects.toMatchObject(taken);
    await two.rename("three");
    expect((await containers.get("three")).id).toBe(two.id);
    expect(readdirSync(join(store.directory!, "stratafs/tmp"))).toEqual([]);
  });

  test("its image stays reachable when its name goes to another one", async () => {
    const container = await store.containers.create(image, { name: "one" });
    const mount = await image.mount();
    mount.writeFile("/new", "");
    await image.commit(mount, { name: "x:1" });
    expect((await container.image()).id).toBe(image.id);
    expect((await store.images()).map((entry) => entry.image.id)).toContain(image.id);
  });
});

describe("running a function", () => {
  test("it is given the container's identity, environment and directory, and ends with a commit point", async () => {
    const container = await store.containers.create(image, { name: "one", user: "app", env: ["B=2"] });
    const seen = await container.run(({ mount, fs, env, cwd, caller }) => {
      mount.as({ uid: 0 }).chown("/work/here", 7, 8);
      fs.writeFileSync("file", "written");
      return {
        env,
        cwd,
        uid: caller.uid,
        gid: caller.gid,
        groups: caller.groups,
        motd: text(mount.readFile("/etc/motd")),
      };
    });
    expect(seen).toEqual({
      env: { PATH: "/bin", A: "1", B: "2", HOSTNAME: container.id.slice(0, 12), HOME: "/home/app" },
      cwd: "/work/here",
      uid: 7,
      gid: 8,
      groups: [9],
      motd: "hello\n",
    });
    expect(await reads(container, "/work/here/file")).toBe("written");
    expect(container.status).toMatchObject({ kind: "exited", exitCode: 0 });
    expect(await container.diff()).toEqual([
      { kind: "A", path: "/work" },
      { kind: "A", path: "/work/here" },
      { kind: "A", path: "/work/here/file" },
    ]);
  });

  test("what the system attaches is there and never among the changes", async () => {
    const container = await store.containers.create(image);
    await container.run(({ mount }) => {
      const fd = mount.open("/dev/urandom", 0);
      expect(mount.read(fd, new Uint8Array(16))).toBe(16);
      mount.writeFile("/dev/null", "gone");
      expect(() => mount.writeFile("/dev/full", "x")).toThrow(expect.objectContaining({ code: "ENOSPC" }));
      mount.writeFile("/dev/shm/x", "x");
      mount.writeFile("/etc/hosts", "1.2.3.4 x\n");
      expect(text(mount.readFile("/etc/hostname"))).toBe(`${container.id.slice(0, 12)}\n`);
      expect(text(mount.readFile("/proc/self/mounts"))).toContain("/dev/shm");
      expect(() => mount.writeFile("/proc/x", "")).toThrow(expect.objectContaining({ code: "EROFS" }));
    });
    expect(await container.diff()).toEqual([
      { kind: "A", path: "/work" },
      { kind: "A", path: "/work/here" },
    ]);
  });

  test("what it throws is thrown, and what it did stays, as with a process that fails", async () => {
    const container = await store.containers.create(image);
    const failing = container.run(({ mount }) => {
      mount.writeFile("/done", "yes");
      throw new Error("failed");
    });
    await expect(failing).rejects.toThrow("failed");
    expect(await reads(container, "/done")).toBe("yes");
    expect(container.status).toMatchObject({ kind: "exited", exitCode: 1 });
  });

  test("read-only: the container's files cannot be changed, attached ones can", async () => {
    const container = await store.containers.create(image, {
      readOnly: true,
      attachments: [{ type: "tmpfs", target: "/tmp/a/b", readOnly: false }],
    });
    await container.run(({ mount }) => {
      expect(() => mount.writeFile("/x", "")).toThrow(expect.objectContaining({ code: "EROFS" }));
      mount.writeFile("/tmp/a/b/x", "");
    });
  });
});

describe("writers and readers", () => {
  test("a second writer is refused with who has it, readers see the last commit point", async () => {
    const container = await store.containers.create(image, { name: "one" });
    const writer = await container.open();
    writer.mount.writeFile("/first", "1");
    writer.commit();
    writer.mount.writeFile("/second", "2");
    const other = await store.containers.get("one");
    expect(other.status.kind).toBe("running");
    for (const refused of [
      () => other.open(),
      () => other.run(() => {}),
      () => other.remove(),
      () => other.restore("none"),
    ]) {
      await expect(refused()).rejects.toThrow(
        /^(container one \([0-9a-f]{12}\) is in use by this process \(\d+\) since |No such snapshot)/,
      );
    }
    expect(await other.diff()).toEqual([{ kind: "A", path: "/first" }]);
    const committed = await other.commit({ name: "y:1" });
    expect((await committed.mount()).exists("/second")).toBe(false);
    writer.close();
    expect(await other.diff()).toHaveLength(2);
    expect(existsSync(join(container.folder, "uppers/1/writer"))).toBe(false);
  });

  test("an open writer is what run works in; discarded, it leaves the last commit point", async () => {
    const container = await store.containers.create(image);
    const writer = await container.open();
    await container.run(({ mount }) => mount.writeFile("/a", ""));
    writer.mount.writeFile("/b", "");
    writer.discard();
    const paths = (await container.diff()).map(({ path }) => path);
    expect(paths).toContain("/a");
    expect(paths).not.toContain("/b");
  });
});

describe("snapshots and forks", () => {
  test("a snapshot is kept until it is removed, and restored as often as one likes", async () => {
    const container = await store.containers.create(image);
    const write = (value: string) => container.exec(({ mount }) => mount.writeFile("/value", value));
    await write("one");
    await container.snapshot("before");
    await expect(container.snapshot("before")).rejects.toMatchObject({ code: "name-in-use" });
    await expect(container.snapshot("../x")).rejects.toMatchObject({ code: "invalid" });
    for (const value of ["two", "three"]) {
      await write(value);
      expect(await reads(container, "/value")).toBe(value);
      await container.restore("before");
      expect(await reads(container, "/value")).toBe("one");
      expect(readdirSync(join(container.folder, "uppers"))).toHaveLength(2);
    }
    await container.removeSnapshot("before");
    await expect(container.restore("before")).rejects.toMatchObject({ code: "no-such-snapshot" });
    expect(readdirSync(join(container.folder, "uppers"))).toHaveLength(1);
    expect(await reads(container, "/value")).toBe("one");
  });

  test("a fork starts as the container is, or as a snapshot was, and then neither sees the other", async () => {
    const container = await store.containers.create(image, { name: "one" });
    await container.exec(({ mount }) => mount.writeFile("/value", "a".repeat(100_000)));
    await container.snapshot("s");
    await container.exec(({ mount }) => mount.writeFile("/value", "b"));
    const now = await container.fork({ name: "now" });
    const then = await container.fork({ snapshot: "s" });
    await container.exec(({ mount }) => mount.writeFile("/value", "c"));
    expect(await reads(now, "/value")).toBe("b");
    expect(await reads(then, "/value")).toBe("a".repeat(100_000));
    await container.remove();
    expect(await reads(then, "/value")).toBe("a".repeat(100_000));
    expect(now.record.hostname).toBe(now.id.slice(0, 12));
    expect(now.record.snapshots).toEqual([]);
  });
});

test("commit: the image runs as the container does, with a layer of what it changed", async () => {
  const container = await store.containers.create(image, {
    command: ["echo", "hi"],
    env: ["B=2"],
    labels: { l: "1" },
  });
  await container.exec(({ mount }) => mount.writeFile("/new", "x"));
  const made = await container.commit({ changes: ["ENV C=3"], message: "words", author: "me" });
  expect(made.config.config).toMatchObject({
    Env: ["PATH=/bin", "A=1", "B=2", "C=3"],
    Cmd: ["echo", "hi"],
    Labels: { l: "1" },
  });
  expect(made.config.history?.at(-1)).toMatchObject({
    created_by: "echo hi",
    comment: "words",
    author: "me",
  });
  expect(text((await made.mount()).readFile("/new"))).toBe("x");
});

test("remove and prune leave nothing of a container, and nothing that another one uses", async () => {
  const one = await store.containers.create(image, { name: "one" });
  const two = await store.containers.create(image, { name: "two" });
  const three = await store.containers.create(image, { name: "three" });
  await one.remove();
  await expect(one.remove()).rejects.toMatchObject({ code: "no-such-container" });
  const writer = await two.open();
  expect((await store.containers.prune()).map(({ name }) => name)).toEqual(["three"]);
  writer.close();
  expect(existsSync(three.folder)).toBe(false);
  expect((await store.containers.list()).map(({ name }) => name)).toEqual(["two"]);
  expect(readdirSync(join(store.directory!, "stratafs/tmp"))).toEqual([]);
});

test("a store in memory has no containers, and says so", async () => {
  const memory = await Store.memory({ env: {} });
  const [loaded] = await memory.load(layoutOf(scratch(), await makeImage([{ a: "1" }])), { name: "x:1" });
  await expect(memory.containers.create(loaded!)).rejects.toMatchObject({
    code: "invalid",
    message: "a store in memory cannot keep containers: open one on disk",
  });
  expect(await memory.containers.list()).toEqual([]);
  await memory.close();
});
