/**
 * COPY as builds run it (5.3): what goes where, as what, and what is refused.
 */
import { describe, expect, test } from "vitest";
import { buildIn, contextOf, type Files, failure, listed, memoryStore } from "./harness.ts";

const ACCOUNTS = `COPY <<passwd <<group /etc/
root:x:0:0::/root:/bin/sh
alice:x:1000:1001::/home/alice:/bin/sh
passwd
root:x:0:
staff:x:50:
group
`;

const CONTEXT: Files = {
  "a.txt|0640": "A",
  "b.txt": "B",
  "run.sh|0755": "#!",
  "sub/c.txt": "C",
  "sub/deep/d.txt": "D",
  "sub/deep/e.md": "E",
  "other/f.txt": "F",
  lnk: "-> a.txt",
  dlnk: "-> sub",
  "tree|0700": null,
  "tree/in.txt": "I",
  "tree/rel": "-> in.txt",
  "tree/gone": "-> nowhere",
  "tree/twice": "= tree/in.txt",
  "[x].txt": "X",
  "sp ace.txt": "S",
};

interface Row {
  readonly rule: string;
  /** What follows `FROM scratch`. */
  readonly steps: string;
  readonly files?: readonly string[];
  /** Only these paths are compared, with what is below. */
  readonly below?: string;
  readonly error?: RegExp;
}

