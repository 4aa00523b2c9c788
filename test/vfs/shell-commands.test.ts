/**
 * Commands of the simulated shell that images do not bring, or whose results a chroot cannot be asked for;
 * all others are compared with real ones in `oracle/shell`.
 */
import { beforeEach, describe, expect, it } from "vitest";
import { makeCaller } from "../../src/posix/caller.ts";
import { shellExecutor } from "../../src/runtime/shell-executor.ts";
import { emptyTree } from "../../src/tree/empty.ts";
import { createMount, type Mount, tmpfs } from "../../src/union/mount.ts";

const ROOT = { kind: "directory", mode: 0o755, uid: 0, gid: 0, mtime: 0n, xattrs: new Map() } as const;

async function sh(
  mount: Mount,
  script: string,
  uid = 0,
): Promise<{ status: number; stdout: string; stderr: string }> {
  const out: Uint8Array[] = [];
  const err: Uint8Array[] = [];
  const status = await shellExecutor({ hostname: "box", architecture: "aarch64" }).execute({
    mount,
    args: ["sh", "-c", script],
    env: { PATH: "/usr/bin:/bin" },
    cwd: "/",
    caller: makeCaller({ uid, gid: uid }),
    stdout: (bytes) => void out.push(bytes),
    stderr: (bytes) => void err.push(bytes),
  });
  return { status, stdout: Buffer.concat(out).toString(), stderr: Buffer.concat(err).toString() };
}

describe("commands over a mount without a userland", () => {
  let mount: Mount;
  beforeEach(() => {
    mount = createMount(emptyTree(ROOT));
    mount.mkdir("/etc");
    mount.mkdir("/tmp", 0o777);
    mount.chmod("/tmp", 0o1777);
    mount.writeFile("/etc/passwd", "root:x:0:0:root:/root:/bin/sh\napp:x:7:8::/home/app:/bin/sh\n");
    mount.writeFile("/etc/group", "root:x:0:\nteam:x:8:\nmore:x:9:app\n");
  });

  it.each([
    [
      "setfattr -n user.a -v hi /tmp/f; setfattr -n user.b -v 0x00ff /tmp/f; getfattr --absolute-names -d /tmp/f",
      '# file: /tmp/f\nuser.a="hi"\nuser.b=0sAP8=\n\n',
    ],
    [
      "setfattr -n user.a -v x /tmp/f; cp -a /tmp/f /tmp/g; cp -p /tmp/f /tmp/h; getfattr -d --absolute-names /tmp/g /tmp/h",
      '# file: /tmp/g\nuser.a="x"\n\n',
    ],
    ["setfattr -n user.a -v x /tmp/f; setfattr -x user.a /tmp/f; getfattr -d /tmp/f", ""],
    [
      "id app; id -Gn app; whoami; groups",
      "uid=7(app) gid=8(team) groups=8(team),9(more)\nteam more\nroot\nroot\n",
    ],
    [
      "chown app:team /tmp/f; chown :9 /tmp/g 2>/dev/null; ls -ln /tmp/f | cut -d' ' -f1-4; stat -c %U:%G /tmp/f",
      "-rw-r--r-- 1 7 8\napp:team\n",
    ],
    ["hostname; uname -m; uname", "box\naarch64\nLinux\n"],
    [
      "getent passwd app; getent group 9; getent passwd none; echo $?",
      "app:x:7:8::/home/app:/bin/sh\nmore:x:9:app\n2\n",
    ],
    ["ls -a /; find / -type f | sort; find / -name sh", ".\n..\netc\ntmp\n/etc/group\n/etc/passwd\n/tmp/f\n"],
    ["umask 077; > /tmp/a; (umask 0; > /tmp/b; echo x > /tmp/c); stat -c %a /tmp/a /tmp/c", "600\n666\n"],
    [
      "command -v cp; useradd -m me; tail -n 1 /etc/passwd; stat -c %U /home/me",
      "/usr/bin/cp\nme:x:1000:1000::/home/me:/bin/sh\nme\n",
    ],
    ["apt-get install x; echo $?", "127\n"],
  ])("%s", async (script, stdout) => {
    mount.writeFile("/tmp/f", "data");
    expect((await sh(mount, script)).stdout).toBe(stdout);
  });

  it("moves across filesystems with owner, mode, times and links", async () => {
    mount.mkdir("/mnt");
    mount.attach("/mnt", tmpfs());
    const { stdout, stderr } = await sh(
      mount,
      "mkdir /tmp/d; echo 1 > /tmp/d/a; ln /tmp/d/a /tmp/d/b; ln -s a /tmp/d/l; chown -R 5:6 /tmp/d; chmod 4750 /tmp/d/a; touch -d @1000 /tmp/d/a; mv /tmp/d /mnt/e; ls /tmp; stat -c '%a %u:%g %h %Y' /mnt/e/a; readlink /mnt/e/l",
    );
    expect({ stdout, stderr }).toEqual({ stdout: "4750 5:6 2 1000\na\n", stderr: "" });
  });

  it("writes and reads archives with owners, links and names of any bytes", async () => {
    const { stdout, stderr } = await sh(
      mount,
      'cd /tmp; mkdir d; n=$(printf \'d/\\351\'); echo 1 > "$n"; ln "$n" d/h; mkfifo d/p; chown 5:6 "$n" d/p; tar -C /tmp -czf t.tgz d; mkdir o; tar -xf t.tgz -C o --strip-components=1; ls o | od -An -tx1; stat -c \'%u:%g %h %F\' o/h o/p',
    );
    expect({ stdout, stderr }).toEqual({
      stdout: " 68 0a 70 0a e9 0a\n5:6 2 regular file\n5:6 1 fifo\n",
      stderr: "",
    });
  });

  it("does as the caller what the caller may", async () => {
    const { stdout } = await sh(
      mount,
      "echo 1 > /tmp/mine; chown 0 /tmp/mine; echo $?; rm /etc/passwd; echo $?; stat -c %u /tmp/mine",
      7,
    );
    expect(stdout).toBe("1\n1\n7\n");
    expect(mount.exists("/etc/passwd")).toBe(true);
  });

  it("refuses on a read-only mount, and the script goes on", async () => {
    const frozen = createMount(emptyTree(ROOT), { readOnly: true });
    const ran = await sh(frozen, "echo 1 > /f; echo $?; mkdir /d; echo $?; echo end");
    expect(ran.stdout).toBe("1\n1\nend\n");
    expect(ran.stderr).toContain("Read-only file system");
  });

  it("says what a program of the image needs", async () => {
    mount.mkdir("/bin");
    mount.writeFile("/bin/tool", Uint8Array.of(0x7f, 0x45, 0x4c, 0x46, 0, 0));
    mount.chmod("/bin/tool", 0o755);
    const ran = await sh(mount, "tool; echo $?");
    expect(ran.stdout).toBe("126\n");
    expect(ran.stderr).toContain("needs real processes");
  });
});
