/**
 * `index.json` between us and tools that know no lock: what they did not see is not lost, what they removed
 * stays removed.
 */
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { Store } from "../../src/runtime/store.ts";
import { needs } from "../requirements.ts";
import { layoutOf, makeImage } from "./images.ts";
import { scratch } from "./scratch.ts";

const tagsOf = async (store: Store) => (await store.images()).flatMap(({ image }) => image.tags).sort();
const indexOf = (root: string) => JSON.parse(readFileSync(join(root, "index.json"), "utf8"));
const load = async (store: Store, name: string) =>
  await store.load(layoutOf(scratch(), await makeImage([{ own: name }]), name));

test.skipIf(needs.tool("skopeo", "skopeo"))(
  "what was loaded while skopeo copied into the store is there when it has ended",
  async () => {
    const root = scratch();
    const store = await Store.open(root, { env: {} });
    await load(store, "before:1");
    const large = layoutOf(scratch(), await makeImage([{ large: randomBytes(40_000_000) }]), "t");
    const args = ["--insecure-policy", "copy", `oci:${large}:t`, `oci:${root}:docker.io/library/theirs:1`];
    const skopeo = spawn("skopeo", args, { stdio: "ignore" });
    const ended = once(skopeo, "exit");
    // It has read index.json when its first file is there; then it is held until we have written.
    while (!readdirSync(root).some((name) => name.startsWith("oci-put-blob"))) await sleep(1);
    skopeo.kill("SIGSTOP");
    await load(store, "between:1");
    skopeo.kill("SIGCONT");
    expect((await ended)[0]).toBe(0);

    const names = (index: { manifests: readonly { annotations?: Record<string, string> }[] }) =>
      index.manifests.flatMap(({ annotations }) => Object.values(annotations ?? {}));
    expect(names(indexOf(root))).not.toContain("docker.io/library/between:1");
    expect(await tagsOf(store)).toEqual(["before:1", "between:1", "theirs:1"]);
    expect((await store.check()).problems).toEqual([]);
    await store.collectGarbage();
    await store.tag(await store.image("before:1"), "after:1");
    expect(names(indexOf(root))).toContain("docker.io/library/between:1");
    expect(await tagsOf(store)).toEqual(["after:1", "before:1", "between:1", "theirs:1"]);
    await store.close();
  },
);

test("what another tool only removes stays removed", async () => {
  const root = scratch();
  const store = await Store.open(root, { env: {} });
  await load(store, "a:1");
  await load(store, "b:1");
  const index = indexOf(root);
  writeFileSync(join(root, "index.json"), JSON.stringify({ ...index, manifests: index.manifests.slice(1) }));
  expect(await tagsOf(store)).toEqual(["b:1"]);
  await load(store, "c:1");
  expect(await tagsOf(store)).toEqual(["b:1", "c:1"]);
  await store.close();
});

test("a name that another tool moved is where it moved it", async () => {
  const root = scratch();
  const store = await Store.open(root, { env: {} });
  await load(store, "a:1");
  const [other] = await load(store, "b:1");
  const index = indexOf(root);
  const [a, b] = index.manifests;
  const moved = [{ ...b, annotations: a.annotations }];
  writeFileSync(join(root, "index.json"), JSON.stringify({ ...index, manifests: moved }));
  expect((await store.image("a:1")).id).toBe(other!.id);
  await store.close();
});
