/**
 * The commands on containers: Docker's output, errors and exit codes.
 */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Image } from "../../src/runtime/image.ts";
import { Store } from "../../src/runtime/store.ts";
import { layoutOf, makeImage } from "../store/images.ts";
import { scratch } from "../store/scratch.ts";
import { type Surroundings, strata } from "./strata.ts";

let root: string;
let work: string;
let image: Image;

beforeAll(async () => {
  root = scratch(true);
  work = scratch(true);
  const made = await makeImage(
    [
      {
        "etc/passwd": "root:x:0:0::/root:/bin/sh\napp:x:7:8::/home/app:/bin/sh\n",
        "etc/motd": "hello\n",
        "bin/tool": "#!",
      },
    ],
    { config: { created: "2024-02-03T04:05:06Z", config: { Env: ["PATH=/bin", "A=1"], Cmd: ["sh"] } } },
  );
  const store = await Store.open(root, { env: {} });
  [image] = (await store.load(layoutOf(join(work, "layout"), made), { name: "x:1" })) as [Image];
  await store.close();
});

afterEach(async () => {
  await strata(["container", "prune", "-f"], { root });
});

afterAll(() => {
  for (const directory of [root, work]) rmSync(directory, { recursive: true, force: true });
});

const run = (...args: string[]) => strata(args, { root });
const runWith = (more: Partial<Surroundings>, ...args: string[]) => strata(args, { root, ...more });

