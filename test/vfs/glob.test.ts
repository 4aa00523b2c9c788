/**
 * `fs.glob`, `fs.globSync` and `fs.promises.glob`, which Node has from 22 on. A table of patterns, most
 * of them answered by the `glob` package on the same tree, whose matcher is the one Node ships.
 */

import type { Dirent } from "node:fs";
import * as nodeFs from "node:fs";
import { globSync as packageGlob } from "glob";
import { describe, expect, test } from "vitest";
import { grounds, newFs } from "./ground.ts";

const FILES = [
  "a/abc/def",
  "a/abc/.hidden",
  "a/b/c/d",
  "a/bc/e/f",
  "a/c/d/c/b",
  "a/x/.y/b",
  "a/z/.y/b",
  "a/(paren)/f",
  "a/[bracket]/f",
  "a/+plus/é ü",
  ".dot/inside",
  "index.ts",
  "index.test.ts",
  "main.js",
  "file1",
  "file2",
  "file10",
];

const PATTERNS = [
  "*",
  ".*",
  "**/*",
  "**/*.ts",
  "a/*",
  "a/**/f",
  "a/*/*",
  "a/**/b",
  "**/b",
  "a/{b,bc}/**/*",
  "{a,.dot}/**",
  "file?",
  "file[12]",
  "file[!1]",
  "file[^1]",
  "file{1..2}",
  "file[[:digit:]]",
  "*.{ts,js}",
  "!(*.ts)",
  "+(index|main).*",
  "?(main).js",
  "@(main|index).js",
  "*.test.*",
  "a/+plus/*",
  "a/[(]paren[)]/*",
  "a/../index.ts",
  "./index.ts",
  "./*.ts",
  "a/./b/c/*",
  "nope/**",
  "nope",
  "a/link/*",
  "**/link",
  "a/**/.y/**",
  "index.ts",
];

function tree(ground: { readonly fs: typeof nodeFs; at(name: string): string }): void {
  for (const file of FILES) {
    const path = ground.at(file);
    ground.fs.mkdirSync(path.slice(0, path.lastIndexOf("/")), { recursive: true });
    ground.fs.writeFileSync(path, "");
  }
  ground.fs.symlinkSync("b", ground.at("a/link"));
}

function files() {
  const both = grounds(tree);
  return { ...both, fs: both.ours.fs as unknown as ReturnType<typeof newFs> };
}

describe("patterns", () => {
  test("match what the package finds in the same directory", () => {
    const { ours, real, fs, end } = files();
    try {
      for (const pattern of PATTERNS) {
        const expected = packageGlob(pattern, { cwd: real.root, fs: nodeFs as never }).sort();
        expect.soft([...fs.globSync(pattern, { cwd: ours.root })].sort(), pattern).toEqual(expected);
      }
    } finally {
      end();
    }
  });

  test("several at once give each path once, whatever form asks", async () => {
    const { ours, fs, end } = files();
    try {
      const patterns = ["*.ts", "index.*", "file1"];
      const expected = ["file1", "index.test.ts", "index.ts"];
      expect((fs.globSync(patterns, { cwd: ours.root }) as string[]).sort()).toEqual(expected);
      const called = await new Promise<unknown[]>((resolve, reject) => {
        fs.glob(patterns, { cwd: ours.root }, (error, matches) => (error ? reject(error) : resolve(matches)));
      });
      expect(called.sort()).toEqual(expected);
      const iterated: string[] = [];
      const { glob } = fs.promises as unknown as {
        glob(pattern: readonly string[], options: object): AsyncIterable<string>;
      };
      for await (const path of glob(patterns, { cwd: ours.root })) iterated.push(path);
      expect(iterated.sort()).toEqual(expected);
    } finally {
      end();
    }
  });

  test("absolute patterns give absolute paths; a URL may say where to look", () => {
    const { ours, fs, end } = files();
    try {
      expect(fs.globSync(`${ours.root}/file?`)).toEqual([ours.at("file1"), ours.at("file2")]);
      expect(fs.globSync("file?", { cwd: new URL(`file://${ours.root}`) })).toEqual(["file1", "file2"]);
    } finally {
      end();
    }
  });
});

describe("options", () => {
  test("exclude: patterns, or a function that prunes directories", () => {
    const { ours, fs, end } = files();
    try {
      const cwd = ours.root;
      expect(fs.globSync("*.ts", { cwd, exclude: ["*.test.ts"] })).toEqual(["index.ts"]);
      const asked: string[] = [];
      const exclude = (path: string) => asked.push(path) > 0 && path === "a";
      expect(fs.globSync("**/*", { cwd, exclude }).filter((path) => String(path).startsWith("a"))).toEqual(
        [],
      );
      expect(asked.some((path) => path.startsWith("a/"))).toBe(false);
      const found = fs.globSync("a/*", { cwd, exclude: ["a/b", "a/x/**"] });
      expect(found).not.toContain("a/b");
      expect(found).toContain("a/bc");
    } finally {
      end();
    }
  });

  test("withFileTypes", () => {
    const { ours, fs, end } = files();
    try {
      const found = fs.globSync("a/{b,link}", { cwd: ours.root, withFileTypes: true }) as Dirent[];
      const told = found.map((entry) => [
        entry.name,
        entry.parentPath,
        entry.isDirectory(),
        entry.isSymbolicLink(),
      ]);
      expect(told).toEqual([
        ["b", ours.at("a"), true, false],
        ["link", ours.at("a"), false, true],
      ]);
    } finally {
      end();
    }
  });

  test.each([
    ["a pattern that is none", () => newFs().globSync(5 as never)],
    ["a list with one that is none", () => newFs().globSync(["a", 5] as never)],
    ["options that are none", () => newFs().globSync("*", 5 as never)],
    ["exclude that is none", () => newFs().globSync("*", { exclude: 5 })],
    ["cwd that is none", () => newFs().globSync("*", { cwd: 5 })],
  ])("%s is refused", (_what, call) => {
    expect(call).toThrow(expect.objectContaining({ code: "ERR_INVALID_ARG_TYPE" }));
  });

  test("braces that stand for a billion patterns are cut off", () => {
    expect(newFs().globSync("{a,b}".repeat(30), { cwd: "/" })).toEqual([]);
  });
});
