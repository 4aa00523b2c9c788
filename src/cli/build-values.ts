/**
 * The values of `strata build`'s flags: lists of `KEY=VALUE`, and what they ask for.
 */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import type { NamedContext } from "../build/build.ts";
import { directoryContext } from "../build/context/directory.ts";
import { ignoring } from "../build/context/view.ts";
import { ignoredOf } from "../build/open-context.ts";
import type { CachePlace } from "../build/shared-cache.ts";
import type { RegistryOptions } from "../registry/session.ts";
import type { Context } from "./context.ts";
import { Failure, messageOf } from "./failure.ts";

const FLAG_ERROR = 125;

export function invalid(flag: string, value: string, why: string): Failure {
  return new Failure(`invalid argument "${value}" for "${flag}" flag: ${why}`, FLAG_ERROR);
}

/** `KEY=VALUE,KEY=VALUE`; a field may be quoted as in CSV. */
export function fields(flag: string, text: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const [part] of text.matchAll(/(?:"(?:[^"]|"")*"|[^,])+/g)) {
    const field = part.startsWith('"') && part.endsWith('"') ? part.slice(1, -1).replaceAll('""', '"') : part;
    const equals = field.indexOf("=");
    if (equals < 0) throw invalid(flag, text, `invalid field '${field}' must be a key=value pair`);
    found.set(field.slice(0, equals).trim().toLowerCase(), field.slice(equals + 1));
  }
  return found;
}

/** `KEY=VALUE`, split at the first `=`; without one, `value` is undefined. */
export function pair(text: string): { readonly key: string; readonly value: string | undefined } {
  const equals = text.indexOf("=");
  return equals < 0
    ? { key: text, value: undefined }
    : { key: text.slice(0, equals), value: text.slice(equals + 1) };
}

/** `--build-arg NAME=VALUE`, or `NAME` for what it is in the environment, if it is there. */
export function buildArgsOf({ terminal }: Context, list: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    list.flatMap((text) => {
      const { key, value = terminal.env[key] } = pair(text);
      return value === undefined ? [] : [[key, value]];
    }),
  );
}

/** `--label KEY[=VALUE]`. */
export function labelsOf(list: readonly string[]): Record<string, string> {
  return Object.fromEntries(list.map(pair).map(({ key, value = "" }) => [key, value]));
}

/** `--annotation [manifest|index:]KEY=VALUE`. */
export function annotationsOf(list: readonly string[], level: "manifest" | "index"): Record<string, string> {
  return Object.fromEntries(
    list.flatMap((text) => {
      const [, levels = "manifest", rest = text] =
        /^((?:manifest|index)(?:,(?:manifest|index))*):(.*)$/s.exec(text) ?? [];
      const { key, value } = pair(rest);
      if (value === undefined || key === "") {
        throw invalid("--annotation", text, `invalid annotation "${text}", expected key=value`);
      }
      return levels.split(",").includes(level) ? [[key, value]] : [];
    }),
  );
}

/** `--secret id=ID[,src=FILE|,env=NAME]`; without either, the variable of that name, else the file. */
export function secretsOf({ terminal }: Context, list: readonly string[]): Record<string, Uint8Array> {
  return Object.fromEntries(
    list.map((text) => {
      const given = fields("--secret", text);
      const type = given.get("type") ?? "file";
      const unknown = [...given.keys()].find((key) => !/^(id|type|src|source|env)$/.test(key));
      if (unknown !== undefined) throw invalid("--secret", text, `unexpected key '${unknown}' in '${text}'`);
      if (!/^(file|env)$/.test(type)) throw invalid("--secret", text, `unsupported secret type ${type}`);
      const path = given.get("src") ?? given.get("source");
      const id = given.get("id") ?? path;
      if (id === undefined) throw invalid("--secret", text, "a secret needs an id");
      const variable = given.get("env") ?? (path === undefined || type === "env" ? (path ?? id) : undefined);
      const value = variable === undefined ? undefined : terminal.env[variable];
      if (value !== undefined) return [id, new TextEncoder().encode(value)];
      if (given.has("env") || type === "env") {
        throw new Failure(`ERROR: failed to stat secret ${id}: the variable ${variable} is not set`);
      }
      try {
        return [id, readFileSync(path ?? id)];
      } catch (error) {
        throw new Failure(`ERROR: failed to read secret ${id}: ${messageOf(error)}`);
      }
    }),
  );
}

