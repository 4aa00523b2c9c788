/**
 * The simulated shell against real bash in a chroot of the same image: output, status, and the tree that a
 * command line leaves. Of standard error it is compared whether there is any.
 */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { applyLayers } from "../../../src/layer/apply.ts";
import { makeCaller } from "../../../src/posix/caller.ts";
import { kindOf } from "../../../src/posix/mode.ts";
import { nameFromBytes, nameToBytes } from "../../../src/posix/names.ts";
import { shellExecutor } from "../../../src/runtime/shell-executor.ts";
import type { Tree } from "../../../src/tree/tree.ts";
import { createMount, type Mount } from "../../../src/union/mount.ts";
import { imageLayers } from "../../layer/images.ts";
import { imagePath, needs } from "../../requirements.ts";
import { LINES, type Line } from "./cases.ts";
import { type RealFile, type RealOutcome, runInChroot } from "./chroot.ts";
import { type Aspect, DIFFERENCES, type Difference } from "./differences.ts";

const ENV = {
  PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
  HOME: "/root",
  TERM: "xterm",
};
const HOUR = 3_600_000_000_000;

interface Simulated {
  readonly mount: Mount;
  readonly status: number;
  readonly stdout: Buffer;
  readonly stderr: Buffer;
  /** Changed paths. */
  readonly changed: readonly string[];
}

async function simulate(tree: Tree, { line, stdin, uid = 0, umask = 0o022 }: Line): Promise<Simulated> {
  const mount = createMount(tree);
  const stdout: Uint8Array[] = [];
  const stderr: Uint8Array[] = [];
  const status = await shellExecutor().execute({
    mount,
    args: ["bash", "-c", line],
    env: ENV,
    cwd: "/",
    caller: makeCaller({ uid, gid: uid, umask }),
    ...(stdin !== undefined && { stdin: once(Buffer.from(stdin)) }),
    stdout: (bytes) => void stdout.push(bytes),
    stderr: (bytes) => void stderr.push(bytes),
  });
  const changed = [...mount.changes()].map((change) => change.path);
  return { mount, status, stdout: Buffer.concat(stdout), stderr: Buffer.concat(stderr), changed };
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

const encode = (path: string) => Buffer.from(nameToBytes(path)).toString("base64");
const decode = (text: string) => nameFromBytes(Buffer.from(text, "base64"));

/** What is to be equal of a file. A time is compared where either side has set it to long ago. */
function ours(mount: Mount, path: string): RealFile | null {
  let stat: ReturnType<Mount["lstat"]>;
  try {
    stat = mount.lstat(path);
  } catch {
    return null;
  }
  const kind = kindOf(stat.mode);
  const { mode, uid, gid, nlink, size, rdev } = stat;
  return {
    mode,
    uid,
    gid,
    nlink,
    size,
    rdev,
    mtime: Number(stat.mtime),
    xattrs: Object.fromEntries(
      mount
        .llistxattr(path)
        .map((name) => [name, Buffer.from(mount.lgetxattr(path, name)).toString("base64")]),
    ),
    ...(kind === "symlink" && { target: encode(mount.readlink(path)) }),
    ...(kind === "file" && { digest: createHash("sha256").update(mount.readFile(path)).digest("hex") }),
  };
}

function normal(file: RealFile | null, other: RealFile | null): unknown {
  if (file === null) return null;
  const kind = kindOf(file.mode);
  const old = (each: RealFile | null) => each !== null && each.mtime < Date.now() * 1e6 - HOUR;
  const isDirectory = kind === "directory";
  return {
    ...file,
    mode: file.mode.toString(8),
    // Counts of directories and their sizes are the filesystem's own.
    nlink: isDirectory ? 0 : file.nlink,
    size: isDirectory ? 0 : file.size,
    mtime: old(file) || old(other) ? Math.round(file.mtime / 1e6) : 0,
  };
}

/** The files in which the two trees differ: ours first. */
function treeDifferences(
  { mount, changed }: Simulated,
  real: RealOutcome,
): Record<string, [unknown, unknown]> {
  const found: Record<string, [unknown, unknown]> = {};
  const compare = (path: string, theirs: RealFile | null) => {
    if (/^\/(dev|proc)(\/|$)/.test(path)) return;
    const mine = ours(mount, path);
    const pair: [unknown, unknown] = [normal(mine, theirs), normal(theirs, mine)];
    if (JSON.stringify(sorted(pair[0])) !== JSON.stringify(sorted(pair[1]))) found[path] = pair;
  };
  for (const [path, file] of Object.entries(real.tree)) compare(decode(path), file);
  for (const path of real.gone) compare(decode(path), null);
  for (const path of changed) compare(path, real.asked[encode(path)] ?? null);
  return found;
}

function sorted(value: unknown): unknown {
  if (value === null || typeof value !== "object") return value;
  return Object.entries(value)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, each]) => [key, sorted(each)]);
}