describe("run", () => {
  test.each<[string, string[], { stdout?: string; stderr?: string; code: number }]>([
    [
      "output and status pass through",
      ["x:1", "sh", "-c", "echo out; echo err >&2; exit 7"],
      { stdout: "out\n", stderr: "err\n", code: 7 },
    ],
    ["a command that is not there", ["x:1", "nosuch"], { code: 127 }],
    [
      "-e, over the image's; from here without a value; gone where there is none",
      [
        "-e",
        "A=2",
        "-e",
        "HERE",
        "-e",
        "GONE",
        "x:1",
        "sh",
        "-c",
        'echo "$A $HERE $(printenv GONE || echo none)"',
      ],
      { stdout: "2 there none\n", code: 0 },
    ],
    ["-w, made where it is missing", ["-w", "/a/b", "x:1", "pwd"], { stdout: "/a/b\n", code: 0 }],
    [
      "-u by name",
      ["-u", "app", "x:1", "sh", "-c", "id -u; id -g; echo $HOME"],
      { stdout: "7\n8\n/home/app\n", code: 0 },
    ],
    ["-u by number", ["-u", "12:34", "x:1", "sh", "-c", "id -u; id -g"], { stdout: "12\n34\n", code: 0 }],
    ["--entrypoint drops the image's command", ["--entrypoint", "echo", "x:1"], { stdout: "\n", code: 0 }],
    [
      "--hostname",
      ["-h", "box", "x:1", "sh", "-c", "hostname; cat /etc/hostname"],
      { stdout: "box\nbox\n", code: 0 },
    ],
    [
      "--read-only",
      [
        "--read-only",
        "x:1",
        "sh",
        "-c",
        "echo x > /x || echo refused; echo y > /dev/shm/y && cat /dev/shm/y",
      ],
      { stdout: "refused\ny\n", code: 0 },
    ],
    [
      "--tmpfs",
      ["--read-only", "--tmpfs", "/tmp", "x:1", "sh", "-c", "echo x > /tmp/x; cat /tmp/x"],
      { stdout: "x\n", code: 0 },
    ],
    [
      "flags after the image are the command's",
      ["x:1", "echo", "--rm", "-e"],
      { stdout: "--rm -e\n", code: 0 },
    ],
  ])("%s", async (_, args, expected) => {
    const ran = await runWith({ env: { HERE: "there" } }, "run", "--rm", ...args);
    expect(ran).toMatchObject(expected);
    expect((await run("ps", "-aq")).stdout).toBe("");
  });

  test("-i passes standard input on; without it there is none", async () => {
    const stdin = Buffer.from("given\n");
    expect((await runWith({ stdin }, "run", "--rm", "-i", "x:1", "cat")).stdout).toBe("given\n");
    expect((await runWith({ stdin }, "run", "--rm", "x:1", "cat")).stdout).toBe("");
  });

  test("--env-file, --label, --cidfile, --name", async () => {
    writeFileSync(join(work, "env"), "# words\nFROM_FILE=yes\n\nHERE\n");
    const cidfile = join(work, "cid");
    const ran = await runWith(
      { env: { HERE: "there" } },
      ...["run", "--env-file", join(work, "env"), "-l", "k=v", "-l", "bare", "--cidfile", cidfile],
      ...["--name", "one", "x:1", "sh", "-c", "echo $FROM_FILE $HERE"],
    );
    expect(ran).toMatchObject({ stdout: "yes there\n", code: 0 });
    const id = readFileSync(cidfile, "utf8");
    const shown = await run("inspect", "-f", "{{.Id}} {{.Name}} {{json .Config.Labels}}", "one");
    expect(shown.stdout).toBe(`${id} /one {"k":"v","bare":""}\n`);
    expect(await run("run", "--cidfile", cidfile, "x:1", "true")).toMatchObject({
      code: 125,
      stderr: expect.stringContaining("container ID file found"),
    });
  });

  test("-v and --mount: a directory of the host, writable or not, and a file", async () => {
    const host = join(work, "host");
    mkdirSync(host);
    writeFileSync(join(host, "in"), "from the host\n");
    const script = "cat /d/in; echo out > /d/out; cat /f";
    const ran = await run(
      "run",
      "--name",
      "vol",
      "-v",
      `${host}:/d`,
      "--mount",
      `type=bind,src=${host}/in,dst=/f,ro`,
      "x:1",
      "sh",
      "-c",
      script,
    );
    expect(ran).toMatchObject({ stdout: "from the host\nfrom the host\n", code: 0 });
    expect(readFileSync(join(host, "out"), "utf8")).toBe("out\n");
    expect((await run("diff", "vol")).stdout).toBe("");
    const refused = await run(
      "run",
      "--rm",
      "-v",
      `${host}:/d:ro`,
      "x:1",
      "sh",
      "-c",
      "echo x > /d/x || echo no",
    );
    expect(refused.stdout).toBe("no\n");
    expect(existsSync(join(host, "x"))).toBe(false);
  });

  test.each([
    [["-d", "x:1"], "strata: there is no daemon to run a container in the background"],
    [["--name", "-x", "x:1"], "strata: Error response from daemon: Invalid container name (-x), only"],
    [["-w", "rel", "x:1"], "the working directory 'rel' is invalid, it needs to be an absolute path"],
    [["-u", "nobody", "x:1", "true"], "unable to find user nobody: no matching entries in passwd file"],
    [["-v", "data:/d", "x:1"], "there are no named volumes here"],
    [["--mount", "type=volume,dst=/d", "x:1"], "there are no named volumes here"],
    [["--mount", "type=bind,src=/nosuch,dst=/d", "x:1", "true"], "bind source path does not exist: /nosuch"],
    [["-v", "/a:/d", "-v", "/b:/d", "x:1"], "Duplicate mount point: /d"],
    [["--env-file", "/nosuch", "x:1"], "open /nosuch: no such file or directory"],
    [["-e", "=x", "x:1"], "invalid environment variable: =x"],
    [["--pull", "never", "nosuch"], "No such image: nosuch:latest"],
    [["--pull", "perhaps", "x:1"], "invalid pull option: 'perhaps'"],
    [["--platform", "linux/s390x", "x:1"], "does not match the specified platform"],
    [["--nosuch", "x:1"], "unknown flag: --nosuch"],
  ])("%j is refused with 125", async (args, message) => {
    const ran = await run("run", ...args);
    expect(ran).toMatchObject({ code: 125, stdout: "", stderr: expect.stringContaining(message) });
  });

  test("-it wants a terminal", async () => {
    expect(await run("run", "-it", "x:1", "true")).toMatchObject({
      code: 125,
      stderr: "strata: the input device is not a TTY.\n",
    });
    expect((await runWith({ terminal: true }, "run", "-it", "x:1", "sh", "-c", "echo $TERM")).stdout).toBe(
      "xterm\n",
    );
  });

  test("a name that is taken", async () => {
    const { stdout: id } = await run("create", "--name", "one", "x:1");
    const conflict = `Conflict. The container name "/one" is already in use by container "${id.trim()}". You have to remove (or rename) that container to be able to reuse that name.`;
    expect(await run("run", "--name", "one", "x:1")).toMatchObject({
      code: 125,
      stderr: `strata: Error response from daemon: ${conflict}\nSee 'strata run --help'.\n`,
    });
    expect(await run("create", "--name", "one", "x:1")).toMatchObject({
      code: 1,
      stderr: `Error response from daemon: ${conflict}\n`,
    });
  });
});

