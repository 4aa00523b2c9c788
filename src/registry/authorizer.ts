/**
 * What is sent in `Authorization` to one registry: nothing, a password, or a token for a set of scopes.
 *
 * Credentials go to the registry itself and to the token server that it names, never to a host that
 * it redirects to. A token server is asked over HTTPS, unless it is on this machine or is the very
 * host that the user allowed plain HTTP for.
 */
import { type Challenge, parseChallenges, preferredChallenge } from "./challenge.ts";
import { type Credential, type CredentialOptions, findCredential } from "./credentials/credentials.ts";
import { RegistryError } from "./errors.ts";
import type { Exchange, Reply } from "./network.ts";
import { isLoopbackHost } from "./reach.ts";
import { basicAuthorization, requestToken, type Token } from "./token.ts";

/** A token is renewed this long before it ends, in milliseconds. */
const MARGIN = 10_000;

interface HeldToken {
  readonly authorization: string;
  /** By the clock of this process, in milliseconds. */
  readonly until: number;
}

export interface AuthorizerOptions extends CredentialOptions {
  readonly domain: string;
  /** Sends one request to a token server. */
  readonly exchange: (request: Exchange) => Promise<Reply>;
  /** Used instead of what is kept on this machine. */
  readonly credential?: Credential | undefined;
}

export class Authorizer {
  readonly #options: AuthorizerOptions;
  #base: URL | undefined;
  #challenge: Challenge | undefined;
  readonly #credentials = new Map<string, Promise<Credential | undefined>>();
  readonly #tokens = new Map<string, Promise<HeldToken>>();
  /** A refresh token that took another one's place. */
  #rotated: string | undefined;

  constructor(options: AuthorizerOptions) {
    this.#options = options;
  }

  /** Takes note of what the registry asks for. @param base where the registry was reached */
  challenged(base: URL, headers: readonly string[]): void {
    this.#base = base;
    this.#challenge = preferredChallenge(parseChallenges(headers)) ?? this.#challenge;
  }

  #credential(repository: string | undefined): Promise<Credential | undefined> {
    const { credential, domain } = this.#options;
    if (credential !== undefined) return Promise.resolve(credential);
    const key = repository ?? "";
    const known = this.#credentials.get(key) ?? findCredential(domain, repository, this.#options);
    this.#credentials.set(key, known);
    return known;
  }

  /**
   * The header for a request, or undefined for none.
   * @param repository whose credentials are wanted
   * @param scopes what the request needs: `repository:me/app:pull`
   * @throws RegistryError (`unauthorized`, `unsafe`)
   */
  async authorization(
    repository: string | undefined,
    scopes: readonly string[],
  ): Promise<string | undefined> {
    const challenge = this.#challenge;
    if (challenge === undefined) return undefined;
    const credential = await this.#credential(repository);
    if (credential?.kind === "bearer") return `Bearer ${credential.token}`;
    if (challenge.scheme === "bearer") return await this.#bearer(challenge, credential, scopes);
    if (credential?.kind === "password") return basicAuthorization(credential.username, credential.password);
    throw new RegistryError("unauthorized", "no basic auth credentials", { status: 401 });
  }

  async #bearer(
    challenge: Challenge,
    credential: Credential | undefined,
    scopes: readonly string[],
  ): Promise<string> {
    const key = scopes.join(" ");
    const held = await this.#tokens.get(key);
    if (held !== undefined && held.until > performance.now()) return held.authorization;
    const asked = this.#ask(challenge, credential, scopes).then(({ token, life }) => ({
      authorization: `Bearer ${token}`,
      until: performance.now() + Math.max(life * 1000 - MARGIN, (life * 1000) / 2),
    }));
    this.#tokens.set(key, asked);
    asked.catch(() => this.#tokens.delete(key));
    return (await asked).authorization;
  }

  /**
   * After a 401: forgets the token and takes the new challenge, whose scope comes first (REGISTRY 4.1.3).
   * @returns the header to try once more with; undefined where that is pointless
   */
  async again(
    headers: readonly string[],
    refused: string | undefined,
    repository: string | undefined,
    scopes: readonly string[],
  ): Promise<string | undefined> {
    const challenge = preferredChallenge(parseChallenges(headers));
    if (challenge === undefined) return undefined;
    this.#challenge = challenge;
    this.#tokens.delete(scopes.join(" "));
    if (challenge.scheme !== "bearer") {
      const header = await this.authorization(repository, scopes);
      return header === refused ? undefined : header;
    }
    const asked =
      challenge.parameters
        .get("scope")
        ?.split(" ")
        .filter((scope) => scope !== "") ?? [];
    const wanted = [...new Set([...asked, ...scopes])];
    const header = await this.authorization(repository, wanted);
    const held = this.#tokens.get(wanted.join(" "));
    if (held !== undefined) this.#tokens.set(scopes.join(" "), held);
    return header;
  }

  async #ask(
    challenge: Challenge,
    credential: Credential | undefined,
    scopes: readonly string[],
    offline = false,
  ): Promise<Token> {
    const rotated = this.#rotated;
    const used =
      credential?.kind === "identity" && rotated !== undefined
        ? { kind: "identity" as const, token: rotated }
        : credential;
    const token = await requestToken(
      {
        realm: this.#realm(challenge),
        service: challenge.parameters.get("service"),
        scopes,
        credential: used,
        offline,
      },
      this.#options.exchange,
    );
    if (credential?.kind === "identity" && token.refreshToken !== undefined)
      this.#rotated = token.refreshToken;
    return token;
  }

  /** The token server of a challenge. @throws RegistryError (`unsafe`, `protocol`) */
  #realm(challenge: Challenge): URL {
    const text = challenge.parameters.get("realm") ?? "";
    const base = this.#base;
    if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol)) {
      throw new RegistryError(
        "protocol",
        `${this.#options.domain} names no usable token server: ${JSON.stringify(text.slice(0, 200))}`,
      );
    }
    const realm = new URL(text);
    const plainAsked = base?.protocol === "http:";
    const known = isLoopbackHost(realm.hostname) || realm.hostname === base?.hostname;
    if (realm.protocol === "http:" && !(plainAsked && known)) {
      throw new RegistryError(
        "unsafe",
        `refusing to send credentials unencrypted to ${realm.host}, which ${this.#options.domain} names as its token server`,
      );
    }
    return realm;
  }

  /**
   * Whether the challenge is for tokens: then asks for one that proves the credentials.
   * @returns a refresh token where the server gives one
   */
  async prove(
    credential: Credential,
  ): Promise<{ readonly header: string | undefined; readonly refreshToken?: string }> {
    const challenge = this.#challenge;
    if (challenge === undefined) return { header: undefined };
    if (challenge.scheme !== "bearer") {
      const basic = credential.kind === "password";
      return { header: basic ? basicAuthorization(credential.username, credential.password) : undefined };
    }
    const { token, refreshToken } = await this.#ask(challenge, credential, [], true);
    return { header: `Bearer ${token}`, ...(refreshToken === undefined ? {} : { refreshToken }) };
  }
}
