/**
 * A store is an OCI image layout that umoci and skopeo read and write in place, and what we commit they
 * unpack to what we see.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { Image } from "../../src/runtime/image.ts";
import { Store } from "../../src/runtime/store.ts";
import type { Mount } from "../../src/union/mount.ts";
import { imagePath, needs } from "../requirements.ts";
import { layoutOf, makeImage } from "../store/images.ts";
import { scratch } from "../store/scratch.ts";
import { type Dump, dumpDirectory, dumpMount } from "./host-dump.ts";

const run = (command: string, ...args: string[]) =>
  execFileSync(command, args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
const UMOCI = needs.tool("umoci", "umoci");
const SKOPEO = needs.tool("skopeo", "skopeo");

const open = (root: string) => Store.open(root, { env: { SOURCE_DATE_EPOCH: "2000000000" } });

/** What umoci makes of an image of a store. */
function unpacked(store: Store, reference: string): Dump {
  const bundle = join(scratch(), "bundle");
  run("umoci", "unpack", "--image", `${store.directory!}:${reference}`, bundle);
  return dumpDirectory(join(bundle, "rootfs"));
}

async function small(root = scratch()) {
  const store = await open(root);
  const [image] = await store.load(layoutOf(scratch(), await makeImage([{ a: "1" }, { b: "2" }])), {
    name: "me/x:1",
  });
  return { store, image: image! };
}

describe.skipIf(UMOCI)("umoci", () => {
  test("lists our references, and tags in place what we then show and find", async () => {
    const { store, image } = await small();
    expect(run("umoci", "ls", "--layout", store.directory!)).toBe("docker.io/me/x:1\n");
    run("umoci", "tag", "--image", `${store.directory!}:docker.io/me/x:1`, "bare");
    expect((await store.image("bare")).id).toBe(image.id);
    const [stored] = await store.images();
    expect([stored?.image.tags, stored?.foreign]).toEqual([["me/x:1"], ["bare"]]);
    await store.close();
  });

  test("collects its garbage and leaves what we keep, named or not", async () => {
    const { store, image } = await small();
    const mount = await image.mount();
    mount.writeFile("/c", "3");
    const nameless = await image.commit(mount);
    run("umoci", "gc", "--layout", store.directory!);
    expect((await store.images()).map((stored) => stored.image.id)).toEqual([image.id, nameless.id]);
    expect((await (await store.image(nameless.id)).mount()).exists("/c")).toBe(true);
    await store.close();
  });

  test.skipIf(needs.root())("changes an image in place, and we see the change", async () => {
    const { store } = await small();
    const bundle = join(scratch(), "bundle");
    run("umoci", "unpack", "--image", `${store.directory!}:docker.io/me/x:1`, bundle);
    run("cp", join(bundle, "rootfs/a"), join(bundle, "rootfs/copied"));
    run("umoci", "repack", "--image", `${store.directory!}:docker.io/me/x:1`, bundle);
    expect((await (await store.image("me/x:1")).mount()).exists("/copied")).toBe(true);
    await store.close();
  });
});

describe.skipIf(SKOPEO)("skopeo", () => {
  test("inspects in place", async () => {
    const { store, image } = await small();
    const inspected = JSON.parse(run("skopeo", "inspect", `oci:${store.directory!}:docker.io/me/x:1`));
    expect(inspected.Digest).toBe(image.descriptor.digest);
    expect(
      JSON.parse(run("skopeo", "inspect", "--config", `oci:${store.directory!}:docker.io/me/x:1`)).rootfs,
    ).toEqual(image.config.rootfs);
    await store.close();
  });

  test("copies into the store in place, under a name of ours and under a bare tag", async () => {
    const { store } = await small();
    const other = layoutOf(scratch(), await makeImage([{ c: "3" }]), "latest");
    run("skopeo", "copy", "-q", `oci:${other}:latest`, `oci:${store.directory!}:docker.io/me/y:2`);
    run("skopeo", "copy", "-q", `oci:${other}:latest`, `oci:${store.directory!}:bare`);
    const copied = await store.image("me/y:2");
    expect((await copied.mount()).exists("/c")).toBe(true);
    expect((await store.image("bare")).id).toBe(copied.id);
    await store.close();
  });
});

