/**
 * A mount's tree as lines of an mtree manifest (mtree(5), as libarchive and gomtree read it).
 *
 * Names and link targets are bytes, written as vis(3) does with octal: whatever is not a plain visible
 * ASCII character, and what the format or a shell gives a meaning. A file with several names has
 * `nlink`; which names are one file, the format has no keyword for that every reader knows, so comments
 * at the end tell it.
 */
import { deviceMajor, deviceMinor, kindOf, PERMISSION_BITS } from "../posix/mode.ts";
import { compareNames, nameToBytes } from "../posix/names.ts";
import { joinPath } from "../posix/path.ts";
import { type Nanoseconds, seconds, subsecond } from "../posix/time.ts";
import { contentDigest } from "../runtime/content-digest.ts";
import type { Mount } from "../union/mount.ts";
import type { Stat } from "../union/types.ts";

const CHUNK = 256 * 1024;

/** Visible characters that must not stand for themselves: backslash, comment, pattern and assignment. */
const ESCAPED = new Set([..."\\#*?[]="].map((character) => character.charCodeAt(0)));

/** A name in the manifest: `with\040blank`. */
export function visName(name: string): string {
  let text = "";
  for (const byte of nameToBytes(name)) {
    const plain = byte > 0x20 && byte < 0x7f && !ESCAPED.has(byte);
    text += plain ? String.fromCharCode(byte) : `\\${byte.toString(8).padStart(3, "0")}`;
  }
  return text;
}

/** Seconds and nine digits of nanoseconds, which always count forward. */
function timeText(time: Nanoseconds): string {
  return `${seconds(time)}.${String(subsecond(time)).padStart(9, "0")}`;
}

const TYPES: ReadonlyMap<string, string> = new Map([
  ["directory", "dir"],
  ["symlink", "link"],
]);

/** Makes the lines of one mount. */
class Manifest {
  readonly #mount: Mount;
  readonly #buffer = new Uint8Array(CHUNK);
  /** Digests of files with several names, so that each is read once. */
  readonly #digests = new Map<number, string>();
  /** The names, in order, of what has several. */
  readonly #groups = new Map<number, string[]>();

  constructor(mount: Mount) {
    this.#mount = mount;
  }

  #digest(path: string, stat: Stat): string {
    if (stat.nlink === 1) return contentDigest(this.#mount, path, this.#buffer);
    const known = this.#digests.get(stat.ino) ?? contentDigest(this.#mount, path, this.#buffer);
    this.#digests.set(stat.ino, known);
    return known;
  }

  #xattrs(path: string): readonly string[] {
    const names = [...this.#mount.llistxattr(path)].sort(compareNames);
    return names.map((name) => {
      const value = Buffer.from(this.#mount.lgetxattr(path, name));
      return `xattr.${visName(name)}=${value.toString("base64")}`;
    });
  }

  #line(path: string): string {
    const stat = this.#mount.lstat(path);
    const kind = kindOf(stat.mode) ?? "file";
    const name = path === "/" ? "." : `.${visName(path)}`;
    const isLinked = kind !== "directory" && stat.nlink > 1;
    if (isLinked) this.#groups.set(stat.ino, [...(this.#groups.get(stat.ino) ?? []), name]);
    const words = [
      name,
      `type=${TYPES.get(kind) ?? kind}`,
      `mode=${(stat.mode & PERMISSION_BITS).toString(8).padStart(4, "0")}`,
      `uid=${stat.uid}`,
      `gid=${stat.gid}`,
      ...(kind === "file" ? [`size=${stat.size}`] : []),
      `time=${timeText(stat.mtime)}`,
      ...(kind === "symlink" ? [`link=${visName(this.#mount.readlink(path))}`] : []),
      ...(kind === "char" || kind === "block"
        ? [`device=native,${deviceMajor(stat.rdev)},${deviceMinor(stat.rdev)}`]
        : []),
      ...(kind === "file" ? [`sha256digest=${this.#digest(path, stat)}`] : []),
      ...(isLinked ? [`nlink=${stat.nlink}`] : []),
      ...this.#xattrs(path),
    ];
    return words.join(" ");
  }

  *groups(): Generator<string> {
    for (const names of this.#groups.values()) yield `# hard links: ${names.join(" ")}`;
  }

  *lines(path: string): Generator<string> {
    yield this.#line(path);
    if (kindOf(this.#mount.lstat(path).mode) !== "directory") return;
    const names = this.#mount.readdir(path).map(({ name }) => name);
    for (const name of names.sort(compareNames)) yield* this.lines(joinPath(path, name));
  }
}

/** Every file of a mount, each directory before what is in it; then the groups of hard links. */
export function* manifestLines(mount: Mount): Generator<string> {
  yield "#mtree";
  const manifest = new Manifest(mount);
  yield* manifest.lines("/");
  yield* manifest.groups();
}
