/**
 * A scenario as a script that a person can run in a shell: it builds the lowers with coreutils, mounts
 * the overlay, makes the calls and prints what each gave. Needs Linux, root, bash, attr and python3.
 */
import type { MountKind } from "./kernel.ts";
import { type LayerDirectory, type LayerNode, type Operation, ROOT_SPEC, type Scenario } from "./scenario.ts";

const OPTIONS: { readonly [mount in MountKind]: string } = {
  default: "",
  index: ",index=on,redirect_dir=on",
  plain: "",
};

/** @param notes lines that say what is expected, printed at the top */
export function shellScript(mount: MountKind, scenario: Scenario, notes: readonly string[]): string {
  const lowers = scenario.layers.map((_, i) => i).reverse();
  const lines = [
    "#!/usr/bin/env bash",
    ...notes.map((note) => `# ${note}`),
    "set -euo pipefail",
    "work=$(mktemp -d)",
    'mount -t tmpfs none "$work"',
    `trap 'cd /; umount -l "$work/m" "$work"; rmdir "$work"' EXIT`,
    'cd "$work"',
    "umask 022",
    `mkdir u w m ${lowers.join(" ")}`,
    'data() { head -c "$3" /dev/zero | tr \'\\0\' "$2" | dd of="$4" bs=64K seek="$1" oflag=seek_bytes conv=notrunc status=none; }',
    ...scenario.layers.flatMap((layer, i) => [
      "",
      `# layer ${i}`,
      ...directoryLines(String(i), layer, String(i)),
    ]),
    ...attributeLines("u", scenario.layers.at(-1)!),
    "",
    mount === "plain"
      ? "# The divergence is from a plain directory: merge the layers into m by hand."
      : `mount -t overlay -o noatime,lowerdir=${lowers.join(":")},upperdir=u,workdir=w${OPTIONS[mount]} overlay m`,
    "python3 -X utf8 - <<'PYTHON'",
    PRELUDE,
    ...scenario.operations.map(step),
    "PYTHON",
    "ls -lanR m",
  ];
  return `${lines.join("\n")}\n`;
}

/** Quotes for bash, byte for byte. */
function quote(text: string): string {
  if (/^[\w./:=,@+-]+$/.test(text)) return text;
  const bytes = Buffer.concat(
    [...text].map((unit) => {
      const code = unit.charCodeAt(0);
      return unit.length === 1 && code >= 0xdc80 && code <= 0xdcff
        ? Buffer.from([code - 0xdc00])
        : Buffer.from(unit);
    }),
  );
  const escaped = [...bytes].map((byte) =>
    byte >= 0x20 && byte < 0x7f && byte !== 0x27 && byte !== 0x5c
      ? String.fromCharCode(byte)
      : `\\x${byte.toString(16).padStart(2, "0")}`,
  );
  return `$'${escaped.join("")}'`;
}

function directoryLines(root: string, node: LayerDirectory, path: string): string[] {
  const links = node.children.filter((child) => child.kind === "hardlink");
  const others = node.children.filter((child) => child.kind !== "hardlink");
  return [
    ...(node.opaque ? [`setfattr -n trusted.overlay.opaque -v y ${quote(path)}`] : []),
    ...[...others, ...links].flatMap((child) => nodeLines(root, child, `${path}/${child.name}`)),
    ...attributeLines(path, node),
  ];
}

function nodeLines(root: string, node: LayerNode, path: string): string[] {
  const name = quote(path);
  switch (node.kind) {
    case "directory":
      return [`mkdir ${name}`, ...directoryLines(root, node, path)];
    case "whiteout":
      return [`mknod ${name} c 0 0`];
    case "hardlink":
      return [`ln -P ${quote(root + node.target)} ${name}`];
    case "symlink":
      return [`ln -s ${quote(node.target)} ${name}`, ...attributeLines(path, node)];
    case "fifo":
      return [`mkfifo ${name}`, ...attributeLines(path, node)];
    case "char":
    case "block": {
      const major = Math.floor(node.rdev / 256) & 0xfff;
      const minor = (node.rdev & 0xff) + (Math.floor(node.rdev / 4096) & 0xfff00);
      const type = node.kind === "char" ? "c" : "b";
      return [`mknod ${name} ${type} ${major} ${minor}`, ...attributeLines(path, node)];
    }
    case "file":
      return [
        `truncate -s ${node.size} ${name}`,
        ...node.extents.map(([at, byte, length]) => `data ${at} '\\${byte.toString(8)}' ${length} ${name}`),
        ...attributeLines(path, node),
      ];
  }
}

