/**
 * The rules of `--check` (rules 5.7): for each what it says, where, and what it says nothing about.
 */
import { describe, expect, test } from "vitest";
import { parseDockerfile } from "../../src/build/dockerfile/parse.ts";
import { parseDockerignore } from "../../src/build/files/dockerignore.ts";
import {
  type BaseImage,
  type LintOptions,
  type LintResult,
  lintDockerfile,
} from "../../src/build/lint/lint.ts";
import { formatWarning, lintRules } from "../../src/build/lint/report.ts";
import { parsePlatform } from "../../src/oci/platform.ts";

const AMD64 = parsePlatform("linux/amd64");
const ALPINE: BaseImage = { config: { Env: ["PATH=/bin", "VERSION=3"] }, platform: AMD64 };
const OPTIONS: LintOptions = {
  buildArgs: new Map(),
  targetPlatform: AMD64,
  buildPlatform: AMD64,
  bases: new Map([
    ["alpine", ALPINE],
    ["shelled", { ...ALPINE, config: { Shell: ["/bin/bash", "-c"] } }],
    ["arm", { ...ALPINE, platform: parsePlatform("linux/arm64") }],
  ]),
  check: "experimental=all",
};

function lint(text: string, options: Partial<LintOptions> = {}): LintResult {
  return lintDockerfile(parseDockerfile(text), { ...OPTIONS, ...options });
}

interface Rows {
  readonly rule: string;
  /** A Dockerfile, the line it is about, and the message. */
  readonly found: readonly (readonly [text: string, line: number, message: string])[];
  readonly clean: readonly string[];
  readonly options?: Partial<LintOptions>;
}

