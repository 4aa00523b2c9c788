/**
 * Which HTTP proxy a request goes through, by the environment variables that Go programs read.
 *
 * `HTTPS_PROXY` and `HTTP_PROXY` (or in lower case) by the scheme of the request; none for hosts of
 * `NO_PROXY`, and never one for this machine itself.
 */
import { BlockList, isIP } from "node:net";
import { bareHost, isLoopbackHost } from "./reach.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

function variable(env: Environment, name: string): string | undefined {
  return env[name] || env[name.toLowerCase()] || undefined;
}

function inSubnet(rule: string, host: string): boolean {
  const [address, bits] = rule.split("/") as [string, string];
  if (isIP(address) === 0 || isIP(host) !== isIP(address) || !/^[0-9]{1,3}$/.test(bits)) return false;
  const family = isIP(address) === 6 ? "ipv6" : "ipv4";
  const list = new BlockList();
  try {
    list.addSubnet(address, Number(bits), family);
  } catch {
    return false;
  }
  return list.check(host, family);
}

/** Whether a rule of `NO_PROXY` covers a host: `*`, a subnet, `.domain` (below it only), or `domain` (itself too). */
function covers(rule: string, host: string, port: string): boolean {
  if (rule === "*") return true;
  if (rule.includes("/")) return inSubnet(rule, host);
  const [, name = rule, wantedPort] = /^(.*?)(?::([0-9]+))?$/.exec(rule) ?? [];
  const literal = isIP(rule) !== 0 ? rule : bareHost(name);
  if (isIP(rule) === 0 && wantedPort !== undefined && wantedPort !== port) return false;
  if (literal.startsWith("*.")) return host.endsWith(literal.slice(1));
  if (literal.startsWith(".")) return host.endsWith(literal);
  return host === literal || (isIP(literal) === 0 && host.endsWith(`.${literal}`));
}

/** The proxy for a URL, or undefined for a direct connection. */
export function proxyFor(url: URL, env: Environment): URL | undefined {
  const host = bareHost(url.hostname).toLowerCase();
  if (isLoopbackHost(host)) return undefined;
  const text = variable(env, url.protocol === "https:" ? "HTTPS_PROXY" : "HTTP_PROXY");
  if (text === undefined) return undefined;
  const port = url.port || (url.protocol === "https:" ? "443" : "80");
  const rules = (variable(env, "NO_PROXY") ?? "").split(/[\s,]+/).filter((rule) => rule !== "");
  if (rules.some((rule) => covers(rule.toLowerCase(), host, port))) return undefined;
  try {
    return new URL(text.includes("://") ? text : `http://${text}`);
  } catch {
    return undefined;
  }
}
