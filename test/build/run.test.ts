/**
 * RUN and the instructions around it, executed by the simulated shell (5.3): what a command sees, what of it
 * is in the layer, and what the configuration becomes.
 */
import { describe, expect, test } from "vitest";
import type { BuildOptions } from "../../src/build/build.ts";
import type { ExecutionConfig } from "../../src/oci/config.ts";
import type { Store } from "../../src/runtime/store.ts";
import { buildIn, contextOf, failure, listed, memoryStore } from "./harness.ts";

const CONTEXT = { "a.txt|0640": "A", "sub/c.txt": "C", "sub/l": "-> c.txt" };
const ACCOUNTS = `COPY <<passwd <<group /etc/
root:x:0:0::/root:/bin/sh
alice:x:1000:1001::/home/alice:/bin/sh
passwd
root:x:0:
staff:x:50:alice
group
`;

async function make(steps: string, options: Partial<BuildOptions> = {}, store?: Store) {
  const text = /^FROM /m.test(steps) ? steps : `FROM scratch\n${steps}\n`;
  return await buildIn(store ?? (await memoryStore()), contextOf(CONTEXT), text, options);
}

/** What is there beside what was copied to set the scene. */
async function files(steps: string, options: Partial<BuildOptions> = {}): Promise<string[]> {
  const lines = await listed((await make(steps, options)).image);
  return lines.filter((line) => !/ \/etc(\/|$)/.test(line));
}

const out = (text: string) => [`-644 0:0 /out ${JSON.stringify(text)}`];

describe("RUN", () => {
  test.each([
    ["in the shell", "RUN echo $((1+1)) > /out", out("2\n")],
    ["without one", 'RUN ["/bin/sh", "-c", "echo x > /out"]', out("x\n")],
    ["a heredoc as the command", "RUN <<E\nset -e\necho a > /out\necho b >> /out\nE", out("a\nb\n")],
    ["a heredoc as input", "RUN cat > /out <<E\none $PWD\nE", out("one /\n")],
    ["a quoted heredoc as input", "RUN cat > /out <<'E'\n$PWD\nE", out("$PWD\n")],
    ["two heredocs", "RUN cat <<A > /out && cat <<B >> /out\n1\nA\n2\nB", out("1\n2\n")],
    ["lines that go on", "RUN echo a \\\n  # not this\n  b > /out", out("a b\n")],
    ["with ARG and ENV", "ARG A=1\nENV B=2\nRUN echo $A$B > /out", out("12\n")],
    ["where ENV wins over ARG", "ARG A=1\nENV A=2\nRUN echo $A > /out", out("2\n")],
    ["where a later ARG does not win over ENV", "ENV A=2\nARG A=1\nRUN echo $A > /out", out("2\n")],
    [
      "without what other stages declare",
      "FROM scratch AS x\nARG A=1\nFROM scratch\nRUN echo [$A] > /out\n",
      out("[]\n"),
    ],
    ["with what is declared again", "ARG A=1\nFROM scratch\nARG A\nRUN echo [$A] > /out\n", out("[1]\n")],
    ["in WORKDIR", "WORKDIR /w\nRUN pwd > /out", [...out("/w\n"), "d755 0:0 /w"]],
    [
      "with HOME",
      `${ACCOUNTS}RUN chmod 777 /\nUSER alice\nRUN echo $HOME > /out`,
      ['-644 1000:1001 /out "/home/alice\\n"'],
    ],
    [
      "as USER, who owns what it makes",
      `${ACCOUNTS}RUN chmod 777 /\nUSER alice:staff\nRUN id -u > /out`,
      ['-644 1000:50 /out "1000\\n"'],
    ],
    ["as a number", "RUN chmod 777 /\nUSER 7\nRUN id -u > /out", ['-644 7:0 /out "7\\n"']],
    ["by SHELL", 'SHELL ["/bin/bash", "-ec"]\nRUN echo $0 > /dev/null; echo s > /out', out("s\n")],
    [
      "without the mounts it saw",
      "WORKDIR /etc\nRUN ls /proc > /dev/null && test -e /etc/hosts && test -e /dev/null && echo > /out",
      out("\n"),
    ],
  ] as const)("%s", async (_, steps, expected) => {
    expect(await files(steps)).toEqual(expected);
  });

  test("a command that changes nothing makes no layer", async () => {
    const { image } = await make("RUN true\nRUN echo > /a");
    expect(image.config.rootfs.diff_ids).toHaveLength(1);
    expect(image.config.history?.map(({ empty_layer }) => empty_layer ?? false)).toEqual([true, false]);
  });

  test("what it writes to is in the build's log", async () => {
    const { events } = await make("RUN echo out && echo err >&2");
    const said = events.flatMap((event) =>
      event.kind === "output" ? [[event.stream, new TextDecoder().decode(event.bytes)]] : [],
    );
    expect(said).toEqual([
      ["stdout", "out\n"],
      ["stderr", "err\n"],
    ]);
  });

  test("one that fails tells its command, its status, its line and the end of its output", async () => {
    const error = await failure(make("RUN true\nRUN echo first && echo broken >&2 && \\\n    exit 3"));
    expect(error).toMatchObject({
      code: "run-failed",
      exitCode: 3,
      output: "first\nbroken\n",
      place: "Dockerfile:3:1",
      message: expect.stringMatching(
        /^Dockerfile:3:1: process ".*exit 3" did not complete successfully: exit code: 3$/,
      ),
    });
  });
});