const RULES: readonly Rows[] = [
  {
    rule: "StageNameCasing",
    found: [["FROM alpine AS Base", 1, "Stage name 'Base' should be lowercase"]],
    clean: ["FROM alpine AS base", "FROM alpine"],
  },
  {
    rule: "FromAsCasing",
    found: [
      ["FROM alpine as b", 1, "'as' and 'FROM' keywords' casing do not match"],
      ["from alpine AS b", 1, "'AS' and 'from' keywords' casing do not match"],
    ],
    clean: ["FROM alpine AS b", "from alpine as b", "From alpine aS b"],
  },
  {
    rule: "NoEmptyContinuation",
    found: [["FROM alpine\nRUN a \\\n\n  b", 4, "Empty continuation line"]],
    clean: ["FROM alpine\nRUN a \\\n  b", "FROM alpine\nRUN a \\\n# c\n  b"],
  },
  {
    rule: "ConsistentInstructionCasing",
    found: [
      [
        "FROM alpine\nrun a\nRUN b",
        2,
        "Command 'run' should match the case of the command majority (uppercase)",
      ],
      [
        "from alpine\nRUN a\nrun b",
        2,
        "Command 'RUN' should match the case of the command majority (lowercase)",
      ],
      ["From alpine\nRUN a", 1, "Command 'From' should match the case of the command majority (uppercase)"],
    ],
    clean: ["FROM alpine\nRUN a", "from alpine\nrun a", "arg x\nFROM alpine"],
  },
  {
    rule: "DuplicateStageName",
    found: [
      ["FROM alpine AS b\nFROM alpine AS B", 2, 'Duplicate stage name "b", stage names should be unique'],
    ],
    clean: ["FROM alpine AS a\nFROM alpine AS b\nFROM alpine\nFROM alpine"],
  },
  {
    rule: "ReservedStageName",
    found: [
      ["FROM alpine AS scratch", 1, 'Stage name should not use the same name as reserved stage "scratch"'],
      ["FROM alpine AS context", 1, 'Stage name should not use the same name as reserved stage "context"'],
    ],
    clean: ["FROM scratch", "FROM scratch AS a"],
  },
  {
    rule: "JSONArgsRecommended",
    found: [
      [
        "FROM alpine\nCMD a",
        2,
        "JSON arguments recommended for CMD to prevent unintended behavior related to OS signals",
      ],
      [
        "FROM alpine\nentrypoint a",
        2,
        "JSON arguments recommended for entrypoint to prevent unintended behavior related to OS signals",
      ],
    ],
    clean: [
      'FROM alpine\nCMD ["a"]',
      "FROM alpine\nRUN a",
      'FROM alpine\nSHELL ["s"]\nCMD a',
      'FROM alpine AS b\nSHELL ["s"]\nFROM b\nENTRYPOINT a',
      "FROM shelled\nCMD a",
    ],
  },
  {
    rule: "MaintainerDeprecated",
    found: [
      ["FROM alpine\nMAINTAINER me", 2, "Maintainer instruction is deprecated in favor of using label"],
    ],
    clean: ["FROM alpine\nLABEL org.opencontainers.image.authors=me"],
  },
  {
    rule: "UndefinedArgInFrom",
    found: [
      [
        "ARG VARIANT=1\nFROM alpine${VARIAN}",
        2,
        "FROM argument 'VARIAN' is not declared (did you mean VARIANT?)",
      ],
      ["FROM alpine${zzzzzz}", 1, "FROM argument 'zzzzzz' is not declared"],
      [
        "FROM --platform=${BULIDPLATFORM:-linux/amd64} alpine",
        1,
        "FROM argument 'BULIDPLATFORM' is not declared (did you mean BUILDPLATFORM?)",
      ],
    ],
    clean: ["ARG v\nFROM alpine$v", "FROM --platform=$BUILDPLATFORM alpine", "FROM alpine$TARGETVARIANT"],
  },
  {
    rule: "WorkdirRelativePath",
    found: [
      [
        "FROM alpine\nWORKDIR app/",
        2,
        'Relative workdir "app/" can have unexpected results if the base image changes',
      ],
    ],
    clean: ["FROM alpine\nWORKDIR /app\nWORKDIR sub", "FROM alpine AS a\nWORKDIR /a\nFROM a\nWORKDIR b"],
  },
  {
    rule: "UndefinedVar",
    found: [
      ["FROM alpine\nCOPY $foo .", 2, "Usage of undefined variable '$foo'"],
      ["FROM alpine\nENV PATH=$PAHT:/x", 2, "Usage of undefined variable '$PAHT' (did you mean $PATH?)"],
      [
        "FROM alpine\nARG DIR_ASSETS=a\nCOPY $DIR_ASSET .",
        3,
        "Usage of undefined variable '$DIR_ASSET' (did you mean $DIR_ASSETS?)",
      ],
      ["FROM alpine\nCOPY $foo .\nARG foo=1", 2, "Usage of undefined variable '$foo'"],
      ["ARG foo=1\nFROM alpine\nUSER ${foo:-x}", 3, "Usage of undefined variable '$foo'"],
      ["FROM scratch\nLABEL a=$x$x", 2, "Usage of undefined variable '$x'"],
      ["FROM alpine\nRUN --mount=target=$x,type=tmpfs y", 2, "Usage of undefined variable '$x'"],
      ["FROM alpine\nCOPY <<EOF /a\n$x\nEOF", 2, "Usage of undefined variable '$x'"],
    ],
    clean: [
      "FROM alpine\nARG foo\nCOPY a$foo .",
      "FROM alpine AS b\nARG foo=1\nFROM b\nCOPY $foo .",
      "FROM alpine\nRUN echo $x",
      "FROM alpine\nUSER $VERSION",
      "FROM alpine\nENV a=1\nENV b=$a",
      "FROM unknown-image\nUSER ${ITS_USER:-x}",
      "FROM alpine\nCOPY <<'EOF' /a\n$x\nEOF",
    ],
  },
  {
    rule: "MultipleInstructionsDisallowed",
    found: [
      [
        'FROM alpine\nCMD ["a"]\nRUN x\nCMD ["b"]',
        2,
        "Multiple CMD instructions should not be used in the same stage because only the last one will be used",
      ],
      [
        'FROM alpine\nENTRYPOINT ["a"]\nENTRYPOINT ["b"]',
        2,
        "Multiple ENTRYPOINT instructions should not be used in the same stage because only the last one will be used",
      ],
      [
        "FROM alpine\nHEALTHCHECK CMD a\nHEALTHCHECK NONE",
        2,
        "Multiple HEALTHCHECK instructions should not be used in the same stage because only the last one will be used",
      ],
    ],
    clean: ['FROM alpine AS a\nCMD ["a"]\nFROM a\nCMD ["b"]', "FROM alpine\nUSER a\nUSER b"],
  },
  {
    rule: "LegacyKeyValueFormat",
    found: [
      ["FROM alpine\nENV a b", 2, '"ENV key=value" should be used instead of legacy "ENV key value" format'],
      [
        "FROM alpine\nLABEL a b",
        2,
        '"LABEL key=value" should be used instead of legacy "LABEL key value" format',
      ],
    ],
    clean: ["FROM alpine\nENV a=b\nLABEL c=d"],
  },
  {
    rule: "InvalidBaseImagePlatform",
    found: [
      [
        "FROM arm",
        1,
        'Base image arm was pulled with platform "linux/arm64", expected "linux/amd64" for current build',
      ],
    ],
    clean: ["FROM alpine", "FROM --platform=linux/arm64 arm AS on-arm64", "FROM scratch", "FROM not-known"],
  },
  {
    rule: "RedundantTargetPlatform",
    found: [
      [
        "FROM --platform=$TARGETPLATFORM alpine",
        1,
        "Setting platform to predefined $TARGETPLATFORM in FROM is redundant as this is the default behavior",
      ],
      [
        "FROM --platform=${TARGETPLATFORM} alpine",
        1,
        "Setting platform to predefined ${TARGETPLATFORM} in FROM is redundant as this is the default behavior",
      ],
    ],
    clean: ["FROM --platform=$BUILDPLATFORM alpine", "FROM --platform=$TARGETOS/$TARGETARCH alpine"],
  },
  {
    rule: "SecretsUsedInArgOrEnv",
    found: [
      [
        "FROM alpine\nARG SECRET_PASSPHRASE",
        2,
        'Do not use ARG or ENV instructions for sensitive data (ARG "SECRET_PASSPHRASE")',
      ],
      [
        "FROM alpine\nENV a=1 git_key=",
        2,
        'Do not use ARG or ENV instructions for sensitive data (ENV "git_key")',
      ],
      [
        "FROM alpine\nENV apikey=x",
        2,
        'Do not use ARG or ENV instructions for sensitive data (ENV "apikey")',
      ],
      [
        "FROM alpine\nARG Password",
        2,
        'Do not use ARG or ENV instructions for sensitive data (ARG "Password")',
      ],
    ],
    clean: [
      "FROM alpine\nENV monkey=x keyboard=y PUBLIC_KEY=z TOKEN_FILE=w key_version=1",
      "FROM alpine\nLABEL secret=x",
    ],
  },
  {
    rule: "InvalidDefaultArgInFrom",
    found: [
      [
        "ARG VERSION\nFROM alpine:$VERSION",
        2,
        "Default value for ARG alpine:$VERSION results in empty or invalid base image name",
      ],
      [
        "ARG IMAGE\nFROM $IMAGE",
        2,
        "Default value for ARG $IMAGE results in empty or invalid base image name",
      ],
    ],
    clean: ["ARG VERSION=3\nFROM alpine:$VERSION", "ARG VERSION\nFROM alpine:${VERSION:-3}", "FROM alpine"],
    options: {
      buildArgs: new Map([
        ["VERSION", "3"],
        ["IMAGE", "alpine"],
      ]),
    },
  },
  {
    rule: "FromPlatformFlagConstDisallowed",
    found: [
      [
        "FROM --platform=linux/amd64 alpine AS b",
        1,
        'FROM --platform flag should not use constant value "linux/amd64"',
      ],
    ],
    clean: [
      "FROM --platform=$BUILDPLATFORM alpine",
      "FROM --platform=linux/amd64 alpine AS build-amd64",
      "FROM alpine",
    ],
  },
  {
    rule: "CopyIgnoredFile",
    found: [
      ["FROM alpine\nCOPY secret /", 2, 'Attempting to Copy file "secret" that is excluded by .dockerignore'],
      ["FROM alpine\nADD /dir/x /", 2, 'Attempting to Add file "/dir/x" that is excluded by .dockerignore'],
    ],
    clean: [
      "FROM alpine\nCOPY other . /",
      "FROM alpine AS b\nFROM b\nCOPY --from=b secret /",
      "FROM alpine\nADD https://x/secret /",
    ],
    options: { ignore: parseDockerignore("secret\ndir\n") },
  },
  {
    rule: "InvalidDefinitionDescription",
    found: [
      [
        "# hello\nFROM alpine AS base",
        1,
        "Comment for FROM should follow the format: `# base <description>`",
      ],
      ["FROM alpine\n# hello\nARG v", 2, "Comment for ARG should follow the format: `# v <description>`"],
      [
        "FROM alpine\n# hello\nARG v w",
        2,
        "Comment for ARG should follow the format: `# <arg_key> <description>`",
      ],
    ],
    clean: [
      "# base is it\nFROM alpine AS base",
      "# hello\n\nFROM alpine AS base",
      "# hello\nFROM alpine",
      "# hello\nFROM alpine\n# v is\nARG v",
    ],
  },
  {
    rule: "ExposeProtoCasing",
    found: [
      [
        "FROM alpine\nEXPOSE 80/TcP",
        2,
        "Defined protocol '80/TcP' in EXPOSE instruction should be lowercase",
      ],
    ],
    clean: ["FROM alpine\nEXPOSE 80/tcp 81"],
  },
  {
    rule: "ExposeInvalidFormat",
    found: [
      [
        "FROM alpine\nEXPOSE 127.0.0.1:80:80",
        2,
        "EXPOSE instruction should not define an IP address or host-port mapping, found '127.0.0.1:80:80'",
      ],
      [
        "FROM alpine\nEXPOSE 5000:80",
        2,
        "EXPOSE instruction should not define an IP address or host-port mapping, found '5000:80'",
      ],
    ],
    clean: ["FROM alpine\nEXPOSE 80 8000-8010"],
  },
];

