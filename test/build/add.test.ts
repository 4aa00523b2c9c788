/**
 * ADD as builds run it (5.3): archives, and files from elsewhere.
 */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { needs } from "../requirements.ts";
import { buildIn, contextOf, failure, listed, memoryStore } from "./harness.ts";

const run = (cwd: string, command: string, ...args: string[]) =>
  execFileSync(command, args, { cwd, stdio: ["ignore", "pipe", "pipe"] });

/** A context with `t.tar`: two files of 5:6, one of them with another name, a link, a directory 0750. */
function archives(): string {
  const directory = contextOf({ "in/d/f.txt|0640": "F", "in/l": "-> d/f.txt", "in/d/g": "= in/d/f.txt" });
  run(directory, "chmod", "0750", "in/d");
  run(directory, "tar", "--owner=5", "--group=6", "--sort=name", "-C", "in", "-cf", "t.tar", "d", "l");
  return directory;
}

const UNPACKED = (at: string, owner = "5:6", above = "0:0") => [
  `d755 ${above} ${at}`,
  `d750 ${owner} ${at}/d`,
  `-640 ${owner} ${at}/d/f.txt "F"`,
  `-640 ${owner} ${at}/d/g = ${at}/d/f.txt`,
  `l777 ${owner} ${at}/l -> d/f.txt`,
];

describe("ADD of an archive", () => {
  const packers = [
    ["identity", "cat"],
    ["gzip", "gzip"],
    ["bzip2", "bzip2"],
    ["xz", "xz"],
    ["zstd", "zstd"],
  ] as const;

  test.each(packers)("unpacks %s, told by content: owners are those of the archive", async (_, packer) => {
    if (needs.tool(packer, packer === "xz" ? "xz-utils" : packer)) return;
    const directory = archives();
    const packed = execFileSync(packer, packer === "cat" ? [] : ["-c"], {
      input: readFileSync(join(directory, "t.tar")),
    });
    writeFileSync(join(directory, "plain.txt"), packed);
    const { image } = await buildIn(
      await memoryStore(),
      directory,
      "FROM scratch\nADD plain.txt /file.tgz\n",
    );
    expect(await listed(image)).toEqual(UNPACKED("/file.tgz"));
  });

  test("but COPY and --unpack=false do not", async () => {
    const directory = archives();
    const { image } = await buildIn(
      await memoryStore(),
      directory,
      "FROM scratch\nCOPY t.tar /c\nADD --unpack=false t.tar /d/\n",
    );
    expect((await listed(image)).map((line) => line.slice(0, 18))).toEqual([
      '-644 0:0 /c "d/\\u0',
      "d755 0:0 /d",
      "-644 0:0 /d/t.tar ",
    ]);
  });

  test("--chown is for what is in it, --chmod is not", async () => {
    const { image } = await buildIn(
      await memoryStore(),
      archives(),
      "FROM scratch\nADD --chown=8:9 --chmod=0777 t.tar /x\n",
    );
    expect(await listed(image)).toEqual(UNPACKED("/x", "8:9", "8:9"));
  });

  test("several archives, of a pattern, and a file beside them", async () => {
    const directory = archives();
    mkdirSync(join(directory, "more"));
    writeFileSync(join(directory, "more/x"), "X");
    run(directory, "tar", "--owner=0", "--group=0", "-C", "more", "-cf", "u.tar", "x");
    const { image } = await buildIn(
      await memoryStore(),
      directory,
      "FROM scratch\nADD *.tar /x\nADD u.tar more/x /y/\n",
    );
    expect(await listed(image)).toEqual([
      ...UNPACKED("/x"),
      '-644 0:0 /x/x "X"',
      "d755 0:0 /y",
      '-644 0:0 /y/x "X"',
    ]);
  });

  test("replaces what is in the way, and leaves directories alone that it has no entry for", async () => {
    const directory = contextOf({
      "in/a/f": "F",
      "in/b/f": "G",
      "in/c": "C",
      "low/b": "-> /a",
      "low/c/x": "X",
    });
    run(directory, "chmod", "0700", "low");
    run(directory, "tar", "--owner=0", "--group=0", "-C", "in", "-cf", "t.tar", "a/f", "b/f", "c");
    const { image } = await buildIn(
      await memoryStore(),
      directory,
      "FROM scratch\nCOPY low /\nRUN mkdir -m 0711 /a && chown 3:4 /a\nADD t.tar /\n",
    );
    expect(await listed(image)).toEqual([
      "d711 3:4 /a",
      '-644 0:0 /a/f "G"',
      "l777 0:0 /b -> /a",
      '-644 0:0 /c "C"',
    ]);
  });

  test("what only begins like one is a file", async () => {
    const directory = contextOf({
      gz: Buffer.from([0x1f, 0x8b, 8, 0, 1, 2, 3]),
      bz: "BZh91AY not really",
      empty: "",
      short: "d/",
    });
    const { image } = await buildIn(
      await memoryStore(),
      directory,
      "FROM scratch\nADD . /x/\nADD gz bz empty short /y/\n",
    );
    const paths = (await listed(image)).map((line) => line.split(" ")[2]);
    expect(paths).toEqual([
      ...["/x", "/x/bz", "/x/empty", "/x/gz", "/x/short"],
      ...["/y", "/y/bz", "/y/empty", "/y/gz", "/y/short"],
    ]);
  });

  test("one that is damaged is an error that names it", async () => {
    const directory = archives();
    const bytes = readFileSync(join(directory, "t.tar"));
    writeFileSync(join(directory, "t.tar"), bytes.subarray(0, 900));
    const error = await failure(buildIn(await memoryStore(), directory, "FROM scratch\nADD t.tar /\n"));
    expect(error.message).toMatch(/^Dockerfile:2:1: t\.tar /);
  });
});

