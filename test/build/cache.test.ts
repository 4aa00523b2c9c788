/**
 * Which change of input makes a step run again, and which does not (5.5), and what `--explain` says of it.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, renameSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { BuildOptions, BuildResult } from "../../src/build/build.ts";
import { shellExecutor } from "../../src/runtime/shell-executor.ts";
import { Store } from "../../src/runtime/store.ts";
import { bundleProgram } from "../cli/bundle.ts";
import { scratch } from "../store/scratch.ts";
import { buildIn, contextOf, type Files, listed, memoryStore, putFiles } from "./harness.ts";

/** The steps that were hits, by the first words of their instruction. */
function hits({ events }: BuildResult): string[] {
  return events.flatMap((event) =>
    event.kind === "cached" ? [event.vertex.name.replace(/^\[[^\]]*\] /, "")] : [],
  );
}

function notes({ events }: BuildResult): string[] {
  return events.flatMap((event) =>
    event.kind === "note" && / cached: |^cached: /.test(event.text) ? [event.text] : [],
  );
}

interface Build {
  readonly text?: string;
  readonly options?: Partial<BuildOptions>;
  readonly env?: Record<string, string>;
  readonly ignore?: string;
}

interface Row extends Build {
  readonly change: string;
  /** What the first build is of, and the second too unless it says otherwise. */
  readonly first: Build & { readonly text: string };
  readonly files?: Files;
  /** Changes the context in between. */
  readonly between?: (directory: string) => void;
  /** Whether the last step is a hit then. */
  readonly hit: boolean;
  /** What `--explain` says of the miss. */
  readonly note?: RegExp;
}

const FILES: Files = { "a.txt": "A", "b.txt": "B", "d/one": "1", "d/two": "2", "d/l": "-> one" };
const COPY_A = { text: "FROM scratch\nCOPY a.txt /x" };
const COPY_D = { text: "FROM scratch\nCOPY d /x" };
const RUN = { text: "FROM scratch\nRUN echo > /x" };
const write = (name: string, content: string) => (directory: string) =>
  writeFileSync(join(directory, name), content);

