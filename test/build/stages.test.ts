/**
 * Stages as a graph (rules 5.3, FROM and COPY --from): sources, what a target needs, what is an error.
 */
import { describe, expect, test } from "vitest";
import { parseDockerfile } from "../../src/build/dockerfile/parse.ts";
import { globalVariables } from "../../src/build/dockerfile/scope.ts";
import { planStages, type StagePlan, type StageSource } from "../../src/build/stages.ts";
import { parsePlatform } from "../../src/oci/platform.ts";

function plan(
  text: string,
  options: { target?: string; contexts?: string[]; args?: Record<string, string> } = {},
): StagePlan {
  const dockerfile = parseDockerfile(text);
  const variables = globalVariables(dockerfile, {
    buildArgs: new Map(Object.entries(options.args ?? {})),
    targetPlatform: parsePlatform("linux/arm64"),
    buildPlatform: parsePlatform("linux/amd64"),
  });
  const { target, contexts } = options;
  return planStages(dockerfile, { variables, ...(target && { target }), ...(contexts && { contexts }) });
}

const show = (source: StageSource): string =>
  source.kind === "stage"
    ? `stage ${source.index}`
    : source.kind === "scratch"
      ? "scratch"
      : `${source.kind} ${source.name}`;

const bases = ({ stages }: StagePlan) => stages.map(({ base }) => show(base));

describe("what a stage is from", () => {
  test.each<[what: string, text: string, expected: readonly string[]]>([
    ["an image", "FROM alpine:3", ["image alpine:3"]],
    ["nothing", "FROM scratch", ["scratch"]],
    ["a stage", "FROM a AS b\nFROM b", ["image a", "stage 0"]],
    ["a stage in any case", "FROM a AS Base\nFROM BASE", ["image a", "stage 0"]],
    ["the last stage of a name", "FROM a AS x\nFROM b AS x\nFROM x", ["image a", "image b", "stage 1"]],
    ["an image that a later stage is named after", "FROM b\nFROM a AS b", ["image b", "image a"]],
    ["an image of the stage's own name", "FROM alpine AS alpine\nFROM alpine", ["image alpine", "stage 0"]],
    ["a number is an image", "FROM a\nFROM 0", ["image a", "image 0"]],
    ["a variable", "ARG v=3\nFROM alpine:$v", ["image alpine:3"]],
    ["a stage by a variable", "ARG v=b\nFROM a AS b\nFROM $v", ["image a", "stage 0"]],
  ])("%s", (_what, text, expected) => {
    expect(bases(plan(text))).toEqual(expected);
  });

  test("a named context hides images and stages of its name", () => {
    expect(bases(plan("FROM alpine", { contexts: ["alpine"] }))).toEqual(["context alpine"]);
    expect(bases(plan("FROM alpine:latest", { contexts: ["docker.io/library/alpine"] }))).toEqual([
      "image alpine:latest",
    ]);
    expect(bases(plan("FROM alpine", { contexts: ["docker.io/library/alpine:latest"] }))).toEqual([
      "context docker.io/library/alpine:latest",
    ]);
    const { stages, needed } = plan("FROM a AS base\nFROM base\nCOPY --from=base x y", {
      contexts: ["base"],
    });
    expect(stages.map(({ base }) => show(base))).toEqual(["context base", "context base"]);
    expect(show(stages[1]!.sources.get("base")!)).toBe("context base");
    expect(needed).toEqual([1]);
  });

  test("the platform", () => {
    const { stages } = plan("FROM --platform=$BUILDPLATFORM a\nFROM --platform=linux/arm/v6 b\nFROM c");
    expect(stages.map(({ platform }) => platform)).toEqual([
      { os: "linux", architecture: "amd64", variant: "v1" },
      { os: "linux", architecture: "arm", variant: "v6" },
      undefined,
    ]);
  });
});

