/**
 * Builds that fail: one clear error with its place, nothing named, nothing held, and a cache that the next
 * build goes on from.
 *
 * `STRATAFS_BUILD_KILLS` sets how many building processes are killed.
 */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, readFileSync, rmSync, statfsSync, symlinkSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { DockerfileError } from "../../src/build/dockerfile/source.ts";
import { BuildError } from "../../src/build/errors.ts";
import { Store } from "../../src/runtime/store.ts";
import { bundleProgram } from "../cli/bundle.ts";
import { scratch } from "../store/scratch.ts";
import { buildIn, contextOf, failure, listed } from "./harness.ts";

const KILLS = Number(process.env.STRATAFS_BUILD_KILLS ?? 8);
const FILES = { "a.txt": "A", "b.txt": "B", "d/f": "F" };

async function diskStore(root = scratch()): Promise<Store> {
  const store = await Store.open(root, { env: { SOURCE_DATE_EPOCH: "1700000000" } });
  onTestFinished(() => store.close());
  return store;
}

/** Nothing is named, held or left lying about, and everything that is there is whole. */
async function expectSound(store: Store, names: readonly string[] = []): Promise<void> {
  expect((await store.images()).flatMap(({ image }) => image.tags)).toEqual(names);
  const { problems, strays } = await store.check();
  expect({ problems, strays }).toEqual({ problems: [], strays: [] });
  expect([...(await store.core.arbiter()).leases()]).toEqual([]);
}

const GOOD = "FROM scratch\nCOPY a.txt /a\nRUN echo > /x\n";

describe("a build that fails", () => {
  test.each([
    ["a missing file", `${GOOD}COPY nothing /y`, /^Dockerfile:4:1: nothing is not in the build context$/],
    [
      "a missing base",
      "FROM scratch AS a\nCOPY a.txt /\nFROM 127.0.0.1:9/none:1\nRUN true",
      /^Dockerfile:3:1: 127\.0\.0\.1:9\/none:1: ./,
    ],
    [
      "a command",
      `${GOOD}RUN echo said && exit 7`,
      /^Dockerfile:4:1: process "\/bin\/sh -c echo said && exit 7" did not complete successfully: exit code: 7$/,
    ],
    ["a command that is not there", `${GOOD}RUN ["/bin/none"]`, /^Dockerfile:4:1: .*\/bin\/none/],
    [
      "an owner",
      `${GOOD}COPY --chown=nobody b.txt /`,
      /^Dockerfile:4:1: unable to find user nobody: there is no \/etc\/passwd$/,
    ],
    ["a user", `${GOOD}USER nobody\nRUN true`, /^Dockerfile:5:1: .*nobody/],
    [
      "a circle of links in the context",
      `${GOOD}COPY loop /y`,
      /^Dockerfile:4:1: .*too many levels of symbolic links/,
    ],
    [
      "a circle of links in the stage",
      `${GOOD}RUN ln -s /l /l\nCOPY a.txt /l/`,
      /^Dockerfile:5:1: .*too many levels of symbolic links|^Dockerfile:5:1: ELOOP/,
    ],
    ["a variable that must be there", `${GOOD}COPY a.txt /\${V:?gone}`, /^Dockerfile:4:\d+: .*gone/],
    [
      "a stage copied from that fails",
      "FROM scratch AS s\nRUN exit 3\nFROM scratch\nCOPY --from=s / /",
      /^Dockerfile:2:1: .*exit code: 3$/,
    ],
  ])("%s", async (_, text, message) => {
    const store = await diskStore();
    const directory = contextOf(FILES);
    symlinkSync("loop", join(directory, "loop"));
    const error = await failure(buildIn(store, directory, `${text}\n`, { names: ["x"] }));
    expect(error.message).toMatch(message);
    expect(error).toBeInstanceOf(error instanceof DockerfileError ? DockerfileError : BuildError);
    const line = Number(error.message.split(":")[1]);
    expect((error as BuildError).excerpt).toContain(text.split("\n")[line - 1]);
    await expectSound(store);
    // What was done before is done, and holds.
    const { image, events } = await buildIn(store, directory, GOOD, { names: ["good"] });
    expect(await listed(image)).toEqual(['-644 0:0 /a "A"', '-644 0:0 /x "\\n"']);
    if (text.startsWith(GOOD)) {
      expect(
        events.filter((event) => event.kind === "cached" && !event.vertex.name.includes("FROM")),
      ).toHaveLength(2);
    }
    await expectSound(store, ["good:latest"]);
  });

  test.each([
    ["a circle of stages", "FROM scratch AS a\nCOPY --from=b /x /\nFROM a AS b\n", /^Dockerfile:\d+:\d+: /],
    ["a stage from itself", "FROM scratch AS a\nCOPY --from=a /x /\n", /^Dockerfile:2:\d+: /],
  ])("%s is refused before anything is done", async (_, text, message) => {
    const store = await diskStore();
    const error = await failure(buildIn(store, contextOf(FILES), text, { names: ["x"] }));
    expect(error.message).toMatch(message);
    await expectSound(store);
  });

  test.skipIf(process.getuid?.() === 0 && spawnSync("setpriv", ["--version"]).status !== 0)(
    "a file of the context that cannot be read",
    async () => {
      const directory = contextOf(FILES);
      const root = scratch();
      writeFileSync(join(directory, "Dockerfile"), `${GOOD}COPY d /d\n`);
      chmodSync(join(directory, "d/f"), 0o000);
      chmodSync(directory, 0o755);
      // Root reads everything, but not as somebody else.
      const nobody =
        process.getuid?.() === 0 ? ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] : [];
      if (nobody.length > 0)
        for (const path of [root, bundled]) spawnSync("chown", ["-R", "65534:65534", path]);
      const [command = "", ...args] = [...nobody, process.execPath, program, root, directory, "x"];
      const done = spawnSync(command, args, { encoding: "utf8" });
      expect(done.status).not.toBe(0);
      expect(done.stderr).toMatch(/Dockerfile:4:1: cannot read d\/f: EACCES/);
      await expectSound(await diskStore(root));
    },
  );

  test("one that is told to stop", async () => {
    const store = await diskStore();
    const directory = contextOf(FILES);
    const stop = new AbortController();
    const error = await failure(
      buildIn(store, directory, `${GOOD}RUN sleep 30\n`, {
        names: ["x"],
        signal: stop.signal,
        onEvent: (event) => {
          if (event.kind === "start" && event.vertex.name.includes("sleep"))
            setTimeout(() => stop.abort(), 200);
        },
      }),
    );
    expect(error.message).toMatch(/abort|stop|cancel/i);
    await expectSound(store);
    const { events } = await buildIn(store, directory, GOOD);
    expect(
      events.filter((event) => event.kind === "cached" && !event.vertex.name.includes("FROM")),
    ).toHaveLength(2);
  });

  test("one whose disk is full", async (context) => {
    const root = scratch();
    if (spawnSync("mount", ["-t", "tmpfs", "-o", "size=8m", "tmpfs", root]).status !== 0) {
      return context.skip("mounting a tmpfs needs root");
    }
    const store = await Store.open(root, { env: { SOURCE_DATE_EPOCH: "1700000000" } });
    try {
      const noise = spawnSync("head", ["-c", "3000000", "/dev/urandom"], {
        encoding: "buffer",
        maxBuffer: 1 << 24,
      }).stdout;
      const directory = contextOf({ ...FILES, "big/noise": noise });
      await buildIn(store, directory, GOOD, { names: ["good"] });
      const ballast = join(root, "ballast");
      const { bfree, bsize } = statfsSync(root);
      writeFileSync(ballast, new Uint8Array(bfree * bsize - 1_000_000));
      const error = await failure(buildIn(store, directory, `${GOOD}COPY big /big\n`, { names: ["x"] }));
      expect(error.message).toMatch(/^Dockerfile:4:1: .*(ENOSPC|no space left)/i);
      await expectSound(store, ["good:latest"]);
      unlinkSync(ballast);
      const { events, image } = await buildIn(store, directory, `${GOOD}COPY big /big\n`, { names: ["x"] });
      expect(
        events.filter((event) => event.kind === "cached" && !event.vertex.name.includes("FROM")),
      ).toHaveLength(2);
      const mount = await image.mount();
      expect(Buffer.from(mount.readFile("/big/noise")).equals(noise)).toBe(true);
      mount.unmount();
      await expectSound(store, ["good:latest", "x:latest"]);
    } finally {
      await store.close();
      spawnSync("umount", ["-l", root]);
    }
  });
});

