/**
 * Getting access tokens from the server that a Bearer challenge names (REGISTRY 4.1.2).
 */
import * as v from "valibot";
import { parseJson, validate } from "../oci/json.ts";
import { answerError, readBody } from "./answers.ts";
import type { Credential } from "./credentials/credentials.ts";
import { RegistryError } from "./errors.ts";
import type { Exchange, Reply } from "./network.ts";

const MAX_ANSWER = 1024 * 1024;
/** What a token lasts whose server does not say, in seconds. */
const DEFAULT_LIFE = 60;
const CLIENT = "strata";

const answerSchema = v.looseObject({
  token: v.optional(v.string()),
  access_token: v.optional(v.string()),
  refresh_token: v.optional(v.string()),
  expires_in: v.optional(v.number()),
});

export interface TokenRequest {
  readonly realm: URL;
  readonly service: string | undefined;
  readonly scopes: readonly string[];
  readonly credential: Credential | undefined;
  /** Also ask for a token that new tokens can be had for, as `login` does. */
  readonly offline?: boolean;
}

export interface Token {
  readonly token: string;
  /** Seconds from now on; the server's clock may differ from ours, so when it was issued does not count. */
  readonly life: number;
  readonly refreshToken: string | undefined;
}

/** `Authorization` of a user name and a password. */
export function basicAuthorization(username: string, password: string): string {
  return `Basic ${Buffer.from(`${username}:${password}`, "utf8").toString("base64")}`;
}

function getRequest({ realm, service, scopes, credential, offline }: TokenRequest): Exchange {
  const url = new URL(realm);
  if (service !== undefined) url.searchParams.set("service", service);
  for (const scope of scopes) url.searchParams.append("scope", scope);
  if (credential?.kind === "password") url.searchParams.set("account", credential.username);
  if (offline) {
    url.searchParams.set("offline_token", "true");
    url.searchParams.set("client_id", CLIENT);
  }
  const authorization =
    credential?.kind === "password"
      ? basicAuthorization(credential.username, credential.password)
      : credential?.kind === "identity"
        ? basicAuthorization("<token>", credential.token)
        : undefined;
  return { method: "GET", url, headers: authorization === undefined ? {} : { authorization } };
}

function refreshRequest({ realm, service, scopes }: TokenRequest, token: string): Exchange {
  const form = new URLSearchParams({ grant_type: "refresh_token", refresh_token: token, client_id: CLIENT });
  if (service !== undefined) form.set("service", service);
  if (scopes.length > 0) form.set("scope", scopes.join(" "));
  return {
    method: "POST",
    url: realm,
    headers: { "content-type": "application/x-www-form-urlencoded" },
    body: Buffer.from(form.toString()),
  };
}

async function readToken(reply: Reply): Promise<Token> {
  const what = `the token from ${reply.url.host}`;
  if (reply.status !== 200) throw await answerError(reply, what);
  const answer = validate(answerSchema, parseJson(await readBody(reply, MAX_ANSWER, what), what), what);
  const token = answer.token || answer.access_token;
  // A token goes into a header as it is.
  if (!token || !/^[\x21-\x7e]+$/.test(token)) {
    throw new RegistryError("protocol", `${reply.url.host} gave an answer without a token`);
  }
  const life = answer.expires_in !== undefined && answer.expires_in > 0 ? answer.expires_in : DEFAULT_LIFE;
  return { token, life, refreshToken: answer.refresh_token || undefined };
}

/**
 * Asks for a token.
 * @param exchange sends one request to the token server
 * @throws RegistryError
 */
export async function requestToken(
  request: TokenRequest,
  exchange: (request: Exchange) => Promise<Reply>,
): Promise<Token> {
  if (request.credential?.kind === "identity") {
    const reply = await exchange(refreshRequest(request, request.credential.token));
    // Not every token server knows the form.
    if (reply.status !== 404 && reply.status !== 405) return await readToken(reply);
    await reply.discard();
  }
  return await readToken(await exchange(getRequest(request)));
}
