/**
 * What `RUN --mount=…` asks for: comma-separated fields as in CSV, keys in any case (5.1, 5.3).
 *
 * Values may hold variables, so a mount is parsed when they are known. Before, only what depends on
 * none is checked: the quotes of the fields, and that `from`, which decides what is built, has none.
 */
import { didYouMean } from "./suggest.ts";
import { quoted } from "./text.ts";

interface MountBase {
  /** As it is written; empty where it is not, which a secret and an agent allow. */
  readonly target: string;
  readonly readOnly: boolean;
}

interface Owned {
  /** Permission bits; absent for the type's own default. */
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
}

export interface BindMount extends MountBase {
  readonly type: "bind";
  /** A stage, a named context or an image; absent for the build's context. */
  readonly from?: string;
  readonly source: string;
}

export interface CacheMount extends MountBase, Owned {
  readonly type: "cache";
  /** What names the cache; the target unless given. */
  readonly id?: string;
  readonly from?: string;
  readonly source: string;
  readonly sharing: "shared" | "private" | "locked";
}

export interface TmpfsMount extends MountBase {
  readonly type: "tmpfs";
  /** In bytes; absent for no limit. */
  readonly size?: number;
}

export interface SecretMount extends MountBase, Owned {
  readonly type: "secret";
  readonly id: string;
  /** A variable that gets the secret too, or instead where no target is given. */
  readonly env?: string;
  readonly required: boolean;
}

export interface SshMount extends MountBase, Owned {
  readonly type: "ssh";
  readonly id: string;
  readonly required: boolean;
}

export type RunMount = BindMount | CacheMount | TmpfsMount | SecretMount | SshMount;

export class MountError extends Error {
  override readonly name = "MountError";
}

const TYPES: ReadonlySet<string> = new Set(["bind", "cache", "tmpfs", "secret", "ssh"]);
const SHARING: ReadonlySet<string> = new Set(["shared", "private", "locked"]);
/** Every key by the one it stands for. */
const KEYS: ReadonlyMap<string, string> = new Map([
  ["type", "type"],
  ["from", "from"],
  ["source", "source"],
  ["src", "source"],
  ["target", "target"],
  ["dst", "target"],
  ["destination", "target"],
  ["readonly", "readonly"],
  ["ro", "readonly"],
  ["readwrite", "readwrite"],
  ["rw", "readwrite"],
  ["id", "id"],
  ["sharing", "sharing"],
  ["required", "required"],
  ["size", "size"],
  ["mode", "mode"],
  ["uid", "uid"],
  ["gid", "gid"],
  ["env", "env"],
]);
const SWITCHES: ReadonlySet<string> = new Set(["readonly", "readwrite", "required"]);
const TRUE: ReadonlySet<string> = new Set(["1", "t", "T", "TRUE", "true", "True"]);
const FALSE: ReadonlySet<string> = new Set(["0", "f", "F", "FALSE", "false", "False"]);
const MAX_ID = 2 ** 32 - 1;

/** The fields of one CSV record (RFC 4180). */
function csvFields(text: string): readonly string[] {
  const fields: string[] = [];
  for (let at = 0; ; ) {
    if (text[at] !== '"') {
      const comma = text.indexOf(",", at);
      const field = text.slice(at, comma < 0 ? undefined : comma);
      if (field.includes('"'))
        throw new MountError('failed to parse csv mounts: bare " in a field that is not quoted');
      fields.push(field);
      if (comma < 0) return fields;
      at = comma + 1;
      continue;
    }
    const match = /^"((?:[^"]|"")*)"(?:,|$)/.exec(text.slice(at));
    if (match === null)
      throw new MountError('failed to parse csv mounts: extraneous or missing " in a quoted field');
    fields.push(match[1]!.replaceAll('""', '"'));
    at += match[0].length;
    if (at >= text.length && !match[0].endsWith(",")) return fields;
  }
}

function number(key: string, value: string, radix: 8 | 10): number {
  const parsed = (radix === 8 ? /^[0-7]+$/ : /^[0-9]+$/).test(value)
    ? Number.parseInt(value, radix)
    : Number.NaN;
  if (!(parsed <= MAX_ID)) throw new MountError(`invalid value ${value} for ${key}`);
  return parsed;
}

function flag(key: string, value: string): boolean {
  if (!TRUE.has(value) && !FALSE.has(value)) throw new MountError(`invalid value for ${key}: ${value}`);
  return TRUE.has(value);
}

const UNIT_POWERS = "bkmgtp";

/** Bytes of a size such as `64m`, `1.5GiB`. */
function bytes(key: string, value: string): number {
  const match = /^(\d+(?:\.\d+)?) ?([bkmgtp])?(?:i?b)?$/i.exec(value);
  const size = match === null ? Number.NaN : Math.trunc(Number(match[1]) * 1024 ** power(match[2]));
  if (!Number.isSafeInteger(size)) throw new MountError(`invalid value for ${key}: ${value}`);
  return size;
}

function power(unit: string | undefined): number {
  return unit === undefined ? 0 : UNIT_POWERS.indexOf(unit.toLowerCase());
}

