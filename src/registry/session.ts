/**
 * A conversation with one registry: scheme, credentials, redirects, repetitions.
 *
 * `Authorization` is only ever sent to the origin of the registry itself. Redirects are followed for
 * reading alone, and never from HTTPS to HTTP (REGISTRY 4.1.5).
 */

import type { ByteStream } from "../platform/types.ts";
import { readBody, warnings } from "./answers.ts";
import { Authorizer } from "./authorizer.ts";
import { hostCertificates } from "./certificates.ts";
import type { Credential } from "./credentials/credentials.ts";
import { type Endpoint, endpointOf } from "./endpoint.ts";
import { RegistryError } from "./errors.ts";
import {
  type Exchange,
  isNoTls,
  isRefused,
  type Method,
  Network,
  type Reply,
  type Route,
} from "./network.ts";
import type { Environment } from "./proxy.ts";
import { hostReach, type Reach } from "./reach.ts";
import { DEFAULT_RETRIES, type RetryPolicy, withRetries } from "./retry.ts";

const MAX_REDIRECTS = 10;
const DEFAULT_TIMEOUT = 30_000;

export interface RegistryOptions {
  /** Accept any certificate, and plain HTTP. Otherwise HTTP is only for this machine. */
  readonly insecure?: boolean;
  /** A directory of `*.crt` authorities and `*.cert`/`*.key` of the client, instead of `certs.d`. */
  readonly certificates?: string;
  /** Where credentials, proxies and homes are looked up; the process's own unless given. */
  readonly env?: Environment;
  /** Used instead of the credentials kept on this machine. */
  readonly credential?: Credential;
  readonly retries?: RetryPolicy;
  /** Milliseconds without a byte after which a connection counts as broken; 30 seconds unless given. */
  readonly timeout?: number;
  readonly signal?: AbortSignal;
  /** Is told what the registry warns of, and of credential helpers that fail. */
  readonly warn?: (message: string) => void;
}

export interface RegistryRequest {
  readonly method: Method;
  /** A path below the registry's root, or an address that the registry gave. */
  readonly target: string | URL;
  readonly repository?: string;
  readonly scopes: readonly string[];
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | ByteStream;
}

export class Session {
  readonly endpoint: Endpoint;
  readonly retries: RetryPolicy;
  readonly #network: Network;
  readonly #options: RegistryOptions;
  readonly #authorizer: Authorizer;
  readonly #warned = new Set<string>();
  #route: Promise<Route> | undefined;
  #reach: Promise<Reach> | undefined;
  #base: Promise<URL> | undefined;

