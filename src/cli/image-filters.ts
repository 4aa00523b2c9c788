/**
 * Which images `strata images` lists: `--filter`, and the repository that was asked for (STORE-AND-CLI
 * 3.5).
 */
import { digestHex } from "../oci/digest.ts";
import { familiarName, parseReference, type Reference, withDefaultTag } from "../oci/reference.ts";
import type { Image } from "../runtime/image.ts";
import { Failure, refused } from "./failure.ts";
import type { ListedImage } from "./images.ts";

/** A shell pattern as Go's path.Match has it: no wildcard matches a slash. */
function globPattern(pattern: string): RegExp {
  const source = pattern.replace(
    /\\(.)|\[(\^?)((?:\\.|[^\]\\])+)\]|[*?]|[^*?[\\]/gs,
    (part, escaped, not, set) => {
      if (escaped !== undefined) return escapeLiteral(escaped);
      if (set !== undefined) return `[${not ? "^" : ""}${set.replace(/\[/g, "\\[")}]`;
      if (part === "*") return "[^/]*";
      return part === "?" ? "[^/]" : escapeLiteral(part);
    },
  );
  try {
    return new RegExp(`^${source}$`, "su");
  } catch {
    throw refused(`syntax error in pattern: ${pattern}`);
  }
}

function escapeLiteral(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&").replace(/\\-/g, "\\x2d");
}

/** `reference=`: matches the familiar name with or without its tag. */
function matchesPattern(image: ListedImage, pattern: string): boolean {
  if (image.repository === undefined) return false;
  const expression = globPattern(pattern);
  const full = `${image.repository}:${image.tag ?? ""}`;
  return expression.test(full) || expression.test(image.repository);
}

/** The argument: a repository with or without a tag; exact, but for its wildcards. */
function matchesName(image: ListedImage, name: string): boolean {
  let reference: Reference | undefined;
  try {
    reference = parseReference(name);
  } catch {
    return matchesPattern(image, name);
  }
  if (image.repository !== familiarName(reference)) return false;
  return reference.tag === undefined || reference.tag === image.tag;
}

function matchesLabel(labels: Readonly<Record<string, string>>, wanted: string): boolean {
  const equals = wanted.indexOf("=");
  const key = equals < 0 ? wanted : wanted.slice(0, equals);
  if (!Object.hasOwn(labels, key)) return false;
  return equals < 0 || labels[key] === wanted.slice(equals + 1);
}

function created(image: ListedImage): number {
  return Date.parse(image.image.config.created ?? "") || 0;
}

/** The image that `before` or `since` names. */
function anchor(images: readonly ListedImage[], text: string): ListedImage {
  let wanted: string | undefined;
  try {
    const reference = withDefaultTag(parseReference(text));
    wanted = `${familiarName(reference)}:${reference.tag}`;
  } catch {
    wanted = undefined;
  }
  const prefix = text.replace(/^sha256:/, "");
  const found =
    images.find(({ repository, tag }) => `${repository}:${tag}` === wanted) ??
    images.find(({ image }) => digestHex(image.id).startsWith(prefix));
  if (found === undefined) throw refused(`No such image: ${wanted ?? text}`);
  return found;
}

function flag(value: string): boolean {
  if (/^(1|true|True|TRUE|t|T)$/.test(value)) return true;
  if (/^(0|false|False|FALSE|f|F)$/.test(value)) return false;
  throw refused(`invalid filter 'dangling=[${value}]'`);
}

const UNITS: ReadonlyMap<string, number> = new Map([
  ["ms", 1],
  ["s", 1000],
  ["m", 60_000],
  ["h", 3_600_000],
]);

