/**
 * Lexing and parsing (rules 5.1, 5.3) as tables: a text, and what it says.
 */
import { describe, expect, test } from "vitest";
import { parseDockerfile, parseTrigger } from "../../src/build/dockerfile/parse.ts";
import { runCommand } from "../../src/build/dockerfile/run-command.ts";
import { DockerfileError } from "../../src/build/dockerfile/source.ts";
import type { RunInstruction, StageInstruction } from "../../src/build/dockerfile/syntax.ts";

/** The instructions of a stage, without what every instruction has. */
function instructions(text: string): readonly object[] {
  const { stages } = parseDockerfile(`FROM scratch\n${text}`);
  return stages.flatMap((stage) => stage.instructions.map(bare));
}

function bare({ keyword, range, text, comments, places, ...rest }: StageInstruction): object {
  return rest;
}

function failure(text: string): DockerfileError {
  try {
    parseDockerfile(text);
  } catch (error) {
    if (error instanceof DockerfileError) return error;
    throw error;
  }
  throw new Error(`parsed: ${text}`);
}

const shell = (text: string) => ({ name: "RUN", command: { form: "shell", text }, heredocs: [], mounts: [] });

describe("lines", () => {
  test.each<[what: string, text: string, expected: readonly object[]]>([
    ["a comment vanishes", "# RUN x\nRUN y", [shell("y")]],
    ["an indented comment too", "  # c\n  RUN y", [shell("y")]],
    ["a # later in a line is text", "RUN a # b", [shell("a # b")]],
    ["a line goes on", "RUN a \\\n  b", [shell("a   b")]],
    ["blanks after the escape character", "RUN a \\ \t\n b", [shell("a  b")]],
    ["a comment within", "RUN a \\\n# c\n  b", [shell("a   b")]],
    ["an empty line within", "RUN a \\\n\n  b", [shell("a   b")]],
    ["the end of the file within", "RUN a \\", [shell("a")]],
    ["the end of the file after a comment within", "RUN a \\\n# c", [shell("a")]],
    ["two escape characters end nothing", "RUN a \\\\\nRUN b", [shell("a \\\\"), shell("b")]],
    ["carriage returns", "RUN a \\\r\n  b\r\nRUN c\r\n", [shell("a   b"), shell("c")]],
    ["a lone escape character", "RUN a\\\n\\\nb", [shell("ab")]],
    ["keywords in any case", "rUn a", [shell("a")]],
    ["a tab after the keyword", "RUN\ta", [shell("a")]],
    ["bytes that are no UTF-8", "RUN echo \udc80", [shell("echo \udc80")]],
  ])("%s", (_what, text, expected) => {
    expect(instructions(text)).toEqual(expected);
  });

  test("a byte-order mark is dropped, bytes are kept", () => {
    const bytes = Uint8Array.from([0xef, 0xbb, 0xbf, ...Buffer.from("FROM scratch\nENV a="), 0xff]);
    const [stage] = parseDockerfile(bytes).stages;
    expect(stage!.from.keyword).toBe("FROM");
    expect(stage!.instructions).toMatchObject([{ pairs: [{ key: "a", value: "\udcff" }] }]);
  });

  test("empty lines within are told of", () => {
    const { emptyContinuations } = parseDockerfile("FROM scratch\nRUN a \\\n\n\n b\nRUN c \\\n d");
    expect(emptyContinuations.map(({ start }) => start.line)).toEqual([5]);
  });

  test("comments before an instruction are its own, up to an empty line", () => {
    const { stages } = parseDockerfile("# one\n\n# two\n# three\nFROM scratch\n#\nRUN x");
    expect(stages[0]!.from.comments).toEqual(["two", "three"]);
    expect(stages[0]!.instructions[0]!.comments).toEqual([]);
  });
});

describe("directives", () => {
  test.each([
    ["# escape=`\nFROM scratch", "`"],
    ["# ESCAPE = `\nFROM scratch", "`"],
    ["#escape=\\\nFROM scratch", "\\"],
    ["# syntax=docker/dockerfile:1\n# escape=`\nFROM scratch", "`"],
    // Not at the beginning: a comment.
    ["\n# escape=`\nFROM scratch", "\\"],
    ["# hello\n# escape=`\nFROM scratch", "\\"],
    ["# unknown=1\n# escape=`\nFROM scratch", "\\"],
    ["FROM scratch\n# escape=`", "\\"],
  ])("%j has the escape character %j", (text, expected) => {
    expect(parseDockerfile(text).escapeCharacter).toBe(expected);
  });

  test("syntax and check", () => {
    const { directives } = parseDockerfile(
      "# syntax=docker/dockerfile:1\n# check=skip=all;error=true\nFROM a",
    );
    expect(directives).toEqual({ syntax: "docker/dockerfile:1", check: "skip=all;error=true" });
  });

  test("a line goes on with ` then, and \\ is text", () => {
    const { stages } = parseDockerfile("# escape=`\nFROM scratch\nRUN dir c:\\ `\n d");
    expect(stages[0]!.instructions.map(bare)).toEqual([shell("dir c:\\  d")]);
  });
});

