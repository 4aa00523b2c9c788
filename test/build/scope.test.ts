/**
 * Variables over a whole Dockerfile (rules 5.2): ARG, ENV, predefined and proxy arguments; what instructions do
 * to the config (5.3) and what history says of them (5.6).
 */
import { describe, expect, test } from "vitest";
import {
  ConfigEditError,
  DEFAULT_PATH,
  editConfig,
  type StageConfig,
  startConfig,
} from "../../src/build/dockerfile/config-edit.ts";
import { expandFrom, expandInstruction } from "../../src/build/dockerfile/expand-instruction.ts";
import { historyText } from "../../src/build/dockerfile/history.ts";
import { parseDockerfile } from "../../src/build/dockerfile/parse.ts";
import { runCommand, shellOf } from "../../src/build/dockerfile/run-command.ts";
import {
  declareArgs,
  declaredArgs,
  expandContext,
  globalVariables,
  runEnvironment,
  type StageScope,
  scopeLookup,
  startScope,
  unusedBuildArgs,
  unusedBuildArgsWarning,
  withEnv,
} from "../../src/build/dockerfile/scope.ts";
import type { ExecutionConfig } from "../../src/oci/config.ts";
import { parsePlatform } from "../../src/oci/platform.ts";

interface Followed {
  readonly froms: readonly string[];
  readonly state: StageConfig;
  readonly scope: StageScope;
  readonly history: readonly string[];
  readonly environment: Record<string, string>;
}

/** Follows all stages, each from the one before, and gives where the last one ends. */
function follow(text: string, args: Record<string, string> = {}, base: ExecutionConfig = {}): Followed {
  const dockerfile = parseDockerfile(text);
  const buildArgs = new Map(Object.entries(args));
  const globals = globalVariables(dockerfile, {
    buildArgs,
    targetPlatform: parsePlatform("linux/arm/v7"),
    buildPlatform: parsePlatform("linux/amd64"),
  });
  const froms: string[] = [];
  const history: string[] = [];
  let state = startConfig({ Env: ["PATH=/bin"], ...base });
  let scope = startScope(state.config.Env);
  for (const { from, instructions } of dockerfile.stages) {
    froms.push(
      expandFrom(
        from,
        expandContext(dockerfile, (name) => globals.get(name)),
      ).base,
    );
    state = startConfig(state.config);
    scope = startScope(state.config.Env, scope);
    for (const written of instructions) {
      const context = expandContext(dockerfile, scopeLookup(scope));
      const before = state.config;
      const instruction = expandInstruction(written, context);
      const declaration =
        instruction.name === "ARG" ? declareArgs(scope, instruction, globals, buildArgs, context) : undefined;
      scope = declaration?.scope ?? scope;
      const runArgs = instruction.name === "RUN" ? runCommand(instruction, shellOf(before)).args : undefined;
      const said = historyText(instruction, {
        config: before,
        declared: declaredArgs(scope),
        ...(runArgs && { runArgs }),
        ...(declaration && { args: declaration.declared }),
      });
      if (said !== undefined) history.push(said.hasLayer ? `${said.createdBy} +` : said.createdBy);
      state = editConfig(state, instruction);
      scope = withEnv(scope, state.config.Env);
    }
  }
  return { froms, state, scope, history, environment: Object.fromEntries(runEnvironment(scope, buildArgs)) };
}