const ROWS: readonly Row[] = [
  { change: "nothing", first: COPY_A, hit: true },
  { change: "a file's time", first: COPY_A, between: (at) => utimesSync(join(at, "a.txt"), 5, 5), hit: true },
  {
    change: "a file's content",
    first: COPY_A,
    between: write("a.txt", "Z"),
    hit: false,
    note: /^not cached: file 1 a\.txt changed from sha256:[0-9a-f]+… to sha256:/,
  },
  {
    change: "a file's content, of the same length and time",
    first: COPY_A,
    between: (at) => putFiles(at, { "a.txt": "Z" }),
    hit: false,
  },
  {
    change: "a file's mode",
    first: COPY_A,
    between: (at) => chmodSync(join(at, "a.txt"), 0o600),
    hit: false,
    note: /file 1 a\.txt changed/,
  },
  { change: "another file", first: COPY_A, between: write("b.txt", "Z"), hit: true },
  {
    change: "a file below a directory",
    first: COPY_D,
    between: write("d/two", "Z"),
    hit: false,
    note: /^not cached: file 1 \/two changed from sha256/,
  },
  {
    change: "a name below a directory",
    first: COPY_D,
    between: (at) => renameSync(join(at, "d/two"), join(at, "d/three")),
    hit: false,
    note: /^not cached: file 1 \/three is new: sha256/,
  },
  {
    change: "a file less",
    first: COPY_D,
    between: (at) => rmSync(join(at, "d/two")),
    hit: false,
    note: /^not cached: file 1 \/two is gone, was sha256/,
  },
  {
    change: "a link's target",
    first: COPY_D,
    between: (at) => {
      rmSync(join(at, "d/l"));
      putFiles(at, { "d/l": "-> two" });
    },
    hit: false,
  },
  {
    change: "the mode of the directory whose content is copied",
    first: COPY_D,
    between: (at) => chmodSync(join(at, "d"), 0o700),
    hit: true,
  },
  {
    change: "the name of the directory whose content is copied",
    first: COPY_D,
    between: (at) => renameSync(join(at, "d"), join(at, "e")),
    text: "FROM scratch\nCOPY e /x",
    hit: true,
  },
  {
    change: "the name of a source with the same content",
    first: { text: "FROM scratch\nCOPY a.txt /x/" },
    between: write("b.txt", "A"),
    text: "FROM scratch\nCOPY b.txt /x/",
    hit: false,
  },
  {
    change: "what is ignored",
    first: { ...COPY_D, ignore: "d/two" },
    ignore: "d/two",
    between: write("d/two", "Z"),
    hit: true,
  },
  {
    change: "what is excluded",
    first: { text: "FROM scratch\nCOPY --exclude=two d /x" },
    between: write("d/two", "Z"),
    hit: true,
  },
  {
    change: "what a pattern matches",
    first: { text: "FROM scratch\nCOPY *.txt /x/" },
    between: write("c.txt", "C"),
    hit: false,
    note: /file \d c\.txt is new/,
  },
  {
    change: "the destination",
    first: COPY_A,
    text: "FROM scratch\nCOPY a.txt /y",
    hit: false,
    note: /^not cached: destination changed from \/x to \/y$/,
  },
  {
    change: "how the same destination is written",
    first: COPY_A,
    text: "FROM scratch\nCOPY ./a.txt //x",
    hit: true,
  },
  {
    change: "--chown",
    first: COPY_A,
    text: "FROM scratch\nCOPY --chown=1 a.txt /x",
    hit: false,
    note: /^not cached: --chown is new: 1$/,
  },
  { change: "--chmod", first: COPY_A, text: "FROM scratch\nCOPY --chmod=600 a.txt /x", hit: false },
  {
    change: "a heredoc",
    first: { text: "FROM scratch\nCOPY <<E /x\n1\nE" },
    text: "FROM scratch\nCOPY <<E /x\n2\nE",
    hit: false,
  },
  {
    change: "a comment and blanks",
    first: COPY_A,
    text: "# c\nFROM   scratch\n\nCOPY   a.txt    /x",
    hit: true,
  },
  {
    change: "ENV before",
    first: RUN,
    text: "FROM scratch\nENV A=1\nRUN echo > /x",
    hit: false,
    note: /^not cached: environment A is new: 1$/,
  },
  { change: "ENV after", first: RUN, text: "FROM scratch\nRUN echo > /x\nENV A=1", hit: true },
  {
    change: "the value of ENV",
    first: { text: "FROM scratch\nENV A=1\nRUN echo > /x" },
    text: "FROM scratch\nENV A=2\nRUN echo > /x",
    hit: false,
    note: /^not cached: environment A changed from 1 to 2$/,
  },
  {
    change: "LABEL before",
    first: RUN,
    text: "FROM scratch\nLABEL a=1\nRUN echo > /x",
    hit: false,
    note: /^not cached: config Labels is new: \{"a":"1"\}$/,
  },
  {
    change: "EXPOSE, USER, ENTRYPOINT, … before",
    first: RUN,
    text: "FROM scratch\nEXPOSE 1\nRUN echo > /x",
    hit: false,
  },
  {
    change: "ARG that is declared",
    first: { text: "FROM scratch\nARG A\nRUN echo > /x", options: { buildArgs: { A: "1" } } },
    options: { buildArgs: { A: "2" } },
    hit: false,
    note: /^not cached: argument A changed from 1 to 2$/,
  },
  {
    change: "ARG that is declared after",
    first: { text: "FROM scratch\nRUN echo > /x\nARG A", options: { buildArgs: { A: "1" } } },
    options: { buildArgs: { A: "2" } },
    hit: true,
  },
  {
    change: "ARG that COPY does not use",
    first: { text: "FROM scratch\nARG A\nCOPY a.txt /x", options: { buildArgs: { A: "1" } } },
    options: { buildArgs: { A: "2" } },
    hit: true,
  },
  {
    change: "ARG that COPY uses",
    first: { text: "FROM scratch\nARG A\nCOPY a.txt /$A", options: { buildArgs: { A: "1" } } },
    options: { buildArgs: { A: "2" } },
    hit: false,
    note: /destination changed from \/1 to \/2/,
  },
  {
    change: "a proxy",
    first: { ...RUN, options: { buildArgs: { HTTP_PROXY: "1" } } },
    options: { buildArgs: { HTTP_PROXY: "2" } },
    hit: true,
  },
  {
    change: "the command",
    first: RUN,
    text: "FROM scratch\nRUN echo 1 > /x",
    hit: false,
    note: /^not cached: command changed from /,
  },
  { change: "SHELL", first: RUN, text: 'FROM scratch\nSHELL ["/bin/bash", "-c"]\nRUN echo > /x', hit: false },
  {
    change: "the script of a heredoc",
    first: { text: "FROM scratch\nRUN <<E\necho > /x\nE" },
    text: "FROM scratch\nRUN <<E\necho 1 > /x\nE",
    hit: false,
  },
  {
    change: "a mount",
    first: RUN,
    text: "FROM scratch\nRUN --mount=type=tmpfs,target=/t echo > /x",
    hit: false,
    note: /mount 1 is new/,
  },
  {
    change: "what a bind mount shows",
    first: { text: "FROM scratch\nRUN --mount=source=d,target=/m cat /m/* > /x" },
    between: write("d/two", "Z"),
    hit: false,
    note: /what mount 1 shows changed from /,
  },
  {
    change: "what a bind mount does not show",
    first: { text: "FROM scratch\nRUN --mount=source=d,target=/m cat /m/* > /x" },
    between: write("a.txt", "Z"),
    hit: true,
  },
  {
    change: "the step before",
    first: { text: "FROM scratch\nCOPY a.txt /a\nRUN echo > /x" },
    between: write("a.txt", "Z"),
    hit: false,
    note: /^not cached: the files of the step before changed from sha256/,
  },
  {
    change: "the step before, which --link does not need",
    first: { text: "FROM scratch\nCOPY a.txt /a\nCOPY --link b.txt /x" },
    between: write("a.txt", "Z"),
    hit: true,
  },
  {
    change: "SOURCE_DATE_EPOCH",
    first: RUN,
    options: { buildArgs: { SOURCE_DATE_EPOCH: "5" } },
    hit: false,
    note: /^not cached: SOURCE_DATE_EPOCH changed from 1700000000 to 5$/,
  },
  {
    change: "the platform",
    first: RUN,
    options: { platform: { os: "linux", architecture: "s390x" } },
    hit: false,
  },
  {
    change: "what runs commands",
    first: RUN,
    options: { executor: { ...shellExecutor(), name: "other" } },
    hit: false,
    note: /^not cached: what runs commands changed from shell to other$/,
  },
  {
    change: "--no-cache",
    first: RUN,
    options: { noCache: true },
    hit: false,
    note: /^not cached: the build was asked not to use the cache$/,
  },
  {
    change: "names and labels of the image",
    first: RUN,
    options: { names: ["x"], labels: { a: "1" } },
    hit: true,
  },
  {
    change: "the stage copied from, elsewhere",
    first: { text: "FROM scratch AS s\nCOPY a.txt b.txt /\nFROM scratch\nCOPY --from=s /a.txt /x" },
    between: write("b.txt", "Z"),
    hit: true,
  },
  {
    change: "the stage copied from, in what is copied",
    first: { text: "FROM scratch AS s\nCOPY a.txt b.txt /\nFROM scratch\nCOPY --from=s /a.txt /x" },
    between: write("a.txt", "Z"),
    hit: false,
  },
  {
    change: "the owner in the stage copied from",
    first: { text: "FROM scratch AS s\nCOPY a.txt /\nFROM scratch\nCOPY --from=s /a.txt /x" },
    text: "FROM scratch AS s\nCOPY --chown=1 a.txt /\nFROM scratch\nCOPY --from=s /a.txt /x",
    hit: false,
    note: /file 1 a\.txt changed/,
  },
  {
    change: "the name of the stage copied from",
    first: { text: "FROM scratch AS s\nCOPY a.txt /\nFROM scratch\nCOPY --from=s /a.txt /x" },
    text: "FROM scratch AS t\nCOPY a.txt /\nFROM scratch\nCOPY --from=t /a.txt /x",
    hit: true,
  },
  {
    change: "another stage",
    first: {
      text: "FROM scratch AS s\nRUN echo > /x\nFROM scratch AS t\nCOPY a.txt /x\nFROM scratch\nCOPY --from=s /x /1\nCOPY --from=t /x /2",
    },
    between: write("a.txt", "Z"),
    hit: false,
  },
];

