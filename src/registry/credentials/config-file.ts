/**
 * Docker's `config.json` and podman's `auth.json`: the same format in two places (REGISTRY 4.1.6).
 *
 * A file is changed by writing another one aside and renaming it, so that a reader never sees half of
 * it; it is only its owner's to read. A link is followed, never replaced. What this version does not
 * know stays as it is.
 */
import { mkdir, open, readFile, realpath, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import * as v from "valibot";
import { OciError } from "../../oci/errors.ts";
import { type JsonObject, parseJson, validate } from "../../oci/json.ts";
import { RegistryError } from "../errors.ts";

const MAX_CONFIG = 4 * 1024 * 1024;

const entrySchema = v.looseObject({
  auth: v.optional(v.string()),
  username: v.optional(v.string()),
  password: v.optional(v.string()),
  identitytoken: v.optional(v.string()),
  registrytoken: v.optional(v.string()),
});
const configSchema = v.looseObject({
  auths: v.optional(v.record(v.string(), entrySchema)),
  credHelpers: v.optional(v.record(v.string(), v.string())),
  credsStore: v.optional(v.string()),
});

export type AuthEntry = v.InferOutput<typeof entrySchema>;
export type AuthConfig = v.InferOutput<typeof configSchema>;

/**
 * Reads a file of credentials; an empty document where there is none.
 * @throws RegistryError (`credentials`) for one that cannot be understood; its content is not repeated
 */
export async function readAuthFile(path: string): Promise<AuthConfig> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return {};
    throw error;
  }
  if (bytes.every((byte) => byte === 0x20 || byte === 0x0a)) return {};
  try {
    return validate(configSchema, parseJson(bytes, path, MAX_CONFIG), path);
  } catch (cause) {
    if (!(cause instanceof OciError)) throw cause;
    throw new RegistryError("credentials", cause.message, { cause });
  }
}

async function target(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    return path;
  }
}

/** Changes a file of credentials. `change` is given the whole document and gives the new one. */
export async function updateAuthFile(
  path: string,
  change: (config: AuthConfig) => JsonObject | AuthConfig,
): Promise<void> {
  const changed = change(await readAuthFile(path));
  const file = await target(path);
  const aside = `${file}.${process.pid}.tmp`;
  try {
    const handle = await open(aside, "w", 0o600);
    try {
      await handle.writeFile(JSON.stringify(changed, undefined, "\t"));
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(aside, file);
  } catch (error) {
    await rm(aside, { force: true });
    throw error;
  }
}