function differenceOf({ line }: Line, image: string): Difference | undefined {
  return DIFFERENCES.find((each) => line.startsWith(each.line) && (each.on ?? image) === image);
}

/** The outcome of one side, without what is known to differ. */
function outcome(status: number, stdout: Buffer, stderr: Buffer, tree: unknown, except: readonly Aspect[]) {
  return {
    ...(!except.includes("status") && { status }),
    ...(!except.includes("stdout") && { stdout: stdout.toString("latin1") }),
    ...(!except.includes("stderr") && { complains: stderr.length > 0 }),
    ...(!except.includes("tree") && { tree }),
  };
}

const unmet =
  needs.root() ??
  needs.kernelOverlay() ??
  needs.tool("umoci", "umoci") ??
  needs.tool("bash-static", "bash-static");

for (const image of ["busybox", "debian-base"] as const) {
  describe.skipIf(unmet ?? needs.image(image))(`the simulated shell over ${image}, against bash`, () => {
    const lines = LINES.filter(({ on }) => (on ?? image) === image);
    const results = new Map<Line, { readonly mine: Simulated; readonly real: RealOutcome }>();
    let directory = "";

    beforeAll(async () => {
      directory = mkdtempSync(join(tmpdir(), "stratafs-shell-"));
      const bundle = join(directory, "bundle");
      execFileSync("umoci", ["unpack", "--image", `${imagePath(image)}:latest`, bundle], { stdio: "ignore" });
      const tree = applyLayers(await imageLayers(image));
      const mine: Simulated[] = [];
      for (const line of lines) mine.push(await simulate(tree, line));
      const bash = execFileSync("which", ["bash-static"], { encoding: "utf8" }).trim();
      const cases = lines.map((line, i) => ({ ...line, ask: mine[i]!.changed.map(encode) }));
      const real = await runInChroot(join(bundle, "rootfs"), bash, cases);
      for (const [i, line] of lines.entries()) results.set(line, { mine: mine[i]!, real: real[i]! });
    });

    afterAll(() => rmSync(directory, { recursive: true, force: true }));

    it.each(lines.map((line) => [line.line, line] as const))("%s", (_, line) => {
      const { mine, real } = results.get(line)!;
      const known = differenceOf(line, image)?.differs ?? [];
      const stdout = Buffer.from(real.stdout, "base64");
      const stderr = Buffer.from(real.stderr, "base64");
      const trees = treeDifferences(mine, real);
      expect(outcome(mine.status, mine.stdout, mine.stderr, trees, known)).toEqual(
        outcome(real.status, stdout, stderr, {}, known),
      );
      const still: Record<Aspect, boolean> = {
        status: mine.status !== real.status,
        stdout: !mine.stdout.equals(stdout),
        stderr: mine.stderr.length > 0 !== stderr.length > 0,
        tree: Object.keys(trees).length > 0,
      };
      for (const aspect of known) expect(still[aspect], `${aspect} differs no more`).toBe(true);
    });
  });
}
