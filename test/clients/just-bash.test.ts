/**
 * just-bash over `fs.promises`: its file system interface is a few lines over any `fs`, so the same lines
 * over `mount.fs` and over `node:fs` must make its commands do the same. (What the package offers as a shell is
 * another adapter, over the mount's own calls.)
 */
import type { Stats } from "node:fs";
import { posix } from "node:path";
import { Bash, type IFileSystem } from "just-bash";
import { describe, expect, it } from "vitest";
import { type Files, inTurn, type Side, treeOf } from "./sides.ts";

const PROJECT: Files = {
  "data/people.csv": "name,age\nAda,36\nGrace,45\nAlan,41\n",
  "data/notes.txt": "first line\nsecond line\nthird größe\n",
  "src/a.js": "const x = 1;\nconst y = 2;\n",
  "src/deep/b.js": "const z = 3;\n",
  link: { link: "data/notes.txt" },
};

function fileSystem({ fs }: Side): IFileSystem {
  const { promises } = fs;
  const told = async (stats: Promise<Stats>) => {
    const of = await stats;
    return {
      isFile: of.isFile(),
      isDirectory: of.isDirectory(),
      isSymbolicLink: of.isSymbolicLink(),
      mode: of.mode & 0o7777,
      size: of.size,
      mtime: of.mtime,
      dev: of.dev,
      ino: of.ino,
    };
  };
  const encodingOf = (options: unknown) => {
    const encoding =
      typeof options === "string" ? options : (options as { encoding?: string } | undefined)?.encoding;
    return (encoding ?? "utf8") as BufferEncoding;
  };
  return {
    readFile: (path, options) => promises.readFile(path, encodingOf(options)),
    readFileBuffer: (path) => promises.readFile(path),
    writeFile: (path, content, options) => promises.writeFile(path, content, encodingOf(options)),
    appendFile: (path, content, options) => promises.appendFile(path, content, encodingOf(options)),
    exists: async (path) => fs.existsSync(path),
    stat: (path) => told(promises.stat(path)),
    lstat: (path) => told(promises.lstat(path)),
    mkdir: async (path, options) => void (await promises.mkdir(path, options)),
    readdir: async (path) => (await promises.readdir(path)).sort(),
    rm: (path, options) => promises.rm(path, options),
    cp: (from, to, options) => promises.cp(from, to, options),
    mv: (from, to) => promises.rename(from, to),
    resolvePath: (base, path) => posix.resolve(base, path),
    getAllPaths: () => [],
    chmod: (path, mode) => promises.chmod(path, mode),
    symlink: (target, path) => promises.symlink(target, path),
    link: (from, to) => promises.link(from, to),
    readlink: (path) => promises.readlink(path),
    realpath: (path) => promises.realpath(path),
    utimes: (path, atime, mtime) => promises.utimes(path, atime, mtime),
  };
}

const LINES = [
  "ls -1 . src; cat link | wc -l",
  "tail -n +2 data/people.csv | sort -t, -k2 -n | cut -d, -f1 > sorted.txt; cat sorted.txt",
  "find . -name '*.js' | sort | xargs grep -c const",
  "sed -i 's/const/let/' src/deep/b.js && cat src/deep/b.js",
  "mkdir -p out/x/y && cp -r src out/ && mv out/src/a.js out/x/y/moved.js && rm -r out/src/deep",
  "ln -s ../sorted.txt out/link && ln sorted.txt hard && echo more >> hard && cat out/link",
  'for f in data/*; do echo "$f: $(head -n 1 $f)"; done > report && cat report',
  "chmod 700 report && [ -x report ] && echo executable; stat -c '%a %s' report",
  "awk -F, 'NR > 1 { sum += $2 } END { print sum }' data/people.csv",
  "cat data/nothing; ls nowhere; rmdir out; cd data/notes.txt; echo $?",
  "printf 'a\\0b' > binary && wc -c < binary && diff data/notes.txt sorted.txt; echo $?",
];

describe("just-bash", () => {
  it("runs command lines on a mount as on disk", async () => {
    const { onDisk, onMount } = await inTurn(PROJECT, async (side) => {
      const bash = new Bash({ fs: fileSystem(side), cwd: side.root, env: { PATH: "/usr/bin:/bin" } });
      const results = [];
      for (const line of LINES) {
        const { stdout, stderr, exitCode } = await bash.exec(line);
        results.push({ line, stdout, stderr, exitCode });
      }
      return { results, tree: treeOf(side) };
    });
    const byLine = new Map(onDisk.results.map((result) => [result.line, result.stdout]));
    expect(byLine.get(LINES[1]!)).toBe("Ada\nAlan\nGrace\n");
    expect(byLine.get(LINES[8]!)).toBe("122\n");
    expect(onMount).toEqual(onDisk);
  });
});