describe.skipIf(UMOCI ?? needs.root() ?? needs.tool("python3", "python3"))(
  "what umoci unpacks is what we see",
  () => {
    test.skipIf(needs.image("deep125"))("deep125", async () => {
      const store = await open(scratch());
      const [image] = await store.load(imagePath("deep125"), { name: "deep" });
      expect(unpacked(store, "docker.io/library/deep:latest")).toEqual(dumpMount(await image!.mount()));
      await store.close();
    });

    /** What a container might do to a Debian in a few minutes. */
    function work(mount: Mount): void {
      mount.mkdir("/srv/app");
      for (let i = 0; i < 150; i++) mount.writeFile(`/srv/app/${i}`, `file ${i}\n`.repeat(i * 7), 0o640);
      const docs = mount.readdir("/usr/share/doc").map(({ name }) => `/usr/share/doc/${name}`);
      for (const path of docs.slice(0, 40)) {
        for (const { name, kind } of mount.readdir(path))
          if (kind === "file") mount.unlink(`${path}/${name}`);
      }
      const bins = mount
        .readdir("/usr/bin")
        .filter(({ kind }) => kind === "file")
        .map(({ name }) => `/usr/bin/${name}`);
      for (const path of bins.slice(0, 50)) mount.appendFile(path, "\n# appended\n");
      for (const path of bins.slice(50, 90)) mount.link(path, `${path}.linked`);
      for (const path of bins.slice(90, 120)) mount.rename(path, path.replace("/usr/bin/", "/srv/app/"));
      for (const path of bins.slice(120, 140)) mount.chmod(path, 0o4711);
      for (const path of bins.slice(140, 160)) mount.chown(path, 12345, 2 ** 32 - 2);
      mount.rename("/usr/share/zoneinfo", "/srv/zoneinfo");
      mount.rename("/etc/apt", "/etc/apt.old");
      mount.unlink("/etc/motd");
      mount.mkdir("/etc/motd");
      mount.symlink("../run", "/etc/motd/\udcffnot utf-8");
      mount.setxattr(
        "/etc/passwd",
        "user.binary",
        Uint8Array.from({ length: 256 }, (_, i) => i),
      );
      mount.mknod("/dev/fifo", "fifo", 0o600);
      mount.mknod("/dev/loop9", "block", 0o660, 7 * 256 + 9);
      mount.utimens("/etc/issue", -1_500_000_000n, -1_500_000_000n);
    }

    const DEBIAN = needs.image("debian-base") ?? SKOPEO;

    test.skipIf(DEBIAN)("a commit on debian-base, attribute by attribute", async () => {
      const store = await open(scratch());
      const [base] = await store.load(imagePath("debian-base"), { name: "debian" });
      const mount = await base!.mount();
      work(mount);
      const before = dumpMount(mount);
      const next: Image = await base!.commit(mount, { name: "debian:worked", message: "work" });
      const merged = dumpMount(await next.mount());
      // SOURCE_DATE_EPOCH lies ahead of now, so no time is changed by it.
      expect(merged).toEqual(before);
      expect(unpacked(store, "docker.io/library/debian:worked")).toEqual(merged);

      const again = await base!.commit(mount, { name: "debian:again", message: "work" });
      expect(again.descriptor.digest).toBe(next.descriptor.digest);

      const directory = join(scratch(), "docker.tar");
      mkdirSync(join(directory, ".."), { recursive: true });
      run(
        "skopeo",
        "copy",
        "-q",
        `oci:${store.directory!}:docker.io/library/debian:worked`,
        `docker-archive:${directory}:w:1`,
      );
      const other = await open(scratch());
      const [copied] = await other.load(directory);
      expect([copied?.id, copied?.tags]).toEqual([next.id, ["w:1"]]);
      await other.close();
      await store.close();
    });
  },
);
