/**
 * Docker's transcripts ("Exact texts"), line by line. Identifiers are ours; each is replaced by the one
 * that the transcript has.
 */
import { rmSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { shortDigest } from "../../src/oci/digest.ts";
import type { Image } from "../../src/runtime/image.ts";
import { Store } from "../../src/runtime/store.ts";
import { layoutOf, makeImage } from "../store/images.ts";
import { scratch } from "../store/scratch.ts";
import { strata } from "./strata.ts";

const IDS = {
  base: "sha256:480e6119556ffe5ee375161f85e30ecd46171e99e07a52b55e7369f0d6ef340b",
  A: "sha256:e3f858e7dff32b04b79a6852badb413e668aa25ee1181528121627171c7ba628",
  B: "sha256:14fad501604e45374bcbe6634ae77e8c7b0326915caa6a4e96c130925ac22ca5",
};
const at = (text: string) => Date.parse(text);
const nanoseconds = (text: string) => BigInt(at(text)) * 1_000_000n;

let root: string;
const images: Record<keyof typeof IDS, Image> = {} as never;

beforeAll(async () => {
  root = scratch(true);
  const base = await makeImage([{ "bin/sh": "x".repeat(1_982_504) }], {
    config: {
      created: "2026-11-21T01:15:33Z",
      config: { Env: ["PATH=/bin"] },
      history: [{ created: "2026-11-21T01:15:33Z", comment: "Imported from -" }],
    },
  });
  const store = await Store.open(root, { env: {} });
  const [first] = await store.load(layoutOf(scratch(true), base, undefined), { name: "base:1" });
  images.base = first!;
  const mount = await images.base.mount();
  mount.mkdir("/d1");
  mount.writeFile("/d1/f1", "1".repeat(34));
  images.A = await images.base.commit(mount, {
    name: "lay:A",
    message: "layer A",
    createdBy: "/bin/sh -c mkdir -p /d1/sub /d2 /d3 /d4 /perm; echo and so on",
    created: nanoseconds("2026-11-21T01:15:59Z"),
  });
  const next = await images.A.mount();
  next.unlink("/d1/f1");
  next.writeFile("/d2", "2".repeat(33));
  images.B = await images.A.commit(next, {
    name: "lay:B",
    createdBy: "/bin/sh -c rm /d1/f1; rm -rf /d2; mkdir /d2; echo and so on",
    created: nanoseconds("2026-11-21T01:16:00Z"),
  });
  await store.close();
});

afterAll(() => rmSync(root, { recursive: true, force: true }));

function withTheirIDs(text: string): string {
  return Object.entries(IDS).reduce((replaced, [key, theirs]) => {
    const ours = images[key as keyof typeof IDS].id;
    return replaced.replaceAll(ours, theirs).replaceAll(shortDigest(ours), theirs.slice(7, 19));
  }, text);
}

/** Runs each command of a transcript and compares output, errors and exit code with it. */
async function follows(transcript: string, now: string): Promise<void> {
  for (const part of transcript.split("$ docker ").slice(1)) {
    const [, command = "", output = "", code] = /^(.*)\n([\s\S]*)\[rc=(\d+)\]/.exec(part) ?? [];
    const args = [...command.matchAll(/\{\{.*\}\}|\S+/g)].map(([word]) => word);
    const ran = await strata(args, { root, now: at(now) });
    const shown = withTheirIDs(ran.stdout) + withTheirIDs(ran.stderr);
    expect(`$ docker ${command}\n${shown}[rc=${ran.code}]`).toBe(
      `$ docker ${command}\n${output}[rc=${code}]`,
    );
  }
}

test("images", async () => {
  await follows(
    `$ docker images
REPOSITORY   TAG       IMAGE ID       CREATED          SIZE
lay          B         14fad501604e   24 seconds ago   1.98MB
lay          A         e3f858e7dff3   25 seconds ago   1.98MB
base         1         480e6119556f   51 seconds ago   1.98MB
[rc=0]
$ docker images -a
REPOSITORY   TAG       IMAGE ID       CREATED          SIZE
lay          B         14fad501604e   24 seconds ago   1.98MB
lay          A         e3f858e7dff3   25 seconds ago   1.98MB
base         1         480e6119556f   51 seconds ago   1.98MB
[rc=0]
`,
    "2026-11-21T01:16:24Z",
  );
  await follows(
    `$ docker images --digests
REPOSITORY   TAG       DIGEST    IMAGE ID       CREATED          SIZE
lay          B         <none>    14fad501604e   25 seconds ago   1.98MB
lay          A         <none>    e3f858e7dff3   26 seconds ago   1.98MB
base         1         <none>    480e6119556f   52 seconds ago   1.98MB
[rc=0]
$ docker images --no-trunc
REPOSITORY   TAG       IMAGE ID                                                                  CREATED          SIZE
lay          B         sha256:14fad501604e45374bcbe6634ae77e8c7b0326915caa6a4e96c130925ac22ca5   25 seconds ago   1.98MB
lay          A         sha256:e3f858e7dff32b04b79a6852badb413e668aa25ee1181528121627171c7ba628   26 seconds ago   1.98MB
base         1         sha256:480e6119556ffe5ee375161f85e30ecd46171e99e07a52b55e7369f0d6ef340b   52 seconds ago   1.98MB
[rc=0]
$ docker images -q
14fad501604e
e3f858e7dff3
480e6119556f
[rc=0]
`,
    "2026-11-21T01:16:25Z",
  );
});

test("images: filters and patterns", async () => {
  await follows(
    `$ docker images lay
REPOSITORY   TAG       IMAGE ID       CREATED          SIZE
lay          B         14fad501604e   25 seconds ago   1.98MB
lay          A         e3f858e7dff3   26 seconds ago   1.98MB
[rc=0]
$ docker images lay:B
REPOSITORY   TAG       IMAGE ID       CREATED          SIZE
lay          B         14fad501604e   25 seconds ago   1.98MB
[rc=0]
$ docker images la
REPOSITORY   TAG       IMAGE ID   CREATED   SIZE
[rc=0]
$ docker images --filter reference=l*:*
REPOSITORY   TAG       IMAGE ID       CREATED          SIZE
lay          B         14fad501604e   25 seconds ago   1.98MB
lay          A         e3f858e7dff3   26 seconds ago   1.98MB
[rc=0]
$ docker images --filter before=lay:B
REPOSITORY   TAG       IMAGE ID       CREATED          SIZE
lay          A         e3f858e7dff3   26 seconds ago   1.98MB
base         1         480e6119556f   52 seconds ago   1.98MB
[rc=0]
$ docker images --filter since=base:1
REPOSITORY   TAG       IMAGE ID       CREATED          SIZE
lay          B         14fad501604e   25 seconds ago   1.98MB
lay          A         e3f858e7dff3   26 seconds ago   1.98MB
[rc=0]
$ docker images --filter foo=bar
Error response from daemon: Invalid filter 'foo'
[rc=1]
`,
    "2026-11-21T01:16:25Z",
  );
});

test("history", async () => {
  await follows(
    `$ docker history lay:B
IMAGE          CREATED          CREATED BY                                      SIZE      COMMENT
14fad501604e   1 second ago     /bin/sh -c rm /d1/f1; rm -rf /d2; mkdir /d2;…   33B       
e3f858e7dff3   2 seconds ago    /bin/sh -c mkdir -p /d1/sub /d2 /d3 /d4 /per…   34B       layer A
480e6119556f   28 seconds ago                                                   1.98MB    Imported from -
[rc=0]
$ docker history -q lay:B
14fad501604e
e3f858e7dff3
480e6119556f
[rc=0]
$ docker history --human=false lay:B
IMAGE          CREATED AT             CREATED BY                                      SIZE      COMMENT
14fad501604e   2026-11-21T01:16:00Z   /bin/sh -c rm /d1/f1; rm -rf /d2; mkdir /d2;…   33        
e3f858e7dff3   2026-11-21T01:15:59Z   /bin/sh -c mkdir -p /d1/sub /d2 /d3 /d4 /per…   34        layer A
480e6119556f   2026-11-21T01:15:33Z                                                   1982504   Imported from -
[rc=0]
`,
    "2026-11-21T01:16:01Z",
  );
});

test("what is missing", async () => {
  await follows(
    `$ docker inspect nosuch
[]
Error: No such object: nosuch
[rc=1]
$ docker history nosuch
Error response from daemon: No such image: nosuch:latest
[rc=1]
$ docker inspect --type image nosuch
[]
Error: No such image: nosuch
[rc=1]
`,
    "2026-11-21T01:16:01Z",
  );
});

test("inspect with a template", async () => {
  const { stdout } = await strata(["inspect", "--type", "image", "lay:A", "-f", "{{json .RootFS}}"], {
    root,
  });
  expect(stdout).toBe(`{"Type":"layers","Layers":${JSON.stringify(images.A.config.rootfs.diff_ids)}}\n`);
});

describe("a tag that looks like an ID prefix", () => {
  test("wins over the ID", async () => {
    const looksLike = shortDigest(images.A.id);
    const store = await Store.open(root, { env: {} });
    await store.tag(images.base, looksLike);
    await store.close();
    const { stdout } = await strata(["inspect", "-f", "{{.Id}} {{.RepoTags}}", looksLike], { root });
    const tags = ["base:1", `${looksLike}:latest`].sort();
    expect(stdout).toBe(`${images.base.id} [${tags.join(" ")}]\n`);
  });
});