const ROWS: readonly Row[] = [
  { rule: "a destination without slash is the file", steps: "COPY a.txt /x", files: ['-640 0:0 /x "A"'] },
  {
    rule: "a destination with slash is a directory, made 0755",
    steps: "COPY a.txt /x/y/",
    files: ["d755 0:0 /x", "d755 0:0 /x/y", '-640 0:0 /x/y/a.txt "A"'],
  },
  {
    rule: "a destination that is `.` is a directory",
    steps: "WORKDIR /w\nCOPY a.txt .",
    files: ["d755 0:0 /w", '-640 0:0 /w/a.txt "A"'],
  },
  {
    rule: "a relative destination is below WORKDIR",
    steps: "WORKDIR /w\nWORKDIR v\nCOPY b.txt n/m",
    below: "/w/v",
    files: ["d755 0:0 /w/v", "d755 0:0 /w/v/n", '-644 0:0 /w/v/n/m "B"'],
  },
  {
    rule: "a directory that exists takes the file in",
    steps: "WORKDIR /x\nWORKDIR /\nCOPY a.txt /x",
    files: ["d755 0:0 /x", '-640 0:0 /x/a.txt "A"'],
  },
  {
    rule: "a file replaces a file, with its attributes",
    steps: "COPY run.sh /x\nCOPY a.txt /x",
    files: ['-640 0:0 /x "A"'],
  },
  {
    rule: "of a directory the content is copied",
    steps: "COPY sub /x",
    files: [
      "d755 0:0 /x",
      '-644 0:0 /x/c.txt "C"',
      "d755 0:0 /x/deep",
      '-644 0:0 /x/deep/d.txt "D"',
      '-644 0:0 /x/deep/e.md "E"',
    ],
  },
  {
    rule: "the directory that is made for a directory's content is 0755, whatever the source is",
    steps: "COPY --exclude=[grt]* tree /x",
    files: ["d755 0:0 /x", '-644 0:0 /x/in.txt "I"'],
  },
  {
    rule: "a directory that is there keeps its mode and what it holds",
    steps: "COPY --chmod=0711 a.txt /x/\nCOPY tree /x",
    files: [
      "d755 0:0 /x",
      '-711 0:0 /x/a.txt "A"',
      "l777 0:0 /x/gone -> nowhere",
      '-644 0:0 /x/in.txt "I"',
      "l777 0:0 /x/rel -> in.txt",
      "-644 0:0 /x/twice = /x/in.txt",
    ],
  },
  {
    rule: "a directory below the destination takes the source's mode",
    steps:
      "COPY a.txt /x/tree/\nCOPY --exclude=in.txt --exclude=twice --exclude=rel --exclude=gone tree /x/tree\nCOPY --parents tree/in.txt /x/",
    files: ["d755 0:0 /x", "d755 0:0 /x/tree", '-640 0:0 /x/tree/a.txt "A"', '-644 0:0 /x/tree/in.txt "I"'],
  },
  {
    rule: "several sources need a directory",
    steps: "COPY a.txt b.txt /x",
    error:
      /^Dockerfile:2:1: When using COPY with more than one source file, the destination must be a directory and end with a \/$/,
  },
  {
    rule: "a pattern that matches several needs one too",
    steps: "COPY *.txt /x",
    error: /destination must be a directory and end with a \/$/,
  },
  { rule: "a pattern that matches one does not", steps: "COPY b*.txt /x", files: ['-644 0:0 /x "B"'] },
  {
    rule: "`*` stays within a component, and matches are not descended",
    steps: "COPY */*.txt /x/",
    files: ["d755 0:0 /x", '-644 0:0 /x/c.txt "C"', '-644 0:0 /x/f.txt "F"', '-644 0:0 /x/in.txt "I"'],
  },
  {
    rule: "`?` is one character",
    steps: "COPY ?.txt /x/",
    files: ["d755 0:0 /x", '-640 0:0 /x/a.txt "A"', '-644 0:0 /x/b.txt "B"'],
  },
  { rule: "classes", steps: "COPY [b-z].txt /x/", files: ["d755 0:0 /x", '-644 0:0 /x/b.txt "B"'] },
  {
    rule: "`[[]` and `\\[` are a bracket",
    steps: "COPY [[]x].txt /1\nCOPY \\\\[x].txt /2",
    files: ['-644 0:0 /1 "X"', '-644 0:0 /2 "X"'],
  },
  {
    rule: "a pattern that matches nothing is no error",
    steps: "COPY a.txt nomatch* /x/",
    files: ["d755 0:0 /x", '-640 0:0 /x/a.txt "A"'],
  },
  {
    rule: "a name that is not there is one",
    steps: "COPY nothing /x",
    error: /^Dockerfile:2:1: nothing is not in the build context$/,
  },
  {
    rule: "JSON form for names with blanks",
    steps: 'COPY ["sp ace.txt", "/a b/"]',
    files: ["d755 0:0 /a b", '-644 0:0 /a b/sp ace.txt "S"'],
  },
  { rule: "`..` stays within the context", steps: "COPY ../../a.txt /x", files: ['-640 0:0 /x "A"'] },
  { rule: "a leading slash is the context's root", steps: "COPY /sub/c.txt /x", files: ['-644 0:0 /x "C"'] },
  {
    rule: "a link that is named is followed",
    steps: "COPY lnk /x\nCOPY lnk /d/\nCOPY dlnk/c.txt /y",
    files: ["d755 0:0 /d", '-640 0:0 /d/lnk "A"', '-640 0:0 /x "A"', '-644 0:0 /y "C"'],
  },
  {
    rule: "a link to a directory gives its content",
    steps: "COPY dlnk /x",
    below: "/x",
    files: [
      "d755 0:0 /x",
      '-644 0:0 /x/c.txt "C"',
      "d755 0:0 /x/deep",
      '-644 0:0 /x/deep/d.txt "D"',
      '-644 0:0 /x/deep/e.md "E"',
    ],
  },
  {
    rule: "a destination's links are followed within the stage",
    steps:
      "WORKDIR /real\nRUN ln -s /real /abs && ln -s ../../../real /rel && ln -s /real/f /file\nCOPY a.txt /abs/\nCOPY b.txt /rel/sub/\nCOPY run.sh /file",
    below: "/real",
    files: [
      "d755 0:0 /real",
      '-640 0:0 /real/a.txt "A"',
      '-755 0:0 /real/f "#!"',
      "d755 0:0 /real/sub",
      '-644 0:0 /real/sub/b.txt "B"',
    ],
  },
  {
    rule: "a file in the way of the destination",
    steps: "COPY a.txt /x\nCOPY b.txt /x/",
    error: /^Dockerfile:3:1: .*\/x/,
  },
  {
    rule: "a file in the way of a directory",
    steps: "COPY a.txt /x\nCOPY sub /x",
    error: /^Dockerfile:3:1: .*\/x/,
  },
  {
    rule: "a directory in the way of a file",
    steps: "WORKDIR /x/a.txt\nWORKDIR /\nCOPY a.txt /x/",
    error: /^Dockerfile:4:1: cannot replace the directory .*\/x\/a\.txt$/,
  },
  {
    rule: "--chown with numbers; a user alone is the group too",
    steps: "COPY --chown=55 a.txt /x\nCOPY --chown=1:2 b.txt /d/\nCOPY --chown=:7 b.txt /g",
    files: ["d755 1:2 /d", '-644 1:2 /d/b.txt "B"', '-644 0:7 /g "B"', '-640 55:55 /x "A"'],
  },
  {
    rule: "--chown with names of the stage that is copied into",
    steps: `${ACCOUNTS}COPY --chown=alice:staff sub/deep /x\nCOPY --chown=alice a.txt /y\nCOPY --chown=0:staff a.txt /z`,
    below: "/x /y /z",
    files: [
      "d755 1000:50 /x",
      '-644 1000:50 /x/d.txt "D"',
      '-644 1000:50 /x/e.md "E"',
      '-640 1000:1001 /y "A"',
      '-640 0:50 /z "A"',
    ],
  },
  {
    rule: "--chown expands variables",
    steps: "ARG U=3\nENV G=4\nCOPY --chown=$U:${G} a.txt /x",
    files: ['-640 3:4 /x "A"'],
  },
  {
    rule: "--chown of a name that nobody has",
    steps: `${ACCOUNTS}COPY --chown=bob a.txt /x`,
    error: /^Dockerfile:9:1: unable to find user bob: no matching entries in \/etc\/passwd$/,
  },
  {
    rule: "--chown of a name without /etc/passwd",
    steps: "COPY --chown=bob a.txt /x",
    error: /unable to find user bob: there is no \/etc\/passwd$/,
  },
  {
    rule: "--chown of nothing sensible",
    steps: "COPY --chown=a:b:c a.txt /x",
    error: /invalid chown string format: a:b:c/,
  },
  {
    rule: "links and other names belong to the owner too",
    steps: "COPY --chown=8:9 tree /x",
    files: [
      "d755 8:9 /x",
      "l777 8:9 /x/gone -> nowhere",
      '-644 8:9 /x/in.txt "I"',
      "l777 8:9 /x/rel -> in.txt",
      "-644 8:9 /x/twice = /x/in.txt",
    ],
  },
  {
    rule: "--chmod in octal: files, directories, special bits",
    steps: "COPY --chmod=4711 a.txt /x\nCOPY --chmod=1777 --exclude=c.txt sub /d",
    files: [
      "d755 0:0 /d",
      "d1777 0:0 /d/deep",
      '-1777 0:0 /d/deep/d.txt "D"',
      '-1777 0:0 /d/deep/e.md "E"',
      '-4711 0:0 /x "A"',
    ],
  },
  {
    rule: "--chmod in symbols: X for directories and what can be run",
    steps: "COPY --chmod=u=rwX,go=rX a.txt run.sh /x/\nCOPY --chmod=go-rwx --exclude=*.txt sub /d",
    files: [
      "d755 0:0 /d",
      "d700 0:0 /d/deep",
      '-600 0:0 /d/deep/d.txt "D"',
      '-600 0:0 /d/deep/e.md "E"',
      "d755 0:0 /x",
      '-644 0:0 /x/a.txt "A"',
      '-755 0:0 /x/run.sh "#!"',
    ],
  },
  {
    rule: "--chmod leaves directories above alone",
    steps: "COPY --chmod=0600 a.txt /x/",
    files: ["d755 0:0 /x", '-600 0:0 /x/a.txt "A"'],
  },
  { rule: "--chmod that means nothing", steps: "COPY --chmod=64a a.txt /x", error: /^Dockerfile:2:1: .*64a/ },
  { rule: "--chmod above 07777", steps: "COPY --chmod=10000 a.txt /x", error: /^Dockerfile:2:1: .*10000/ },
  {
    rule: "--link takes no notice of what is below",
    steps: "WORKDIR /real\nRUN ln -s /real /x\nCOPY --link a.txt /x/",
    below: "/x /real",
    files: ["d755 0:0 /real", "d755 0:0 /x", '-640 0:0 /x/a.txt "A"'],
  },
  {
    rule: "--link finds names in the stage",
    steps: `${ACCOUNTS}COPY --link --chown=alice a.txt /x`,
    below: "/x",
    files: ['-640 1000:1001 /x "A"'],
  },
  {
    rule: "--parents keeps the path",
    steps: "COPY --parents sub/deep/d.txt a.txt /x/",
    files: [
      "d755 0:0 /x",
      '-640 0:0 /x/a.txt "A"',
      "d755 0:0 /x/sub",
      "d755 0:0 /x/sub/deep",
      '-644 0:0 /x/sub/deep/d.txt "D"',
    ],
  },
  {
    rule: "--parents of a directory copies it, not its content",
    steps: "COPY --parents sub/deep /x/",
    files: [
      "d755 0:0 /x",
      "d755 0:0 /x/sub",
      "d755 0:0 /x/sub/deep",
      '-644 0:0 /x/sub/deep/d.txt "D"',
      '-644 0:0 /x/sub/deep/e.md "E"',
    ],
  },
  {
    rule: "--parents takes the modes of directories on the way",
    steps: "COPY --parents tree/in.txt /x/",
    files: ["d755 0:0 /x", "d700 0:0 /x/tree", '-644 0:0 /x/tree/in.txt "I"'],
  },
  {
    rule: "--parents keeps only what follows /./",
    steps: "COPY --parents sub/./deep/d.txt /x/",
    files: ["d755 0:0 /x", "d755 0:0 /x/deep", '-644 0:0 /x/deep/d.txt "D"'],
  },
  {
    rule: "--parents with **",
    steps: "COPY --parents **/*.txt /x/",
    below: "/x/sub /x/other",
    files: [
      "d755 0:0 /x/other",
      '-644 0:0 /x/other/f.txt "F"',
      "d755 0:0 /x/sub",
      '-644 0:0 /x/sub/c.txt "C"',
      "d755 0:0 /x/sub/deep",
      '-644 0:0 /x/sub/deep/d.txt "D"',
    ],
  },
  {
    rule: "--parents with ** after /./",
    steps: "COPY --parents ./sub/./**/*.md /x/",
    files: ["d755 0:0 /x", "d755 0:0 /x/deep", '-644 0:0 /x/deep/e.md "E"'],
  },
  {
    rule: "--exclude leaves out, and ! takes back",
    steps: "COPY --exclude=**/*.txt --exclude=!deep/d.txt sub /x",
    files: ["d755 0:0 /x", "d755 0:0 /x/deep", '-644 0:0 /x/deep/d.txt "D"', '-644 0:0 /x/deep/e.md "E"'],
  },
  {
    rule: "--exclude of a directory of which something is taken back",
    steps: "COPY --exclude=deep --exclude=!deep/e.md sub /x",
    files: ["d755 0:0 /x", '-644 0:0 /x/c.txt "C"', "d755 0:0 /x/deep", '-644 0:0 /x/deep/e.md "E"'],
  },
  {
    rule: "--exclude of what a pattern matched",
    steps: "COPY --exclude=b.* ?.txt /x/",
    files: ["d755 0:0 /x", '-640 0:0 /x/a.txt "A"'],
  },
  {
    rule: "heredocs are files 0644, in the order written",
    steps: "COPY <<one <<'two' a.txt /x/\nfirst $HOME\none\nliteral $HOME\ntwo",
    files: [
      "d755 0:0 /x",
      '-640 0:0 /x/a.txt "A"',
      '-644 0:0 /x/one "first \\n"',
      '-644 0:0 /x/two "literal $HOME\\n"',
    ],
  },
  {
    rule: "a heredoc alone becomes the destination; flags count",
    steps: "COPY --chown=5:6 --chmod=0700 <<-EOT /bin/run\n\ttabs go\nEOT",
    below: "/bin",
    files: ["d755 5:6 /bin", '-700 5:6 /bin/run "tabs go\\n"'],
  },
  {
    rule: "from another stage, owners and modes as they are there",
    steps:
      "COPY --chown=5:6 --chmod=2750 run.sh /s/\nFROM scratch\nCOPY --from=0 /s /t\nCOPY --from=0 s/run.sh /",
    files: ['-2750 5:6 /run.sh "#!"', "d755 0:0 /t", '-2750 5:6 /t/run.sh "#!"'],
  },
  {
    rule: "from another stage whose links lead out of it",
    steps:
      "WORKDIR /s\nRUN echo in > /t && ln -s ../../../t l && ln -s /t m\nFROM scratch\nCOPY --from=0 /s/l /s/m /x/",
    files: ["d755 0:0 /x", '-644 0:0 /x/l "in\\n"', '-644 0:0 /x/m "in\\n"'],
  },
  {
    rule: "links to nothing",
    steps: "COPY tree/gone /x",
    error: /^Dockerfile:2:1: tree\/gone is a link to nothing in the build context$/,
  },
  {
    rule: "everything of a stage",
    steps: "COPY a.txt /x\nWORKDIR /y\nFROM scratch\nCOPY --from=0 / /",
    files: ['-640 0:0 /x "A"', "d755 0:0 /y"],
  },
  {
    rule: "everything of the context into the root",
    steps: "COPY sub .",
    files: ['-644 0:0 /c.txt "C"', "d755 0:0 /deep", '-644 0:0 /deep/d.txt "D"', '-644 0:0 /deep/e.md "E"'],
  },
];

