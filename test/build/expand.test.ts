/**
 * Variables and quotes (rules 5.2) as a table: a word, and what it becomes. `!` before an expectation says
 * that it is an error with these words in it.
 *
 * Set are: PWD=/home/me, NAME=app.tar.gz, DIR=/usr/local/lib, EMPTY= (set and empty), KO=한국어, AST=a*b?c,
 * LIST=one two, REP=banana, NL=x⏎y, A=B.
 */
import { describe, expect, test } from "vitest";
import { ExpansionError, expandWord } from "../../src/build/dockerfile/expand.ts";

const VARIABLES: ReadonlyMap<string, string> = new Map([
  ["PWD", "/home/me"],
  ["NAME", "app.tar.gz"],
  ["DIR", "/usr/local/lib"],
  ["EMPTY", ""],
  ["KO", "한국어"],
  ["AST", "a*b?c"],
  ["LIST", "one two"],
  ["REP", "banana"],
  ["NL", "x\ny"],
  ["A", "B"],
]);

const lookup = (name: string) => VARIABLES.get(name);

const ROWS: readonly (readonly [word: string, expected: string])[] = [
  // Plain text and quotes
  ["", ""],
  ["hello", "hello"],
  ["he'll'o", "hello"],
  ["he'llo", "!matching single-quote"],
  ["he\\'llo", "he'llo"],
  ["he\\\\'llo", "!matching single-quote"],
  ["abc\\tdef", "abctdef"],
  ["'abc\\tdef'", "abc\\tdef"],
  ['"abc\\tdef"', "abc\\tdef"],
  ['"abc\\"def"', 'abc"def'],
  ['"abc\\$def"', "abc$def"],
  ['"abc\\\\def"', "abc\\def"],
  ["'abc\\'", "abc\\"],
  ["'abc\\''", "!matching single-quote"],
  ['"abc', "!matching double-quote"],
  ['"abc\\"', "!matching double-quote"],
  ['a"b c"d', "ab cd"],
  ["''", ""],
  ['""', ""],
  ["'\"'", '"'],
  [`"'"`, "'"],
  ["a b", "a b"],
  ["a\\ b", "a b"],
  ["trailing\\", "trailing"],
  ["한국어", "한국어"],
  ["'한국어'", "한국어"],
  ["$KO", "한국어"],
  ["x${KO}x", "x한국어x"],
  ["\\한", "한"],
  ["a<b", "a<b"],
  ["a<<b", "a<<b"],
  // Names
  ["$PWD", "/home/me"],
  ["${PWD}", "/home/me"],
  ["a$PWD", "a/home/me"],
  ["$PWD/x", "/home/me/x"],
  ["$PWDx", ""],
  ["${PWD}x", "/home/mex"],
  ["$PWD$A", "/home/meB"],
  ["$A$A$A", "BBB"],
  ["$a", ""],
  ["$UNSET", ""],
  ["x${UNSET}y", "xy"],
  ["$EMPTY", ""],
  ["$NAME.bak", "app.tar.gz.bak"],
  ["$A_B", ""],
  ["$A-B", "B-B"],
  ["${A}_B", "B_B"],
  ["'$PWD'", "$PWD"],
  ['"$PWD"', "/home/me"],
  ["\"'$PWD'\"", "'/home/me'"],
  ["'\"$PWD\"'", '"$PWD"'],
  ["\\$PWD", "$PWD"],
  ["\\\\$PWD", "\\/home/me"],
  ["\\\\\\$PWD", "\\$PWD"],
  ["\\${PWD}", "${PWD}"],
  ['"\\$PWD"', "$PWD"],
  ['"\\\\$PWD"', "\\/home/me"],
  ["$", "$"],
  ["$$", ""],
  ["a$", "a$"],
  ["$ x", "$ x"],
  ["$/x", "$/x"],
  ["$.", "$."],
  ["'$'", "$"],
  ['"$"', "$"],
  // Special parameters are never set
  ["$1", ""],
  ["$10x", "x"],
  ["$1a", "a"],
  ["$0", ""],
  ["$@", ""],
  ["$*", ""],
  ["$#", ""],
  ["$?", ""],
  ["$!", ""],
  ["$-", ""],
  ["a$@b", "ab"],
  ["${1}", ""],
  ["${@}", ""],
  ["${10:-x}", "x"],
  ["${*-x}", "x"],
  // Braces that are wrong
  ["${", "!missing '}'"],
  ["${}", "!bad substitution"],
  ["${:}", "!bad substitution"],
  ["${:-x}", "!bad substitution"],
  ["${{A}}", "!bad substitution"],
  ["${A", "!missing '}'"],
  ["${A:-x", "!missing '}'"],
  ["${A-", "!missing '}'"],
  ["${A ", "!unsupported modifier ( )"],
  ["${A b}", "!unsupported modifier ( )"],
  ["${A:=x}", "!unsupported modifier (:=)"],
  ["${A=x}", "!unsupported modifier (=)"],
  ["${A:}", "!unsupported modifier (:})"],
  ["${A:0:1}", "!unsupported modifier (:0)"],
  ["${A^^}", "!unsupported modifier (^)"],
  ["${A,,}", "!unsupported modifier (,)"],
  ["${A@Q}", "!unsupported modifier (@)"],
  ["${A.b}", "!unsupported modifier (.)"],
  // :- and -
  ["${A:-x}", "B"],
  ["${UNSET:-x}", "x"],
  ["${EMPTY:-x}", "x"],
  ["${A-x}", "B"],
  ["${UNSET-x}", "x"],
  ["${EMPTY-x}", ""],
  ["${UNSET:-}", ""],
  ["${UNSET:-$A}", "B"],
  ["${UNSET:-${A}}", "B"],
  ["${UNSET:-${OTHER:-deep}}", "deep"],
  ["${UNSET:-a b}", "a b"],
  ["${UNSET:-'a}b'}", "a}b"],
  ['${UNSET:-"a}b"}', "a}b"],
  ["${UNSET:-a\\}b}", "a}b"],
  ["${UNSET:-\\$A}", "$A"],
  ["${UNSET:-'$A'}", "$A"],
  ['"${UNSET:-x y}"', "x y"],
  ["${UNSET:--}", "-"],
  ["${UNSET-:-}", ":-"],
  ["a${UNSET:-b}c${A:-d}e", "abcBe"],
  // :+ and +
  ["${A:+x}", "x"],
  ["${UNSET:+x}", ""],
  ["${EMPTY:+x}", ""],
  ["${A+x}", "x"],
  ["${UNSET+x}", ""],
  ["${EMPTY+x}", "x"],
  ["${A:+$PWD}", "/home/me"],
  ["${A:+-${A}}", "-B"],
  ["${A:+}", ""],
  ["app${A:+-$A}.tar", "app-B.tar"],
  // :? and ?
  ["${A:?no}", "B"],
  ["${A?no}", "B"],
  ["${EMPTY?no}", ""],
  ["${EMPTY:?no}", "!EMPTY: no"],
  ["${UNSET:?no}", "!UNSET: no"],
  ["${UNSET?no}", "!UNSET: no"],
  ["${UNSET?}", "!UNSET: is not allowed to be unset"],
  ["${UNSET:?}", "!UNSET: is not allowed to be unset"],
  ["${EMPTY:?}", "!EMPTY: is not allowed to be empty"],
  ["${UNSET?needs $A}", "!UNSET: needs B"],
  // # and ##
  ["${NAME#app}", ".tar.gz"],
  ["${NAME#*.}", "tar.gz"],
  ["${NAME##*.}", "gz"],
  ["${NAME#nothing}", "app.tar.gz"],
  ["${NAME#}", "app.tar.gz"],
  ["${NAME##}", "app.tar.gz"],
  ["${NAME#*}", "app.tar.gz"],
  ["${NAME##*}", ""],
  ["${NAME#???}", ".tar.gz"],
  ["${NAME#?????????????}", "app.tar.gz"],
  ["${DIR#/*/}", "local/lib"],
  ["${DIR##/*/}", "lib"],
  ["${DIR##*/}", "lib"],
  ["${UNSET#x}", ""],
  ["${EMPTY#x}", ""],
  ["${AST#a\\*}", "b?c"],
  ["${AST#*\\?}", "c"],
  ["${AST#a?}", "b?c"],
  ["${AST#[a]}", "a*b?c"],
  ["${AST#a\\x}", "!invalid escape"],
  ["${NAME#$A}", "app.tar.gz"],
  ["${REP#${REP}}", ""],
  ["${KO#?}", "국어"],
  ["${NL#*}", "x\ny"],
  ["${NL##*}", "\ny"],
  ["${NL#x?}", "x\ny"],
  ["${REP:#b}", "anana"],
  // % and %%
  ["${NAME%.gz}", "app.tar"],
  ["${NAME%.*}", "app.tar"],
  ["${NAME%%.*}", "app"],
  ["${NAME%nothing}", "app.tar.gz"],
  ["${NAME%}", "app.tar.gz"],
  ["${NAME%%*}", ""],
  ["${NAME%*}", "app.tar.gz"],
  ["${NAME%???}", "app.tar"],
  ["${DIR%/*}", "/usr/local"],
  ["${DIR%%/*}", ""],
  ["${AST%\\?c}", "a*b"],
  ["${AST%\\**}", "a"],
  ["${AST%%\\*b\\?c}", "a"],
  ["${REP%a*}", "banan"],
  ["${REP%%a*}", "b"],
  ["${KO%?}", "한국"],
  ["${UNSET%x}", ""],
  ["${A%\\}}", "B"],
  // / and //
  ["${REP/a/o}", "bonana"],
  ["${REP//a/o}", "bonono"],
  ["${REP/an/}", "bana"],
  ["${REP//an/}", "ba"],
  ["${REP//a?/<>}", "b<><>a"],
  ["${REP/*/x}", "x"],
  ["${REP/x/y}", "banana"],
  ["${REP/a*n/-}", "b-a"],
  ["${DIR//\\//:}", ":usr:local:lib"],
  ["${DIR/\\//}", "usr/local/lib"],
  ["${NAME/$A/x}", "app.tar.gz"],
  ["${REP//a/$A}", "bBnBnB"],
  ["${REP//${A}/x}", "banana"],
  ["${UNSET/a/b}", ""],
  ["${REP/a}", "!missing '/' in ${}"],
  ["${REP//a}", "!missing '/' in ${}"],
  ["${REP/a/b", "!missing '}'"],
  ["${REP/\\q/b}", "!invalid pattern"],
  ["${EMPTY/a/b}", ""],
  ["${REP///x}", "xbxaxnxaxnxax"],
  ["${REP//a/\\/}", "b\\/n\\/n\\/"],
  ["${AST//\\*/+}", "a+b?c"],
  ["${AST/\\?/+}", "a*b+c"],
];

