/**
 * Builds from the text of a Dockerfile to an image in a store: what each instruction makes of files and of
 * the configuration, what is cached, and what a build that fails leaves.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type BuildOptions, build } from "../../src/build/build.ts";
import { directoryContext } from "../../src/build/context/directory.ts";
import type { BuildEvent } from "../../src/build/log.ts";
import { Store } from "../../src/runtime/store.ts";

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

const names = (events: readonly BuildEvent[], kind: BuildEvent["kind"]) =>
  events.flatMap((event) => (event.kind === kind && "vertex" in event ? [event.vertex.name] : []));

let folder: string;
let store: Store;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "build-"));
  mkdirSync(join(folder, "dir/sub"), { recursive: true });
  writeFileSync(join(folder, "a.txt"), "a\n");
  writeFileSync(join(folder, "b.txt"), "b\n");
  writeFileSync(join(folder, "dir/sub/c.txt"), "c\n");
  store = await Store.memory({ env: { SOURCE_DATE_EPOCH: "1700000000" } });
});

afterAll(async () => {
  await store.close();
  rmSync(folder, { recursive: true });
});

async function make(dockerfile: string, options: Partial<BuildOptions> = {}) {
  const context = directoryContext(folder);
  try {
    return await build(dockerfile, { store, context, ...options });
  } finally {
    context.close();
  }
}

describe("a build", () => {
  test("of files alone", async () => {
    const { image, events } = await make(
      `FROM scratch
COPY a.txt b.txt /x/
COPY dir /y
ENV A=1 B=two
LABEL l=v
CMD ["/x"]
`,
      { names: ["demo:1"] },
    );
    expect(image.tags).toEqual(["demo:1"]);
    expect(image.config.config).toMatchObject({ Labels: { l: "v" }, Cmd: ["/x"] });
    const mount = await image.mount();
    expect(mount.readdir("/x").map(({ name }) => name)).toEqual(["a.txt", "b.txt"]);
    expect(text(mount.readFile("/y/sub/c.txt"))).toBe("c\n");
    mount.unmount();
    expect(names(events, "cached")).toEqual([]);
    const again = await make(
      `FROM scratch
COPY a.txt b.txt /x/
COPY dir /y
ENV A=1 B=two
LABEL l=v
CMD ["/x"]
`,
    );
    expect(names(again.events, "cached")).toHaveLength(2);
    expect(again.image.id).toBe(image.id);
  });

  test("with commands and stages", async () => {
    const { image } = await make(
      `FROM scratch AS one
WORKDIR /w
COPY a.txt .
RUN echo hello > out && mkdir -p d && cp a.txt d/ && chmod 0600 d/a.txt
FROM scratch
COPY --from=one --chown=5:6 /w /res
`,
    );
    const mount = await image.mount();
    expect(text(mount.readFile("/res/out"))).toBe("hello\n");
    expect(mount.stat("/res/d/a.txt")).toMatchObject({ uid: 5, gid: 6, mode: 0o100600 });
    mount.unmount();
  });
});
