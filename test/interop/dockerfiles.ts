/**
 * Dockerfiles, each aimed at one trap, that two builders are to make the same image of.
 *
 * `@` stands for a base with a shell and accounts (busybox). Where the builders differ the row says how: what
 * ours shows where buildah shows something else, and why ours is as it is.
 */
export interface Deviation {
  readonly why: string;
  /** By path, what each shows in place of the same; undefined where nothing is. */
  readonly files?: Readonly<Record<string, readonly [ours: string | undefined, buildah: string | undefined]>>;
  /** By field of the configuration. */
  readonly config?: Readonly<Record<string, readonly [ours: unknown, buildah: unknown]>>;
  /** One of them refuses: the message of it. */
  readonly refused?: { readonly by: "ours" | "buildah"; readonly message: RegExp };
}

export interface Dockerfile {
  readonly trap: string;
  readonly text: string;
  readonly ignore?: string;
  readonly buildArgs?: Readonly<Record<string, string>>;
  readonly target?: string;
  readonly deviates?: Deviation;
}

export const DOCKERFILES: readonly Dockerfile[] = [
  { trap: "a file to a name", text: "FROM scratch\nCOPY a.txt /x" },
  { trap: "a file into a directory to be made", text: "FROM scratch\nCOPY a.txt /x/y/" },
  { trap: "a file into a directory that is there", text: "FROM scratch\nCOPY sub /x\nCOPY a.txt /x" },
  { trap: "the content of a directory", text: "FROM scratch\nCOPY sub /x" },
  { trap: "a directory 0700 to a new name", text: "FROM scratch\nCOPY private /x" },
  { trap: "a directory 0700 within a directory", text: "FROM scratch\nCOPY box /x" },
  {
    trap: "a directory onto one with another mode",
    text: "FROM scratch\nCOPY --chmod=0711 sub /x\nCOPY box /x/deep",
  },
  {
    trap: "everything",
    text: "FROM scratch\nCOPY . /all/",
    deviates: {
      why: "buildah's COPY drops suid and sgid; BuildKit keeps the mode",
      files: {
        "/all/special/sgid": ["42755 0:0 ", "40755 0:0 "],
        "/all/special/suid": [
          "104755 0:0 kept 2 3612ddaf46e149a4f583faf0face846585148f59e0ce2645594df83b5dc807e8",
          "100755 0:0 kept 2 3612ddaf46e149a4f583faf0face846585148f59e0ce2645594df83b5dc807e8",
        ],
      },
    },
  },
  { trap: "into the root", text: "FROM scratch\nCOPY sub /" },
  { trap: "several sources", text: "FROM scratch\nCOPY a.txt sub box /x/" },
  { trap: "a pattern", text: "FROM scratch\nCOPY *.txt /x/" },
  { trap: "a pattern of directories", text: "FROM scratch\nCOPY s*b /x/" },
  { trap: "a pattern in two components", text: "FROM scratch\nCOPY s*/*.txt /x/" },
  { trap: "classes and single characters", text: "FROM scratch\nCOPY [ab].t?t /x/" },
  { trap: "a class that is negated", text: "FROM scratch\nCOPY [^a].txt /x/" },
  {
    trap: "a name with brackets",
    text: "FROM scratch\nCOPY odd/[[]x].txt /x",
    deviates: {
      why: "buildah takes a name that a pattern matched for a pattern",
      refused: { by: "buildah", message: /globs .* matched nothing/ },
    },
  },
  {
    trap: "names with blanks and beyond ASCII",
    text: 'FROM scratch\nCOPY ["sp ace.txt", "ünï.txt", "/d d/"]',
  },
  { trap: "`..` above the context", text: "FROM scratch\nCOPY ../../a.txt /x" },
  { trap: "a link as the source", text: "FROM scratch\nCOPY links/file /x" },
  { trap: "a link to a directory as the source", text: "FROM scratch\nCOPY links/dir /x" },
  { trap: "links within what is copied", text: "FROM scratch\nCOPY links /x" },
  { trap: "names of one file", text: "FROM scratch\nCOPY hard /x" },
  {
    trap: "suid, sgid and sticky",
    text: "FROM scratch\nCOPY special /x/",
    deviates: {
      why: "buildah's COPY drops suid and sgid; BuildKit keeps the mode",
      files: {
        "/x/sgid": ["42755 0:0 ", "40755 0:0 "],
        "/x/suid": [
          "104755 0:0 kept 2 3612ddaf46e149a4f583faf0face846585148f59e0ce2645594df83b5dc807e8",
          "100755 0:0 kept 2 3612ddaf46e149a4f583faf0face846585148f59e0ce2645594df83b5dc807e8",
        ],
      },
    },
  },
  { trap: "an empty directory and an empty file", text: "FROM scratch\nCOPY empty /x\nCOPY void /y" },
  { trap: "a file over a file", text: "FROM scratch\nCOPY a.txt /x\nCOPY sub/c.txt /x" },
  {
    trap: "a file over a link",
    text: "FROM scratch\nCOPY links /l\nCOPY sub/c.txt /l/file",
    deviates: {
      why: "buildah makes a directory where a link in the destination leads nowhere; BuildKit a file",
      files: {
        "/sub/c.txt": [
          "100644 0:0 kept 2 12f37a8a84034d3e623d726fe10e5031f4df997ac13f4d5571b5a90c41fb84fe",
          "40755 0:0 ",
        ],
        "/sub/c.txt/c.txt": [
          undefined,
          "100644 0:0 kept 2 12f37a8a84034d3e623d726fe10e5031f4df997ac13f4d5571b5a90c41fb84fe",
        ],
      },
    },
  },
  {
    trap: "through a link in the destination",
    text: "FROM @\nRUN mkdir /real && ln -s /real /abs && ln -s ../real /etc/rel\nCOPY a.txt /abs/\nCOPY sub/c.txt /etc/rel/",
  },
  { trap: "into a link that leads nowhere yet", text: "FROM @\nRUN ln -s /later /soon\nCOPY sub /soon" },
  {
    trap: "a relative destination",
    text: "FROM scratch\nWORKDIR /w\nCOPY a.txt .\nCOPY a.txt ./v/u\nWORKDIR v\nCOPY a.txt ../t/",
  },
  { trap: "--chown by numbers", text: "FROM scratch\nCOPY --chown=55 a.txt /x\nCOPY --chown=1:2 sub /y/z" },
  {
    trap: "--chown by names",
    text: "FROM @\nRUN adduser -D -u 1000 alice && addgroup -g 50 crew\nCOPY --chown=alice sub /x\nCOPY --chown=alice:crew a.txt /y\nCOPY --chown=0:crew a.txt /z",
  },
  { trap: "--chmod in octal", text: "FROM scratch\nCOPY --chmod=0751 a.txt /x\nCOPY --chmod=0700 sub /y" },
  {
    trap: "the base's directories stay as they are",
    text: "FROM @\nRUN mkdir -m 0700 /p && chown 3:4 /p\nCOPY a.txt /p/q/",
  },
  {
    trap: "from another stage",
    text: "FROM scratch AS one\nCOPY --chown=5:6 sub /s\nFROM scratch\nCOPY --from=one /s /t\nCOPY --from=0 s/c.txt /",
  },
  {
    trap: "from another stage, with links between its files",
    text: "FROM @ AS one\nRUN mkdir /s && echo 1 > /s/a && ln /s/a /s/b && ln -s a /s/l && mkfifo /s/p\nFROM scratch\nCOPY --from=one /s /t",
  },
  {
    trap: "from another stage through its links",
    text: "FROM @ AS one\nRUN mkdir /s && echo 1 > /s/a && ln -s /s /l && ln -s ../../s/a /s/up\nFROM scratch\nCOPY --from=one /l/a /1\nCOPY --from=one /s/up /2",
  },
  { trap: "from an image", text: "FROM scratch\nCOPY --from=@ /bin/busybox /etc/passwd /x/" },
  {
    trap: "a stage from a stage",
    text: "FROM scratch AS one\nCOPY a.txt /a\nENV A=1\nWORKDIR /w\nFROM one\nCOPY a.txt b\nENV B=$A",
  },
  {
    trap: "only the stage that is asked for",
    text: "FROM scratch AS one\nCOPY a.txt /1\nFROM scratch AS two\nCOPY nothing /2\nFROM scratch\nCOPY --from=two /2 /3",
    target: "one",
  },
  { trap: "ADD of an archive", text: "FROM scratch\nADD t.tar /x" },
  {
    trap: "ADD of a packed archive to what looks like a file",
    text: "FROM scratch\nADD packed.bin /file.tgz",
  },
  {
    trap: "ADD of an archive with --chown",
    text: "FROM scratch\nADD --chown=8:9 t.tar /x",
    deviates: {
      why: "BuildKit's --chown is for what is in an archive too, buildah's for the directory only",
      files: {
        "/x/d": ["40750 8:9 ", "40750 5:6 "],
        "/x/d/f.txt": [
          "100640 8:9 kept 1 f67ab10ad4e4c53121b6a5fe4da9c10ddee905b978d3788d2723d7bfacbe28a9 first /x/d/f.txt",
          "100640 5:6 kept 1 f67ab10ad4e4c53121b6a5fe4da9c10ddee905b978d3788d2723d7bfacbe28a9 first /x/d/f.txt",
        ],
        "/x/d/g": [
          "100640 8:9 kept 1 f67ab10ad4e4c53121b6a5fe4da9c10ddee905b978d3788d2723d7bfacbe28a9 first /x/d/f.txt",
          "100640 5:6 kept 1 f67ab10ad4e4c53121b6a5fe4da9c10ddee905b978d3788d2723d7bfacbe28a9 first /x/d/f.txt",
        ],
        "/x/l": ["120777 8:9 kept d/f.txt", "120777 5:6 kept d/f.txt"],
      },
    },
  },
  {
    trap: "ADD of an archive over what is there",
    text: "FROM @\nRUN mkdir -p /x/l /x/d && touch /x/d/f.txt /x/l/gone && chmod 0711 /x/d\nADD t.tar /x/",
  },
  { trap: "ADD of a file is a copy", text: "FROM scratch\nADD a.txt sub /x/" },
  { trap: "WORKDIR that is missing", text: "FROM scratch\nWORKDIR /a/b\nWORKDIR c/" },
  {
    trap: "WORKDIR with USER",
    text: "FROM @\nRUN adduser -D -u 1000 alice\nUSER alice\nWORKDIR /home/alice/w",
  },
  {
    trap: "VOLUME and what is written later",
    text: "FROM @\nRUN mkdir /v && echo 1 > /v/a\nVOLUME /v\nRUN echo 2 > /v/b",
    deviates: {
      why: "buildah discards what is written to a volume, as classic builds do; BuildKit keeps it",
      files: {
        "/v/b": [
          "100644 0:0 new 2 53c234e5e8472b6ac51c1ae1cab3fe06fad053beb8ebfd8977b010655bfdd3c3",
          undefined,
        ],
      },
    },
  },
  { trap: "RUN that removes what the base has", text: "FROM @\nRUN rm -r /bin/sh /etc && mkdir /etc" },
  {
    trap: "RUN that replaces a directory by a file",
    text: "FROM @\nRUN mkdir /d && echo > /d/f\nRUN rm -r /d && echo 1 > /d",
  },
  {
    trap: "RUN as USER",
    text: "FROM @\nRUN mkdir -m 0777 /d\nUSER 7:8\nRUN echo > /d/f && mkdir /d/e && ln -s f /d/l",
  },
  {
    trap: "RUN keeps modes, owners and other names",
    text: "FROM @\nRUN mkdir /d && echo 1 > /d/f && chmod 4750 /d/f && chown 3:4 /d/f && ln /d/f /d/g && chmod 1777 /d",
  },
  {
    trap: "ENV sees what was before its line",
    text: "FROM scratch\nENV abc=hello\nENV abc=bye def=$abc\nENV ghi=$abc",
  },
  { trap: "ENV in its old form", text: 'FROM scratch\nENV one two  three\nENV a "quoted"' },
  {
    trap: "quotes, escapes and operators",
    text: `FROM scratch\nARG u\nENV A="a b" B=c\\ d C='$A' D=\${u:-x} E=\${u:+y} F="\${A}z" G=\\$A`,
  },
  {
    trap: "ARG, defaults and what is given",
    text: "ARG base=scratch\nFROM $base\nARG one=1\nARG two\nARG base\nENV A=$one B=$two C=$base",
    buildArgs: { one: "given", two: "2" },
  },
  { trap: "ENV wins over ARG", text: "FROM scratch\nARG A=arg\nENV A=env\nARG A=later\nLABEL a=$A" },
  { trap: "LABEL", text: 'FROM scratch\nLABEL a=1 "b c"="d e" f=g\\ h\nLABEL a=2\nLABEL old style here' },
  {
    trap: "EXPOSE",
    text: "FROM scratch\nEXPOSE 80 53/udp 8000-8002",
    deviates: {
      why: "buildah keeps a range as it is written; Docker knows single ports",
      config: {
        ExposedPorts: [
          { "53/udp": {}, "80/tcp": {}, "8000/tcp": {}, "8001/tcp": {}, "8002/tcp": {} },
          { "53/udp": {}, "80/tcp": {}, "8000-8002/tcp": {} },
        ],
      },
    },
  },
  {
    trap: "VOLUME as words and as JSON",
    text: 'FROM scratch\nVOLUME /a /b\nVOLUME ["/c d"]',
    deviates: {
      why: "buildah makes the directory of the last volume",
      files: { "/c d": [undefined, "40755 0:0 "] },
    },
  },
  { trap: "CMD and ENTRYPOINT, shell and exec", text: 'FROM scratch\nENTRYPOINT exec me\nCMD ["a", "b c"]' },
  {
    trap: "ENTRYPOINT of a child resets CMD",
    text: 'FROM scratch AS one\nCMD ["old"]\nFROM one\nENTRYPOINT ["new"]',
  },
  { trap: "ENTRYPOINT leaves CMD of its own stage", text: 'FROM scratch\nCMD ["old"]\nENTRYPOINT ["new"]' },
  { trap: "CMD that is emptied", text: "FROM @\nCMD []" },
  {
    trap: "SHELL wraps what follows",
    text: 'FROM scratch\nSHELL ["/bin/bash", "-ec"]\nCMD echo $x',
    deviates: {
      why: "buildah has no SHELL in images of OCI's format",
      config: {
        Cmd: [
          ["/bin/bash", "-ec", "echo $x"],
          ["/bin/sh", "-c", "echo $x"],
        ],
      },
    },
  },
  { trap: "USER and STOPSIGNAL", text: "FROM scratch\nUSER a:b\nSTOPSIGNAL SIGQUIT" },
  {
    trap: "ignored files",
    text: "FROM scratch\nCOPY . /x/",
    ignore: "*\n!sub\nsub/deep\n!box/in/f.txt\n",
    deviates: {
      why: "buildah makes the directories above what is taken back anew; BuildKit sends them as they are",
      files: { "/x/box/in": ["40710 0:0 ", "40755 0:0 "] },
    },
  },
  {
    trap: "ignored with ** and taken back",
    text: "FROM scratch\nCOPY . /x/",
    ignore: "**/*.txt\n!**/c.txt\nspecial\nlinks\nhard\n",
  },
  {
    trap: "ignored by a comment, blanks and slashes",
    text: "FROM scratch\nCOPY . /x/",
    ignore: "# a\n  /sub/  \n\nlinks/\n./hard\nspecial\n*.tar\n*.bin\n",
    deviates: {
      why: "buildah does not trim blanks before slashes; Docker does",
      files: {
        "/x/sub": [undefined, "40755 0:0 "],
        "/x/sub/c.txt": [
          undefined,
          "100644 0:0 kept 2 12f37a8a84034d3e623d726fe10e5031f4df997ac13f4d5571b5a90c41fb84fe",
        ],
        "/x/sub/deep": [undefined, "40755 0:0 "],
        "/x/sub/deep/d.txt": [
          undefined,
          "100644 0:0 kept 2 7c447aa2524264a3e24df73a6fddd8db360840f895bcb5e54d643c18de26a8ae",
        ],
      },
    },
  },
  { trap: "an ignored file by its name", text: "FROM scratch\nCOPY a.txt /x", ignore: "a.txt" },
  { trap: "a missing source", text: "FROM scratch\nCOPY nothing /x" },
  { trap: "a pattern of nothing", text: "FROM scratch\nCOPY nothing* a.txt /x/" },
  {
    trap: "continuations and comments",
    text: "FROM scratch\nCOPY a.txt \\\n# no\n\\\n  /x \n  # end\nENV A=1 \\\n  B=2",
  },
  {
    trap: "lower case",
    text: "from scratch as ONE\ncopy a.txt /x\nfrom one\nenv A=1",
    deviates: {
      why: "buildah tells names of stages apart by case; BuildKit does not",
      refused: { by: "buildah", message: /image not known/ },
    },
  },
];
