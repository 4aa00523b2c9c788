/**
 * Pulls that are killed at any moment, several at a time: whatever was reported is there, nothing is half
 * there, and what arrived is used again. REGISTRY_KILL_ROUNDS makes it longer.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { digestOf } from "../../src/oci/digest.ts";
import { Store } from "../../src/runtime/store.ts";
import { idleDownloads } from "../../src/store/downloads.ts";
import { bundleProgram } from "../cli/bundle.ts";
import { needs } from "../requirements.ts";
import { type Files, layoutOf, makeImage } from "../store/images.ts";
import { scratch } from "../store/scratch.ts";
import { startRegistry, type TestRegistry } from "./registry.ts";

const ROUNDS = Number(process.env.REGISTRY_KILL_ROUNDS ?? 6);
const IMAGES = 3;
const LONGEST = 900;

/** The same for the same seed, so that a failure can be had again. */
function* randoms(seed: number): Generator<number> {
  for (let state = seed; ; ) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    yield state / 2 ** 32;
  }
}

describe.skipIf(needs.tool("docker-registry", "docker-registry"))("pulls that are killed", () => {
  let registry: TestRegistry;
  let bundled: string;
  let main: string;

  beforeAll(async () => {
    registry = await startRegistry();
    bundled = mkdtempSync(join(tmpdir(), "strata-bundle-"));
    main = await bundleProgram(bundled);
    const store = await Store.open(join(bundled, "source"), { env: {} });
    const random = randoms(7);
    const noise = (length: number) => Buffer.from(Array.from({ length }, () => random.next().value * 256));
    const shared: Files = { shared: noise(300_000) };
    for (let i = 0; i < IMAGES; i++) {
      const image = await makeImage([
        shared,
        { [`own-${i}`]: noise(200_000) },
        { [`more-${i}`]: noise(1000) },
      ]);
      const name = `${registry.host}/kill:${i}`;
      const [loaded] = await store.load(layoutOf(join(bundled, `layout-${i}`), image), { name });
      await store.push(loaded!, name);
    }
    await store.close();
  });
  afterAll(async () => {
    await registry.stop();
    rmSync(bundled, { recursive: true, force: true });
  });

  const name = (i: number) => `${registry.host}/kill:${i}`;

  /** @returns what was reported */
  async function pullAndKill(root: string, i: number, after: number): Promise<string> {
    const child = spawn(process.execPath, [main, "pull", "-q", name(i)], {
      env: { ...process.env, STRATAFS_ROOT: root, HOME: root },
      stdio: ["ignore", "pipe", "inherit"],
    });
    let reported = "";
    child.stdout.on("data", (chunk) => {
      reported += chunk;
    });
    const timer = setTimeout(() => child.kill("SIGKILL"), after);
    await once(child, "close");
    clearTimeout(timer);
    return reported;
  }

  it(
    `${ROUNDS} rounds of ${IMAGES} at a time`,
    async () => {
      const random = randoms(42);
      const next = () => random.next().value as number;
      for (let round = 0; round < ROUNDS; round++) {
        const root = scratch();
        const reported = new Set<string>();
        for (let again = 0; again < 2; again++) {
          const texts = await Promise.all(
            Array.from({ length: IMAGES }, (_, i) => pullAndKill(root, i, 100 + next() * LONGEST)),
          );
          for (const text of texts) if (text !== "") reported.add(text.trim());
        }
        const store = await Store.open(root, { env: {} });
        const there = (await store.images()).flatMap(({ image }) => image.tags);
        expect(
          [...reported].filter((tag) => !there.includes(tag)),
          `round ${round}`,
        ).toEqual([]);
        const blobs = join(root, "blobs/sha256");
        for (const hex of existsSync(blobs) ? readdirSync(blobs) : []) {
          expect(digestOf(readFileSync(join(blobs, hex))), `round ${round}`).toBe(`sha256:${hex}`);
        }
        for (let i = 0; i < IMAGES; i++) {
          const mount = await (await store.pull(name(i))).mount();
          expect(mount.fs.readFileSync(`/own-${i}`).length).toBe(200_000);
          mount.unmount();
        }
        // All that the killed ones left was taken up, or is of blobs that came by another process.
        await store.collectGarbage();
        expect(await idleDownloads(join(root, "stratafs/downloads")), `round ${round}`).toEqual([]);
        await store.close();
      }
    },
    ROUNDS * 15_000,
  );
});
