/**
 * Every attribute of every file, of a directory on the host and of a mount, in one form to compare:
 * times in whole seconds, the root's time left out, hard links by the first of their names.
 */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { kindOf } from "../../src/posix/mode.ts";
import { compareNames, nameToBytes } from "../../src/posix/names.ts";
import { joinPath } from "../../src/posix/path.ts";
import { seconds } from "../../src/posix/time.ts";
import type { Mount } from "../../src/union/mount.ts";

export type Dump = Readonly<Record<string, string>>;

const SCRIPT = `
import hashlib, json, os, stat, sys
root = os.fsencode(sys.argv[1]); out = {}; seen = {}
def text(b): return b.decode('latin1')
def dump(path, name):
    st = os.lstat(path); m = st.st_mode
    words = ['%o' % m, '%d:%d' % (st.st_uid, st.st_gid)]
    if name != b'/': words.append(str(st.st_mtime_ns // 10**9))
    if stat.S_ISREG(m): words.append('%d %s' % (st.st_size, hashlib.sha256(open(path, 'rb').read()).hexdigest()))
    if stat.S_ISLNK(m): words.append(text(os.readlink(path)))
    if stat.S_ISCHR(m) or stat.S_ISBLK(m): words.append('%d,%d' % (os.major(st.st_rdev), os.minor(st.st_rdev)))
    for x in sorted(os.listxattr(path, follow_symlinks=False)):
        words.append(x + '=' + os.getxattr(path, x, follow_symlinks=False).hex())
    if not stat.S_ISDIR(m) and st.st_nlink > 1:
        words.append('first ' + text(seen.setdefault(st.st_ino, name)))
    out[text(name)] = ' '.join(words)
    if stat.S_ISDIR(m):
        for n in sorted(os.listdir(path)): dump(path + b'/' + n, (b'' if name == b'/' else name) + b'/' + n)
dump(root, b'/')
json.dump(out, sys.stdout)
`;

/** Needs python3, and root where owners differ. */
export function dumpDirectory(directory: string): Dump {
  const text = execFileSync("python3", ["-c", SCRIPT, directory], { maxBuffer: 1 << 28, encoding: "utf8" });
  return JSON.parse(text) as Dump;
}

const latin1 = (name: string) => Buffer.from(nameToBytes(name)).toString("latin1");

export function dumpMount(mount: Mount): Dump {
  const out: Record<string, string> = {};
  const seen = new Map<number, string>();
  const dump = (path: string) => {
    const stat = mount.lstat(path);
    const kind = kindOf(stat.mode);
    const words = [stat.mode.toString(8), `${stat.uid}:${stat.gid}`];
    if (path !== "/") words.push(String(seconds(stat.mtime)));
    if (kind === "file") {
      words.push(`${stat.size} ${createHash("sha256").update(mount.readFile(path)).digest("hex")}`);
    }
    if (kind === "symlink") words.push(latin1(mount.readlink(path)));
    if (kind === "char" || kind === "block") words.push(`${stat.rdev >> 8},${stat.rdev & 0xff}`);
    for (const name of [...mount.llistxattr(path)].sort(compareNames)) {
      words.push(`${name}=${Buffer.from(mount.lgetxattr(path, name)).toString("hex")}`);
    }
    if (kind !== "directory" && stat.nlink > 1) {
      const first = seen.get(stat.ino) ?? path;
      seen.set(stat.ino, first);
      words.push(`first ${latin1(first)}`);
    }
    out[latin1(path)] = words.join(" ");
    if (kind !== "directory") return;
    const names = mount.readdir(path).map(({ name }) => name);
    for (const name of names.sort(compareNames)) dump(joinPath(path, name));
  };
  dump("/");
  return out;
}
