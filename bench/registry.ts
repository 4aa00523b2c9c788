/**
 * What pulling and pushing an image takes beside `skopeo copy`: wall and processor time, and the largest
 * memory, through a docker-registry on this machine. skopeo copies to and from an image layout; we do
 * that too (`copy`); a pull unpacks and indexes every layer besides, as loading the layout does.
 *
 * Argument: a directory that holds an image layout (default: debian-base of ../shared/images). The times are
 * the best of five rounds, taken in turn, so that a busy machine burdens all alike. Wants
 * docker-registry, skopeo and python3, and `npm run build` before.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { startRegistry } from "../test/registry/registry.ts";

const ROUNDS = Number(process.env.ROUNDS ?? 5);
const image = resolve(process.argv[2] ?? "../shared/images/debian-base");
const main = resolve("dist/cli/main.js");

interface Cost {
  /** Seconds. */
  readonly wall: number;
  readonly processor: number;
  /** MB. */
  readonly memory: number;
}

/** Runs a command under a Python of its own, which alone is told what its child took. */
const MEASURE = `
import json, resource, subprocess, sys, time
start = time.monotonic()
code = subprocess.call(sys.argv[1:], stdout=subprocess.DEVNULL)
wall = time.monotonic() - start
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps([code, wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1000]))
`;

function measure(command: readonly string[], env: Record<string, string> = {}): Cost {
  const output = execFileSync("python3", ["-c", MEASURE, ...command], {
    encoding: "utf8",
    env: { ...process.env, ...env },
  });
  const [code, wall, processor, memory] = JSON.parse(output) as [number, number, number, number];
  if (code !== 0) throw new Error(`${command.join(" ")} ended with ${code}`);
  return { wall, processor, memory };
}

const scratch = mkdtempSync(join(tmpdir(), "strata-bench-"));
const registry = await startRegistry();
const strata = (store: string, ...args: string[]) =>
  measure([process.execPath, main, ...args], { STRATAFS_ROOT: join(scratch, store), HOME: scratch });
const skopeo = (from: string, to: string) =>
  measure(["skopeo", "copy", "--quiet", "--src-tls-verify=false", "--dest-tls-verify=false", from, to]);

const results = new Map<string, Cost[]>();
function note(name: string, cost: Cost): void {
  results.set(name, [...(results.get(name) ?? []), cost]);
}

try {
  const there = `${registry.host}/there:1`;
  skopeo(`oci:${image}`, `docker://${there}`);
  strata("source", "pull", "-q", there);
  for (let round = 0; round < ROUNDS; round++) {
    note(
      "skopeo copy, from the registry",
      skopeo(`docker://${there}`, `oci:${join(scratch, `layout-${round}`)}:x`),
    );
    note(
      "strata copy, from the registry",
      strata("none", "copy", "-q", `docker://${there}`, `oci:${join(scratch, `ours-${round}`)}:x`),
    );
    note("strata pull", strata(`store-${round}`, "pull", "-q", there));
    note("strata load, of the layout", strata(`loaded-${round}`, "load", "-q", "-i", image, "-t", "x"));
    // Repositories of their own, so that every blob is sent.
    note(
      "skopeo copy, to the registry",
      skopeo(`oci:${image}`, `docker://${registry.host}/skopeo-${round}:1`),
    );
    const name = `${registry.host}/strata-${round}:1`;
    note("strata copy, to the registry", strata("none", "copy", "-q", `oci:${image}`, `docker://${name}`));
    for (const store of [`store-${round}`, `loaded-${round}`, `layout-${round}`, `ours-${round}`]) {
      rmSync(join(scratch, store), { recursive: true });
    }
  }
  const best = (costs: readonly Cost[], part: keyof Cost) => Math.min(...costs.map((cost) => cost[part]));
  const against = (name: string, base: string, part: "wall" | "processor") => {
    const ratio = best(results.get(name)!, part) / best(results.get(base)!, part);
    return `${best(results.get(name)!, part).toFixed(2)} s (${ratio.toFixed(2)})`;
  };
  for (const name of results.keys()) {
    const base = `skopeo copy, ${name.endsWith("to the registry") ? "to" : "from"} the registry`;
    const memory = Math.max(...results.get(name)!.map((cost) => cost.memory));
    console.log(
      `${name.padEnd(32)} wall ${against(name, base, "wall").padEnd(15)} processor ${against(name, base, "processor").padEnd(15)} memory ${memory.toFixed(0)} MB`,
    );
  }
} finally {
  await registry.stop();
  rmSync(scratch, { recursive: true, force: true });
}