  constructor(domain: string, options: RegistryOptions = {}) {
    this.endpoint = endpointOf(domain, options.insecure ?? false);
    this.retries = options.retries ?? DEFAULT_RETRIES;
    this.#options = options;
    const env = options.env ?? process.env;
    this.#network = new Network({ env, timeout: options.timeout ?? DEFAULT_TIMEOUT, signal: options.signal });
    this.#authorizer = new Authorizer({
      domain,
      env,
      warn: (message) => this.#warn(message),
      credential: options.credential,
      exchange: (exchange) => this.#tokenExchange(exchange),
    });
  }

  get signal(): AbortSignal | undefined {
    return this.#options.signal;
  }

  #warn(message: string): void {
    if (this.#warned.has(message)) return;
    this.#warned.add(message);
    this.#options.warn?.(message);
  }

  /** How the registry itself is connected to. */
  #ownRoute(): Promise<Route> {
    const { env = process.env, certificates } = this.#options;
    this.#route ??= hostCertificates(this.endpoint.domain, certificates, env).then((found) => ({
      certificates: found,
      unverified: this.endpoint.unverified,
      namedFrom: undefined,
    }));
    return this.#route;
  }

  /** How a host is connected to that the registry names. */
  async #routeTo(url: URL, base: URL): Promise<Route> {
    if (url.host === base.host) return await this.#ownRoute();
    this.#reach ??= hostReach(base.hostname);
    // The same machine on another port has the same certificate; any other host has its own.
    const { certificates, unverified } = await this.#ownRoute();
    const same = url.hostname === base.hostname;
    return {
      certificates: same
        ? certificates
        : { ...(certificates.ca === undefined ? {} : { ca: certificates.ca }) },
      unverified: same && unverified,
      namedFrom: await this.#reach,
    };
  }

  /** The registry's root: HTTPS, or HTTP where that is allowed and HTTPS is not there. */
  base(): Promise<URL> {
    this.#base ??= withRetries(this.retries, this.signal, () => this.#findBase());
    this.#base.catch(() => {
      this.#base = undefined;
    });
    return this.#base;
  }

  async #findBase(): Promise<URL> {
    const { host, plainAllowed } = this.endpoint;
    const route = await this.#ownRoute();
    if (!URL.canParse(`https://${host}/`)) {
      throw new RegistryError("invalid", `${JSON.stringify(host)} is no host of a registry`);
    }
    try {
      return await this.#ping(new URL(`https://${host}/`), route);
    } catch (error) {
      if (!plainAllowed || !isNoTls(error)) throw notThere(error);
    }
    try {
      return await this.#ping(new URL(`http://${host}/`), route);
    } catch (error) {
      throw notThere(error);
    }
  }

  async #ping(base: URL, route: Route): Promise<URL> {
    const reply = await this.#network.exchange({ method: "GET", url: new URL("/v2/", base) }, route);
    const { status } = reply;
    const challenges = reply.headers("www-authenticate");
    await reply.discard();
    this.#authorizer.challenged(base, status === 401 ? challenges : []);
    if (status === 429 || status >= 500) {
      throw new RegistryError("unavailable", `${base.host} answered with status ${status}`, {
        transient: true,
        status,
      });
    }
    return base;
  }

  async #tokenExchange(exchange: Exchange): Promise<Reply> {
    const base = await this.base();
    return await withRetries(this.retries, this.signal, async () => {
      const reply = await this.#network.exchange(exchange, await this.#routeTo(exchange.url, base));
      if (reply.status !== 429 && reply.status < 500) return reply;
      await reply.discard();
      throw new RegistryError("unavailable", `${exchange.url.host} answered with status ${reply.status}`, {
        transient: true,
        status: reply.status,
      });
    });
  }

  /**
   * An address that the registry gave, such as where an upload goes on. A registry behind a proxy that
   * speaks TLS for it gives its own address with HTTP; that is put right.
   * @throws RegistryError (`protocol`, `unsafe`)
   */
  async address(text: string | undefined, from: URL): Promise<URL> {
    if (text === undefined || !URL.canParse(text, from.href)) {
      throw new RegistryError("protocol", `${from.host} gave no usable address to go on with`);
    }
    const url = new URL(text, from);
    if (!/^https?:$/.test(url.protocol)) {
      throw new RegistryError("protocol", `${from.host} sends us to ${url.protocol}//${url.host}`);
    }
    const base = await this.base();
    if (base.protocol === "https:" && url.protocol === "http:") {
      if (url.hostname !== base.hostname) throw downgrade(from, url);
      url.protocol = "https:";
      url.port = base.port;
    }
    url.username = "";
    url.password = "";
    return url;
  }

  /**
   * Sends one request, with credentials where the registry wants them, and follows redirects.
   * @throws RegistryError
   */
  async send(request: RegistryRequest): Promise<Reply> {
    const base = await this.base();
    const { repository, scopes } = request;
    const url = typeof request.target === "string" ? new URL(request.target, base) : request.target;
    const own = url.origin === base.origin;
    const header = own ? await this.#authorizer.authorization(repository, scopes) : undefined;
    let reply = await this.#once(request, url, base, header);
    if (reply.status === 401 && own && reply.url.origin === base.origin) {
      const challenges = reply.headers("www-authenticate");
      const other = await this.#authorizer.again(challenges, header, repository, scopes);
      // A stream can be sent only once.
      const repeatable = request.body === undefined || request.body instanceof Uint8Array;
      if (other !== undefined && repeatable) {
        await reply.discard();
        reply = await this.#once(request, url, base, other);
      }
    }
    for (const warning of warnings(reply)) this.#warn(warning);
    return reply;
  }

  async #once(
    request: RegistryRequest,
    start: URL,
    base: URL,
    authorization: string | undefined,
  ): Promise<Reply> {
    const { method, body, headers = {} } = request;
    let url = start;
    for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
      const own = url.origin === base.origin;
      const reply = await this.#network.exchange(
        {
          method,
          url,
          headers: { ...headers, ...(own && authorization !== undefined ? { authorization } : {}) },
          body,
        },
        await this.#routeTo(url, base),
      );
      const location = reply.header("location");
      const reading = method === "GET" || method === "HEAD";
      if (!reading || ![301, 302, 303, 307, 308].includes(reply.status) || location === undefined)
        return reply;
      await reply.discard();
      url = redirected(location, url);
    }
    throw new RegistryError("protocol", `${start.host} redirects more than ${MAX_REDIRECTS} times`);
  }

  /** Does something again as long as it fails in a way that may pass. */
  retrying<T>(work: () => Promise<T>): Promise<T> {
    return withRetries(this.retries, this.signal, work);
  }

  /** A document: the answer with its whole body. Only for answers that `check` accepts. */
  async document(
    request: RegistryRequest,
    limit: number,
    what: string,
    check: (reply: Reply) => Promise<Reply>,
  ): Promise<{ readonly reply: Reply; readonly bytes: Uint8Array }> {
    return await this.retrying(async () => {
      const reply = await check(await this.send(request));
      return { reply, bytes: await readBody(reply, limit, what) };
    });
  }

  /**
   * Checks credentials against the registry.
   * @returns a refresh token where its token server gives one
   * @throws RegistryError (`unauthorized`) for credentials that it refuses
   */
  async login(credential: Credential): Promise<string | undefined> {
    const base = await this.base();
    const { header, refreshToken } = await this.#authorizer.prove(credential);
    const url = new URL("/v2/", base);
    const request: RegistryRequest = { method: "GET", target: url, scopes: [] };
    const reply = await this.retrying(async () => {
      const answer = await this.#once(request, url, base, header);
      if (answer.status === 429 || answer.status >= 500) {
        await answer.discard();
        throw new RegistryError("unavailable", `${url.host} answered with status ${answer.status}`, {
          transient: true,
          status: answer.status,
        });
      }
      return answer;
    });
    await reply.discard();
    if (reply.status === 200) return refreshToken;
    throw new RegistryError(
      "unauthorized",
      `login attempt to ${url.href} failed with status: ${reply.status}${reply.status === 401 ? " Unauthorized" : ""}`,
      { status: reply.status },
    );
  }

  /** Closes its connections. */
  async close(): Promise<void> {
    await this.#network.close();
  }
}

/** Nobody who listens at first contact is a wrong name or port, and is not waited for. */
function notThere(error: unknown): unknown {
  if (!(error instanceof RegistryError) || !isRefused(error)) return error;
  return new RegistryError(error.code, error.message, { cause: error.cause });
}

function downgrade(from: URL, to: URL): RegistryError {
  return new RegistryError(
    "unsafe",
    `refusing to follow ${from.host} from HTTPS to plain HTTP at ${to.host}`,
  );
}

/** Where a redirect leads. @throws RegistryError (`protocol`, `unsafe`) */
function redirected(location: string, from: URL): URL {
  if (!URL.canParse(location, from.href)) {
    throw new RegistryError("protocol", `${from.host} redirects to no usable address`);
  }
  const next = new URL(location, from);
  if (!/^https?:$/.test(next.protocol)) {
    throw new RegistryError("protocol", `${from.host} redirects to ${next.protocol}//${next.host}`);
  }
  if (from.protocol === "https:" && next.protocol === "http:") throw downgrade(from, next);
  next.username = "";
  next.password = "";
  return next;
}
