/**
 * An application of some thousand files on a real base: copied, pruned, given to a user and described by one
 * build with the simulated shell, found whole in the cache by the next one, and taken by the tools that
 * images are for.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { Store } from "../../src/runtime/store.ts";
import { buildIn } from "../build/harness.ts";
import { startRegistry } from "../registry/registry.ts";
import { imagePath, needs } from "../requirements.ts";
import { dumpDirectory, dumpMount } from "../runtime/host-dump.ts";
import { scratch } from "../store/scratch.ts";

const MODULES = 150;
const FILES = 20;

const DOCKERFILE = `FROM debian:12 AS build
WORKDIR /src
COPY app ./
RUN find . -name '*.test.js' -delete && rm -rf module7 && chmod -R go-w .
RUN mkdir -p /out && cp -a . /out/app && ln -s app/main.js /out/start && chown -R 1000:1000 /out

FROM debian:12
ARG VERSION=dev
RUN echo "app:x:1000:1000::/opt/app:/bin/sh" >> /etc/passwd && rm -rf /usr/share/doc
COPY --from=build /out /opt
COPY --chown=app --chmod=0555 <<EOT /opt/run
#!/bin/sh
exec node /opt/app/main.js
EOT
ENV NODE_ENV=production VERSION=$VERSION
LABEL org.opencontainers.image.version=$VERSION
WORKDIR /opt/app
USER app
EXPOSE 8080
ENTRYPOINT ["/opt/run"]
`;

function makeApplication(directory: string): void {
  mkdirSync(join(directory, "app"));
  writeFileSync(join(directory, "app/main.js"), "main\n");
  for (let i = 0; i < MODULES; i++) {
    const at = join(directory, `app/module${i}/lib`);
    mkdirSync(at, { recursive: true });
    for (let j = 0; j < FILES; j++) {
      writeFileSync(
        join(at, j % 5 === 4 ? `f${j}.test.js` : `f${j}.js`),
        `export const x = ${i * j};\n`.repeat(1 + (j % 7)),
      );
    }
  }
}

const missing =
  needs.image("debian-base") ??
  needs.tool("umoci", "umoci") ??
  needs.tool("skopeo", "skopeo") ??
  needs.tool("docker-registry", "docker-registry") ??
  needs.root();

describe.skipIf(missing)("an application on debian", () => {
  test("is built, is cached, and is what skopeo, umoci and a registry take", {
    timeout: 180_000,
  }, async () => {
    const directory = scratch();
    makeApplication(directory);
    const root = scratch();
    const store = await Store.open(root, { env: { SOURCE_DATE_EPOCH: "1700000000" } });
    await store.load(imagePath("debian-base"), { name: "debian:12" });
    const options = { names: ["app:1"], buildArgs: { VERSION: "1.2" } };
    const { image, descriptor } = await buildIn(store, directory, DOCKERFILE, options);

    const mount = await image.mount({ readOnly: true });
    const kept = MODULES * FILES * 0.8 - FILES * 0.8;
    const files = mount
      .readdir("/opt/app")
      .flatMap(({ name }) =>
        name.startsWith("module")
          ? mount.readdir(`/opt/app/${name}/lib`).map((file) => `${name}/lib/${file.name}`)
          : [],
      );
    expect(files).toHaveLength(kept);
    expect(files.filter((name) => /test|module7\//.test(name))).toEqual([]);
    expect(mount.stat("/opt/start")).toMatchObject({ uid: 1000, gid: 1000 });
    expect(mount.stat("/opt/run")).toMatchObject({ uid: 1000, gid: 1000, mode: 0o100555 });
    expect(mount.exists("/usr/share/doc")).toBe(false);
    expect(image.config.config).toMatchObject({
      User: "app",
      WorkingDir: "/opt/app",
      Entrypoint: ["/opt/run"],
      ExposedPorts: { "8080/tcp": {} },
      Labels: { "org.opencontainers.image.version": "1.2" },
    });
    const shown = dumpMount(mount);
    mount.unmount();

    const again = await buildIn(store, directory, DOCKERFILE, options);
    expect(again.descriptor).toEqual(descriptor);
    const steps = again.events.filter(
      (event) => event.kind === "start" && / (RUN|COPY|WORKDIR) /.test(event.vertex.name),
    );
    const cached = again.events.filter(
      (event) => event.kind === "cached" && / (RUN|COPY|WORKDIR) /.test(event.vertex.name),
    );
    expect([steps.length, cached.length]).toEqual([8, 8]);

    const run = (command: string, ...args: string[]) =>
      execFileSync(command, args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
    const bundle = join(scratch(), "bundle");
    run("umoci", "unpack", "--image", `${root}:docker.io/library/app:1`, bundle);
    expect(dumpDirectory(join(bundle, "rootfs"))).toEqual(shown);

    const layout = join(scratch(), "layout");
    run("skopeo", "--insecure-policy", "copy", `oci:${root}:docker.io/library/app:1`, `oci:${layout}:app`);
    const registry = await startRegistry();
    try {
      const pushed = await store.push(image, `${registry.host}/app:1`);
      expect(pushed).toBe(descriptor.digest);
      const inspected = run("skopeo", "inspect", "--tls-verify=false", `docker://${registry.host}/app:1`);
      expect(JSON.parse(inspected)).toMatchObject({
        Digest: descriptor.digest,
        Labels: { "org.opencontainers.image.version": "1.2" },
      });
      run(
        "skopeo",
        "--insecure-policy",
        "copy",
        "--src-tls-verify=false",
        `docker://${registry.host}/app:1`,
        `oci:${layout}:back`,
      );
    } finally {
      await registry.stop();
    }
    await store.close();
  });
});
