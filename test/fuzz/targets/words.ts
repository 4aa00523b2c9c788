/**
 * Short texts that people and environments give: references, platforms, digests, `SOURCE_DATE_EPOCH`,
 * templates. What is accepted is the same when it is written and read again.
 */
import fc from "fast-check";
import { compileTemplate } from "../../../src/cli/template/template.ts";
import { parseDigest } from "../../../src/oci/digest.ts";
import { formatPlatform, parsePlatform } from "../../../src/oci/platform.ts";
import {
  familiarReference,
  formatReference,
  parseReference,
  withDefaultTag,
} from "../../../src/oci/reference.ts";
import { creationTime, formatTime } from "../../../src/runtime/environment.ts";
import { attempt, Fault, same, type Target } from "../target.ts";

const text = (parts: readonly string[], most: number) =>
  fc
    .array(
      fc.oneof(
        { weight: 8, arbitrary: fc.constantFrom(...parts) },
        { weight: 1, arbitrary: fc.string({ unit: "binary", maxLength: 3 }) },
      ),
      { maxLength: most },
    )
    .map((chosen) => chosen.join(""));

const asBytes = (texts: fc.Arbitrary<string>) => texts.map((text) => new Uint8Array(Buffer.from(text)));

const REFERENCE_PARTS = [
  "a",
  "busybox",
  "library",
  "docker.io",
  "index.docker.io",
  "localhost",
  "example.com",
  "[::1]",
  "127.0.0.1",
  ":5000",
  ":",
  ":latest",
  ":v1.0",
  "/",
  "/",
  "@",
  "@sha256:",
  "@sha512:",
  "a".repeat(64),
  "A",
  "_",
  "__",
  "___",
  ".",
  "..",
  "-",
  "--",
  "0",
  "%",
  " ",
  "é",
  "x".repeat(128),
] as const;

const PLATFORM_PARTS = [
  "linux",
  "windows",
  "amd64",
  "x86_64",
  "arm64",
  "aarch64",
  "arm",
  "armhf",
  "v7",
  "v8",
  "386",
  "/",
  "/",
  "/",
  "*",
  " ",
  "LINUX",
  "(10.0.1)",
  "+",
  "",
] as const;

const DIGEST_PARTS = [
  "sha256:",
  "sha512:",
  "SHA256:",
  "md5:",
  "a".repeat(64),
  "b".repeat(128),
  "0".repeat(63),
  ":",
  "+",
  "g",
] as const;

const EPOCH_PARTS = [
  "0",
  "1",
  "9",
  "1700000000",
  "-",
  "+",
  ".",
  "e",
  " ",
  "0x",
  "999999999999",
  "253402300799",
  "253402300800",
] as const;

const TEMPLATE_PARTS = [
  "{{",
  "{{",
  "}}",
  "}}",
  "{{-",
  "-}}",
  ".",
  ".Name",
  ".Size",
  ".List",
  ".Map",
  ".Nothing",
  "$",
  "$x",
  ":=",
  "=",
  "|",
  "(",
  ")",
  "range ",
  "if ",
  "else",
  "else if ",
  "end",
  "with ",
  "break",
  "continue",
  "define ",
  "template ",
  "block ",
  "json ",
  "len ",
  "index ",
  "printf ",
  "print ",
  "println ",
  "join ",
  "split ",
  "upper ",
  "lower ",
  "title ",
  "pad ",
  "truncate ",
  "slice ",
  "eq ",
  "ne ",
  "lt ",
  "and ",
  "or ",
  "not ",
  "call ",
  "html ",
  "js ",
  "urlquery ",
  '"a"',
  '"%d"',
  '"%s"',
  '"%v %q %T %x"',
  '"%999999999d"',
  '"%*d"',
  '"%!',
  "`raw`",
  "'c'",
  "0",
  "1",
  "-1",
  "99999999999999999999",
  "1.5",
  "0x1f",
  "1e9",
  "true",
  "false",
  "nil",
  "/* c */",
  "/*",
  " ",
  "\n",
  "\t",
  "table ",
  "\\",
  "\\t",
] as const;

const DATA = { Name: "n", Size: 3, List: ["a", "b"], Map: { k: "v" }, Time: "2020-01-01T00:00:00Z" };

export const references: Target = {
  name: "references",
  what: "references, platforms and digests",
  share: 2,
  cases: asBytes(fc.oneof(text(REFERENCE_PARTS, 8), text(PLATFORM_PARTS, 6), text(DIGEST_PARTS, 3))),
  feed(bytes) {
    const given = Buffer.from(bytes).toString();
    const reference = attempt(() => parseReference(given));
    if ("value" in reference) {
      same("a reference in full", parseReference(formatReference(reference.value)), reference.value);
      const tagged = withDefaultTag(reference.value);
      same("a reference as users see it", withDefaultTag(parseReference(familiarReference(tagged))), tagged);
    }
    const platform = attempt(() => parsePlatform(given));
    if ("value" in platform) {
      const formatted = formatPlatform(platform.value);
      same("a platform", formatPlatform(parsePlatform(formatted)), formatted);
    }
    const digest = attempt(() => parseDigest(given));
    if ("value" in digest) same("a digest", digest.value, given);
  },
};

export const epochs: Target = {
  name: "epochs",
  what: "SOURCE_DATE_EPOCH",
  share: 0.5,
  cases: asBytes(text(EPOCH_PARTS, 4)),
  feed(bytes) {
    const given = Buffer.from(bytes).toString();
    const time = attempt(() => creationTime(0n, { SOURCE_DATE_EPOCH: given }));
    if ("error" in time) return;
    const formatted = formatTime(time.value);
    // RFC 3339, which configs are written in, has years of four digits.
    if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/.test(formatted))
      throw new Fault(`the time ${formatted}`);
    same("a time", BigInt(Date.parse(formatted)) * 1_000_000n, time.value);
  },
};

export const templates: Target = {
  name: "templates",
  what: "Go templates of --format, compiled and run",
  share: 1,
  cases: asBytes(
    fc.oneof(
      { weight: 20, arbitrary: text(TEMPLATE_PARTS, 20) },
      {
        weight: 1,
        arbitrary: fc
          .tuple(
            fc.constantFrom("(", "{{if .Name}}", "{{range .List}}", ".a", "| json ", "{{"),
            fc.constantFrom(100, 5000, 50_000),
          )
          .map(([part, times]) => `{{${part.repeat(times)}`),
      },
      {
        weight: 1,
        arbitrary: fc
          .tuple(
            fc.constantFrom("{{if .Name}}", "{{range .List}}", "{{with .Name}}"),
            fc.constantFrom(10, 15, 5000),
          )
          .map(([part, times]) => `${part.repeat(times)}x${"{{end}}".repeat(times)}`),
      },
    ),
  ),
  feed(bytes) {
    const template = attempt(() => compileTemplate(Buffer.from(bytes).toString()));
    if ("value" in template) attempt(() => template.value(DATA));
  },
};
