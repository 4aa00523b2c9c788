/**
 * Texts of JSON documents, from sound ones by changes that keep them JSON, or nearly.
 */
import fc from "fast-check";

const DIGEST = `sha256:${"a".repeat(64)}`;
const descriptor = (mediaType: string) => ({ mediaType, digest: DIGEST, size: 3, data: "YWJj" });

const MANIFEST = {
  schemaVersion: 2,
  mediaType: "application/vnd.oci.image.manifest.v1+json",
  config: descriptor("application/vnd.oci.image.config.v1+json"),
  layers: [
    descriptor("application/vnd.oci.image.layer.v1.tar+gzip"),
    { ...descriptor("application/vnd.oci.image.layer.v1.tar"), annotations: { a: "b" }, urls: ["https://x"] },
  ],
  annotations: { "org.opencontainers.image.created": "2020-01-01T00:00:00Z" },
};

const INDEX = {
  schemaVersion: 2,
  mediaType: "application/vnd.oci.image.index.v1+json",
  manifests: [
    {
      ...descriptor("application/vnd.oci.image.manifest.v1+json"),
      platform: {
        os: "linux",
        architecture: "amd64",
        variant: "v1",
        "os.version": "1",
        "os.features": ["x"],
      },
    },
    {
      ...descriptor("application/vnd.oci.image.manifest.v1+json"),
      platform: { os: "linux", architecture: "arm", variant: "v7" },
      annotations: { "org.opencontainers.image.ref.name": "x:1" },
    },
  ],
};

const CONFIG = {
  created: "2020-01-01T00:00:00.123456789Z",
  author: "me",
  architecture: "amd64",
  os: "linux",
  variant: "v2",
  config: {
    User: "me:you",
    Env: ["PATH=/bin", "A=b=c"],
    Cmd: ["sh", "-c", "true"],
    Entrypoint: ["/e"],
    WorkingDir: "/w",
    Labels: { a: "b" },
    Volumes: { "/v": {} },
    ExposedPorts: { "80/tcp": {} },
    StopSignal: "SIGTERM",
    Healthcheck: { Test: ["CMD", "x"], Interval: 1_000_000_000 },
  },
  rootfs: { type: "layers", diff_ids: [DIGEST, DIGEST] },
  history: [
    { created: "2020-01-01T00:00:00Z", created_by: "one" },
    { created_by: "none", empty_layer: true },
    { comment: "two" },
  ],
};

/** JSON texts that a member may have instead of its own. */
const absurd = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.constantFrom(
      "null",
      "true",
      "0",
      "-1",
      "1.5",
      "1e400",
      "-0",
      "9007199254740993",
      "[]",
      "{}",
      '""',
      '"x"',
      "[null]",
      "[[]]",
      '{"a":null}',
      '{"__proto__":{"a":1}}',
      '{"constructor":"x","toString":"y"}',
      '"\\u0000"',
      '"\\ud800"',
      '"sha256:"',
      '"sha512:abc"',
      `"sha256:${"A".repeat(64)}"`,
      '"application/vnd.docker.distribution.manifest.v1+json"',
      '"application/vnd.docker.distribution.manifest.list.v2+json"',
      '"0000-00-00T00:00:00Z"',
      '"9999999-01-01T00:00:00Z"',
      '"2020-01-01T00:00:60+99:99"',
      `"${"x".repeat(5000)}"`,
      `${"[".repeat(200)}${"]".repeat(200)}`,
      `${'{"a":'.repeat(200)}1${"}".repeat(200)}`,
    ),
  },
  { weight: 1, arbitrary: fc.json({ maxDepth: 3 }) },
);

interface Edit {
  readonly do: "replace" | "remove" | "twice" | "add";
  /** Which of all members. */
  readonly nth: number;
  readonly key: string;
  readonly text: string;
}

const edit: fc.Arbitrary<Edit> = fc.record({
  do: fc.constantFrom("replace" as const, "replace", "remove", "twice", "add"),
  nth: fc.nat(60),
  key: fc.constantFrom(
    "__proto__",
    "constructor",
    "layers",
    "manifests",
    "Layers",
    "fsLayers",
    "mediaType",
    "size",
    "x",
    "",
  ),
  text: absurd,
});

/** Writes a value as JSON with some of its members edited on the way. */
function written(value: unknown, edits: ReadonlyMap<number, Edit>): string {
  let count = 0;
  const write = (value: unknown): string => {
    if (Array.isArray(value)) return `[${value.map(write).join(",")}]`;
    if (typeof value !== "object" || value === null) return JSON.stringify(value);
    const members: string[] = [];
    for (const [key, member] of Object.entries(value)) {
      const edit = edits.get(count);
      count += 1;
      const own = `${JSON.stringify(key)}:${write(member)}`;
      if (edit === undefined) members.push(own);
      else if (edit.do === "replace") members.push(`${JSON.stringify(key)}:${edit.text}`);
      else if (edit.do === "twice") members.push(own, `${JSON.stringify(key)}:${edit.text}`);
      else if (edit.do === "add") members.push(own, `${JSON.stringify(edit.key)}:${edit.text}`);
    }
    return `{${members.join(",")}}`;
  };
  return write(value);
}

/** The texts of a document with up to three members edited. */
export function editedTexts(value: unknown): fc.Arbitrary<string> {
  return fc
    .array(edit, { maxLength: 3 })
    .map((edits) => written(value, new Map(edits.map((edit) => [edit.nth, edit]))));
}

export const documentTexts: fc.Arbitrary<string> = fc.oneof(
  { weight: 3, arbitrary: editedTexts(MANIFEST) },
  { weight: 3, arbitrary: editedTexts(INDEX) },
  { weight: 4, arbitrary: editedTexts(CONFIG) },
  { weight: 1, arbitrary: absurd },
);