describe.each(RULES)("$rule", ({ rule, found, clean, options }) => {
  test.each(found)("%j: line %d", (text, line, message) => {
    const warnings = lint(text, options).warnings.filter((warning) => warning.rule === rule);
    // A comment that is wrong is told of at the instruction after it.
    const at = text.startsWith("# hello") || text.includes("\n# hello") ? line + 1 : line;
    expect(warnings.map(({ message: said, range }) => [said, range.start.line])).toEqual([[message, at]]);
  });
  test.each(clean)("nothing about %j", (text) => {
    expect(lint(text, options).warnings.filter((warning) => warning.rule === rule)).toEqual([]);
  });
});

test("every rule has its rows", () => {
  expect(RULES.map(({ rule }) => rule).sort()).toEqual(
    lintRules()
      .map(({ name }) => name)
      .sort(),
  );
});

test("what a warning has", () => {
  const [warning] = lint("FROM alpine\nMAINTAINER me").warnings;
  expect(warning).toEqual({
    rule: "MaintainerDeprecated",
    description: "The MAINTAINER instruction is deprecated, use a label instead to define an image author",
    url: "https://docs.docker.com/go/dockerfile/rule/maintainer-deprecated/",
    message: "Maintainer instruction is deprecated in favor of using label",
    range: { start: { line: 2, column: 1 }, end: { line: 2, column: 14 } },
  });
  expect(formatWarning(warning!)).toBe(
    "MaintainerDeprecated: Maintainer instruction is deprecated in favor of using label (line 2)",
  );
});

