/**
 * Connections for HTTP exchanges: kept open between them, direct or through a proxy.
 *
 * Over HTTPS a proxy is asked for a tunnel (RFC 9110, section 9.3.6), so that it sees nothing of what is
 * said; over HTTP it is given the whole address.
 */
import { Agent, request as plainRequest } from "node:http";
import { Agent as SecureAgent } from "node:https";
import type { LookupFunction, Socket } from "node:net";
import { type ConnectionOptions, connect as connectSecurely } from "node:tls";

export interface ConnectOptions extends ConnectionOptions {
  readonly lookup?: LookupFunction;
}

/** `Proxy-Authorization` for a proxy whose address has a name and a password. */
export function proxyHeaders(proxy: URL): Readonly<Record<string, string>> {
  if (proxy.username === "") return {};
  const credentials = `${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`;
  return { "proxy-authorization": `Basic ${Buffer.from(credentials).toString("base64")}` };
}

type Created = (error: Error | null, socket?: Socket) => void;

/** Asks a proxy for a tunnel to a host, and speaks TLS through it. */
function openTunnel(
  proxy: URL,
  target: URL,
  options: ConnectOptions,
  timeout: number,
  created: Created,
): void {
  const path = `${target.hostname}:${target.port || 443}`;
  const asking = plainRequest(proxy, { method: "CONNECT", path, headers: proxyHeaders(proxy), timeout });
  asking.on("timeout", () => asking.destroy(new Error("the proxy does not answer")));
  asking.on("error", (error) => created(error));
  asking.on("connect", (answer, socket) => {
    if (answer.statusCode !== 200) {
      socket.destroy();
      created(new Error(`the proxy ${proxy.host} answered with status ${answer.statusCode}`));
      return;
    }
    const secure = connectSecurely({ ...options, socket });
    secure.once("secureConnect", () => created(null, secure));
    secure.once("error", (error) => created(error));
  });
  asking.end();
}

/** Connections to one origin. @param proxy undefined for direct ones */
export function makeAgent(
  target: URL,
  proxy: URL | undefined,
  options: ConnectOptions,
  timeout: number,
): Agent {
  if (target.protocol === "http:") {
    return new Agent({
      keepAlive: true,
      ...(options.lookup === undefined ? {} : { lookup: options.lookup }),
    });
  }
  const agent = new SecureAgent({ keepAlive: true, ...options });
  if (proxy === undefined) return agent;
  return Object.assign(agent, {
    createConnection(_: unknown, created: Created) {
      openTunnel(proxy, target, options, timeout, created);
    },
  });
}
