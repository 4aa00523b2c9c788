/**
 * Single HTTP exchanges: connections, their certificates, proxies and time limits. No redirect is
 * followed and nothing is tried again here; every failure comes out as a `RegistryError`.
 */
import { isIP } from "node:net";
import { Agent, type Dispatcher, errors, ProxyAgent, request } from "undici";
import type { ByteStream } from "../platform/types.ts";
import type { HostCertificates } from "./certificates.ts";
import { RegistryError } from "./errors.ts";
import { type Environment, proxyFor } from "./proxy.ts";
import { bareHost, checkLiteralHost, guardedLookup, type Reach } from "./reach.ts";
import { throwIfAborted } from "./retry.ts";

export interface NetworkOptions {
  readonly env: Environment;
  /** Milliseconds without a connection, an answer or a byte of one, after which a connection counts as broken. */
  readonly timeout: number;
  readonly signal?: AbortSignal | undefined;
}

export type Method = "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE";

export interface Exchange {
  readonly method: Method;
  readonly url: URL;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | ByteStream | undefined;
}

/** How a host is connected to. */
export interface Route {
  readonly certificates: HostCertificates;
  /** Accept any certificate. */
  readonly unverified: boolean;
  /** Where the registry that named the host lies; undefined for a host that the user named. */
  readonly namedFrom: Reach | undefined;
}

export interface Reply {
  readonly status: number;
  readonly url: URL;
  /** One header by lower-case name; several are joined. */
  header(name: string): string | undefined;
  /** All headers of a name. */
  headers(name: string): readonly string[];
  /** The body; read it or `discard` it, or the connection is lost. */
  readonly body: ByteStream;
  discard(): Promise<void>;
}

const NO_TLS = "the registry does not speak HTTPS; --insecure allows plain HTTP";

const CONNECTION_CODES: ReadonlyMap<string, string> = new Map([
  ["ECONNREFUSED", "connection refused"],
  ["ECONNRESET", "the connection was reset"],
  ["EPIPE", "the connection was closed"],
  ["ENOTFOUND", "no such host"],
  ["EAI_AGAIN", "the host name could not be looked up"],
  ["ETIMEDOUT", "connection timed out"],
  ["EHOSTUNREACH", "no route to host"],
  ["ENETUNREACH", "network is unreachable"],
  ["UND_ERR_CONNECT_TIMEOUT", "connection timed out"],
  ["UND_ERR_HEADERS_TIMEOUT", "the registry does not answer"],
  ["UND_ERR_BODY_TIMEOUT", "the registry stopped sending"],
  ["UND_ERR_SOCKET", "the connection was closed"],
  ["EPROTO", NO_TLS],
  ["ERR_SSL_WRONG_VERSION_NUMBER", NO_TLS],
  ["ERR_SSL_PACKET_LENGTH_TOO_LONG", NO_TLS],
]);

/** Failures that will be the same the next time. */
const LASTING =
  /^(ERR_TLS|CERT_|UNABLE_TO|SELF_SIGNED|DEPTH_ZERO|ERR_SSL|EPROTO|ENOTFOUND|HOSTNAME_MISMATCH)/;

/** What a failed exchange means. */
export function networkError(error: unknown, url: URL, signal: AbortSignal | undefined): Error {
  if (signal?.aborted) return new RegistryError("aborted", "the operation was interrupted", { cause: error });
  if (error instanceof RegistryError) return error;
  if (!(error instanceof Error)) return new RegistryError("unreachable", `${url.host}: ${String(error)}`);
  // Several addresses were tried: what was wrong with the first one.
  const first: Error = error instanceof AggregateError && error.errors.length > 0 ? error.errors[0] : error;
  if (first instanceof RegistryError) return first;
  const code = (first as NodeJS.ErrnoException).code ?? (error as NodeJS.ErrnoException).code ?? "";
  const words = CONNECTION_CODES.get(code) ?? first.message;
  return new RegistryError("unreachable", `${url.host}: ${words}`, {
    cause: error,
    transient: !LASTING.test(code) && !(error instanceof errors.InvalidArgumentError),
  });
}

