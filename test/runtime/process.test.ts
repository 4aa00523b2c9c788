/**
 * What a process starts with: who it is, its environment, its directory and its command line.
 */
import { describe, expect, test } from "vitest";
import { containerConfig } from "../../src/runtime/container-config.ts";
import { resolveIdentity } from "../../src/runtime/identity.ts";
import { commandLine, makeWorkingDirectory, mergeEnv, processContext } from "../../src/runtime/process.ts";
import { emptyTree } from "../../src/tree/empty.ts";
import { createMount, type Mount } from "../../src/union/mount.ts";

const PASSWD = [
  "root:x:0:0:root:/root:/bin/sh",
  "# words",
  "",
  "broken",
  "app:x:7:8:App:/home/app:/bin/sh",
  "123:x:55:56::/home/digits:/bin/sh",
  "again:x:7:9::/home/again:/bin/sh",
  "",
].join("\n");
const GROUP = "root:x:0:\napp:x:8:\nextra:x:9:other,app\nmore:x:10:app\n77:x:78:\n";

function mountWith(files: Readonly<Record<string, string>>): Mount {
  const mount = createMount(emptyTree());
  mount.mkdir("/etc");
  for (const [path, content] of Object.entries(files)) mount.writeFile(path, content);
  return mount;
}

const users = () => mountWith({ "/etc/passwd": PASSWD, "/etc/group": GROUP });

describe("identity, as runc resolves it", () => {
  test.each<[string, number, number, number[], string]>([
    ["", 0, 0, [], "/root"],
    ["root", 0, 0, [], "/root"],
    ["0", 0, 0, [], "/root"],
    ["app", 7, 8, [9, 10], "/home/app"],
    // The first line with the number tells the name, the group and the home.
    ["7", 7, 8, [9, 10], "/home/app"],
    ["again", 7, 9, [], "/home/again"],
    // Digits are a number even where a user is called so.
    ["123", 123, 0, [], "/"],
    ["app:extra", 7, 9, [], "/home/app"],
    ["app:77", 7, 77, [], "/home/app"],
    ["7:1234", 7, 1234, [], "/home/app"],
    ["4000", 4000, 0, [], "/"],
    ["4000:5000", 4000, 5000, [], "/"],
    [":extra", 0, 9, [], "/root"],
  ])("%j is %d:%d with groups %j at home in %s", (user, uid, gid, groups, home) => {
    const identity = resolveIdentity(users(), user);
    expect(identity.caller).toMatchObject({ uid, gid, groups, umask: 0o022, cwd: "/", root: "/" });
    expect(identity.home).toBe(home);
  });

  test.each([
    ["nobody", "unable to find user nobody: no matching entries in passwd file"],
    ["app:nogroup", "unable to find group nogroup: no matching entries in group file"],
    ["-1", "uids and gids must be in range 0-2147483647"],
    ["2147483648", "uids and gids must be in range 0-2147483647"],
    ["0:2147483648", "uids and gids must be in range 0-2147483647"],
  ])("%j is refused", (user, message) => {
    expect(() => resolveIdentity(users(), user)).toThrow(message);
  });

  test("without databases numbers are numbers, and names are nobody's", () => {
    const bare = createMount(emptyTree());
    expect(resolveIdentity(bare, "12:34")).toMatchObject({
      caller: { uid: 12, gid: 34 },
      home: "/",
      name: undefined,
    });
    expect(resolveIdentity(bare, "").home).toBe("/");
    expect(() => resolveIdentity(bare, "app")).toThrow("unable to find user app");
  });

  test("root has Docker's capabilities, all of them when privileged, others none", () => {
    const has = (user: string, privileged = false) =>
      resolveIdentity(users(), user, { privileged }).caller.capabilities;
    expect(has("root").has("CAP_CHOWN")).toBe(true);
    expect(has("root").has("CAP_SYS_ADMIN")).toBe(false);
    expect(has("root", true).has("CAP_SYS_ADMIN")).toBe(true);
    expect(has("app", true).size).toBe(0);
  });
});

describe("environment and directory", () => {
  test.each<[string[], object]>([
    [[], { HOME: "/home/app", HOSTNAME: "box" }],
    [["HOME=/h", "PATH=/bin", "A=", "B=x=y"], { HOME: "/h", PATH: "/bin", A: "", B: "x=y", HOSTNAME: "box" }],
    [["HOSTNAME=mine"], { HOSTNAME: "mine" }],
    [["A=1", "A=2"], { A: "2" }],
  ])("%j", (env, expected) => {
    const request = { env, user: "app", hostname: "box" };
    expect(processContext(users(), request).env).toMatchObject(expected);
  });

  test("a terminal is told of in TERM; PATH is Docker's where nobody says", () => {
    expect(processContext(users(), { tty: true }).env).toEqual({
      PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
      TERM: "xterm",
      HOME: "/root",
    });
    expect(() => processContext(users(), { cwd: "rel" })).toThrow(
      "'rel' is invalid, it needs to be an absolute path",
    );
  });

  test.each([
    [["A=1", "B=2"], ["A=3"], ["A=3", "B=2"]],
    [["A=1", "B=2"], ["A"], ["B=2"]],
    [undefined, ["A=1"], ["A=1"]],
    [["A=1"], undefined, ["A=1"]],
  ])("%j and %j are %j", (base, more, expected) => {
    expect(mergeEnv(base, more)).toEqual(expected);
  });

  test("a working directory is made with those above it, root's, through links in the mount", () => {
    const mount = users();
    mount.mkdir("/real");
    mount.symlink("/real", "/link");
    makeWorkingDirectory(mount.as({ uid: 7 }), "/link/a/b");
    expect(mount.stat("/real/a/b")).toMatchObject({ uid: 0, gid: 0, mode: 0o40755 });
    expect(() => makeWorkingDirectory(mount, "/etc/passwd/x")).toThrow(
      expect.objectContaining({ code: "ENOTDIR" }),
    );
    expect(() => makeWorkingDirectory(mount, "/etc/passwd")).toThrow(
      expect.objectContaining({ code: "ENOTDIR" }),
    );
  });
});

describe("command line: entry point and command", () => {
  const image = { Entrypoint: ["entry", "e"], Cmd: ["cmd", "c"] };
  test.each<[object, string[]]>([
    [{}, ["entry", "e", "cmd", "c"]],
    [{ command: ["x"] }, ["entry", "e", "x"]],
    [{ entrypoint: ["y"] }, ["y"]],
    [{ entrypoint: ["y"], command: ["x"] }, ["y", "x"]],
    [{ entrypoint: [], command: ["x"] }, ["x"]],
    [{ entrypoint: [] }, []],
  ])("%j is %j", (options, expected) => {
    expect(commandLine(containerConfig(image, options))).toEqual(expected);
  });
});