/** The keys of a mount and their values. A switch without a value is `true`. */
function fieldsOf(text: string, expand: (word: string) => string): ReadonlyMap<string, string> {
  const values = new Map<string, string>();
  for (const field of csvFields(text)) {
    const equals = field.indexOf("=");
    const written = (equals < 0 ? field : field.slice(0, equals)).toLowerCase();
    const key = KEYS.get(written);
    if (equals < 0 && (key === undefined || !SWITCHES.has(key))) {
      throw new MountError(`invalid field '${field}' must be a key=value pair`);
    }
    if (key === undefined) {
      throw new MountError(`unexpected key '${written}' in '${field}'${didYouMean(written, KEYS.keys())}`);
    }
    const value = equals < 0 ? "true" : expand(field.slice(equals + 1));
    if (key === "readwrite") values.set("readonly", String(!flag(written, value)));
    else if (key === "readonly") values.set("readonly", String(flag(written, value)));
    else values.set(key, value);
  }
  return values;
}

/** Keys that only some types know. */
const KEY_TYPES: ReadonlyMap<string, readonly string[]> = new Map([
  ["required", ["secret", "ssh"]],
  ["size", ["tmpfs"]],
  ["env", ["secret"]],
]);

function checkKeys(type: string, values: ReadonlyMap<string, string>): void {
  for (const [key, types] of KEY_TYPES) {
    if (values.has(key) && !types.includes(type)) {
      throw new MountError(`unexpected key '${key}' for mount type '${type}'`);
    }
  }
  if (type === "bind" || type === "tmpfs") {
    for (const key of ["mode", "uid", "gid"]) {
      if (values.has(key)) throw new MountError(`${key} not allowed for ${quoted(type)} type mounts`);
    }
  }
  if (type === "secret" && values.get("from")) throw new MountError("secret mount should not have a from");
  if (values.has("sharing") && type !== "cache") {
    throw new MountError(
      type === "secret"
        ? "secret mount should not define sharing"
        : `invalid cache sharing set for ${type} mount`,
    );
  }
}

function owned(values: ReadonlyMap<string, string>): Owned {
  const mode = values.get("mode");
  const uid = values.get("uid");
  const gid = values.get("gid");
  return {
    ...(mode !== undefined && { mode: number("mode", mode, 8) }),
    ...(uid !== undefined && { uid: number("uid", uid, 10) }),
    ...(gid !== undefined && { gid: number("gid", gid, 10) }),
  };
}

function sharingOf(value: string | undefined): CacheMount["sharing"] {
  const sharing = (value ?? "shared").toLowerCase();
  if (!SHARING.has(sharing)) {
    throw new MountError(`unsupported sharing value ${quoted(value ?? "")}${didYouMean(sharing, SHARING)}`);
  }
  return sharing as CacheMount["sharing"];
}

function secret(base: MountBase, values: ReadonlyMap<string, string>): SecretMount {
  const source = values.get("source") ?? "";
  const id = values.get("id") ?? "";
  if (source !== "" && id !== "") throw new MountError("both source and id can't be set");
  if (source === "" && id === "" && base.target === "") {
    throw new MountError("invalid secret mount. one of source, target required");
  }
  const name = id || source || base.target.slice(base.target.lastIndexOf("/") + 1);
  const env = values.get("env");
  const required = flag("required", values.get("required") ?? "false");
  return { ...base, ...owned(values), type: "secret", id: name, required, ...(env && { env }) };
}

/**
 * Parses the value of `--mount`.
 * @param expand gives a field's value with its variables expanded
 * @throws MountError, and what `expand` throws
 */
export function parseMount(text: string, expand: (word: string) => string): RunMount {
  const values = fieldsOf(text, expand);
  const written = values.get("type") ?? "bind";
  const type = written.toLowerCase();
  if (!TYPES.has(type))
    throw new MountError(`unsupported mount type ${quoted(written)}${didYouMean(type, TYPES)}`);
  checkKeys(type, values);
  const readOnly = flag("readonly", values.get("readonly") ?? String(type !== "cache" && type !== "tmpfs"));
  const base = { target: values.get("target") ?? "", readOnly };
  const from = values.get("from");
  const where = { source: values.get("source") ?? "", ...(from && { from }) };
  const id = values.get("id");
  switch (type) {
    case "cache": {
      const sharing = sharingOf(values.get("sharing"));
      return { ...base, ...owned(values), ...where, type, sharing, ...(id && { id }) };
    }
    case "tmpfs": {
      const size = values.get("size");
      return { ...base, type, ...(size !== undefined && { size: bytes("size", size) }) };
    }
    case "secret":
      return secret(base, values);
    case "ssh": {
      const required = flag("required", values.get("required") ?? "false");
      return { ...base, ...owned(values), type, id: id || "default", required };
    }
    default:
      return { ...base, ...where, type: "bind" };
  }
}

/** What can be known of a mount before any variable is: where it takes files from. */
export interface MountSource {
  /** A stage, a named context or an image; undefined where it has none, or is a tmpfs. */
  readonly from: string | undefined;
}

/**
 * Checks a mount whose values may hold variables.
 * @throws MountError where its fields are not separated, or `from` has a variable
 */
export function mountSource(text: string): MountSource {
  let from: string | undefined;
  let type = "bind";
  for (const field of csvFields(text)) {
    const [key = "", ...rest] = field.split("=");
    const value = rest.join("=");
    if (key.toLowerCase() === "type") type = value.toLowerCase();
    if (key.toLowerCase() !== "from" || value === "") continue;
    if (/\$./.test(value)) {
      throw new MountError("'from' doesn't support variable expansion, define alias stage instead");
    }
    from = value;
  }
  return { from: type === "tmpfs" ? undefined : from };
}
