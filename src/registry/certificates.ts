/**
 * Certificates by host, where Docker and the containers tools keep them: `certs.d/HOST[:PORT]/` with
 * authorities in `*.crt` and a client's own in `*.cert` beside its `*.key`.
 */
import { readdir, readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { rootCertificates } from "node:tls";
import { RegistryError } from "./errors.ts";
import type { Environment } from "./proxy.ts";

export interface HostCertificates {
  /** Beside those that the system trusts; undefined for these alone. */
  readonly ca?: readonly string[];
  readonly cert?: string;
  readonly key?: string;
}

function directories(env: Environment): readonly string[] {
  const home = env.HOME ?? homedir();
  const config = env.XDG_CONFIG_HOME || join(home, ".config");
  return [
    join(config, "containers/certs.d"),
    join(config, "docker/certs.d"),
    "/etc/containers/certs.d",
    "/etc/docker/certs.d",
  ];
}

async function list(directory: string): Promise<readonly string[]> {
  try {
    return (await readdir(directory)).sort();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR" || code === "EACCES") return [];
    throw error;
  }
}

async function readAll(directory: string, names: readonly string[]): Promise<HostCertificates> {
  const read = (name: string) => readFile(join(directory, name), "utf8");
  const ca = await Promise.all(names.filter((name) => name.endsWith(".crt")).map(read));
  const own = names.find((name) => name.endsWith(".cert"));
  if (own === undefined) return ca.length === 0 ? {} : { ca: [...rootCertificates, ...ca] };
  const key = own.replace(/cert$/, "key");
  if (!names.includes(key)) {
    throw new RegistryError("invalid", `missing key ${key} for client certificate ${join(directory, own)}`);
  }
  return {
    ...(ca.length === 0 ? {} : { ca: [...rootCertificates, ...ca] }),
    cert: await read(own),
    key: await read(key),
  };
}

/**
 * The certificates for a host.
 * @param directory holds them, and nothing else is looked at; undefined for the usual places
 * @throws RegistryError (`invalid`) for a client certificate without its key
 */
export async function hostCertificates(
  host: string,
  directory: string | undefined,
  env: Environment,
): Promise<HostCertificates> {
  if (directory !== undefined) return await readAll(directory, await list(directory));
  for (const candidate of directories(env)) {
    const names = await list(join(candidate, host));
    if (names.length > 0) return await readAll(join(candidate, host), names);
  }
  return {};
}