describe("what a RUN at the end sees", () => {
  test.each<
    [what: string, text: string, args: Record<string, string>, seen: Record<string, string | undefined>]
  >([
    ["ENV", "FROM x\nENV a=1", {}, { a: "1" }],
    ["a default", "FROM x\nARG a=1", {}, { a: "1" }],
    ["an argument over it", "FROM x\nARG a=1", { a: "2" }, { a: "2" }],
    ["an argument that is empty", "FROM x\nARG a=1", { a: "" }, { a: "" }],
    ["no value", "FROM x\nARG a", {}, { a: undefined }],
    ["an argument that is not declared", "FROM x", { a: "2" }, { a: undefined }],
    ["a global ARG is not seen", "ARG a=1\nFROM x", {}, { a: undefined }],
    ["unless it is imported", "ARG a=1\nFROM x\nARG a", {}, { a: "1" }],
    ["with its argument", "ARG a=1\nFROM x\nARG a", { a: "2" }, { a: "2" }],
    ["a default of the stage over the global one", "ARG a=1\nFROM x\nARG a=3", {}, { a: "3" }],
    ["ENV over ARG", "FROM x\nARG a=1\nENV a=2", {}, { a: "2" }],
    ["ENV over ARG after it", "FROM x\nENV a=2\nARG a=1", {}, { a: "2" }],
    ["ENV over an argument", "FROM x\nARG a\nENV a=2", { a: "9" }, { a: "2" }],
    ["ENV of the image over ARG", "FROM x\nARG PATH=/y", {}, { PATH: "/bin" }],
    ["ENV from ARG", "FROM x\nARG a=1\nENV b=$a", {}, { b: "1" }],
    ["ENV from ARG with a default", "FROM x\nARG a\nENV b=${a:-z}", {}, { b: "z" }],
    ["values from before the line", "FROM x\nENV a=old\nENV a=new b=$a", {}, { a: "new", b: "old" }],
    ["ARG from ENV", "FROM x\nENV a=1\nARG b=$a", {}, { b: "1" }],
    ["ARG from ARG of its line", "FROM x\nARG a=1 b=$a", {}, { b: "1" }],
    ["ARG from a global ARG only if declared", "ARG a=1\nFROM x\nARG b=$a", {}, { b: "" }],
    ["ARG before its declaration", "FROM x\nENV b=$a\nARG a=1", {}, { b: "" }],
    ["a quoted default", "FROM x\nARG a='x y'", {}, { a: "x y" }],
    ["an argument is not expanded", "FROM x\nENV b=1\nARG a", { a: "$b" }, { a: "$b" }],
    ["legacy ENV", 'FROM x\nENV a "b c" d', {}, { a: "b c d" }],
    ["an escaped blank", "FROM x\nENV a=b\\ c", {}, { a: "b c" }],
    ["a literal $", "FROM x\nENV a='$PATH' b=\\$PATH c=\"$PATH\"", {}, { a: "$PATH", b: "$PATH", c: "/bin" }],
    ["a name with a variable", "FROM x\nENV n=k\nENV $n=v", {}, { k: "v" }],
    ["ARG of the stage it is from", "FROM x AS y\nARG a=1\nFROM y", {}, { a: "1" }],
    [
      "the platform if declared",
      "FROM x\nARG TARGETPLATFORM TARGETARCH TARGETVARIANT BUILDPLATFORM",
      {},
      {
        TARGETPLATFORM: "linux/arm/v7",
        TARGETARCH: "arm",
        TARGETVARIANT: "v7",
        BUILDPLATFORM: "linux/amd64",
        TARGETOS: undefined,
      },
    ],
    ["TARGETSTAGE", "FROM x\nARG TARGETSTAGE", {}, { TARGETSTAGE: "default" }],
    ["a platform argument given", "FROM x\nARG TARGETOS", { TARGETOS: "plan9" }, { TARGETOS: "plan9" }],
    [
      "proxies without being declared",
      "FROM x",
      { HTTP_PROXY: "p", no_proxy: "q", Http_Proxy: "r" },
      { HTTP_PROXY: "p", no_proxy: "q", Http_Proxy: undefined },
    ],
    ["ENV over a proxy", "FROM x\nENV http_proxy=mine", { http_proxy: "p" }, { http_proxy: "mine" }],
    ["` as the escape character", "# escape=`\nFROM x\nENV a=b` c d=c:\\x", {}, { a: "b c", d: "c:\\x" }],
  ])("%s", (_what, text, args, seen) => {
    const { environment } = follow(text, args);
    for (const [name, value] of Object.entries(seen))
      expect([name, environment[name]]).toEqual([name, value]);
  });
});

