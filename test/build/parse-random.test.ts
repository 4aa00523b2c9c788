/**
 * Whatever a Dockerfile holds, parsing it gives stages or an error with a place in the file, soon.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import { parseDockerfile } from "../../src/build/dockerfile/parse.ts";
import { DockerfileError, type Position } from "../../src/build/dockerfile/source.ts";
import { lintDockerfile } from "../../src/build/lint/lint.ts";
import { parsePlatform } from "../../src/oci/platform.ts";

const RUNS = Number(process.env.DOCKERFILE_RUNS ?? 3_000);
const AMD64 = parsePlatform("linux/amd64");

/** Pieces of which a text is likely to be nearly a Dockerfile. */
const PIECE = fc.constantFrom(
  ..."FROM RUN COPY ADD ENV LABEL ARG CMD ENTRYPOINT EXPOSE USER WORKDIR VOLUME SHELL STOPSIGNAL HEALTHCHECK ONBUILD MAINTAINER".split(
    " ",
  ),
  ..."scratch as AS base a= =b $a ${a ${a:-b} ${a%%*} } ' \" \\ ` [ ] , <<EOF <<-'E' EOF E # -- --from=0 --from=base".split(
    " ",
  ),
  ..."--mount=type=cache,target=/c --mount= --chown --link --interval=1s CMD NONE .. / * 80/tcp 9 \u00a0 \ud83d\ude00 \udc80".split(
    " ",
  ),
  '["a"]',
  "[1]",
  "\n",
  "\n",
  "\n",
  "\r\n",
  "\\\n",
  " ",
  " ",
  "\t",
  "# escape=`\n",
  "# check=skip=all\n",
  "FROM scratch\n",
);
const TEXT = fc.oneof(
  fc.array(PIECE, { maxLength: 60 }).map((pieces) => pieces.join("")),
  fc.array(PIECE, { maxLength: 60 }).map((pieces) => pieces.join(" ")),
  fc.array(PIECE, { maxLength: 40 }).map((pieces) => `FROM scratch\n${pieces.join(" ")}`),
  fc.string({ unit: "binary", maxLength: 200 }),
);

function expectInRange(position: Position, text: string): void {
  const lines = text.replace(/^\ufeff/, "").split("\n");
  expect(position.line).toBeGreaterThanOrEqual(1);
  expect(position.line).toBeLessThanOrEqual(Math.max(lines.length, 1));
  expect(position.column).toBeGreaterThanOrEqual(1);
  expect(position.column).toBeLessThanOrEqual((lines[position.line - 1]?.length ?? 0) + 1);
}

test("any text parses or gives an error within it", () => {
  fc.assert(
    fc.property(TEXT, (text) => {
      try {
        const dockerfile = parseDockerfile(text);
        for (const { from, instructions } of dockerfile.stages) {
          for (const { range, places } of [from, ...instructions]) {
            expectInRange(range.start, text);
            expectInRange(range.end, text);
            for (const place of places.values()) expectInRange(place, text);
          }
        }
        lintDockerfile(dockerfile, {
          buildArgs: new Map(),
          targetPlatform: AMD64,
          buildPlatform: AMD64,
          check: "",
        });
      } catch (error) {
        if (!(error instanceof DockerfileError)) throw error;
        expectInRange(error.position, text);
      }
    }),
    { numRuns: RUNS },
  );
});

test("any bytes do", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      try {
        parseDockerfile(bytes);
      } catch (error) {
        if (!(error instanceof DockerfileError)) throw error;
      }
    }),
    { numRuns: RUNS },
  );
});

test.each([
  ["one long line", `FROM a\nRUN ${"x ".repeat(200_000)}`],
  ["escape characters", `FROM a\nRUN ${"\\ ".repeat(20_000)}x`],
  ["many continuations", `FROM a\nRUN x${" \\\n y".repeat(20_000)}`],
  ["quotes", `FROM a\nENV a=${`'"`.repeat(50_000)}`],
  ["blanks", `FROM a\nRUN${" ".repeat(100_000)}x${" ".repeat(100_000)}`],
  ["heredoc words", `FROM a\nRUN ${"<<E ".repeat(2_000)}\n${"E\n".repeat(2_000)}`],
])(
  "a large file of %s does not take long",
  (_what, text) => {
    expect(parseDockerfile(text).stages).toHaveLength(1);
  },
  5_000,
);
