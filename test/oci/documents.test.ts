/**
 * Digests, manifests, indexes and configs: what is read, what is kept, what is refused.
 */
import { expect, test } from "vitest";
import { chainIDs } from "../../src/oci/chain.ts";
import { historySteps, parseConfig } from "../../src/oci/config.ts";
import { annotation, type Descriptor, descriptorData } from "../../src/oci/descriptor.ts";
import {
  digestHex,
  digestOf,
  isDigest,
  parseDigest,
  shortDigest,
  verifyBytes,
} from "../../src/oci/digest.ts";
import { OciError } from "../../src/oci/errors.ts";
import { parseJson } from "../../src/oci/json.ts";
import { parseLayoutIndex, parseManifest } from "../../src/oci/manifest.ts";
import {
  DOCKER_LIST,
  DOCKER_MANIFEST,
  isLayerType,
  OCI_INDEX,
  OCI_MANIFEST,
} from "../../src/oci/media-types.ts";

const bytes = (value: unknown) =>
  new TextEncoder().encode(typeof value === "string" ? value : JSON.stringify(value));
const A = digestOf(bytes("a"));
const B = digestOf(bytes("b"));
const config = { mediaType: "application/vnd.oci.image.config.v1+json", digest: A, size: 1 };
const layer = { mediaType: "application/vnd.oci.image.layer.v1.tar+gzip", digest: B, size: 1 };
const manifest = { schemaVersion: 2, config, layers: [layer] };

test.each([
  ["sha256:0", "invalid checksum digest length"],
  [`sha256:${"a".repeat(63)}`, "invalid checksum digest length"],
  [`sha256:${"A".repeat(64)}`, "invalid checksum digest format"],
  [`sha256:${"g".repeat(64)}`, "invalid checksum digest format"],
  [`sha256:${"../".repeat(21)}a`, "invalid checksum digest format"],
  [`sha256:${"a".repeat(62)}/b`, "invalid checksum digest format"],
  [`SHA256:${"a".repeat(64)}`, "invalid checksum digest format"],
  [`sha512:${"a".repeat(64)}`, "invalid checksum digest length"],
  [`md5:${"a".repeat(32)}`, "unsupported digest algorithm"],
  [`toString:${"a".repeat(64)}`, "invalid checksum digest format"],
  [`constructor:${"a".repeat(64)}`, "unsupported digest algorithm"],
  [`sha256:${"a".repeat(64)}\n`, "invalid checksum digest format"],
  ["", "invalid checksum digest format"],
])("CVE-2024-3727: %j is no digest", (text, message) => {
  expect(isDigest(text)).toBe(false);
  expect(() => parseDigest(text)).toThrow(message);
});