describe("which stages", () => {
  const text = "FROM alpine AS a\nENV x y\nFROM alpine AS b\nENV x y\nFROM a";
  test.each<[string | undefined, readonly number[]]>([
    [undefined, [2, 4]],
    ["a", [2]],
    ["2", [2]],
    ["b", [4]],
  ])("for the target %s", (target, lines) => {
    const { warnings } = lint(text, target === undefined ? {} : { target });
    expect(warnings.map(({ range }) => range.start.line)).toEqual(lines);
  });
});

describe("the directive check", () => {
  const body = "FROM scratch as base\ncopy Dockerfile .\n";
  const both = ["FromAsCasing", "ConsistentInstructionCasing"];
  test.each<[directive: string, rules: readonly string[], error: string | undefined]>([
    ["# nothing", both, undefined],
    ["#check=skip=all", [], undefined],
    ["#check=skip=all;error=true", [], undefined],
    ["#check=skip=ConsistentInstructionCasing", ["FromAsCasing"], undefined],
    ["#check=skip=ConsistentInstructionCasing,FromAsCasing;error=true", [], undefined],
    [
      "#check=skip=ConsistentInstructionCasing;error=true",
      ["FromAsCasing"],
      "lint violation found for rules: FromAsCasing",
    ],
    ["#check=error=true", both, `lint violation found for rules: ${both.join(", ")}`],
    ["# check = error = false ; skip = FromAsCasing", ["ConsistentInstructionCasing"], undefined],
  ])("%s", (directive, rules, error) => {
    const { check: _, ...options } = OPTIONS;
    const result = lintDockerfile(parseDockerfile(`${directive}\n${body}`), options);
    expect(result.warnings.map(({ rule }) => rule)).toEqual(rules);
    expect(result.error).toBe(error);
  });

  test("the build argument wins, experimental rules are named", () => {
    expect(lint(`#check=error=true\n${body}`, { check: "skip=all" })).toEqual({ warnings: [] });
    const text = "# hello\nFROM alpine AS base";
    expect(lint(text, { check: "" }).warnings).toEqual([]);
    expect(lint(text, { check: "experimental=InvalidDefinitionDescription" }).warnings).toHaveLength(1);
  });

  test.each(["skip", "nope=1", "error=maybe"])("%s is refused", (check) => {
    expect(() => lint(body, { check })).toThrow(/^Dockerfile:1:1: (invalid|failed to parse) check option/);
  });
});

test("patterns that leave nothing, and those that take back", () => {
  const copies = (patterns: string) =>
    lint("FROM alpine\nCOPY . /\nCOPY x /", { ignore: parseDockerignore(patterns) }).warnings.map(
      ({ range }) => range.start.line,
    );
  expect(copies("*")).toEqual([2, 3]);
  expect(copies("x")).toEqual([3]);
  expect(copies("*\n!x")).toEqual([]);
});