/** `until`: a time stamp, or a duration before now. In milliseconds. */
export function untilTime(value: string, now: number): number {
  const parts = [...value.matchAll(/([0-9]+(?:\.[0-9]+)?)(ms|s|m|h)/g)];
  if (parts.length > 0 && parts.map(([part]) => part).join("") === value) {
    return now - parts.reduce((sum, [, count, unit]) => sum + Number(count) * UNITS.get(unit!)!, 0);
  }
  const time = /^[0-9]+(\.[0-9]+)?$/.test(value) ? Number(value) * 1000 : Date.parse(value);
  if (Number.isNaN(time)) throw refused(`failed to parse value as time or duration: "${value}"`);
  return time;
}

type Test = (image: ListedImage) => boolean;

/** `KEY=VALUE` of a filter, with the key in lower case. */
function splitFilter(filter: string, option: string): { key: string; value: string } {
  const equals = filter.indexOf("=");
  if (equals < 0) {
    throw new Failure(
      `invalid argument "${filter}" for "${option}" flag: bad format of filter (expected name=value)`,
      125,
    );
  }
  return { key: filter.slice(0, equals).trim().toLowerCase(), value: filter.slice(equals + 1).trim() };
}

function makeTest(filter: string, all: readonly ListedImage[], now: number): { key: string; test: Test } {
  const { key, value } = splitFilter(filter, "-f, --filter");
  switch (key) {
    case "reference":
      return { key, test: (image) => matchesPattern(image, value) };
    case "label":
      return { key: filter, test: ({ image }) => matchesLabel(image.config.config?.Labels ?? {}, value) };
    case "dangling": {
      const wanted = flag(value);
      return {
        key,
        test: ({ tag }) => (tag === undefined) === wanted,
      };
    }
    case "before": {
      const time = created(anchor(all, value));
      return { key, test: (image) => created(image) < time };
    }
    case "since": {
      const time = created(anchor(all, value));
      return { key, test: (image) => created(image) > time };
    }
    case "until": {
      const time = untilTime(value, now);
      return { key, test: (image) => created(image) < time };
    }
    default:
      throw refused(`Invalid filter '${key}'`);
  }
}

/**
 * The images that are asked for. Filters of one key are alternatives, different keys must all match;
 * each label is a key of its own.
 */
export function filterImages(
  all: readonly ListedImage[],
  name: string | undefined,
  filters: readonly string[],
  now: number,
): readonly ListedImage[] {
  const tests = new Map<string, Test[]>();
  for (const filter of filters) {
    const { key, test } = makeTest(filter, all, now);
    tests.set(key, [...(tests.get(key) ?? []), test]);
  }
  return all.filter(
    (image) =>
      (name === undefined || matchesName(image, name)) &&
      [...tests.values()].every((alternatives) => alternatives.some((test) => test(image))),
  );
}

/** What `--filter` of a prune command means. */
export interface PruneFilter {
  /** `dangling=false`: also images with tags. */
  readonly all: boolean;
  matches(created: string | undefined, labels: Readonly<Record<string, string>> | undefined): boolean;
  /** The same for an image. */
  wanted(image: Image): boolean;
}

/** Filters `until`, `label`, `label!` and `dangling`; all must match. */
export function pruneFilter(filters: readonly string[], now: number): PruneFilter {
  let all = false;
  const tests: ((time: number, labels: Readonly<Record<string, string>>) => boolean)[] = [];
  for (const filter of filters) {
    const { key, value } = splitFilter(filter, "--filter");
    if (key === "dangling") all = !flag(value);
    else if (key === "label") tests.push((_, labels) => matchesLabel(labels, value));
    else if (key === "label!") tests.push((_, labels) => !matchesLabel(labels, value));
    else if (key === "until") {
      const until = untilTime(value, now);
      tests.push((time) => time < until);
    } else throw refused(`Invalid filter '${key}'`);
  }
  const matches: PruneFilter["matches"] = (made, labels = {}) =>
    tests.every((test) => test(Date.parse(made ?? "") || 0, labels));
  return { all, matches, wanted: ({ config }) => matches(config.created, config.config?.Labels) };
}