/** The system's codes for a failure to connect, of every address that was tried. */
function connectionCodes(error: unknown): readonly string[] {
  if (!(error instanceof RegistryError) || error.code !== "unreachable") return [];
  const cause = error.cause as NodeJS.ErrnoException | undefined;
  const each = cause instanceof AggregateError ? (cause.errors as NodeJS.ErrnoException[]) : [];
  return [cause, ...each].flatMap((one) => one?.code ?? []);
}

/** Whether an exchange failed because the other side does not speak TLS, or does not listen at all. */
export function isNoTls(error: unknown): boolean {
  const pattern = /^(EPROTO|ERR_SSL|ECONNREFUSED|ECONNRESET|UND_ERR_SOCKET)/;
  return connectionCodes(error).some((code) => pattern.test(code));
}

/** Whether nobody listens where a connection was tried. */
export function isRefused(error: unknown): boolean {
  return connectionCodes(error).includes("ECONNREFUSED");
}

export class Network {
  readonly #options: NetworkOptions;
  readonly #dispatchers = new Map<string, Dispatcher>();

  constructor(options: NetworkOptions) {
    this.#options = options;
  }

  get signal(): AbortSignal | undefined {
    return this.#options.signal;
  }

  #dispatcher(url: URL, route: Route): Dispatcher {
    const proxy = proxyFor(url, this.#options.env);
    const key = `${url.origin} ${proxy?.href} ${route.unverified} ${route.namedFrom}`;
    const known = this.#dispatchers.get(key);
    if (known !== undefined) return known;
    const { timeout } = this.#options;
    const host = bareHost(url.hostname);
    const connect = {
      timeout,
      rejectUnauthorized: !route.unverified,
      ...(isIP(host) === 0 ? { servername: host } : {}),
      ...(route.certificates.ca === undefined ? {} : { ca: [...route.certificates.ca] }),
      ...(route.certificates.cert === undefined ? {} : { cert: route.certificates.cert }),
      ...(route.certificates.key === undefined ? {} : { key: route.certificates.key }),
      ...(route.namedFrom === undefined ? {} : { lookup: guardedLookup(route.namedFrom) }),
    };
    const limits = { headersTimeout: timeout, bodyTimeout: timeout };
    const made =
      proxy === undefined
        ? new Agent({ ...limits, connect })
        : new ProxyAgent({ ...limits, uri: proxy.href, requestTls: connect });
    this.#dispatchers.set(key, made);
    return made;
  }

  /**
   * Sends one request and waits for the head of its answer.
   * @throws RegistryError (`unreachable`, `unsafe`, `aborted`)
   */
  async exchange(exchange: Exchange, route: Route): Promise<Reply> {
    const { url, method, body } = exchange;
    const { signal } = this.#options;
    throwIfAborted(signal);
    if (route.namedFrom !== undefined) checkLiteralHost(url.hostname, route.namedFrom);
    try {
      const answer = await request(url, {
        method,
        headers: { "user-agent": "strata", "accept-encoding": "identity", ...exchange.headers },
        ...(body === undefined ? {} : { body: body as Uint8Array }),
        dispatcher: this.#dispatcher(url, route),
        ...(signal === undefined ? {} : { signal }),
      });
      const headers = (name: string): readonly string[] => {
        const value = answer.headers[name];
        return value === undefined ? [] : typeof value === "string" ? [value] : value;
      };
      return {
        status: answer.statusCode,
        url,
        headers,
        header: (name) => (headers(name).length === 0 ? undefined : headers(name).join(", ")),
        body: this.#body(answer.body as ByteStream, url),
        async discard() {
          await answer.body.dump().catch(() => {});
        },
      };
    } catch (error) {
      throw networkError(error, url, signal);
    }
  }

  async *#body(bytes: ByteStream, url: URL): ByteStream {
    try {
      yield* bytes;
    } catch (error) {
      throw networkError(error, url, this.#options.signal);
    }
  }

  /** Closes all connections, also those in use. */
  async close(): Promise<void> {
    const dispatchers = [...this.#dispatchers.values()];
    this.#dispatchers.clear();
    await Promise.all(dispatchers.map((dispatcher) => dispatcher.destroy()));
  }
}
