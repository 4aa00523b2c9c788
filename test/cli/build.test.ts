/**
 * `strata build` as its user meets it: what it reads, what it writes, what it prints, and how it fails.
 */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { ttyView } from "../../src/cli/build-tty.ts";
import { startRegistry } from "../registry/registry.ts";
import { needs } from "../requirements.ts";
import { scratch } from "../store/scratch.ts";
import { type Ran, strata } from "./strata.ts";

const DOCKERFILE = `FROM scratch AS one
ARG WHO=nobody
WORKDIR /w
COPY a.txt .
RUN cat a.txt; echo for $WHO >&2
FROM scratch
COPY --from=one /w /res
LABEL from=file
`;

interface Setting {
  readonly root: string;
  readonly folder: string;
  build(args: readonly string[], more?: { stdin?: Uint8Array; env?: Record<string, string> }): Promise<Ran>;
  strata(...args: string[]): Promise<Ran>;
}

/** A store and a context with a Dockerfile. */
function setting(files: Readonly<Record<string, string>> = {}): Setting {
  const root = scratch();
  const folder = scratch();
  for (const [name, text] of Object.entries({ Dockerfile: DOCKERFILE, "a.txt": "hello\n", ...files })) {
    mkdirSync(join(folder, name, ".."), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  return {
    root,
    folder,
    build: (args, { stdin, env = {} } = {}) =>
      strata(["build", "--executor", "shell", ...args], {
        root,
        env: { SOURCE_DATE_EPOCH: "1700000000", ...env },
        ...(stdin === undefined ? {} : { stdin }),
      }),
    strata: (...args) => strata(args, { root }),
  };
}

const without = (text: string) => text.replace(/\d+\.\d+/g, "T").replace(/sha256:[0-9a-f]{64}/g, "DIGEST");

describe("what it prints", () => {
  test("lines in BuildKit's form, and what was cached the second time", async () => {
    const { build, folder } = setting();
    const first = await build(["-t", "demo:1", "--build-arg", "WHO=me", "--build-arg", "X=1", folder]);
    expect(first.code).toBe(0);
    expect(first.stdout).toBe("");
    expect(without(first.stderr)).toBe(`#0 commands run in the simulated shell
#1 [internal] load build definition from Dockerfile
#1 transferring dockerfile: ${DOCKERFILE.length}B done
#1 DONE Ts

#2 [one 2/4] WORKDIR /w
#2 DONE Ts

#3 [one 3/4] COPY a.txt .
#3 DONE Ts

#4 [one 4/4] RUN cat a.txt; echo for $WHO >&2
#4 T hello
#4 T for me
#4 DONE Ts

#5 [stage-1 2/2] COPY --from=one /w /res
#5 DONE Ts

#6 exporting to image
#6 exporting manifest DIGEST done
#6 exporting config DIGEST done
#6 naming to docker.io/library/demo:1 done
#6 DONE Ts
[Warning] One or more build-args [X] were not consumed
`);
    const again = await build(["--build-arg", "WHO=me", folder]);
    expect(again.stderr.match(/CACHED/g)).toHaveLength(4);
    const other = await build(["--build-arg", "WHO=you", "--explain", folder]);
    expect(other.stderr).toContain("not cached: argument WHO changed from me to you");
  });

  test("-q: the ID alone; --iidfile and --metadata-file", async () => {
    const { build, folder, root } = setting();
    const [ids, metadata] = [join(folder, "id"), join(folder, "metadata")];
    const ran = await build(["-q", "-t", "demo:1", "--iidfile", ids, "--metadata-file", metadata, folder]);
    expect(ran.stderr).toBe("");
    const id = readFileSync(ids, "utf8");
    expect(ran.stdout).toBe(`${id}\n`);
    const { manifests } = JSON.parse(readFileSync(join(root, "index.json"), "utf8"));
    expect(JSON.parse(readFileSync(metadata, "utf8"))).toMatchObject({
      "containerimage.config.digest": id,
      "containerimage.digest": manifests[0].digest,
      "image.name": "docker.io/library/demo:1",
    });
  });

  test("--progress rawjson: a SolveStatus a line", async () => {
    const { build, folder } = setting();
    const { stderr } = await build(["--progress", "rawjson", folder]);
    const lines = stderr
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    const names = lines.flatMap(({ vertexes = [] }) => vertexes.map(({ name }: { name: string }) => name));
    expect(names).toContain("[one 3/4] COPY a.txt .");
    const logs = lines.flatMap(({ logs: found = [] }) => found);
    expect(logs.map(({ data }: { data: string }) => Buffer.from(data, "base64").toString())).toContain(
      "hello\n",
    );
  });

  test("warnings of the check are counted at the end; --check builds nothing", async () => {
    const { build, folder, strata: run } = setting({ Dockerfile: "FROM scratch\nCMD echo hi\n" });
    const { stderr } = await build([folder]);
    expect(stderr).toContain("\n 1 warning found:\n - JSONArgsRecommended: ");
    const checked = await build(["--check", folder]);
    expect(checked.code).toBe(1);
    expect(checked.stdout).toContain("Check complete, 1 warning has been found!");
    expect(checked.stdout).toContain("   2 | >>> CMD echo hi");
    expect((await run("images", "-q")).stdout.trim().split("\n")).toHaveLength(1);
  });

  test("on a terminal: a heading, a line each, the end of what runs, redrawn in place", () => {
    let now = 1000;
    let written = "";
    const screen = { write: (text: string) => void (written += text), columns: 60, rows: 10, now: () => now };
    const view = ttyView(screen);
    const vertex = { id: 1, name: "[1/1] RUN make" };
    view.see({ kind: "start", vertex, time: 1000 });
    view.see({ kind: "output", vertex, time: 1100, stream: "stdout", bytes: Buffer.from("one\ntwo\n") });
    now = 2500;
    view.see({ kind: "done", vertex, time: 2500 });
    view.end();
    expect(written).toContain("[+] Building 1.5s (1/1) FINISHED\n");
    expect(written).toMatch(/ => \[1\/1\] RUN make +1\.5s/);
  });
});

describe("what it reads", () => {
  test("an archive by path and on standard input, and a Dockerfile alone", async () => {
    const { build, folder } = setting();
    const ids: string[] = [(await build(["-q", folder])).stdout];
    const archive = execFileSync("tar", ["-C", folder, "-cz", "."]);
    writeFileSync(`${folder}.tgz`, archive);
    ids.push((await build(["-q", `${folder}.tgz`])).stdout);
    ids.push((await build(["-q", "-"], { stdin: archive })).stdout);
    expect(new Set(ids).size).toBe(1);
    const alone = await build(["-q", "-"], { stdin: Buffer.from("FROM scratch\nLABEL a=b\n") });
    expect(alone).toMatchObject({ code: 0 });
    const given = await build(["-q", "-f", "-", folder], {
      stdin: Buffer.from("FROM scratch\nCOPY a.txt /\n"),
    });
    expect(given).toMatchObject({ code: 0, stderr: "" });
  });

  test("what is ignored: by the file beside the Dockerfile, else by the context's", async () => {
    const files = {
      Dockerfile: "FROM scratch\nCOPY . /\n",
      other: "FROM scratch\nCOPY . /\n",
      ".dockerignore": "a.txt\n",
      "other.dockerignore": "d\n",
      "d/e": "e",
    };
    const { build, folder, strata: run } = setting(files);
    await build(["-t", "one", folder]);
    await build(["-t", "two", "-f", join(folder, "other"), folder]);
    expect((await run("ls", "one", "/")).stdout.split("\n")).not.toContain("a.txt");
    const names = (await run("ls", "two", "/")).stdout.split("\n");
    expect(names).toContain("a.txt");
    expect(names).not.toContain("d");
  });

  test("other contexts, secrets, a variable of the environment, labels over those of the file", async () => {
    const dockerfile = `FROM scratch
ARG A
COPY --from=more f /f
RUN --mount=type=secret,id=s --mount=type=secret,id=e echo $A $(cat /run/secrets/s /run/secrets/e) > /said
LABEL l=file
`;
    const { build, folder, strata: run } = setting({ Dockerfile: dockerfile, "more/f": "more\n", s: "sss" });
    const flags = [
      "--build-context",
      `more=${join(folder, "more")}`,
      "--build-arg",
      "A",
      "--label",
      "l=flag",
    ];
    const secrets = ["--secret", `id=s,src=${join(folder, "s")}`, "--secret", "id=e,env=EEE"];
    const ran = await build(["-t", "x", ...flags, ...secrets, folder], { env: { A: "aaa", EEE: "eee" } });
    expect(ran.code).toBe(0);
    expect((await run("cat", "x", "/f", "/said")).stdout).toBe("more\naaa ssseee\n");
    expect((await run("inspect", "-f", "{{.Config.Labels.l}}", "x")).stdout).toBe("flag\n");
  });
});

describe("where it goes", () => {
  test("archives of the image and of the files, a directory; the store is then left alone", async () => {
    const { build, folder, strata: run } = setting();
    const at = (name: string) => join(folder, "..", `${folder.split("/").pop()}-${name}`);
    for (const type of ["oci", "docker"]) {
      expect(await build(["-t", "x:1", "-o", `type=${type},dest=${at(type)}`, folder])).toMatchObject({
        code: 0,
      });
      expect(execFileSync("tar", ["-tf", at(type)]).toString()).toContain("oci-layout\n");
    }
    expect(await build(["-o", at("dir"), folder])).toMatchObject({ code: 0 });
    expect(readFileSync(join(at("dir"), "res/a.txt"), "utf8")).toBe("hello\n");
    const tar = await build(["-o", "-", folder]);
    expect(execFileSync("tar", ["-t"], { input: tar.bytes }).toString()).toBe("res/\nres/a.txt\n");
    expect((await run("images", "-q")).stdout).toBe("");
    await run("load", "-i", at("docker"));
    expect((await run("images", "--format", "{{.Repository}}:{{.Tag}}")).stdout).toBe("x:1\n");
  });

  test("several platforms: an index under the name", async () => {
    const { build, folder, root } = setting();
    const ran = await build(["-t", "multi:1", "--platform", "linux/amd64,linux/arm64", folder]);
    expect(ran.code).toBe(0);
    expect(ran.stderr).toContain("[linux/arm64 one 3/4] COPY a.txt .");
    const { manifests } = JSON.parse(readFileSync(join(root, "index.json"), "utf8"));
    expect(manifests).toHaveLength(1);
    const hex = manifests[0].digest.slice(7);
    const index = JSON.parse(readFileSync(join(root, "blobs/sha256", hex), "utf8"));
    expect(index.manifests.map((entry: { platform: unknown }) => entry.platform)).toEqual([
      { os: "linux", architecture: "amd64" },
      { os: "linux", architecture: "arm64" },
    ]);
  });

  test.skipIf(needs.tool("docker-registry", "docker-registry"))(
    "--push; and a cache in a registry, of which another machine reads only what it needs",
    async () => {
      const registry = await startRegistry();
      onTestFinished(() => registry.stop());
      const cache = `${registry.host}/cache:1`;
      const here = setting();
      const pushed = await here.build(["--push", "-t", `${registry.host}/me/app:1`, here.folder]);
      expect(pushed.stderr).toMatch(/pushing .*\/me\/app:1 with digest sha256:[0-9a-f]{64} done/);
      const wrote = await here.build(["--cache-to", `type=registry,ref=${cache}`, here.folder]);
      expect(wrote).toMatchObject({ code: 0 });
      const there = setting();
      const used = await there.build(["-q", "--cache-from", cache, there.folder]);
      const plain = await there.build(["--cache-from", cache, there.folder]);
      expect(plain.stderr.match(/CACHED/g)).toHaveLength(4);
      expect(used.stdout).toBe((await here.build(["-q", here.folder])).stdout);
    },
  );

  test("a cache in a directory; one that is not there is a warning", async () => {
    const here = setting();
    const directory = join(here.folder, "..", `${here.folder.split("/").pop()}-cache`);
    await here.build(["--cache-to", `type=local,dest=${directory}`, here.folder]);
    const there = setting();
    const from = [
      "--cache-from",
      `type=local,src=${directory}`,
      "--cache-from",
      `type=local,src=${directory}-not`,
    ];
    const ran = await there.build([...from, there.folder]);
    expect(ran.code).toBe(0);
    expect(ran.stderr.match(/CACHED/g)).toHaveLength(4);
    expect(ran.stderr).toContain(`no cache from ${directory}-not: `);
  });
});

describe("how it fails", () => {
  test("a command: its output, its exit code, its line, and nothing named", async () => {
    const { build, folder, strata: run } = setting({ Dockerfile: "FROM scratch\nRUN echo out; exit 3\n" });
    const { code, stderr } = await build(["-t", "x", folder]);
    expect(code).toBe(1);
    expect(without(stderr)).toContain(`------
 > [2/2] RUN echo out; exit 3:
T out
------
Dockerfile:2
--------------------
   1 |     FROM scratch
   2 | >>> RUN echo out; exit 3
   3 |     
--------------------
ERROR: failed to solve: Dockerfile:2:1: process "/bin/sh -c echo out; exit 3" did not complete successfully: exit code: 3
`);
    expect((await run("images", "-q")).stdout).toBe("");
  });

  const cases: readonly (readonly [string, readonly string[], string])[] = [
    ["no context", ["/nowhere"], 'unable to prepare context: path "/nowhere" not found'],
    [
      "a URL",
      ["https://x/y.git"],
      "https://x/y.git is remote; fetch it first, and give its directory or archive",
    ],
    ["both on standard input", ["-f", "-", "-"], "can't use stdin for both build context and dockerfile"],
    [
      "no Dockerfile",
      ["-f", "no/file", "."],
      "failed to read dockerfile: open no/file: no such file or directory",
    ],
    [
      "a bad secret",
      ["--secret", "id=x,src=/nowhere", "."],
      "failed to read secret x: open /nowhere: no such file",
    ],
    ["a bad output", ["-o", "type=zip,dest=x", "."], "unsupported output type zip"],
    [
      "a bad cache",
      ["--cache-to", "type=s3", "."],
      "there are caches of type registry and local, and none of type s3",
    ],
    ["a bad executor", ["--executor", "docker", "."], 'must be one of "auto", "native" or "shell"'],
    ["a bad mode", ["--progress", "loud", "."], "invalid progress mode: loud"],
  ];
  test.each(cases)("%s", async (_, args, message) => {
    const { root, folder } = setting();
    const given = args.map((arg) => (arg === "." ? folder : arg));
    const { code, stderr } = await strata(["build", ...given], { root });
    expect(code).not.toBe(0);
    expect(stderr).toContain(message);
  });

  test("a missing base, a text that means nothing", async () => {
    const base = setting({ Dockerfile: "FROM 127.0.0.1:1/nothing:1\n" });
    expect((await base.build([base.folder])).stderr).toMatch(
      /failed to solve: Dockerfile:1:1: 127\.0\.0\.1:1\/nothing:1: /,
    );
    const text = setting({ Dockerfile: "FROM scratch\nFOO bar\n" });
    const { stderr } = await text.build([text.folder]);
    expect(stderr).toContain("   2 | >>> FOO bar");
  });
});

describe("the build cache", () => {
  test("its layers stay until it is pruned; df and du tell of it; fsck finds nothing wrong", async () => {
    const { build, folder, root, strata: run } = setting();
    await build(["-t", "x", folder]);
    await run("rmi", "x");
    await run("image", "prune", "-af");
    expect((await build([folder])).stderr.match(/CACHED/g)).toHaveLength(4);
    expect((await run("system", "df")).stdout).toMatch(/^Build Cache +\d/m);
    expect((await run("builder", "du")).stdout).toContain("COPY a.txt .");
    expect((await run("system", "fsck")).code).toBe(0);
    // The image has one of its layers: that entry stays, but for --all.
    await run("builder", "prune", "-f");
    expect((await run("builder", "du", "--format", "{{.Description}}")).stdout).toMatch(
      /^(COPY --from=one \/w \/res\n)+$/,
    );
    await run("rmi", "-f", (await run("images", "-q")).stdout.trim());
    const pruned = await run("builder", "prune", "-af");
    expect(pruned.stdout).toMatch(/^Deleted build cache objects:\nsha256:/);
    expect((await run("builder", "du", "--format", "{{.ID}}")).stdout).toBe("");
    const blobs = execFileSync("ls", [join(root, "blobs/sha256")]).toString();
    expect(blobs).toBe("");
    expect((await build([folder])).stderr).not.toContain("CACHED");
    expect(existsSync(join(root, "stratafs/steps-1"))).toBe(true);
  });
});

test("reproducible: two stores, with and without the cache, give one manifest", async () => {
  const digests: string[] = [];
  for (const flags of [[], ["--no-cache"]]) {
    const { build, folder } = setting();
    const file = join(folder, "..", `${folder.split("/").pop()}.json`);
    await build([...flags, "--metadata-file", file, folder]);
    await build(["--no-cache", "--metadata-file", file, folder]);
    digests.push(JSON.parse(readFileSync(file, "utf8"))["containerimage.digest"]);
  }
  expect(new Set(digests).size).toBe(1);
});