test("a digest's parts", () => {
  const empty = digestOf(new Uint8Array());
  expect(empty).toBe("sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  expect(shortDigest(parseDigest(empty))).toBe("e3b0c44298fc");
  expect(digestHex(digestOf(new Uint8Array(), "sha512"))).toHaveLength(128);
  expect(isDigest(undefined)).toBe(false);
});

test("rule 43: bytes are checked by size first, then by digest", () => {
  verifyBytes(bytes("a"), A, 1, "the blob");
  expect(() => verifyBytes(bytes("ab"), A, 1, "the blob")).toThrow("has 2 bytes, not the promised 1");
  expect(() => verifyBytes(bytes("b"), A, 1, "the blob")).toThrow(`the blob ${A} has the content of ${B}`);
});

test("a manifest of either family, with its unknown members", () => {
  const parsed = parseManifest(
    bytes({ ...manifest, future: { x: [1] }, annotations: null }),
    OCI_MANIFEST,
    "m",
  );
  expect(parsed).toEqual({
    kind: "manifest",
    mediaType: OCI_MANIFEST,
    manifest: { ...manifest, future: { x: [1] } },
  });
  expect(parseManifest(bytes({ ...manifest, mediaType: DOCKER_MANIFEST }), undefined, "m").mediaType).toBe(
    DOCKER_MANIFEST,
  );
  expect(parseManifest(bytes(manifest), DOCKER_MANIFEST, "m").mediaType).toBe(DOCKER_MANIFEST);
  expect(parseManifest(bytes(manifest), undefined, "m").kind).toBe("manifest");
  const index = { schemaVersion: 2, manifests: [{ ...config, mediaType: OCI_MANIFEST, platform: null }] };
  expect(parseManifest(bytes(index), undefined, "i").mediaType).toBe(OCI_INDEX);
  expect(parseManifest(bytes({ ...index, mediaType: DOCKER_LIST }), DOCKER_LIST, "i").kind).toBe("index");
});

test.each([
  ["CVE-2021-41190: layers and manifests", { ...manifest, manifests: [] }, undefined, "members of both"],
  [
    "CVE-2021-41190: an index with a config",
    { schemaVersion: 2, manifests: [], config },
    OCI_INDEX,
    "members of both",
  ],
  [
    "CVE-2021-41190: the other kind in other case",
    { ...manifest, Manifests: [] },
    OCI_MANIFEST,
    "members of both",
  ],
  [
    "image-spec manifest.md: a type that differs",
    { ...manifest, mediaType: OCI_INDEX },
    OCI_MANIFEST,
    "announced as",
  ],
  ["a type that is no manifest", { ...manifest, mediaType: "text/plain" }, undefined, "which is no manifest"],
  ["a schema 1 manifest", { schemaVersion: 1, fsLayers: [] }, undefined, "schema 1"],
  ["a schema 1 type", manifest, "application/vnd.docker.distribution.manifest.v1+prettyjws", "schema 1"],
  ["no layers", { schemaVersion: 2, config }, OCI_MANIFEST, "at layers"],
  ["a size below zero", { ...manifest, layers: [{ ...layer, size: -1 }] }, undefined, "at layers.0.size"],
  [
    "a size with a fraction",
    { ...manifest, layers: [{ ...layer, size: 1.5 }] },
    undefined,
    "at layers.0.size",
  ],
  ["a size past 2^53", { ...manifest, layers: [{ ...layer, size: 2 ** 60 }] }, undefined, "at layers.0.size"],
  [
    "a digest that is a path",
    { ...manifest, layers: [{ ...layer, digest: "sha256:../x" }] },
    undefined,
    "at layers.0.digest",
  ],
  ["an annotation that is no string", { ...manifest, annotations: { a: 1 } }, undefined, "at annotations"],
  ["a mediaType that is no text", { ...manifest, mediaType: { toString: 1 } }, undefined, "no string"],
  ["an array", [manifest], undefined, "not a JSON object"],
  ["a null layer", { ...manifest, layers: [null] }, undefined, "at layers.0"],
])("refused: %s", (_name, document, announced, message) => {
  expect(() => parseManifest(bytes(document), announced, "the manifest")).toThrow(message);
});

test.each([
  ["a key twice", '{"schemaVersion":2,"layers":[],"layers":[]}', 'the key "layers" twice'],
  ["a key twice, once escaped", '{"lay\\u0065rs":[],"layers":[]}', 'the key "layers" twice'],
  ["a key twice deep inside", '{"a":[{"b":{"c":1,"c":2}}]}', 'the key "c" twice'],
  ["a number that is none", '{"a":[{"b":1e400}]}', "number that is too large"],
  ["nesting", `{"a":${"[".repeat(1_000_000)}${"]".repeat(1_000_000)}}`, "nested deeper"],
  ["truncated", '{"a":', "not valid JSON"],
  ["not UTF-8", Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d), "not valid JSON"],
  ["a byte order mark", "\ufeff{}", "not valid JSON"],
  ["too large", `{"a":"${"x".repeat(4 << 20)}"}`, "more than the 4194304 allowed"],
])("JSON refused: %s", (_name, document, message) => {
  const raw = typeof document === "string" ? bytes(document) : document;
  expect(() => parseJson(raw, "the document")).toThrow(message);
  expect(() => parseJson(raw, "the document")).toThrow(OciError);
});

