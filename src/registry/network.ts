/**
 * Single HTTP exchanges: connections, their certificates, proxies and time limits. No redirect is
 * followed and nothing is tried again here; every failure comes out as a `RegistryError`.
 */
import { type Agent, type ClientRequest, type IncomingMessage, request as plainRequest } from "node:http";
import { request as secureRequest } from "node:https";
import { isIP } from "node:net";
import { OciError } from "../oci/errors.ts";
import type { ByteStream } from "../platform/types.ts";
import { drained } from "../store/back-pressure.ts";
import { StoreError } from "../store/errors.ts";
import type { HostCertificates } from "./certificates.ts";
import { RegistryError } from "./errors.ts";
import { type Environment, proxyFor } from "./proxy.ts";
import { bareHost, checkLiteralHost, guardedLookup, type Reach } from "./reach.ts";
import { throwIfAborted } from "./retry.ts";
import { makeAgent, proxyHeaders } from "./tunnel.ts";

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
  if (error instanceof RegistryError || error instanceof OciError || error instanceof StoreError)
    return error;
  if (!(error instanceof Error)) return new RegistryError("unreachable", `${url.host}: ${String(error)}`);
  // Several addresses were tried: what was wrong with the first one.
  const first: Error = error instanceof AggregateError && error.errors.length > 0 ? error.errors[0] : error;
  if (first instanceof RegistryError) return first;
  const code = (first as NodeJS.ErrnoException).code ?? (error as NodeJS.ErrnoException).code ?? "";
  const words = CONNECTION_CODES.get(code) ?? first.message;
  return new RegistryError("unreachable", `${url.host}: ${words}`, {
    cause: error,
    transient: !LASTING.test(code),
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
  const pattern = /^(EPROTO|ERR_SSL|ECONNREFUSED|ECONNRESET)/;
  return connectionCodes(error).some((code) => pattern.test(code));
}

/** Whether nobody listens where a connection was tried. */
export function isRefused(error: unknown): boolean {
  return connectionCodes(error).includes("ECONNREFUSED");
}

/** How much of a body that nobody wants is read, so that its connection can be used again. */
const MAX_DISCARDED = 64 * 1024;
/** A registry that was sent something may take this many times as long to answer: it may have to hash it. */
const PATIENCE = 10;

function timedOut(url: URL): RegistryError {
  return new RegistryError("unreachable", `${url.host}: nothing was heard for too long`, { transient: true });
}

/** Sends a body, unless the answer comes before its end. */
async function send(
  outgoing: ClientRequest,
  body: Uint8Array | ByteStream | undefined,
  answered: () => boolean,
): Promise<void> {
  if (body === undefined || body instanceof Uint8Array) {
    outgoing.end(body);
    return;
  }
  for await (const chunk of body) {
    if (outgoing.destroyed || answered()) return;
    if (!outgoing.write(chunk)) await drained(outgoing);
  }
  outgoing.end();
}

/** Waits for the head of an answer. What fails in a body that is being sent fails the whole. */
function answerTo(
  outgoing: ClientRequest,
  body: Uint8Array | ByteStream | undefined,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    let answered = false;
    outgoing.on("response", (answer) => {
      answered = true;
      resolve(answer);
    });
    outgoing.on("error", reject);
    send(outgoing, body, () => answered).catch((error: Error) => {
      reject(error);
      outgoing.destroy();
    });
  });
}

export class Network {
  readonly #options: NetworkOptions;
  readonly #agents = new Map<string, Agent>();

  constructor(options: NetworkOptions) {
    this.#options = options;
  }

  #agent(url: URL, proxy: URL | undefined, route: Route): Agent {
    const key = `${url.origin} ${proxy?.href} ${route.unverified} ${route.namedFrom}`;
    const known = this.#agents.get(key);
    if (known !== undefined) return known;
    const host = bareHost(url.hostname);
    const { ca, cert, key: ownKey } = route.certificates;
    const made = makeAgent(
      url,
      proxy,
      {
        rejectUnauthorized: !route.unverified,
        ...(isIP(host) === 0 ? { servername: host } : {}),
        ...(ca === undefined ? {} : { ca: [...ca] }),
        ...(cert === undefined ? {} : { cert }),
        ...(ownKey === undefined ? {} : { key: ownKey }),
        ...(route.namedFrom === undefined ? {} : { lookup: guardedLookup(route.namedFrom) }),
      },
      this.#options.timeout,
    );
    this.#agents.set(key, made);
    return made;
  }

  #open({ url, method, headers, body }: Exchange, route: Route): ClientRequest {
    const { env, signal, timeout } = this.#options;
    const proxy = proxyFor(url, env);
    const common = {
      method,
      agent: this.#agent(url, proxy, route),
      headers: { "user-agent": "strata", "accept-encoding": "identity", ...headers },
      timeout: body === undefined ? timeout : timeout * PATIENCE,
      ...(signal === undefined ? {} : { signal }),
    };
    if (url.protocol === "https:") return secureRequest(url, common);
    if (proxy === undefined) return plainRequest(url, common);
    const forwarded = { ...common.headers, host: url.host, ...proxyHeaders(proxy) };
    return plainRequest(proxy, { ...common, path: url.href, headers: forwarded });
  }

  /**
   * Sends one request and waits for the head of its answer.
   * @throws RegistryError (`unreachable`, `unsafe`, `aborted`); what the body throws
   */
  async exchange(exchange: Exchange, route: Route): Promise<Reply> {
    const { url, body } = exchange;
    const { signal } = this.#options;
    throwIfAborted(signal);
    if (route.namedFrom !== undefined) checkLiteralHost(url.hostname, route.namedFrom);
    for (let attempt = 0; ; attempt++) {
      const outgoing = this.#open(exchange, route);
      outgoing.on("timeout", () => outgoing.destroy(timedOut(url)));
      try {
        return this.#reply(await answerTo(outgoing, body), outgoing, url);
      } catch (error) {
        // The other side closed a kept connection just when it was used again.
        const closed = outgoing.reusedSocket && (error as NodeJS.ErrnoException).code === "ECONNRESET";
        const repeatable = body === undefined || body instanceof Uint8Array;
        if (attempt > 0 || !closed || !repeatable || signal?.aborted) throw networkError(error, url, signal);
      }
    }
  }

  #reply(answer: IncomingMessage, outgoing: ClientRequest, url: URL): Reply {
    const headers = (name: string) => answer.headersDistinct[name] ?? [];
    const body = this.#body(answer, outgoing, url);
    return {
      status: answer.statusCode ?? 0,
      url,
      headers,
      header: (name) => (headers(name).length === 0 ? undefined : headers(name).join(", ")),
      body,
      async discard() {
        let size = 0;
        try {
          for await (const chunk of body) {
            size += chunk.length;
            if (size > MAX_DISCARDED) return;
          }
        } catch {
          // Nobody wants it.
        }
      },
    };
  }

  async *#body(answer: IncomingMessage, outgoing: ClientRequest, url: URL): ByteStream {
    try {
      yield* answer as AsyncIterable<Uint8Array>;
    } catch (error) {
      throw networkError(outgoing.errored ?? error, url, this.#options.signal);
    } finally {
      // A body that was not sent to its end cannot be followed by anything.
      if (!outgoing.writableEnded) outgoing.destroy();
    }
  }

  /** Closes all connections, also those in use. */
  async close(): Promise<void> {
    for (const agent of this.#agents.values()) agent.destroy();
    this.#agents.clear();
  }
}