function attributeLines(
  path: string,
  node: Exclude<LayerNode, { kind: "hardlink" | "whiteout" }> | LayerDirectory,
) {
  const name = quote(path);
  const nanoseconds = BigInt(node.mtime);
  const whole =
    nanoseconds / 1_000_000_000n - (nanoseconds < 0n && nanoseconds % 1_000_000_000n !== 0n ? 1n : 0n);
  const rest = String(nanoseconds - whole * 1_000_000_000n).padStart(9, "0");
  return [
    `chown -h ${node.uid}:${node.gid} ${name}`,
    ...(node.kind === "symlink" ? [] : [`chmod ${node.mode.toString(8)} ${name}`]),
    ...Object.entries(node.xattrs).map(
      ([key, value]) => `setfattr -h -n ${key} -v 0x${Buffer.from(value, "latin1").toString("hex")} ${name}`,
    ),
    `touch -h -d @${whole}.${rest} ${name}`,
  ];
}

const PRELUDE = `
import ctypes, errno, os, stat
libc = ctypes.CDLL(None, use_errno=True)
libc.fallocate.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_long, ctypes.c_long]
libc.lseek.argtypes, libc.lseek.restype = [ctypes.c_int, ctypes.c_long, ctypes.c_int], ctypes.c_long
ROOT = os.open("m", os.O_RDONLY)
h, HERE = {}, -100
def c(result):
    if result < 0: raise OSError(ctypes.get_errno(), "")
    return result
def b(text): return os.fsencode(text)
def times(*values):
    pair = (ctypes.c_long * 4)()
    for i, value in enumerate(values):
        pair[2 * i], pair[2 * i + 1] = {"now": (0, (1 << 30) - 1), "omit": (0, (1 << 30) - 2)}.get(value) or divmod(int(value), 10**9)
    return pair
def opened(slot, path, flags, mode):
    fd = os.open(path, flags | os.O_NONBLOCK, mode)
    if not flags & 0o10000000 and stat.S_ISFIFO(os.fstat(fd).st_mode):
        os.close(fd)
        raise OSError(errno.ENXIO, "pipes are left out")
    if slot in h: os.close(h[slot])
    h[slot] = fd
def names(fd):
    os.lseek(fd, 0, 0)
    return sorted(os.listdir(fd))
def step(code, uid=0, gid=0, groups=(), umask=0o022, cwd="/", root="/"):
    os.seteuid(0); os.fchdir(ROOT); os.chroot(".")
    try:
        os.chroot(root); os.chdir("/")
        os.setgroups(groups); os.setegid(gid); os.seteuid(uid); os.umask(umask); os.chdir(cwd)
    except OSError:
        return print(code, "=> no such caller")
    try: result = eval(code)
    except KeyError: result = "EBADF"
    except OSError as error: result = errno.errorcode[error.errno]
    print(code, "=>", result)
`.trim();

function step(operation: Operation): string {
  const [uid, gid, groups, umask, cwd = "/", root = "/"] = operation.as ?? ROOT_SPEC;
  const ids = `${uid}, ${gid}, ${JSON.stringify(groups)}, ${octal(umask)}`;
  const caller = operation.as === undefined ? "" : `, ${ids}, ${text(cwd)}, ${text(root)}`;
  return `step(${JSON.stringify(pythonCall(operation))}${caller})`;
}

const octal = (mode: number): string => `0o${mode.toString(8)}`;
const text = (value: string): string => JSON.stringify(value);
const bytes = (value: string): string => `${JSON.stringify(value)}.encode("latin-1")`;

