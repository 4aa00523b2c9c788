/**
 * Images between us and skopeo through a real registry, and `strata copy` between places: every digest
 * stays, of both families of manifests, of whole indexes, of any compression.
 */
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Digest, digestOf } from "../../src/oci/digest.ts";
import { DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST } from "../../src/oci/media-types.ts";
import { getManifest } from "../../src/registry/manifests.ts";
import { Session } from "../../src/registry/session.ts";
import { Store } from "../../src/runtime/store.ts";
import { strata } from "../cli/strata.ts";
import { imagePath, needs } from "../requirements.ts";
import { makeImage, writeLayout } from "../store/images.ts";
import { scratch } from "../store/scratch.ts";
import { type FaultyProxy, startFaultyProxy } from "./faulty-proxy.ts";
import { startRegistry, type TestRegistry } from "./registry.ts";

const json = (value: unknown) => Buffer.from(JSON.stringify(value));

function skopeo(...args: string[]): string {
  return execFileSync("skopeo", args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
}

function blobsOf(directory: string): readonly string[] {
  return readdirSync(join(directory, "blobs/sha256")).sort();
}

/** The descriptor that a layout of one image has. */
function only(directory: string): { digest: Digest; mediaType: string } {
  return JSON.parse(readFileSync(join(directory, "index.json"), "utf8")).manifests[0];
}

describe.skipIf(needs.tool("docker-registry", "docker-registry") ?? needs.tool("skopeo", "skopeo"))(
  "with skopeo",
  () => {
    let registry: TestRegistry;
    let proxy: FaultyProxy;
    let session: Session;

    beforeAll(async () => {
      registry = await startRegistry();
      proxy = await startFaultyProxy(registry.host);
      session = new Session(registry.host, { env: {} });
    });
    afterAll(async () => {
      await session.close();
      await proxy.stop();
      await registry.stop();
    });

    const manifestOf = async (repository: string, tag: string) => {
      return await getManifest(session, repository, tag, `${repository}:${tag}`);
    };
    const openStore = () => Store.open(scratch(), { env: {} });
    const run = (root: string, ...args: string[]) => strata(args, { root, env: { HOME: root } });

    describe.each(["busybox", "torture-bb-zstd"])("%s", (name) => {
      it.skipIf(needs.image(name))("what we push, skopeo copies byte for byte", async () => {
        const store = await openStore();
        const [image] = await store.load(imagePath(name));
        const digest = await store.push(image!, `${registry.host}/ours/${name}:1`);
        const out = join(scratch(), "out");
        skopeo(
          "copy",
          "--quiet",
          "--src-tls-verify=false",
          `docker://${registry.host}/ours/${name}:1`,
          `oci:${out}:1`,
        );
        const copied = only(out).digest;
        expect([digest, image!.descriptor.digest]).toContain(copied);
        for (const hex of blobsOf(out)) {
          const bytes = readFileSync(join(out, "blobs/sha256", hex));
          expect(bytes.equals(readFileSync(join(store.directory ?? "", "blobs/sha256", hex)))).toBe(true);
        }
        await store.close();
      });

      it.skipIf(needs.image(name)).each(["oci", "v2s2"])(
        "what skopeo pushed (%s), we pull byte for byte",
        async (format) => {
          // Docker's manifests know no zstd.
          if (format === "v2s2" && name.endsWith("zstd")) return;
          const to = `${registry.host}/theirs/${name}:${format}`;
          const tag = only(imagePath(name)) as unknown as { annotations?: Record<string, string> };
          const ref = tag.annotations?.["org.opencontainers.image.ref.name"];
          const from = `oci:${imagePath(name)}${ref === undefined ? "" : `:${ref}`}`;
          skopeo("copy", "--quiet", "--dest-tls-verify=false", "--format", format, from, `docker://${to}`);
          const there = await manifestOf(`theirs/${name}`, format);
          expect(there.mediaType).toBe(format === "oci" ? OCI_MANIFEST : DOCKER_MANIFEST);
          const store = await openStore();
          const image = await store.pull(to);
          expect(image.descriptor.digest).toBe(there.digest);
          const bytes = readFileSync(store.core.blobs.path(there.digest));
          expect(bytes.equals(there.bytes)).toBe(true);
          const again = await store.push(image, `${registry.host}/back/${name}:${format}`);
          expect(again).toBe(there.digest);
          expect((await manifestOf(`back/${name}`, format)).bytes).toEqual(there.bytes);
          await store.close();
        },
      );
    });

    it.skipIf(needs.image("multiarch"))("an index: whole, one platform, and its attestations", async () => {
      const name = `${registry.host}/multi/arch:1`;
      const source = await openStore();
      const [loaded] = await source.load(imagePath("multiarch"));
      const digest = await source.push(loaded!, name);
      const there = await manifestOf("multi/arch", "1");
      expect([there.digest, there.mediaType]).toEqual([digest, loaded!.target.mediaType]);
      await source.close();

      const entries = JSON.parse(Buffer.from(there.bytes).toString()).manifests as {
        digest: Digest;
        platform: { architecture: string };
      }[];
      expect(entries.length).toBeGreaterThan(1);
      const host = await openStore();
      const pulled = await host.pull(name);
      expect(pulled.target.digest).toBe(digest);
      const present = async (store: Store) => {
        const found = await Promise.all(
          entries.map(async (entry) => (await store.core.blobs.size(entry.digest)) !== undefined),
        );
        return entries.filter((_, i) => found[i]).map((entry) => entry.platform.architecture);
      };
      expect(await present(host)).toEqual([pulled.config.architecture]);
      const other = entries.find((entry) => entry.platform.architecture !== pulled.config.architecture)!;
      const arm = await openStore();
      const foreign = await arm.pull(name, {
        platform: { os: "linux", architecture: other.platform.architecture },
      });
      expect([foreign.target.digest, foreign.config.architecture]).toEqual([
        other.digest,
        other.platform.architecture,
      ]);
      await expect(arm.pull(name, { platform: { os: "plan9", architecture: "mips" } })).rejects.toThrow(
        "no matching manifest for plan9/mips in the manifest list entries",
      );
      const all = await openStore();
      const whole = await all.pull(name, { allPlatforms: true });
      expect((await present(all)).length).toBe(entries.length);
      expect(await all.push(whole, `${registry.host}/multi/copy:1`)).toBe(digest);
      expect((await manifestOf("multi/copy", "1")).bytes).toEqual(there.bytes);
      // Only a part of the index is there: that part is what is pushed.
      expect(await host.push(pulled, `${registry.host}/multi/part:1`)).toBe(pulled.descriptor.digest);
      await Promise.all([host, arm, all].map((store) => store.close()));
    });

    it("an attestation travels with its index and is never chosen", async () => {
      const image = await makeImage([{ a: "1" }]);
      const statement = json({ _type: "https://in-toto.io/Statement/v1" });
      const layer = {
        mediaType: "application/vnd.in-toto+json",
        digest: digestOf(statement),
        size: statement.length,
      };
      const config = json({
        architecture: "unknown",
        os: "unknown",
        rootfs: { type: "layers", diff_ids: [layer.digest] },
      });
      const configDescriptor = {
        mediaType: "application/vnd.oci.image.config.v1+json",
        digest: digestOf(config),
        size: config.length,
      };
      const manifest = json({
        schemaVersion: 2,
        mediaType: OCI_MANIFEST,
        config: configDescriptor,
        layers: [layer],
      });
      const about = { mediaType: OCI_MANIFEST, digest: digestOf(manifest), size: manifest.length };
      const index = json({
        schemaVersion: 2,
        mediaType: OCI_INDEX,
        manifests: [
          {
            ...about,
            platform: { os: "unknown", architecture: "unknown" },
            annotations: { "vnd.docker.reference.type": "attestation-manifest" },
          },
          { ...image.descriptor, platform: { os: "linux", architecture: "amd64" } },
        ],
      });
      const top = { mediaType: OCI_INDEX, digest: digestOf(index), size: index.length };
      const blobs = new Map<Digest, Uint8Array>([
        ...image.blobs,
        ...[statement, config, manifest, index].map((bytes) => [digestOf(bytes), bytes] as const),
      ]);
      const name = `${registry.host}/attested:1`;
      const first = await openStore();
      const [loaded] = await first.load(writeLayout(scratch(), [top], blobs), { name });
      expect(await first.push(loaded!, name)).toBe(top.digest);
      const second = await Store.open(scratch(), {
        env: {},
        platform: { os: "linux", architecture: "amd64" },
      });
      const pulled = await second.pull(name, { allPlatforms: true });
      expect([pulled.id, pulled.target.digest]).toEqual([image.id, top.digest]);
      expect(readFileSync(second.core.blobs.path(layer.digest)).equals(statement)).toBe(true);
      await first.close();
      await second.close();
    });

    it("a layer that may not be distributed is pulled from its own address, and not pushed", async () => {
      const image = await makeImage([{ base: "b" }, { own: "o" }]);
      const [foreign, own] = image.layers;
      const blob = image.blobs.get(foreign!.digest)!;
      // The other repository plays the server of the layer's maker.
      const maker = await openStore();
      const [made] = await maker.load(writeLayout(scratch(), [image.descriptor], image.blobs));
      await maker.push(made!, `${registry.host}/maker:1`);
      const layers = [
        {
          ...foreign!,
          mediaType: "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
          urls: [`http://${registry.host}/v2/maker/blobs/${foreign!.digest}`],
        },
        own!,
      ];
      const before = JSON.parse(Buffer.from(image.blobs.get(image.descriptor.digest)!).toString());
      const manifest = json({ ...before, layers });
      const descriptor = { mediaType: OCI_MANIFEST, digest: digestOf(manifest), size: manifest.length };
      const blobs = new Map<Digest, Uint8Array>([...image.blobs, [descriptor.digest, manifest]]);
      const name = `${registry.host}/foreign:1`;
      const [loaded] = await maker.load(writeLayout(scratch(), [descriptor], blobs), { name });
      const told: string[] = [];
      await maker.push(loaded!, name, { observe: ({ status }) => told.push(status) });
      expect(told).toContain("Skipped foreign layer");
      const store = await openStore();
      const pulled = await store.pull(name);
      expect(pulled.descriptor.digest).toBe(descriptor.digest);
      expect(readFileSync(store.core.blobs.path(foreign!.digest)).equals(blob)).toBe(true);
      const mount = await pulled.mount();
      expect(mount.fs.readFileSync("/base", "utf8")).toBe("b");
      mount.unmount();
      await maker.close();
      await store.close();
    });

    it("a store in memory pulls and pushes", async () => {
      const image = await makeImage([{ a: "in memory" }]);
      const name = `${registry.host}/memory:1`;
      const first = await Store.memory({ env: {} });
      const [loaded] = await first.load(writeLayout(scratch(), [image.descriptor], image.blobs), { name });
      const digest = await first.push(loaded!, name);
      const second = await Store.memory({ env: {} });
      expect((await second.pull(name)).descriptor.digest).toBe(digest);
      await first.close();
      await second.close();
    });

    describe("strata copy", () => {
      it.skipIf(needs.image("multiarch"))(
        "around all places, and what came out is what went in",
        async () => {
          const root = scratch();
          const store = join(root, "store");
          const host = registry.host;
          const places = [
            `docker://${host}/around/one:1`,
            `oci:${join(root, "layout")}:x`,
            `oci-archive:${join(root, "a.tar")}:me/app:1`,
            `docker://${host}/around/two:2`,
            `docker-archive:${join(root, "d.tar")}:me/app:2`,
            "me/app:3",
            `docker://${host}/around/three:3`,
          ];
          const start = imagePath("multiarch");
          const { digest } = only(start);
          let from = `oci:${start}`;
          for (const to of places) {
            const { code, stdout, stderr } = await run(store, "copy", "-q", from, to);
            expect({ to, code, stderr, stdout }).toEqual({ to, code: 0, stderr: "", stdout: "" });
            from = to;
          }
          const original = readFileSync(join(start, "blobs/sha256", digest.slice(7)));
          for (const [repository, tag] of [
            ["around/one", "1"],
            ["around/two", "2"],
            ["around/three", "3"],
          ] as const) {
            const there = await manifestOf(repository, tag);
            expect(original.equals(there.bytes)).toBe(true);
          }
          expect(blobsOf(join(root, "layout"))).toEqual(blobsOf(start));
          // skopeo reads what we wrote.
          expect(JSON.parse(skopeo("inspect", "--raw", `oci:${join(root, "layout")}:x`))).toEqual(
            JSON.parse(original.toString()),
          );
          for (const archive of [
            `oci-archive:${join(root, "a.tar")}`,
            `docker-archive:${join(root, "d.tar")}`,
          ]) {
            skopeo("inspect", "--override-arch", "amd64", archive);
          }
        },
      );

      it.skipIf(needs.image("busybox"))(
        "from a registry to the same one mounts, and sends no layer",
        async () => {
          const root = scratch();
          await run(root, "copy", "-q", `oci:${imagePath("busybox")}`, `docker://${proxy.host}/m/from:1`);
          const before = proxy.log.length;
          const { stdout, code } = await run(
            root,
            "copy",
            `docker://${proxy.host}/m/from:1`,
            `docker://${proxy.host}/m/to:1`,
          );
          expect(code).toBe(0);
          expect(stdout).toMatch(/: Mounted from m\/from\n/);
          expect(stdout).toContain(`Digest: ${only(imagePath("busybox")).digest}\n`);
          const requests = proxy.log.slice(before);
          expect(
            requests.filter(
              ({ method, url }) => method === "PATCH" || (method === "GET" && url.includes("/blobs/")),
            ),
          ).toEqual([]);
        },
      );

      it("what is damaged at its source leaves nothing", async () => {
        const root = scratch();
        const image = await makeImage([{ a: "1" }]);
        const layout = writeLayout(join(root, "bad"), [image.descriptor], image.blobs);
        const blob = join(layout, "blobs/sha256", image.layers[0]!.digest.slice(7));
        const bytes = readFileSync(blob);
        bytes[bytes.length - 1]! ^= 1;
        writeFileSync(blob, bytes);
        for (const to of [
          `oci:${join(root, "out")}:1`,
          `oci-archive:${join(root, "out.tar")}`,
          `docker://${registry.host}/bad:1`,
          "bad:1",
        ]) {
          const { code, stderr } = await run(join(root, "store"), "copy", "-q", `oci:${layout}`, to);
          expect(code, to).toBe(1);
          expect(stderr, to).toMatch(to.startsWith("docker") ? /digest invalid/ : image.layers[0]!.digest);
        }
        expect(readdirSync(root).sort()).toEqual(["bad", "out", "store"]);
        expect(readdirSync(join(root, "out"))).toEqual([]);
        await expect(manifestOf("bad", "1")).rejects.toThrow();
      });

      it.each([
        ["dir:/tmp/x", "there is no transport dir"],
        ["docker://host.example/UPPER", "repository name must be lowercase"],
        ["oci:/nonexistent", "is not an OCI image layout"],
        ["nosuch:1", "No such image: nosuch:1"],
      ])("refused: %s", async (from, text) => {
        const { code, stderr } = await run(scratch(), "copy", from, `oci:${join(scratch(), "x")}`);
        expect([code, stderr]).toEqual([1, expect.stringContaining(text)]);
      });
    });
  },
);
