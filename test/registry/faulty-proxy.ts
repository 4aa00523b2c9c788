/**
 * A proxy before a registry that does it harm: breaks connections, cuts, changes, delays and slows what
 * passes, at chosen bytes of a body, in either direction. It also writes down everything that passes.
 */
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from "node:http";
import { createServer as createSecureServer } from "node:https";
import { drained } from "../../src/store/back-pressure.ts";
import type { Certificate } from "./registry.ts";

export interface Passing {
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  readonly headers: IncomingMessage["headers"];
  /** Bytes of the request's body that arrived here. */
  received: number;
  /** Bytes of the answer's body that were passed on. */
  sent: number;
  /** Undefined for a request that got no answer. */
  status?: number;
}

export type Fault =
  /** Breaks the connection after so many bytes of a body. */
  | { readonly kind: "drop"; readonly direction: "up" | "down"; readonly at: number }
  /** Ends the answer's body early, as if it were whole. */
  | { readonly kind: "truncate"; readonly at: number }
  /** Changes one bit of one byte. */
  | { readonly kind: "corrupt"; readonly direction: "up" | "down"; readonly at: number }
  /** Sends another body. */
  | { readonly kind: "swap"; readonly body: Uint8Array }
  /** Waits before the answer, in milliseconds. */
  | { readonly kind: "delay"; readonly milliseconds: number }
  /** Pauses after each 16 KiB, in milliseconds. */
  | { readonly kind: "throttle"; readonly direction: "up" | "down"; readonly pause: number }
  /** Stops for ever after so many bytes of the answer. */
  | { readonly kind: "stall"; readonly at: number }
  /** Answers in the registry's place. */
  | {
      readonly kind: "answer";
      readonly status: number;
      readonly headers?: Readonly<Record<string, string>>;
      readonly body?: string;
    };

export interface FaultyProxy {
  readonly host: string;
  readonly url: string;
  readonly log: Passing[];
  /** Decides what happens to a request; the last one given counts. */
  decide: (passing: Passing) => Fault | undefined;
  /** Requests so far by method and first matching part of the path. */
  count(method: string, part: string): number;
  stop(): Promise<void>;
}

const PIECE = 16 * 1024;
const sleep = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** A body with a fault, in pieces. Throws to break the connection. */
async function* harmed(
  body: AsyncIterable<Uint8Array>,
  fault: Fault | undefined,
  direction: "up" | "down",
): AsyncGenerator<Uint8Array> {
  let at = 0;
  const mine =
    fault !== undefined && (!("direction" in fault) || fault.direction === direction) ? fault : undefined;
  for await (const chunk of body) {
    for (let start = 0; start < chunk.length; start += PIECE) {
      let piece = Buffer.from(chunk.subarray(start, start + PIECE));
      const end = at + piece.length;
      if (mine?.kind === "corrupt" && mine.at >= at && mine.at < end) {
        piece = Buffer.from(piece);
        piece[mine.at - at]! ^= 1;
      }
      const limit =
        mine !== undefined && ["drop", "truncate", "stall"].includes(mine.kind) ? mine : undefined;
      if (limit !== undefined && "at" in limit && limit.at < end) {
        const part = piece.subarray(0, Math.max(0, limit.at - at));
        if (part.length > 0) yield part;
        if (limit.kind === "drop") throw new Error("dropped");
        if (limit.kind === "stall") await sleep(600_000);
        return;
      }
      at = end;
      yield piece;
      if (mine?.kind === "throttle") await sleep(mine.pause);
    }
  }
  if (mine?.kind === "drop" && mine.at >= at) throw new Error("dropped");
}

/** Starts a proxy before a registry at `target` (`127.0.0.1:PORT`, plain HTTP). */
export async function startFaultyProxy(target: string, tls?: Certificate): Promise<FaultyProxy> {
  const log: Passing[] = [];
  const proxy: { decide: FaultyProxy["decide"] } = { decide: () => undefined };
  const [hostname, port] = target.split(":");

  async function pass(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const passing: Passing = {
      method: incoming.method ?? "",
      url: incoming.url ?? "",
      headers: incoming.headers,
      received: 0,
      sent: 0,
    };
    log.push(passing);
    const { socket } = incoming;
    const fault = proxy.decide(passing);
    if (fault?.kind === "delay") await sleep(fault.milliseconds);
    if (fault?.kind === "answer") {
      incoming.resume();
      passing.status = fault.status;
      outgoing.writeHead(fault.status, fault.headers);
      outgoing.end(fault.body);
      return;
    }
    const onward = request({
      hostname,
      port,
      method: passing.method,
      path: passing.url,
      headers: { ...incoming.headers, "x-forwarded-proto": tls === undefined ? "http" : "https" },
    });
    const answered = once(onward, "response") as Promise<[IncomingMessage]>;
    answered.catch(() => {});
    const broken = () => onward.destroy();
    incoming.on("aborted", broken);
    try {
      for await (const piece of harmed(incoming, fault, "up")) {
        passing.received += piece.length;
        if (!onward.write(piece)) await once(onward, "drain");
      }
      onward.end();
      const [answer] = await answered;
      passing.status = answer.statusCode ?? 0;
      const { headers } = answer;
      if (fault?.kind === "swap") headers["content-length"] = String(fault.body.length);
      if (fault?.kind === "truncate") delete headers["content-length"];
      outgoing.writeHead(passing.status, headers);
      outgoing.flushHeaders();
      const body = fault?.kind === "swap" ? [fault.body] : answer;
      if (fault?.kind === "swap") answer.resume();
      for await (const piece of harmed(body as AsyncIterable<Uint8Array>, fault, "down")) {
        passing.sent += piece.length;
        if (!outgoing.write(piece) && !outgoing.destroyed) {
          await drained(outgoing);
        }
        if (outgoing.destroyed) break;
      }
      outgoing.end();
    } catch {
      // What was sent is to arrive before the end does.
      await sleep(10);
      onward.destroy();
      socket.destroy();
    }
  }

  const listener = (incoming: IncomingMessage, outgoing: ServerResponse) => void pass(incoming, outgoing);
  const server: Server =
    tls === undefined
      ? createServer(listener)
      : createSecureServer({ cert: readFileSync(tls.certificate), key: readFileSync(tls.key) }, listener);
  server.keepAliveTimeout = 60_000;
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  const host = `127.0.0.1:${address.port}`;
  return Object.assign(proxy, {
    host,
    url: `${tls === undefined ? "http" : "https"}://${host}`,
    log,
    count: (method: string, part: string) =>
      log.filter((passing) => passing.method === method && passing.url.includes(part)).length,
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  });
}
