/**
 * fast-glob and glob find in a mount what they find in the same directory on disk.
 */
import { join } from "node:path";
import fastGlob from "fast-glob";
import { glob, globIterateSync, globStream, globSync } from "glob";
import { describe, expect, it } from "vitest";
import { type Files, inTurn, type Side } from "./sides.ts";

const FILES: Files = {
  "package.json": "{}",
  "README.md": "",
  "CHANGELOG.MD": "",
  ".env": "",
  ".config/settings.json": "{}",
  "src/index.ts": "",
  "src/index.test.ts": "",
  "src/deep/one/two/three/four.ts": "",
  "src/deep/one/two.tsx": "",
  "src/größe.ts": "",
  "src/with space.ts": "",
  "src/[id].ts": "",
  "src/(group)/page.ts": "",
  "src/a{b}c.ts": "",
  "src/back\\slash.ts": "",
  "lib/a1.js": "",
  "lib/a2.js": "",
  "lib/a10.js": "",
  "lib/b.mjs": "",
  "node_modules/x/index.js": "",
  "node_modules/x/node_modules/y/index.js": "",
  "links/to-src": { link: "../src" },
  "links/to-file": { link: "../README.md" },
  "links/dangling": { link: "nowhere" },
  "links/round/and-round": { link: ".." },
};

const PATTERNS = [
  "**",
  "**/*",
  "*",
  "*.*",
  "**/*.ts",
  "**/*.{ts,tsx}",
  "src/**/t*/**",
  "src/*",
  "src/**/!(*.test).ts",
  "lib/a[0-9].js",
  "lib/a{1..10}.js",
  "lib/?.mjs",
  "lib/@(a|b)*",
  "*.md",
  ".*",
  "**/.*/**",
  "links/**",
  "links/*/index.ts",
  "links/round/and-round/to-file",
  "src/\\[id\\].ts",
  "src/\\(group\\)/*",
  "src/with space.ts",
  "**/größe.*",
  "README.md",
  "no/such/*",
  "./src/*.ts",
  "**/node_modules/*/index.js",
];

/** In order of code units, since concurrent walks end in any order. */
const sorted = (found: readonly unknown[]) => found.map((one) => JSON.stringify(one)).sort();

async function collected(stream: AsyncIterable<unknown>): Promise<unknown[]> {
  const all: unknown[] = [];
  for await (const one of stream) all.push(one);
  return all;
}

const resultsOf = (find: (pattern: string) => readonly string[]) =>
  Object.fromEntries(PATTERNS.map((pattern) => [pattern, find(pattern)]));

describe("fast-glob", () => {
  const OPTIONS: readonly fastGlob.Options[] = [
    {},
    { dot: true },
    { onlyFiles: false, markDirectories: true },
    { onlyDirectories: true },
    { followSymbolicLinks: false },
    { deep: 2, unique: false },
    { ignore: ["**/node_modules/**", "**/*.test.ts"] },
    { caseSensitiveMatch: false, baseNameMatch: true },
    { absolute: true },
    { extglob: false, globstar: false, braceExpansion: false },
    { objectMode: true, stats: false },
    { concurrency: 1 },
  ];
  /** The walk goes round through links until the depth ends it. */
  const plain = (found: readonly unknown[]) =>
    sorted(found.map((one) => (typeof one === "string" ? one : (one as fastGlob.Entry).path)));

  it.each(OPTIONS)("with %o", async (options) => {
    const search = async ({ fs, root }: Side) => {
      const settings = { deep: 5, ...options, fs, cwd: root };
      const all = plain(fastGlob.sync(PATTERNS, settings));
      expect(plain(await fastGlob.async(PATTERNS, settings))).toEqual(all);
      expect(plain(await collected(fastGlob.stream(PATTERNS, settings)))).toEqual(all);
      return resultsOf((pattern) => plain(fastGlob.sync(pattern, settings)));
    };
    const { onDisk, onMount } = await inTurn(FILES, search);
    expect(Object.values(onDisk).some((found) => found.length > 2)).toBe(true);
    expect(onMount).toEqual(onDisk);
  });

  it("gives the stats of what it finds, and tells of what it cannot read", async () => {
    const { onDisk, onMount } = await inTurn(FILES, ({ fs, root }) => {
      expect(fastGlob.sync("**", { fs, cwd: join(root, "not-there") })).toEqual([]);
      expect(() => fastGlob.sync("*", { fs, cwd: join(root, "README.md") })).toThrow("ENOTDIR");
      const found = fastGlob.sync("**/*.{ts,md}", { fs, cwd: root, stats: true, deep: 5 });
      return sorted(found.map(({ path, stats }) => [path, stats?.size, stats?.mtimeMs, stats?.isFile()]));
    });
    expect(onDisk.length).toBeGreaterThan(8);
    expect(onMount).toEqual(onDisk);
  });
});

describe("glob", () => {
  const OPTIONS = [
    {},
    { dot: true, nodir: true },
    { mark: true },
    { follow: true, maxDepth: 6 },
    { absolute: true, ignore: ["**/node_modules/**", "lib/**"] },
    { dotRelative: true, posix: true },
    { nocase: true, matchBase: true },
    { realpath: true, nodir: true },
    { noext: true, noglobstar: true, nobrace: true },
    { stat: true, maxDepth: 3 },
    { includeChildMatches: false },
  ] as const;

  it.each(OPTIONS)("with %o", async (options) => {
    const search = async ({ fs, root }: Side) => {
      const settings = { ...options, fs, cwd: root };
      const all = sorted(globSync(PATTERNS, settings));
      expect(sorted(await glob(PATTERNS, settings))).toEqual(all);
      expect(sorted(await collected(globStream(PATTERNS, settings)))).toEqual(all);
      expect(sorted([...globIterateSync(PATTERNS, settings)])).toEqual(all);
      return resultsOf((pattern) => sorted(globSync(pattern, settings)));
    };
    const { onDisk, onMount } = await inTurn(FILES, search);
    expect(Object.values(onDisk).some((found) => found.length > 2)).toBe(true);
    expect(onMount).toEqual(onDisk);
  });

  it("gives paths with their stats", async () => {
    const search = async ({ fs, root }: Side) => {
      const found = await glob("**", { fs, cwd: root, withFileTypes: true, stat: true, dot: true });
      // A directory's size and link count are its filesystem's own affair.
      return sorted(
        found.map((path) => [
          path.relative(),
          path.mode,
          path.mtimeMs,
          path.isDirectory() || [path.size, path.nlink, path.isSymbolicLink()],
        ]),
      );
    };
    const { onDisk, onMount } = await inTurn(FILES, search);
    expect(onDisk.length).toBeGreaterThan(30);
    expect(onMount).toEqual(onDisk);
  });
});
