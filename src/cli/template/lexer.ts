/**
 * Go template text (text/template) into text and actions, actions into tokens.
 */

/** A template that cannot be understood. The message is Go's as far as it goes. */
export class TemplateError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "TemplateError";
  }
}

export type Token =
  | { readonly type: "field"; readonly path: readonly string[] }
  | { readonly type: "variable"; readonly name: string; readonly path: readonly string[] }
  | { readonly type: "word"; readonly text: string }
  | { readonly type: "string"; readonly value: string }
  | { readonly type: "number"; readonly value: number }
  | { readonly type: "symbol"; readonly text: "(" | ")" | "|" | ":=" | "=" | "," };

export type Piece =
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "action"; readonly tokens: readonly Token[] };

const SPACE = /[ \t\r\n]/;

/** End of an action's content: the closing braces outside of strings and comments. */
function actionEnd(source: string, start: number): number {
  let quote: string | undefined;
  for (let at = start; at < source.length; at++) {
    const unit = source[at]!;
    if (quote !== undefined) {
      if (unit === "\\" && quote === '"') at += 1;
      else if (unit === quote) quote = undefined;
    } else if (unit === '"' || unit === "`") {
      quote = unit;
    } else if (unit === "}" && source[at + 1] === "}") {
      return at;
    }
  }
  throw new TemplateError("template: :1: unclosed action");
}

const TOKEN = new RegExp(
  [
    "(?<space>[ \\t\\r\\n]+)",
    '"(?<string>(?:[^"\\\\]|\\\\.)*)"',
    "`(?<raw>[^`]*)`",
    "(?<number>[+-]?[0-9]+(?:\\.[0-9]+)?)",
    "\\$(?<variable>[\\p{L}_0-9]*)(?<variablePath>(?:\\.[\\p{L}_][\\p{L}_0-9]*)*)",
    "(?<field>(?:\\.[\\p{L}_][\\p{L}_0-9]*)+|\\.)",
    "(?<word>[\\p{L}_][\\p{L}_0-9]*)",
    "(?<symbol>:=|[()|=,])",
  ].join("|"),
  "uy",
);

function unquote(text: string): string {
  try {
    const escaped = text.replace(/\\([a'v])/g, (_, unit: string) =>
      unit === "'" ? "'" : `\\u${unit === "a" ? "0007" : "000b"}`,
    );
    return JSON.parse(`"${escaped.replace(/\t/g, "\\t")}"`) as string;
  } catch {
    throw new TemplateError(`template: :1: invalid syntax: "${text}"`);
  }
}

function pathOf(text: string): readonly string[] {
  return text.split(".").filter((name) => name !== "");
}

function tokenize(text: string): readonly Token[] {
  const tokens: Token[] = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < text.length) {
    const at = TOKEN.lastIndex;
    const groups = TOKEN.exec(text)?.groups;
    if (groups === undefined) {
      throw new TemplateError(`template: :1: unexpected ${JSON.stringify(text[at])} in command`);
    }
    const { string, raw, number, variable, variablePath, field, word, symbol } = groups;
    if (string !== undefined) tokens.push({ type: "string", value: unquote(string) });
    else if (raw !== undefined) tokens.push({ type: "string", value: raw });
    else if (number !== undefined) tokens.push({ type: "number", value: Number(number) });
    else if (variable !== undefined) {
      tokens.push({ type: "variable", name: variable, path: pathOf(variablePath ?? "") });
    } else if (field !== undefined) tokens.push({ type: "field", path: pathOf(field) });
    else if (word !== undefined) tokens.push({ type: "word", text: word });
    else if (symbol !== undefined) tokens.push({ type: "symbol", text: symbol } as Token);
  }
  return tokens;
}

/** Splits a template at its actions; `{{-` and `-}}` take the white space beside them. */
export function lexTemplate(source: string): readonly Piece[] {
  const pieces: Piece[] = [];
  let trim = false;
  for (let at = 0; ; ) {
    const open = source.indexOf("{{", at);
    let text = source.slice(at, open < 0 ? source.length : open);
    if (trim) text = text.replace(/^[ \t\r\n]+/, "");
    if (open < 0) {
      if (text !== "") pieces.push({ type: "text", text });
      return pieces;
    }
    let start = open + 2;
    if (source[start] === "-" && SPACE.test(source[start + 1] ?? "")) {
      text = text.replace(/[ \t\r\n]+$/, "");
      start += 1;
    }
    if (text !== "") pieces.push({ type: "text", text });
    const comment = /^\s*\/\*[\s\S]*?\*\/\s*-?\}\}/.exec(source.slice(start));
    const end = comment === null ? actionEnd(source, start) : start + comment[0].length - 2;
    trim = source[end - 1] === "-" && SPACE.test(source[end - 2] ?? "");
    if (comment === null) {
      pieces.push({ type: "action", tokens: tokenize(source.slice(start, trim ? end - 1 : end)) });
    }
    at = end + 2;
  }
}