describe("a word, expanded", () => {
  test.each(ROWS)("%j is %j", (word, expected) => {
    const expand = () => expandWord(word, { escapeCharacter: "\\", lookup }).text;
    if (!expected.startsWith("!")) expect(expand()).toBe(expected);
    else expect(expand).toThrow(expected.slice(1));
  });
  test("there are enough rows", () => expect(ROWS.length).toBeGreaterThanOrEqual(150));
});

describe("with ` as the escape character", () => {
  test.each([
    ["`$PWD", "$PWD"],
    ["\\$A", "\\B"],
    ["``$A", "`B"],
    ['"`""', '"'],
    ["c:\\dir\\$A", "c:\\dir\\B"],
    ["${UNSET:-`}}", "}"],
    ["x`", "x"],
  ])("%j is %j", (word, expected) => {
    expect(expandWord(word, { escapeCharacter: "`", lookup }).text).toBe(expected);
  });
});

describe("words of a text", () => {
  test.each<[string, readonly string[]]>([
    ["", []],
    ["  ", []],
    ["a", ["a"]],
    ["a b", ["a", "b"]],
    ["  a   b  ", ["a", "b"]],
    ["'a b'", ["a b"]],
    ["'a b' c", ["a b", "c"]],
    ["a\\ b c", ["a b", "c"]],
    ["$LIST", ["one", "two"]],
    ['"$LIST"', ["one two"]],
    ["x$LIST", ["xone", "two"]],
    ["$LIST$LIST", ["one", "twoone", "two"]],
    ["$UNSET a", ["a"]],
    ['"" a', ["a"]],
    ["${UNSET:-a b}", ["a", "b"]],
    ["a\tb\nc", ["a", "b", "c"]],
    ["80 $A/tcp", ["80", "B/tcp"]],
  ])("%j are %j", (text, expected) => {
    expect(expandWord(text, { escapeCharacter: "\\", lookup }).words).toEqual(expected);
  });
});

