/**
 * Patterns: Go's `path.Clean` and `filepath.Match`, `.dockerignore` (rules 5.4).
 */
import { describe, expect, test } from "vitest";
import { parseDockerignore } from "../../src/build/files/dockerignore.ts";
import { compileMatch, hasWildcards } from "../../src/build/files/match.ts";
import { cleanPath, joinPaths } from "../../src/build/files/path.ts";
import { Patterns } from "../../src/build/files/patterns.ts";

test.each([
  ["", "."],
  ["abc", "abc"],
  ["abc/", "abc"],
  ["abc//def", "abc/def"],
  ["./abc/./d", "abc/d"],
  ["abc/..", "."],
  ["abc/../..", ".."],
  ["../../a", "../../a"],
  ["/..", "/"],
  ["/../a", "/a"],
  ["//a", "/a"],
  ["/a/../../b", "/b"],
  ["a/../b/..", "."],
])("path.Clean(%j) is %j", (path, expected) => {
  expect(cleanPath(path)).toBe(expected);
});

test.each([
  [["a", "b"], "a/b"],
  [["", ""], ""],
  [["a", ""], "a"],
  [["/", "a/../b"], "/b"],
  [["a", "../../b"], "../b"],
])("path.Join(%j) is %j", (parts, expected) => {
  expect(joinPaths(...parts)).toBe(expected);
});

describe("filepath.Match", () => {
  test.each<[pattern: string, name: string, matches: boolean]>([
    ["abc", "abc", true],
    ["*", "abc", true],
    ["*c", "abc", true],
    ["a*", "a", true],
    ["a*", "abc", true],
    ["a*", "ab/c", false],
    ["a*/b", "abc/b", true],
    ["a*/b", "a/c/b", false],
    ["a*b*c*d*e*/f", "axbxcxdxe/f", true],
    ["a*b*c*d*e*/f", "axbxcxdxexxx/f", true],
    ["a*b*c*d*e*/f", "axbxcxdxe/xxx/f", false],
    ["a*b?c*x", "abxbbxdbxebxczzx", true],
    ["a*b?c*x", "abxbbxdbxebxczzy", false],
    ["ab[c]", "abc", true],
    ["ab[b-d]", "abc", true],
    ["ab[e-g]", "abc", false],
    ["ab[^c]", "abc", false],
    ["ab[^b-d]", "abc", false],
    ["ab[^e-g]", "abc", true],
    ["a\\*b", "a*b", true],
    ["a\\*b", "ab", false],
    ["a?b", "a☺b", true],
    ["a[^a]b", "a☺b", true],
    ["a???b", "a☺b", false],
    ["[a-ζ]*", "α", true],
    ["*[a-ζ]", "A", false],
    ["a?b", "a/b", false],
    ["a*b", "a/b", false],
    ["a[/]b", "a/b", true],
    ["[\\]a]", "]", true],
    ["[\\-]", "-", true],
    ["[x\\-]", "x", true],
    ["[x\\-]", "-", true],
    ["[x\\-]", "z", false],
    ["[\\-x]", "a", false],
    ["*x", "xxx", true],
    ["", "", true],
    ["", "a", false],
    ["?", "", false],
    ["**", "ab", true],
    ["**", "a/b", false],
    ["a\\\\b", "a\\b", true],
    ["?", "\udc80", true],
  ])("%j of %j: %s", (pattern, name, matches) => {
    expect(compileMatch(pattern)(name)).toBe(matches);
  });

  test.each([
    "[]a]",
    "[-]",
    "[x-]",
    "[-x]",
    "[a-b-c]",
    "[",
    "[^",
    "[^bc",
    "a[",
    "a[b",
    "\\",
    "a\\",
    "[\\",
    "[a-",
  ])("%j is no pattern", (pattern) => {
    expect(() => compileMatch(pattern)).toThrow("syntax error in pattern");
  });

  test("many stars", () => {
    expect(compileMatch(`${"a*".repeat(500)}b`)("a".repeat(5_000))).toBe(false);
  });

  test.each([
    ["a", false],
    ["a*", true],
    ["a\\*", false],
    ["a\\\\*", true],
    ["[a]", true],
    ["a?", true],
  ])("%j has wildcards: %s", (name, expected) => {
    expect(hasWildcards(name)).toBe(expected);
  });
});