describe("RUN --mount", () => {
  test.each([
    ["bind of the context", "RUN --mount=target=/m cat /m/a.txt /m/sub/l > /out", out("AC")],
    ["bind of a part of it", "RUN --mount=source=sub,target=/m/n cat /m/n/c.txt > /out", out("C")],
    ["bind of one file", "RUN --mount=source=a.txt,target=/m/f cat /m/f > /out", out("A")],
    ["bind is read-only", "RUN --mount=target=/m (echo > /m/x) 2>/dev/null || echo no > /out", out("no\n")],
    [
      "bind that may be written, and keeps nothing",
      "RUN --mount=target=/m,rw echo x > /m/x && cat /m/x > /out\nRUN --mount=target=/m,rw test ! -e /m/x",
      out("x\n"),
    ],
    [
      "bind of a stage",
      "FROM scratch AS s\nRUN echo s > /f\nFROM scratch\nRUN --mount=from=s,target=/m cat /m/f > /out\n",
      out("s\n"),
    ],
    [
      "bind at a directory that is there hides it",
      "WORKDIR /m\nRUN echo > /m/old\nRUN --mount=target=/m,source=sub ls /m > /out\nRUN rm -r /m",
      out("c.txt\nl\n"),
    ],
    ["bind with variables", "ARG D=sub\nRUN --mount=source=$D,target=/m cat /m/c.txt > /out", out("C")],
    [
      "relative targets are below WORKDIR",
      "WORKDIR /w\nRUN --mount=target=m cat /w/m/a.txt > /out\nRUN rmdir /w; true",
      out("A"),
    ],
    ["tmpfs", "RUN --mount=type=tmpfs,target=/m/t echo x > /m/t/f && cat /m/t/f > /out", out("x\n")],
    [
      "tmpfs with a limit",
      "RUN --mount=type=tmpfs,target=/t,size=4096 (head -c 100000 /dev/zero > /t/f) 2>/dev/null || echo full > /out",
      out("full\n"),
    ],
    [
      "cache keeps what is in it",
      "RUN --mount=type=cache,target=/c echo 1 >> /c/f\nRUN --mount=type=cache,target=/c cat /c/f > /out",
      out("1\n"),
    ],
    [
      "cache by id",
      "RUN --mount=type=cache,id=k,target=/c echo 1 > /c/f\nRUN --mount=type=cache,id=k,target=/d cat /d/f > /out\nRUN --mount=type=cache,target=/c test ! -e /c/f",
      out("1\n"),
    ],
    [
      "cache with owner and mode",
      "RUN --mount=type=cache,target=/c,uid=3,gid=4,mode=0700 stat -c '%u:%g %a' /c > /out",
      out("3:4 700\n"),
    ],
    [
      "cache from a stage",
      "FROM scratch AS s\nRUN mkdir /p && echo s > /p/f\nFROM scratch\nRUN --mount=type=cache,target=/c,from=s,source=/p cat /c/f > /out\n",
      out("s\n"),
    ],
    [
      "a secret that is not there and not needed",
      "RUN --mount=type=secret,id=none test ! -e /run/secrets/none && echo > /out",
      out("\n"),
    ],
  ] as const)("%s", async (_, steps, expected) => {
    const lines = (await files(steps)).filter((line) => !/ \/w($| )/.test(line) && !/ \/m($| )/.test(line));
    expect(lines).toEqual(expected);
  });

  const secrets = { s: new TextEncoder().encode("hush") };

  test.each([
    ["a file", "RUN --mount=type=secret,id=s wc -c < /run/secrets/s > /out", out("4\n")],
    [
      "its mode and owner",
      "RUN --mount=type=secret,id=s stat -c '%a %u:%g' /run/secrets/s > /out",
      out("400 0:0\n"),
    ],
    [
      "as asked for",
      "RUN --mount=type=secret,id=s,target=/k/s,mode=0440,uid=5,gid=6 stat -c '%a %u:%g' /k/s > /out",
      out("440 5:6\n"),
    ],
    [
      "a variable",
      "RUN --mount=type=secret,id=s,env=S echo ${#S} > /out && test ! -e /run/secrets/s",
      out("4\n"),
    ],
  ] as const)("a secret as %s", async (_, steps, expected) => {
    expect(await files(steps, { secrets })).toEqual(expected);
  });

  test("a secret is in no layer, no config, no cache key", async () => {
    const store = await memoryStore();
    const steps = 'RUN --mount=type=secret,id=s,env=S --mount=type=secret,id=s test -n "$S" && echo > /out';
    const { image } = await make(steps, { secrets }, store);
    expect(JSON.stringify(image.config)).not.toContain("hush");
    const again = await make(steps, { secrets: { s: new TextEncoder().encode("other") } }, store);
    expect(again.events.filter(({ kind }) => kind === "cached")).toHaveLength(1);
  });

  test.each([
    [
      "a secret that is needed",
      "RUN --mount=type=secret,id=s,required true",
      /^Dockerfile:2:1: secret s: not found$/,
    ],
    [
      "a source that is not there",
      "RUN --mount=source=gone,target=/m true",
      /^Dockerfile:2:1: the build context has no \/gone$/,
    ],
    ["an agent", "RUN --mount=type=ssh,required true", /^Dockerfile:2:1: .*ssh/],
  ])("an error of %s", async (_, steps, message) => {
    expect((await failure(make(steps))).message).toMatch(message);
  });

  test("a private cache is another one where it is in use", async () => {
    const text = `FROM scratch AS a
RUN --mount=type=cache,id=k,target=/c,sharing=private echo a >> /c/f && sleep 0.3 && cat /c/f > /out
FROM scratch AS b
RUN --mount=type=cache,id=k,target=/c,sharing=private echo b >> /c/f && sleep 0.3 && cat /c/f > /out
FROM scratch
COPY --from=a /out /a
COPY --from=b /out /b
`;
    expect(await files(text)).toEqual(['-644 0:0 /a "a\\n"', '-644 0:0 /b "b\\n"']);
  });

  test("a locked cache is used by one step after the other", async () => {
    const stage = (name: string) => `FROM scratch AS ${name}
RUN --mount=type=cache,id=k,target=/c,sharing=locked echo in >> /c/f && sleep 0.2 && echo out >> /c/f && cat /c/f > /out
`;
    const text = `${stage("a")}${stage("b")}${stage("c")}FROM scratch
COPY --from=a /out /a
COPY --from=b /out /b
COPY --from=c /out /c
`;
    const lines = await files(text);
    expect(lines.map((line) => line.split(" ").slice(3).join(" ")).sort()).toEqual(
      [1, 2, 3].map((n) => JSON.stringify("in\nout\n".repeat(n))),
    );
  });
});

