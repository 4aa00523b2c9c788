/**
 * Where a registry may send its clients (REGISTRY 4.1.5).
 *
 * A registry names other hosts: where tokens are made, where its blobs lie, where an upload goes on. A
 * hostile one could name hosts that only this machine reaches, such as a cloud's metadata service. So
 * a host that a registry names must be no further inside than the registry itself. Names are checked by
 * the address that is then connected to, not by an earlier look-up of their own.
 */
import { lookup as systemLookup } from "node:dns";
import { BlockList, isIP, type LookupFunction } from "node:net";
import { RegistryError } from "./errors.ts";

/** From the outside inwards. */
const REACHES = ["public", "private", "loopback", "link-local"] as const;
export type Reach = (typeof REACHES)[number];

function blocks(ranges: readonly (readonly [string, number, "ipv4" | "ipv6"])[]): BlockList {
  const list = new BlockList();
  for (const [address, bits, family] of ranges) list.addSubnet(address, bits, family);
  return list;
}

const LOOPBACK = blocks([
  ["127.0.0.0", 8, "ipv4"],
  ["::1", 128, "ipv6"],
]);
const LINK_LOCAL = blocks([
  ["169.254.0.0", 16, "ipv4"],
  ["fe80::", 10, "ipv6"],
  // Metadata services of clouds that do not use the range above.
  ["100.100.100.200", 32, "ipv4"],
  ["fd00:ec2::254", 128, "ipv6"],
]);
const PRIVATE = blocks([
  ["0.0.0.0", 8, "ipv4"],
  ["10.0.0.0", 8, "ipv4"],
  ["100.64.0.0", 10, "ipv4"],
  ["172.16.0.0", 12, "ipv4"],
  ["192.168.0.0", 16, "ipv4"],
  ["224.0.0.0", 3, "ipv4"],
  ["::", 128, "ipv6"],
  ["fc00::", 7, "ipv6"],
  ["ff00::", 8, "ipv6"],
]);

/** A URL's host without the brackets of IPv6. */
export function bareHost(hostname: string): string {
  return hostname.startsWith("[") ? hostname.slice(1, -1) : hostname;
}

/** The IPv4 address that an IPv6 one stands for, as a NAT64 or a mapped address does. */
function embedded(address: string): string | undefined {
  // A URL writes the last two groups in hex.
  const canonical = bareHost(new URL(`http://[${address.replace(/%.*/, "")}]/`).hostname);
  const match = /^(?:::ffff:|64:ff9b::)([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(canonical);
  if (match === null) return undefined;
  const [high, low] = [Number.parseInt(match[1]!, 16), Number.parseInt(match[2]!, 16)];
  return [high >> 8, high & 255, low >> 8, low & 255].join(".");
}

/** How far inside an address lies. */
export function reachOf(address: string): Reach {
  const four = isIP(address) === 6 ? embedded(address) : undefined;
  if (four !== undefined) return reachOf(four);
  const family = isIP(address) === 6 ? "ipv6" : "ipv4";
  const plain = address.replace(/%.*/, "");
  if (LINK_LOCAL.check(plain, family)) return "link-local";
  if (LOOPBACK.check(plain, family)) return "loopback";
  return PRIVATE.check(plain, family) ? "private" : "public";
}

/** Whether a host name always means this machine. */
export function isLoopbackHost(hostname: string): boolean {
  const host = bareHost(hostname).toLowerCase();
  if (isIP(host) !== 0) return reachOf(host) === "loopback";
  return host === "localhost" || host.endsWith(".localhost");
}

/** Whether a registry that lies at `from` may name a host at `to`. */
export function mayReach(from: Reach, to: Reach): boolean {
  return REACHES.indexOf(to) <= REACHES.indexOf(from);
}

/** The reach of a host by its address; a name that cannot be looked up here, but perhaps by a proxy, is public. */
export async function hostReach(hostname: string): Promise<Reach> {
  const host = bareHost(hostname);
  if (isIP(host) !== 0) return reachOf(host);
  if (isLoopbackHost(host)) return "loopback";
  return await new Promise((resolve) => {
    systemLookup(host, (error, address) => resolve(error === null ? reachOf(address) : "public"));
  });
}

function refusal(host: string, to: Reach): RegistryError {
  return new RegistryError(
    "unsafe",
    `refusing to connect to ${host}, a ${to} address that the registry named`,
  );
}

/**
 * Refuses a host that is written as an address further inside than allowed.
 * @throws RegistryError (`unsafe`)
 */
export function checkLiteralHost(hostname: string, from: Reach): void {
  const host = bareHost(hostname);
  const reach = isIP(host) !== 0 ? reachOf(host) : isLoopbackHost(host) ? "loopback" : undefined;
  if (reach !== undefined && !mayReach(from, reach)) throw refusal(host, reach);
}

/** A look-up for connections that gives only addresses a registry at `from` may name. */
export function guardedLookup(from: Reach): LookupFunction {
  return (hostname, options, callback) => {
    systemLookup(hostname, { ...options, all: true }, (error, addresses) => {
      if (error !== null) return callback(error, "");
      const allowed = addresses.filter(({ address }) => mayReach(from, reachOf(address)));
      const [first] = allowed;
      if (first === undefined) {
        return callback(refusal(hostname, reachOf(addresses[0]?.address ?? "0.0.0.0")), "");
      }
      if (options.all) callback(null, allowed);
      else callback(null, first.address, first.family);
    });
  };
}