describe("ADD from a server", () => {
  let server: Server;
  let base: string;
  const asked: string[] = [];
  const modified = "Tue, 14 Nov 2023 22:13:20 GMT";
  const answer: RequestListener = (request, response) => {
    asked.push(request.url!);
    if (request.url === "/gone") {
      response.writeHead(404).end();
      return;
    }
    if (request.url === "/moved") {
      response.writeHead(302, { location: "/dir/f.txt" }).end();
      return;
    }
    if (request.url === "/undated") {
      response.end("U");
      return;
    }
    response.setHeader("last-modified", modified);
    if (request.url === "/t.tar") response.end(readFileSync(join(archives(), "t.tar")));
    else response.end("remote");
  };

  beforeAll(async () => {
    server = createServer(answer);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => new Promise((resolve) => server.close(resolve)));

  const hex = createHash("sha256").update("remote").digest("hex");
  const add = async (steps: string) =>
    (await buildIn(await memoryStore(), contextOf({}), `FROM scratch\n${steps.replaceAll("@", base)}\n`))
      .image;

  test.each([
    [
      "0600, by its name in a directory",
      "ADD @/dir/f.txt?q=1 /x/",
      ["d755 0:0 /x", '-600 0:0 /x/f.txt "remote"'],
    ],
    ["under the destination's name", "ADD @/dir/f.txt /x/y", ["d755 0:0 /x", '-600 0:0 /x/y "remote"']],
    [
      "into a directory that is there",
      "WORKDIR /x\nADD @/dir/f.txt /x",
      ["d755 0:0 /x", '-600 0:0 /x/f.txt "remote"'],
    ],
    ["with flags", "ADD --chmod=0755 --chown=3:4 @/f.txt /x", ['-755 3:4 /x "remote"']],
    ["after a redirection", "ADD @/moved /x", ['-600 0:0 /x "remote"']],
    ["with a checksum that holds", `ADD --checksum=sha256:${hex} @/f.txt /x`, ['-600 0:0 /x "remote"']],
    ["an archive unpacked where it is asked for", "ADD --unpack @/t.tar /x", UNPACKED("/x")],
  ])("%s", async (_, steps, files) => {
    expect(await listed(await add(steps))).toEqual(files);
  });

  test("an archive as a file", async () => {
    const lines = await listed(await add("ADD @/t.tar /x.tar"));
    expect(lines.map((line) => line.slice(0, 17))).toEqual(['-600 0:0 /x.tar "']);
  });

  test("with the server's time, and the epoch where it tells none", async () => {
    const mount = await (await add("ADD @/f.txt @/undated /x/")).mount();
    expect(mount.stat("/x/f.txt").mtime).toBe(BigInt(Date.parse(modified)) * 1_000_000n);
    expect(mount.stat("/x/undated").mtime).toBe(0n);
    mount.unmount();
  });

  test("is a hit where the server has the same", async () => {
    const store = await memoryStore();
    const text = `FROM scratch\nADD ${base}/f.txt ${base}/undated /x/\n`;
    await buildIn(store, contextOf({}), text);
    const { events } = await buildIn(store, contextOf({}), text);
    expect(events.filter(({ kind }) => kind === "cached")).toHaveLength(1);
  });

  test.each([
    [
      "what is not there",
      "ADD @/gone /x",
      /^Dockerfile:2:1: cannot fetch http:.*\/gone: the server says 404$/,
    ],
    [
      "nobody who listens",
      "ADD http://127.0.0.1:9/f /x",
      /^Dockerfile:2:1: cannot fetch http:\/\/127\.0\.0\.1:9\/f: .+/,
    ],
    [
      "a checksum that does not hold",
      `ADD --checksum=sha256:${"0".repeat(64)} @/f.txt /x`,
      /^Dockerfile:2:1: digest mismatch for .*f\.txt: it is sha256:[0-9a-f]{64}, not sha256:0+$/,
    ],
    ["a checksum of several", `ADD --checksum=sha256:${hex} @/f.txt @/g /x/`, /--checksum/],
    ["no name for a directory", "ADD @/ /x/", /^Dockerfile:2:1: cannot determine filename/],
    ["a repository", "ADD https://example.com/a.git /x", /^Dockerfile:2:1: .*git repository/],
  ])("an error of %s", async (_, steps, message) => {
    expect((await failure(add(steps))).message).toMatch(message);
  });
});
