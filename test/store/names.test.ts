/**
 * Names in index.json, names of what is loaded, and what a user's text means.
 */
import { describe, expect, test } from "vitest";
import { type Digest, digestOf } from "../../src/oci/digest.ts";
import { OCI_MANIFEST } from "../../src/oci/media-types.ts";
import {
  familiarReference,
  formatReference,
  parseReference,
  withDefaultTag,
} from "../../src/oci/reference.ts";
import { CONTAINERD_NAME, REF_NAME, storedName, withName } from "../../src/store/index-file.ts";
import { assignNames } from "../../src/store/names.ts";
import { findByID, findByName, withShownTag } from "../../src/store/resolve.ts";
import type { ImageSource } from "../../src/store/source.ts";
import { named } from "./images.ts";

const of = (seed: string) => ({ mediaType: OCI_MANIFEST, digest: digestOf(Buffer.from(seed)), size: 1 });
const A = of("a");
const B = of("b");
const reference = (text: string) => withDefaultTag(parseReference(text));
const full = (text: string) => formatReference(reference(text));
const shown = (entries: readonly { digest: Digest; annotations?: object | undefined }[]) =>
  entries.map((entry) => [
    entry.digest === A.digest ? "A" : "B",
    Object.values(entry.annotations ?? {}).join(),
  ]);

describe("names in index.json", () => {
  test.each([
    ["a full reference", named(A, full("x:1")), "x:1", undefined],
    ["a short one with a tag", named(A, "x:1"), "x:1", undefined],
    ["a repository with a slash", named(A, "me/x"), "me/x:latest", undefined],
    ["a bare tag", named(A, "latest"), undefined, "latest"],
    ["what no reference is", named(A, "a+b:c/~"), undefined, "a+b:c/~"],
    ["nothing", A, undefined, undefined],
    ["an empty name", named(A, ""), undefined, undefined],
  ])("%s", (_name, descriptor, expected, foreign) => {
    const found = storedName(descriptor);
    expect(found.reference && familiarReference(found.reference)).toBe(expected);
    expect(found.foreign).toBe(foreign);
  });

  test("io.containerd.image.name wins over ref.name", () => {
    const both = { ...A, annotations: { [REF_NAME]: "1", [CONTAINERD_NAME]: "docker.io/library/x:1" } };
    expect(familiarReference(storedName(both).reference!)).toBe("x:1");
  });

  test.each([
    ["a new name", [], A, "x", [["A", full("x")]]],
    [
      "a second name",
      [named(A, full("x"))],
      A,
      "y",
      [
        ["A", full("x")],
        ["A", full("y")],
      ],
    ],
    ["the same again", [named(A, full("x"))], A, "x", [["A", full("x")]]],
    [
      "a name taken from another image",
      [named(A, full("x"))],
      B,
      "x",
      [
        ["A", ""],
        ["B", full("x")],
      ],
    ],
    [
      "a name taken from an image that has another",
      [named(A, full("x")), named(A, full("y"))],
      B,
      "x",
      [
        ["A", full("y")],
        ["B", full("x")],
      ],
    ],
    ["a name for an image that had none", [A], A, "x", [["A", full("x")]]],
    [
      "no name for a new image",
      [named(B, full("x"))],
      A,
      undefined,
      [
        ["B", full("x")],
        ["A", ""],
      ],
    ],
    ["no name for an image that has one", [named(A, full("x"))], A, undefined, [["A", full("x")]]],
    [
      "a foreign tag stays",
      [named(A, "latest")],
      A,
      "x",
      [
        ["A", "latest"],
        ["A", full("x")],
      ],
    ],
    [
      "a name that another tool wrote shorter",
      [named(A, "x:latest")],
      B,
      "x",
      [
        ["A", ""],
        ["B", full("x")],
      ],
    ],
  ] as const)("%s", (_name, before, descriptor, name, expected) => {
    const after = withName(before, descriptor, name === undefined ? undefined : reference(name));
    expect(shown(after)).toEqual(expected);
  });

  test("other annotations and members of a descriptor stay", () => {
    const before = { ...A, platform: { os: "linux" }, annotations: { [CONTAINERD_NAME]: "y:1", k: "v" } };
    const [after] = withName([], before, reference("x"));
    expect(after).toEqual({ ...before, annotations: { k: "v", [REF_NAME]: full("x") } });
  });
});