function pythonCall(operation: Operation): string {
  switch (operation.call) {
    case "open": {
      const { slot, path, flags, mode } = operation;
      return `opened(${slot}, ${text(path)}, ${octal(flags)}, ${octal(mode)})`;
    }
    case "close":
      return `os.close(h.pop(${operation.slot}))`;
    case "read": {
      const { slot, length, at } = operation;
      return at === null ? `os.read(h[${slot}], ${length})` : `os.pread(h[${slot}], ${length}, ${at})`;
    }
    case "write": {
      const { slot, at } = operation;
      const data = `bytes([${operation.data[0]}]) * ${operation.data[1]}`;
      return at === null ? `os.write(h[${slot}], ${data})` : `os.pwrite(h[${slot}], ${data}, ${at})`;
    }
    case "lseek":
      return `c(libc.lseek(h[${operation.slot}], ${operation.at}, ${operation.whence}))`;
    case "fstat":
      return `os.fstat(h[${operation.slot}])`;
    case "ftruncate":
      return `os.ftruncate(h[${operation.slot}], ${operation.size})`;
    case "fchmod":
      return `os.fchmod(h[${operation.slot}], ${octal(operation.mode)})`;
    case "fchown":
      return `os.fchown(h[${operation.slot}], ${operation.uid}, ${operation.gid})`;
    case "futimens":
      return `c(libc.futimens(h[${operation.slot}], times(${text(operation.atime)}, ${text(operation.mtime)})))`;
    case "fallocate": {
      const { slot, mode, at, length } = operation;
      return `c(libc.fallocate(h[${slot}], ${mode}, ${at}, ${length}))`;
    }
    case "copyRange": {
      const { slot, from, fromAt, at, length } = operation;
      return `os.copy_file_range(h[${from}], h[${slot}], ${length}, ${fromAt ?? "None"}, ${at ?? "None"})`;
    }
    case "fsync":
      return `os.fsync(h[${operation.slot}])`;
    case "fdreaddir":
      return `names(h[${operation.slot}])`;
    case "linkfd":
      return `c(libc.linkat(h[${operation.slot}], b"", HERE, b(${text(operation.path)}), 0x1000))`;
    case "stat":
    case "lstat":
    case "readlink":
    case "rmdir":
    case "unlink":
      return `os.${operation.call}(${text(operation.path)})`;
    case "directoryLinks":
      return `os.lstat(${text(operation.path)}).st_nlink`;
    case "readdir":
      return `sorted(os.listdir(${text(operation.path)}))`;
    case "access":
      return `c(libc.faccessat(HERE, b(${text(operation.path)}), ${operation.mode}, 0x200))`;
    case "mkdir":
    case "chmod":
      return `os.${operation.call}(${text(operation.path)}, ${octal(operation.mode)})`;
    case "rename": {
      const { from, path, flags } = operation;
      return `c(libc.renameat2(HERE, b(${text(from)}), HERE, b(${text(path)}), ${flags}))`;
    }
    case "link": {
      const { from, path, follow } = operation;
      return `c(libc.linkat(HERE, b(${text(from)}), HERE, b(${text(path)}), ${follow ? "0x400" : 0}))`;
    }
    case "symlink":
      return `os.symlink(${text(operation.target)}, ${text(operation.path)})`;
    case "mknod":
      return `os.mknod(${text(operation.path)}, ${octal(operation.mode)}, ${operation.rdev})`;
    case "chown":
    case "lchown":
      return `os.${operation.call}(${text(operation.path)}, ${operation.uid}, ${operation.gid})`;
    case "truncate":
      return `os.truncate(${text(operation.path)}, ${operation.size})`;
    case "utimens": {
      const { path, atime, mtime, follow } = operation;
      const pair = `times(${text(atime)}, ${text(mtime)})`;
      return `c(libc.utimensat(HERE, b(${text(path)}), ${pair}, ${follow ? 0 : "0x100"}))`;
    }
    case "getxattr":
    case "removexattr":
      return `os.${operation.call}(${xattrTarget(operation)}, ${text(operation.name)}${nofollow(operation)})`;
    case "listxattr":
      return `os.listxattr(${xattrTarget(operation)}${nofollow(operation)})`;
    case "setxattr": {
      const { name, value, flags } = operation;
      const set = `${xattrTarget(operation)}, ${text(name)}, ${bytes(value)}, ${flags}`;
      return `os.setxattr(${set}${nofollow(operation)})`;
    }
  }
}

type XattrOperation = Extract<Operation, { call: "getxattr" | "removexattr" | "listxattr" | "setxattr" }>;

function xattrTarget(operation: XattrOperation): string {
  return "slot" in operation ? `h[${operation.slot}]` : text(operation.path);
}

function nofollow(operation: XattrOperation): string {
  return "slot" in operation || operation.follow ? "" : ", follow_symlinks=False";
}