test("JSON kept: the same key in different objects, quotes and braces in strings, odd keys", () => {
  const text =
    '{"a":{"k":"}{\\"k\\":1,\\\\"},"b":{"k":["a","a"]},"constructor":"c","__proto__":{"p":1},"n":null}';
  const json = parseJson(bytes(text), "the document");
  expect(Object.keys(json)).toEqual(["a", "b", "constructor", "__proto__"]);
  expect(JSON.stringify(json)).toBe(text.replace(',"n":null', ""));
  expect(Object.getPrototypeOf(json)).toBe(Object.prototype);
});

test("index.json of a layout: any media type is tolerated", () => {
  const entry = { mediaType: "application/x-unknown", digest: A, size: 3, annotations: { constructor: "x" } };
  const index = parseLayoutIndex(bytes({ schemaVersion: 2, manifests: [entry] }), "index.json");
  expect(index.manifests).toEqual([entry]);
  expect(annotation(index.manifests[0]!, "constructor")).toBe("x");
  expect(annotation(index.manifests[0]!, "toString")).toBeUndefined();
  expect(() =>
    parseLayoutIndex(bytes({ schemaVersion: 2, manifests: [], layers: [] }), "index.json"),
  ).toThrow("both");
});

test("inline data of a descriptor is checked against it", () => {
  const inline = (data: string, size = 2): Descriptor => ({
    mediaType: "application/vnd.oci.empty.v1+json",
    digest: parseDigest("sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"),
    size,
    data,
  });
  expect(descriptorData(inline("e30="))).toEqual(bytes("{}"));
  expect(() => descriptorData(inline("e30=", 3))).toThrow("not the promised 3");
  expect(() => descriptorData(inline("W10="))).toThrow("has the content of");
  expect(() => descriptorData(inline("not base64!"))).toThrow("not base64");
  expect(descriptorData({ ...inline("x"), data: undefined })).toBeUndefined();
});

const rootfs = { type: "layers", diff_ids: [A, B] };

test("a config: null is absent, unknown members stay", () => {
  const document = {
    created: "2026-01-01T00:00:00Z",
    config: { Cmd: null, Labels: { constructor: "x" }, New: 1 },
    rootfs,
  };
  const parsed = parseConfig(bytes(document), "the config");
  expect(parsed.config).toEqual({ Labels: { constructor: "x" }, New: 1 });
  expect(parsed.config?.Cmd).toBeUndefined();
});

test.each([
  ["another kind of rootfs", { rootfs: { ...rootfs, type: "squash" } }, 'rootfs of type "squash"'],
  ["no rootfs", {}, "at rootfs"],
  ["a diffID that is none", { rootfs: { type: "layers", diff_ids: ["sha256:1"] } }, "at rootfs.diff_ids.0"],
  ["more history than layers", { rootfs, history: [{}, {}, {}] }, "history of 3 layers but names 2"],
  ["an environment of numbers", { rootfs, config: { Env: [1] } }, "at config.Env.0"],
])("a config refused: %s", (_name, document, message) => {
  expect(() => parseConfig(bytes(document), "the config")).toThrow(message);
});

test("history steps count layers over the empty ones, and none is left out", () => {
  const history = [{ created_by: "a" }, { created_by: "b", empty_layer: true }];
  const steps = historySteps(parseConfig(bytes({ rootfs, history }), "the config"));
  expect(steps.map((step) => [step.entry.created_by, step.layer])).toEqual([
    ["a", 0],
    ["b", undefined],
    [undefined, 1],
  ]);
});

test("image-spec config.md: chain IDs", () => {
  const [first, second] = chainIDs([A, B]);
  expect(first).toBe(A);
  expect(second).toBe(digestOf(bytes(`${A} ${B}`)));
  expect(chainIDs([])).toEqual([]);
});

test("layer types of both families", () => {
  expect(isLayerType("application/vnd.oci.image.layer.v1.tar+zstd")).toBe(true);
  expect(isLayerType("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip")).toBe(true);
  expect(isLayerType("application/vnd.in-toto+json")).toBe(false);
});
