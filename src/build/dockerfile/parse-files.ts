/**
 * COPY and ADD: what is copied, where to, and how (5.3).
 */
import { parseHeredocWord } from "./heredoc.ts";
import { jsonForm } from "./json-form.ts";
import type { Request } from "./request.ts";
import type { Word } from "./split.ts";
import type { AddInstruction, CopyInstruction, InlineFile } from "./syntax.ts";
import { blankSeparated } from "./words.ts";

const FLAGS = {
  chown: "value",
  chmod: "value",
  link: "switch",
  parents: "switch",
  exclude: "list",
} as const;
const COPY_FLAGS = { ...FLAGS, from: "value" } as const;
const ADD_FLAGS = { ...FLAGS, checksum: "value", unpack: "switch", "keep-git-dir": "switch" } as const;

/** Arguments in either form. */
export function listArguments(request: Request): { readonly json: boolean; readonly words: readonly Word[] } {
  const { rest } = request;
  const form = jsonForm(rest.text);
  if (form.kind === "mixed") throw request.fail(MIXED_JSON, rest.at);
  return form.kind === "strings"
    ? { json: true, words: form.strings.map((text) => ({ text, at: rest.at })) }
    : { json: false, words: blankSeparated(rest) };
}

export const MIXED_JSON = "when using JSON array syntax, arrays must be comprised of strings only";

/** The file that a heredoc among the sources makes. */
function inlineFile(request: Request, word: Word): InlineFile | undefined {
  const name = parseHeredocWord(word.text)?.name;
  const heredoc = name === undefined ? undefined : request.line.heredocs.find((one) => one.name === name);
  if (heredoc === undefined) return undefined;
  const content = heredoc.chomp ? heredoc.content.replace(/^\t+/gm, "") : heredoc.content;
  return { name: heredoc.name, content, expand: heredoc.expand };
}

function sourcesAndDestination(request: Request) {
  const { json, words } = listArguments(request);
  const last = words.at(-1);
  if (last === undefined || words.length < 2) {
    throw request.failed(
      `${request.name} requires at least two arguments, but only ${words.length === 0 ? "none" : "one"} was provided. Destination could not be determined`,
    );
  }
  if (!json && parseHeredocWord(last.text) !== undefined) {
    throw request.fail(`${request.name} cannot accept a heredoc as a destination`, last.at);
  }
  const sources: string[] = [];
  const files: InlineFile[] = [];
  for (const word of words.slice(0, -1)) {
    const file = json ? undefined : inlineFile(request, word);
    if (file === undefined) sources.push(request.word(word));
    else files.push(file);
  }
  return { sources, files, destination: request.word(last) };
}

export function parseCopy(request: Request): CopyInstruction {
  const { chown, chmod, link = false, parents = false, exclude = [], from } = request.flags(COPY_FLAGS);
  return {
    name: "COPY",
    ...sourcesAndDestination(request),
    link,
    parents,
    exclude: request.words(exclude),
    ...(chown !== undefined && { chown: request.word(chown) }),
    ...(chmod !== undefined && { chmod: request.word(chmod) }),
    ...(from !== undefined && from.text !== "" && { from: request.word(from) }),
    ...request.base(),
  };
}

export function parseAdd(request: Request): AddInstruction {
  const flags = request.flags(ADD_FLAGS);
  const { chown, chmod, link = false, parents = false, exclude = [], checksum, unpack } = flags;
  const keepGitDir = flags["keep-git-dir"];
  return {
    name: "ADD",
    ...sourcesAndDestination(request),
    link,
    parents,
    exclude: request.words(exclude),
    ...(chown !== undefined && { chown: request.word(chown) }),
    ...(chmod !== undefined && { chmod: request.word(chmod) }),
    ...(checksum !== undefined && { checksum: request.word(checksum) }),
    ...(unpack !== undefined && { unpack }),
    ...(keepGitDir !== undefined && { keepGitDir }),
    ...request.base(),
  };
}