describe("exec, diff, snapshots, commit", () => {
  beforeEach(async () => {
    expect((await run("create", "--name", "one", "-e", "B=2", "x:1", "echo", "hi")).code).toBe(0);
  });

  test("exec works in a container that never ran, with its environment and more", async () => {
    const ran = await run(
      "exec",
      "-e",
      "C=3",
      "-w",
      "/etc",
      "-u",
      "app",
      "one",
      "sh",
      "-c",
      "echo $A$B$C; pwd; id -u; exit 4",
    );
    expect(ran).toMatchObject({ stdout: "123\n/etc\n7\n", code: 4 });
  });

  test("diff: A, C and D, ancestors once, never the root", async () => {
    const script = "mkdir -p /a/b; echo x > /a/b/c; echo bye > /etc/motd; rm /etc/passwd; chmod 700 /bin";
    expect(await run("exec", "one", "sh", "-c", script)).toMatchObject({ code: 0, stderr: "" });
    expect((await run("diff", "one")).stdout).toBe(
      "A /a\nA /a/b\nA /a/b/c\nC /bin\nC /etc\nC /etc/motd\nD /etc/passwd\n",
    );
  });

  test("snapshot, restore, fork", async () => {
    const write = (name: string, text: string) => run("exec", name, "sh", "-c", `echo ${text} > /v`);
    await write("one", "first");
    expect(await run("snapshot", "one", "s1")).toMatchObject({ stdout: "s1\n", code: 0 });
    await write("one", "second");
    expect((await run("snapshot", "-q", "one")).stdout).toBe("s1\n");
    expect((await run("fork", "--name", "two", "--snapshot", "s1", "one")).stdout).toMatch(
      /^[0-9a-f]{64}\n$/,
    );
    expect((await run("exec", "two", "cat", "/v")).stdout).toBe("first\n");
    expect(await run("restore", "one", "s1")).toMatchObject({ stdout: "one\n", code: 0 });
    expect((await run("exec", "one", "cat", "/v")).stdout).toBe("first\n");
    expect(await run("restore", "one", "s2")).toMatchObject({
      code: 1,
      stderr: "Error response from daemon: No such snapshot of container one: s2\n",
    });
    expect(await run("snapshot", "--rm", "one", "s1")).toMatchObject({ stdout: "s1\n", code: 0 });
    expect((await run("snapshot", "one")).stdout).toBe("NAME      CREATED\n");
  });

  test("commit: -a -m -c, the container's own config, and its command line in the history", async () => {
    await run("exec", "one", "sh", "-c", "echo x > /new");
    const ran = await run(
      "commit",
      "-a",
      "me",
      "-m",
      "words",
      "-c",
      "ENV D=4",
      "--change",
      "WORKDIR /w",
      "one",
      "y:1",
    );
    expect(ran).toMatchObject({
      stdout: expect.stringMatching(/^sha256:[0-9a-f]{64}\n$/),
      stderr: "",
      code: 0,
    });
    const shown = await run(
      "inspect",
      "-f",
      "{{json .Config.Env}} {{.Config.WorkingDir}} {{json .Config.Cmd}} {{.Author}} {{.Comment}}",
      "y:1",
    );
    expect(shown.stdout).toBe('["PATH=/bin","A=1","B=2","D=4"] /w ["echo","hi"] me words\n');
    expect(
      (await run("history", "--format", "{{.CreatedBy}} | {{.Comment}}", "y:1")).stdout.split("\n")[0],
    ).toBe("echo hi | words");
    expect((await run("run", "--rm", "y:1", "cat", "/new")).stdout).toBe("x\n");
  });

  test.each([
    [["-c", "RUN x"], "one", "Error response from daemon: RUN is not a valid change command\n"],
    [[], "nosuch", "Error response from daemon: No such container: nosuch\n"],
  ])("commit %j %s is refused", async (flags, name, message) => {
    expect(await run("commit", ...flags, name)).toMatchObject({ code: 1, stderr: message });
  });

  test("commit refuses a name that is none", async () => {
    expect(await run("commit", "one", "Y:1")).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("repository name must be lowercase"),
    });
  });

  test("start -a runs the container's command again; without -a it says why not", async () => {
    expect(await run("start", "-a", "one")).toMatchObject({ stdout: "hi\n", code: 0 });
    expect(await run("start", "one")).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("no daemon"),
    });
    expect(await run("logs", "-f", "one")).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^strata: there is no 'logs', because there is no daemon: .*\.\n$/),
    });
  });

  test("in use: a second writer is told who has it, those who look see the last commit point", async () => {
    const store = await Store.open(root, { env: {} });
    const container = await store.containers.get("one");
    const writer = await container.open();
    try {
      writer.mount.writeFile("/seen", "yes\n");
      writer.commit();
      writer.mount.writeFile("/unseen", "");
      const busy = new RegExp(
        `^Error response from daemon: container one \\([0-9a-f]{12}\\) is in use by this process \\(${process.pid}\\) since`,
      );
      for (const args of [
        ["exec", "one", "true"],
        ["restore", "one", "s"],
        ["cp", join(work, "env"), "one:/x"],
        ["start", "-a", "one"],
      ]) {
        const ran = await run(...args);
        if (args[0] === "restore") expect(ran.code).toBe(1);
        else expect([args, ran.stderr, ran.code]).toEqual([args, expect.stringMatching(busy), 1]);
      }
      expect(await run("rm", "-f", "one")).toMatchObject({
        code: 1,
        stderr: expect.stringContaining(`You cannot remove a running container ${container.id}`),
      });
      expect((await run("ps", "--format", "{{.Names}} {{.State}}")).stdout).toBe("one running\n");
      expect((await run("diff", "one")).stdout).toBe("A /seen\n");
      expect((await run("cp", "one:/seen", "-")).bytes.toString()).toContain("yes\n");
      expect((await run("commit", "one")).code).toBe(0);
      expect((await run("export", "one")).bytes.toString()).toContain("yes\n");
      expect((await run("container", "prune", "-f")).stdout).toBe("Total reclaimed space: 0B\n");
    } finally {
      writer.close();
      await store.close();
    }
  });
});

