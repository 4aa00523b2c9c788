/**
 * Pulls that are harmed on the way: what is not the promised content is refused, names its digest and
 * leaves nothing; what is only interrupted goes on, in this process or in a later one.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type Digest, digestHex, digestOf } from "../../src/oci/digest.ts";
import { Store } from "../../src/runtime/store.ts";
import { processNamespace } from "../../src/store/process.ts";
import { bundleProgram } from "../cli/bundle.ts";
import { needs } from "../requirements.ts";
import { layoutOf, type MadeImage, makeImage } from "../store/images.ts";
import { scratch } from "../store/scratch.ts";
import { type Fault, type FaultyProxy, type Passing, startFaultyProxy } from "./faulty-proxy.ts";
import { startRegistry, type TestRegistry } from "./registry.ts";

const FAST = { attempts: 3, firstPause: 5, longestPause: 20 };

/** Bytes that do not compress, the same each time. */
function noise(length: number, seed: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let at = 0, state = seed; at + 4 <= length; at += 4) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    bytes.writeUInt32LE(state, at);
  }
  return bytes;
}

/** Every file of a store that is not there from its beginning. */
function contents(root: string): readonly string[] {
  const list = (folder: string) =>
    existsSync(join(root, folder)) ? readdirSync(join(root, folder)).map((name) => `${folder}/${name}`) : [];
  return [...list("blobs/sha256"), ...list("stratafs/tmp"), ...list("stratafs/downloads")];
}

