/**
 * Real processes over a mount: what they see of it, and what of their doings it has afterwards.
 */
import { readdirSync } from "node:fs";
import { describe, expect, onTestFinished, test } from "vitest";
import { nativeExecutor } from "../../src/runtime/native-executor.ts";
import { processContext } from "../../src/runtime/process.ts";
import { Store } from "../../src/runtime/store.ts";
import type { Mount } from "../../src/union/mount.ts";
import { tmpfs } from "../../src/union/mount.ts";
import { changesBetween } from "../../src/union/snapshot.ts";
import { imagePath, needs } from "../requirements.ts";
import { scratch } from "../store/scratch.ts";

const unmet =
  needs.root() ?? needs.image("debian-base") ?? needs.image("busybox") ?? needs.tool("setpriv", "util-linux");

async function container(name = "busybox") {
  const store = await Store.open(scratch(), { env: {} });
  const [image] = await store.load(imagePath(name));
  const mount = await image!.mount();
  const folder = scratch();
  onTestFinished(async () => {
    mount.unmount();
    await store.close();
    expect(readdirSync(folder)).toEqual([]);
  });
  const executor = nativeExecutor({ directory: folder });
  const run = async (line: string, user = "", options: { view?: Mount; signal?: AbortSignal } = {}) => {
    const { view = mount, signal } = options;
    const context = processContext(view, { user, hostname: "here" });
    let output = "";
    const take = (bytes: Uint8Array) => void (output += Buffer.from(bytes).toString());
    const status = await executor.execute({
      ...context,
      mount: view.as(context.caller),
      args: ["/bin/sh", "-c", line],
      stdout: take,
      stderr: take,
      ...(signal === undefined ? {} : { signal }),
    });
    return { status, output };
  };
  return { mount, run };
}

describe.skipIf(unmet)("real processes", () => {
  test("programs of the image do their work, and the layer has what they did", async () => {
    const { mount, run } = await container("debian-base");
    const { status, output } = await run(
      `set -e; dpkg -l | grep -c '^ii'; hostname; useradd -u 1234 -m bob
       perl -e 'open F, ">/made"; print F "x" x 10' ; ln /made /made2; ln -s made /made3; mkfifo -m 600 /fifo
       chmod 640 /etc/issue; rm -r /usr/share/doc; mv /etc/skel /etc/skel2; touch -d @1000 /etc/debian_version
       mknod /null c 1 3; setfattr -n user.a -v b /made 2>/dev/null || true; chown bob:bob /made3 -h`,
    );
    expect(output).toMatch(/^\d+\nhere\n$/);
    expect(status).toBe(0);
    expect(mount.stat("/home/bob/.profile")).toMatchObject({ uid: 1234 });
    expect(mount.lstat("/made").ino).toBe(mount.lstat("/made2").ino);
    expect(mount.lstat("/made3").uid).toBe(1234);
    expect(mount.lstat("/fifo").mode).toBe(0o010600);
    expect(mount.stat("/etc/debian_version").mtime).toBe(1_000_000_000_000n);
    expect(mount.exists("/etc/skel")).toBe(false);
    const changes = [...mount.changes()].map(({ path, kind }) => `${kind} ${path}`);
    expect(changes).toContain("deleted /usr/share/doc");
    expect(changes).toContain("modified /etc/issue");
    expect(changes).toContain("added /null");
    expect(changes.filter((change) => /\/(proc|dev|sys|bin)(\/|$)/.test(change))).toEqual([]);
    // What nothing was done to is no change.
    expect(changes.filter((change) => change.includes("/usr/lib"))).toEqual([]);
  });

  test("users are held to their rights; statuses are a shell's", async () => {
    const { mount, run } = await container();
    mount.mkdir("/srv", 0o700);
    expect(await run("id -u; id -G; cat /srv/x", "1000:50")).toMatchObject({ status: 1 });
    expect((await run("id -u; id -g", "1000:50")).output).toBe("1000\n50\n");
    expect(await run("exit 7")).toMatchObject({ status: 7 });
    expect(await run("sh -c 'kill -9 $$'; exit $?")).toMatchObject({ status: 137 });
    expect(await run("/nothing")).toMatchObject({ status: 127 });
    expect([...mount.changes()].map(({ path }) => path)).toEqual(["/srv"]);
  });

  test("what is attached is there, and written to where it may be", async () => {
    const { mount, run } = await container();
    const view = mount.unshare();
    mount.mkdir("/mnt");
    mount.mkdir("/srv");
    const before = mount.snapshot();
    view.attach("/mnt", tmpfs());
    view.writeFile("/mnt/in", "in");
    view.attach("/srv", tmpfs(), { readOnly: true });
    const { status } = await run("cat /mnt/in; echo out > /mnt/out; echo lost > /srv/x; rm /mnt/in", "", {
      view,
    });
    expect(status).toBe(0);
    expect(view.readdir("/mnt").map(({ name }) => name)).toEqual(["out"]);
    expect(view.readdir("/srv")).toEqual([]);
    expect([...mount.readdir("/mnt"), ...mount.readdir("/srv")]).toEqual([]);
    expect([...changesBetween(before, mount.snapshot())]).toEqual([]);
  });

  test("an abort ends them all at once", async () => {
    const { run } = await container();
    const controller = new AbortController();
    const running = run("sleep 1000 & sleep 1000", "", { signal: controller.signal });
    setTimeout(() => controller.abort(), 2000);
    expect(await running).toMatchObject({ status: 137 });
  });
});
