/**
 * How long until a command runs in a container: does `run IMAGE true` cost what the image's cached index
 * costs to read, and not what the image holds?
 *
 * Processes are started as a user starts them, from `dist` (`npm run build` first), over busybox, debian-base
 * and a generated image of a million files, in turn; times are medians. The function in a container is
 * measured within one process, without what Node and the modules cost.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { Store } from "../src/runtime/store.ts";
import { encodeHeader } from "../src/tar/encode.ts";
import { NO_XATTRS } from "../src/tree/inode.ts";

const ROUNDS = Number(process.env.ROUNDS ?? 7);
const FILES = Number(process.env.FILES ?? 1_000_000);
const COMMAND = resolve("dist/cli/main.js");
const IMAGES = resolve("../shared/images");
const root = mkdtempSync(join(tmpdir(), "bench-start-"));

/** An archive of empty files, a hundred in a directory, made as it is read. */
async function* manyFiles(count: number): AsyncGenerator<Uint8Array> {
  const common = { mode: 0o644, uid: 0, gid: 0, mtime: 10n ** 18n, size: 0, xattrs: NO_XATTRS };
  for (let at = 0; at < count; at += 100) {
    const headers = Array.from({ length: 100 }, (_, i) =>
      encodeHeader({
        ...common,
        type: "file",
        name: `usr/${Math.floor(at / 10_000)}/${Math.floor(at / 100)}/f${i}`,
      }),
    );
    yield Buffer.concat(headers);
  }
  yield new Uint8Array(1024);
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

function timed(command: string, ...args: string[]): number {
  const begin = performance.now();
  const { status, stderr } = spawnSync(command, args, { env: { ...process.env, STRATAFS_ROOT: root } });
  if (status !== 0) throw new Error(`${args.join(" ")}: ${stderr.toString()}`);
  return performance.now() - begin;
}

/** The largest file of the trees' cache: the index of the image that was loaded last. */
function indexBytes(before: number): number {
  const folder = readdirSync(join(root, "stratafs")).find((name) => name.startsWith("trees-"));
  if (folder === undefined) return 0;
  const directory = join(root, "stratafs", folder, "sha256");
  const sizes = readdirSync(directory).map((name) => statSync(join(directory, name)).size);
  return sizes.reduce((sum, size) => sum + size, 0) - before;
}

async function measure(): Promise<void> {
  if (!existsSync(COMMAND)) throw new Error("dist/cli/main.js is not there: npm run build");
  const store = await Store.open(root, { env: {} });
  const names: string[] = [];
  const indexes: number[] = [];
  let known = 0;
  const added = (name: string) => {
    names.push(name);
    indexes.push(indexBytes(known));
    known += indexes.at(-1)!;
  };
  for (const name of ["busybox", "debian-base"]) {
    if (!existsSync(join(IMAGES, name))) continue;
    await store.load(join(IMAGES, name), { name });
    added(name);
  }
  await store.importArchive(manyFiles(FILES), { name: "many" });
  added("many");
  for (const name of names) await store.containers.create(await store.image(name), { name: `in-${name}` });

  const bare: number[] = [];
  const version: number[] = [];
  const runs = names.map((): number[] => []);
  const execs = names.map((): number[] => []);
  const functions = names.map((): number[] => []);
  for (let round = 0; round < ROUNDS; round++) {
    bare.push(timed(process.execPath, "-e", "0"));
    version.push(timed(process.execPath, COMMAND, "--version"));
    for (const [i, name] of names.entries()) {
      runs[i]!.push(timed(process.execPath, COMMAND, "run", "--rm", name, "true"));
      execs[i]!.push(timed(process.execPath, COMMAND, "exec", `in-${name}`, "true"));
      const container = await store.containers.get(`in-${name}`);
      const begin = performance.now();
      await container.exec(({ mount }) => void mount.exists("/"));
      functions[i]!.push(performance.now() - begin);
    }
  }
  console.log(`node -e 0: ${median(bare).toFixed(0)} ms; strata --version: ${median(version).toFixed(0)} ms`);
  console.log("image          index       run --rm true   exec true   a function, index in memory");
  for (const [i, name] of names.entries()) {
    const megabytes = (indexes[i]! / 1e6).toFixed(2);
    const [run, exec, fn] = [runs[i]!, execs[i]!, functions[i]!].map((times) => median(times).toFixed(0));
    console.log(
      `${name.padEnd(14)} ${`${megabytes} MB`.padEnd(11)} ${`${run} ms`.padEnd(15)} ${`${exec} ms`.padEnd(11)} ${fn} ms`,
    );
  }
  await store.close();
}

try {
  await measure();
} finally {
  rmSync(root, { recursive: true, force: true });
}