describe("ps, rename, rm, prune, inspect", () => {
  test("ps: Docker's columns", async () => {
    const { stdout } = await run("create", "--name", "one", "x:1", "sh", "-c", "echo a long command line");
    const now = Date.now() + 5 * 60_000;
    const { stdout: listed } = await runWith({ now }, "ps", "-a");
    expect(listed).toBe(
      [
        "CONTAINER ID   IMAGE     COMMAND                  CREATED         STATUS    PORTS     NAMES",
        `${stdout.slice(0, 12)}   x:1       "sh -c echo a long c…"   5 minutes ago   Created             one`,
        "",
      ].join("\n"),
    );
    expect((await run("ps")).stdout).toBe(
      listed
        .split("\n")[0]!
        .replace(/CONTAINER.*/, "CONTAINER ID   IMAGE     COMMAND   CREATED   STATUS    PORTS     NAMES\n"),
    );
  });

  test("ps: flags and filters", async () => {
    const names = async (...flags: string[]) =>
      (await run("ps", "--format", "{{.Names}}", ...flags)).stdout.split("\n").slice(0, -1);
    const id = (await run("create", "--name", "one", "-l", "k=v", "x:1")).stdout.trim();
    await run("run", "--name", "two", "-l", "k=w", "x:1", "sh", "-c", "exit 3");
    await run("run", "--name", "three", "x:1", "true");
    for (const [flags, expected] of [
      [[], []],
      [["-a"], ["three", "two", "one"]],
      [["-l"], ["three"]],
      [
        ["-n", "2"],
        ["three", "two"],
      ],
      [
        ["-a", "-f", "name=t"],
        ["three", "two"],
      ],
      [["-a", "-f", "name=^one$"], ["one"]],
      [["-a", "-f", `id=${id.slice(0, 10)}`], ["one"]],
      [
        ["-a", "-f", "label=k"],
        ["two", "one"],
      ],
      [["-a", "-f", "label=k=v"], ["one"]],
      [
        ["-f", "status=exited"],
        ["three", "two"],
      ],
      [
        ["-a", "-f", "status=created", "-f", "status=exited"],
        ["three", "two", "one"],
      ],
      [["-f", "exited=3"], ["two"]],
      [
        ["-a", "-f", "ancestor=x:1"],
        ["three", "two", "one"],
      ],
      [["-a", "-f", "ancestor=nosuch"], []],
      [
        ["-a", "-f", "before=three"],
        ["two", "one"],
      ],
      [
        ["-a", "-f", "since=one"],
        ["three", "two"],
      ],
    ] as [string[], string[]][]) {
      expect([flags, await names(...flags)]).toEqual([flags, expected]);
    }
    expect((await run("ps", "-aq", "--no-trunc")).stdout.split("\n")[2]).toBe(id);
    expect(await run("ps", "-f", "foo=bar")).toMatchObject({
      stderr: "Error response from daemon: Invalid filter 'foo'\n",
      code: 1,
    });
    expect((await run("ps", "-a", "--format", "{{.Names}}: {{.Status}}")).stdout).toMatch(
      /^three: Exited \(0\) .* ago\ntwo: Exited \(3\) .* ago\none: Created\n$/,
    );
    expect((await run("ps", "-as", "--format", "{{.Size}}", "-f", "name=one")).stdout).toMatch(
      /^0B \(virtual \d+B\)\n$/,
    );
    expect(await run("container", "ls", "-aq")).toEqual(await run("ps", "-aq"));
    expect(await run("container", "list", "-aq")).toEqual(await run("ps", "-aq"));
  });

  test("rename", async () => {
    await run("create", "--name", "one", "x:1");
    expect(await run("rename", "one", "two")).toMatchObject({ stdout: "", stderr: "", code: 0 });
    expect(await run("rename", "one", "three")).toMatchObject({
      code: 1,
      stderr:
        "Error response from daemon: No such container: one\nError: failed to rename container named one\n",
    });
  });

  test("rm: each on its own, -f passes over what is missing", async () => {
    await run("create", "--name", "one", "x:1");
    await run("create", "--name", "two", "x:1");
    expect(await run("rm", "one", "nosuch", "two")).toMatchObject({
      stdout: "one\ntwo\n",
      stderr: "Error: No such container: nosuch\n",
      code: 1,
    });
    expect(await run("rm", "-f", "nosuch")).toMatchObject({
      stdout: "",
      stderr: "Error: No such container: nosuch\n",
      code: 0,
    });
  });

  test("container prune asks, and tells what went", async () => {
    const id = (await run("run", "--cidfile", join(work, "c2"), "x:1", "sh", "-c", "echo 1234 > /f")).stdout;
    expect(id).toBe("");
    const cid = readFileSync(join(work, "c2"), "utf8");
    const asked = await run("container", "prune");
    expect(asked.stdout).toBe(
      "WARNING! This will remove all stopped containers.\nAre you sure you want to continue? [y/N] ",
    );
    const said = await runWith({ stdin: Buffer.from("y\n") }, "container", "prune");
    expect(said.stdout).toContain(`Deleted Containers:\n${cid}\n\nTotal reclaimed space: 5B\n`);
    expect((await run("container", "prune", "-f")).stdout).toBe("Total reclaimed space: 0B\n");
  });

  test("inspect finds containers first, then images; --type says which", async () => {
    await run("create", "--name", "both", "x:1");
    await run("tag", "x:1", "both");
    const [document] = JSON.parse((await run("inspect", "both")).stdout);
    expect(document).toMatchObject({
      Name: "/both",
      Path: "sh",
      Args: [],
      Image: image.id,
      State: { Status: "created", Running: false, ExitCode: 0, StartedAt: "0001-01-01T00:00:00Z" },
      Config: { Image: "x:1", Env: ["PATH=/bin", "A=1"] },
    });
    for (const args of [["x:1"], ["--type", "image", "both"]]) {
      expect((await run("inspect", "-f", "{{.Id}}", ...args)).stdout).toBe(`${image.id}\n`);
    }
    expect((await run("inspect", "-s", "-f", "{{.SizeRw}}", "both")).stdout).toBe("0\n");
    for (const [args, missing] of [
      [["inspect", "--type", "image", "nosuch"], "Error: No such image: nosuch\n"],
      [["image", "inspect", "nosuch"], "Error: No such image: nosuch\n"],
      [["container", "inspect", "x:1"], "Error: No such container: x:1\n"],
      [["inspect", "nosuch"], "Error: No such object: nosuch\n"],
    ] as [string[], string][]) {
      expect(await run(...args)).toMatchObject({ stdout: "[]\n", stderr: missing, code: 1 });
    }
  });
});