const within = (lines: readonly string[], below: string | undefined) =>
  below === undefined
    ? lines
    : lines.filter((line) =>
        below.split(" ").some((top) => {
          const path = line.split(" ")[2]!;
          return path === top || path.startsWith(`${top}/`);
        }),
      );

describe("COPY", () => {
  test.each(ROWS)("$rule", async ({ steps, files, below, error }) => {
    const store = await memoryStore();
    const building = buildIn(store, contextOf(CONTEXT), `FROM scratch\n${steps}\n`);
    if (error !== undefined) {
      expect((await failure(building)).message).toMatch(error);
      return;
    }
    expect(within(await listed((await building).image), below)).toEqual(files);
  });

  test("keeps times to the second, xattrs and other names of a file between stages", async () => {
    const store = await memoryStore({ SOURCE_DATE_EPOCH: "1800000000" });
    const { image } = await buildIn(
      store,
      contextOf(CONTEXT),
      "FROM scratch\nCOPY tree /t\nRUN ln /t/in.txt /t/third\nFROM scratch\nCOPY --from=0 /t /u\n",
    );
    const mount = await image.mount();
    expect(mount.stat("/u/in.txt").nlink).toBe(3);
    expect(mount.lstat("/u/in.txt").mtime).toBe(1_700_000_000n * 1_000_000_000n);
    expect(mount.lstat("/u/rel").mtime).toBe(1_700_000_000n * 1_000_000_000n);
    mount.unmount();
  });

  test("does not see what is ignored", async () => {
    const store = await memoryStore();
    const directory = contextOf(CONTEXT);
    const { image } = await buildIn(store, directory, "FROM scratch\nCOPY . /\n", {
      ignore: "*\n!sub/deep\nsub/deep/*.md\n",
    });
    expect(await listed(image)).toEqual([
      "d755 0:0 /sub",
      "d755 0:0 /sub/deep",
      '-644 0:0 /sub/deep/d.txt "D"',
    ]);
    const error = await failure(
      buildIn(store, directory, "FROM scratch\nCOPY a.txt /\n", { ignore: "a.txt" }),
    );
    expect(error.message).toBe("Dockerfile:2:1: a.txt is not in the build context");
  });
});