test.each<[text: string, args: Record<string, string>, base: string]>([
  ["ARG v=1\nFROM a:$v", {}, "a:1"],
  ["ARG v=1\nFROM a:$v", { v: "2" }, "a:2"],
  ["ARG v\nFROM a:${v:-3}", {}, "a:3"],
  ["ARG a=1\nARG b=$a-2\nFROM x:$b", {}, "x:1-2"],
  ["FROM a:$TARGETARCH", {}, "a:arm"],
  ["ARG TARGETARCH=z\nFROM a:$TARGETARCH", {}, "a:z"],
  ["FROM a:${HTTP_PROXY:-none}", { HTTP_PROXY: "p" }, "a:none"],
])("%j", (text, args, base) => {
  expect(follow(text, args).froms).toEqual([base]);
});

test("arguments that nothing used", () => {
  const dockerfile = parseDockerfile("ARG a\nFROM x\nARG b=1 c");
  const given = (names: string[]) => new Map(names.map((name) => [name, ""]));
  const unused = unusedBuildArgs(
    dockerfile,
    given([
      "a",
      "b",
      "c",
      "z",
      "d",
      "http_proxy",
      "SOURCE_DATE_EPOCH",
      "TARGETOS",
      "BUILDKIT_INLINE_CACHE",
      "o",
    ]),
    ["o"],
  );
  expect(unused).toEqual(["z", "d"]);
  expect(unusedBuildArgsWarning(unused)).toBe("[Warning] One or more build-args [d z] were not consumed");
  expect(unusedBuildArgsWarning([])).toBeUndefined();
});

describe("what is expanded in which instruction", () => {
  const before = "FROM x\nENV v=1 s=TERM p=80/tcp\\ 81\n";
  test.each<[text: string, expected: Partial<ExecutionConfig>]>([
    ["USER $v:$v", { User: "1:1" }],
    ["WORKDIR /a/$v", { WorkingDir: "/a/1" }],
    ["VOLUME /$v /b", { Volumes: { "/1": {}, "/b": {} } }],
    ["STOPSIGNAL $s", { StopSignal: "TERM" }],
    ["EXPOSE $p", { ExposedPorts: { "80/tcp": {}, "81/tcp": {} } }],
    ["LABEL a$v='$v' \"b c\"=$v", { Labels: { a1: "$v", "b c": "1" } }],
    ["CMD echo $v", { Cmd: ["/bin/sh", "-c", "echo $v"] }],
    ['ENTRYPOINT ["$v"]', { Entrypoint: ["$v"] }],
    ["HEALTHCHECK CMD $v", { Healthcheck: { Test: ["CMD-SHELL", "$v"] } }],
    ["ONBUILD RUN $v", { OnBuild: ["RUN $v"] }],
    ['SHELL ["$v"]', { Shell: ["$v"] }],
  ])("%s", (text, expected) => {
    expect(follow(before + text).state.config).toMatchObject(expected);
  });

  test("COPY and ADD, and heredocs that are not quoted", () => {
    const text = [
      "FROM x",
      "ENV v=1",
      "COPY --chown=$v:$v --chmod=0$v --exclude=$v* $v <<A <<'B' /$v/",
      '$v "it\'s" \\$v',
      "A",
      "$v",
      "B",
    ].join("\n");
    const dockerfile = parseDockerfile(text);
    const copy = dockerfile.stages[0]!.instructions[1]!;
    expect(
      expandInstruction(
        copy,
        expandContext(dockerfile, (name) => (name === "v" ? "1" : undefined)),
      ),
    ).toMatchObject({
      chown: "1:1",
      chmod: "01",
      exclude: ["1*"],
      sources: ["1"],
      destination: "/1/",
      files: [{ content: '1 "it\'s" $v\n' }, { content: "$v\n" }],
    });
  });

  test("a word that cannot be expanded is told with its place", () => {
    expect(() => follow("FROM x\nENV a=1 \\\n  b=${")).toThrow(
      /^Dockerfile:3:5: failed to process "\$\{": .*missing '}'/,
    );
    expect(() => follow("FROM x\nCOPY a ${b:?needed}")).toThrow(/^Dockerfile:2:8: .*b: needed/);
  });
});

