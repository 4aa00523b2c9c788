/**
 * Builds for tests: contexts on disk from a table, and what an image shows as lines to compare.
 */
import {
  chmodSync,
  linkSync,
  lutimesSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { onTestFinished } from "vitest";
import { type BuildOptions, type BuildResult, build } from "../../src/build/build.ts";
import { directoryContext } from "../../src/build/context/directory.ts";
import { type FileView, ignoring } from "../../src/build/context/view.ts";
import { parseDockerignore } from "../../src/build/files/dockerignore.ts";
import { deviceMajor, deviceMinor, kindOf } from "../../src/posix/mode.ts";
import type { Image } from "../../src/runtime/image.ts";
import { Store } from "../../src/runtime/store.ts";
import type { Mount } from "../../src/union/mount.ts";

/** The time of every file of a context, and of what a build makes. */
export const EPOCH = 1_700_000_000;

/**
 * What a context holds, by path: the content of a file, `-> target` for a symbolic link, `= path` for another
 * name of a file, null for a directory. A path may end with `|MODE`, in octal.
 */
export type Files = Readonly<Record<string, string | Uint8Array | null>>;

/** Puts files into a directory, all of one time. */
export function putFiles(directory: string, files: Files): void {
  const made: string[] = [];
  for (const [key, content] of Object.entries(files)) {
    const [name, mode] = key.split("|");
    const path = join(directory, name!);
    mkdirSync(dirname(path), { recursive: true });
    if (content === null) mkdirSync(path, { recursive: true });
    else if (typeof content !== "string") writeFileSync(path, content);
    else if (content.startsWith("-> ")) symlinkSync(content.slice(3), path);
    else if (content.startsWith("= ")) linkSync(join(directory, content.slice(2)), path);
    else writeFileSync(path, content);
    if (mode !== undefined) chmodSync(path, Number.parseInt(mode, 8));
    made.push(path);
  }
  const parents = made.flatMap((path) => {
    const above: string[] = [];
    for (let at = dirname(path); at.length >= directory.length; at = dirname(at)) above.push(at);
    return above;
  });
  for (const path of [...made, ...new Set(parents)]) lutimesSync(path, EPOCH, EPOCH);
}

/** A directory that vanishes with the test. */
export function contextOf(files: Files): string {
  const directory = mkdtempSync(join(tmpdir(), "strata-context-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  putFiles(directory, files);
  return directory;
}

/** A store in memory that vanishes with the test. Nothing in it is later than {@link EPOCH}. */
export async function memoryStore(env: Record<string, string> = {}): Promise<Store> {
  const store = await Store.memory({ env: { SOURCE_DATE_EPOCH: String(EPOCH), ...env } });
  onTestFinished(() => store.close());
  return store;
}

/** Builds from a directory. */
export async function buildIn(
  store: Store,
  directory: string,
  dockerfile: string,
  options: Partial<BuildOptions> & { readonly ignore?: string } = {},
): Promise<BuildResult> {
  const context = directoryContext(directory);
  const { ignore, ...rest } = options;
  const view: FileView =
    ignore === undefined ? context : ignoring(context, parseDockerignore(ignore, ".dockerignore"));
  try {
    return await build(dockerfile, { store, context: view, ...rest });
  } finally {
    context.close();
  }
}

/** How many characters of a file a line shows. */
const SHOWN = 60;
const LETTERS = { file: "-", directory: "d", symlink: "l", char: "c", block: "b", fifo: "p", socket: "s" };

/** A line for each path: type and mode, owner, path, and what it holds. */
export function listing(mount: Mount): string[] {
  const lines: string[] = [];
  const firsts = new Map<number, string>();
  const show = (path: string) => {
    const stat = mount.lstat(path);
    const kind = kindOf(stat.mode)!;
    const words = [`${LETTERS[kind]}${(stat.mode & 0o7777).toString(8)}`, `${stat.uid}:${stat.gid}`, path];
    const first = firsts.get(stat.ino);
    firsts.set(stat.ino, first ?? path);
    if (kind === "symlink") words.push("->", mount.readlink(path));
    else if (first !== undefined) words.push("=", first);
    else if (kind === "file") {
      words.push(JSON.stringify(new TextDecoder().decode(mount.readFile(path).subarray(0, SHOWN))));
    } else if (kind === "char" || kind === "block") {
      words.push(`${deviceMajor(stat.rdev)},${deviceMinor(stat.rdev)}`);
    }
    for (const name of [...mount.llistxattr(path)].sort()) {
      words.push(`${name}=${new TextDecoder().decode(mount.lgetxattr(path, name))}`);
    }
    if (path !== "/") lines.push(words.join(" "));
    if (kind !== "directory") return;
    const base = path === "/" ? "" : path;
    for (const name of mount
      .readdir(path)
      .map((entry) => entry.name)
      .sort()) {
      show(`${base}/${name}`);
    }
  };
  show("/");
  return lines;
}

/** What an image shows. */
export async function listed(image: Image): Promise<string[]> {
  const mount = await image.mount({ readOnly: true });
  try {
    return listing(mount);
  } finally {
    mount.unmount();
  }
}

/** The message of what a promise fails with. @throws where it does not */
export async function failure(promise: Promise<unknown>): Promise<Error> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof Error) return error;
  }
  throw new Error("it did not fail");
}