describe("a list of patterns", () => {
  test.each<[list: readonly string[], path: string, matches: boolean]>([
    [["**"], "file", true],
    [["**"], "dir/file", true],
    [["**/"], "dir/file", true],
    [["**/**"], "dir/file", true],
    [["dir/**"], "dir/file", true],
    [["dir/**"], "dir/dir2/file", true],
    [["dir/**"], "dir", false],
    [["dir/**/"], "dir/file", true],
    [["**/file"], "file", true],
    [["**/file"], "dir/dir/file", true],
    [["**/file"], "dir/xfile", false],
    [["**/file*"], "dir/file.txt", true],
    [["**/*.txt"], "a.txt", true],
    [["**file"], "xfile", true],
    [["**file"], "dir/xfile", true],
    [["**/a/b"], "x/a/b", true],
    [["a/**/b"], "a/b", true],
    [["a/**/b"], "a/x/y/b", true],
    [["a/**/b"], "a/xb", false],
    [["a**b"], "ab", true],
    [["a**b"], "a/x/b", true],
    [["a**b"], "ax/b", true],
    [["a**"], "abc/d", true],
    [["a**/*.txt"], "a/b/c.txt", true],
    [["*"], "dir/file", true],
    [["*.go"], "dir/x.go", false],
    [["*/*.go"], "dir/x.go", true],
    [["?"], "a", true],
    [["?"], "/", false],
    [["dir"], "dir/file", true],
    [["dir"], "dirx", false],
    [["dir/"], "dir/file", true],
    [["a/b"], "a/b/c/d", true],
    [["a/*"], "a/b/c", true],
    [["a/*/c"], "a/b/c/d", true],
    [["abc.def"], "abcxdef", false],
    [["a+b"], "a+b", true],
    [["a(b)|{c}$^"], "a(b)|{c}$^", true],
    [["[a-c]x"], "bx", true],
    [["[^a-c]x"], "bx", false],
    [["a\\*b"], "a*b", true],
    [["a\\*b"], "axb", false],
    [["a b"], "a b", true],
    [["  x  "], "x", true],
    [["./x"], "x", true],
    [["x/../y"], "y", true],
    // Taken back
    [["*", "!keep"], "keep", false],
    [["*", "!keep"], "other", true],
    [["!keep", "*"], "keep", true],
    [["*.md", "!README*.md", "README-secret.md"], "README-secret.md", true],
    [["*.md", "!README*.md", "README-secret.md"], "README.md", false],
    [["dir", "!dir/keep"], "dir/keep", false],
    [["dir", "!dir/keep"], "dir/keep/below", false],
    [["dir", "!dir/keep"], "dir/other", true],
    [["dir/*", "!dir/keep"], "dir/keep", false],
    [["dir", "!dir"], "dir/x", false],
    [["dir/x", "!dir"], "dir/x", false],
    [["**", "!**/*.go"], "a/b/x.go", false],
    [["**", "!**/*.go"], "a/b/x.c", true],
    [["a", "!a/b", "a/b/c"], "a/b/c/d", true],
    [["!x"], "x", false],
    [[], "x", false],
    [["", "  "], "x", false],
  ])("%j of %j: %s", (list, path, matches) => {
    expect(Patterns.parse(list).matches(path)).toBe(matches);
  });

  test("`!` alone, and a class without an end", () => {
    expect(() => Patterns.parse(["!"])).toThrow('illegal exclusion pattern: "!"');
    expect(() => Patterns.parse(["a[b"])).toThrow("syntax error in pattern");
  });

  test.each<[list: readonly string[], directory: string, may: boolean]>([
    [["a", "!a/b"], "a", true],
    [["a", "!a/b"], "a/c", false],
    [["a", "!b"], "a", false],
    [["a", "!**/x"], "a/b/c", true],
    [["a", "!*/x"], "a", true],
    [["a", "!*/x"], "a/b", false],
    [["a", "b"], "a", false],
  ])("%j: something below %j may be taken back: %s", (list, directory, may) => {
    expect(Patterns.parse(list).mayTakeBackBelow(directory)).toBe(may);
  });
});

describe(".dockerignore", () => {
  test.each<[content: string, texts: readonly string[]]>([
    ["", []],
    ["a\nb\n", ["a", "b"]],
    ["a\r\nb\r\n", ["a", "b"]],
    ["\ufeffa", ["a"]],
    ["# c\na\n #b", ["a", "#b"]],
    ["  a  \n\n\t\n", ["a"]],
    ["/a\n//b\n/", ["a", "b", "/"]],
    ["!/a\n! b\n!  /c/", ["!a", "!b", "!c"]],
    ["./a/../b/", ["b"]],
    ["a/./**//c", ["a/**/c"]],
    ["../x", ["../x"]],
    [".", ["."]],
  ])("%j has %j", (content, texts) => {
    expect(parseDockerignore(content).texts).toEqual(texts);
  });

  test("what is wrong is told with its line", () => {
    expect(() => parseDockerignore("a\n\n[x")).toThrow(/^\.dockerignore:3: syntax error in pattern/);
    expect(() => parseDockerignore("!", "D.dockerignore")).toThrow(
      'D.dockerignore:1: illegal exclusion pattern: "!"',
    );
  });
});