describe("what instructions do to the config", () => {
  const base: ExecutionConfig = {
    Env: ["PATH=/bin", "A=1"],
    Cmd: ["inherited"],
    Entrypoint: ["/old"],
    WorkingDir: "/srv",
    Labels: { k: "v" },
    ExposedPorts: { "90/tcp": {} },
    OnBuild: ["RUN trigger"],
  };
  test.each<[what: string, text: string, expected: object]>([
    ["the base's triggers are not its own", "", { OnBuild: undefined }],
    ["ENTRYPOINT drops an inherited CMD", 'ENTRYPOINT ["/e"]', { Entrypoint: ["/e"], Cmd: undefined }],
    ["and keeps one of the stage", 'CMD ["c"]\nENTRYPOINT ["/e"]', { Entrypoint: ["/e"], Cmd: ["c"] }],
    ["CMD alone keeps ENTRYPOINT", 'CMD ["c"]', { Entrypoint: ["/old"], Cmd: ["c"] }],
    ["CMD [] clears", "CMD []", { Cmd: undefined, Entrypoint: ["/old"] }],
    ["ENTRYPOINT [] clears", "ENTRYPOINT []", { Entrypoint: undefined, Cmd: undefined }],
    ["the last CMD wins", "CMD a\nCMD b", { Cmd: ["/bin/sh", "-c", "b"] }],
    [
      "SHELL is for what follows",
      'CMD a\nSHELL ["bash","-c"]\nENTRYPOINT b',
      { Cmd: ["/bin/sh", "-c", "a"], Entrypoint: ["bash", "-c", "b"], Shell: ["bash", "-c"] },
    ],
    ["ENV replaces in place", "ENV A=2 B=3\nENV PATH=/x", { Env: ["PATH=/x", "A=2", "B=3"] }],
    ["LABEL replaces and is sorted", "LABEL z=1 a=2 k=w", { Labels: { a: "2", k: "w", z: "1" } }],
    [
      "EXPOSE adds and is sorted",
      "EXPOSE 443 80/udp 90",
      { ExposedPorts: { "443/tcp": {}, "80/udp": {}, "90/tcp": {} } },
    ],
    ["WORKDIR is relative", "WORKDIR a/b/\nWORKDIR ../c", { WorkingDir: "/srv/a/c" }],
    ["WORKDIR does not leave the root", "WORKDIR ../../../x", { WorkingDir: "/x" }],
    [
      "HEALTHCHECK",
      "HEALTHCHECK --interval=5s --retries=2 CMD x",
      { Healthcheck: { Test: ["CMD-SHELL", "x"], Interval: 5e9, Retries: 2 } },
    ],
    ["HEALTHCHECK NONE", "HEALTHCHECK NONE", { Healthcheck: { Test: ["NONE"] } }],
    ["ONBUILD", "ONBUILD RUN a\nONBUILD COPY b c", { OnBuild: ["RUN a", "COPY b c"] }],
    [
      "a stage after it has a CMD that is inherited",
      'CMD ["c"]\nFROM y\nENTRYPOINT ["/e"]',
      { Cmd: undefined },
    ],
  ])("%s", (_what, text, expected) => {
    const { config } = follow(`FROM x\n${text}`, {}, base).state;
    for (const [key, value] of Object.entries(expected)) {
      expect([key, config[key as keyof ExecutionConfig]]).toEqual([key, value]);
    }
  });

  test("keys are written in order", () => {
    const { config } = follow("FROM x\nLABEL z=1 a=2\nEXPOSE 443 80\nVOLUME /z /a").state;
    expect(Object.keys(config.Labels ?? {})).toEqual(["a", "z"]);
    expect(Object.keys(config.ExposedPorts ?? {})).toEqual(["443/tcp", "80/tcp"]);
    expect(Object.keys(config.Volumes ?? {})).toEqual(["/a", "/z"]);
  });

  test("MAINTAINER is the author", () => expect(follow("FROM x\nMAINTAINER Me").state.author).toBe("Me"));

  test("scratch has a path and a directory", () => {
    expect(startConfig().config).toEqual({ WorkingDir: "/", Env: [`PATH=${DEFAULT_PATH}`] });
  });

  test.each([
    ["STOPSIGNAL SIGFOO", "invalid signal: SIGFOO"],
    ["EXPOSE x", "invalid containerPort: x"],
    ["USER $none", "the name of USER is empty"],
    ["WORKDIR $none", "the path of WORKDIR is empty"],
    ["VOLUME $none", "a path of VOLUME is empty"],
    ["ENV $none=1", "a name of ENV is empty"],
  ])("%s is refused", (text, reason) => {
    expect(() => follow(`FROM x\n${text}`)).toThrow(ConfigEditError);
    expect(() => follow(`FROM x\n${text}`)).toThrow(reason);
  });
});