describe("FROM", () => {
  test.each<[string, object]>([
    ["FROM alpine", { base: "alpine" }],
    ["from alpine as Base", { base: "alpine", stageName: "base", as: { keyword: "as", stageName: "Base" } }],
    ["FROM --platform=$BUILDPLATFORM a:1 AS x-1.b_c", { platform: "$BUILDPLATFORM", stageName: "x-1.b_c" }],
    ["FROM a@sha256:00", { base: "a@sha256:00" }],
  ])("%j", (text, expected) => {
    expect(parseDockerfile(text).stages[0]!.from).toMatchObject(expected);
  });

  test("ARGs before it are global", () => {
    const { globalArgs, stages } = parseDockerfile("ARG a=1\nARG b\nFROM x\nARG c\nFROM y");
    expect(globalArgs.flatMap(({ args }) => args)).toEqual([{ key: "a", value: "1" }, { key: "b" }]);
    expect(stages.map(({ index, instructions: list }) => [index, list.length])).toEqual([
      [0, 1],
      [1, 0],
    ]);
  });
});

const COPY = { link: false, parents: false, exclude: [], files: [] };

describe("instructions", () => {
  test.each<[text: string, expected: object]>([
    ["RUN echo hi", shell("echo hi")],
    ['RUN ["a", "b c"]', { command: { form: "exec", args: ["a", "b c"] } }],
    ["RUN ['a', 'b']", { command: { form: "shell", text: "['a', 'b']" } }],
    ['RUN ["a" "b"]', { command: { form: "shell", text: '["a" "b"]' } }],
    ['RUN [ "a" ] # no', { command: { form: "shell" } }],
    [
      "RUN --mount=type=cache,target=/c --mount=type=bind x",
      { mounts: ["type=cache,target=/c", "type=bind"] },
    ],
    ["RUN --network=none --security=insecure x", { network: "none", security: "insecure" }],
    ["RUN -- --x", { command: { form: "shell", text: "--x" } }],
    ["RUN --network=host -- --x", { network: "host", command: { form: "shell", text: "--x" } }],
    ["RUN - x", { command: { form: "shell", text: "- x" } }],
    ["CMD a b", { name: "CMD", command: { form: "shell", text: "a b" } }],
    ['CMD ["a"]', { name: "CMD", command: { form: "exec", args: ["a"] } }],
    ["CMD []", { name: "CMD", command: { form: "exec", args: [] } }],
    ["ENTRYPOINT a", { name: "ENTRYPOINT", command: { form: "shell", text: "a" } }],
    ['ENTRYPOINT ["é\\u0041"]', { name: "ENTRYPOINT", command: { form: "exec", args: ["éA"] } }],
    ["ENV a=b", { name: "ENV", pairs: [{ key: "a", value: "b", legacy: false }] }],
    ["ENV a=b c='d e' f=g\\ h", { pairs: [{ value: "b" }, { value: "'d e'" }, { value: "g\\ h" }] }],
    ["ENV a b  c", { pairs: [{ key: "a", value: "b  c", legacy: true }] }],
    ['ENV a "b c"', { pairs: [{ key: "a", value: '"b c"', legacy: true }] }],
    ["ENV a b=c", { pairs: [{ key: "a", value: "b=c", legacy: true }] }],
    ["ENV a=", { pairs: [{ key: "a", value: "" }] }],
    ["ENV a==b", { pairs: [{ key: "a", value: "=b" }] }],
    ["ENV a=b\\\n c=d", { pairs: [{ key: "a", value: "b" }, { key: "c" }] }],
    ['LABEL "com.x y"="v 1" b=c', { pairs: [{ key: '"com.x y"', value: '"v 1"' }, { key: "b" }] }],
    ["LABEL a b c", { pairs: [{ key: "a", value: "b c", legacy: true }] }],
    ["ARG a", { name: "ARG", args: [{ key: "a" }] }],
    ["ARG a=1 b c='x y'", { args: [{ key: "a", value: "1" }, { key: "b" }, { key: "c", value: "'x y'" }] }],
    ["EXPOSE 80 443/tcp $P", { name: "EXPOSE", ports: ["80", "443/tcp", "$P"] }],
    ["USER me:staff", { name: "USER", user: "me:staff" }],
    ["WORKDIR /a b", { name: "WORKDIR", path: "/a b" }],
    ["VOLUME /a /b", { name: "VOLUME", paths: ["/a", "/b"] }],
    ['VOLUME ["/a b", " /c "]', { name: "VOLUME", paths: ["/a b", "/c"] }],
    ['SHELL ["/bin/bash", "-c"]', { name: "SHELL", shell: ["/bin/bash", "-c"] }],
    ["STOPSIGNAL $S", { name: "STOPSIGNAL", signal: "$S" }],
    ["MAINTAINER Me <m@x>", { name: "MAINTAINER", maintainer: "Me <m@x>" }],
    ["COPY a b", { name: "COPY", ...COPY, sources: ["a"], destination: "b" }],
    ["COPY a b c/", { sources: ["a", "b"], destination: "c/" }],
    ['COPY ["a b", "c d/"]', { sources: ["a b"], destination: "c d/" }],
    [
      "COPY --from=base --chown=1:2 --chmod=755 --link a b",
      { from: "base", chown: "1:2", chmod: "755", link: true },
    ],
    ["COPY --link=false --parents a b", { link: false, parents: true }],
    ["COPY --exclude=*.md --exclude=x/** a b", { exclude: ["*.md", "x/**"] }],
    ['COPY --chown="a b" x y', { chown: "a b" }],
    ["ADD a b", { name: "ADD", ...COPY, sources: ["a"], destination: "b" }],
    [
      "ADD --checksum=sha256:00 --keep-git-dir --unpack=false https://x/y.git /z",
      { checksum: "sha256:00", keepGitDir: true, unpack: false, sources: ["https://x/y.git"] },
    ],
    ["ADD --unpack x y", { unpack: true }],
    ["HEALTHCHECK NONE", { health: { test: ["NONE"] } }],
    ["HEALTHCHECK cmd curl x", { health: { test: ["CMD-SHELL", "curl x"], interval: 0, retries: 0 } }],
    ['HEALTHCHECK CMD ["a","b"]', { health: { test: ["CMD", "a", "b"] } }],
    [
      "HEALTHCHECK --interval=1m30s --timeout=1.5s --start-period=2h --start-interval=1ms --retries=3 CMD x",
      { health: { interval: 90e9, timeout: 15e8, startPeriod: 7200e9, startInterval: 1e6, retries: 3 } },
    ],
    ["HEALTHCHECK --interval=0 CMD x", { health: { interval: 0 } }],
    ["ONBUILD RUN  a b", { name: "ONBUILD", trigger: "RUN  a b" }],
    ["onbuild copy a \\\n b", { name: "ONBUILD", trigger: "copy a  b" }],
  ])("%s", (text, expected) => {
    expect(instructions(text)).toMatchObject([expected]);
  });
});

