/**
 * Go templates as `--format` takes them: what they print and what they refuse (text/template).
 */
import { describe, expect, test } from "vitest";
import { compileTemplate } from "../../src/cli/template/template.ts";
import { NIL_MAP, NIL_SLICE } from "../../src/cli/template/value.ts";

const DATA = {
  Id: "sha256:abc",
  Size: 1234,
  Flag: true,
  Empty: "",
  Nothing: null,
  Tags: ["a:1", "b:2"],
  NilSlice: NIL_SLICE,
  NilMap: NIL_MAP,
  Config: { Env: ["A=1", "B=2"], Labels: { z: "26", "a.b": "x y", html: "<&>" }, Cmd: ["/bin/sh"] },
  Nested: [{ K: 1 }, { K: 2 }],
};

describe("prints", () => {
  test.each([
    ["plain text", "plain text"],
    ["{{.Id}} {{.Size}} {{.Flag}}", "sha256:abc 1234 true"],
    ["{{ .Id }}", "sha256:abc"],
    ["{{.Config.Env}}", "[A=1 B=2]"],
    ["{{.Config.Labels}}", "map[a.b:x y html:<&> z:26]"],
    ["{{.Nothing}}", "<no value>"],
    ["{{.NilSlice}}{{.NilMap}}", "[]map[]"],
    ["{{json .NilSlice}} {{json .NilMap}}", "null null"],
    ["{{len .NilSlice}}{{range .NilMap}}x{{else}}none{{end}}", "0none"],
    ["{{json .Config.Labels}}", '{"z":"26","a.b":"x y","html":"<&>"}'],
    ["{{json .}}".replace(".", ".Nested"), '[{"K":1},{"K":2}]'],
    ['{{json "\\u2028"}}', '"\\u2028"'],
    ["{{range .Tags}}{{.}},{{end}}", "a:1,b:2,"],
    ["{{range $i, $t := .Tags}}{{$i}}={{$t}};{{end}}", "0=a:1;1=b:2;"],
    ["{{range $t := .Tags}}{{$t}}{{$.Size}};{{end}}", "a:11234;b:21234;"],
    ["{{range $k, $v := .Config.Labels}}{{$k}}:{{$v}} {{end}}", "a.b:x y html:<&> z:26 "],
    ["{{range .Nested}}{{.K}}{{end}}", "12"],
    ["{{if .Flag}}yes{{else}}no{{end}}", "yes"],
    ["{{if .Empty}}yes{{else if .Size}}size{{else}}no{{end}}", "size"],
    ["{{if not .Empty}}empty{{end}}", "empty"],
    ["{{with .Config}}{{index .Env 1}}{{end}}", "B=2"],
    ["{{with .Empty}}x{{else}}none{{end}}", "none"],
    ['{{index .Config.Labels "a.b"}}', "x y"],
    ['{{index .Config.Labels "missing"}}.', "."],
    ['{{index .Nested 0 "K"}}', "1"],
    ['{{join .Config.Env ", "}}', "A=1, B=2"],
    ['{{split .Id ":"}}', "[sha256 abc]"],
    ['{{index (split .Id ":") 1}}', "abc"],
    ["{{(index .Nested 1).K}}", "2"],
    ['{{upper .Id}} {{lower "ABC"}} {{title "a word"}}', "SHA256:ABC abc A Word"],
    ["{{truncate .Id 6}}|{{pad .Id 1 2}}|{{pad .Empty 1 2}}|", "sha256| sha256:abc  ||"],
    ["{{len .Tags}} {{len .Id}} {{len .Config}}", "2 10 3"],
    ['{{println .Id}}{{print 1 2}} {{print "a" 1}}', "sha256:abc\n1 2 a1"],
    ['{{printf "%-5s|%5d|%q|%%|%v" "ab" 42 "q" .Tags}}', 'ab   |   42|"q"|%|[a:1 b:2]'],
    ['{{.Id | upper | printf "%s!"}}', "SHA256:ABC!"],
    ["{{$x := .Size}}{{$x}}{{$x = 5}}{{$x}}", "12345"],
    [
      '{{if eq .Size 1234 5}}eq{{end}}{{if ne .Id "x"}}ne{{end}}{{if lt .Size 2000}}lt{{end}}{{if ge .Size 9999}}ge{{end}}',
      "eqnelt",
    ],
    ["{{if and .Flag .Size}}and{{end}}{{if or .Empty .Flag}}or{{end}}", "andor"],
    ["a {{- .Size -}} b", "a1234b"],
    ["a{{/* a }} comment */}}b", "ab"],
    ['{{`raw \\n`}} {{"tab\\t"}}', "raw \\n tab\t"],
    ["{{true}} {{false}} {{1.5}} {{-3}}", "true false 1.5 -3"],
    ['{{"}}"}}', "}}"],
    ["}} {", "}} {"],
  ])("%s", (template, expected) => {
    expect(compileTemplate(template)(DATA)).toBe(expected);
  });
});

describe("refuses to parse", () => {
  test.each([
    ["{{", "unclosed action"],
    ["{{.Id", "unclosed action"],
    ["{{nosuch .Id}}", 'function "nosuch" not defined'],
    ["{{if .Flag}}", "unexpected EOF"],
    ["{{end}}", "unexpected {{end}}"],
    ["{{else}}", "unexpected {{else}}"],
    ["{{if .Flag}}{{else}}{{else}}{{end}}", "expected end; found {{else}}"],
    ["{{}}", "missing value for command"],
    ["{{if}}{{end}}", "missing value for command"],
    ["{{.Id .Size}}", "can't give argument to non-function"],
    ["{{.Id | .Size}}", "non executable command in pipeline"],
    ["{{(.Id}}", "unclosed left paren"],
    ["{{.Id)}}", "unexpected right paren"],
    ["{{@}}", 'unexpected "@" in command'],
    ['{{"\\q"}}', "invalid syntax"],
  ])("%s", (template, message) => {
    expect(() => compileTemplate(template)).toThrow(message);
  });
});

describe("refuses to execute", () => {
  test.each([
    ["{{.Missing}}", 'map has no entry for key "Missing"'],
    ["{{.Config.Missing}}", 'map has no entry for key "Missing"'],
    ["{{.constructor}}", 'map has no entry for key "constructor"'],
    ["{{.Id.X}}", "can't evaluate field X in type string"],
    ["{{.Nothing.X}}", 'nil data; no entry for key "X"'],
    ["{{index .Tags 9}}", "index out of range: 9"],
    ['{{index .Tags "a"}}', "cannot index slice/array with type string"],
    ["{{index .Size 1}}", "can't index item of type int"],
    ["{{range .Size}}{{end}}", "range can't iterate over 1234"],
    ["{{len .Nothing}}", "len of nil pointer"],
    ["{{$x}}", 'undefined variable "$x"'],
    ["{{$x = 1}}", 'undefined variable "$x"'],
    ['{{if eq .Size "a"}}{{end}}', "incompatible types for comparison"],
    ["{{truncate .Id .Id}}", "expected integer"],
  ])("%s", (template, message) => {
    expect(() => compileTemplate(template)(DATA)).toThrow(message);
  });
});