describe.skipIf(needs.tool("docker-registry", "docker-registry"))("a harmed pull", () => {
  let registry: TestRegistry;
  let proxy: FaultyProxy;
  let image: MadeImage;
  let name: string;
  let root: string;
  let store: Store;
  let bundled: string;
  let main: string;

  beforeAll(async () => {
    bundled = mkdtempSync(join(tmpdir(), "strata-bundle-"));
    main = await bundleProgram(bundled);
    registry = await startRegistry();
    proxy = await startFaultyProxy(registry.host);
    image = await makeImage([
      { small: "a small layer" },
      { large: noise(1_500_000, 1) },
      { other: noise(400_000, 2) },
    ]);
    name = `${proxy.host}/t/image:1`;
    const source = mkdtempSync(join(tmpdir(), "strata-source-"));
    const first = await Store.open(join(source, "store"), { env: {} });
    const [loaded] = await first.load(layoutOf(join(source, "layout"), image), { name });
    await first.push(loaded!, name, { retries: FAST });
    await first.close();
    rmSync(source, { recursive: true });
  });
  afterAll(async () => {
    await proxy.stop();
    await registry.stop();
    rmSync(bundled, { recursive: true, force: true });
  });
  beforeEach(async () => {
    root = scratch();
    store = await Store.open(root, { env: {} });
  });
  afterEach(async () => {
    proxy.decide = () => undefined;
    await store.close();
  });

  const pull = () => store.pull(name, { retries: FAST, timeout: 2000 });
  const isSound = async () => {
    const pulled = await store.image(name);
    expect(pulled.id).toBe(image.id);
    const mount = await pulled.mount();
    expect(digestOf(mount.fs.readFileSync("/large") as Buffer)).toBe(digestOf(noise(1_500_000, 1)));
    mount.unmount();
  };
  const part = (digest: Digest) => (passing: Passing) =>
    passing.method === "GET" && passing.url.includes(digest);
  const always = (matches: (passing: Passing) => boolean, fault: Fault) => {
    proxy.decide = (passing) => (matches(passing) ? fault : undefined);
  };

  /** The first time the connection breaks, and after that the registry is out of service. */
  const interrupt = (digest: Digest, at: number) => {
    let times = 0;
    proxy.decide = (passing) => {
      if (!part(digest)(passing)) return undefined;
      return times++ === 0 ? { kind: "drop", direction: "down", at } : { kind: "answer", status: 503 };
    };
  };

  describe("is refused, names the digest and leaves nothing", () => {
    const blobs = () =>
      [
        ["the manifest", image.descriptor.digest, (passing: Passing) => passing.url.endsWith("/manifests/1")],
        ["the config", image.id, part(image.id)],
        ["the first layer", image.layers[0]!.digest, part(image.layers[0]!.digest)],
        ["a large layer", image.layers[1]!.digest, part(image.layers[1]!.digest)],
        ["the last layer", image.layers[2]!.digest, part(image.layers[2]!.digest)],
      ] as const;

    it.each([0, 1, 2, 3, 4])("whatever is changed: document or layer %i", async (i) => {
      const [, digest, matches] = blobs()[i]!;
      const size = image.blobs.get(digest)!.length;
      for (const at of [0, Math.floor(size / 2), size - 1]) {
        always((passing) => passing.method === "GET" && matches(passing), {
          kind: "corrupt",
          direction: "down",
          at,
        });
        await expect(pull(), `byte ${at}`).rejects.toThrow(digest);
        expect((await store.images()).length).toBe(0);
        // Layers that arrived whole may wait for the next attempt; the damaged one may not.
        const left = contents(root);
        expect(left.filter((file) => !file.startsWith("stratafs/downloads/sha256-"))).toEqual([]);
        expect(left.filter((file) => file.includes(digestHex(digest)))).toEqual([]);
      }
      proxy.decide = () => undefined;
      await pull();
      await isSound();
    });

    it.each([0, 1, 2, 3, 4])("whatever is swapped for other content: %i", async (i) => {
      const [, digest, matches] = blobs()[i]!;
      const original = image.blobs.get(digest)!;
      const sameSize = Buffer.from(original).reverse();
      for (const body of [sameSize, Buffer.from("short"), Buffer.concat([original, Buffer.from("more")])]) {
        always((passing) => passing.method === "GET" && matches(passing), { kind: "swap", body });
        await expect(pull()).rejects.toThrow(digest);
        expect((await store.images()).length).toBe(0);
        expect(contents(root).filter((file) => file.includes(digestHex(digest)))).toEqual([]);
      }
    });

    it("another layer in the place of one, and a config of another image", async () => {
      const [a, , c] = image.layers;
      always(part(a!.digest), { kind: "swap", body: image.blobs.get(c!.digest)! });
      await expect(pull()).rejects.toThrow(a!.digest);
      const other = await makeImage([{ x: "y" }]);
      always(part(image.id), { kind: "swap", body: other.config });
      await expect(pull()).rejects.toThrow(image.id);
      expect(await store.images()).toEqual([]);
    });

    it("what ends early every time", async () => {
      const { digest } = image.layers[1]!;
      always(part(digest), { kind: "truncate", at: 1000 });
      await expect(pull()).rejects.toThrow(digest);
      expect(await store.images()).toEqual([]);
    });
  });

  it("ends the other downloads where one layer is damaged", async () => {
    const [small, large] = image.layers;
    proxy.decide = (passing) => {
      if (part(small!.digest)(passing)) return { kind: "corrupt", direction: "down", at: 20 };
      return part(large!.digest)(passing) ? { kind: "throttle", direction: "down", pause: 20 } : undefined;
    };
    const before = proxy.log.length;
    await expect(pull()).rejects.toThrow(small!.digest);
    const [passing] = proxy.log.slice(before).filter(part(large!.digest));
    expect(passing?.sent).toBeLessThan(large!.size);
  });

  it.each([
    ["drop", 100_000],
    ["drop", 1_499_999],
    ["truncate", 700_000],
    ["stall", 700_000],
  ] as const)("goes on after a layer's connection did %s at %i", async (kind, at) => {
    let left = 1;
    const matches = part(image.layers[1]!.digest);
    proxy.decide = (passing) => {
      if (!matches(passing) || left-- <= 0) return undefined;
      return kind === "drop" ? { kind, direction: "down", at } : { kind, at };
    };
    await pull();
    await isSound();
    expect(contents(root).filter((file) => file.startsWith("stratafs/"))).toEqual([]);
  });

  it("that was given up goes on where it stopped, also in another process", async () => {
    const { digest } = image.layers[1]!;
    interrupt(digest, 800_000);
    await expect(pull()).rejects.toThrow(/status 503/);
    const file = join(root, "stratafs/downloads", digest.replace(":", "-"));
    const got = statSync(file).size;
    // What the kernel still had when the connection was reset is lost.
    expect(got).toBeGreaterThan(400_000);
    expect(got).toBeLessThanOrEqual(800_000);
    proxy.decide = () => undefined;
    const before = proxy.log.length;
    const child = run(root);
    expect(await ended(child)).toBe(0);
    const ranges = proxy.log
      .slice(before)
      .filter(part(digest))
      .map(({ headers }) => headers.range);
    expect(ranges).toEqual([`bytes=${got}-`]);
    // The other layers were whole, and are not asked for again.
    expect(proxy.log.slice(before).filter(part(image.layers[2]!.digest))).toEqual([]);
    await isSound();
    expect(contents(root).filter((path) => path.startsWith("stratafs/"))).toEqual([]);
  });

  it("that is aborted keeps what arrived, and the store as it was", async () => {
    const { digest } = image.layers[1]!;
    always(part(digest), { kind: "throttle", direction: "down", pause: 10 });
    const controller = new AbortController();
    const pulling = store.pull(name, {
      retries: FAST,
      signal: controller.signal,
      observe({ status, current = 0, total }) {
        if (status === "Downloading" && total === image.layers[1]!.size && current > 200_000)
          controller.abort();
      },
    });
    await expect(pulling).rejects.toMatchObject({ name: "RegistryError", code: "aborted" });
    expect(await store.images()).toEqual([]);
    expect(statSync(join(root, "stratafs/downloads", digest.replace(":", "-"))).size).toBeGreaterThan(
      200_000,
    );
    proxy.decide = () => undefined;
    await pull();
    await isSound();
  });

  it("goes on from a damaged rest of an earlier attempt by starting again", async () => {
    const { digest } = image.layers[1]!;
    interrupt(digest, 800_000);
    await expect(pull()).rejects.toThrow(/status 503/);
    proxy.decide = () => undefined;
    const file = join(root, "stratafs/downloads", digest.replace(":", "-"));
    writeFileSync(file, noise(statSync(file).size, 99));
    await pull();
    await isSound();
  });

  it("takes the longest of what several processes left, and removes the rest", async () => {
    const { digest } = image.layers[1]!;
    const blob = image.blobs.get(digest)!;
    const downloads = join(root, "stratafs/downloads");
    mkdirSync(downloads, { recursive: true });
    const file = join(downloads, digest.replace(":", "-"));
    // Process 1 started at another time than this says.
    const gone = `1-1-${processNamespace()}`;
    for (const [holder, length] of [
      ["", 1000],
      [`@${gone}@aa`, 5000],
      [`@${gone}@bb`, 300],
    ] as const) {
      writeFileSync(file + holder, blob.subarray(0, length));
    }
    const before = proxy.log.length;
    await pull();
    const ranges = proxy.log
      .slice(before)
      .filter(part(digest))
      .map(({ headers }) => headers.range);
    expect(ranges).toEqual(["bytes=5000-"]);
    expect(readdirSync(downloads)).toEqual([]);
  });

  it("is killed, and the next process goes on with what arrived", async () => {
    const { digest } = image.layers[1]!;
    always(part(digest), { kind: "throttle", direction: "down", pause: 10 });
    const child = run(root);
    const downloads = join(root, "stratafs/downloads");
    const arrived = () => {
      const names = existsSync(downloads) ? readdirSync(downloads) : [];
      const own = names.find((file) => file.startsWith(digest.replace(":", "-")));
      return own === undefined ? 0 : statSync(join(downloads, own)).size;
    };
    while (arrived() < 300_000 && child.exitCode === null)
      await new Promise((resolve) => setTimeout(resolve, 5));
    child.kill("SIGKILL");
    await ended(child);
    const got = arrived();
    expect(got).toBeGreaterThanOrEqual(300_000);
    proxy.decide = () => undefined;
    expect(await store.images()).toEqual([]);
    const before = proxy.log.length;
    await pull();
    const ranges = proxy.log
      .slice(before)
      .filter(part(digest))
      .map(({ headers }) => headers.range);
    expect(ranges).toEqual([`bytes=${got}-`]);
    await isSound();
  });

  it("by several processes at once gives each the image", async () => {
    always(part(image.layers[1]!.digest), { kind: "throttle", direction: "down", pause: 2 });
    const children = [run(root), run(root), run(root)];
    expect(await Promise.all(children.map(ended))).toEqual([0, 0, 0]);
    await isSound();
    expect(contents(root).filter((path) => path.startsWith("stratafs/"))).toEqual([]);
  });

  function run(directory: string): ChildProcess {
    return spawn(process.execPath, [main, "pull", "-q", name], {
      env: { ...process.env, STRATAFS_ROOT: directory, HOME: directory },
      stdio: ["ignore", "ignore", "inherit"],
    });
  }

  async function ended(child: ChildProcess): Promise<number | null> {
    if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
    return child.exitCode;
  }
});