describe("a change of", () => {
  test.each(ROWS)("$change", async ({ first, between, hit, note, files = FILES, ...second }) => {
    const directory = contextOf(files);
    const store = await memoryStore(first.env);
    const run = async ({ text, options = {}, ignore }: Build) =>
      await buildIn(store, directory, `${text}\n`, {
        explain: true,
        ...options,
        ...(ignore === undefined ? {} : { ignore }),
      });
    await run(first);
    between?.(directory);
    const again = await run({ ...first, ...second });
    const steps = again.events.flatMap((event) =>
      event.kind === "start" && / (COPY|RUN|ADD) /.test(event.vertex.name)
        ? [event.vertex.name.replace(/^\[[^\]]*\] /, "")]
        : [],
    );
    expect([hits(again).includes(steps.at(-1)!), again.events.at(-1)?.kind]).toEqual([hit, "done"]);
    if (note !== undefined) expect(notes(again)).toContainEqual(expect.stringMatching(note));
    // What is found is what would be made.
    const clean = await run({ ...first, ...second, options: { ...second.options, noCache: true } });
    expect(await listed(again.image)).toEqual(await listed(clean.image));
  });

  test("base: the same Dockerfile on another one", async () => {
    const store = await memoryStore();
    const directory = contextOf(FILES);
    const text = "FROM base\nRUN echo > /x\n";
    await buildIn(store, directory, "FROM scratch\nCOPY a.txt /\n", { names: ["base"] });
    await buildIn(store, directory, text);
    await buildIn(store, directory, "FROM scratch\nCOPY b.txt /\n", { names: ["base"] });
    const again = await buildIn(store, directory, text, { explain: true });
    expect(hits(again)).not.toContain("RUN echo > /x");
    expect(notes(again)).toContainEqual(
      expect.stringMatching(/^not cached: the files of the step before changed/),
    );
  });
});