describe("what is kept on demand", () => {
  const options = { escapeCharacter: "\\", lookup } as const;
  test.each([
    ["quotes", { rawQuotes: true }, `'a' "$A"`, `'a' "B"`],
    ["escapes", { rawEscapes: true }, "\\a $A", "\\a B"],
    ["quotes that mean nothing", { ignoreQuotes: true }, `it's "$A"`, `it's "B"`],
    [
      "variables that are not set",
      { keepUnset: true },
      "$A $X ${X} ${X:-y} ${X//a/b}",
      "B $X ${X} ${X:-y} ${X//a/b}",
    ],
  ] as const)("%s", (_what, keep, word, expected) => {
    expect(expandWord(word, { ...options, ...keep }).text).toBe(expected);
  });
});

test("which variables were used, and which are not set", () => {
  const { used, unset } = expandWord("$A ${UNSET:-$PWD} ${MORE+x}", { escapeCharacter: "\\", lookup });
  expect([...used].sort()).toEqual(["A", "PWD"]);
  expect([...unset].sort()).toEqual(["MORE", "UNSET"]);
});

test("an attack on the stack is an error like any other", () => {
  const word = `${"${x:-".repeat(50_000)}${"}".repeat(50_000)}`;
  expect(() => expandWord(word, { escapeCharacter: "\\", lookup })).toThrow(ExpansionError);
});

test("a pattern of many stars takes no time worth mentioning", () => {
  const long = "a".repeat(2_000);
  const pattern = `${"*a".repeat(50)}b`;
  const options = { escapeCharacter: "\\", lookup: () => long } as const;
  expect(expandWord(`\${x##${pattern}}`, options).text).toBe(long);
  expect(expandWord(`\${x%%${pattern}}`, options).text).toBe(long);
});