/** `--build-context NAME=DIRECTORY|docker-image://REFERENCE|oci-layout://DIRECTORY[:TAG]`. */
export async function contextsOf(
  context: Context,
  list: readonly string[],
): Promise<{ readonly contexts: Record<string, NamedContext>; close(): void }> {
  const contexts: Record<string, NamedContext> = {};
  const open: { close(): void }[] = [];
  for (const text of list) {
    const { key: name, value } = pair(text);
    if (value === undefined || name === "") {
      throw invalid("--build-context", text, `invalid context value: ${text}, expected key=value`);
    }
    const image = /^docker-image:\/\/(.+)$/.exec(value)?.[1];
    const layout = /^oci-layout:\/\/(.+?)(?::([\w][\w.-]*)|@(sha256:[0-9a-f]{64}))?$/.exec(value);
    if (image !== undefined) contexts[name] = { kind: "image", name: image };
    else if (layout !== null) {
      contexts[name] = {
        kind: "image",
        name: await imageOfLayout(context, layout[1]!, layout[2] ?? layout[3]),
      };
    } else if (/^[a-z+]+:\/\//.test(value)) {
      throw invalid("--build-context", text, `${value} is remote; fetch it first, and give its directory`);
    } else {
      const directory = directoryContext(value);
      open.push(directory);
      const all = { files: directory, directory: resolve(value), close() {} };
      contexts[name] = { kind: "files", view: ignoring(directory, ignoredOf(all, undefined)) };
    }
  }
  return {
    contexts,
    close() {
      for (const each of open) each.close();
    },
  };
}

/** Brings an image of a layout into the store. @returns its ID */
async function imageOfLayout(
  context: Context,
  directory: string,
  wanted: string | undefined,
): Promise<string> {
  const { openLayoutSource } = await import("../store/layout-source.ts");
  const source = await openLayoutSource(directory);
  const found = source.images.filter(
    ({ descriptor, names }) =>
      wanted === undefined ||
      descriptor.digest === wanted ||
      names.some((name) => name === wanted || name.endsWith(`:${wanted}`)),
  );
  const [only] = found;
  if (only === undefined || found.length > 1) {
    const many = only === undefined ? "no image" : "several images";
    throw new Failure(`ERROR: ${directory} holds ${many}${wanted === undefined ? "" : ` named ${wanted}`}`);
  }
  const [{ ingestImages }, { Staging }] = await Promise.all([
    import("../store/load.ts"),
    import("../store/staging.ts"),
  ]);
  const store = await context.store();
  const staging = new Staging(store.core.files);
  try {
    const assigned = [{ descriptor: only.descriptor, references: [] }];
    await ingestImages(store.core, { ...source, images: [only] }, assigned, staging, store.platform);
    return (await store.image(only.descriptor.digest)).id;
  } finally {
    await staging.discard();
  }
}

/** `type=registry,ref=NAME`, `type=local,src|dest=DIR`, or a NAME alone. */
export function cachePlace(flag: string, text: string, options: RegistryOptions): CachePlace {
  if (!text.includes("=")) return { kind: "registry", reference: text, options };
  const given = fields(flag, text);
  const type = given.get("type");
  const reference = given.get("ref");
  const directory = given.get(flag === "--cache-to" ? "dest" : "src");
  if (type === "registry" && reference !== undefined) return { kind: type, reference, options };
  if (type === "local" && directory !== undefined) return { kind: type, directory };
  const missing = type === "registry" ? "ref" : flag === "--cache-to" ? "dest" : "src";
  throw invalid(
    flag,
    text,
    type === "registry" || type === "local"
      ? `${missing} is required for a cache of type ${type}`
      : `there are caches of type registry and local, and none of type ${type ?? "nothing"}`,
  );
}
