/**
 * The instructions that set one thing of the image or of the build: FROM, ARG, ENV, LABEL, EXPOSE, USER,
 * WORKDIR, VOLUME, STOPSIGNAL, MAINTAINER (5.3).
 */
import { listArguments } from "./parse-files.ts";
import type { Request } from "./request.ts";
import type { Word } from "./split.ts";
import type {
  ArgInstruction,
  EnvInstruction,
  ExposeInstruction,
  FromInstruction,
  KeyValue,
  LabelInstruction,
  MaintainerInstruction,
  StopSignalInstruction,
  UserInstruction,
  VolumeInstruction,
  WorkdirInstruction,
} from "./syntax.ts";
import { trim } from "./text.ts";
import { blankSeparated, quotedWords } from "./words.ts";

const STAGE_NAME = /^[a-z][a-z0-9-_.]*$/;

export function parseFrom(request: Request): FromInstruction {
  const { platform } = request.flags({ platform: "value" });
  const words = blankSeparated(request.rest);
  const [base, as, written] = words;
  const isNamed = words.length === 3 && as?.text.toLowerCase() === "as";
  if (base === undefined || (words.length !== 1 && !isNamed)) {
    throw request.failed("FROM requires either one or three arguments");
  }
  const stageName = written?.text.toLowerCase();
  if (written !== undefined && !STAGE_NAME.test(stageName!)) {
    throw request.fail(
      `invalid name for build stage: ${JSON.stringify(written.text)}, name can't start with a number or contain symbols`,
      written.at,
    );
  }
  return {
    name: "FROM",
    base: request.word(base),
    ...(platform !== undefined && platform.text !== "" && { platform: request.word(platform) }),
    ...(stageName !== undefined && {
      stageName,
      as: { keyword: as!.text, stageName: request.word(written!) },
    }),
    ...request.base(),
  };
}

/** A word at its first `=`; the value is undefined where there is none. */
function split(request: Request, word: Word): { readonly key: string; readonly value: string | undefined } {
  const equals = word.text.indexOf("=");
  if (equals < 0) return { key: request.word(word), value: undefined };
  if (equals === 0) throw request.fail(`${request.name} names can not be blank`, word.at);
  const value = { text: word.text.slice(equals + 1), at: word.at + equals + 1 };
  return { key: request.word({ text: word.text.slice(0, equals), at: word.at }), value: request.word(value) };
}

/** `name=value …`, or the old `name value`, in which the value is the rest of the line. */
function pairs(request: Request): readonly KeyValue[] {
  request.noFlags();
  const { rest } = request;
  const words = quotedWords(rest, request.escapeCharacter);
  const [first] = words;
  if (first === undefined) throw request.failed(`${request.name} requires at least one argument`);
  if (!first.text.includes("=")) {
    const match = /^([^\t\v\f\r ]+)[\t\v\f\r ]+/.exec(rest.text);
    if (match === null) throw request.failed(`${request.name} must have two arguments`);
    const value = { text: rest.text.slice(match[0].length), at: rest.at + match[0].length };
    return [
      { key: request.word({ text: match[1]!, at: rest.at }), value: request.word(value), legacy: true },
    ];
  }
  return words.map((word) => {
    const { key, value } = split(request, word);
    if (value === undefined) {
      throw request.fail(
        `Syntax error - can't find = in ${JSON.stringify(word.text)}. Must be of the form: name=value`,
        word.at,
      );
    }
    return { key, value, legacy: false };
  });
}

export function parseEnv(request: Request): EnvInstruction {
  return { name: "ENV", pairs: pairs(request), ...request.base() };
}

export function parseLabel(request: Request): LabelInstruction {
  return { name: "LABEL", pairs: pairs(request), ...request.base() };
}

export function parseArg(request: Request): ArgInstruction {
  request.noFlags();
  const words = quotedWords(request.rest, request.escapeCharacter);
  if (words.length === 0) throw request.failed("ARG requires at least one argument");
  const args = words.map((word) => {
    const { key, value } = split(request, word);
    return value === undefined ? { key } : { key, value };
  });
  return { name: "ARG", args, ...request.base() };
}

export function parseExpose(request: Request): ExposeInstruction {
  request.noFlags();
  const words = blankSeparated(request.rest);
  if (words.length === 0) throw request.failed("EXPOSE requires at least one argument");
  return { name: "EXPOSE", ports: request.words(words), ...request.base() };
}

/** The rest of the line, which must not be empty. */
function only(request: Request): string {
  request.noFlags();
  if (request.rest.text === "") throw request.failed(`${request.name} requires exactly one argument`);
  return request.word(request.rest);
}

export function parseUser(request: Request): UserInstruction {
  return { name: "USER", user: only(request), ...request.base() };
}

export function parseWorkdir(request: Request): WorkdirInstruction {
  return { name: "WORKDIR", path: only(request), ...request.base() };
}

export function parseStopSignal(request: Request): StopSignalInstruction {
  return { name: "STOPSIGNAL", signal: only(request), ...request.base() };
}

export function parseMaintainer(request: Request): MaintainerInstruction {
  return { name: "MAINTAINER", maintainer: only(request), ...request.base() };
}

export function parseVolume(request: Request): VolumeInstruction {
  request.noFlags();
  const { words } = listArguments(request);
  if (words.length === 0) throw request.failed("VOLUME requires at least one argument");
  const paths = words.map(({ text, at }) => {
    const path = { text: trim(text), at };
    if (path.text === "") throw request.fail("VOLUME specified can not be an empty string", at);
    return request.word(path);
  });
  return { name: "VOLUME", paths, ...request.base() };
}
