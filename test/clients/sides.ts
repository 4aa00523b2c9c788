/**
 * One job, twice: on a directory of this machine through `node:fs`, and through `mount.fs` on a mount
 * whose lower holds the same files at the same absolute path, so that whatever a client derives from
 * paths and contents must come out equal.
 *
 * What the files were is in a layer; what a client does to them goes to the upper.
 */
import * as nodeFs from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { onTestFinished } from "vitest";
import { applyLayer, applyLayers } from "../../src/layer/apply.ts";
import { layerFromBytes } from "../../src/layer/read.ts";
import { writeLayer } from "../../src/layer/write.ts";
import { createMount, type Mount } from "../../src/union/mount.ts";
import { createFs, type NodeFs } from "../../src/vfs/node-fs.ts";

/** Paths relative to a directory, each with a file's content or `{ link }`. */
export type Files = Readonly<Record<string, string | Uint8Array | { readonly link: string }>>;

export interface Side {
  readonly fs: NodeFs;
  /** Where the files are, the same path on both sides. */
  readonly root: string;
}

/** Whole seconds, as a layer keeps them. */
const WRITTEN_AT = new Date("2024-05-06T07:08:09Z");

function writeFiles({ fs, root }: Side, files: Files): void {
  fs.mkdirSync(root, { recursive: true });
  for (const [name, content] of Object.entries(files)) {
    const path = join(root, name);
    fs.mkdirSync(dirname(path), { recursive: true });
    if (typeof content === "object" && "link" in content) fs.symlinkSync(content.link, path);
    else fs.writeFileSync(path, content);
  }
  for (const { parentPath, name } of fs.readdirSync(root, { recursive: true, withFileTypes: true })) {
    fs.lutimesSync(join(parentPath, name), WRITTEN_AT, WRITTEN_AT);
  }
  fs.utimesSync(root, WRITTEN_AT, WRITTEN_AT);
}

/** The caller on a mount that is what this process is on the machine. */
const caller = { uid: process.getuid!(), gid: process.getgid!(), umask: process.umask() };

async function lowerOf(files: Files, root: string) {
  const mount = createMount(applyLayers([]), { caller: { umask: caller.umask } });
  writeFiles({ fs: createFs(mount), root }, files);
  mount.chown(root, caller.uid, caller.gid);
  for (const { path } of mount.changes()) mount.lchown(path, caller.uid, caller.gid);
  const chunks = [...writeLayer(mount.changes())!.chunks()];
  return applyLayer(applyLayers([]), await layerFromBytes(Buffer.concat(chunks)));
}

/** A directory of the machine that is gone when the test is over. */
export function scratch(): string {
  const base = nodeFs.realpathSync(nodeFs.mkdtempSync(join(tmpdir(), "clients-")));
  onTestFinished(() => nodeFs.rmSync(base, { recursive: true, force: true }));
  return base;
}

/** Files in a directory of the machine. */
export function onMachine(files: Files): Side {
  const side = { fs: nodeFs as NodeFs, root: join(scratch(), "project") };
  writeFiles(side, files);
  return side;
}

/**
 * Does a job on disk, then on a mount. The files on disk are gone by then and must not come back, so
 * that a client which reaches past `mount.fs` is found out.
 */
export async function inTurn<T>(files: Files, job: (side: Side) => T | Promise<T>) {
  const real = onMachine(files);
  const onDisk = await job(real);
  nodeFs.rmSync(real.root, { recursive: true });
  const mount = createMount(await lowerOf(files, real.root), { caller });
  const mounted: Side & { readonly mount: Mount } = { fs: createFs(mount), mount, root: real.root };
  const onMount = await job(mounted);
  if (nodeFs.existsSync(real.root))
    throw new Error(`a client of mount.fs has written to ${real.root} on disk`);
  return { onDisk, onMount, mounted };
}

/**
 * Everything below a directory: kind, permissions, content (as text where it is text) or link target.
 * Paths are relative.
 */
export function treeOf({ fs, root }: Side, from = root): Record<string, string> {
  const tree: Record<string, string> = {};
  const visit = (path: string, name: string) => {
    const stats = fs.lstatSync(path);
    const mode = (stats.mode & 0o7777).toString(8);
    if (stats.isSymbolicLink()) tree[name] = `-> ${fs.readlinkSync(path)}`;
    else if (stats.isFile()) tree[name] = `${mode} ${textOf(fs.readFileSync(path))}`;
    else if (stats.isDirectory()) {
      tree[`${name}/`] = mode;
      for (const child of fs.readdirSync(path).sort()) visit(join(path, child), join(name, child));
    } else throw new Error(`${path} is neither a file, a link nor a directory`);
  };
  visit(from, ".");
  return tree;
}

function textOf(bytes: Buffer): string {
  const text = bytes.toString("utf8");
  return Buffer.from(text).equals(bytes) ? text : `base64 ${bytes.toString("base64")}`;
}

/** Copies a directory of a mount to the machine, through nothing but both `fs`. */
export function copyOut({ fs }: Side, from: string, to: string): void {
  const stats = fs.lstatSync(from);
  if (stats.isSymbolicLink()) {
    nodeFs.symlinkSync(fs.readlinkSync(from), to);
  } else if (stats.isDirectory()) {
    nodeFs.mkdirSync(to, { recursive: true });
    for (const child of fs.readdirSync(from)) copyOut({ fs, root: from }, join(from, child), join(to, child));
  } else {
    nodeFs.writeFileSync(to, fs.readFileSync(from));
    nodeFs.chmodSync(to, stats.mode);
  }
}