let bundled: string;
let program: string;
beforeAll(async () => {
  bundled = scratch(true);
  program = await bundleProgram(bundled, "test/build/build-worker.ts");
});
afterAll(() => rmSync(bundled, { recursive: true, force: true }));

test(`a building process that is killed, ${KILLS} times: what it finished is a hit, all is whole`, {
  timeout: 600_000,
}, async () => {
  const root = scratch();
  const directory = contextOf(FILES);
  const steps = Array.from({ length: 12 }, (_, i) => `RUN echo ${i} > /f${i}\n`).join("");
  const text = `FROM scratch\nARG ROUND\nCOPY a.txt /a\nRUN --mount=type=cache,id=k,target=/c echo $ROUND > /r && echo $ROUND >> /c/log\n${steps}`;
  writeFileSync(join(directory, "Dockerfile"), text);
  const store = await diskStore(root);
  for (let round = 0; round < KILLS; round++) {
    const child = spawn(process.execPath, [program, root, directory, "x", "1000"], {
      stdio: ["ignore", "ignore", "pipe"],
    });
    const lines = createInterface({ input: child.stderr });
    await new Promise<void>((resolve) =>
      lines.on("line", (line) => line.includes("RUN echo 3") && resolve()),
    );
    await new Promise((resolve) => setTimeout(resolve, (round * 37) % 90));
    child.kill("SIGKILL");
    await once(child, "close");
    expect([round, (await store.check()).problems]).toEqual([round, []]);
    const { events, image } = await buildIn(
      store,
      directory,
      readFileSync(join(directory, "Dockerfile"), "utf8"),
      {
        names: ["y"],
        buildArgs: { ROUND: "0", NAME: "x" },
      },
    );
    const cached = events.flatMap((event) => (event.kind === "cached" ? [event.vertex.name] : []));
    expect(cached.some((name) => name.includes("RUN echo 2 "))).toBe(true);
    expect((await listed(image)).filter((line) => / \/f\d+ /.test(line))).toHaveLength(12);
  }
  await store.check({ repair: true });
  const report = await store.check();
  expect([report.problems, report.strays]).toEqual([[], []]);
});