describe("what a stage takes files from", () => {
  test.each<[what: string, text: string, expected: Record<string, string>]>([
    ["a stage by name", "FROM a AS x\nFROM b\nCOPY --from=X f /", { X: "stage 0" }],
    ["a stage by index", "FROM a\nFROM b\nCOPY --from=0 f /", { "0": "stage 0" }],
    ["an image", "FROM a\nCOPY --from=nginx:1 f /", { "nginx:1": "image nginx:1" }],
    ["a mount", "FROM a AS x\nFROM b\nRUN --mount=type=bind,from=x,target=/m y", { x: "stage 0" }],
    ["a mount's image", "FROM a\nRUN --mount=from=img,target=/m y", { img: "image img" }],
    ["a cache's stage", "FROM a AS x\nFROM b\nRUN --mount=type=cache,from=x,target=/m y", { x: "stage 0" }],
    ["not a tmpfs", "FROM a AS x\nFROM b\nRUN --mount=type=tmpfs,from=x,target=/m y", {}],
    ["nothing named", "FROM a\nCOPY f /\nRUN --mount=type=bind,target=/m y", {}],
  ])("%s", (_what, text, expected) => {
    const { sources } = plan(text).stages.at(-1)!;
    expect(Object.fromEntries([...sources].map(([name, source]) => [name, show(source)]))).toEqual(expected);
  });
});

describe("what a target needs", () => {
  const text = [
    "FROM a AS one",
    "FROM b AS two",
    "FROM one AS three",
    "COPY --from=two x y",
    "FROM c AS four",
    "FROM three",
    "RUN --mount=from=three,target=/m x",
  ].join("\n");
  test.each<[target: string | undefined, needed: readonly number[]]>([
    [undefined, [0, 1, 2, 4]],
    ["one", [0]],
    ["THREE", [0, 1, 2]],
    ["four", [3]],
    ["3", [3]],
    ["4", [0, 1, 2, 4]],
  ])("%s", (target, needed) => {
    expect(plan(text, target === undefined ? {} : { target }).needed).toEqual(needed);
  });
});

describe("what is an error", () => {
  test.each<[text: string, message: RegExp, target?: string]>([
    ["FROM a\nCOPY --from=0 x y", /^Dockerfile:2:13: circular dependency detected on stage: stage-0/],
    ["FROM a AS x\nCOPY --from=x a b", /^Dockerfile:2:13: circular dependency detected on stage: x/],
    [
      "FROM a AS x\nCOPY --from=y a b\nFROM x AS y",
      /^Dockerfile:2:13: circular dependency detected on stage: x/,
    ],
    [
      "FROM a AS x\nCOPY --from=y a b\nFROM b AS y\nRUN --mount=from=x,target=/m z",
      /^Dockerfile:2:13: circular dependency detected on stage: x/,
    ],
    [
      "FROM a AS x\nCOPY --from=y a b\nFROM b AS y",
      /^Dockerfile:2:13: cannot copy from stage "y", it needs to be defined before current stage "x"/,
    ],
    [
      "FROM a\nCOPY --from=1 a b\nFROM b",
      /cannot copy from stage "1", it needs to be defined before current stage "stage-0"/,
    ],
    ["FROM a\nFROM b\nCOPY --from=7 a b", /^Dockerfile:3:13: invalid stage index 7/],
    ["FROM a\nRUN --mount=from=z,target=/m x\nFROM b AS z", /^Dockerfile:2:13: cannot copy from stage "z"/],
    ["FROM $x", /^Dockerfile:1:6: base name \(\$x\) should not be blank/],
    ["FROM --platform=$x a", /^Dockerfile:1:17: empty platform value from expression \$x/],
    ["FROM --platform=a/b/c/d a", /^Dockerfile:1:17: failed to parse platform a\/b\/c\/d/],
    ["FROM ${x:?needed}", /^Dockerfile:1:6: .*x: needed/],
    [
      "FROM a AS base",
      /^Dockerfile:1:1: target stage "bse" could not be found \(did you mean base\?\)/,
      "bse",
    ],
    ["FROM a", /target stage "1" could not be found/, "1"],
  ])("%j", (text, message, target) => {
    expect(() => plan(text, target === undefined ? {} : { target })).toThrow(message);
  });
});
