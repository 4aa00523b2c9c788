/**
 * A token server as registries expect one: JSON web tokens signed with a key whose certificate the registry
 * was given. It writes down what it was asked, and can be told to misbehave.
 */
import { createPrivateKey, randomUUID, sign, X509Certificate } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage } from "node:http";
import { type Certificate, ISSUER, PASSWORD, USER } from "./registry.ts";

export const IDENTITY_TOKEN = "an identity token";

export interface TokenRequestSeen {
  readonly method: string;
  readonly scopes: readonly string[];
  readonly service: string | null;
  readonly authorization: string | undefined;
  readonly grant: string | null;
  readonly offline: string | null;
}

export interface TokenServer {
  /** The realm. */
  readonly url: string;
  readonly log: TokenRequestSeen[];
  /** Seconds that a token lasts; what it says is what it does. */
  life: number;
  /** The name of the member that holds the token. */
  member: "token" | "access_token";
  /** Whether it knows the form of OAuth. */
  form: boolean;
  /** Repositories that anybody may pull from. */
  readonly open: Set<string>;
  stop(): Promise<void>;
}

const encode = (value: object | Buffer) =>
  (Buffer.isBuffer(value) ? value : Buffer.from(JSON.stringify(value))).toString("base64url");

function makeToken(
  { certificate, key }: Certificate,
  service: string,
  access: readonly object[],
  life: number,
) {
  const chain = new X509Certificate(readFileSync(certificate)).raw.toString("base64");
  const now = Math.floor(Date.now() / 1000);
  const header = encode({ typ: "JWT", alg: "ES256", x5c: [chain] });
  const claims = encode({
    iss: ISSUER,
    sub: USER,
    aud: service,
    nbf: now - 10,
    iat: now,
    exp: now + life,
    jti: randomUUID(),
    access,
  });
  const signature = sign("sha256", Buffer.from(`${header}.${claims}`), {
    key: createPrivateKey(readFileSync(key)),
    dsaEncoding: "ieee-p1363",
  });
  return `${header}.${claims}.${encode(signature)}`;
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

export async function startTokenServer(certificate: Certificate): Promise<TokenServer> {
  const state = {
    log: [] as TokenRequestSeen[],
    life: 300,
    member: "token" as "token" | "access_token",
    form: true,
    open: new Set<string>(),
  };
  const expected = `Basic ${Buffer.from(`${USER}:${PASSWORD}`).toString("base64")}`;
  const server = createServer(async (request, response) => {
    const url = new URL(request.url ?? "", "http://localhost");
    const query = request.method === "POST" ? new URLSearchParams(await bodyOf(request)) : url.searchParams;
    const scopes = query.getAll("scope").flatMap((scope) => scope.split(" "));
    const { authorization } = request.headers;
    state.log.push({
      method: request.method ?? "",
      scopes,
      service: query.get("service"),
      authorization,
      grant: query.get("grant_type"),
      offline: query.get("offline_token"),
    });
    const answer = (status: number, body: object) => {
      response.writeHead(status, { "content-type": "application/json" });
      response.end(JSON.stringify(body));
    };
    if (request.method === "POST" && !state.form) return answer(404, {});
    const identified =
      authorization === expected ||
      authorization === `Basic ${Buffer.from(`<token>:${IDENTITY_TOKEN}`).toString("base64")}` ||
      query.get("refresh_token") === IDENTITY_TOKEN;
    if (authorization !== undefined && !identified) {
      return answer(401, { details: "incorrect username or password" });
    }
    const access = scopes.flatMap((scope) => {
      const [type, name = "", actions = ""] = scope.split(":");
      const granted = identified ? actions.split(",") : state.open.has(name) ? ["pull"] : [];
      return granted.length === 0 ? [] : [{ type, name, actions: granted }];
    });
    const token = makeToken(certificate, query.get("service") ?? "", access, state.life);
    answer(200, {
      [state.member]: token,
      expires_in: state.life,
      ...(query.get("offline_token") === "true" && { refresh_token: IDENTITY_TOKEN }),
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return Object.assign(state, {
    url: `http://127.0.0.1:${address.port}/token`,
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  });
}
