/**
 * Logging in and out: credentials that a registry accepted, kept where Docker keeps them.
 */
import { eraseCredential, storeCredential } from "./credentials/credentials.ts";
import { type RegistryOptions, Session } from "./session.ts";

/**
 * Checks a name and a password against a registry and keeps them.
 * @param domain `docker.io`, `localhost:5000`
 * @returns the file that now holds the password unencrypted; undefined where a credential helper keeps it
 * @throws RegistryError (`unauthorized`) where the registry refuses them; nothing is kept then
 */
export async function login(
  domain: string,
  username: string,
  password: string,
  options: RegistryOptions = {},
): Promise<string | undefined> {
  const session = new Session(domain, options);
  try {
    const identityToken = await session.login({ kind: "password", username, password });
    const kept = { username, password, ...(identityToken === undefined ? {} : { identityToken }) };
    return await storeCredential(domain, kept, options.env ?? process.env);
  } finally {
    await session.close();
  }
}

/** Forgets the credentials for a registry. Nothing to forget is no error. */
export async function logout(domain: string, options: Pick<RegistryOptions, "env"> = {}): Promise<void> {
  await eraseCredential(domain, options.env ?? process.env);
}