describe("groups", () => {
  test.each([
    [["container"], "Usage:  strata container COMMAND", 0],
    [["container", "--help"], "Usage:  strata container COMMAND", 0],
    [["help", "container"], "Usage:  strata container COMMAND", 0],
    [["container", "ls", "--help"], "Usage:  strata container ls [OPTIONS]", 0],
    [["help", "image", "ls"], "Usage:  strata image ls [OPTIONS]", 0],
  ])("%j prints help", async (args, usage, code) => {
    const ran = await run(...args);
    expect(ran.code).toBe(code);
    expect(ran.stdout).toContain(usage);
  });

  test.each([
    [
      ["container", "nosuch"],
      "strata: 'strata container nosuch' is not a strata command.\nSee 'strata container --help'\n",
      1,
    ],
    [["container", "--nosuch"], "unknown flag: --nosuch\nSee 'strata container --help'.\n", 125],
    [["container", "rm", "--nosuch"], "unknown flag: --nosuch\nSee 'strata container rm --help'.\n", 125],
    [["container", "rename", "x"], '"strata container rename" requires exactly 2 arguments.', 1],
  ])("%j is refused", async (args, message, code) => {
    const ran = await run(...args);
    expect([ran.stderr.slice(0, message.length), ran.code]).toEqual([message, code]);
  });

  test.each([["container"], ["image"]])("the root may be given anywhere in %s commands", async (group) => {
    const other = scratch();
    for (const args of [
      ["--root", other, group, "ls"],
      [group, "--root", other, "ls"],
      [group, "ls", "--root", other],
    ]) {
      const ran = await strata(args, { root: "/nonexistent/store" });
      expect([args, ran.code, ran.stderr]).toEqual([args, 0, ""]);
    }
  });
});
