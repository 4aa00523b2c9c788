/**
 * Credentials by registry: where they are looked for and where they are kept.
 *
 * `REGISTRY_AUTH_FILE` comes first, then Docker's `config.json`, then podman's `auth.json`. The first
 * that has something for a registry counts. In each, a helper named for the registry wins over the
 * helper for all, and that over what the file holds; the longest path that matches wins in the file.
 */
import { homedir } from "node:os";
import { join } from "node:path";
import { credentialKeys } from "../endpoint.ts";
import { RegistryError } from "../errors.ts";
import type { Environment } from "../proxy.ts";
import { type AuthConfig, type AuthEntry, readAuthFile, updateAuthFile } from "./config-file.ts";
import { type HelperSecret, helperErase, helperGet, helperStore } from "./helper.ts";

export type Credential =
  | { readonly kind: "password"; readonly username: string; readonly password: string }
  /** A refresh token, which is only ever given for access tokens. */
  | { readonly kind: "identity"; readonly token: string }
  /** A finished access token. */
  | { readonly kind: "bearer"; readonly token: string };

/** The file that `login` and `logout` change, and that is looked at first. */
export function mainAuthFile(env: Environment): string {
  if (env.REGISTRY_AUTH_FILE) return env.REGISTRY_AUTH_FILE;
  return join(env.DOCKER_CONFIG || join(env.HOME ?? homedir(), ".docker"), "config.json");
}

function authFiles(env: Environment): readonly string[] {
  if (env.REGISTRY_AUTH_FILE) return [env.REGISTRY_AUTH_FILE];
  const runtime = env.XDG_RUNTIME_DIR;
  const config = env.XDG_CONFIG_HOME || join(env.HOME ?? homedir(), ".config");
  return [
    mainAuthFile(env),
    ...(runtime ? [join(runtime, "containers/auth.json")] : []),
    join(config, "containers/auth.json"),
  ];
}

function fromEntry(entry: AuthEntry): Credential | undefined {
  if (entry.registrytoken) return { kind: "bearer", token: entry.registrytoken };
  if (entry.identitytoken) return { kind: "identity", token: entry.identitytoken };
  if (entry.auth) {
    const text = Buffer.from(entry.auth, "base64").toString("utf8").replace(/\0+$/, "");
    const colon = text.indexOf(":");
    if (colon > 0)
      return { kind: "password", username: text.slice(0, colon), password: text.slice(colon + 1) };
  }
  if (entry.username !== undefined && entry.password !== undefined) {
    return { kind: "password", username: entry.username, password: entry.password };
  }
  return undefined;
}

function fromHelper({ username, secret, isToken }: HelperSecret): Credential {
  return isToken ? { kind: "identity", token: secret } : { kind: "password", username, password: secret };
}

/** A key of `auths` as domain and path: `https://host/v1/` is the host alone. */
function normalKey(key: string): string {
  const bare = key.replace(/^https?:\/\//, "").replace(/\/+$/, "");
  return bare.replace(/\/v[12]$/, "");
}

/** What keys of `auths` may hold credentials for a repository, best first. */
function candidates(domain: string, repository: string | undefined): readonly string[] {
  const parts = repository === undefined ? [] : repository.split("/");
  const paths = parts.map((_, i) => `${domain}/${parts.slice(0, parts.length - i).join("/")}`);
  return [...paths, ...credentialKeys(domain)];
}

function inFile(config: AuthConfig, domain: string, repository: string | undefined): Credential | undefined {
  const entries = Object.entries(config.auths ?? {});
  for (const wanted of candidates(domain, repository)) {
    const exact = entries.find(([key]) => key === wanted);
    const found = exact ?? entries.find(([key]) => normalKey(key) === normalKey(wanted));
    const credential = found === undefined ? undefined : fromEntry(found[1]);
    if (credential !== undefined) return credential;
  }
  return undefined;
}

function ownMember<T>(object: Readonly<Record<string, T>> | undefined, key: string): T | undefined {
  return object !== undefined && Object.hasOwn(object, key) ? object[key] : undefined;
}

/** The helper that a file names for a registry, and the name it knows the registry by. */
function helperFor(config: AuthConfig, domain: string): readonly [string, string] | undefined {
  const keys = credentialKeys(domain);
  for (const key of keys) {
    const helper = ownMember(config.credHelpers, key);
    if (helper) return [helper, key];
  }
  return config.credsStore ? [config.credsStore, keys[0]!] : undefined;
}

export interface CredentialOptions {
  readonly env: Environment;
  /** Is told of a helper that does not work; what follows is done without it. */
  readonly warn: (message: string) => void;
}

/** Credentials for a repository, or for a registry as such; undefined for none. */
export async function findCredential(
  domain: string,
  repository: string | undefined,
  { env, warn }: CredentialOptions,
): Promise<Credential | undefined> {
  for (const path of authFiles(env)) {
    const config = await readAuthFile(path);
    const helper = helperFor(config, domain);
    if (helper !== undefined) {
      try {
        const secret = await helperGet(...helper, env);
        if (secret !== undefined) return fromHelper(secret);
      } catch (error) {
        if (!(error instanceof RegistryError)) throw error;
        warn(error.message);
      }
    }
    const credential = inFile(config, domain, repository);
    if (credential !== undefined) return credential;
  }
  return undefined;
}

/**
 * Keeps credentials, as Docker does.
 * @returns the file that now holds them unencrypted; undefined where a helper keeps them
 */
export async function storeCredential(
  domain: string,
  credential: { readonly username: string; readonly password: string; readonly identityToken?: string },
  env: Environment,
): Promise<string | undefined> {
  const path = mainAuthFile(env);
  const { username, password, identityToken } = credential;
  const helper = helperFor(await readAuthFile(path), domain);
  if (helper !== undefined) {
    const secret = { username, secret: identityToken ?? password, isToken: identityToken !== undefined };
    await helperStore(...helper, secret, env);
    return undefined;
  }
  const key = credentialKeys(domain)[0]!;
  const encode = (text: string) => Buffer.from(text, "utf8").toString("base64");
  const entry =
    identityToken === undefined
      ? { auth: encode(`${username}:${password}`) }
      : { auth: encode(`${username}:`), identitytoken: identityToken };
  await updateAuthFile(path, (config) => ({ ...config, auths: { ...config.auths, [key]: entry } }));
  return path;
}

/** Forgets credentials for a registry in the file that `login` writes. */
export async function eraseCredential(domain: string, env: Environment): Promise<void> {
  const path = mainAuthFile(env);
  const config = await readAuthFile(path);
  const helper = helperFor(config, domain);
  if (helper !== undefined) await helperErase(...helper, env);
  const keys = new Set(credentialKeys(domain));
  const kept = Object.entries(config.auths ?? {}).filter(
    ([key]) => !keys.has(key) && !keys.has(normalKey(key)),
  );
  if (config.auths === undefined || kept.length === Object.keys(config.auths).length) return;
  await updateAuthFile(path, (current) => ({
    ...current,
    auths: Object.fromEntries(
      Object.entries(current.auths ?? {}).filter(([key]) => kept.some(([name]) => name === key)),
    ),
  }));
}