test.each<[text: string, said: string]>([
  ["RUN echo $a", "RUN /bin/sh -c echo $a # buildkit +"],
  ['RUN ["a", "b c"]', "RUN a b c # buildkit +"],
  ["COPY --from=0 --chown=1 a.txt b.txt ./", "COPY a.txt b.txt ./ # buildkit +"],
  ["ADD a /b", "ADD a /b # buildkit +"],
  ["COPY <<f /x\ny\nf", "COPY <<f /x # buildkit +"],
  ['ENV A=1 B="two words"', "ENV A=1 B=two words"],
  ['LABEL l1=v1 "l 2"="v 1"', "LABEL l1=v1 l 2=v 1"],
  ['CMD echo "hi"', 'CMD ["/bin/sh" "-c" "echo \\"hi\\""]'],
  ['ENTRYPOINT ["a\\t", "é\\u0001"]', 'ENTRYPOINT ["a\\t" "é\\x01"]'],
  ["EXPOSE 80/tcp 53/udp", "EXPOSE [53/udp 80/tcp]"],
  ["WORKDIR sub", "WORKDIR /sub +"],
  ["WORKDIR /", "WORKDIR /"],
  ["USER me", "USER me"],
  ["VOLUME /a /b", "VOLUME [/a /b]"],
  ['SHELL ["/bin/bash", "-c"]', "SHELL [/bin/bash -c]"],
  ["STOPSIGNAL 9", "STOPSIGNAL 9"],
  ["ARG a=1 b", "ARG a=1 b"],
  ["MAINTAINER Me", "MAINTAINER Me"],
  [
    "HEALTHCHECK --interval=30s --retries=3 CMD x y",
    "HEALTHCHECK {Test:[CMD-SHELL x y] Interval:30s Timeout:0s StartPeriod:0s StartInterval:0s Retries:3}",
  ],
])("the history of %j", (text, said) => {
  expect(follow(`FROM x\n${text}`).history).toEqual([said]);
});

test("RUN's history names declared ARGs, not proxies; ONBUILD has none", () => {
  const text = "FROM x\nARG a=1\nARG b\nENV a=2\nONBUILD RUN y\nRUN z";
  expect(follow(text, { HTTP_PROXY: "p" }).history.at(-1)).toBe("RUN |2 a=2 b= /bin/sh -c z # buildkit +");
  expect(follow(text).history.some((entry) => entry.includes("ONBUILD"))).toBe(false);
});
