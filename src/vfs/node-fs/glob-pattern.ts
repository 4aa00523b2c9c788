/**
 * Glob patterns as `fs.glob` takes them (minimatch without `dot`): braces, `*`, `?`, classes, extended
 * patterns and `**`. A backslash is a separator, not an escape, so that a pattern means the same on
 * every system.
 */

/** Any number of directories. */
export const GLOBSTAR = Symbol("**");

/** A component of a pattern: a name as it is, an expression for one, or any number of directories. */
export type Part = string | RegExp | typeof GLOBSTAR;

const MAGIC = /[*?[]|[!+@]\(/;

/** How many patterns the braces of one may make. */
const MAX_EXPANSIONS = 10_000;

/** The patterns that one pattern's braces stand for, each as its components. */
export function compilePattern(pattern: string): Part[][] {
  return expandBraces(pattern.replaceAll("\\", "/"), MAX_EXPANSIONS).map((text) =>
    simplify(text.split("/")).map((part) => compilePart(part)),
  );
}

/** Without `.`, empty components but the first and the last, and `a/..`. */
function simplify(parts: readonly string[]): string[] {
  const kept: string[] = [];
  parts.forEach((part, at) => {
    const isEdge = at === 0 || at === parts.length - 1;
    const before = kept.at(-1);
    if ((part === "" || part === ".") && !isEdge) return;
    if (part === "**" && before === "**") return;
    if (part === ".." && before !== undefined && !["", ".", "..", "**"].includes(before)) kept.pop();
    else kept.push(part);
  });
  return kept.length === 0 ? ["."] : kept;
}

function compilePart(part: string): Part {
  if (part === "**") return GLOBSTAR;
  return MAGIC.test(part)
    ? new RegExp(`^${part.startsWith(".") ? "" : "(?!\\.)"}${translate(part)}$`, "su")
    : part;
}

function literal(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&");
}

const CLASSES: { readonly [name: string]: string } = {
  alnum: "\\p{L}\\p{Nl}\\p{Nd}",
  alpha: "\\p{L}\\p{Nl}",
  ascii: "\\x00-\\x7f",
  blank: "\\p{Zs}\\t",
  cntrl: "\\p{Cc}",
  digit: "\\p{Nd}",
  graph: "\\x21-\\x7e",
  lower: "\\p{Ll}",
  print: "\\x20-\\x7e",
  punct: "\\p{P}",
  space: "\\s",
  upper: "\\p{Lu}",
  word: "\\p{L}\\p{Nl}\\p{Nd}\\p{Pc}",
  xdigit: "A-Fa-f0-9",
};

/** A bracket expression that begins at `at`: its expression and where it ends, or undefined for a plain `[`. */
function bracket(text: string, at: number): { source: string; end: number } | undefined {
  let index = at + 1;
  const negated = text[index] === "!" || text[index] === "^";
  if (negated) index += 1;
  let source = "";
  for (let first = true; ; first = false) {
    const char = text[index];
    if (char === undefined) return undefined;
    if (char === "]" && !first) break;
    const named = /^\[:([a-z]+):\]/.exec(text.slice(index));
    const range = /^(.)-([^\]])/su.exec(text.slice(index));
    if (named !== null && CLASSES[named[1]!] !== undefined) {
      source += CLASSES[named[1]!];
      index += named[0].length;
    } else if (range !== null) {
      if (range[1]! <= range[2]!) source += `${literal(range[1]!)}-${literal(range[2]!)}`;
      index += range[0].length;
    } else {
      source += literal(char);
      index += 1;
    }
  }
  if (source === "") return { source: negated ? "[^/]" : "(?!)", end: index + 1 };
  return { source: `[${negated ? "^" : ""}${source}]`, end: index + 1 };
}

/** The alternatives of an extended pattern whose `(` is at `at`, and where it ends. */
function alternatives(text: string, at: number): { list: string[]; end: number } | undefined {
  const list: string[] = [];
  let depth = 0;
  let start = at + 1;
  for (let index = at; index < text.length; index++) {
    const char = text[index];
    if (char === "(") depth += 1;
    else if (char === "|" && depth === 1) {
      list.push(text.slice(start, index));
      start = index + 1;
    } else if (char === ")" && --depth === 0) {
      list.push(text.slice(start, index));
      return { list, end: index + 1 };
    }
  }
  return undefined;
}

function translate(text: string): string {
  let source = "";
  for (let index = 0; index < text.length; ) {
    const char = text[index]!;
    const extended =
      "?*+@!".includes(char) && text[index + 1] === "(" ? alternatives(text, index + 1) : undefined;
    if (extended !== undefined) {
      const choice = `(?:${extended.list.map(translate).join("|")})`;
      const rest = text.slice(extended.end);
      if (char === "!") return `${source}(?!${choice}${translate(rest)}$)[^/]*?${translate(rest)}`;
      source += char === "@" ? choice : choice + char;
      index = extended.end;
      continue;
    }
    const set = char === "[" ? bracket(text, index) : undefined;
    if (set !== undefined) {
      source += set.source;
      index = set.end;
      continue;
    }
    source += char === "*" ? "[^/]*?" : char === "?" ? "[^/]" : literal(char);
    index += 1;
  }
  return source;
}

/** Where the brace at `at` closes, and the commas of its own level. */
function braceParts(text: string, at: number): { parts: string[]; end: number } | undefined {
  const parts: string[] = [];
  let depth = 0;
  let start = at + 1;
  for (let index = at; index < text.length; index++) {
    const char = text[index];
    if (char === "{") depth += 1;
    else if (char === "," && depth === 1) {
      parts.push(text.slice(start, index));
      start = index + 1;
    } else if (char === "}" && --depth === 0) {
      parts.push(text.slice(start, index));
      return { parts, end: index + 1 };
    }
  }
  return undefined;
}

/** The members of `1..5`, `01..10..2` or `a..e`. */
function sequence(text: string): string[] | undefined {
  const found = /^(-?\d+|[A-Za-z])\.\.(-?\d+|[A-Za-z])(?:\.\.(-?\d+))?$/.exec(text);
  if (found === null) return undefined;
  const [, first, last, by] = found as unknown as [string, string, string, string | undefined];
  const numeric = /\d/.test(first);
  if (numeric !== /\d/.test(last)) return undefined;
  const value = (part: string) => (numeric ? Number(part) : part.charCodeAt(0));
  const [from, to] = [value(first), value(last)];
  const step = Math.max(1, Math.abs(Number(by ?? 1))) * (from <= to ? 1 : -1);
  const padded = numeric && /^-?0\d/.test(`${first}|${last}`.replace(/.*\|(?=-?0\d)/, ""));
  const width = padded ? Math.max(first.length, last.length) : 0;
  const members: string[] = [];
  for (let at = from; step > 0 ? at <= to : at >= to; at += step) {
    if (members.length >= MAX_EXPANSIONS) break;
    const digits = String(Math.abs(at)).padStart(at < 0 ? width - 1 : width, "0");
    members.push(numeric ? (at < 0 ? `-${digits}` : digits) : String.fromCharCode(at));
  }
  return members;
}

/** As a shell expands braces; `${` is none, nor is a brace without a comma or a sequence. */
export function expandBraces(text: string, limit: number): string[] {
  for (let at = text.indexOf("{"); at >= 0; at = text.indexOf("{", at + 1)) {
    if (text[at - 1] === "$") continue;
    const brace = braceParts(text, at);
    if (brace === undefined) continue;
    const members = brace.parts.length > 1 ? brace.parts : sequence(brace.parts[0]!);
    if (members === undefined) continue;
    const before = text.slice(0, at);
    const rests = expandBraces(text.slice(brace.end), limit);
    const results: string[] = [];
    for (const member of members) {
      for (const inner of brace.parts.length > 1 ? expandBraces(member, limit) : [member]) {
        for (const rest of rests) {
          if (results.length >= limit) return results;
          results.push(before + inner + rest);
        }
      }
    }
    return results;
  }
  return [text];
}
