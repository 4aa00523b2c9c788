/**
 * Image archives into a store: layouts and what `docker save` of every age wrote, with absurd documents,
 * layers and names. A load that fails leaves the store as it was; one that succeeds leaves an image that
 * can be looked at.
 */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { digestHex, digestOf } from "../../../src/oci/digest.ts";
import { Store } from "../../../src/runtime/store.ts";
import { concat, END, member } from "../../tar/hand.ts";
import { archives, REAL_ARCHIVES } from "../archives.ts";
import { editedTexts } from "../json-texts.ts";
import { mutated, repaired } from "../mutations.ts";
import { attemptLater, same, type Target } from "../target.ts";

const LAYER = REAL_ARCHIVES[0] ?? new Uint8Array();

const layers = fc.array(
  fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...REAL_ARCHIVES) }, { weight: 1, arbitrary: archives }),
  {
    minLength: 1,
    maxLength: 2,
  },
);

function bytesOf(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text));
}

/** A document, some of it absurd, or as it should be. */
function document(value: unknown): fc.Arbitrary<Uint8Array> {
  return fc.oneof(fc.constant(JSON.stringify(value)), editedTexts(value)).map(bytesOf);
}

interface Outer {
  readonly name: string;
  readonly content: Uint8Array;
}

function outer(files: readonly Outer[]): Uint8Array {
  return concat(...files.map(({ name, content }) => member({ name }, content)), END);
}

function configOf(layers: readonly Uint8Array[]): object {
  return {
    architecture: "amd64",
    os: "linux",
    config: { Cmd: ["sh"] },
    rootfs: { type: "layers", diff_ids: layers.map((layer) => digestOf(layer)) },
    history: layers.map(() => ({ created_by: "x" })),
  };
}

/** What Docker 1.10 and later write. */
const dockerArchive = layers.chain((layers) => {
  const names = layers.map((_, i) => `${i}/layer.tar`);
  return fc
    .tuple(
      document(configOf(layers)),
      document([{ Config: "c.json", RepoTags: ["x:1", "docker.io/me/y:2"], Layers: names }]),
      document({ x: { 1: "c" } }),
      fc.constantFrom("c.json", "c.json", "c.json", "../c.json", `${"a".repeat(64)}.json`),
    )
    .map(([config, manifest, repositories, name]) =>
      outer([
        ...layers.map((content, i) => ({ name: names[i]!, content })),
        { name, content: config },
        { name: "manifest.json", content: manifest },
        { name: "repositories", content: repositories },
      ]),
    );
});

/** What Docker wrote before that. */
const oldArchive = layers.chain((layers) => {
  const ids = layers.map((_, i) => String(i).repeat(64));
  const top = ids[ids.length - 1]!;
  return fc
    .tuple(
      fc.tuple(
        ...ids.map((id, i) =>
          document({ id, ...(i > 0 ? { parent: ids[i - 1] } : {}), os: "linux", config: { Cmd: ["sh"] } }),
        ),
      ),
      document({ x: { latest: top } }),
    )
    .map(([documents, repositories]) =>
      outer([
        ...layers.flatMap((content, i) => [
          { name: `${ids[i]}/json`, content: documents[i]! },
          { name: `${ids[i]}/layer.tar`, content },
        ]),
        { name: "repositories", content: repositories },
      ]),
    );
});

/** An image layout. The digests fit what the documents became, so that what is absurd is looked at. */
const layoutArchive = layers.chain((layers) =>
  document(configOf(layers)).chain((config) => {
    const stored = layers.map((layer) => new Uint8Array(gzipSync(layer, { level: 1 })));
    const describe = (mediaType: string, bytes: Uint8Array) => ({
      mediaType,
      digest: digestOf(bytes),
      size: bytes.length,
    });
    return document({
      schemaVersion: 2,
      mediaType: "application/vnd.oci.image.manifest.v1+json",
      config: describe("application/vnd.oci.image.config.v1+json", config),
      layers: stored.map((bytes) => describe("application/vnd.oci.image.layer.v1.tar+gzip", bytes)),
    }).chain((manifest) =>
      fc
        .tuple(
          document({
            schemaVersion: 2,
            manifests: [
              {
                ...describe("application/vnd.oci.image.manifest.v1+json", manifest),
                annotations: { "org.opencontainers.image.ref.name": "x:1" },
              },
            ],
          }),
          document({ imageLayoutVersion: "1.0.0" }),
        )
        .map(([index, marker]) =>
          outer([
            ...[config, manifest, ...stored].map((content) => ({
              name: `blobs/sha256/${digestHex(digestOf(content))}`,
              content,
            })),
            { name: "index.json", content: index },
            { name: "oci-layout", content: marker },
          ]),
        ),
    );
  }),
);

const imageArchives = fc.oneof(
  { weight: 3, arbitrary: dockerArchive },
  { weight: 2, arbitrary: oldArchive },
  { weight: 4, arbitrary: layoutArchive },
);

/** Everything below a directory but the lock, by path; directories are no difference. */
function filesIn(root: string): readonly string[] {
  return readdirSync(root, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && !/(^|\.)lock/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length))
    .sort();
}

let directory: string | undefined;

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

async function feedLoad(bytes: Uint8Array): Promise<void> {
  directory ??= mkdtempSync(join(tmpdir(), "fuzz-load-"));
  const root = join(directory, "store");
  const store = await Store.open(root, { env: {} });
  try {
    const before = filesIn(root);
    const index = join(root, "index.json");
    const names = existsSync(index) ? readFileSync(index, "utf8") : "";
    const loaded = await attemptLater(() => store.load(once(bytes)));
    if ("error" in loaded) {
      same("files of a store after a load that failed", filesIn(root), before);
      if (existsSync(index)) same("names after a load that failed", readFileSync(index, "utf8"), names);
      return;
    }
    for (const { image } of await store.images()) {
      await image.history();
      const mount = await image.mount();
      same("changes of a fresh mount", [...mount.changes()].length, 0);
    }
    await store.close();
    rmSync(root, { recursive: true, force: true });
  } finally {
    await store.close();
  }
}

export const load: Target = {
  name: "load",
  what: "layouts and docker archives of every age, absurd and damaged, into a store",
  share: 0.1,
  cases: fc.oneof(
    { weight: 4, arbitrary: imageArchives },
    { weight: 1, arbitrary: imageArchives.map((bytes) => new Uint8Array(gzipSync(bytes, { level: 1 }))) },
    { weight: 1, arbitrary: repaired(imageArchives, 2) },
    { weight: 1, arbitrary: mutated(imageArchives, 2) },
    { weight: 1, arbitrary: fc.constant(outer([{ name: "layer.tar", content: LAYER }])) },
  ),
  feed: feedLoad,
  end() {
    if (directory !== undefined) rmSync(directory, { recursive: true, force: true });
    directory = undefined;
  },
};