describe("names of what is loaded", () => {
  const source = (...images: (readonly string[])[]): ImageSource => ({
    what: "the archive",
    images: images.map((names, i) => ({ descriptor: of(String(i)), names })),
    blob: async () => undefined,
  });
  const assigned = (from: ImageSource, asked?: string) =>
    assignNames(from, asked).map(({ references }) => references.map(familiarReference));

  test.each<[string, ImageSource, string | undefined, string[][]]>([
    ["references of the source", source(["x:1", "docker.io/me/y:2"]), undefined, [["x:1", "me/y:2"]]],
    ["a bare tag gives none", source(["latest"]), undefined, [[]]],
    ["a bare tag completes the name", source(["1.36"]), "busybox", [["busybox:1.36"]]],
    ["all bare tags do", source(["1", "1.36"]), "busybox", [["busybox:1", "busybox:1.36"]]],
    ["without one it is latest", source([]), "busybox", [["busybox:latest"]]],
    ["a name with a tag is taken as it is", source(["1.36", "y:2"]), "busybox:x", [["busybox:x"]]],
    ["a reference gives its tag", source(["y:2"]), "busybox", [["busybox:2"]]],
    ["several keep their tags", source(["1"], ["y:2"], []), "me/app", [["me/app:1"], ["me/app:2"], []]],
  ])("%s", (_name, from, asked, expected) => {
    expect(assigned(from, asked)).toEqual(expected);
  });

  test.each([
    ["two images under one tag", source(["1"], ["2"]), "x:y", "holds 2 images; name them with a repository"],
    ["two images of the same tag", source(["1"], ["y:1"]), "x", "holds two images tagged 1"],
    ["a digest", source(["1"]), `x@${A.digest}`, "refusing to create a tag with a digest reference"],
    ["what is no name", source(["1"]), "X", "repository name must be lowercase"],
  ])("refused: %s", (_name, from, asked, message) => {
    expect(() => assigned(from, asked)).toThrow(message);
  });
});

describe("what a text means (STORE-AND-CLI 3.3)", () => {
  const id = (hex: string) => `sha256:${hex.padEnd(64, "0")}` as Digest;
  const entry = (name: string | undefined, hex: string, seed = hex) => ({
    ...storedName(named(of(seed), name)),
    id: id(hex),
  });
  const names = [
    entry(full("x:1"), "aaa1"),
    entry(full("aaa1"), "bbb2"),
    entry("odd", "ccc3"),
    entry(undefined, "aaa4"),
  ];
  const meant = (text: string) => {
    const found = findByName(names, text) ?? findByID(names, text);
    return found === undefined ? undefined : names.findIndex((name) => name.descriptor === found.descriptor);
  };

  test.each([
    ["x:1", 0],
    ["docker.io/library/x:1", 0],
    ["x", undefined],
    [`x@${of("aaa1").digest}`, 0],
    [`x:other@${of("aaa1").digest}`, 0],
    [`y@${of("aaa1").digest}`, undefined],
    ["aaa1", 1],
    ["sha256:aaa1", 0],
    ["b", 1],
    ["aaa4", 3],
    ["odd", 2],
    ["ccc3", 2],
    [id("aaa4"), 3],
    [of("aaa4").digest, 3],
    ["X", undefined],
    ["", undefined],
    ["dead", undefined],
  ])("%s", (text, expected) => {
    expect(meant(text)).toBe(expected);
  });

  test("the beginning of several IDs is refused with what it could be", () => {
    expect(() => meant("aa")).toThrow(`ambiguous image ID "aa": it could be ${id("aaa1")}, ${id("aaa4")}`);
    const twice = [entry(full("x:1"), "aaa1"), entry(full("x:2"), "aaa1")];
    expect(findByID(twice, "aa")?.reference?.tag).toBe("1");
  });

  test("the tag that a text stands for", () => {
    expect(withShownTag("nosuch")).toBe("nosuch:latest");
    expect(withShownTag("UP")).toBe("UP");
  });
});