describe("other instructions", () => {
  test.each([
    [
      "WORKDIR belongs to USER",
      `${ACCOUNTS}USER alice\nWORKDIR /home/alice/w`,
      ["d755 1000:1001 /home", "d755 1000:1001 /home/alice", "d755 1000:1001 /home/alice/w"],
    ],
    [
      "WORKDIR that is there stays as it is",
      "RUN mkdir -m 0700 /w && chown 5:6 /w\nUSER 7\nWORKDIR /w/",
      ["d700 5:6 /w"],
    ],
    [
      "WORKDIR joins, and expands",
      "ENV D=b\nWORKDIR /a\nWORKDIR $D/./c/..\nRUN pwd > out",
      ["d755 0:0 /a", "d755 0:0 /a/b", '-644 0:0 /a/b/out "/a/b\\n"'],
    ],
    [
      "VOLUME keeps what is written later",
      "RUN mkdir /v && echo 1 > /v/a\nVOLUME /v\nRUN echo 2 > /v/b",
      ["d755 0:0 /v", '-644 0:0 /v/a "1\\n"', '-644 0:0 /v/b "2\\n"'],
    ],
    [
      "ENV sees the values from before its line",
      "ENV abc=hello\nENV abc=bye def=$abc\nENV ghi=$abc\nRUN echo $def $ghi > /out",
      out("hello bye\n"),
    ],
  ] as const)("%s", async (_, steps, expected) => {
    expect(await files(steps)).toEqual(expected);
  });

  test("WORKDIR / makes no layer", async () => {
    const { image } = await make("WORKDIR /\nCOPY a.txt /");
    expect(image.config.rootfs.diff_ids).toHaveLength(1);
  });

  test.each<[string, string, Partial<ExecutionConfig>]>([
    [
      "ENTRYPOINT resets the CMD of the base",
      'FROM scratch AS b\nCMD ["x"]\nFROM b\nENTRYPOINT ["e"]\n',
      { Entrypoint: ["e"], Cmd: undefined! },
    ],
    ["but not that of its own stage", 'CMD ["x"]\nENTRYPOINT ["e"]', { Entrypoint: ["e"], Cmd: ["x"] }],
    [
      "shell forms are wrapped by SHELL",
      'SHELL ["/bin/bash", "-c"]\nCMD echo "$X"',
      { Cmd: ["/bin/bash", "-c", 'echo "$X"'], Shell: ["/bin/bash", "-c"] },
    ],
    ["the last CMD counts", 'CMD ["a"]\nCMD ["b"]', { Cmd: ["b"] }],
    ["EXPOSE", "EXPOSE 80 8000-8001/udp", { ExposedPorts: { "80/tcp": {}, "8000/udp": {}, "8001/udp": {} } }],
    ["VOLUME", 'VOLUME /a /b\nVOLUME ["/c d"]', { Volumes: { "/a": {}, "/b": {}, "/c d": {} } }],
    [
      "ENV replaces at its place",
      "ENV A=1 B=2\nENV A=3",
      { Env: [expect.stringMatching(/^PATH=/) as unknown as string, "A=3", "B=2"] },
    ],
    [
      "STOPSIGNAL, USER, LABEL",
      'STOPSIGNAL SIGTERM\nUSER a:b\nLABEL x=1 y="2 3"',
      { StopSignal: "SIGTERM", User: "a:b", Labels: { x: "1", y: "2 3" } },
    ],
    ["ONBUILD keeps the text", "ONBUILD COPY a.txt  /x", { OnBuild: ["COPY a.txt  /x"] }],
  ])("%s", async (_, steps, expected) => {
    const config = (await make(steps)).image.config.config!;
    for (const [name, value] of Object.entries(expected))
      expect([name, config[name as keyof ExecutionConfig]]).toEqual([name, value]);
  });

  test("ONBUILD runs in the stage that is from it, once", async () => {
    const store = await memoryStore();
    await make(
      "WORKDIR /w\nONBUILD COPY a.txt ./\nONBUILD RUN echo $(cat a.txt) > out\nONBUILD COPY <<E /h\nON\nE",
      { names: ["base"] },
      store,
    );
    const { image } = await make("FROM base\nRUN cat out > again\n", {}, store);
    expect(image.config.config?.OnBuild).toBeUndefined();
    expect(await listed(image)).toEqual([
      '-644 0:0 /h "ON\\n"',
      "d755 0:0 /w",
      '-640 0:0 /w/a.txt "A"',
      '-644 0:0 /w/again "A\\n"',
      '-644 0:0 /w/out "A\\n"',
    ]);
    await make("FROM base\n", { names: ["child"] }, store);
    const { image: grandchild } = await make("FROM child\n", {}, store);
    expect(grandchild.config.rootfs.diff_ids).toEqual(image.config.rootfs.diff_ids.slice(0, -1));
  });

  test("a stage named like an image shadows it; --from an image that the store has", async () => {
    const store = await memoryStore();
    await make("RUN echo image > /out", { names: ["base"] }, store);
    const { image } = await make("FROM scratch AS base\nRUN echo stage > /out\nFROM base\n", {}, store);
    expect(await listed(image)).toEqual(out("stage\n"));
    const { image: copied } = await make("COPY --from=base /out /out", {}, store);
    expect(await listed(copied)).toEqual(out("image\n"));
  });

  test("history has BuildKit's form", async () => {
    const { image } = await make('ARG V=1\nENV A=1\nRUN true\nCOPY --chown=1 a.txt /\nWORKDIR w\nCMD ["x"]');
    expect(image.config.history?.map(({ created_by }) => created_by)).toEqual([
      "ARG V=1",
      "ENV A=1",
      "RUN |1 V=1 /bin/sh -c true # buildkit",
      "COPY a.txt / # buildkit",
      "WORKDIR /w",
      'CMD ["x"]',
    ]);
  });
});
