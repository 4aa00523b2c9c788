/**
 * The simulated shell as an executor: what the contract in `runtime/executor.ts` asks for.
 */
import { PassThrough } from "node:stream";
import { beforeAll, describe, expect, it } from "vitest";
import { makeCaller } from "../../src/posix/caller.ts";
import type { Execution } from "../../src/runtime/executor.ts";
import { shellExecutor } from "../../src/runtime/shell-executor.ts";
import { emptyTree } from "../../src/tree/empty.ts";
import { createMount, type Mount } from "../../src/union/mount.ts";

const ROOT = { kind: "directory", mode: 0o755, uid: 0, gid: 0, mtime: 0n, xattrs: new Map() } as const;

function emptyMount(): Mount {
  return createMount(emptyTree(ROOT));
}

interface Ran {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function run(mount: Mount, args: readonly string[], more: Partial<Execution> = {}): Promise<Ran> {
  const stdout: Uint8Array[] = [];
  const stderr: Uint8Array[] = [];
  const status = await shellExecutor().execute({
    mount,
    args,
    env: { PATH: "/usr/bin:/bin" },
    cwd: "/",
    caller: makeCaller({}),
    stdout: (bytes) => void stdout.push(bytes),
    stderr: (bytes) => void stderr.push(bytes),
    ...more,
  });
  const text = (parts: Uint8Array[]) => Buffer.concat(parts).toString("latin1");
  return { status, stdout: text(stdout), stderr: text(stderr) };
}

function script(mount: Mount, path: string, content: string, mode = 0o755): void {
  mount.writeFile(path, content);
  mount.chmod(path, mode);
}

describe("shellExecutor", () => {
  let mount: Mount;
  beforeAll(() => {
    mount = emptyMount();
    mount.mkdir("/bin");
    mount.mkdir("/app");
    script(mount, "/bin/hello", '#!/bin/sh\necho "hello $1 $#"\n');
    script(mount, "/app/bare", "echo bare\n");
    script(mount, "/app/plain", "echo plain\n", 0o644);
    script(mount, "/app/elf", "\x7fELF\x02\x01\x01\0\0\0");
    script(mount, "/app/perl", "#!/usr/bin/perl\nprint 1;\n");
    script(mount, "/app/other", "#!/bin/hello\n");
  });

  it.each([
    ["sh -c", ["/bin/sh", "-c", "echo $0 $1", "zero", "one"], 0, "zero one\n"],
    ["bash with options", ["bash", "-euo", "pipefail", "-c", "false | true; echo no"], 1, ""],
    ["a status", ["sh", "-c", "exit 7"], 7, ""],
    ["a command without a shell", ["echo", "a  b", "$HOME", "*"], 0, "a  b $HOME *\n"],
    ["a script in PATH", ["hello", "you"], 0, "hello you 1\n"],
    [
      "a script by path, with many arguments",
      ["/bin/hello", ..."a b c d e f g h i j k l".split(" ")],
      0,
      "hello a 12\n",
    ],
    ["a script without a first line", ["/app/bare"], 0, "bare\n"],
    ["a script as interpreter", ["/app/other", "x"], 0, "hello /app/other 2\n"],
    ["sh FILE", ["sh", "/bin/hello", "a", "b"], 0, "hello a 2\n"],
    ["not executable", ["/app/plain"], 126, ""],
    ["a directory", ["/app"], 126, ""],
    ["a real program", ["/app/elf"], 126, ""],
    ["an interpreter that is missing", ["/app/perl"], 127, ""],
    ["not found", ["nonesuch"], 127, ""],
    ["a path that is not there", ["/app/nonesuch"], 127, ""],
  ])("%s", async (_, args, status, stdout) => {
    const ran = await run(mount, args);
    expect({ status: ran.status, stdout: ran.stdout }).toEqual({ status, stdout });
    expect(ran.stderr !== "").toBe(status > 100);
  });

  it("passes input, environment and directory", async () => {
    const ran = await run(mount, ["sh", "-c", 'cat; echo "$A $(pwd)"'], {
      stdin: (async function* () {
        yield Buffer.from("in ");
        yield Buffer.from([0xff, 0x0a]);
      })(),
      env: { PATH: "/bin", A: "1" },
      cwd: "/app",
    });
    expect(ran).toEqual({ status: 0, stdout: "in \xff\n1 /app\n", stderr: "" });
  });

  it("leaves no trace of its commands", async () => {
    const fresh = emptyMount();
    const ran = await run(fresh, ["sh", "-c", "echo /*; true | cat"]);
    expect(ran).toEqual({ status: 0, stdout: "/*\n", stderr: "" });
    expect([...fresh.changes()]).toEqual([]);
  });

  it("ends with status 137 when it is aborted", async () => {
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 20);
    const ran = await run(mount, ["sh", "-c", "sleep 60; touch /late"], { signal: controller.signal });
    expect(ran.status).toBe(137);
    expect(mount.exists("/late")).toBe(false);
  });

  it("ends at once when it is aborted before the shell is loaded, whatever its input does", async () => {
    const controller = new AbortController();
    const ended = shellExecutor().execute({
      mount,
      args: ["cat"],
      env: {},
      cwd: "/",
      caller: makeCaller({}),
      stdin: new PassThrough(),
      stdout: () => {},
      stderr: () => {},
      signal: controller.signal,
    });
    controller.abort();
    expect(await ended).toBe(137);
  });

  it("ends a loop at the limit it is given", async () => {
    const status = await shellExecutor({ limits: { commands: 1000 } }).execute({
      mount,
      args: ["sh", "-c", "while :; do :; done"],
      env: {},
      cwd: "/",
      caller: makeCaller({}),
      stdout: () => {},
      stderr: () => {},
    });
    expect(status).toBe(126);
  });

  it("ends a command line at the time it is given", async () => {
    const stderr: Uint8Array[] = [];
    const status = await shellExecutor({ limits: { time: 50 } }).execute({
      mount,
      args: ["sh", "-c", "sleep 60"],
      env: {},
      cwd: "/",
      caller: makeCaller({}),
      stdout: () => {},
      stderr: (bytes) => void stderr.push(bytes),
    });
    expect({ status, stderr: Buffer.concat(stderr).toString() }).toEqual({
      status: 124,
      stderr: expect.stringMatching(/^[ -~]+ exceeded its execution deadline\n$/),
    });
  });
});