describe("heredocs", () => {
  test.each<[what: string, text: string, expected: object]>([
    [
      "a script",
      "RUN <<EOF\necho a\n# not a comment\n\nEOF",
      { heredocs: [{ name: "EOF", expand: true, chomp: false, content: "echo a\n# not a comment\n\n" }] },
    ],
    ["quoted", "RUN <<'EOF'\nx\nEOF", { heredocs: [{ name: "EOF", expand: false }] }],
    ["double quotes in part", 'RUN <<E"O"F\nx\nEOF', { heredocs: [{ name: "EOF", expand: false }] }],
    ["a blank before the word", "RUN <<  EOF\nx\nEOF", { heredocs: [{ name: "EOF" }] }],
    ["tabs", "RUN <<-EOF\n\t\tx\n\tEOF", { heredocs: [{ chomp: true, content: "\t\tx\n" }] }],
    ["a descriptor", "RUN cat 3<<EOF\nx\nEOF", { heredocs: [{ descriptor: 3 }] }],
    ["two", "RUN a <<A b <<B\n1\nA\n2\nB", { heredocs: [{ content: "1\n" }, { content: "2\n" }] }],
    ["line ends are kept", "RUN <<EOF\r\nx\r\nEOF\r\n", { heredocs: [{ content: "x\r\n" }] }],
    ["a here-string is none", "RUN cat <<<x", { heredocs: [] }],
    ["nor is a shift", "RUN echo $((1 << 2))", { heredocs: [] }],
    ["nor one in quotes", "RUN echo '<<EOF'", { heredocs: [] }],
    ["nor one in the exec form", 'RUN ["<<EOF"]', { heredocs: [] }],
    ["nor one of another instruction", "CMD cat <<EOF", { command: { text: "cat <<EOF" } }],
    ["with a $ in its name", "RUN <<$EOF\nx\n$EOF", { heredocs: [{ name: "$EOF" }] }],
    [
      "files",
      "COPY <<a.txt <<'b' c /d/\n1 $x\na.txt\n2\nb",
      {
        sources: ["c"],
        files: [
          { name: "a.txt", content: "1 $x\n", expand: true },
          { name: "b", content: "2\n", expand: false },
        ],
        destination: "/d/",
      },
    ],
    ["a file without tabs", "ADD <<-a /b\n\t\tx\n\t\ty\n\ta", { files: [{ content: "x\ny\n" }] }],
    ["a trigger", "ONBUILD RUN <<EOF\nx\nEOF", { trigger: "RUN <<EOF\nx\nEOF" }],
  ])("%s", (_what, text, expected) => {
    expect(instructions(text)).toMatchObject([expected]);
  });

  test.each<[what: string, text: string, args: readonly string[], script?: object]>([
    ["alone it is the shell's text", "RUN <<EOF\na\nb\nEOF", ["/bin/sh", "-c", "a\nb\n"]],
    ["without its tabs", "RUN <<-EOF\n\ta\n\tEOF", ["/bin/sh", "-c", "a\n"]],
    [
      "after a command it is the shell's own",
      "RUN cat <<EOF > x\na\nEOF",
      ["/bin/sh", "-c", "cat <<EOF > x\na\nEOF"],
    ],
    [
      "with #! it is a file",
      "RUN <<EOF\n#!/usr/bin/env python\np\nEOF",
      ["/bin/sh", "-c", "/dev/pipes/EOF"],
      { path: "/dev/pipes/EOF", content: "#!/usr/bin/env python\np\n" },
    ],
    ["no heredoc", "RUN a", ["/bin/sh", "-c", "a"]],
    ["the exec form", 'RUN ["a"]', ["a"]],
  ])("what RUN executes: %s", (_what, text, args, script) => {
    const [run] = parseDockerfile(`FROM scratch\n${text}`).stages[0]!.instructions as RunInstruction[];
    expect(runCommand(run!, ["/bin/sh", "-c"])).toEqual({ args, ...(script && { script }) });
  });
});

