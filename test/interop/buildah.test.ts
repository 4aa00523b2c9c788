/**
 * The same Dockerfiles built by buildah and by us: trees equal attribute by attribute, configurations field by
 * field, apart from what `dockerfiles.ts` lists as deviations.
 */
import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Image } from "../../src/runtime/image.ts";
import { Store } from "../../src/runtime/store.ts";
import { buildIn, EPOCH, putFiles } from "../build/harness.ts";
import { imagePath, needs } from "../requirements.ts";
import { type Dump, dumpDirectory, dumpMount } from "../runtime/host-dump.ts";
import { DOCKERFILES, type Dockerfile } from "./dockerfiles.ts";

const BASE = "localhost/base:1";
const missing =
  needs.tool("buildah", "buildah") ??
  needs.tool("umoci", "umoci") ??
  needs.tool("python3", "python3") ??
  needs.root() ??
  needs.image("busybox");

let folder: string;
let context: string;
let store: Store;
/** Where buildah's images are read. */
let theirs: Store;

function run(command: string, ...args: string[]): string {
  try {
    return execFileSync(command, args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
  } catch (error) {
    throw new Error((error as { stderr: string }).stderr, { cause: error });
  }
}

function buildah(...args: string[]): string {
  const storage = [
    "--root",
    join(folder, "root"),
    "--runroot",
    join(folder, "run"),
    "--storage-driver",
    "vfs",
  ];
  return run("buildah", ...storage, ...args);
}

function makeContext(): void {
  putFiles(context, {
    "a.txt|0640": "A\n",
    "b.txt": "B\n",
    "odd/[x].txt": "X",
    "sp ace.txt": "S",
    "ünï.txt": "U",
    "sub/c.txt": "C\n",
    "sub/deep/d.txt": "D\n",
    "private|0700": null,
    "private/p.txt|0600": "P",
    "box/in|0710": null,
    "box/in/f.txt": "F",
    "links/file": "-> ../sub/c.txt",
    "links/dir": "-> ../sub",
    "links/gone": "-> nowhere",
    "links/abs": "-> /etc/passwd",
    "hard/one": "1",
    "hard/two": "= hard/one",
    "hard/in/three": "= hard/one",
    "special/suid|4755": "#!",
    "special/sgid|2755": null,
    "special/sticky|1777": null,
    empty: null,
    void: "",
    "parts/d/f.txt|0640": "F",
    "parts/d/g": "= parts/d/f.txt",
    "parts/l": "-> d/f.txt",
  });
  chmodSync(join(context, "parts/d"), 0o750);
  const tar = ["--owner=5", "--group=6", "--sort=name", "-C", join(context, "parts"), "-cf"];
  run("tar", ...tar, join(context, "t.tar"), "d", "l");
  writeFileSync(join(context, "packed.bin"), execFileSync("gzip", ["-nc", join(context, "t.tar")]));
  run("touch", "-d", `@${EPOCH}`, join(context, "t.tar"), join(context, "packed.bin"), context);
}

/** A dump in which times are those of the context or another one. */
function timeless(dump: Dump): Record<string, string> {
  const entries = Object.entries(dump).map(([path, line]) => {
    const [mode, owner, time, ...rest] = line.split(" ");
    if (path === "/") return [path, line];
    const isDirectory = mode!.startsWith("4");
    const shown = isDirectory ? "" : time === String(EPOCH) ? "kept" : "new";
    return [path, [mode, owner, shown, ...rest].join(" ")];
  });
  return Object.fromEntries(entries) as Record<string, string>;
}

/** What buildah's RUN leaves of the files that it mounts over. */
const LEFT_BY_RUN = ["/etc/hostname", "/etc/hosts", "/etc/resolv.conf", "/run", "/run/.containerenv"];

function withoutLeft(dump: Record<string, string>): Record<string, string> {
  const left = new Set(LEFT_BY_RUN);
  return Object.fromEntries(Object.entries(dump).filter(([path]) => !left.has(path)));
}

async function dumpOf(image: Image): Promise<Record<string, string>> {
  const mount = await image.mount({ readOnly: true });
  try {
    return timeless(dumpMount(mount));
  } finally {
    mount.unmount();
  }
}

/** Fields that both builders define. */
function configOf({ config }: Image): Record<string, unknown> {
  const { Env = [], Labels = {}, ...rest } = config.config ?? {};
  const { "io.buildah.version": _, ...labels } = Labels ?? {};
  const fields = [
    "Cmd",
    "Entrypoint",
    "WorkingDir",
    "User",
    "ExposedPorts",
    "Volumes",
    "StopSignal",
  ] as const;
  const shown: Record<string, unknown> = {
    Env: Env!.filter((entry) => !entry.startsWith("PATH=")),
    Labels: labels,
  };
  for (const field of fields) if (rest[field]) shown[field] = rest[field];
  // For a stage from scratch BuildKit writes what Docker and buildah mean by nothing.
  if (shown.WorkingDir === "/") delete shown.WorkingDir;
  return shown;
}

interface Made {
  readonly image?: Image;
  readonly error?: string;
}

async function ours(row: Dockerfile, text: string, name: string): Promise<Made> {
  const { ignore, buildArgs, target } = row;
  try {
    const options = { names: [name], ...(buildArgs && { buildArgs }), ...(target && { target }) };
    const { image } = await buildIn(store, context, text, {
      ...options,
      ...(ignore === undefined ? {} : { ignore }),
    });
    return { image };
  } catch (error) {
    return { error: (error as Error).message };
  }
}

async function buildahs(row: Dockerfile, text: string, name: string): Promise<Made> {
  const file = join(folder, "Dockerfile");
  writeFileSync(file, text);
  const ignore = join(folder, "ignore");
  writeFileSync(ignore, row.ignore ?? "");
  const args = Object.entries(row.buildArgs ?? {}).flatMap(([key, value]) => [
    "--build-arg",
    `${key}=${value}`,
  ]);
  if (row.target !== undefined) args.push("--target", row.target);
  try {
    buildah(
      "bud",
      "--isolation",
      "chroot",
      "--pull-never",
      ...args,
      "--ignorefile",
      ignore,
      "-f",
      file,
      "-t",
      name,
      context,
    );
  } catch (error) {
    return { error: (error as Error).message };
  }
  const layout = join(folder, "layout");
  buildah("push", name, `oci:${layout}:${name}`);
  const [image] = await theirs.load(layout, { name: `theirs/${name}:1` });
  rmSync(layout, { recursive: true });
  return { image: image! };
}

describe.skipIf(missing)("built by buildah and by us", () => {
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "strata-buildah-"));
    context = join(folder, "context");
    mkdirSync(context);
    makeContext();
    const id = buildah("pull", "-q", `oci:${imagePath("busybox")}`).trim();
    buildah("tag", id, BASE);
    store = await Store.open(join(folder, "store"));
    await store.load(imagePath("busybox"), { name: BASE });
    theirs = await Store.memory();
  }, 60_000);

  afterAll(async () => {
    await store?.close();
    await theirs?.close();
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  });

  test.each(DOCKERFILES.map((row, i) => ({ ...row, i })))(
    "$trap",
    async (row) => {
      const text = `${row.text.replaceAll(/(?<=FROM |--from=)@/g, BASE)}\n`;
      const name = `row${row.i}`;
      const [a, b] = [await ours(row, text, name), await buildahs(row, text, name)];
      const { refused, files = {}, config = {} } = row.deviates ?? {};
      if (refused !== undefined) {
        const [no, yes] = refused.by === "ours" ? [a, b] : [b, a];
        expect(no.error).toMatch(refused.message);
        expect(yes.error).toBeUndefined();
        return;
      }
      if (a.error !== undefined || b.error !== undefined) {
        expect([a.error, b.error]).toEqual([expect.any(String), expect.any(String)]);
        return;
      }
      const [left, right] = [await dumpOf(a.image!), withoutLeft(await dumpOf(b.image!))];
      for (const [path, [mine, other]] of Object.entries(files)) {
        expect([left[path], right[path]]).toEqual([mine, other]);
        delete left[path];
        delete right[path];
      }
      expect(left).toEqual(right);
      const [configs, otherConfigs] = [configOf(a.image!), configOf(b.image!)];
      for (const [field, [mine, other]] of Object.entries(config)) {
        expect([configs[field], otherConfigs[field]]).toEqual([mine, other]);
        delete configs[field];
        delete otherConfigs[field];
      }
      expect(configs).toEqual(otherConfigs);
    },
    30_000,
  );

  test("and umoci unpacks ours to what we show", async () => {
    for (const [i, { trap }] of DOCKERFILES.entries()) {
      if (i % 3 !== 0) continue;
      const name = `row${i}`;
      const image = await store.image(name).catch(() => undefined);
      if (image === undefined) continue;
      const bundle = join(folder, "bundle");
      run("umoci", "unpack", "--image", `${store.directory!}:docker.io/library/${name}:latest`, bundle);
      expect({ trap, files: timeless(dumpDirectory(join(bundle, "rootfs"))) }).toEqual({
        trap,
        files: await dumpOf(image),
      });
      rmSync(bundle, { recursive: true });
    }
  }, 60_000);
});