describe("the cache", () => {
  test("serves another Dockerfile with the same steps, and says since when", async () => {
    const store = await memoryStore();
    const directory = contextOf(FILES);
    await buildIn(store, directory, "FROM scratch\nCOPY a.txt /x\n", { file: "One" });
    const again = await buildIn(store, directory, "FROM scratch\nCOPY a.txt /x\nRUN echo > /y\n", {
      file: "Two",
      explain: true,
    });
    expect(hits(again)).toEqual(["COPY a.txt /x"]);
    expect(notes(again)).toEqual([
      "cached: every input is as it was on 2023-11-14T22:13:20Z",
      "not cached: this step has not run before",
    ]);
  });

  test("the same inputs give the same image in another store", async () => {
    const directory = contextOf(FILES);
    const text =
      "FROM scratch AS s\nRUN mkdir /d && echo 1 > /d/f\nFROM scratch\nCOPY --from=s /d /d\nCOPY . /c/\nADD a.txt /a\nWORKDIR /w\n";
    const one = await buildIn(await memoryStore(), directory, text);
    const other = await buildIn(await memoryStore(), directory, text);
    expect(other.descriptor).toEqual(one.descriptor);
  });
});

describe("two processes", () => {
  let folder: string;
  let program: string;
  beforeAll(async () => {
    folder = scratch(true);
    program = await bundleProgram(folder, "test/build/build-worker.ts");
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test("that build at the same time in one store are both right", async () => {
    const root = scratch();
    const directory = contextOf(FILES);
    const text = `FROM scratch AS s
COPY a.txt /
RUN --mount=type=cache,id=k,target=/c sleep 0.1 && cat /a.txt > /out && echo $NAME >> /c/log
FROM scratch
ARG NAME
COPY --from=s /out /out
RUN --mount=type=cache,id=k,target=/c echo $NAME > /name && echo $NAME >> /c/log && cat /c/log > /dev/null
`;
    writeFileSync(join(directory, "Dockerfile"), text);
    const children = ["one", "two", "three"].map((name) =>
      spawn(process.execPath, [program, root, directory, name], { stdio: ["ignore", "inherit", "inherit"] }),
    );
    const codes = await Promise.all(children.map(async (child) => (await once(child, "close"))[0]));
    expect(codes).toEqual([0, 0, 0]);
    const store = await Store.open(root, { env: {} });
    for (const name of ["one", "two", "three"]) {
      expect(await listed(await store.image(name))).toEqual([
        `-644 0:0 /name "${name}\\n"`,
        '-644 0:0 /out "A"',
      ]);
    }
    expect((await store.check()).problems).toEqual([]);
    await store.close();
  });
});