describe("errors name the place and show the line", () => {
  test.each<[text: string, line: number, column: number, reason: string]>([
    ["", 1, 1, "file with no instructions"],
    ["# only\n\n", 2, 1, "file with no instructions"],
    ["ARG a", 1, 1, "contains no stages"],
    ["RUN x", 1, 1, "no build stage in current context"],
    ["FROM a\n  FORM b", 2, 3, "unknown instruction: FORM (did you mean FROM?)"],
    ["FROM a\nBADCMD", 2, 1, "unknown instruction: BADCMD"],
    ["FROM a b", 1, 1, "either one or three arguments"],
    ["FROM", 1, 1, "either one or three arguments"],
    ["FROM a as 1x", 1, 11, 'invalid name for build stage: "1x"'],
    ["FROM --plat=x a", 1, 6, "unknown flag: --plat"],
    ["FROM a\nCOPY --link=maybe a b", 2, 6, "expecting boolean value for flag --link"],
    ["FROM a\nCOPY --link= a b", 2, 6, "missing a value on flag: --link"],
    ["FROM a\nCOPY --chown a b", 2, 6, "missing a value on flag: --chown"],
    ["FROM a\nCOPY --chown=a --chown=b a b", 2, 16, "duplicate flag specified: --chown"],
    ["FROM a\nCOPY --constructor=1 a b", 2, 6, "unknown flag: --constructor"],
    ["FROM a\nUSER --x=1 me", 2, 6, "unknown flag: --x"],
    ["FROM a\nCOPY a", 2, 1, "COPY requires at least two arguments, but only one was provided"],
    ["FROM a\nCOPY a <<EOF\nx\nEOF", 2, 8, "COPY cannot accept a heredoc as a destination"],
    ["FROM a\nRUN x <<EOF\ny", 2, 7, "unterminated heredoc"],
    ["FROM a\nRUN", 2, 1, "RUN requires at least one argument"],
    ["FROM a\nRUN []", 2, 1, "RUN requires at least one argument"],
    ['FROM a\nCMD ["a", 1]', 2, 5, "arrays must be comprised of strings only"],
    ["FROM a\nENV a", 2, 1, "ENV must have two arguments"],
    ["FROM a\nENV", 2, 1, "ENV requires at least one argument"],
    ["FROM a\nENV a=1 b", 2, 9, 'can\'t find = in "b"'],
    ["FROM a\nENV =b", 2, 5, "ENV names can not be blank"],
    ["FROM a\nENV a=1 \\\n   =c", 3, 4, "ENV names can not be blank"],
    ["FROM a\nENV a=1 \\\n# c\n\n  b", 5, 3, "can't find ="],
    ["FROM a\nARG", 2, 1, "ARG requires at least one argument"],
    ["FROM a\nARG =1", 2, 5, "ARG names can not be blank"],
    ["FROM a\nEXPOSE", 2, 1, "EXPOSE requires at least one argument"],
    ["FROM a\nUSER", 2, 1, "USER requires exactly one argument"],
    ["FROM a\nWORKDIR", 2, 1, "WORKDIR requires exactly one argument"],
    ["FROM a\nVOLUME", 2, 1, "VOLUME requires at least one argument"],
    ['FROM a\nVOLUME ["/a", ""]', 2, 8, "VOLUME specified can not be an empty string"],
    ["FROM a\nSHELL /bin/sh", 2, 7, "SHELL requires the arguments to be in JSON form"],
    ["FROM a\nSHELL []", 2, 1, "SHELL requires at least one argument"],
    ["FROM a\nHEALTHCHECK", 2, 1, "HEALTHCHECK requires at least one argument"],
    ["FROM a\nHEALTHCHECK NONE x", 2, 18, "HEALTHCHECK NONE takes no arguments"],
    ["FROM a\nHEALTHCHECK CMD", 2, 1, "missing command after HEALTHCHECK CMD"],
    ["FROM a\nHEALTHCHECK x y", 2, 13, 'unknown type "X"'],
    ["FROM a\nHEALTHCHECK --interval=1us CMD x", 2, 24, "cannot be less than 1ms"],
    ["FROM a\nHEALTHCHECK --interval=5 CMD x", 2, 24, "missing unit in duration"],
    ["FROM a\nHEALTHCHECK --interval=5y CMD x", 2, 24, 'unknown unit "y"'],
    ["FROM a\nHEALTHCHECK --retries=-1 CMD x", 2, 23, "--retries cannot be negative"],
    ["FROM a\nHEALTHCHECK --retries=x CMD x", 2, 23, "--retries is not a number"],
    ["FROM a\nONBUILD", 2, 1, "ONBUILD requires at least one argument"],
    ["FROM a\nONBUILD ONBUILD RUN x", 2, 9, "Chaining ONBUILD"],
    ["FROM a\nONBUILD FROM x", 2, 9, "FROM isn't allowed as an ONBUILD trigger"],
    ["FROM a\nONBUILD maintainer x", 2, 9, "MAINTAINER isn't allowed as an ONBUILD trigger"],
    ["FROM a\nRUN --network=wifi x", 2, 15, 'unsupported network mode "wifi"'],
    ["FROM a\nRUN --security=x y", 2, 16, 'security "x" is not valid'],
    ["FROM a\nRUN --mount=type=bind,from=$x,target=/a y", 2, 13, "doesn't support variable expansion"],
    ["# escape=x\nFROM a", 1, 1, "invalid escape token 'x'"],
    ["# escape=`\n# escape=`\nFROM a", 2, 1, "only one escape parser directive can be used"],
  ])("%j", (text, line, column, reason) => {
    const error = failure(text);
    expect(error.reason).toContain(reason);
    expect(error.position).toEqual({ line, column });
    expect(error.message.startsWith(`Dockerfile:${line}:${column}: `)).toBe(true);
  });

  test("the caret is under the column, also after tabs", () => {
    const error = failure("FROM a\n\tENV a=1\tb");
    expect(error.excerpt).toBe("2 | \tENV a=1\tb\n  | \t       \t^");
  });
});

test("a trigger of a base is placed at the FROM", () => {
  const { source, stages } = parseDockerfile("ARG x\n FROM base");
  const { from } = stages[0]!;
  expect(parseTrigger("COPY <<EOF /a\nx\nEOF", from, source)).toMatchObject({
    files: [{ content: "x\n" }],
    range: from.range,
  });
  expect(() => parseTrigger("FORM x", from, source)).toThrow(/^Dockerfile:2:2: .*unknown instruction: FORM/);
});
